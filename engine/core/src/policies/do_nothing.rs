//! Never trades.

use super::{Policy, Seat};

/// The rule.
#[derive(Debug, Clone)]
pub struct DoNothing {
    action: usize,
}

impl DoNothing {
    /// Takes the middle action of a seat.
    #[must_use]
    pub fn new(seat: &Seat) -> Self {
        Self { action: seat.action_count / 2 }
    }
}

impl Policy for DoNothing {
    fn name(&self) -> &'static str {
        "do_nothing"
    }

    fn act(&mut self, _: &[f32]) -> usize {
        self.action
    }
}
