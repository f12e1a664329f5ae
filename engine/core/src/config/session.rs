//! What a session does, by kind.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::validate::finite;
use super::{EvaluationConfig, LabellingConfig, Segment, SplitConfig};
use crate::ids::SessionId;

/// What a session does, chosen by `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SessionConfig {
    /// Trains the strategy's agent.
    Training(#[garde(dive)] TrainingConfig),
    /// Runs a trained agent or a rule over one segment and reports.
    Backtest(#[garde(dive)] BacktestConfig),
    /// Names the market regimes of a data set; needs no strategy.
    Labelling(#[garde(dive)] LabellingConfig),
    /// Asks whether a back-test's result can be trusted.
    Evaluation(#[garde(dive)] EvaluationConfig),
}

/// The kind of a session, without its parameters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(extend("x-extensible" = true))]
pub enum SessionKind {
    /// Trains an agent.
    Training,
    /// Runs a fixed policy over past data.
    Backtest,
    /// Names market regimes.
    Labelling,
    /// Judges a policy by many runs.
    Evaluation,
}

impl SessionKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Training, Self::Backtest, Self::Labelling, Self::Evaluation];

    /// Returns its name, as in files and routes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Backtest => "backtest",
            Self::Labelling => "labelling",
            Self::Evaluation => "evaluation",
        }
    }

    /// Whether such a session is about a strategy.
    #[must_use]
    pub fn needs_strategy(self) -> bool {
        match self {
            Self::Training | Self::Backtest | Self::Evaluation => true,
            Self::Labelling => false,
        }
    }
}

impl SessionConfig {
    /// Returns the kind alone.
    #[must_use]
    pub fn kind(&self) -> SessionKind {
        match self {
            Self::Training(_) => SessionKind::Training,
            Self::Backtest(_) => SessionKind::Backtest,
            Self::Labelling(_) => SessionKind::Labelling,
            Self::Evaluation(_) => SessionKind::Evaluation,
        }
    }

    /// Returns the defaults of a kind; absent where there is none of that name.
    #[must_use]
    pub fn of(kind: &str) -> Option<Self> {
        let kind = SessionKind::ALL.into_iter().find(|known| known.as_str() == kind)?;
        Some(match kind {
            SessionKind::Training => Self::Training(TrainingConfig::default()),
            SessionKind::Backtest => Self::Backtest(BacktestConfig::default()),
            SessionKind::Labelling => Self::Labelling(LabellingConfig::default()),
            SessionKind::Evaluation => Self::Evaluation(EvaluationConfig::default()),
        })
    }

    /// Returns which segment is run; absent where a kind runs none of its own choice.
    #[must_use]
    pub fn segment(&self) -> Option<Segment> {
        match self {
            Self::Backtest(backtest) => Some(backtest.segment),
            Self::Evaluation(evaluation) => Some(evaluation.segment),
            Self::Training(_) | Self::Labelling(_) => None,
        }
    }

    /// Returns how the data is cut; absent where it is taken whole.
    #[must_use]
    pub fn split(&self) -> Option<&SplitConfig> {
        match self {
            Self::Training(training) => Some(&training.split),
            Self::Backtest(backtest) => Some(&backtest.split),
            Self::Labelling(_) => None,
            Self::Evaluation(evaluation) => Some(&evaluation.split),
        }
    }
}

/// Training of one agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Passes over the training segment; after each the agent is evaluated on the validation segment.
    #[garde(range(min = 1, max = 100_000))]
    pub epochs: u32,
    /// Seed of every random stream of the session.
    #[garde(skip)]
    pub seed: u32,
    /// How the data is cut.
    #[garde(dive)]
    pub split: SplitConfig,
    /// Seconds between checkpoints. One is also written on command and at an
    /// epoch's end, unless the last is younger than a second.
    #[garde(range(min = 1.0, max = 86_400.0), custom(finite))]
    pub checkpoint_every_seconds: f64,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self { epochs: 20, seed: 42, split: SplitConfig::default(), checkpoint_every_seconds: 30.0 }
    }
}

/// A back-test of one policy on one segment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct BacktestConfig {
    /// Who decides.
    #[garde(dive)]
    pub policy: BacktestPolicy,
    /// Which segment is run.
    #[garde(skip)]
    pub segment: Segment,
    /// How the data is cut.
    #[garde(dive)]
    pub split: SplitConfig,
    /// Seed of the random baseline.
    #[garde(skip)]
    pub seed: u32,
}

/// The policy under test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(tag = "source", rename_all = "snake_case", deny_unknown_fields)]
pub enum BacktestPolicy {
    /// The rule named by the strategy's `agent`.
    #[default]
    Strategy,
    /// The best model of a training session.
    Session {
        /// The training session.
        #[garde(skip)]
        session_id: SessionId,
    },
}
