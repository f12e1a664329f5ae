//! Directional movement: how strong a trend is, whichever way it goes.

use super::rolling::{Seed, Smooth, number};
use super::volatility::TrueRange;
use super::{Block, quotient};
use crate::market::Bar;

/// Wilder's running sum as TA-Lib begins it: `window` − 1 values are added, from then on a share leaves before the next
/// one enters.
struct RunningSum {
    window: usize,
    seen: usize,
    sum: f64,
}

impl RunningSum {
    fn new(window: usize) -> Self {
        Self { window: window.max(1), seen: 0, sum: 0.0 }
    }

    fn update(&mut self, value: f64) -> Option<f64> {
        self.seen = self.seen.saturating_add(1);
        if self.seen < self.window {
            self.sum += value;
            return None;
        }
        self.sum = self.sum - self.sum / number(self.window) + value;
        Some(self.sum)
    }
}

/// Positive and negative directional indicator and the average directional index, in per cent.
///
/// Source: Wilder 1978; seeds of TA-Lib.
pub struct Adx {
    window: usize,
    previous: Option<Bar>,
    range: TrueRange,
    up: RunningSum,
    down: RunningSum,
    ranges: RunningSum,
    index: Smooth,
}

impl Adx {
    /// Returns the indicator over `window` bars.
    #[must_use]
    pub fn new(window: usize) -> Self {
        let sum = || RunningSum::new(window);
        Self {
            window,
            previous: None,
            range: TrueRange::default(),
            up: sum(),
            down: sum(),
            ranges: sum(),
            index: Smooth::wilder(window, Seed::Mean),
        }
    }
}

impl Block for Adx {
    fn names(&self) -> Vec<String> {
        ["adx", "plus_di", "minus_di"]
            .iter()
            .map(|name| format!("{name}_{}", self.window))
            .collect()
    }

    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        let range = self.range.update(bar);
        let Some((previous, range)) = self.previous.replace(*bar).zip(range) else {
            row.extend([None; 3]);
            return;
        };
        let (up, down) = (bar.high - previous.high, previous.low - bar.low);
        let plus = if down < up && 0.0 < up { up } else { 0.0 };
        let minus = if up < down && 0.0 < down { down } else { 0.0 };
        let (plus, minus) = (self.up.update(plus), self.down.update(minus));
        let range = self.ranges.update(range);
        let share = |moved: Option<f64>| {
            moved.zip(range).and_then(|(moved, range)| quotient(100.0 * moved, range))
        };
        let (plus, minus) = (share(plus), share(minus));
        let index = plus
            .zip(minus)
            .and_then(|(plus, minus)| quotient(100.0 * (plus - minus).abs(), plus + minus));
        // Where neither side moved the index keeps its value.
        let average = match index {
            Some(index) => self.index.update(index),
            None => self.index.value(),
        };
        row.extend([average, plus, minus]);
    }
}
