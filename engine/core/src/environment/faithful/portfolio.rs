//! Portfolio management as the reference computes it. Source: TradeMaster 1.0.0, spec/trademaster.md section 3.2.
//!
//! Quirks kept: the softmax subtracts no maximum; the turnover that is charged counts the cash leg; the trade happens
//! at the close just observed; returns on close lose dividends; the terminal call repeats the last reward.

use std::sync::Arc;

use super::interface::{FaithfulEnvironment, Info, Step, check_action, softmax};
use super::weighted::{Walk, WalkSetup};
use super::{Panel, WeightAction};
use crate::error::EngineError;

const WHAT: &str = "portfolio";

/// What the reference fixes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PortfolioSetup {
    /// Amount at the start.
    pub initial_amount: f64,
    /// Cost rate c.
    pub cost_rate: f64,
    /// Agents give logits; rule baselines give weights.
    pub action: WeightAction,
}

impl Default for PortfolioSetup {
    fn default() -> Self {
        Self { initial_amount: 100_000.0, cost_rate: 0.001, action: WeightAction::Logits }
    }
}

/// The environment. Observation `[features, tickers]`; action: N + 1 logits (or weights), cash first.
#[derive(Debug, Clone)]
pub struct Portfolio {
    walk: Walk,
    action: WeightAction,
}

impl Portfolio {
    /// Builds the environment at the start of an episode.
    ///
    /// # Errors
    /// Refuses an amount not above 0, and a cost rate outside `[0, 1)`.
    pub fn new(panel: Arc<Panel>, setup: PortfolioSetup) -> Result<Self, EngineError> {
        let walk = WalkSetup {
            what: WHAT,
            start_day: 0,
            initial_amount: setup.initial_amount,
            cost_rate: setup.cost_rate,
            cash: true,
            begins_invested: false,
        };
        Ok(Self { walk: Walk::new(panel, walk)?, action: setup.action })
    }
}

impl FaithfulEnvironment for Portfolio {
    fn observation_shape(&self) -> Vec<usize> {
        vec![self.walk.panel.names().len(), self.walk.panel.tickers().len()]
    }

    fn observation_names(&self) -> Vec<String> {
        self.walk.feature_major_names()
    }

    fn reset(&mut self) {
        self.walk.reset();
    }

    fn observe(&self) -> Vec<f64> {
        self.walk.feature_major()
    }

    fn step(&mut self, action: &[f64]) -> Result<Step, EngineError> {
        check_action(WHAT, action, self.walk.len())?;
        if self.walk.at_end() {
            return Ok(Step { reward: self.walk.reward, done: true });
        }
        let weights = match self.action {
            WeightAction::Logits => softmax(action),
            WeightAction::Weights => action.to_vec(),
        };
        let (before, after) = self.walk.advance(&weights);
        self.walk.reward = after - before;
        Ok(Step { reward: self.walk.reward, done: false })
    }

    fn assets(&self) -> Vec<f64> {
        self.walk.assets.clone()
    }

    fn returns(&self) -> Vec<f64> {
        self.walk.returns.clone()
    }

    fn info(&self) -> Info {
        Info::from([("weights_brandnew", self.walk.drifted.clone())])
    }
}
