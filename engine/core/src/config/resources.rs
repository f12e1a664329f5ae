//! What a session asks of a machine.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Resources reserved for a session while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct ResourcesConfig {
    /// Cores.
    #[garde(range(min = 1, max = 1024))]
    pub cpu: u32,
    /// Memory in MiB.
    #[garde(range(min = 64, max = 4_194_304))]
    pub memory_mib: u32,
    /// GPUs.
    #[garde(range(min = 0, max = 64))]
    pub gpus: u32,
    /// Least memory of each GPU in MiB; empty: any GPU will do.
    // Left out where absent, so that a worker of an earlier build, which refuses unknown fields, reads the rest.
    #[garde(range(min = 1, max = 4_194_304))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = null))]
    pub gpu_memory_mib: Option<u32>,
    /// Wall time in seconds from the first step on, pauses and recoveries included; then the session is stopped in
    /// good order. Empty: no limit.
    #[garde(range(min = 1, max = 31_536_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = null))]
    pub time_limit_seconds: Option<u32>,
}

impl Default for ResourcesConfig {
    fn default() -> Self {
        Self { cpu: 1, memory_mib: 512, gpus: 0, gpu_memory_mib: None, time_limit_seconds: None }
    }
}
