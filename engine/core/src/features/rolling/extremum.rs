//! The largest or smallest of the last values, and where it stands.

use std::collections::VecDeque;

/// An extreme value of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extreme {
    /// The value.
    pub value: f64,
    /// Its place in the window, 0 for the oldest; of equal ones the oldest.
    pub place: usize,
}

/// Extreme of the last `window` values: a queue of those that may still become it, in falling order.
///
/// Source: Lemire 2006 (arXiv cs/0610046), "Streaming maximum-minimum filter using no more than three comparisons per
/// element".
#[derive(Debug, Clone)]
pub struct Extremum {
    window: usize,
    /// 1 for the maximum, −1 for the minimum.
    sign: f64,
    pushed: usize,
    candidates: VecDeque<(usize, f64)>,
}

impl Extremum {
    /// Returns an empty window of `window` values, at least one, whose maximum is wanted.
    #[must_use]
    pub fn maximum(window: usize) -> Self {
        Self { window: window.max(1), sign: 1.0, pushed: 0, candidates: VecDeque::new() }
    }

    /// Returns an empty window of `window` values, at least one, whose minimum is wanted.
    #[must_use]
    pub fn minimum(window: usize) -> Self {
        Self { sign: -1.0, ..Self::maximum(window) }
    }

    /// Adds a finite value; the oldest beyond the window leaves.
    pub fn push(&mut self, value: f64) {
        let value = self.sign * value;
        while self.candidates.back().is_some_and(|(_, last)| *last < value) {
            self.candidates.pop_back();
        }
        self.candidates.push_back((self.pushed, value));
        self.pushed += 1;
        while self.candidates.front().is_some_and(|(index, _)| index + self.window < self.pushed) {
            self.candidates.pop_front();
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.candidates.clear();
        self.pushed = 0;
    }

    /// Returns the extreme; absent until the window is full.
    #[must_use]
    pub fn extreme(&self) -> Option<Extreme> {
        let first = self.pushed.checked_sub(self.window)?;
        let (index, value) = self.candidates.front()?;
        Some(Extreme { value: self.sign * value, place: index - first })
    }

    /// Adds a value and returns the extreme.
    pub fn update(&mut self, value: f64) -> Option<Extreme> {
        self.push(value);
        self.extreme()
    }
}
