//! A named value of this node.

pub use v1::ValueRecord;

/// Version 1.
pub mod v1 {
    use serde::{Deserialize, Serialize};

    use crate::codec::{Record, schema};

    /// A named value of this node. Its meaning is its owner's.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ValueRecord {
        /// The owner's layout number of `body`.
        pub layout: u32,
        /// The value.
        #[serde(with = "serde_bytes")]
        pub body: Vec<u8>,
    }

    impl Record for ValueRecord {
        const SCHEMA: u32 = schema::SCHEMA_NODE_VALUE;
        const VERSION: u16 = 1;
    }
}
