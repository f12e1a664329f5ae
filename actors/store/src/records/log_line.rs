//! One line of a session's log.

pub use v1::LogLineRecord;

/// Version 1.
pub mod v1 {
    use serde::{Deserialize, Serialize};

    use crate::codec::{Record, schema};

    /// One line of a session's log.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct LogLineRecord {
        /// Counts from 1 within the session; gaps where old lines were dropped.
        pub seq: u64,
        /// Milliseconds since 1970 UTC.
        pub at_ms: u64,
        /// How grave.
        pub level: String,
        /// The text.
        pub text: String,
    }

    impl Record for LogLineRecord {
        const SCHEMA: u32 = schema::SCHEMA_LOG_LINE;
        const VERSION: u16 = 1;
    }
}
