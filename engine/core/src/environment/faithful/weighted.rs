//! The walk that the five portfolio environments share: weights, turnover fee, growth, drift. Which weights an action
//! means, where an episode begins and what the agent sees is each environment's own.

use std::sync::Arc;

use super::Panel;
use crate::error::EngineError;

/// What distinguishes one environment's walk.
#[derive(Debug, Clone, Copy)]
pub(super) struct WalkSetup {
    /// Environment, for messages.
    pub(super) what: &'static str,
    /// Day of the first decision.
    pub(super) start_day: usize,
    /// Amount at the start.
    pub(super) initial_amount: f64,
    /// Cost rate c.
    pub(super) cost_rate: f64,
    /// Whether weight 0 is cash.
    pub(super) cash: bool,
    /// Whether the first weights are uniform; else all is cash.
    pub(super) begins_invested: bool,
}

/// A portfolio on its way through a panel.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    pub(super) panel: Arc<Panel>,
    pub(super) setup: WalkSetup,
    pub(super) day: usize,
    pub(super) value: f64,
    /// Weights after the day's prices moved them, W*.
    pub(super) drifted: Vec<f64>,
    pub(super) assets: Vec<f64>,
    pub(super) returns: Vec<f64>,
    pub(super) reward: f64,
}

impl Walk {
    /// # Errors
    /// Refuses a panel that ends before the first call, and numbers that make no portfolio. A panel that ends with it
    /// has one call, the terminal one, as in the reference.
    pub(super) fn new(panel: Arc<Panel>, setup: WalkSetup) -> Result<Self, EngineError> {
        let refused = |detail| Err(EngineError::Refused { what: setup.what, detail });
        if panel.days() <= setup.start_day {
            return refused(format!(
                "at least {} days are needed (the first call is on day {}), found {}",
                setup.start_day + 1,
                setup.start_day,
                panel.days()
            ));
        }
        if !(setup.initial_amount > 0.0 && setup.initial_amount.is_finite()) {
            return refused(format!(
                "the initial amount must be above 0, found {}",
                setup.initial_amount
            ));
        }
        if !(0.0..1.0).contains(&setup.cost_rate) {
            return refused(format!(
                "the cost rate must be from 0 to below 1, found {}",
                setup.cost_rate
            ));
        }
        let mut walk = Self {
            panel,
            setup,
            day: 0,
            value: 0.0,
            drifted: Vec::new(),
            assets: Vec::new(),
            returns: Vec::new(),
            reward: 0.0,
        };
        walk.reset();
        Ok(walk)
    }

    /// Returns how many weights there are.
    pub(super) fn len(&self) -> usize {
        self.panel.tickers().len() + usize::from(self.setup.cash)
    }

    pub(super) fn reset(&mut self) {
        let len = self.len();
        self.drifted = vec![0.0; len];
        if self.setup.begins_invested {
            self.drifted = vec![1.0 / len as f64; len];
        } else if let Some(cash) = self.drifted.first_mut() {
            *cash = 1.0;
        }
        self.day = self.setup.start_day;
        self.value = self.setup.initial_amount;
        self.assets = vec![self.value];
        self.returns = vec![0.0];
        self.reward = 0.0;
    }

    /// Whether the next call is the terminal one, which trades nothing.
    pub(super) fn at_end(&self) -> bool {
        self.panel.days() <= self.day + 1
    }

    /// Holds `weights` from this day's close to the next, and returns the value before and after.
    pub(super) fn advance(&mut self, weights: &[f64]) -> (f64, f64) {
        let (old, new) = (self.panel.close(self.day), self.panel.close(self.day + 1));
        let mut relatives = Vec::with_capacity(weights.len());
        if self.setup.cash {
            relatives.push(1.0);
        }
        relatives.extend(new.iter().zip(old).map(|(new, old)| new / old));
        let growth: f64 = weights
            .iter()
            .zip(&relatives)
            .map(|(weight, relative)| weight * (relative - 1.0))
            .sum();
        let moved: Vec<f64> =
            weights.iter().zip(&relatives).map(|(weight, relative)| weight * relative).collect();
        let turnover: f64 =
            self.drifted.iter().zip(weights).map(|(old, new)| (old - new).abs()).sum();
        let before = self.value;
        let fee = self.setup.cost_rate * before * turnover;
        self.value = (before - fee) * (1.0 + growth);
        let sum: f64 = moved.iter().sum();
        self.drifted = moved.iter().map(|weight| weight / sum).collect();
        self.day += 1;
        self.returns.push(self.value / before - 1.0);
        self.assets.push(self.value);
        (before, self.value)
    }

    /// Returns the names of numbers by feature, then ticker.
    pub(super) fn feature_major_names(&self) -> Vec<String> {
        let tickers = self.panel.tickers();
        let of = |name: &String| {
            tickers.iter().map(|ticker| format!("{name} {ticker}")).collect::<Vec<_>>()
        };
        self.panel.names().iter().flat_map(of).collect()
    }

    /// Returns the day's features by feature, then ticker.
    pub(super) fn feature_major(&self) -> Vec<f64> {
        (0..self.panel.names().len())
            .flat_map(|feature| self.panel.feature(feature, self.day).iter().copied())
            .collect()
    }
}
