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
}

impl Default for ResourcesConfig {
    fn default() -> Self {
        Self { cpu: 1, memory_mib: 512, gpus: 0 }
    }
}
