//! Sessions as this node saw them: the newest status whole, and every change of state.

use super::SessionKey;
use super::counters::{Counters, next, remove_all};
use crate::error::StoreError;
use crate::journal::{Batch, Journal, Key};
use crate::records::session::{StatusRecord, TransitionRecord};

/// A change of state to be numbered and stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewTransition {
    /// Milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// State before; absent for the first.
    pub from: Option<String>,
    /// State after.
    pub to: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: String,
}

/// Status snapshots and transitions.
#[derive(Debug, Clone)]
pub struct Sessions {
    journal: Journal,
    counters: Counters,
}

impl Sessions {
    pub(super) fn open(journal: &Journal) -> Self {
        Self { journal: journal.clone(), counters: Counters::default() }
    }

    /// Stores a transition and, in the same batch, the status that results; returns the transition's number.
    ///
    /// # Errors
    /// As [`Journal::commit`].
    pub async fn append(
        &self,
        session: &SessionKey,
        transition: NewTransition,
        status: Option<&StatusRecord>,
    ) -> Result<u64, StoreError> {
        let (seq, pending) = {
            let mut numbers = self.counters.lock();
            let seq = next(&mut numbers, session, || Ok(self.last_seq(session)? + 1))?;
            let NewTransition { at_ms, from, to, reason, actor } = transition;
            let mut batch = Batch::default();
            let record = TransitionRecord { seq, at_ms, from, to, reason, actor };
            batch.put(Key::transition(session, seq), &record)?;
            if let Some(status) = status {
                batch.put(Key::session_status(session), status)?;
            }
            let pending = self.journal.submit(batch)?;
            numbers.insert(*session, seq + 1);
            (seq, pending)
        };
        pending.wait().await?;
        Ok(seq)
    }

    /// Replaces the status.
    ///
    /// # Errors
    /// As [`Journal::commit`].
    pub async fn put_status(
        &self,
        session: &SessionKey,
        status: &StatusRecord,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.put(Key::session_status(session), status)?;
        self.journal.commit(batch).await
    }

    /// Returns the status.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is damaged.
    pub fn status(&self, session: &SessionKey) -> Result<Option<StatusRecord>, StoreError> {
        self.journal.get(&Key::session_status(session))
    }

    /// Returns all statuses in the order of session ids.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one is damaged.
    pub fn statuses(&self) -> Result<Vec<(SessionKey, StatusRecord)>, StoreError> {
        let rows = self.journal.scan::<StatusRecord>(&Key::session_statuses(), None, usize::MAX)?;
        let id = |key: &Key| key.bytes().last_chunk::<16>().copied().unwrap_or_default();
        Ok(rows.into_iter().map(|(key, status)| (id(&key), status)).collect())
    }

    /// Returns the transitions from number `from` on.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one is damaged.
    pub fn transitions(
        &self,
        session: &SessionKey,
        from: u64,
        limit: usize,
    ) -> Result<Vec<TransitionRecord>, StoreError> {
        let start = Key::transition(session, from);
        let rows = self.journal.scan(&Key::transitions(session), Some(&start), limit)?;
        Ok(rows.into_iter().map(|(_, record)| record).collect())
    }

    fn last_seq(&self, session: &SessionKey) -> Result<u64, StoreError> {
        let last = self.journal.scan_back::<TransitionRecord>(&Key::transitions(session), 1)?;
        Ok(last.first().map_or(0, |(_, record)| record.seq))
    }

    pub(super) async fn remove(&self, session: &SessionKey) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.delete(Key::session_status(session));
        self.journal.commit(batch).await?;
        remove_all(&self.journal, &Key::transitions(session)).await?;
        self.counters.lock().remove(session);
        Ok(())
    }
}
