//! A wish to trade. Becomes an order only through [`crate::risk::review`].

use crate::num::{NumError, Price, Quantity};

/// Direction of a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The position grows.
    Buy,
    /// The position falls.
    Sell,
}

impl Side {
    /// Returns `buy` or `sell`, as in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }

    /// Returns the side of a signed quantity; zero counts as a purchase of nothing.
    #[must_use]
    pub fn of(quantity: Quantity) -> Self {
        if quantity.get() < 0.0 { Self::Sell } else { Self::Buy }
    }
}

/// An order somebody would like to place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OrderIntent {
    quantity: Quantity,
    limit: Option<Price>,
}

impl OrderIntent {
    /// Wishes to change the position by `quantity` units at any price, positive to buy.
    ///
    /// # Errors
    /// Refuses zero: that is no order.
    pub fn market(quantity: Quantity) -> Result<Self, NumError> {
        if quantity.get() == 0.0 {
            return Err(NumError { what: "quantity", wanted: "other than zero", found: 0.0 });
        }
        Ok(Self { quantity, limit: None })
    }

    /// Wishes to change the position by `quantity` units at `price` or better, positive to buy.
    ///
    /// # Errors
    /// Refuses zero: that is no order.
    pub fn limit(quantity: Quantity, price: Price) -> Result<Self, NumError> {
        Ok(Self { limit: Some(price), ..Self::market(quantity)? })
    }

    /// Returns the units wanted, positive to buy.
    #[must_use]
    pub fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// Returns the worst price that is wanted; absent for a market order.
    #[must_use]
    pub fn limit_price(&self) -> Option<Price> {
        self.limit
    }

    /// Returns the direction.
    #[must_use]
    pub fn side(&self) -> Side {
        Side::of(self.quantity)
    }
}
