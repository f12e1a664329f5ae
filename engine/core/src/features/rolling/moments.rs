//! Mean and variance of the last values.

use super::halves::{Halves, Sums};
use super::number;

/// Sums of deviations from the anchor and of their squares.
#[derive(Debug, Clone, Copy)]
struct Powers {
    first: f64,
    second: f64,
}

impl Sums for Powers {
    type Item = f64;
    const NOTHING: Self = Self { first: 0.0, second: 0.0 };

    fn add(&mut self, item: &f64, anchor: &f64) {
        let deviation = item - anchor;
        self.first += deviation;
        self.second += deviation * deviation;
    }
}

/// Mean and variance of the last `window` values.
#[derive(Debug, Clone)]
pub struct Moments(Halves<Powers>);

impl Moments {
    /// Returns an empty window of `window` values, at least one.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self(Halves::new(window))
    }

    /// Adds a finite value; the oldest beyond the window leaves.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the mean; absent until the window is full.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        self.whole().map(|(mean, _)| mean)
    }

    /// Returns Σ(x − mean)² / (window − `ddof`); absent until the window is full, and for windows that are not longer
    /// than `ddof`.
    #[must_use]
    pub fn variance(&self, ddof: usize) -> Option<f64> {
        let freedom = self.0.len().checked_sub(ddof).filter(|freedom| 0 < *freedom)?;
        self.whole().map(|(_, squares)| squares / number(freedom))
    }

    /// Returns the square root of [`variance`](Self::variance).
    #[must_use]
    pub fn deviation(&self, ddof: usize) -> Option<f64> {
        self.variance(ddof).map(f64::sqrt)
    }

    /// Mean and sum of squares around it, from the two halves.
    ///
    /// Source: Chan, Golub, LeVeque 1983, "Algorithms for computing the sample variance", eq. 1.5.
    fn whole(&self) -> Option<(f64, f64)> {
        if !self.0.is_full() {
            return None;
        }
        let of = |half: &super::halves::Half<'_, Powers>| {
            let offset = half.sums.first / number(half.count);
            (*half.anchor, offset, (half.sums.second - half.sums.first * offset).max(0.0))
        };
        let [older, newer] = self.0.parts();
        match (older, newer) {
            (Some(older), Some(newer)) => {
                let (left, right) = (number(older.count), number(newer.count));
                let ((anchor, offset, squares), other) = (of(&older), of(&newer));
                let apart = (other.0 - anchor) + (other.1 - offset);
                let share = right / (left + right);
                let mean = anchor + (offset + apart * share);
                Some((mean, squares + other.2 + apart * apart * left * share))
            }
            (Some(half), None) | (None, Some(half)) => {
                let (anchor, offset, squares) = of(&half);
                Some((anchor + offset, squares))
            }
            (None, None) => None,
        }
    }
}
