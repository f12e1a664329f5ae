//! One decision: what is seen becomes an action, the action a reviewed order. Shared by back-test, paper and live.
//!
//! In a back-test the environment carries the order out; live, an actor hands it to a venue. Everything before that
//! is here or in the pure functions called here.

use crate::config::RiskConfig;
use crate::environment::MarketData;
use crate::environment::action::{AccountView, ActionRules, OrderDecision, decide_order};
use crate::environment::observation::{AccountObservation, observe};
use crate::error::EngineError;
use crate::policies::Policy;

/// What is known at the close of a bar.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Prepared data up to the bar at least.
    pub market: &'a MarketData,
    /// The bar.
    pub row: usize,
    /// Bars looked back on.
    pub window: usize,
    /// The account as the policy sees it.
    pub observed: AccountObservation,
    /// The account as the order is fitted to it.
    pub account: AccountView,
}

/// A policy with its observation buffer: allocates nothing per decision.
pub struct Decider {
    policy: Box<dyn Policy>,
    observation: Vec<f32>,
}

impl Decider {
    /// Seats a policy.
    #[must_use]
    pub fn new(policy: Box<dyn Policy>, observation_len: usize) -> Self {
        Self { policy, observation: vec![0.0; observation_len] }
    }

    /// Returns the policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.policy.name()
    }

    /// Fills the observation and returns the policy's action.
    ///
    /// # Errors
    /// Refuses when what the decision rests on is not a number.
    pub fn action(&mut self, observe: impl FnOnce(&mut [f32])) -> Result<usize, EngineError> {
        observe(&mut self.observation);
        self.policy.decide(&self.observation)
    }

    /// Decides at a bar and returns the reviewed order, if there is one.
    ///
    /// # Errors
    /// Refuses arithmetic that leaves the finite numbers, before and after the decision.
    pub fn order(
        &mut self,
        seen: &Seen<'_>,
        rules: &ActionRules,
        limits: &RiskConfig,
    ) -> Result<OrderDecision, EngineError> {
        let action =
            self.action(|out| observe(seen.market, seen.row, seen.window, seen.observed, out))?;
        decide_order(action, rules, &seen.account, limits)
            .map_err(|error| EngineError::Refused { what: "order", detail: error.to_string() })
    }
}
