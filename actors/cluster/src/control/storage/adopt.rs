//! Takes over a log that the driver of one wrote: its state becomes a snapshot with this node as the only voter.

use store::codec::{self, Header, schema};
use store::raft_log::{LogEntry, LogId, RaftLog, SnapshotMark};
use store::{BlobHash, Blobs, Journal, StoreError};

use crate::control::ControlError;
use crate::control::command::Entry;
use crate::control::machine::Machine;
use crate::control::raft::types::{Member, MembershipRecord};

/// The raft id of the node that was alone.
const FIRST: u64 = 1;
/// The id under which the driver of one writes.
const ALONE: LogId = LogId { term: 1, node: FIRST, index: 0 };

/// Whether the log was written by the driver of one and not taken over yet.
///
/// # Errors
/// When it cannot be read.
pub fn is_local(journal: &Journal) -> Result<bool, StoreError> {
    written_alone(&RaftLog::open(journal)?)
}

fn written_alone(log: &RaftLog) -> Result<bool, StoreError> {
    if let Some(mark) = log.snapshot()? {
        return Ok(mark.detail.is_empty());
    }
    // Raft's first entry is always a membership; the driver of one knows none.
    let first = log.read(1..=1, 1)?.pop();
    Ok(match first {
        Some(entry) if entry.payload.is_empty() => true,
        Some(entry) => Header::parse(&entry.payload)?.schema != schema::SCHEMA_RAFT_MEMBERSHIP,
        None => false,
    })
}

/// Takes a log over whose driver was alone; `member` is this node, from now on voter 1. Returns whether there was
/// anything to do: repeating it, also after a crash half-way, is harmless.
///
/// # Errors
/// When log or snapshot cannot be read or written.
pub fn adopt_local(
    journal: &Journal,
    blobs: &Blobs,
    member: &Member,
) -> Result<bool, ControlError> {
    let mut log = RaftLog::open(journal)?;
    let fresh = log.last().index == 0 && log.snapshot()?.is_none();
    if !fresh && !written_alone(&log)? {
        return Ok(false);
    }
    if fresh {
        // A snapshot needs an entry to stand at.
        let blank = LogEntry { id: LogId { index: 1, ..ALONE }, payload: Vec::new() };
        log.append(&[blank])?.wait_blocking()?;
    }
    let before = log.snapshot()?.map(|mark| BlobHash(mark.sha256));
    let machine = replay(&log, blobs, before)?;
    let (index, bytes) = machine.snapshot().map_err(StoreError::from)?;
    let stored = blobs.put_bytes(&bytes)?;
    let last = LogId { index, ..log.last() };
    let record = MembershipRecord {
        id: Some(last),
        voters: vec![[FIRST].into()],
        members: [(FIRST, member.clone())].into(),
    };
    let mark = SnapshotMark {
        last,
        sha256: stored.sha256.0,
        size_bytes: stored.size_bytes,
        detail: codec::encode(&record).map_err(StoreError::from)?,
    };
    log.save_snapshot(&mark)?;
    log.purge(last)?;
    if let Some(before) = before.filter(|before| *before != stored.sha256) {
        blobs.remove(before)?;
    }
    Ok(true)
}

/// Everything durable in a log of one is committed.
fn replay(
    log: &RaftLog,
    blobs: &Blobs,
    snapshot: Option<BlobHash>,
) -> Result<Machine, ControlError> {
    let machine = Machine::default();
    let mut next = 1;
    if let Some(hash) = snapshot {
        next = machine.restore(&blobs.read(hash)?).map_err(StoreError::from)? + 1;
    }
    while next <= log.last().index {
        for entry in log.read(next..=log.last().index, 256)? {
            let LogId { index, term, .. } = entry.id;
            if entry.payload.is_empty() {
                machine.apply(&Entry { index, term, at_ms: 0, commands: Vec::new() })?;
            } else {
                machine.apply_bytes(index, term, &entry.payload)?;
            }
            next = index + 1;
        }
    }
    Ok(machine)
}
