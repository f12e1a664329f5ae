//! The sum and the mean of the last values.

use super::halves::{Halves, Sums};
use super::number;

#[derive(Debug, Clone, Copy)]
struct Total(f64);

impl Sums for Total {
    type Item = f64;
    const NOTHING: Self = Self(0.0);

    fn add(&mut self, item: &f64, _: &f64) {
        self.0 += item;
    }
}

/// Sum of the last `window` values.
#[derive(Debug, Clone)]
pub struct Sum(Halves<Total>);

impl Sum {
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

    /// Returns the sum; absent until the window is full.
    #[must_use]
    pub fn sum(&self) -> Option<f64> {
        if !self.0.is_full() {
            return None;
        }
        Some(self.0.parts().iter().flatten().map(|half| half.sums.0).sum())
    }

    /// Returns the mean; absent until the window is full.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        self.sum().map(|sum| sum / number(self.0.len()))
    }

    /// Adds a value and returns the sum.
    pub fn update(&mut self, value: f64) -> Option<f64> {
        self.push(value);
        self.sum()
    }
}
