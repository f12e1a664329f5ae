//! The market: equal shares bought once and held. Its weights are what growth makes of them.

use serde::{Deserialize, Serialize};

use super::{OnlineSelection, Period, drifted};
use crate::error::EngineError;

/// Buy and hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Market {
    weights: Vec<f64>,
}

impl Market {
    /// Holds equal shares of `width` assets.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self { weights: super::uniform(width) }
    }
}

impl OnlineSelection for Market {
    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn observe(&mut self, period: &Period<'_>) -> Result<(), EngineError> {
        self.weights = drifted(&self.weights, period.relatives);
        Ok(())
    }
}
