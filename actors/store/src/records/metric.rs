//! A run of metric points of one session.

pub use v1::{MetricBatchRecord, PackedPoint};

/// Version 1.
pub mod v1 {
    use serde::{Deserialize, Serialize};

    use crate::codec::{Record, schema};

    /// Consecutive points; a point's index is `first` plus its position.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct MetricBatchRecord {
        /// Index of the first point within the session, from 0.
        pub first: u64,
        /// When they were stored, milliseconds since 1970 UTC.
        pub stored_at_ms: u64,
        /// Names that the points refer to.
        pub names: Vec<String>,
        /// The points.
        pub points: Vec<PackedPoint>,
    }

    /// A point whose name is a position in `names`.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
    pub struct PackedPoint {
        /// Position of its name.
        pub name: u16,
        /// Steps done.
        pub step: u64,
        /// Value; absent where undefined.
        pub value: Option<f64>,
    }

    impl Record for MetricBatchRecord {
        const SCHEMA: u32 = schema::SCHEMA_METRIC_BATCH;
        const VERSION: u16 = 1;
    }
}
