//! Passive-aggressive mean reversion: away from what just grew, as far as is needed to have gained less than ε.
//!
//! Li et al. 2012 (doi 10.1007/s10994-012-5281-z), algorithm 1. τ = max(0, r − ε)/‖x − x̄‖², r net of cost;
//! b = Π(b − τ(x − x̄)). `Capped` is the paper's PAMR-1 (τ at most C), `Damped` PAMR-2 (the norm plus 1/(2C)).

use serde::{Deserialize, Serialize};

use super::simplex::{centred, project};
use super::{OnlineSelection, Period};
use crate::error::EngineError;

/// How far one step may go.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Slack {
    /// As far as is needed.
    None,
    /// At most C.
    Capped(f64),
    /// Damped by 1/(2C).
    Damped(f64),
}

/// Passive-aggressive mean reversion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pamr {
    epsilon: f64,
    slack: Slack,
    weights: Vec<f64>,
}

impl Pamr {
    /// Begins with equal weights.
    #[must_use]
    pub fn new(epsilon: f64, slack: Slack, width: usize) -> Self {
        Self { epsilon, slack, weights: super::uniform(width) }
    }
}

impl OnlineSelection for Pamr {
    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn observe(&mut self, period: &Period<'_>) -> Result<(), EngineError> {
        let loss = (period.growth_net - self.epsilon).max(0.0);
        let (centred, squares) = centred(period.relatives);
        // Without differences there is nothing to move along, whatever the step.
        let over = |squares: f64| if squares > 0.0 { loss / squares } else { loss };
        let step = match self.slack {
            Slack::None => over(squares),
            Slack::Capped(most) => over(squares).min(most),
            Slack::Damped(softness) => over(squares + 0.5 / softness),
        };
        let moved: Vec<f64> =
            self.weights.iter().zip(&centred).map(|(weight, part)| weight - step * part).collect();
        if moved.iter().all(|value| value.is_finite()) {
            self.weights = project(&moved);
        }
        Ok(())
    }

    fn reads_net_growth(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(slack: Slack) -> f64 {
        let mut pamr = Pamr::new(0.5, slack, 2);
        pamr.observe(&Period { relatives: &[1.5, 0.5], growth_net: 1.0 }).unwrap();
        pamr.weights()[0]
    }

    #[test]
    fn steps_done_by_hand() {
        // ‖x − x̄‖² = 0.5, loss 0.5: τ = 1, b = (0.5 − 0.5, 0.5 + 0.5).
        assert!(after(Slack::None).abs() < 1e-15);
        assert!((after(Slack::Capped(0.4)) - 0.3).abs() < 1e-15);
        // 0.5/(0.5 + 0.5) = 0.5: b = (0.25, 0.75).
        assert!((after(Slack::Damped(1.0)) - 0.25).abs() < 1e-15);
    }
}
