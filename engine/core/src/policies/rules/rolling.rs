//! Portfolio optimisers on a rolling window: decided again every so many bars, drifting in between.
//!
//! Decides at bars whose number since the beginning is a multiple of `every`, and whenever all is in cash. Before three
//! bars were seen, and when an asset does not vary over the window, weights are equal.

use super::{PortfolioView, WeightPolicy, check, invested_equally};
use crate::config::policy::{CovarianceConfig, EstimatorConfig};
use crate::error::EngineError;
use crate::policies::optimisers::{
    MeanVariance, VARIANCE_SHARE_MIN, covariance, hierarchical_risk_parity, mean_variance,
    min_variance, risk_parity,
};

/// What is optimised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Objective {
    /// Least variance.
    MinVariance {
        /// Greatest weight of one asset.
        weight_max: f64,
    },
    /// Equal contributions to risk.
    RiskParity,
    /// Hierarchical risk parity.
    Hierarchical,
    /// Mean against variance and trading.
    MeanVariance {
        /// Greatest weight of one asset.
        weight_max: f64,
        /// Aversion to variance.
        risk_aversion: f64,
        /// Weight of the squared distance to the holdings.
        turnover_penalty: f64,
    },
}

/// An optimiser on a rolling window.
#[derive(Debug, Clone)]
pub struct Rolling {
    window: usize,
    every: usize,
    estimator: EstimatorConfig,
    objective: Objective,
}

impl Rolling {
    /// Takes window, rhythm and objective.
    #[must_use]
    pub fn new(config: &CovarianceConfig, every: u32, objective: Objective) -> Self {
        Self {
            window: usize::try_from(config.window).unwrap_or(usize::MAX),
            every: usize::try_from(every).unwrap_or(usize::MAX).max(1),
            estimator: config.estimator,
            objective,
        }
    }
}

impl WeightPolicy for Rolling {
    fn name(&self) -> &'static str {
        match self.objective {
            Objective::MinVariance { .. } => "min_variance",
            Objective::RiskParity => "risk_parity",
            Objective::Hierarchical => "hierarchical_risk_parity",
            Objective::MeanVariance { .. } => "mean_variance",
        }
    }

    fn decide(&mut self, view: &PortfolioView<'_>) -> Result<Vec<f64>, EngineError> {
        check(view)?;
        if !view.is_all_cash() && !view.seen.periods().is_multiple_of(self.every) {
            return Ok(view.holdings.to_vec());
        }
        let seen = view.seen.newest(self.window);
        if seen.periods() < 3 {
            return Ok(invested_equally(seen.width()));
        }
        let risk = covariance(&seen, self.estimator)?;
        let variances = || (0..risk.size()).map(|asset| risk.at(asset, asset));
        let most = variances().fold(0.0, f64::max);
        if variances().any(|variance| variance <= VARIANCE_SHARE_MIN * most) {
            return Ok(invested_equally(seen.width()));
        }
        let weights = match self.objective {
            Objective::MinVariance { weight_max } => min_variance(&risk, weight_max)?,
            Objective::RiskParity => risk_parity(&risk)?,
            Objective::Hierarchical => hierarchical_risk_parity(&risk)?,
            Objective::MeanVariance { weight_max, risk_aversion, turnover_penalty } => {
                mean_variance(&MeanVariance {
                    means: &crate::policies::optimisers::covariance::means(&seen),
                    covariance: &risk,
                    risk_aversion,
                    turnover_penalty,
                    held: &view.holdings[1..],
                    weight_max,
                })?
            }
        };
        let sum: f64 = weights.iter().sum();
        Ok(std::iter::once(0.0).chain(weights.iter().map(|weight| weight / sum)).collect())
    }
}
