//! What is sent to make and change strategies.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
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
