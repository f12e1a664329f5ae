//! What is sent to operate nodes and to set quotas.

use schemars::JsonSchema;
use serde::Deserialize;

/// Why something is asked of a node or of the cluster.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NodeCommand")]
pub(crate) struct NodeCommandDto {
    /// Shown with the node, and kept in the record of who did what.
    #[schemars(length(min = 3, max = 500))]
    pub(crate) reason: String,
}

/// Why a node leaves for good.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NodeDecommission")]
pub(crate) struct DecommissionDto {
    /// Shown with the node.
    #[schemars(length(min = 3, max = 500))]
    pub(crate) reason: String,
    /// The node's name once more.
    pub(crate) confirm: String,
}

/// What a user or team may have at once; absent is without limit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "QuotaLimits")]
pub(crate) struct QuotaDto {
    /// Placed sessions.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub(crate) sessions_max: Option<u32>,
    /// Cores.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub(crate) cpu_max: Option<u32>,
    /// MiB of memory.
    #[serde(default)]
    #[schemars(range(max = 4_000_000_000_u32))]
    pub(crate) memory_mib_max: Option<u32>,
    /// GPUs.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub(crate) gpus_max: Option<u32>,
    /// Share at equal priority: twice the weight, twice the share.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) weight: u32,
}

fn one() -> u32 {
    1
}
