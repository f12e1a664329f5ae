//! What nodes say to each other: about the log (`raft/…`), and what is passed on to the leader (`control/…`).

use serde::{Deserialize, Serialize};
use store::codec::{self, Record, schema};
use store::raft_log::{LogEntry, LogId, Vote};

use super::types::MembershipRecord;
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
    Propose {
        /// An entry record without a time, in its own envelope: commands have their own versions.
        #[serde(with = "serde_bytes")]
        entry: Vec<u8>,
    },
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

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::path::PathBuf;

    use super::*;
    use crate::control::raft::types::Member;
    use crate::control::refusal::CommandOutput;

    /// `UPDATE_GOLDEN=1` writes files that are missing; a file that exists is never rewritten.
    fn golden<R: Record + PartialEq + Debug>(name: &str, sample: &R) {
        let name = format!("{}_{name}_v{}.bin", schema::name(R::SCHEMA), R::VERSION);
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
        let bytes = codec::encode(sample).unwrap();
        if !file.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &bytes).unwrap();
        }
        let stored = std::fs::read(&file).unwrap();
        assert_eq!(codec::decode::<R>(&stored).as_ref(), Ok(sample), "{}", file.display());
        assert_eq!(stored, bytes, "{}: variants and fields are only appended", file.display());
    }

    fn membership() -> MembershipRecord {
        let member = Member { node: "n-1".into(), address: "host:7700".into() };
        MembershipRecord {
            id: Some(LogId { term: 3, node: 1, index: 9 }),
            voters: vec![[1, 2].into(), [1, 3].into()],
            members: [(1, member.clone()), (2, member)].into(),
        }
    }

    #[test]
    fn what_nodes_say_about_the_log_is_understood_by_every_later_build() {
        let (id, vote) =
            (LogId { term: 3, node: 1, index: 9 }, Vote { term: 3, node: 1, committed: true });
        let entry = WireEntry { id, payload: vec![1, 2, 3] };
        let meta = WireMeta { last: Some(id), membership: membership(), name: "9-ab".into() };
        golden("log", &membership());
        let append =
            |entries| RaftMessage::Append { vote, previous: Some(id), entries, committed: None };
        golden("append", &append(vec![entry]));
        golden("alive", &append(Vec::new()));
        golden("whole", &RaftMessage::Appended(Appended::Whole));
        golden("up_to", &RaftMessage::Appended(Appended::UpTo(Some(id))));
        golden("conflict", &RaftMessage::Appended(Appended::Conflict));
        golden("higher", &RaftMessage::Appended(Appended::HigherVote(vote)));
        golden("ask", &RaftMessage::AskVote { vote, last: Some(id) });
        golden("voted", &RaftMessage::Voted { vote, granted: true, last: None });
        let piece = RaftMessage::Piece { vote, meta, offset: 5, data: vec![7; 9], done: true };
        golden("piece", &piece);
        golden("kept", &RaftMessage::Kept { vote });
        golden("mismatch", &RaftMessage::Mismatch { wanted: 1, found: 2 });
    }

    #[test]
    fn what_is_passed_on_to_the_leader_is_understood_by_every_later_build() {
        golden("propose", &ControlCall::Propose { entry: vec![1, 2, 3] });
        let answers = vec![
            Forwarded::Applied { index: 8, result: Ok(CommandOutput::Done) },
            Forwarded::NotLeader,
            Forwarded::Overloaded,
            Forwarded::Unknown,
        ];
        golden("proposed", &ControlCall::Proposed(answers));
        golden("barrier", &ControlCall::Barrier);
        golden("index", &ControlCall::Index(12));
    }
}
