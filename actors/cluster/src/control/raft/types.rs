//! What openraft is told about our log, and how its ids and members are written on disk and on the wire.
//!
//! openraft counts entries from 0, our log from 1: `store index = raft index + 1` everywhere, so index 0 of the store
//! means "none" and a log written by the driver of one can be taken over as it is.

use std::collections::{BTreeMap, BTreeSet};

use openraft::{EntryPayload, Membership, StoredMembership};
use serde::{Deserialize, Serialize};
use store::codec::{self, CodecError, Header, Record, schema};
use store::raft_log::{LogEntry, LogId, Vote};

use crate::control::refusal::CommandResult;

openraft::declare_raft_types!(
    /// The types of our log.
    pub Types:
        D = Command,
        R = Answer,
        NodeId = u64,
        Node = Member,
        Entry = openraft::Entry<Types>,
        SnapshotData = tokio::fs::File,
        AsyncRuntime = openraft::TokioRuntime,
);

/// Commands as stored: the bytes of one entry record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Command(#[serde(with = "serde_bytes")] pub Vec<u8>);

/// What applying an entry answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The entry's index, counted from 1.
    pub index: u64,
    /// One answer per command.
    pub results: Vec<CommandResult>,
}

/// A node as the log's membership knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub node: String,
    /// Where it was reached when it was added.
    pub address: String,
}

/// The membership as stored and sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipRecord {
    /// The entry that said so; absent before any did. Not used inside an entry.
    pub id: Option<LogId>,
    /// Voters; two sets while they change.
    pub voters: Vec<BTreeSet<u64>>,
    /// Everyone, learners included.
    pub members: BTreeMap<u64, Member>,
}

impl Record for MembershipRecord {
    const SCHEMA: u32 = schema::SCHEMA_RAFT_MEMBERSHIP;
    const VERSION: u16 = 1;
}

impl MembershipRecord {
    /// Returns the stored form of a membership.
    #[must_use]
    pub fn new(id: Option<LogId>, membership: &Membership<u64, Member>) -> Self {
        let members = membership.nodes().map(|(id, member)| (*id, member.clone())).collect();
        Self { id, voters: membership.get_joint_config().clone(), members }
    }

    /// Returns the membership itself.
    #[must_use]
    pub fn membership(self) -> Membership<u64, Member> {
        Membership::new(self.voters, self.members)
    }

    /// Returns the membership with the entry that said so.
    #[must_use]
    pub fn stored(self) -> StoredMembership<u64, Member> {
        let id = self.id.and_then(raft_id);
        StoredMembership::new(id, self.membership())
    }
}

/// Returns our form of a log id.
#[must_use]
pub fn store_id(id: openraft::LogId<u64>) -> LogId {
    LogId { term: id.leader_id.term, node: id.leader_id.node_id, index: id.index + 1 }
}

/// Returns openraft's form of a log id; none for index 0.
#[must_use]
pub fn raft_id(id: LogId) -> Option<openraft::LogId<u64>> {
    let index = id.index.checked_sub(1)?;
    Some(openraft::LogId::new(openraft::CommittedLeaderId::new(id.term, id.node), index))
}

/// Returns our form of a vote.
#[must_use]
pub fn store_vote(vote: &openraft::Vote<u64>) -> Vote {
    Vote { term: vote.leader_id.term, node: vote.leader_id.node_id, committed: vote.committed }
}

/// Returns openraft's form of a vote.
#[must_use]
pub fn raft_vote(vote: Vote) -> openraft::Vote<u64> {
    if vote.committed {
        openraft::Vote::new_committed(vote.term, vote.node)
    } else {
        openraft::Vote::new(vote.term, vote.node)
    }
}

/// Returns an entry as stored and sent: no bytes for a blank one, else an envelope that names what it holds.
///
/// # Errors
/// Refuses a membership over its size limit.
pub fn store_entry(entry: openraft::Entry<Types>) -> Result<LogEntry, CodecError> {
    let payload = match entry.payload {
        EntryPayload::Blank => Vec::new(),
        EntryPayload::Normal(Command(bytes)) => bytes,
        EntryPayload::Membership(membership) => {
            codec::encode(&MembershipRecord::new(None, &membership))?
        }
    };
    Ok(LogEntry { id: store_id(entry.log_id), payload })
}

/// Returns an entry in openraft's form.
///
/// # Errors
/// Refuses index 0 and a payload that is neither commands nor a membership.
pub fn raft_entry(entry: LogEntry) -> Result<openraft::Entry<Types>, CodecError> {
    let unknown = |found| CodecError::Schema { wanted: schema::SCHEMA_CONTROL_ENTRY, found };
    let log_id = raft_id(entry.id).ok_or_else(|| unknown(0))?;
    if entry.payload.is_empty() {
        return Ok(openraft::Entry { log_id, payload: EntryPayload::Blank });
    }
    let payload = match Header::parse(&entry.payload)?.schema {
        schema::SCHEMA_CONTROL_ENTRY => EntryPayload::Normal(Command(entry.payload)),
        schema::SCHEMA_RAFT_MEMBERSHIP => {
            let record: MembershipRecord = codec::decode(&entry.payload)?;
            EntryPayload::Membership(record.membership())
        }
        found => return Err(unknown(found)),
    };
    Ok(openraft::Entry { log_id, payload })
}
