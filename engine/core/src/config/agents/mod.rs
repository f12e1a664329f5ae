//! Who decides: one variant per algorithm or rule.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod dqn;
mod rule;

pub use dqn::{DqnConfig, EpsilonConfig};
pub use rule::RuleConfig;

/// A learning algorithm or a rule, chosen by `algorithm`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(tag = "algorithm", rename_all = "snake_case")]
pub enum AgentConfig {
    /// Deep Q-learning with replay and a target network (Mnih et al. 2015).
    Dqn(#[garde(dive)] DqnConfig),
    /// Buys as much as it may and holds.
    BuyAndHold(#[garde(dive)] RuleConfig),
    /// Never trades.
    DoNothing(#[garde(dive)] RuleConfig),
    /// Acts at random.
    Random(#[garde(dive)] RuleConfig),
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self::Dqn(DqnConfig::default())
    }
}

impl AgentConfig {
    /// Returns the tag, as written in files.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Dqn(_) => "dqn",
            Self::BuyAndHold(_) => "buy_and_hold",
            Self::DoNothing(_) => "do_nothing",
            Self::Random(_) => "random",
        }
    }

    /// Whether a training session makes sense for it.
    #[must_use]
    pub fn learns(&self) -> bool {
        match self {
            Self::Dqn(_) => true,
            Self::BuyAndHold(_) | Self::DoNothing(_) | Self::Random(_) => false,
        }
    }
}
