//! A session's status and its changes of state.

pub use v1::{StatusRecord, TransitionRecord};

/// Version 1.
pub mod v1 {
    use serde::{Deserialize, Serialize};

    use crate::codec::{Record, schema};

    /// A session's newest status, whole. Its meaning is its owner's.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct StatusRecord {
        /// Counts changes; grows.
        pub revision: u64,
        /// The owner's layout number of `body`.
        pub layout: u32,
        /// The status.
        #[serde(with = "serde_bytes")]
        pub body: Vec<u8>,
    }

    impl Record for StatusRecord {
        const SCHEMA: u32 = schema::SCHEMA_SESSION_STATUS;
        const VERSION: u16 = 1;
    }

    /// One change of a session's state.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct TransitionRecord {
        /// Counts from 1 within the session.
        pub seq: u64,
        /// Milliseconds since 1970 UTC.
        pub at_ms: u64,
        /// State before; absent for the first.
        pub from: Option<String>,
        /// State after.
        pub to: String,
        /// Why.
        pub reason: String,
        /// Who.
        pub actor: String,
    }

    impl Record for TransitionRecord {
        const SCHEMA: u32 = schema::SCHEMA_SESSION_TRANSITION;
        const VERSION: u16 = 1;
    }
}
