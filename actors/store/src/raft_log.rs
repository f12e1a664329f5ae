//! The control log on disk: numbered entries, vote, purge, snapshot mark; the storage under Raft without its types.
//!
//! ```text
//! raft_log   index u64 | part u16   part 0: crc32c u32 | term u64 | node u64 | parts u16 | length u32 | bytes …
//! raft_meta  v vote   p purged   s snapshot   c committed
//! ```
//!
//! The log never has holes: it runs from one after the purge mark to its last entry. All parts of an entry are written
//! in one batch. One owner writes (`&mut self`).

use std::ops::{Bound, RangeInclusive};

use serde::{Deserialize, Serialize};

use crate::codec::{Record, schema};
use crate::error::StoreError;
use crate::faults;
use crate::journal::chunks::{CHUNKED_BYTES_MAX, VALUE_BYTES_MAX};
use crate::journal::keys::{self, Key, Tree};
use crate::journal::{Batch, Journal, Pending, Trees, damaged, unreadable};

/// Bytes before the payload of an entry's first part.
const ENTRY_HEADER_BYTES: usize = 26;
/// Largest payload of an entry.
pub const ENTRY_BYTES_MAX: usize = CHUNKED_BYTES_MAX - ENTRY_HEADER_BYTES;
/// Entries deleted in one batch.
const DELETE_BATCH: u64 = 256;

/// Names an entry: who proposed it in which term, and where it stands.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct LogId {
    /// Term of its leader.
    pub term: u64,
    /// Its leader.
    pub node: u64,
    /// Position, from 1.
    pub index: u64,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Which.
    pub id: LogId,
    /// What; at most [`ENTRY_BYTES_MAX`].
    pub payload: Vec<u8>,
}

/// A vote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// In which term.
    pub term: u64,
    /// For whom.
    pub node: u64,
    /// Whether a majority agreed.
    pub committed: bool,
}

/// Where the newest snapshot of the state lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotMark {
    /// The last entry it contains.
    pub last: LogId,
    /// Hash of its blob.
    pub sha256: [u8; 32],
    /// Size of its blob.
    pub size_bytes: u64,
    /// What the owner wants to remember beside it (membership).
    #[serde(with = "serde_bytes")]
    pub detail: Vec<u8>,
}

/// Up to where the log was purged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgedMark(pub LogId);

/// The last entry known to be committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommittedMark(pub LogId);

impl Record for Vote {
    const SCHEMA: u32 = schema::SCHEMA_LOG_VOTE;
    const VERSION: u16 = 1;
}

impl Record for SnapshotMark {
    const SCHEMA: u32 = schema::SCHEMA_LOG_SNAPSHOT;
    const VERSION: u16 = 1;
}

impl Record for PurgedMark {
    const SCHEMA: u32 = schema::SCHEMA_LOG_PURGED;
    const VERSION: u16 = 1;
}

impl Record for CommittedMark {
    const SCHEMA: u32 = schema::SCHEMA_LOG_COMMITTED;
    const VERSION: u16 = 1;
}

/// Returns where the newest snapshot lies, for those who do not own the log: its file must not be deleted.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is damaged.
pub fn snapshot_mark(journal: &Journal) -> Result<Option<SnapshotMark>, StoreError> {
    journal.get_from(Tree::RaftMeta, &Key::raft_meta(b's'))
}

/// The control log of this node.
#[derive(Debug)]
pub struct RaftLog {
    journal: Journal,
    purged: LogId,
    last: LogId,
    /// Known to be committed; not on disk before the next append.
    noted: Option<LogId>,
}

impl RaftLog {
    /// Opens the log of an open journal and deletes what lies below the purge mark.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it cannot be read; the journal's own opening has verified it.
    pub fn open(journal: &Journal) -> Result<Self, StoreError> {
        let purged = journal
            .get_from::<PurgedMark>(Tree::RaftMeta, &Key::raft_meta(b'p'))?
            .map(|mark| mark.0);
        let purged = purged.unwrap_or_default();
        let mut log = Self { journal: journal.clone(), purged, last: purged, noted: None };
        let left_over = log.first_on_disk()?.filter(|first| *first <= purged.index);
        if let Some(first) = left_over {
            log.delete(first..=purged.index)?;
        }
        if let Some(index) = log.last_on_disk()? {
            let entry = log
                .entry(index)?
                .ok_or_else(|| damaged("raft_log", "the last entry is not readable"))?;
            log.last = entry.id;
        }
        Ok(log)
    }

