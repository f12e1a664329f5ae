//! openraft's state machine over our [`Machine`]: in memory, with durable snapshots.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use openraft::storage::RaftStateMachine;
use openraft::{
    AnyError, Entry, EntryPayload, LogId, OptionalSend, Snapshot, SnapshotMeta, StorageError,
    StorageIOError, StoredMembership,
};
use store::Blobs;
use tokio::fs::File;

use super::disk::Disk;
use super::file_error;
use super::snapshots::{SnapshotBuilder, Snapshots, scratch_file};
use crate::control::ControlError;
use crate::control::apply::{Applied, Divergence};
use crate::control::command;
use crate::control::machine::Machine;
use crate::control::raft::types::{Answer, Command, Member, Types, store_id};

/// State and snapshots of one node.
#[derive(Debug)]
pub struct StateStore {
    machine: Arc<Machine>,
    snapshots: Arc<Snapshots>,
    scratch: PathBuf,
    applied: Option<LogId<u64>>,
    membership: StoredMembership<u64, Member>,
}

impl StateStore {
    pub(super) async fn open(
        disk: &Disk,
        blobs: &Blobs,
        scratch: &Path,
        machine: Arc<Machine>,
    ) -> Result<Self, ControlError> {
        let (snapshots, newest) = Snapshots::open(disk, blobs).await?;
        let mut store = Self {
            machine,
            snapshots: Arc::new(snapshots),
            scratch: scratch.to_owned(),
            applied: None,
            membership: StoredMembership::default(),
        };
        if let Some((meta, bytes)) = newest {
            let index = store.machine.restore(&bytes).map_err(store::StoreError::from)?;
            let wanted = meta.last_log_id.map_or(0, |id| store_id(id).index);
            if index != wanted {
                return Err(Divergence::Gap { wanted, found: index }.into());
            }
            (store.applied, store.membership) = (meta.last_log_id, meta.last_membership);
        }
        Ok(store)
    }

    fn apply_one(&mut self, entry: Entry<Types>) -> Result<Answer, Divergence> {
        let (index, term) = (store_id(entry.log_id).index, store_id(entry.log_id).term);
        // Entries of the log itself carry no commands and no time; the machine only counts them.
        let nothing = command::Entry { index, term, at_ms: 0, commands: Vec::new() };
        let Applied { results, .. } = match entry.payload {
            EntryPayload::Normal(Command(bytes)) => {
                self.machine.apply_bytes(index, term, &bytes)?
            }
            EntryPayload::Blank => self.machine.apply(&nothing)?,
            EntryPayload::Membership(membership) => {
                self.membership = StoredMembership::new(Some(entry.log_id), membership);
                self.machine.apply(&nothing)?
            }
        };
        self.applied = Some(entry.log_id);
        Ok(Answer { index, results })
    }
}

impl RaftStateMachine<Types> for StateStore {
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(
        &mut self,
    ) -> Result<(Option<LogId<u64>>, StoredMembership<u64, Member>), StorageError<u64>> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Answer>, StorageError<u64>>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut answers = Vec::new();
        for entry in entries {
            let id = entry.log_id;
            let answer = self.apply_one(entry);
            let failed = |error| StorageIOError::apply(id, AnyError::new(&error));
            answers.push(answer.map_err(failed)?);
        }
        Ok(answers)
    }

    /// The state is written to bytes here, between two entries; the file is written by the builder.
    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        let bytes = self.machine.snapshot().map(|(_, bytes)| bytes);
        SnapshotBuilder::new(
            Arc::clone(&self.snapshots),
            (self.applied, self.membership.clone()),
            bytes,
        )
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<File>, StorageError<u64>> {
        let file = scratch_file(&self.scratch).map_err(|error| file_error(&error))?;
        Ok(Box::new(file))
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<u64, Member>,
        snapshot: Box<File>,
    ) -> Result<(), StorageError<u64>> {
        let bytes = self.snapshots.receive(meta, *snapshot).await?;
        let restored = self.machine.restore(&bytes);
        let failed =
            |error| StorageIOError::write_snapshot(Some(meta.signature()), AnyError::new(&error));
        restored.map_err(failed)?;
        (self.applied, self.membership) = (meta.last_log_id, meta.last_membership.clone());
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<Types>>, StorageError<u64>> {
        self.snapshots.current().await
    }
}
