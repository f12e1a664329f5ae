//! SARL as the reference computes it. Source: TradeMaster 1.0.0, spec/trademaster.md section 3.3.
//!
//! The base environment with a movement predictor's outputs behind the features. Quirks kept: the base environment's,
//! and that it begins invested in everything, cash included, without paying for it.

use std::fmt;
use std::sync::Arc;

use super::interface::{FaithfulEnvironment, Info, Step, check_action, softmax};
use super::weighted::{Walk, WalkSetup};
use super::{Panel, WeightAction};
use crate::error::EngineError;

const WHAT: &str = "SARL portfolio";

/// Predicts whether closes will rise. The reference's is one LSTM shared by all tickers, which is not shipped.
pub trait MovementPredictor: Send + Sync {
    /// Returns one number per ticker for windows `[tickers, days, features]`, oldest day first.
    fn predict(&self, windows: &[f64], tickers: usize) -> Vec<f64>;
}

/// Knows nothing: one half for every ticker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Undecided;

impl MovementPredictor for Undecided {
    fn predict(&self, _windows: &[f64], tickers: usize) -> Vec<f64> {
        vec![0.5; tickers]
    }
}

/// What the reference's configuration sets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SarlSetup {
    /// Amount at the start.
    pub initial_amount: f64,
    /// Cost rate c.
    pub cost_rate: f64,
    /// Days the predictor looks back on, L; also the day of the first decision.
    pub length_day: usize,
    /// Agents give logits; rule baselines give weights.
    pub action: WeightAction,
}

impl Default for SarlSetup {
    fn default() -> Self {
        Self {
            initial_amount: 10_000.0,
            cost_rate: 0.001,
            length_day: 5,
            action: WeightAction::Logits,
        }
    }
}

/// The environment. Observation: features by feature and ticker, then one prediction per ticker (493 numbers with 16
/// features and 29 tickers); action: N + 1 logits (or weights), cash first.
#[derive(Clone)]
pub struct Sarl {
    walk: Walk,
    setup: SarlSetup,
    predictor: Arc<dyn MovementPredictor>,
}

impl fmt::Debug for Sarl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sarl").field("walk", &self.walk).field("setup", &self.setup).finish()
    }
}

impl Sarl {
    /// Builds the environment at the start of an episode.
    ///
    /// # Errors
    /// Refuses fewer than L + 1 days, L = 0, an amount not above 0, and a cost rate outside `[0, 1)`.
    pub fn new(
        panel: Arc<Panel>,
        setup: SarlSetup,
        predictor: Arc<dyn MovementPredictor>,
    ) -> Result<Self, EngineError> {
        if setup.length_day == 0 {
            let detail = "the predictor's window must be at least 1 day, found 0".to_owned();
            return Err(EngineError::Refused { what: WHAT, detail });
        }
        let walk = WalkSetup {
            what: WHAT,
            start_day: setup.length_day,
            initial_amount: setup.initial_amount,
            cost_rate: setup.cost_rate,
            cash: true,
            begins_invested: true,
        };
        Ok(Self { walk: Walk::new(panel, walk)?, setup, predictor })
    }

    /// Returns the windows `[tickers, L, features]` of the days before the present one.
    #[must_use]
    pub fn windows(&self) -> Vec<f64> {
        let (panel, day) = (&self.walk.panel, self.walk.day);
        let mut windows = Vec::new();
        for ticker in 0..panel.tickers().len() {
            for row in day - self.setup.length_day..day {
                windows.extend((0..panel.names().len()).map(|f| panel.feature(f, row)[ticker]));
            }
        }
        windows
    }
}

impl FaithfulEnvironment for Sarl {
    fn observation_shape(&self) -> Vec<usize> {
        vec![(self.walk.panel.names().len() + 1) * self.walk.panel.tickers().len()]
    }

    fn observation_names(&self) -> Vec<String> {
        let mut names = self.walk.feature_major_names();
        names.extend(self.walk.panel.tickers().iter().map(|ticker| format!("movement {ticker}")));
        names
    }

    fn reset(&mut self) {
        self.walk.reset();
    }

    fn observe(&self) -> Vec<f64> {
        let mut state = self.walk.feature_major();
        state.extend(self.predictor.predict(&self.windows(), self.walk.panel.tickers().len()));
        state
    }

    fn step(&mut self, action: &[f64]) -> Result<Step, EngineError> {
        check_action(WHAT, action, self.walk.len())?;
        if self.walk.at_end() {
            return Ok(Step { reward: self.walk.reward, done: true });
        }
        let weights = match self.setup.action {
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
