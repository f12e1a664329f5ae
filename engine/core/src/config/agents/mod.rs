//! Who decides: one variant per algorithm or rule.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::EnvironmentConfig;

mod dqn;
mod rule;
mod ruled;

pub use dqn::{DqnConfig, EpsilonConfig};
pub use rule::RuleConfig;
pub use ruled::{ExecutionScheduleConfig, OnlineSelectionConfig, PortfolioAgentConfig};

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
    /// Online portfolio selection: weights for the next bar from those that are over.
    OnlineSelection(#[garde(dive)] OnlineSelectionConfig),
    /// A portfolio rule: target weights from the past.
    PortfolioRule(#[garde(dive)] PortfolioAgentConfig),
    /// An execution schedule: a given amount spread over time.
    ExecutionSchedule(#[garde(dive)] ExecutionScheduleConfig),
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
    /// The tasks it can decide in, as their tags are written in files; the first is the default.
    pub tasks: &'static [&'static str],
}

/// The tasks of rules that have a meaning in each.
const EVERY_TASK: &[&str] =
    &["algorithmic_trading", "portfolio", "order_execution", "high_frequency"];

/// Every algorithm and rule, learning ones first.
pub const ALGORITHMS: [AlgorithmInfo; 7] = [
    AlgorithmInfo {
        id: "dqn",
        name: "Deep Q-learning",
        learns: true,
        tasks: &["algorithmic_trading"],
    },
    AlgorithmInfo { id: "buy_and_hold", name: "Buy and hold", learns: false, tasks: EVERY_TASK },
    AlgorithmInfo { id: "do_nothing", name: "Do nothing", learns: false, tasks: EVERY_TASK },
    AlgorithmInfo { id: "random", name: "Random", learns: false, tasks: EVERY_TASK },
    AlgorithmInfo {
        id: "online_selection",
        name: "Online portfolio selection",
        learns: false,
        tasks: &["portfolio"],
    },
    AlgorithmInfo {
        id: "portfolio_rule",
        name: "Portfolio rule",
        learns: false,
        tasks: &["portfolio"],
    },
    AlgorithmInfo {
        id: "execution_schedule",
        name: "Execution schedule",
        learns: false,
        tasks: &["order_execution"],
    },
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
            "online_selection" => Some(Self::OnlineSelection(OnlineSelectionConfig::default())),
            "portfolio_rule" => Some(Self::PortfolioRule(PortfolioAgentConfig::default())),
            "execution_schedule" => {
                Some(Self::ExecutionSchedule(ExecutionScheduleConfig::default()))
            }
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
            Self::OnlineSelection(_) => "online_selection",
            Self::PortfolioRule(_) => "portfolio_rule",
            Self::ExecutionSchedule(_) => "execution_schedule",
        }
    }

    /// Whether a training session makes sense for it.
    #[must_use]
    pub fn learns(&self) -> bool {
        match self {
            Self::Dqn(_) => true,
            Self::BuyAndHold(_)
            | Self::DoNothing(_)
            | Self::Random(_)
            | Self::OnlineSelection(_)
            | Self::PortfolioRule(_)
            | Self::ExecutionSchedule(_) => false,
        }
    }

    /// Whether it can decide in an environment.
    #[must_use]
    pub fn fits(&self, environment: &EnvironmentConfig) -> bool {
        fitting(environment).contains(&self.algorithm())
    }
}

/// Returns the tags of the algorithms and rules that can decide in an environment.
#[must_use]
pub fn fitting(environment: &EnvironmentConfig) -> Vec<&'static str> {
    let fits = |info: &&AlgorithmInfo| info.tasks.contains(&environment.task());
    ALGORITHMS.iter().filter(fits).map(|info| info.id).collect()
}
