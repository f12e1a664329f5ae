//! One instrument, long or short, at average cost.

use crate::num::{Price, Quantity};

/// A remainder below this share of what was traded is rounding, not a position.
const REMAINDER_SHARE: f64 = 1e-12;

/// What is held and what it cost on average, fees excluded.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Position {
    quantity: f64,
    average_price: f64,
}

impl Position {
    /// Restores a position. Requires: a zero quantity comes with a zero price.
    pub(crate) fn restore(quantity: f64, average_price: f64) -> Self {
        Self { quantity, average_price }
    }

    /// Returns the units held, negative when short.
    #[must_use]
    pub fn quantity(&self) -> f64 {
        self.quantity
    }

    /// Returns the average price of what is held; 0 when nothing is.
    #[must_use]
    pub fn average_price(&self) -> f64 {
        self.average_price
    }

    /// Returns profit not yet realised at `price`, fees excluded.
    #[must_use]
    pub fn unrealised(&self, price: Price) -> f64 {
        self.quantity * (price.get() - self.average_price)
    }

    /// Books a trade and returns the profit it realises, fees excluded.
    ///
    /// A trade that crosses zero closes the old side first and opens the new one at its own price.
    pub fn apply(&mut self, quantity: Quantity, price: Price) -> f64 {
        let (before, change, price) = (self.quantity, quantity.get(), price.get());
        let after = settle(before, change);
        let grows = before * change >= 0.0;
        if grows {
            // From nothing the price is taken as it is: a weighted mean of one value could be off by one rounding.
            self.average_price = if before == 0.0 {
                price
            } else {
                (self.average_price * before.abs() + price * change.abs())
                    / (before.abs() + change.abs())
            };
            self.quantity = after;
            return 0.0;
        }
        let closed = before.abs().min(change.abs());
        let realised = closed * (price - self.average_price) * before.signum();
        if after == 0.0 {
            self.average_price = 0.0;
        } else if after * before < 0.0 {
            self.average_price = price;
        }
        self.quantity = after;
        realised
    }
}

/// Adds, and drops what can only be rounding.
fn settle(before: f64, change: f64) -> f64 {
    let after = before + change;
    if after.abs() <= REMAINDER_SHARE * before.abs().max(change.abs()) { 0.0 } else { after }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trade(position: &mut Position, quantity: f64, price: f64) -> f64 {
        position.apply(Quantity::new(quantity).unwrap(), Price::new(price).unwrap())
    }

    #[test]
    fn averages_the_price_while_it_grows() {
        let mut position = Position::default();
        assert!(trade(&mut position, 1.0, 100.0).abs() < 1e-12);
        assert!(trade(&mut position, 3.0, 200.0).abs() < 1e-12);
        assert!((position.average_price() - 175.0).abs() < 1e-12);
        assert!((position.unrealised(Price::new(176.0).unwrap()) - 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_trade_through_zero_closes_and_opens() {
        let mut position = Position::default();
        trade(&mut position, 2.0, 100.0);
        assert!((trade(&mut position, -5.0, 110.0) - 20.0).abs() < 1e-12);
        assert!((position.quantity() + 3.0).abs() < 1e-12);
        assert!((position.average_price() - 110.0).abs() < 1e-12);
        assert!((trade(&mut position, 3.0, 100.0) - 30.0).abs() < 1e-12);
        assert_eq!(position, Position::default());
    }

    #[test]
    fn rounding_is_not_a_position() {
        let mut position = Position::default();
        for _ in 0..3 {
            trade(&mut position, 0.1, 100.0);
        }
        trade(&mut position, -0.3, 100.0);
        assert_eq!(position, Position::default());
    }
}
