//! Online portfolio selection: weights for the next period from the price relatives of those that are over.
//!
//! Conventions of all methods: relatives x_t above 0, the first weights are equal, what a method does with a period it
//! does after that period. Every method is a streaming state that can be saved and goes on equally. What needs the
//! future ([`bcrp`], [`best_stock`]) gives weights by itself and has no [`Selection`]:
//!
//! ```compile_fail
//! use engine::config::policy::HindsightMethod;
//! // A live seat takes an `OnlineConfig`; hindsight is another type and is not accepted.
//! let live = engine::policies::online::Selection::new(&HindsightMethod::Bcrp, 2);
//! ```

pub mod anticor;
pub mod bcrp;
pub mod best_stock;
pub mod corn;
pub mod crp;
pub mod cwmr;
pub mod eg;
pub mod ladder;
pub mod market;
pub mod olmar;
pub mod ons;
pub mod pamr;
pub mod rmr;
mod run;
pub mod simplex;
pub mod universal;

use serde::{Deserialize, Serialize};

pub use ladder::{CostLadder, LadderStep, ladder};
pub use run::{Figures, Method, Outcome, replay, run};

use crate::config::policy::OnlineConfig;
use crate::error::EngineError;
use crate::policies::relatives::is_relative;

use anticor::Anticor;
use corn::Corn;
use crp::Crp;
use cwmr::{Cwmr, Spread};
use eg::Eg;
use market::Market;
use olmar::{Olmar1, Olmar2};
use ons::Ons;
use pamr::{Pamr, Slack};
use rmr::Rmr;
use universal::Universal;

/// A period that is over.
#[derive(Debug, Clone, Copy)]
pub struct Period<'a> {
    /// Price relatives, `[N]`, finite and above 0.
    pub relatives: &'a [f64],
    /// What the portfolio grew by, after costs.
    pub growth_net: f64,
}

/// A method that is fed one period at a time.
pub trait OnlineSelection {
    /// Returns the weights for the next period, `[N]`: not negative, summing to 1.
    fn weights(&self) -> &[f64];

    /// Learns of a period for which [`weights`](Self::weights) was held.
    ///
    /// # Errors
    /// Refuses when no weights follow from what was seen.
    fn observe(&mut self, period: &Period<'_>) -> Result<(), EngineError>;

    /// Whether what it decides depends on costs.
    fn reads_net_growth(&self) -> bool {
        false
    }

    /// Whether the parts of its state fit each other: asked of a state that was stored.
    fn is_whole(&self) -> bool {
        true
    }
}

/// One method and all it remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    config: OnlineConfig,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Market(Market),
    Crp(Crp),
    Universal(Universal),
    Eg(Eg),
    Ons(Ons),
    Anticor(Anticor),
    Pamr(Pamr),
    Cwmr(Cwmr),
    Olmar1(Olmar1),
    Olmar2(Olmar2),
    Rmr(Rmr),
    Corn(Corn),
}

impl Selection {
    /// Begins a method over `width` assets.
    ///
    /// # Errors
    /// Refuses no assets, and weights that do not fit them.
    pub fn new(config: &OnlineConfig, width: usize) -> Result<Self, EngineError> {
        if width == 0 {
            return Err(refuse("wanted at least one asset, found none".to_owned()));
        }
        let state = match config {
            OnlineConfig::Market(_) => State::Market(Market::new(width)),
            OnlineConfig::Crp(config) => State::Crp(Crp::new(config, width)?),
            OnlineConfig::Universal(config) => State::Universal(Universal::new(config, width)),
            OnlineConfig::Eg(config) => State::Eg(Eg::new(config, width)),
            OnlineConfig::Ons(config) => State::Ons(Ons::new(config, width)),
            OnlineConfig::Anticor(config) => State::Anticor(Anticor::new(config, width)),
            OnlineConfig::Pamr(config) => {
                State::Pamr(Pamr::new(config.epsilon, Slack::None, width))
            }
            OnlineConfig::Pamr1(config) => {
                let slack = Slack::Capped(config.aggressiveness);
                State::Pamr(Pamr::new(config.epsilon, slack, width))
            }
            OnlineConfig::Pamr2(config) => {
                let slack = Slack::Damped(config.aggressiveness);
                State::Pamr(Pamr::new(config.epsilon, slack, width))
            }
            OnlineConfig::CwmrSd(config) => {
                State::Cwmr(Cwmr::new(config, Spread::Deviation, width))
            }
            OnlineConfig::CwmrVar(config) => {
                State::Cwmr(Cwmr::new(config, Spread::Variance, width))
            }
            OnlineConfig::Olmar1(config) => State::Olmar1(Olmar1::new(config, width)),
            OnlineConfig::Olmar2(config) => State::Olmar2(Olmar2::new(config, width)),
            OnlineConfig::Rmr(config) => State::Rmr(Rmr::new(config, width)),
            OnlineConfig::CornU(config) => State::Corn(Corn::uniform(config, width)),
            OnlineConfig::CornK(config) => State::Corn(Corn::experts(config, width)),
        };
        Ok(Self { config: config.clone(), state })
    }

