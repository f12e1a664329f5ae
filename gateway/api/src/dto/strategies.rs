//! What is sent to make and change strategies, and the list of what was tried with one.

use actors::views::TrialView;
use engine::ids::SessionId;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A strategy to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewStrategy")]
pub(crate) struct NewStrategyDto {
    /// Name, unique among those not archived.
    #[schemars(length(min = 1, max = 120))]
    pub(crate) name: String,
    /// Free text.
    #[serde(default)]
    #[schemars(length(max = 4000))]
    pub(crate) description: String,
    /// Its first version; see `/schemas/strategy/{algo}`.
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub(crate) config: Value,
}

/// What may change without a new version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StrategyChange")]
pub(crate) struct StrategyChangeDto {
    /// Name; unchanged where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = 120))]
    pub(crate) name: Option<String>,
    /// Description; unchanged where absent, cleared by null.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "sent")]
    #[schemars(with = "Option<String>", length(max = 4000))]
    pub(crate) description: Option<Option<String>>,
}

/// Tells null from absent.
fn sent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A version to save.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewStrategyVersion")]
pub(crate) struct NewVersionDto {
    /// The whole configuration; see `/schemas/strategy/{algo}`.
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub(crate) config: Value,
}

/// One page of everything that was tried on the way to a strategy.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TrialList")]
pub(crate) struct TrialListDto {
    /// The trials, newest first.
    pub(crate) items: Vec<TrialView>,
    /// Opaque text to send as `cursor` with the same filters, good for a day; absent on the last page.
    pub(crate) next_cursor: Option<String>,
    /// When this was read, RFC 3339 UTC.
    pub(crate) as_of: String,
    /// Trials of the strategy in all, on whatever data.
    pub(crate) started_count: u32,
    /// How many independent trials they amount to; absent before the first evaluation was finished.
    pub(crate) independent: Option<IndependentTrialsDto>,
}

/// What the newest finished evaluation of a strategy counted, on its data.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IndependentTrials")]
pub(crate) struct IndependentTrialsDto {
    /// The evaluation.
    pub(crate) session_id: SessionId,
    /// Trials that it counted.
    pub(crate) trials: u32,
    /// Groups of trials that move together, and every trial that could not be compared; absent where not defined.
    pub(crate) trials_effective: Option<u32>,
}

/// The reason for opening a seal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SealOpening")]
pub(crate) struct SealOpeningDto {
    /// Why now; kept for ever and shown to everybody who sees the strategy.
    #[schemars(length(min = 10, max = 500))]
    pub(crate) reason: String,
}
