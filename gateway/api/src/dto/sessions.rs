//! What is sent to start and command sessions.

use std::collections::BTreeMap;

use engine::ids::{DatasetId, NodeId, StrategyId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// A session to start.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewSession")]
pub(crate) struct NewSessionDto {
    /// Name; need not be unique.
    #[schemars(length(min = 1, max = 200))]
    pub(crate) name: String,
    /// The strategy; absent for a labelling, which is about data alone.
    #[serde(default)]
    pub(crate) strategy_id: Option<StrategyId>,
    /// Its version; the newest where absent.
    #[serde(default)]
    pub(crate) strategy_version: Option<u32>,
    /// The data set.
    pub(crate) dataset_id: DatasetId,
    /// What to do; see `/schemas/session/{kind}`.
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub(crate) config: Value,
    /// What to reserve; the defaults where absent.
    #[serde(default)]
    #[schemars(with = "Option<engine::config::ResourcesConfig>")]
    pub(crate) resources: Option<Value>,
    /// Higher goes first.
    #[serde(default)]
    #[schemars(range(min = -100, max = 100))]
    pub(crate) priority: i32,
    /// Labels.
    #[serde(default)]
    #[schemars(length(max = 20), inner(length(min = 1, max = 50)))]
    pub(crate) tags: Vec<String>,
    /// Where it may run; anywhere where absent.
    #[serde(default)]
    pub(crate) placement: PlacementDto,
    /// The team whose quota it counts for.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    pub(crate) team: Option<String>,
}

/// Where a session may run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Placement")]
pub(crate) struct PlacementDto {
    /// Labels that its node must carry, at most 16.
    #[schemars(extend("maxProperties" = 16))]
    pub(crate) labels: BTreeMap<String, String>,
    /// A role that its node must have.
    #[schemars(length(min = 1, max = 64))]
    pub(crate) role: Option<String>,
    /// The one node it may run on.
    pub(crate) node: Option<NodeId>,
    /// Whether a more urgent session may take its place.
    pub(crate) preemptible: bool,
}

impl Default for PlacementDto {
    fn default() -> Self {
        Self { labels: BTreeMap::new(), role: None, node: None, preemptible: true }
    }
}

/// Where a session should go.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "SessionMove")]
pub(crate) struct MoveDto {
    /// The node; the one with the most room where absent.
    pub(crate) node: Option<NodeId>,
    /// Recorded in the timeline.
    #[schemars(length(min = 3, max = 500))]
    pub(crate) reason: Option<String>,
}

/// Why a command is given.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "SessionCommand")]
pub(crate) struct ReasonDto {
    /// Recorded in the timeline.
    #[schemars(length(min = 3, max = 500))]
    pub(crate) reason: Option<String>,
}
