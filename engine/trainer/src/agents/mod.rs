//! Learning algorithms, one file each. `build` is the only place that knows them all.

pub mod dqn;

use std::sync::Arc;

use engine::config::AgentConfig;
use engine::metrics::MetricName;
use serde_json::Value;

use crate::data::Lens;
use crate::error::TrainerError;
use crate::model::Layer;
use crate::storage::replay::End;
use crate::weights::{Container, Wanted};

/// What one step of the environment brought.
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    /// The action taken.
    pub action: usize,
    /// Reward of the environment, unscaled.
    pub reward: f64,
    /// Whether and how the episode ended.
    pub end: End,
    /// Key of the observation after the step, before any reset.
    pub next: &'a [f32],
}

/// New values of the training curves, in a fixed order.
pub type Curve = Vec<(MetricName, Option<f64>)>;

/// An algorithm that learns one step at a time. All its randomness comes from the session's streams, and
/// `save` followed by `load` in another process changes nothing that follows.
pub trait Agent {
    /// Takes the key of the first observation of an episode.
    fn begin(&mut self, key: &[f32]);

    /// Chooses an action for the newest observation, exploring.
    ///
    /// # Errors
    /// libtorch failed.
    fn act(&mut self) -> Result<usize, TrainerError>;

    /// Stores what the action brought and learns when an update is due. Returns the curve's new values when a
    /// reporting interval is full, always in the same order.
    ///
    /// # Errors
    /// libtorch failed, or the loss is not finite.
    fn learn(&mut self, outcome: Outcome<'_>) -> Result<Curve, TrainerError>;

    /// Returns the layers of the acting network.
    ///
    /// # Errors
    /// libtorch failed, or a weight is not finite.
    fn layers(&self) -> Result<Vec<Layer>, TrainerError>;

    /// Puts all arrays into `container` and returns the counters.
    ///
    /// # Errors
    /// libtorch failed, or a weight is not finite.
    fn save(&self, container: &mut Container) -> Result<Value, TrainerError>;

    /// Names the arrays that [`load`](Self::load) needs.
    fn wanted(&self) -> Vec<Wanted>;

    /// Takes over what was saved. `container` has passed the check against [`wanted`](Self::wanted).
    ///
    /// # Errors
    /// The counters cannot be read or contradict the arrays.
    fn load(&mut self, container: &Container, counters: &Value) -> Result<(), TrainerError>;
}

/// What an agent acts in, as far as it must know.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Numbers per observation.
    pub observation: usize,
    /// Numbers per key (see `data`).
    pub key: usize,
    /// Actions to choose from.
    pub actions: usize,
}

/// Makes the agent that the strategy names.
///
/// # Errors
/// The strategy names a rule, or libtorch has no memory.
pub fn build(
    config: &AgentConfig,
    shape: Shape,
    lens: Arc<dyn Lens>,
    seed: u32,
) -> Result<Box<dyn Agent>, TrainerError> {
    match config {
        AgentConfig::Dqn(dqn) => Ok(Box::new(dqn::Dqn::new(dqn, shape, lens, seed)?)),
        AgentConfig::BuyAndHold(_)
        | AgentConfig::DoNothing(_)
        | AgentConfig::Random(_)
        | AgentConfig::OnlineSelection(_)
        | AgentConfig::PortfolioRule(_)
        | AgentConfig::ExecutionSchedule(_) => Err(TrainerError::BadSpec(format!(
            "'{}' is a rule and has nothing to learn: back-test it, or choose the algorithm dqn",
            config.algorithm()
        ))),
    }
}

/// Returns the terms of the memory an agent will need, largest first.
#[must_use]
pub fn memory_terms(config: &AgentConfig, shape: Shape) -> Vec<(&'static str, u64)> {
    let mut terms = match config {
        AgentConfig::Dqn(dqn) => dqn::memory_terms(dqn, shape),
        AgentConfig::BuyAndHold(_)
        | AgentConfig::DoNothing(_)
        | AgentConfig::Random(_)
        | AgentConfig::OnlineSelection(_)
        | AgentConfig::PortfolioRule(_)
        | AgentConfig::ExecutionSchedule(_) => Vec::new(),
    };
    terms.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    terms
}
