//! openraft's log and vote over our log.

use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{Entry, LogId, LogState, OptionalSend, RaftLogReader, StorageError, Vote};
use store::StoreError;
use store::raft_log::LogEntry;

use super::disk::Disk;
use super::{known, reading, writing};
use crate::control::raft::types::{
    Types, raft_entry, raft_vote, store_entry, store_id, store_vote,
};

/// Log and vote of one node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LogStore {
    disk: Disk,
    own: u64,
}

impl LogStore {
    pub(super) fn new(disk: Disk, own: u64) -> Self {
        Self { disk, own }
    }
}

/// Returns a range of raft indexes as store indexes, both ends included.
fn store_range(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let first = match range.start_bound() {
        Bound::Included(index) => index.saturating_add(1),
        Bound::Excluded(index) => index.saturating_add(2),
        Bound::Unbounded => 1,
    };
    let last = match range.end_bound() {
        Bound::Included(index) => index.saturating_add(1),
        Bound::Excluded(index) => *index,
        Bound::Unbounded => u64::MAX,
    };
    (first, last)
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> Result<Vec<Entry<Types>>, StorageError<u64>> {
        let (first, last) = store_range(&range);
        if first > last {
            return Ok(Vec::new());
        }
        let read = self.disk.run(move |log| log.read(first..=last, usize::MAX)).await;
        let entries = read.map_err(|error| reading(&error))?;
        let entries: Result<Vec<_>, _> = entries.into_iter().map(raft_entry).collect();
        entries.map_err(|error| reading(&StoreError::from(error)))
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, StorageError<u64>> {
        let state = self.disk.run(|log| Ok((log.purged(), log.last()))).await;
        let (purged, last) = state.map_err(|error| reading(&error))?;
        Ok(LogState { last_purged_log_id: known(purged), last_log_id: known(last) })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote<u64>) -> Result<(), StorageError<u64>> {
        let vote = store_vote(vote);
        let saved = self.disk.run(move |log| log.save_vote(vote)).await;
        saved.map_err(|error| writing(&error))
    }

    /// Returns the vote with which this process starts.
    ///
    /// A node that led when it ended does not lead again by itself: openraft would take its remembered commit index,
    /// which is written lazily, for the newest and answer reads that miss what it had acknowledged. As a mere vote for
    /// itself the term stays taken, and leading again takes an election.
    async fn read_vote(&mut self) -> Result<Option<Vote<u64>>, StorageError<u64>> {
        let vote = self.disk.run(|log| log.vote()).await.map_err(|error| reading(&error))?;
        Ok(vote.map(|mut vote| {
            vote.committed &= vote.node != self.own;
            raft_vote(vote)
        }))
    }

    async fn save_committed(
        &mut self,
        committed: Option<LogId<u64>>,
    ) -> Result<(), StorageError<u64>> {
        let Some(id) = committed.map(store_id) else { return Ok(()) };
        let noted = self.disk.run(move |log| {
            log.note_committed(id);
            Ok(())
        });
        noted.await.map_err(|error| writing(&error))
    }

    async fn read_committed(&mut self) -> Result<Option<LogId<u64>>, StorageError<u64>> {
        let committed = self.disk.run(|log| log.committed()).await;
        Ok(committed.map_err(|error| reading(&error))?.and_then(known))
    }

    async fn append<I>(
        &mut self,
        entries: I,
        callback: LogFlushed<Types>,
    ) -> Result<(), StorageError<u64>>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Result<Vec<LogEntry>, _> = entries.into_iter().map(store_entry).collect();
        let entries = entries.map_err(|error| writing(&StoreError::from(error)))?;
        let appended = self.disk.run(move |log| log.append(&entries)).await;
        let pending = appended.map_err(|error| writing(&error))?;
        // Readable now; told as flushed only when the commit thread has synced it.
        tokio::spawn(async move {
            callback.log_io_completed(pending.wait().await.map_err(std::io::Error::other));
        });
        Ok(())
    }

    async fn truncate(&mut self, id: LogId<u64>) -> Result<(), StorageError<u64>> {
        let index = store_id(id).index;
        let done = self.disk.run(move |log| log.truncate(index)).await;
        done.map_err(|error| writing(&error))
    }

    async fn purge(&mut self, id: LogId<u64>) -> Result<(), StorageError<u64>> {
        let id = store_id(id);
        let done = self.disk.run(move |log| {
            // Beyond the log: an installed snapshot replaces it whole.
            if id.index > log.last().index { log.reset(id) } else { log.purge(id) }
        });
        done.await.map_err(|error| writing(&error))
    }
}
