//! Covariance, correlation and the straight line through the last values.

use super::halves::{Half, Halves, Sums};
use super::{DEVIATION_RELATIVE_MIN, number};

/// Sums of deviations of pairs from the anchor, and of their products.
#[derive(Debug, Clone, Copy)]
struct Products {
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Sums for Products {
    type Item = (f64, f64);
    const NOTHING: Self = Self { x: 0.0, y: 0.0, xx: 0.0, xy: 0.0, yy: 0.0 };

    fn add(&mut self, item: &(f64, f64), anchor: &(f64, f64)) {
        let (x, y) = (item.0 - anchor.0, item.1 - anchor.1);
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
    }
}

/// Means, kept as anchor and offset so that nothing is lost at high levels, and central sums.
#[derive(Debug, Clone, Copy)]
struct Centre {
    anchor: (f64, f64),
    offset: (f64, f64),
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Centre {
    fn of(half: &Half<'_, Products>) -> Self {
        let (count, sums) = (number(half.count), half.sums);
        let offset = (sums.x / count, sums.y / count);
        Self {
            anchor: *half.anchor,
            offset,
            xx: (sums.xx - sums.x * offset.0).max(0.0),
            xy: sums.xy - sums.x * offset.1,
            yy: (sums.yy - sums.y * offset.1).max(0.0),
        }
    }

    fn mean_x(&self) -> f64 {
        self.anchor.0 + self.offset.0
    }

    fn mean_y(&self) -> f64 {
        self.anchor.1 + self.offset.1
    }
}

/// Comoments of the last `window` pairs.
#[derive(Debug, Clone)]
pub struct Comoments(Halves<Products>);

impl Comoments {
    /// Returns an empty window of `window` pairs, at least one.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self(Halves::new(window))
    }

    /// Adds a pair of finite values; the oldest beyond the window leaves.
    pub fn push(&mut self, x: f64, y: f64) {
        self.0.push((x, y));
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns Σ(x − mean x)(y − mean y) / (window − `ddof`); absent until the window is full, and for windows that
    /// are not longer than `ddof`.
    #[must_use]
    pub fn covariance(&self, ddof: usize) -> Option<f64> {
        let freedom = self.0.len().checked_sub(ddof).filter(|freedom| 0 < *freedom)?;
        self.centre().map(|centre| centre.xy / number(freedom))
    }

    /// Returns Pearson's correlation, within [−1, 1]; absent until the window is full, and where one side does not vary
    /// beyond rounding.
    #[must_use]
    pub fn correlation(&self) -> Option<f64> {
        let centre = self.centre()?;
        let count = number(self.0.len());
        let varies = |squares: f64, mean: f64| {
            let least = DEVIATION_RELATIVE_MIN * mean.abs();
            0.0 < squares && least * least * count < squares
        };
        if !varies(centre.xx, centre.mean_x()) || !varies(centre.yy, centre.mean_y()) {
            return None;
        }
        Some((centre.xy / (centre.xx.sqrt() * centre.yy.sqrt())).clamp(-1.0, 1.0))
    }

    /// Source: Chan, Golub, LeVeque 1983, eq. 1.5, and the same for products.
    fn centre(&self) -> Option<Centre> {
        if !self.0.is_full() {
            return None;
        }
        let [older, newer] = self.0.parts();
        match (older, newer) {
            (Some(older), Some(newer)) => {
                let (left, right) = (number(older.count), number(newer.count));
                let (a, b) = (Centre::of(&older), Centre::of(&newer));
                let x = (b.anchor.0 - a.anchor.0) + (b.offset.0 - a.offset.0);
                let y = (b.anchor.1 - a.anchor.1) + (b.offset.1 - a.offset.1);
                let share = right / (left + right);
                let weight = left * share;
                Some(Centre {
                    anchor: a.anchor,
                    offset: (a.offset.0 + x * share, a.offset.1 + y * share),
                    xx: a.xx + b.xx + x * x * weight,
                    xy: a.xy + b.xy + x * y * weight,
                    yy: a.yy + b.yy + y * y * weight,
                })
            }
            (Some(half), None) | (None, Some(half)) => Some(Centre::of(&half)),
            (None, None) => None,
        }
    }
}

/// The straight line through a window, and how the values lie around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Mean of the values.
    pub mean: f64,
    /// Σ(y − mean)² / (window − 1).
    pub variance: f64,
    /// Change per step of the least-squares line.
    pub slope: f64,
    /// Share of the variance that the line explains, within [0, 1]; absent where the values do not vary.
    pub r_squared: Option<f64>,
    /// The newest value less the line at it.
    pub residual: f64,
}

/// Least-squares line through the last `window` values, one step apart.
#[derive(Debug, Clone)]
pub struct Regression {
    pairs: Comoments,
    step: f64,
}

impl Regression {
    /// Returns an empty window of `window` values, at least one.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { pairs: Comoments::new(window), step: 0.0 }
    }

    /// Adds a finite value; the oldest beyond the window leaves.
    pub fn push(&mut self, value: f64) {
        // Whole numbers: their differences are exact, and a window sees no others.
        self.step += 1.0;
        self.pairs.push(self.step, value);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.pairs.clear();
        self.step = 0.0;
    }

    /// Returns the line; absent until the window is full, and for windows shorter than two.
    #[must_use]
    pub fn line(&self) -> Option<Line> {
        let count = number(self.pairs.0.len());
        if count < 2.0 {
            return None;
        }
        let centre = self.pairs.centre()?;
        let newest = self.pairs.0.last()?.1;
        let steps = count * (count * count - 1.0) / 12.0;
        let slope = centre.xy / steps;
        let least = DEVIATION_RELATIVE_MIN * centre.mean_y().abs();
        let varies = 0.0 < centre.yy && least * least * count < centre.yy;
        let above = (newest - centre.anchor.1) - centre.offset.1;
        Some(Line {
            mean: centre.mean_y(),
            variance: centre.yy / (count - 1.0),
            slope,
            r_squared: varies.then(|| (slope * centre.xy / centre.yy).clamp(0.0, 1.0)),
            residual: above - slope * (count - 1.0) / 2.0,
        })
    }

    /// Adds a value and returns the line.
    pub fn update(&mut self, value: f64) -> Option<Line> {
        self.push(value);
        self.line()
    }
}
