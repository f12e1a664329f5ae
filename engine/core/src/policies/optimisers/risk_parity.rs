//! Risk parity: every asset contributes the same to the variance.
//!
//! Maillard, Roncalli and Teïletche 2010 (doi 10.3905/jpm.2010.36.4.060). The weights are the minimum of
//! ½wᵀΣw − Σ ln w_i / N, scaled to sum to 1 (Spinu 2013), found by cyclical coordinate descent, whose steps are exact
//! (Griveau-Billion, Richard and Roncalli 2013, arXiv 1311.4057).

use super::{check_variances, refuse};
use crate::error::EngineError;
use crate::policies::algebra::{Square, dot};

/// Contributions differ from 1/N by at most this.
const TOLERANCE: f64 = 1e-11;
/// Most passes over all assets.
const PASSES_MAX: usize = 10_000;

/// Returns the weights `[N]` whose contributions to the variance are equal.
///
/// # Errors
/// Refuses assets without variance, and covariances on which the search does not end, which have directions without
/// variance.
pub fn risk_parity(covariance: &Square) -> Result<Vec<f64>, EngineError> {
    check_variances(covariance)?;
    let size = covariance.size();
    let budget = 1.0 / size as f64;
    let mut weights: Vec<f64> =
        (0..size).map(|asset| (budget / covariance.at(asset, asset)).sqrt()).collect();
    for _ in 0..PASSES_MAX {
        for asset in 0..size {
            let own = covariance.at(asset, asset);
            let others = dot(covariance.row(asset), &weights) - own * weights[asset];
            // The positive root of own·w² + others·w − budget, in the form that does not cancel.
            let root = (others * others + 4.0 * own * budget).sqrt();
            weights[asset] = if others > 0.0 {
                2.0 * budget / (others + root)
            } else {
                (root - others) / (2.0 * own)
            };
        }
        let shares = risk_contributions(covariance, &weights);
        if shares.iter().all(|share| (share - budget).abs() <= TOLERANCE) {
            let sum: f64 = weights.iter().sum();
            return Ok(weights.iter().map(|weight| weight / sum).collect());
        }
    }
    Err(refuse(format!(
        "wanted equal contributions to risk, found none after {PASSES_MAX} passes; shrink the covariance"
    )))
}

/// Returns each asset's share of the variance of `weights`, summing to 1.
#[must_use]
pub fn risk_contributions(covariance: &Square, weights: &[f64]) -> Vec<f64> {
    let risk = covariance.times(weights);
    let variance = dot(&risk, weights);
    risk.iter().zip(weights).map(|(part, weight)| part * weight / variance).collect()
}
