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

/// An algorithm or rule that a strategy may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlgorithmInfo {
    /// The tag, as written in files.
    pub id: &'static str,
    /// What people call it, in English.
    pub name: &'static str,
    /// Whether a training session makes sense for it.
    pub learns: bool,
}

/// Every algorithm and rule, learning ones first.
pub const ALGORITHMS: [AlgorithmInfo; 4] = [
    AlgorithmInfo { id: "dqn", name: "Deep Q-learning", learns: true },
    AlgorithmInfo { id: "buy_and_hold", name: "Buy and hold", learns: false },
    AlgorithmInfo { id: "do_nothing", name: "Do nothing", learns: false },
    AlgorithmInfo { id: "random", name: "Random", learns: false },
];

impl AgentConfig {
    /// Returns the defaults of `algorithm`; absent where there is none of that name.
    #[must_use]
    pub fn of(algorithm: &str) -> Option<Self> {
        match algorithm {
            "dqn" => Some(Self::Dqn(DqnConfig::default())),
            "buy_and_hold" => Some(Self::BuyAndHold(RuleConfig {})),
            "do_nothing" => Some(Self::DoNothing(RuleConfig {})),
            "random" => Some(Self::Random(RuleConfig {})),
            _ => None,
        }
    }

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
