//! Online Newton step: second-order steps up the logarithm of growth.
//!
//! Agarwal et al. 2006 (doi 10.1145/1143844.1143846), figure 1: with ∇ = x/(b·x), A = I + Σ∇∇ᵀ and
//! g = (1 + 1/β)·Σ∇, the next portfolio is (1 − η)·Π_A(δ·A⁻¹·g) + η/N. The projection in the norm of A is the quadratic
//! programme least ½bᵀAb − δ·gᵀb over the simplex, solved exactly; A⁻¹ is not needed.

use serde::{Deserialize, Serialize};

use super::{OnlineSelection, Period};
use crate::config::policy::OnsConfig;
use crate::error::EngineError;
use crate::policies::algebra::{Square, dot};
use crate::policies::quadratic::Programme;

/// Online Newton step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ons {
    config: OnsConfig,
    weights: Vec<f64>,
    /// The projection, before the uniform portfolio is mixed in.
    projected: Vec<f64>,
    curvature: Square,
    gradients: Vec<f64>,
}

impl Ons {
    /// Begins with equal weights.
    #[must_use]
    pub fn new(config: &OnsConfig, width: usize) -> Self {
        Self {
            config: config.clone(),
            weights: super::uniform(width),
            projected: super::uniform(width),
            curvature: Square::identity(width, 1.0),
            gradients: vec![0.0; width],
        }
    }
}

impl OnlineSelection for Ons {
    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn observe(&mut self, period: &Period<'_>) -> Result<(), EngineError> {
        let OnsConfig { eta, beta, delta } = self.config;
        let growth = dot(&self.weights, period.relatives);
        let gradient: Vec<f64> = period.relatives.iter().map(|part| part / growth).collect();
        self.curvature.add_outer(&gradient, 1.0);
        for (sum, part) in self.gradients.iter_mut().zip(&gradient) {
            *sum += (1.0 + 1.0 / beta) * part;
        }
        let linear = self.gradients.iter().map(|sum| delta * sum).collect();
        let programme = Programme::long_only(self.curvature.clone(), linear);
        self.projected = programme.solve(Some(&self.projected))?;
        let share = eta / self.weights.len() as f64;
        self.weights = self.projected.iter().map(|weight| (1.0 - eta) * weight + share).collect();
        Ok(())
    }

    fn is_whole(&self) -> bool {
        let width = self.weights.len();
        self.projected.len() == width
            && self.gradients.len() == width
            && self.curvature.size() == width
            && self.curvature.values.len() == width * width
    }
}
