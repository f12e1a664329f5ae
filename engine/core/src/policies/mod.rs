//! Hop 4: who decides, in plain Rust. [`build`], [`build_holding`] and [`build_vector`] are the only matches over algorithms
//! and rules: one for orders from a list, one for holdings from a list, one for vectors.

pub mod algebra;
mod buy_and_hold;
mod do_nothing;
pub mod execution;
mod greedy;
mod holding;
pub mod log_optimal;
pub mod network;
pub mod online;
pub mod optimisers;
pub mod quadratic;
mod random;
pub mod relatives;
pub mod rules;
mod vector;
mod weights;

pub use buy_and_hold::BuyAndHold;
pub use do_nothing::DoNothing;
pub use greedy::Greedy;
pub use holding::{Flat, HighestReachable, HoldingSeat, build_holding};
pub use random::{EqualTurnover, Uniform};
pub use vector::{Past, VectorPolicy, VectorSeat, VectorView, Weighted, build_vector};
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

/// Builds the policy an agent's configuration names for orders from a list; `model` is a model file where the agent learns.
///
/// # Errors
/// Refuses a learning agent without a model, a rule with one, agents of other tasks, and a model that does not fit the
/// environment.
pub fn build(
    agent: &AgentConfig,
    seat: &Seat,
    model: Option<&[u8]>,
) -> Result<Box<dyn Policy>, EngineError> {
    unfit_model(agent, model)?;
    Ok(match agent {
        AgentConfig::Dqn(_) => Box::new(Greedy::from_model(model.unwrap_or_default(), seat)?),
        AgentConfig::BuyAndHold(_) => Box::new(BuyAndHold::new(seat)),
        AgentConfig::DoNothing(_) => Box::new(DoNothing::new(seat)),
        AgentConfig::Random(_) => Box::new(Uniform::new(seat)),
        AgentConfig::OnlineSelection(_)
        | AgentConfig::PortfolioRule(_)
        | AgentConfig::ExecutionSchedule(_) => return Err(not_from_a_list(agent)),
    })
}

/// Refuses a learning agent without a model and a rule with one.
fn unfit_model(agent: &AgentConfig, model: Option<&[u8]>) -> Result<(), EngineError> {
    if agent.learns() == model.is_some() {
        return Ok(());
    }
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
    Err(EngineError::Refused { what: "policy", detail })
}

/// Refuses an agent whose actions are vectors.
fn not_from_a_list(agent: &AgentConfig) -> EngineError {
    EngineError::Refused {
        what: "policy",
        detail: format!(
            "{} decides by a vector of numbers, but the task's actions come from a list; choose another algorithm, or \
             another task",
            agent.algorithm()
        ),
    }
}
