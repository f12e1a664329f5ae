//! Algorithms, and checking a configuration without saving it.

use engine::config::Violation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that can decide.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Algorithm")]
pub(crate) struct AlgorithmDto {
    /// As written in `agent.algorithm`.
    pub(crate) id: String,
    /// For people.
    pub(crate) name: String,
    /// Whether a training session makes sense for it.
    pub(crate) learns: bool,
    /// The tasks it can decide in, as written in `environment.task`; the first is its default.
    pub(crate) tasks: Vec<String>,
}

/// Which configuration is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ConfigKind")]
pub(crate) enum ConfigKindDto {
    /// A strategy.
    Strategy,
    /// What a session does.
    Session,
}

/// A configuration to check.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConfigCheck")]
pub(crate) struct ValidateDto {
    /// Which configuration is meant.
    pub(crate) kind: ConfigKindDto,
    /// The configuration.
    pub(crate) config: Value,
}

/// What the check found. A bad configuration is no HTTP error here.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ConfigCheckResult")]
pub(crate) struct ValidatedDto {
    /// Whether it may be saved.
    pub(crate) ok: bool,
    /// Every violation; pointers into `config`.
    pub(crate) errors: Vec<Violation>,
    /// Things that are allowed but should be known; pointers into `config`.
    pub(crate) warnings: Vec<Violation>,
    /// The configuration with every default filled in; absent when not ok.
    pub(crate) effective: Option<Value>,
    /// Hash under which a strategy with this configuration is known; absent when not ok and for sessions.
    pub(crate) hash: Option<String>,
}
