//! Expected return against variance and trading: the greatest μᵀw − λ/2·wᵀΣw − κ/2·‖w − w₀‖² over long-only weights.
//!
//! Markowitz 1952; the quadratic cost of trading follows Gârleanu and Pedersen 2013 (doi 10.1111/jofi.12080), with the
//! identity in place of their cost matrix. Proportional costs would need another solver and are left out.

use super::refuse;
use crate::error::EngineError;
use crate::policies::algebra::Square;
use crate::policies::quadratic::Programme;

/// What is weighed against each other.
#[derive(Debug, Clone, Copy)]
pub struct MeanVariance<'a> {
    /// μ, expected return per period, `[N]`.
    pub means: &'a [f64],
    /// Σ per period, `[N, N]`.
    pub covariance: &'a Square,
    /// λ, at least 0.
    pub risk_aversion: f64,
    /// κ, at least 0.
    pub turnover_penalty: f64,
    /// w₀, weights held now, `[N]`.
    pub held: &'a [f64],
    /// Greatest weight of one asset; raised to 1/N where it is less.
    pub weight_max: f64,
}

/// Returns the best weights `[N]`.
///
/// # Errors
/// Refuses sizes that do not fit and numbers that are not finite.
pub fn mean_variance(problem: &MeanVariance<'_>) -> Result<Vec<f64>, EngineError> {
    let size = problem.covariance.size();
    if size == 0 || problem.held.len() != size || problem.means.len() != size {
        return Err(refuse(format!(
            "wanted means and holdings of {size} assets, found {} and {}",
            problem.means.len(),
            problem.held.len()
        )));
    }
    let mut quadratic = problem.covariance.clone();
    quadratic.values.iter_mut().for_each(|value| *value *= problem.risk_aversion);
    quadratic.add_to_diagonal(problem.turnover_penalty);
    let linear = problem
        .means
        .iter()
        .zip(problem.held)
        .map(|(mean, held)| mean + problem.turnover_penalty * held)
        .collect();
    let high = problem.weight_max.min(1.0).max(1.0 / size as f64);
    Programme { quadratic, linear, low: 0.0, high }.solve(None)
}
