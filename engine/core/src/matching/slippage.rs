//! Slippage of market orders in basis points of the price: against us on both sides, never an improvement.

use crate::num::{NumError, Price};
use crate::orders::Side;

/// One basis point as a share.
const BASIS_POINT: f64 = 1e-4;

/// Returns the price at which a market order is executed when the market stands at `market`.
///
/// # Errors
/// Refuses a slippage so large that no price is left.
pub fn slipped(side: Side, market: Price, slippage_bps: f64) -> Result<Price, NumError> {
    let share = slippage_bps * BASIS_POINT;
    match side {
        Side::Buy => Price::new(market.get() * (1.0 + share)),
        Side::Sell => Price::new(market.get() * (1.0 - share)),
    }
}
