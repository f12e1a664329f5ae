//! The long-only portfolio with the least variance, each weight at most a bound. Markowitz 1952.

use super::refuse;
use crate::error::EngineError;
use crate::policies::algebra::Square;
use crate::policies::quadratic::Programme;

/// Returns the weights `[N]` of least variance, each from 0 to `weight_max`; a bound below 1/N is raised to it.
///
/// # Errors
/// Refuses no assets and covariances that are none.
pub fn min_variance(covariance: &Square, weight_max: f64) -> Result<Vec<f64>, EngineError> {
    let size = covariance.size();
    if size == 0 {
        return Err(refuse("wanted at least one asset, found none".to_owned()));
    }
    // Weights do not depend on the scale; the search is sharpest around 1.
    let scale = covariance.trace() / size as f64;
    let mut quadratic = covariance.clone();
    if scale > 0.0 {
        quadratic.values.iter_mut().for_each(|value| *value /= scale);
    }
    let high = weight_max.min(1.0).max(1.0 / size as f64);
    Programme { quadratic, linear: vec![0.0; size], low: 0.0, high }.solve(None)
}
