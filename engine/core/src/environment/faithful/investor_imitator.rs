//! Investor Imitator as the reference computes it. Source: TradeMaster 1.0.0, spec/trademaster.md section 3.6.
//!
//! Quirks kept: the action chooses one of five frozen descriptors, whose scores become weights without cash; rule
//! baselines pass weights instead, and a vector of zeros rewrites the recorded lists to returns of 0 and assets of 1;
//! the declared shape is (1, 638), so that `state_dim` is 1; it begins invested without paying; the terminal call
//! repeats the last reward.

use std::fmt;
use std::sync::Arc;

use super::Panel;
use super::interface::{FaithfulEnvironment, Info, Step, check_action, choice, softmax};
use super::weighted::{Walk, WalkSetup};
use crate::error::EngineError;

const WHAT: &str = "Investor Imitator portfolio";

/// The descriptors, in the order of the actions: annual return, Sharpe ratio, win rate, maximum drawdown, excess return.
pub const DESCRIPTORS: [&str; 5] = ["AR", "SR", "WR", "MDD", "ER"];

/// The frozen networks that score one ticker. The reference's are not shipped.
pub trait Descriptors: Send + Sync {
    /// Returns the score of each of [`DESCRIPTORS`] for one ticker's features of today.
    fn scores(&self, features: &[f64]) -> [f64; 5];
}

/// Prefers nothing: every score is 0, so that every action means equal weights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Indifferent;

impl Descriptors for Indifferent {
    fn scores(&self, _features: &[f64]) -> [f64; 5] {
        [0.0; 5]
    }
}

/// What the reference's configuration sets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImitatorSetup {
    /// Amount at the start.
    pub initial_amount: f64,
    /// Cost rate c.
    pub cost_rate: f64,
}

impl Default for ImitatorSetup {
    fn default() -> Self {
        Self { initial_amount: 100_000.0, cost_rate: 0.0001 }
    }
}

/// The environment. Observation: features by ticker and feature, scores by descriptor and ticker, the weights drifted
/// so far (638 numbers with 16 features and 29 tickers); action: the number of a descriptor, or N weights.
#[derive(Clone)]
pub struct InvestorImitator {
    walk: Walk,
    descriptors: Arc<dyn Descriptors>,
}

impl fmt::Debug for InvestorImitator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvestorImitator").field("walk", &self.walk).finish_non_exhaustive()
    }
}

impl InvestorImitator {
    /// Builds the environment at the start of an episode.
    ///
    /// # Errors
    /// Refuses an amount not above 0, and a cost rate outside `[0, 1)`.
    pub fn new(
        panel: Arc<Panel>,
        setup: ImitatorSetup,
        descriptors: Arc<dyn Descriptors>,
    ) -> Result<Self, EngineError> {
        let walk = WalkSetup {
            what: WHAT,
            start_day: 0,
            initial_amount: setup.initial_amount,
            cost_rate: setup.cost_rate,
            cash: false,
            begins_invested: true,
        };
        Ok(Self { walk: Walk::new(panel, walk)?, descriptors })
    }

    /// Returns the features of one ticker on the present day.
    fn features(&self, ticker: usize) -> Vec<f64> {
        let panel = &self.walk.panel;
        (0..panel.names().len()).map(|f| panel.feature(f, self.walk.day)[ticker]).collect()
    }

    /// Returns today's scores, `[5, tickers]`.
    #[must_use]
    pub fn scores(&self) -> Vec<f64> {
        let tickers = self.walk.panel.tickers().len();
        let by_ticker: Vec<[f64; 5]> =
            (0..tickers).map(|ticker| self.descriptors.scores(&self.features(ticker))).collect();
        (0..DESCRIPTORS.len())
            .flat_map(|descriptor| by_ticker.iter().map(move |scores| scores[descriptor]))
            .collect()
    }

    fn weights(&self, action: &[f64]) -> Result<Vec<f64>, EngineError> {
        let tickers = self.walk.len();
        // With one ticker a single number is its weight: whichever descriptor were chosen, all would be held.
        if action.len() == 1 && 1 < tickers {
            let chosen = choice(WHAT, action, DESCRIPTORS.len())?;
            return Ok(softmax(&self.scores()[chosen * tickers..(chosen + 1) * tickers]));
        }
        check_action(WHAT, action, tickers)?;
        Ok(action.to_vec())
    }

    /// Goes on without holding anything: the lists say 0 and 1 from the beginning.
    fn hold_nothing(&mut self) {
        self.walk.day += 1;
        let len = self.walk.assets.len() + 1;
        self.walk.assets = vec![1.0; len];
        self.walk.returns = vec![0.0; len];
        self.walk.drifted = vec![0.0; self.walk.len()];
        self.walk.reward = 0.0;
    }
}

impl FaithfulEnvironment for InvestorImitator {
    fn observation_shape(&self) -> Vec<usize> {
        let (tickers, features) = (self.walk.panel.tickers().len(), self.walk.panel.names().len());
        vec![1, tickers * (features + DESCRIPTORS.len() + 1)]
    }

    fn observation_names(&self) -> Vec<String> {
        let (tickers, features) = (self.walk.panel.tickers(), self.walk.panel.names());
        let mut names = Vec::new();
        for ticker in tickers {
            names.extend(features.iter().map(|name| format!("{name} {ticker}")));
        }
        for descriptor in DESCRIPTORS {
            names.extend(tickers.iter().map(|ticker| format!("{descriptor} {ticker}")));
        }
        names.extend(tickers.iter().map(|ticker| format!("weight {ticker}")));
        names
    }

    fn reset(&mut self) {
        self.walk.reset();
    }

    fn observe(&self) -> Vec<f64> {
        let mut state: Vec<f64> =
            (0..self.walk.panel.tickers().len()).flat_map(|ticker| self.features(ticker)).collect();
        state.extend(self.scores());
        state.extend(&self.walk.drifted);
        state
    }

    fn step(&mut self, action: &[f64]) -> Result<Step, EngineError> {
        let weights = self.weights(action)?;
        if self.walk.at_end() {
            return Ok(Step { reward: self.walk.reward, done: true });
        }
        if weights.iter().all(|weight| weight.abs() <= 0.0) {
            self.hold_nothing();
        } else {
            let (before, after) = self.walk.advance(&weights);
            self.walk.reward = after - before;
        }
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
