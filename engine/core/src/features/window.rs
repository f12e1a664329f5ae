//! A ring of the last values, oldest first.

use std::collections::VecDeque;

/// The last `len` values.
#[derive(Debug, Clone)]
pub struct Window {
    len: usize,
    values: VecDeque<f64>,
}

impl Window {
    /// Returns an empty window of `len` values, at least one.
    #[must_use]
    pub fn new(len: usize) -> Self {
        let len = len.max(1);
        Self { len, values: VecDeque::with_capacity(len) }
    }

    /// Adds a value and drops the oldest beyond the length.
    pub fn push(&mut self, value: f64) {
        if self.values.len() == self.len {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    /// Returns the mean, absent until the window is full. Summed anew each time: a running sum would carry the rounding
    /// of values long gone, and two starting points would disagree.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "windows are short")]
    pub fn mean(&self) -> Option<f64> {
        (self.values.len() == self.len).then(|| self.values.iter().sum::<f64>() / self.len as f64)
    }
}
