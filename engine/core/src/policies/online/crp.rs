//! Constant rebalanced portfolio: the same weights at the beginning of every period.

use serde::{Deserialize, Serialize};

use super::{OnlineSelection, Period, refuse};
use crate::config::policy::CrpConfig;
use crate::error::EngineError;

/// Weights that never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Crp {
    weights: Vec<f64>,
}

impl Crp {
    /// Holds the configured weights, or equal ones.
    ///
    /// # Errors
    /// Refuses weights of another number than assets, and weights that do not sum to 1.
    pub fn new(config: &CrpConfig, width: usize) -> Result<Self, EngineError> {
        if config.weights.is_empty() {
            return Ok(Self { weights: super::uniform(width) });
        }
        let sum: f64 = config.weights.iter().sum();
        if config.weights.len() == width && (sum - 1.0).abs() <= 1e-9 {
            return Ok(Self { weights: config.weights.clone() });
        }
        Err(refuse(format!(
            "wanted {width} weights that sum to 1, found {} that sum to {sum}; give one weight per asset, or none for \
             equal weights",
            config.weights.len()
        )))
    }
}

impl OnlineSelection for Crp {
    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn observe(&mut self, _: &Period<'_>) -> Result<(), EngineError> {
        Ok(())
    }
}
