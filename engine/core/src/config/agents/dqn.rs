//! Hyper-parameters of deep Q-learning.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::validate::finite;

/// Deep Q-learning. Source: Mnih et al. 2015 (doi 10.1038/nature14236); defaults from TradeMaster 1.0.0 where they
/// are sound, the target network's update rate excepted (the reference never updates it).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct DqnConfig {
    /// Width of each hidden layer, input side first.
    #[garde(length(min = 1, max = 8), inner(range(min = 1, max = 4096)))]
    pub hidden: Vec<u32>,
    /// Discount factor applied to future rewards.
    #[garde(range(min = 0.0, max = 1.0), custom(finite))]
    pub gamma: f64,
    /// Step size of Adam.
    #[garde(range(min = 1e-7, max = 1.0), custom(finite))]
    pub learning_rate: f64,
    /// Transitions per update.
    #[garde(range(min = 1, max = 65_536))]
    pub batch_size: u32,
    /// Transitions kept for replay.
    #[garde(range(min = 1, max = 10_000_000))]
    pub replay_capacity: u32,
    /// Environment steps before the first update.
    #[garde(range(min = 1, max = 1_000_000))]
    pub warmup_steps: u32,
    /// Environment steps collected between updates.
    #[garde(range(min = 1, max = 10_000))]
    pub steps_per_update: u32,
    /// Share of the online network mixed into the target network at each update.
    #[garde(range(min = 0.0, max = 1.0), custom(finite))]
    pub target_tau: f64,
    /// Largest norm of the gradient.
    #[garde(range(min = 1e-3, max = 1e6), custom(finite))]
    pub gradient_norm_max: f64,
    /// Rewards are multiplied by this before learning.
    #[garde(range(min = 1e-9, max = 1e9), custom(finite))]
    pub reward_scale: f64,
    /// How often the agent explores.
    #[garde(dive)]
    pub epsilon: EpsilonConfig,
}

impl Default for DqnConfig {
    fn default() -> Self {
        Self {
            hidden: vec![64, 32],
            gamma: 0.9,
            learning_rate: 1e-3,
            batch_size: 64,
            replay_capacity: 100_000,
            warmup_steps: 256,
            steps_per_update: 1,
            target_tau: 0.005,
            gradient_norm_max: 3.0,
            reward_scale: 100.0,
            epsilon: EpsilonConfig::default(),
        }
    }
}

/// Linear schedule of the probability of a random action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct EpsilonConfig {
    /// At the first step.
    #[garde(range(min = 0.0, max = 1.0), custom(finite))]
    pub start: f64,
    /// From `decay_steps` on.
    #[garde(range(min = 0.0, max = 1.0), custom(finite))]
    pub end: f64,
    /// Environment steps from start to end.
    #[garde(range(min = 1, max = 1_000_000_000))]
    pub decay_steps: u32,
}

impl Default for EpsilonConfig {
    fn default() -> Self {
        Self { start: 1.0, end: 0.05, decay_steps: 10_000 }
    }
}
