//! A checkpoint known to this node.

pub use v1::CheckpointRecord;

/// Version 1.
pub mod v1 {
    use serde::{Deserialize, Serialize};

    use crate::codec::{Record, schema};

    /// A checkpoint known to this node. Whether it counts is decided by the control state.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct CheckpointRecord {
        /// Its name for ever.
        pub id: [u8; 16],
        /// Steps done; grows.
        pub step: u64,
        /// Pass of the work, from 0.
        pub epoch_index: u32,
        /// Metric points emitted up to it.
        pub metric_count: u64,
        /// Hash of its blob.
        pub sha256: [u8; 32],
        /// Size of its blob.
        pub size_bytes: u64,
        /// Milliseconds since 1970 UTC.
        pub at_ms: u64,
    }

    impl Record for CheckpointRecord {
        const SCHEMA: u32 = schema::SCHEMA_CHECKPOINT_ENTRY;
        const VERSION: u16 = 1;
    }
}
