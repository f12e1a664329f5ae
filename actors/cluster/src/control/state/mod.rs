//! The control state: what all nodes agree upon, in memory, changed only by `apply`.
//!
//! Deterministic: no clock, no randomness, no `HashMap`, no float. Equal entries give equal states, byte for byte.

mod documents;
mod idempotency;
mod nodes;
mod phase;
mod removed;
mod sessions;

use serde::{Deserialize, Serialize};
use store::codec::{CodecError, Record, schema, upcast};

pub use documents::{Document, Documents};
pub use idempotency::Idempotency;
pub use nodes::{Capacity, Node, NodeState, Nodes, Profile};
pub use phase::{Phase, Turn};
pub use removed::{Removed, RemovedSessions};
pub use sessions::{
    Desired, Eviction, Gang, Manifest, Outcome, OutcomeKind, Placement, Requirements, Resources,
    Retry, Segment, Session, Sessions,
};
pub(crate) use sessions::{cut, within};

/// Everything agreed upon.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlState {
    /// Index of the last applied entry; 0 before the first.
    pub applied_index: u64,
    /// Time of the last applied entry, milliseconds since 1970 UTC.
    pub applied_at_ms: u64,
    /// Name of the cluster, once given.
    pub cluster: Option<[u8; 16]>,
    /// Version of commands and records that may be written.
    pub version: u32,
    /// Documents by kind and id.
    pub documents: Documents,
    /// Sessions by id.
    pub sessions: Sessions,
    /// Nodes by name.
    pub nodes: Nodes,
    /// Answers already given.
    pub idempotency: Idempotency,
    /// What is kept of sessions that were removed.
    pub removed: RemovedSessions,
}

impl Record for ControlState {
    const SCHEMA: u32 = schema::SCHEMA_CONTROL_SNAPSHOT;
    const VERSION: u16 = 3;
    const BYTES_MAX: usize = 128 << 20;

    fn decode_older(version: u16, payload: &[u8]) -> Option<Result<Self, CodecError>> {
        match version {
            1 => Some(upcast::from::<super::v1::state::ControlState, Self>(payload)),
            2 => Some(upcast::from::<super::v2::state::ControlState, Self>(payload)),
            _ => None,
        }
    }
}

/// Limits of the control state, so that it stays small.
pub mod limits {
    /// Bytes of a document.
    pub const DOCUMENT_BYTES_MAX: usize = 16 << 10;
    /// Changes in one command.
    pub const CHANGE_COUNT_MAX: usize = 16;
    /// Bytes of a document's kind.
    pub const KIND_BYTES_MAX: usize = 64;
    /// Bytes of a document's id.
    pub const ID_BYTES_MAX: usize = 256;
    /// Bytes of a session's spec.
    pub const SPEC_BYTES_MAX: usize = 16 << 10;
    /// Bytes of a session's result.
    pub const RESULT_BYTES_MAX: usize = 4 << 10;
    /// Bytes of a sentence (reason, error, detail).
    pub const TEXT_BYTES_MAX: usize = 4 << 10;
    /// Bytes of the reason of a change of phase.
    pub const REASON_BYTES_MAX: usize = 512;
    /// Changes of phase remembered per session, newest kept.
    pub const TURN_COUNT_MAX: usize = 48;
    /// Bytes of a session's facts.
    pub const FACTS_BYTES_MAX: usize = 8 << 10;
    /// Files of a session's archive.
    pub const SEGMENT_COUNT_MAX: usize = 32;
    /// Labels or roles of a node or wanted of one.
    pub const LABEL_COUNT_MAX: usize = 32;
    /// Bytes of a name (node, owner, actor).
    pub const NAME_BYTES_MAX: usize = 256;
    /// Documents that one session refers to.
    pub const REFERENCE_COUNT_MAX: usize = 16;
    /// Checkpoints remembered per session, newest kept.
    pub const CHECKPOINT_COUNT_MAX: usize = 16;
    /// Nodes that hold one checkpoint.
    pub const HOLDER_COUNT_MAX: usize = 16;
    /// Sessions, ended ones included.
    pub const SESSION_COUNT_MAX: usize = 20_000;
    /// Removed sessions of which something is kept; beyond it no session is removed, for what was tried is not forgotten.
    pub const REMOVED_COUNT_MAX: usize = 20_000;
    /// Documents in all.
    pub const DOCUMENT_COUNT_MAX: usize = 100_000;
    /// How long an answer is repeated.
    pub const ANSWER_MS: u64 = 24 * 3_600 * 1_000;
    /// Answers remembered; beyond it the oldest go first.
    pub const ANSWER_COUNT_MAX: usize = 100_000;
}
