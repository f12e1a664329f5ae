//! Checkpoints known to this node, by step.

use super::SessionKey;
use super::counters::remove_all;
use crate::error::StoreError;
use crate::journal::{Batch, Journal, Key};
use crate::records::checkpoint::CheckpointRecord;

/// Checkpoints by session.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    journal: Journal,
}

impl Checkpoints {
    pub(super) fn open(journal: &Journal) -> Self {
        Self { journal: journal.clone() }
    }

    /// Stores a checkpoint under its step; one of the same step is replaced.
    ///
    /// # Errors
    /// As [`Journal::commit`].
    pub async fn put(
        &self,
        session: &SessionKey,
        record: &CheckpointRecord,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.put(Key::checkpoint(session, record.step), record)?;
        self.journal.commit(batch).await
    }

    /// Returns all checkpoints in the order of their steps.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one is damaged.
    pub fn list(&self, session: &SessionKey) -> Result<Vec<CheckpointRecord>, StoreError> {
        let rows = self.journal.scan(&Key::checkpoints(session), None, usize::MAX)?;
        Ok(rows.into_iter().map(|(_, record)| record).collect())
    }

    /// Returns the checkpoint of the highest step.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is damaged.
    pub fn last(&self, session: &SessionKey) -> Result<Option<CheckpointRecord>, StoreError> {
        let rows = self.journal.scan_back(&Key::checkpoints(session), 1)?;
        Ok(rows.into_iter().next().map(|(_, record)| record))
    }

    pub(super) async fn remove(&self, session: &SessionKey) -> Result<(), StoreError> {
        remove_all(&self.journal, &Key::checkpoints(session)).await
    }
}