    /// Returns the last entry's id; that of the purge mark when the log is empty.
    #[must_use]
    pub fn last(&self) -> LogId {
        self.last
    }

    /// Returns the purge mark: everything up to it is only in the snapshot.
    #[must_use]
    pub fn purged(&self) -> LogId {
        self.purged
    }

    /// Appends entries: readable on return, durable when the answer says so.
    ///
    /// # Errors
    /// Refuses a hole or an entry over its limit before anything is written.
    pub fn append(&mut self, entries: &[LogEntry]) -> Result<Pending, StoreError> {
        let mut batch = sled::Batch::default();
        for (next, entry) in (self.last.index + 1..).zip(entries) {
            if entry.id.index != next {
                return Err(refused("log index", next, entry.id.index));
            }
            for (part, bytes) in (0..).zip(parts(entry)?) {
                batch.insert(Key::raft_entry(next).part(part), bytes);
            }
        }
        let written = self.journal.trees().tree(Tree::RaftLog).apply_batch(batch);
        written.map_err(|error| unreadable("raft_log", error))?;
        faults::point("log.appended");
        if let Some(entry) = entries.last() {
            self.last = entry.id;
        }
        let mut batch = Batch::default();
        if let Some(noted) = self.noted.take() {
            batch.put(Key::raft_meta(b'c'), &CommittedMark(noted))?;
        }
        self.journal.submit_to(Tree::RaftMeta, batch)
    }

    /// Reads entries in order, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one is damaged or missing.
    pub fn read(
        &self,
        range: RangeInclusive<u64>,
        limit: usize,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let from = (*range.start()).max(self.purged.index + 1);
        let to = (*range.end()).min(self.last.index);
        let mut entries = Vec::new();
        for index in (from..=to).take(limit) {
            let hole = || damaged("raft_log", &format!("entry {index} is missing"));
            entries.push(self.entry(index)?.ok_or_else(hole)?);
        }
        Ok(entries)
    }

    /// Deletes everything from `index` on; durable on return.
    ///
    /// # Errors
    /// Refuses to go below the purge mark.
    pub fn truncate(&mut self, index: u64) -> Result<(), StoreError> {
        if index <= self.purged.index {
            return Err(refused("first index to delete", self.purged.index + 1, index));
        }
        if index > self.last.index {
            return Ok(());
        }
        let before = self.entry(index - 1)?.map_or(self.purged, |entry| entry.id);
        // From the end, so that a crash leaves no hole.
        let last = self.last.index;
        self.last = before;
        self.delete_backwards(index..=last)
    }

    /// Forgets everything up to `upto`, which a snapshot contains; durable on return. The mark is written first.
    ///
    /// # Errors
    /// Refuses to go beyond the last entry.
    pub fn purge(&mut self, upto: LogId) -> Result<(), StoreError> {
        if upto.index <= self.purged.index {
            return Ok(());
        }
        if upto.index > self.last.index {
            return Err(refused("last index to purge", self.last.index, upto.index));
        }
        self.save(b'p', &PurgedMark(upto))?;
        faults::point("log.purge_noted");
        let first = self.purged.index + 1;
        self.purged = upto;
        self.delete(first..=upto.index)
    }

