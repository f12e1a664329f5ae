//! Whether a result can be trusted: whose it is, and on which data it is judged.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Segment, SplitConfig};
use crate::ids::SessionId;

/// An evaluation of one policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationConfig {
    /// Who is judged.
    #[garde(dive)]
    pub policy: EvaluationPolicy,
    /// Which segment is run.
    #[garde(skip)]
    pub segment: Segment,
    /// How the data is cut.
    #[garde(dive)]
    pub split: SplitConfig,
    /// Seed of everything that is drawn.
    #[garde(skip)]
    pub seed: u32,
}

/// The policy that is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(tag = "source", rename_all = "snake_case", deny_unknown_fields)]
pub enum EvaluationPolicy {
    /// The rule named by the strategy's `agent`.
    #[default]
    Strategy,
    /// The best models of training sessions of the strategy, each a seed of its own.
    Sessions {
        /// The training sessions.
        #[garde(length(min = 1, max = 20))]
        #[schemars(length(min = 1, max = 20))]
        session_ids: Vec<SessionId>,
    },
}
