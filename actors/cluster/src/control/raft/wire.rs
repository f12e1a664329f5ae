//! What nodes say to each other: about the log (`raft/…`), and what is passed on to the leader (`control/…`).

use serde::{Deserialize, Serialize};
use store::codec::{self, Record, schema};
use store::raft_log::{LogEntry, LogId, Vote};

use super::types::MembershipRecord;
use crate::control::command::Proposed;
use crate::control::refusal::CommandResult;
use crate::ctl::CtlError;

/// Asks to append entries, or says that the leader is alive.
pub(crate) const APPEND: &str = "raft/append";
/// Asks for a vote.
pub(crate) const VOTE: &str = "raft/vote";
/// Sends a piece of a snapshot.
pub(crate) const SNAPSHOT: &str = "raft/snapshot";
/// Passes proposals on to the leader.
pub(crate) const PROPOSE: &str = "control/propose";
/// Asks the leader what is committed.
pub(crate) const BARRIER: &str = "control/barrier";

/// An entry on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireEntry {
    pub(crate) id: LogId,
    #[serde(with = "serde_bytes")]
    pub(crate) payload: Vec<u8>,
}

impl From<LogEntry> for WireEntry {
    fn from(entry: LogEntry) -> Self {
        Self { id: entry.id, payload: entry.payload }
    }
}

impl From<WireEntry> for LogEntry {
    fn from(entry: WireEntry) -> Self {
        Self { id: entry.id, payload: entry.payload }
    }
}

/// What an append answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Appended {
    /// Everything was taken.
    Whole,
    /// Taken up to here.
    UpTo(Option<LogId>),
    /// The logs do not meet at the previous entry.
    Conflict,
    /// A newer leader is known.
    HigherVote(Vote),
}

/// What a snapshot is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireMeta {
    /// The last entry in it.
    pub(crate) last: Option<LogId>,
    /// The membership in it.
    pub(crate) membership: MembershipRecord,
    /// Its name: its last index and its hash.
    pub(crate) name: String,
}

/// One message about the log. Variants are only appended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RaftMessage {
    /// Append these.
    Append {
        vote: Vote,
        previous: Option<LogId>,
        entries: Vec<WireEntry>,
        committed: Option<LogId>,
    },
    /// The answer to it.
    Appended(Appended),
    /// Vote for the sender.
    AskVote { vote: Vote, last: Option<LogId> },
    /// The answer to it.
    Voted { vote: Vote, granted: bool, last: Option<LogId> },
    /// A piece of a snapshot.
    Piece {
        vote: Vote,
        meta: WireMeta,
        offset: u64,
        #[serde(with = "serde_bytes")]
        data: Vec<u8>,
        done: bool,
    },
    /// The answer to a piece that was kept.
    Kept { vote: Vote },
    /// The answer to a piece that does not follow what is here: begin anew.
    Mismatch { wanted: u64, found: u64 },
}

impl Record for RaftMessage {
    const SCHEMA: u32 = schema::SCHEMA_RAFT_MESSAGE;
    const VERSION: u16 = 1;
}

/// What happened to a proposal that was passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Forwarded {
    /// It is durable and applied at this index.
    Applied { index: u64, result: CommandResult },
    /// The asked node does not lead; nothing was written.
    NotLeader,
    /// Too many wait; nothing was written.
    Overloaded,
    /// It is not known whether it was written.
    Unknown,
}

/// One message between a node and the leader. Variants are only appended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ControlCall {
    /// Propose these.
    Propose(Vec<Proposed>),
    /// One answer each.
    Proposed(Vec<Forwarded>),
    /// Up to where is everything answered anywhere?
    Barrier,
    /// Up to this index.
    Index(u64),
}

impl Record for ControlCall {
    const SCHEMA: u32 = schema::SCHEMA_CONTROL_CALL;
    const VERSION: u16 = 1;
}

/// Returns a message as bytes.
pub(crate) fn encode<T: Record>(message: &T) -> Result<Vec<u8>, CtlError> {
    codec::encode(message).map_err(|error| CtlError::refused("unwritable", error.to_string()))
}

/// Returns a message from bytes.
pub(crate) fn decode<T: Record>(bytes: &[u8]) -> Result<T, CtlError> {
    codec::decode(bytes).map_err(|error| CtlError::refused("unreadable", error.to_string()))
}

/// Returns the refusal of a message that is none of those that may stand here.
pub(crate) fn unexpected(method: &str) -> CtlError {
    CtlError::refused("unexpected_message", format!("{method} carries another kind of message"))
}