    /// Returns what it was built from.
    #[must_use]
    pub fn config(&self) -> &OnlineConfig {
        &self.config
    }

    /// Returns its state as JSON bytes.
    ///
    /// # Errors
    /// Refuses what JSON cannot hold, which no sound state contains.
    pub fn save(&self) -> Result<Vec<u8>, EngineError> {
        serde_json::to_vec(self)
            .map_err(|error| EngineError::State { what: "selection", detail: error.to_string() })
    }

    /// Goes on from a saved state.
    ///
    /// # Errors
    /// Refuses bytes that are no state, and states of another method, other parameters or other assets.
    pub fn restore(config: &OnlineConfig, width: usize, bytes: &[u8]) -> Result<Self, EngineError> {
        let refuse = |detail: String| EngineError::State { what: "selection", detail };
        let saved: Self =
            serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
        let weights = saved.weights();
        let sum: f64 = weights.iter().sum();
        let sound = weights.len() == width
            && weights.iter().all(|weight| *weight >= 0.0)
            && (sum - 1.0).abs() <= 1e-6;
        // Built anew it has the same kind of state.
        let same_kind = std::mem::discriminant(&Self::new(config, width)?.state)
            == std::mem::discriminant(&saved.state);
        if saved.config == *config && same_kind && sound && saved.is_whole() {
            return Ok(saved);
        }
        Err(refuse(format!(
            "wanted a whole state of {config:?} over {width} assets, found one of {:?} over {} assets",
            saved.config,
            weights.len()
        )))
    }

    fn inner(&self) -> &dyn OnlineSelection {
        match &self.state {
            State::Market(state) => state,
            State::Crp(state) => state,
            State::Universal(state) => state,
            State::Eg(state) => state,
            State::Ons(state) => state,
            State::Anticor(state) => state,
            State::Pamr(state) => state,
            State::Cwmr(state) => state,
            State::Olmar1(state) => state,
            State::Olmar2(state) => state,
            State::Rmr(state) => state,
            State::Corn(state) => state,
        }
    }

    fn inner_mut(&mut self) -> &mut dyn OnlineSelection {
        match &mut self.state {
            State::Market(state) => state,
            State::Crp(state) => state,
            State::Universal(state) => state,
            State::Eg(state) => state,
            State::Ons(state) => state,
            State::Anticor(state) => state,
            State::Pamr(state) => state,
            State::Cwmr(state) => state,
            State::Olmar1(state) => state,
            State::Olmar2(state) => state,
            State::Rmr(state) => state,
            State::Corn(state) => state,
        }
    }
}

impl OnlineSelection for Selection {
    fn weights(&self) -> &[f64] {
        self.inner().weights()
    }

    /// Checks the period, then tells the method.
    fn observe(&mut self, period: &Period<'_>) -> Result<(), EngineError> {
        let width = self.weights().len();
        let good = period.relatives.len() == width
            && period.relatives.iter().all(|relative| is_relative(*relative))
            && is_relative(period.growth_net);
        if !good {
            return Err(refuse(format!(
                "wanted {width} finite relatives above 0 and a growth above 0, found {:?} and {}; check the data",
                period.relatives, period.growth_net
            )));
        }
        self.inner_mut().observe(period)
    }

    fn reads_net_growth(&self) -> bool {
        self.inner().reads_net_growth()
    }

    fn is_whole(&self) -> bool {
        self.inner().is_whole()
    }
}

/// Returns equal weights.
pub(crate) fn uniform(width: usize) -> Vec<f64> {
    vec![1.0 / width.max(1) as f64; width]
}

/// Returns what growth makes of weights, summing to 1 again.
pub(crate) fn drifted(weights: &[f64], relatives: &[f64]) -> Vec<f64> {
    let grown: Vec<f64> = weights.iter().zip(relatives).map(|(a, b)| a * b).collect();
    let sum: f64 = grown.iter().sum();
    grown.iter().map(|part| part / sum).collect()
}

fn refuse(detail: String) -> EngineError {
    EngineError::Refused { what: "portfolio selection", detail }
}
