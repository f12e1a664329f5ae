//! Moving averages of the close.
//!
//! Seeds are TA-Lib's: an exponential average begins with the mean of its first window.

use super::Feature;
use super::rolling::{Lag, Regression, Seed, Smooth, Sum, number};
use crate::market::Bar;

/// Mean of the last closes.
pub struct Sma {
    window: usize,
    sum: Sum,
}

impl Sma {
    /// Returns the average over `window` bars.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, sum: Sum::new(window) }
    }
}

impl Feature for Sma {
    fn name(&self) -> String {
        format!("sma_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        self.sum.push(bar.close);
        self.sum.mean()
    }
}

/// Exponential average of the close, share 2 / (window + 1).
pub struct Ema {
    window: usize,
    smooth: Smooth,
}

impl Ema {
    /// Returns the average of `window` bars.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, smooth: Smooth::exponential(window, Seed::Mean) }
    }
}

impl Feature for Ema {
    fn name(&self) -> String {
        format!("ema_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        self.smooth.update(bar.close)
    }
}

/// Linearly weighted mean of the last closes: the newest weighs the window, the oldest 1.
pub struct Wma {
    window: usize,
    mean: LinearMean,
}

impl Wma {
    /// Returns the average over `window` bars.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, mean: LinearMean::new(window) }
    }
}

impl Feature for Wma {
    fn name(&self) -> String {
        format!("wma_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        self.mean.update(bar.close)
    }
}

/// The linearly weighted mean, from the line through the window: mean + slope · (window − 1) / 6.
///
/// Σ k·y = Σ (k − k̄)(y − ȳ) + n·k̄·ȳ with Σ (k − k̄)² = n(n² − 1)/12, over Σ k = n(n + 1)/2.
#[derive(Debug, Clone)]
pub(super) struct LinearMean {
    window: usize,
    line: Regression,
}

impl LinearMean {
    pub(super) fn new(window: usize) -> Self {
        Self { window, line: Regression::new(window) }
    }

    pub(super) fn clear(&mut self) {
        self.line.clear();
    }

    pub(super) fn update(&mut self, value: f64) -> Option<f64> {
        if self.window < 2 {
            return Some(value);
        }
        let line = self.line.update(value)?;
        Some(line.mean + line.slope * (number(self.window) - 1.0) / 6.0)
    }
}

/// Double exponential average: 2 · EMA − EMA of the EMA.
///
/// Source: Mulloy 1994, "Smoothing data with faster moving averages".
pub struct Dema {
    window: usize,
    first: Smooth,
    second: Smooth,
}

impl Dema {
    /// Returns the average of `window` bars.
    #[must_use]
    pub fn new(window: usize) -> Self {
        let smooth = Smooth::exponential(window, Seed::Mean);
        Self { window, first: smooth.clone(), second: smooth }
    }
}

impl Feature for Dema {
    fn name(&self) -> String {
        format!("dema_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        let first = self.first.update(bar.close)?;
        self.second.update(first).map(|second| 2.0 * first - second)
    }
}

/// Fastest and slowest span of Kaufman's average, in bars.
const KAMA_SPANS: [f64; 2] = [2.0, 30.0];

/// Kaufman's adaptive average: fast where the price goes one way, slow where it goes back and forth. Begins with the
/// close before the first full window, as TA-Lib does.
///
/// Source: Kaufman 1995, "Smarter Trading".
pub struct Kama {
    window: usize,
    before: Lag,
    previous: Option<f64>,
    path: Sum,
    value: Option<f64>,
}

impl Kama {
    /// Returns the average whose direction is judged over `window` bars.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self {
            window,
            before: Lag::new(window),
            previous: None,
            path: Sum::new(window),
            value: None,
        }
    }
}

impl Feature for Kama {
    fn name(&self) -> String {
        format!("kama_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        let before = self.before.update(bar.close);
        let previous = self.previous.replace(bar.close)?;
        let path = self.path.update((bar.close - previous).abs());
        let (before, path) = before.zip(path)?;
        // Where nothing moved, the price went straight.
        let efficiency =
            if 0.0 < path { ((bar.close - before).abs() / path).min(1.0) } else { 1.0 };
        let [fast, slow] = KAMA_SPANS.map(|span| 2.0 / (span + 1.0));
        let share = (efficiency * (fast - slow) + slow).powi(2);
        let value = self.value.unwrap_or(previous);
        self.value = Some(value + share * (bar.close - value));
        self.value
    }
}
