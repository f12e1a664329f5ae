//! Momentum and oscillators.
//!
//! Conventions and seeds are TA-Lib's. Where a range or a path has length 0 the value is not defined.

use std::collections::VecDeque;

use super::rolling::{Extremum, Lag, Seed, Smooth, Sum, number};
use super::{Block, Feature, quotient};
use crate::market::Bar;

/// Difference of two exponential averages of the close, its own average (signal) and what lies between.
///
/// Both averages begin at the same bar, each with the mean of its last bars up to it (TA-Lib).
/// Source: Appel 1979.
pub struct Macd {
    windows: [usize; 3],
    skipped: usize,
    fast: Smooth,
    slow: Smooth,
    signal: Smooth,
}

impl Macd {
    /// Returns the indicator of averages over `fast` and `slow` bars and a signal over `signal` bars; `fast` is taken
    /// as at most `slow`.
    #[must_use]
    pub fn new(fast: usize, slow: usize, signal: usize) -> Self {
        let fast = fast.min(slow);
        let smooth = |window| Smooth::exponential(window, Seed::Mean);
        Self {
            windows: [fast, slow, signal],
            skipped: slow - fast,
            fast: smooth(fast),
            slow: smooth(slow),
            signal: smooth(signal),
        }
    }
}

impl Block for Macd {
    fn names(&self) -> Vec<String> {
        let [fast, slow, signal] = self.windows;
        ["macd", "macd_signal", "macd_histogram"]
            .iter()
            .map(|name| format!("{name}_{fast}_{slow}_{signal}"))
            .collect()
    }

    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        let slow = self.slow.update(bar.close);
        let fast = if self.skipped == 0 {
            self.fast.update(bar.close)
        } else {
            self.skipped -= 1;
            None
        };
        let line = fast.zip(slow).map(|(fast, slow)| fast - slow);
        let signal = line.and_then(|line| self.signal.update(line));
        let between = line.zip(signal).map(|(line, signal)| line - signal);
        row.extend([line, signal, between]);
    }
}

/// Relative strength: 100 · gains / (gains + losses), both in Wilder's smoothing. Not defined where nothing moved.
///
/// Source: Wilder 1978, "New Concepts in Technical Trading Systems".
pub struct Rsi {
    window: usize,
    previous: Option<f64>,
    gains: Smooth,
    losses: Smooth,
}

impl Rsi {
    /// Returns the indicator over `window` changes.
    #[must_use]
    pub fn new(window: usize) -> Self {
        let smooth = Smooth::wilder(window, Seed::Mean);
        Self { window, previous: None, gains: smooth.clone(), losses: smooth }
    }
}

impl Feature for Rsi {
    fn name(&self) -> String {
        format!("rsi_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        let change = bar.close - self.previous.replace(bar.close)?;
        let gains = self.gains.update(change.max(0.0));
        let losses = self.losses.update((-change).max(0.0));
        let (gains, losses) = gains.zip(losses)?;
        quotient(100.0 * gains, gains + losses)
    }
}

/// Highest high and lowest low of a window.
struct Range {
    high: Extremum,
    low: Extremum,
}

impl Range {
    fn new(window: usize) -> Self {
        Self { high: Extremum::maximum(window), low: Extremum::minimum(window) }
    }

    fn update(&mut self, bar: &Bar) -> Option<(f64, f64)> {
        let high = self.high.update(bar.high);
        let low = self.low.update(bar.low);
        high.zip(low).map(|(high, low)| (high.value, low.value))
    }
}

/// Where the close stands in the range of a window, in per cent: averaged (k), and averaged again (d).
///
/// Source: Lane 1984; TA-Lib STOCH with simple averages.
pub struct Stochastic {
    windows: [usize; 3],
    range: Range,
    k: Sum,
    d: Sum,
}

impl Stochastic {
    /// Returns the indicator over `window` bars, with averages over `smooth` and `signal` values.
    #[must_use]
    pub fn new(window: usize, smooth: usize, signal: usize) -> Self {
        Self {
            windows: [window, smooth, signal],
            range: Range::new(window),
            k: Sum::new(smooth),
            d: Sum::new(signal),
        }
    }
}

impl Block for Stochastic {
    fn names(&self) -> Vec<String> {
        let [window, smooth, signal] = self.windows;
        ["stochastic_k", "stochastic_d"]
            .iter()
            .map(|name| format!("{name}_{window}_{smooth}_{signal}"))
            .collect()
    }

    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        let range = self.range.update(bar);
        let place = range.and_then(|(high, low)| quotient(100.0 * (bar.close - low), high - low));
        let Some(place) = place else {
            self.k.clear();
            self.d.clear();
            row.extend([None, None]);
            return;
        };
        self.k.push(place);
        let k = self.k.mean();
        let d = k.and_then(|k| {
            self.d.push(k);
            self.d.mean()
        });
        row.extend([k, d]);
    }
}

/// Williams' %R: −100 · (highest − close) / (highest − lowest).
pub struct WilliamsR {
    window: usize,
    range: Range,
}

impl WilliamsR {
    /// Returns the indicator over `window` bars.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, range: Range::new(window) }
    }
}

impl Feature for WilliamsR {
    fn name(&self) -> String {
        format!("williams_r_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        let (high, low) = self.range.update(bar)?;
        quotient(-100.0 * (high - bar.close), high - low)
    }
}

/// Scales the index so that most values lie within ±100 (Lambert).
const CCI_SCALE: f64 = 0.015;

/// Commodity channel index: distance of the typical price from its mean, in mean absolute deviations. The deviations
/// are summed anew for each bar: O(window).
///
/// Source: Lambert 1980.
pub struct Cci {
    window: usize,
    values: VecDeque<f64>,
}

impl Cci {
    /// Returns the indicator over `window` bars.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window: window.max(1), values: VecDeque::new() }
    }
}

impl Feature for Cci {
    fn name(&self) -> String {
        format!("cci_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        let typical = typical(bar);
        if self.values.len() == self.window {
            self.values.pop_front();
        }
        self.values.push_back(typical);
        if self.values.len() < self.window {
            return None;
        }
        let count = number(self.window);
        let mean = self.values.iter().sum::<f64>() / count;
        let deviation = self.values.iter().map(|value| (value - mean).abs()).sum::<f64>() / count;
        // What is left of equal values is rounding.
        let least = super::rolling::DEVIATION_RELATIVE_MIN * mean.abs();
        (least < deviation).then(|| (typical - mean) / (CCI_SCALE * deviation))
    }
}

/// Mean of high, low and close.
pub(super) fn typical(bar: &Bar) -> f64 {
    (bar.high + bar.low + bar.close) / 3.0
}

/// Change of the close over a window, in per cent.
pub struct Roc {
    window: usize,
    before: Lag,
}

impl Roc {
    /// Returns the change over `window` bars.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, before: Lag::new(window) }
    }
}

impl Feature for Roc {
    fn name(&self) -> String {
        format!("roc_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        self.before.update(bar.close).map(|before| 100.0 * (bar.close / before - 1.0))
    }
}

/// Change of the close over a window, in the quote currency.
pub struct Momentum {
    window: usize,
    before: Lag,
}

impl Momentum {
    /// Returns the change over `window` bars.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, before: Lag::new(window) }
    }
}

impl Feature for Momentum {
    fn name(&self) -> String {
        format!("momentum_{}", self.window)
    }

    fn update(&mut self, bar: &Bar) -> Option<f64> {
        self.before.update(bar.close).map(|before| bar.close - before)
    }
}