    /// Replaces the whole log by a snapshot that goes beyond it; durable on return.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn reset(&mut self, upto: LogId) -> Result<(), StoreError> {
        self.save(b'p', &PurgedMark(upto))?;
        let (first, last) = (self.purged.index + 1, self.last.index);
        self.purged = upto;
        self.last = upto;
        self.delete(first..=last)
    }

    /// Remembers a vote; durable on return.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_vote(&mut self, vote: Vote) -> Result<(), StoreError> {
        self.save(b'v', &vote)
    }

    /// Returns the last vote.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is damaged.
    pub fn vote(&self) -> Result<Option<Vote>, StoreError> {
        self.journal.get_from(Tree::RaftMeta, &Key::raft_meta(b'v'))
    }

    /// Remembers the last committed entry; durable on return.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_committed(&mut self, id: LogId) -> Result<(), StoreError> {
        self.save(b'c', &CommittedMark(id))
    }

    /// Remembers the last committed entry together with the next append: it costs no sync of its own, and after a crash
    /// an older one may be remembered.
    pub fn note_committed(&mut self, id: LogId) {
        self.noted = Some(id);
    }

    /// Returns the last committed entry that was remembered.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is damaged.
    pub fn committed(&self) -> Result<Option<LogId>, StoreError> {
        if self.noted.is_some() {
            return Ok(self.noted);
        }
        Ok(self
            .journal
            .get_from::<CommittedMark>(Tree::RaftMeta, &Key::raft_meta(b'c'))?
            .map(|mark| mark.0))
    }

    /// Remembers where the newest snapshot lies, after its blob is durable; durable on return.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_snapshot(&mut self, mark: &SnapshotMark) -> Result<(), StoreError> {
        self.save(b's', mark)
    }

    /// Returns where the newest snapshot lies.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is damaged.
    pub fn snapshot(&self) -> Result<Option<SnapshotMark>, StoreError> {
        snapshot_mark(&self.journal)
    }

    fn save<R: Record>(&self, name: u8, record: &R) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.put(Key::raft_meta(name), record)?;
        self.journal.submit_to(Tree::RaftMeta, batch)?.wait_blocking()
    }

    fn delete(&self, range: RangeInclusive<u64>) -> Result<(), StoreError> {
        let (mut from, last) = range.into_inner();
        while from <= last {
            let to = last.min(from.saturating_add(DELETE_BATCH - 1));
            self.delete_now(from..=to)?;
            from = to + 1;
        }
        self.journal.submit_to(Tree::RaftLog, Batch::default())?.wait_blocking()
    }

    fn delete_backwards(&self, range: RangeInclusive<u64>) -> Result<(), StoreError> {
        let (first, mut to) = range.into_inner();
        while to >= first {
            let from = first.max(to.saturating_sub(DELETE_BATCH - 1));
            self.delete_now(from..=to)?;
            to = from - 1;
        }
        self.journal.submit_to(Tree::RaftLog, Batch::default())?.wait_blocking()
    }

    fn delete_now(&self, range: RangeInclusive<u64>) -> Result<(), StoreError> {
        let tree = self.journal.trees().tree(Tree::RaftLog);
        let read = |error: sled::Error| unreadable("raft_log", error);
        let bounds = (
            Bound::Included(Key::raft_entry(*range.start()).part(0)),
            Bound::Included(Key::raft_entry(*range.end()).part(u16::MAX)),
        );
        let mut batch = sled::Batch::default();
        for key in tree.range::<Vec<u8>, _>(bounds).keys() {
            batch.remove(key.map_err(read)?);
        }
        tree.apply_batch(batch).map_err(read)
    }

    fn entry(&self, index: u64) -> Result<Option<LogEntry>, StoreError> {
        entry(self.journal.trees(), index)
    }

    fn first_on_disk(&self) -> Result<Option<u64>, StoreError> {
        index_of(self.journal.trees().tree(Tree::RaftLog).first())
    }

    fn last_on_disk(&self) -> Result<Option<u64>, StoreError> {
        index_of(self.journal.trees().tree(Tree::RaftLog).last())
    }
}

/// Checks that the log has no hole above the purge mark and that every entry is whole.
pub(crate) fn verify(trees: &Trees) -> Result<(), StoreError> {
    let mark = crate::journal::join(trees.tree(Tree::RaftMeta), &Key::raft_meta(b'p'))?;
    let purged = match mark {
        Some(all) => {
            let (header, payload) = crate::journal::chunks::check(&all)
                .map_err(|reason| damaged("raft_meta/p", &reason))?;
            crate::journal::chunks::record::<PurgedMark>(header, payload)?.0.index
        }
        None => 0,
    };
    let Some(last) = index_of(trees.tree(Tree::RaftLog).last())? else { return Ok(()) };
    for index in purged + 1..=last {
        if entry(trees, index)?.is_none() {
            return Err(damaged(
                "raft_log",
                &format!("wanted entries {}..={last}, entry {index} is missing", purged + 1),
            ));
        }
    }
    Ok(())
}

