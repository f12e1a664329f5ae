//! Exponentiated gradient: weights follow the assets that just grew, a little.
//!
//! Helmbold et al. 1998 (doi 10.1111/1467-9965.00058), equation 3.4: b ∝ b·exp(η·x/(b·x)).

use serde::{Deserialize, Serialize};

use super::{OnlineSelection, Period};
use crate::config::policy::EgConfig;
use crate::error::EngineError;
use crate::policies::algebra::dot;

/// Exponentiated gradient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Eg {
    eta: f64,
    weights: Vec<f64>,
}

impl Eg {
    /// Begins with equal weights.
    #[must_use]
    pub fn new(config: &EgConfig, width: usize) -> Self {
        Self { eta: config.eta, weights: super::uniform(width) }
    }
}

impl OnlineSelection for Eg {
    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn observe(&mut self, period: &Period<'_>) -> Result<(), EngineError> {
        let scale = self.eta / dot(&self.weights, period.relatives);
        // The greatest exponent is taken off all of them: only ratios count, and nothing overflows.
        let most = period.relatives.iter().copied().fold(0.0, f64::max);
        for (weight, relative) in self.weights.iter_mut().zip(period.relatives) {
            *weight *= ((relative - most) * scale).exp();
        }
        let sum: f64 = self.weights.iter().sum();
        self.weights.iter_mut().for_each(|weight| *weight /= sum);
        Ok(())
    }
}
