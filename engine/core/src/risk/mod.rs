//! Hop 6: the one gate between a wish and an order. Training, back-test, paper and live pass it alike.
//!
//! Every guard states its condition positively: the order passes when the condition is shown to hold. Missing input,
//! NaN and overflow refuse.

mod affordability;
mod approved;
mod guards;
mod review;

pub use affordability::{Funds, Terms, affordable_lots};
pub use approved::ApprovedOrder;
pub use review::{Check, CheckOutcome, Verdict, review};

use crate::num::{Price, Quantity};
use crate::orders::OrderIntent;

/// Every guard there is, in the order in which they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guard {
    /// `max_position`: the position afterwards.
    MaxPosition,
    /// `max_notional`: the value of the order.
    MaxNotional,
}

impl Guard {
    /// Every guard, in the order of the chain.
    pub const ALL: [Self; 2] = [Self::MaxPosition, Self::MaxNotional];

    /// Returns the stable word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MaxPosition => "max_position",
            Self::MaxNotional => "max_notional",
        }
    }
}

/// What a guard may look at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RiskView {
    /// Units held before the order.
    pub position: Quantity,
    /// Price by which the order is valued; absent when unknown, and then value limits refuse.
    pub reference_price: Option<Price>,
}

/// An order that may not be.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the order was refused by {}: the limit is {limit}, the order leads to {}", guard.as_str(), shown(*value))]
pub struct Refusal {
    /// Who refused.
    pub guard: Guard,
    /// The limit it holds.
    pub limit: f64,
    /// What the order would lead to; absent when that cannot be known.
    pub value: Option<f64>,
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "an unknown value".to_owned(), |number| number.to_string())
}

/// One limit and the condition under which an order keeps it.
pub trait RiskGuard {
    /// Returns which guard this is.
    fn guard(&self) -> Guard;

    /// Passes an order that is shown to keep the limit.
    ///
    /// # Errors
    /// Refuses everything else.
    fn check(&self, intent: &OrderIntent, view: &RiskView) -> Result<(), Refusal>;
}
