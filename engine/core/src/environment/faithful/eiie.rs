//! EIIE as the reference computes it. Source: TradeMaster 1.0.0, spec/trademaster.md section 3.4.
//!
//! Quirks kept: weight 0 is cash here while the EIIE network puts its cash weight last, so that its cash weight buys
//! the last ticker and the first ticker's weight stays in cash; the weights are used as they are, whatever their sum;
//! it begins invested without paying; the window is `time_steps`, the configured `length_day` is ignored; the declared
//! spaces are wrong (action N, state F).

use std::sync::Arc;

use super::Panel;
use super::interface::{FaithfulEnvironment, Info, Step, check_action};
use super::weighted::{Walk, WalkSetup};
use crate::error::EngineError;

const WHAT: &str = "EIIE portfolio";

/// What the reference fixes, for EIIE and DeepTrader.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowSetup {
    /// Amount at the start.
    pub initial_amount: f64,
    /// Cost rate c.
    pub cost_rate: f64,
    /// Days of the observation's window, T; the first decision is on day T − 1.
    pub time_steps: usize,
}

impl Default for WindowSetup {
    fn default() -> Self {
        Self { initial_amount: 100_000.0, cost_rate: 0.001, time_steps: 10 }
    }
}

/// The environment. Observation `[tickers, T, features]`, oldest day first; action: N + 1 weights, cash first.
#[derive(Debug, Clone)]
pub struct Eiie {
    walk: Walk,
    setup: WindowSetup,
}

impl Eiie {
    /// Builds the environment at the start of an episode.
    ///
    /// # Errors
    /// Refuses fewer than T days, T = 0, an amount not above 0, and a cost rate outside `[0, 1)`.
    pub fn new(panel: Arc<Panel>, setup: WindowSetup) -> Result<Self, EngineError> {
        let walk = walk_setup(WHAT, &setup, true)?;
        Ok(Self { walk: Walk::new(panel, walk)?, setup })
    }

    /// Returns what the EIIE environment declares: `(action_dim, state_dim)` = (N, F), though an action has N + 1
    /// numbers.
    #[must_use]
    pub fn declared_dimensions(&self) -> (usize, usize) {
        (self.walk.panel.tickers().len(), self.walk.panel.names().len())
    }
}

/// Returns the walk of an environment with a window.
///
/// # Errors
/// Refuses a window of no days.
pub(super) fn walk_setup(
    what: &'static str,
    setup: &WindowSetup,
    cash: bool,
) -> Result<WalkSetup, EngineError> {
    let Some(start_day) = setup.time_steps.checked_sub(1) else {
        let detail = "the window must be at least 1 day, found 0".to_owned();
        return Err(EngineError::Refused { what, detail });
    };
    Ok(WalkSetup {
        what,
        start_day,
        initial_amount: setup.initial_amount,
        cost_rate: setup.cost_rate,
        cash,
        begins_invested: true,
    })
}

impl FaithfulEnvironment for Eiie {
    fn observation_shape(&self) -> Vec<usize> {
        let panel = &self.walk.panel;
        vec![panel.tickers().len(), self.setup.time_steps, panel.names().len()]
    }

    fn observation_names(&self) -> Vec<String> {
        let panel = &self.walk.panel;
        let mut names = Vec::new();
        for ticker in panel.tickers() {
            for back in (0..self.setup.time_steps).rev() {
                names.extend(panel.names().iter().map(|name| format!("{name} {ticker} t-{back}")));
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
            for row in day + 1 - self.setup.time_steps..=day {
                state.extend((0..panel.names().len()).map(|f| panel.feature(f, row)[ticker]));
            }
        }
        state
    }

    /// The reward is the logarithm of the growth; the terminal one is 0.
    fn step(&mut self, action: &[f64]) -> Result<Step, EngineError> {
        check_action(WHAT, action, self.walk.len())?;
        if self.walk.at_end() {
            return Ok(Step { reward: 0.0, done: true });
        }
        let (before, after) = self.walk.advance(action);
        self.walk.reward = after.ln() - before.ln();
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
