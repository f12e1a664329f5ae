//! The last values in order of size: ranks and quantiles.

use std::collections::VecDeque;

use super::number;

/// The last `window` values, sorted.
#[derive(Debug, Clone)]
pub struct Ordered {
    window: usize,
    values: VecDeque<f64>,
    sorted: Vec<f64>,
}

impl Ordered {
    /// Returns an empty window of `window` values, at least one.
    #[must_use]
    pub fn new(window: usize) -> Self {
        let window = window.max(1);
        Self { window, values: VecDeque::with_capacity(window), sorted: Vec::with_capacity(window) }
    }

    /// Adds a finite value; the oldest beyond the window leaves.
    pub fn push(&mut self, value: f64) {
        let place = |sorted: &[f64], value: f64| {
            sorted.partition_point(|other| other.total_cmp(&value).is_lt())
        };
        let leaving = if self.values.len() == self.window { self.values.pop_front() } else { None };
        self.values.push_back(value);
        let Some(leaving) = leaving else {
            self.sorted.insert(place(&self.sorted, value), value);
            return;
        };
        // Only what lies between the two moves, by one.
        let (from, to) = (place(&self.sorted, leaving), place(&self.sorted, value));
        if from < to {
            self.sorted.copy_within(from + 1..to, from);
            self.sorted[to - 1] = value;
        } else {
            self.sorted.copy_within(to..from, to + 1);
            self.sorted[to] = value;
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.values.clear();
        self.sorted.clear();
    }

    /// Returns the rank of the newest value, from 1 for the smallest to the window; equal values share the mean of
    /// their ranks. Absent until the window is full.
    #[must_use]
    pub fn rank(&self) -> Option<f64> {
        let newest = *self.full()?.values.back()?;
        let below = self.sorted.partition_point(|value| *value < newest);
        let equal = self.sorted[below..].partition_point(|value| *value <= newest);
        Some(number(below) + (number(equal) + 1.0) / 2.0)
    }

    /// Returns the quantile at `share` of [0, 1], between neighbours in proportion; absent until the window is full.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length lies within it"
    )]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let sorted = &self.full()?.sorted;
        let place = share.clamp(0.0, 1.0) * number(sorted.len() - 1);
        let below = (place.floor() as usize).min(sorted.len() - 1);
        let above = (below + 1).min(sorted.len() - 1);
        Some(sorted[below] + (place - number(below)) * (sorted[above] - sorted[below]))
    }

    fn full(&self) -> Option<&Self> {
        (self.sorted.len() == self.window).then_some(self)
    }
}