fn index_of(
    found: sled::Result<Option<(sled::IVec, sled::IVec)>>,
) -> Result<Option<u64>, StoreError> {
    let found = found.map_err(|error| unreadable("raft_log", error))?;
    Ok(found
        .and_then(|(key, _)| {
            keys::split(&key).and_then(|(base, _)| base.first_chunk::<8>().copied())
        })
        .map(u64::from_be_bytes))
}

fn entry(trees: &Trees, index: u64) -> Result<Option<LogEntry>, StoreError> {
    let tree = trees.tree(Tree::RaftLog);
    let key = Key::raft_entry(index);
    let read = |part| {
        tree.get(key.part(part)).map_err(|error| unreadable(&key.place(Tree::RaftLog), error))
    };
    let Some(first) = read(0)? else { return Ok(None) };
    let corrupt = |reason: &str| damaged(&key.place(Tree::RaftLog), reason);
    let mut all = first.to_vec();
    let header = Header::parse(&all).ok_or_else(|| corrupt("no header"))?;
    for part in 1..header.parts {
        let bytes = read(part)?
            .ok_or_else(|| corrupt(&format!("part {part} of {} is missing", header.parts)))?;
        all.extend_from_slice(&bytes);
    }
    if crc32c::crc32c(all.get(4..).unwrap_or_default()) != header.crc {
        return Err(corrupt("its checksum differs"));
    }
    let payload = all.split_off(ENTRY_HEADER_BYTES.min(all.len()));
    if payload.len() as u64 != u64::from(header.length) {
        return Err(corrupt(&format!("wanted {} bytes, found {}", header.length, payload.len())));
    }
    Ok(Some(LogEntry { id: LogId { term: header.term, node: header.node, index }, payload }))
}

struct Header {
    crc: u32,
    term: u64,
    node: u64,
    parts: u16,
    length: u32,
}

impl Header {
    fn parse(all: &[u8]) -> Option<Self> {
        let (crc, rest) = all.split_first_chunk::<4>()?;
        let (term, rest) = rest.split_first_chunk::<8>()?;
        let (node, rest) = rest.split_first_chunk::<8>()?;
        let (parts, rest) = rest.split_first_chunk::<2>()?;
        let length = rest.first_chunk::<4>()?;
        Some(Self {
            crc: u32::from_be_bytes(*crc),
            term: u64::from_be_bytes(*term),
            node: u64::from_be_bytes(*node),
            parts: u16::from_be_bytes(*parts),
            length: u32::from_be_bytes(*length),
        })
    }
}

fn parts(entry: &LogEntry) -> Result<Vec<Vec<u8>>, StoreError> {
    let found = entry.payload.len();
    let too_large =
        || StoreError::TooLarge { what: "a log entry's bytes", limit: ENTRY_BYTES_MAX, found };
    if found > ENTRY_BYTES_MAX {
        return Err(too_large());
    }
    let total = ENTRY_HEADER_BYTES + found;
    let count = u16::try_from(total.div_ceil(VALUE_BYTES_MAX)).map_err(|_| too_large())?;
    let length = u32::try_from(found).map_err(|_| too_large())?;
    let mut all = Vec::with_capacity(total);
    all.extend_from_slice(&[0; 4]);
    all.extend_from_slice(&entry.id.term.to_be_bytes());
    all.extend_from_slice(&entry.id.node.to_be_bytes());
    all.extend_from_slice(&count.to_be_bytes());
    all.extend_from_slice(&length.to_be_bytes());
    all.extend_from_slice(&entry.payload);
    let crc = crc32c::crc32c(all.get(4..).unwrap_or_default());
    if let Some(head) = all.first_chunk_mut::<4>() {
        *head = crc.to_be_bytes();
    }
    Ok(all.chunks(VALUE_BYTES_MAX).map(<[u8]>::to_vec).collect())
}

fn refused(what: &'static str, wanted: u64, found: u64) -> StoreError {
    StoreError::Refused { what, wanted: wanted.to_string(), found: found.to_string() }
}
