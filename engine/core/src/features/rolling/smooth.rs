//! Exponential smoothing: the next value is the last one, moved by a share of the distance to what is new.

use super::number;

/// What the first smoothed value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// The mean of the first `window` values: TA-Lib's convention.
    Mean,
    /// The first value: the convention of `ewm(adjust=False)`.
    First,
}

/// Smoothed values; absent until `window` values were seen, whatever the seed.
#[derive(Debug, Clone)]
pub struct Smooth {
    window: usize,
    share: f64,
    seed: Seed,
    seen: usize,
    value: f64,
}

impl Smooth {
    /// Returns the exponential moving average: share 2 / (`window` + 1).
    #[must_use]
    pub fn exponential(window: usize, seed: Seed) -> Self {
        let window = window.max(1);
        Self { window, share: 2.0 / (number(window) + 1.0), seed, seen: 0, value: 0.0 }
    }

    /// Returns Wilder's smoothing: share 1 / `window`.
    ///
    /// Source: Wilder 1978, "New Concepts in Technical Trading Systems".
    #[must_use]
    pub fn wilder(window: usize, seed: Seed) -> Self {
        let window = window.max(1);
        Self { share: 1.0 / number(window), ..Self::exponential(window, seed) }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.seen = 0;
        self.value = 0.0;
    }

    /// Returns the smoothed value; absent until `window` values were seen.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.window <= self.seen).then_some(self.value)
    }

    /// Adds a finite value and returns the smoothed one.
    pub fn update(&mut self, value: f64) -> Option<f64> {
        self.seen = self.seen.saturating_add(1);
        let share = match self.seed {
            // The running mean of the first values, exact where they are equal.
            Seed::Mean if self.seen <= self.window => 1.0 / number(self.seen),
            Seed::First if self.seen == 1 => 1.0,
            Seed::Mean | Seed::First => self.share,
        };
        self.value += share * (value - self.value);
        self.value()
    }
}
