//! What was traded.

use super::Side;
use crate::num::{Money, Price, Quantity};

/// One execution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fill {
    /// Units, positive when bought.
    pub quantity: Quantity,
    /// Paid or received per unit, slippage included, fee excluded.
    pub price: Price,
    /// Fee, not negative.
    pub fee: Money,
    /// What slippage cost against the market's price, not negative. Already inside `price`.
    pub slippage: Money,
}

impl Fill {
    /// Returns the direction.
    #[must_use]
    pub fn side(&self) -> Side {
        Side::of(self.quantity)
    }

    /// Returns the traded value, quote currency, not negative.
    #[must_use]
    pub fn value(&self) -> f64 {
        (self.quantity.get() * self.price.get()).abs()
    }
}
