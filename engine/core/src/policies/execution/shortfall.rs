//! Implementation shortfall: what trading cost against a portfolio on paper that traded all at once at the price of the
//! decision.
//!
//! Perold 1988 (doi 10.3905/jpm.1988.409150): execution cost of what was traded, opportunity cost of what was not, fees.

use super::refuse;
use crate::error::EngineError;

/// What happened.
#[derive(Debug, Clone, Copy)]
pub struct ShortfallInputs<'a> {
    /// Amount that was decided on; negative for a sale.
    pub amount: f64,
    /// Price at the decision.
    pub decision_price: f64,
    /// Amount and price of each fill; amounts have the sign of `amount`.
    pub fills: &'a [(f64, f64)],
    /// Fees paid, quote currency.
    pub fees: f64,
    /// Price at the end, at which what was not traded is valued.
    pub final_price: f64,
}

/// The shortfall and its parts, quote currency; positive is a cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shortfall {
    /// Fills against the price of the decision.
    pub execution: f64,
    /// What was not traded, against the price at the end.
    pub opportunity: f64,
    /// Fees.
    pub fees: f64,
    /// All of it.
    pub total: f64,
    /// All of it in hundredths of a per cent of the value at the decision; absent where that is 0.
    pub basis_points: Option<f64>,
}

/// Returns the implementation shortfall.
///
/// # Errors
/// Refuses prices that are not above 0, fills against the order or beyond it, and numbers that are not finite.
pub fn implementation_shortfall(inputs: &ShortfallInputs<'_>) -> Result<Shortfall, EngineError> {
    let is_price = |price: f64| price.is_finite() && price > 0.0;
    let filled: f64 = inputs.fills.iter().map(|(amount, _)| amount).sum();
    let good_fills = inputs.fills.iter().all(|(amount, price)| {
        is_price(*price) && amount.is_finite() && 0.0 <= amount * inputs.amount
    });
    let good_numbers = is_price(inputs.decision_price)
        && is_price(inputs.final_price)
        && inputs.amount.is_finite()
        && inputs.fees.is_finite();
    let within = filled.abs() <= inputs.amount.abs() * (1.0 + 1e-9);
    if !(good_fills && good_numbers && within) {
        return Err(refuse(format!(
            "wanted prices above 0 and fills in the order's direction that do not exceed it, found {inputs:?}"
        )));
    }
    let moved = |amount: f64, price: f64| amount * (price - inputs.decision_price);
    let execution: f64 = inputs.fills.iter().map(|(amount, price)| moved(*amount, *price)).sum();
    let opportunity = moved(inputs.amount - filled, inputs.final_price);
    let total = execution + opportunity + inputs.fees;
    let value = (inputs.amount * inputs.decision_price).abs();
    let basis_points = (value > 0.0).then(|| total / value * 1e4);
    Ok(Shortfall { execution, opportunity, fees: inputs.fees, total, basis_points })
}
