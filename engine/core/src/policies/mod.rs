//! Hop 4: who decides, in plain Rust. [`build`] is the only match over algorithms and rules.

pub mod algebra;
mod buy_and_hold;
mod do_nothing;
pub mod execution;
mod greedy;
pub mod log_optimal;
pub mod network;
pub mod online;
pub mod optimisers;
pub mod quadratic;
mod random;
pub mod relatives;
pub mod rules;
mod weights;

pub use buy_and_hold::BuyAndHold;
pub use do_nothing::DoNothing;
pub use greedy::Greedy;
pub use random::{EqualTurnover, Uniform};
pub use weights::{Difference, WeightsError};

use crate::config::AgentConfig;
use crate::error::EngineError;

/// Observation in, action out.
pub trait Policy: Send {
    /// Returns its name, as in reports.
    fn name(&self) -> &str;

    /// Decides. Actions are those of the environment it was built for.
    ///
    /// # Panics
    /// A policy that reads the observation may refuse to decide on what is no number: see [`decide`](Self::decide).
    fn act(&mut self, observation: &[f32]) -> usize;

    /// Decides as [`act`](Self::act) does, where the observation may hold what is no number.
    ///
    /// # Errors
    /// Refuses when what the decision rests on is not a number.
    fn decide(&mut self, observation: &[f32]) -> Result<usize, EngineError> {
        Ok(self.act(observation))
    }
}

/// The environment a policy is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// Numbers of an observation.
    pub observation_len: usize,
    /// Actions, 0 to `action_count` − 1: the lowest sells most, the middle one holds, the highest buys most.
    pub action_count: usize,
    /// Seed of policies that draw.
    pub seed: u32,
}

/// Builds the policy an agent's configuration names; `model` is a model file where the agent learns.
///
/// # Errors
/// Refuses a learning agent without a model, a rule with one, and a model that does not fit the environment.
pub fn build(
    agent: &AgentConfig,
    seat: &Seat,
    model: Option<&[u8]>,
) -> Result<Box<dyn Policy>, EngineError> {
    if agent.learns() != model.is_some() {
        let detail = if model.is_none() {
            format!(
                "{} has to be trained first: choose a training session as the policy's source",
                agent.algorithm()
            )
        } else {
            format!(
                "{} is a rule and has no model: choose `strategy` as the policy's source",
                agent.algorithm()
            )
        };
        return Err(EngineError::Refused { what: "policy", detail });
    }
    Ok(match agent {
        AgentConfig::Dqn(_) => Box::new(Greedy::from_model(model.unwrap_or_default(), seat)?),
        AgentConfig::BuyAndHold(_) => Box::new(BuyAndHold::new(seat)),
        AgentConfig::DoNothing(_) => Box::new(DoNothing::new(seat)),
        AgentConfig::Random(_) => Box::new(Uniform::new(seat)),
    })
}
