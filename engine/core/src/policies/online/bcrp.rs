//! The best constant rebalanced portfolio of all periods: hindsight, so it gives weights and nothing that decides.

use crate::error::EngineError;
use crate::policies::log_optimal::log_optimal;
use crate::policies::relatives::Relatives;

/// How far short of the greatest logarithm of wealth the result may stay, up to rounding.
const TOLERANCE: f64 = 1e-10;

/// Returns the weights whose rebalanced portfolio would have grown most without costs.
///
/// Source: Cover 1991; found by convex optimisation with a known error (`log_optimal`).
///
/// # Errors
/// Passes on refusals of the optimisation.
pub fn weights(relatives: &Relatives) -> Result<Vec<f64>, EngineError> {
    let rows: Vec<&[f64]> = relatives.rows().collect();
    log_optimal(&rows, None, TOLERANCE)
}
