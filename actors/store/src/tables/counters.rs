//! The next row number of each session, in memory, read from the journal at first use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::SessionKey;
use crate::error::StoreError;
use crate::journal::{Batch, Journal, Key};

/// Rows removed in one batch.
const REMOVE_BATCH: usize = 1_000;

/// Next numbers by session. The lock is held from numbering to submission, so that rows become durable in order and a
/// crash leaves no gap.
#[derive(Debug, Clone, Default)]
pub(super) struct Counters(Arc<Mutex<BTreeMap<SessionKey, u64>>>);

impl Counters {
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<SessionKey, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the session's next number, asking `load` the first time.
pub(super) fn next(
    numbers: &mut BTreeMap<SessionKey, u64>,
    session: &SessionKey,
    load: impl FnOnce() -> Result<u64, StoreError>,
) -> Result<u64, StoreError> {
    match numbers.get(session) {
        Some(next) => Ok(*next),
        None => {
            let next = load()?;
            numbers.insert(*session, next);
            Ok(next)
        }
    }
}

/// Removes all rows whose keys begin with `prefix`.
pub(super) async fn remove_all(journal: &Journal, prefix: &Key) -> Result<(), StoreError> {
    loop {
        let keys = journal.keys(prefix, REMOVE_BATCH)?;
        let mut batch = Batch::default();
        keys.iter().for_each(|key| batch.delete(key.clone()));
        journal.commit(batch).await?;
        if keys.len() < REMOVE_BATCH {
            return Ok(());
        }
    }
}
