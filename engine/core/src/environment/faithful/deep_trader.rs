//! DeepTrader's environment as the reference computes it. Source: TradeMaster 1.0.0, spec/trademaster.md section 3.5.
//!
//! Quirks kept: no cash; weights may be negative and are used as they are; drifted weights are divided by their sum,
//! which long-short weights can bring near 0; it begins invested without paying.

use std::sync::Arc;

use super::Panel;
use super::eiie::{WindowSetup, walk_setup};
use super::interface::{FaithfulEnvironment, Info, Step, check_action};
use super::weighted::Walk;
use crate::error::EngineError;

const WHAT: &str = "DeepTrader portfolio";

/// The environment. Observation `[tickers, features, T]`, oldest day first; action: N weights, no cash.
#[derive(Debug, Clone)]
pub struct DeepTrader {
    walk: Walk,
    setup: WindowSetup,
}

impl DeepTrader {
    /// Builds the environment at the start of an episode.
    ///
    /// # Errors
    /// Refuses fewer than T days, T = 0, an amount not above 0, and a cost rate outside `[0, 1)`.
    pub fn new(panel: Arc<Panel>, setup: WindowSetup) -> Result<Self, EngineError> {
        let walk = walk_setup(WHAT, &setup, false)?;
        Ok(Self { walk: Walk::new(panel, walk)?, setup })
    }
}

impl FaithfulEnvironment for DeepTrader {
    fn observation_shape(&self) -> Vec<usize> {
        let panel = &self.walk.panel;
        vec![panel.tickers().len(), panel.names().len(), self.setup.time_steps]
    }

    fn observation_names(&self) -> Vec<String> {
        let panel = &self.walk.panel;
        let mut names = Vec::new();
        for ticker in panel.tickers() {
            for name in panel.names() {
                let backwards = (0..self.setup.time_steps).rev();
                names.extend(backwards.map(|back| format!("{name} {ticker} t-{back}")));
            }
        }
        names
    }

    fn reset(&mut self) {
        self.walk.reset();
    }

    fn observe(&self) -> Vec<f64> {
        let (panel, day) = (&self.walk.panel, self.walk.day);
        let mut state = Vec::new();
        for ticker in 0..panel.tickers().len() {
            for feature in 0..panel.names().len() {
                let rows = day + 1 - self.setup.time_steps..=day;
                state.extend(rows.map(|row| panel.feature(feature, row)[ticker]));
            }
        }
        state
    }

    /// The terminal reward is 0.
    fn step(&mut self, action: &[f64]) -> Result<Step, EngineError> {
        check_action(WHAT, action, self.walk.len())?;
        if self.walk.at_end() {
            return Ok(Step { reward: 0.0, done: true });
        }
        let (before, after) = self.walk.advance(action);
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
