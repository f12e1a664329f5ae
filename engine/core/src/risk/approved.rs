//! An order that passed the review. There is no other way to make one.

use crate::num::{Price, Quantity};
use crate::orders::{OrderIntent, Side};

/// Proof that every guard was asked and none refused.
///
/// Only [`crate::risk::review`] makes it. It cannot be written down:
///
/// ```compile_fail,E0451
/// use engine::num::Quantity;
/// let forged = engine::risk::ApprovedOrder { quantity: Quantity::ZERO, limit: None };
/// ```
///
/// nor constructed:
///
/// ```compile_fail,E0624
/// use engine::{num::Quantity, orders::OrderIntent, risk::ApprovedOrder};
/// let intent = OrderIntent::market(Quantity::new(1.0).unwrap()).unwrap();
/// let forged = ApprovedOrder::new(&intent);
/// ```
///
/// nor read from bytes:
///
/// ```compile_fail,E0277
/// let forged: engine::risk::ApprovedOrder = serde_json::from_str(r#"{"quantity":1.0}"#).unwrap();
/// ```
///
/// The proper way compiles:
///
/// ```
/// use engine::{config::RiskConfig, num::Quantity, orders::OrderIntent};
/// use engine::risk::{ApprovedOrder, RiskView, review};
/// let intent = OrderIntent::market(Quantity::new(1.0).unwrap()).unwrap();
/// let view = RiskView { position: Quantity::ZERO, reference_price: None };
/// let order: ApprovedOrder = review(&intent, &view, &RiskConfig::default()).outcome.unwrap();
/// assert_eq!(order.quantity().get(), 1.0);
/// ```
#[derive(Debug, PartialEq)]
pub struct ApprovedOrder {
    quantity: Quantity,
    limit: Option<Price>,
}

impl ApprovedOrder {
    pub(super) fn new(intent: &OrderIntent) -> Self {
        Self { quantity: intent.quantity(), limit: intent.limit_price() }
    }

    /// Returns the units to trade, positive to buy.
    #[must_use]
    pub fn quantity(&self) -> Quantity {
        self.quantity
    }

    /// Returns the worst price at which it may be executed; absent for a market order.
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
