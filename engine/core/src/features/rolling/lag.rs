//! The value some steps ago.

use std::collections::VecDeque;

/// The value `steps` before the newest.
#[derive(Debug, Clone)]
pub struct Lag {
    steps: usize,
    values: VecDeque<f64>,
}

impl Lag {
    /// Returns an empty line of `steps` values.
    #[must_use]
    pub fn new(steps: usize) -> Self {
        Self { steps, values: VecDeque::with_capacity(steps + 1) }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.values.clear();
    }

    /// Adds a value and returns the one `steps` before it; absent until there is one.
    pub fn update(&mut self, value: f64) -> Option<f64> {
        self.values.push_back(value);
        if self.values.len() <= self.steps {
            return None;
        }
        self.values.pop_front()
    }
}
