//! Buys as much as it may at every bar and never sells: the environment's limits stop it once it is invested.

use super::{Policy, Seat};

/// The rule.
#[derive(Debug, Clone)]
pub struct BuyAndHold {
    action: usize,
}

impl BuyAndHold {
    /// Takes the highest action of a seat.
    #[must_use]
    pub fn new(seat: &Seat) -> Self {
        Self { action: seat.action_count.saturating_sub(1) }
    }
}

impl Policy for BuyAndHold {
    fn name(&self) -> &'static str {
        "buy_and_hold"
    }

    fn act(&mut self, _: &[f32]) -> usize {
        self.action
    }
}
