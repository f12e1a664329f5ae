//! The replicated state machine as a shared object: applies entries, is read by many, makes and restores snapshots.
//!
//! Knows neither log nor network; whoever drives it calls [`Machine::apply`] once per entry, in order.

use std::sync::{Arc, PoisonError, RwLock};

use store::codec::{self, CodecError};
use tokio::sync::{broadcast, watch};

use super::apply::{self, Applied, Divergence, Effect};
use super::command::{Entry, EntryRecord};
use super::state::ControlState;
use super::v2;

/// Changes that a follower may lag behind before it must read the state again.
const CHANGES_BUFFERED: usize = 1_024;

/// What one entry changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The entry.
    pub index: u64,
    /// What changed, in order.
    pub effects: Vec<Effect>,
}

/// The control state behind a lock, with those who follow it.
#[derive(Debug)]
pub struct Machine {
    state: RwLock<ControlState>,
    index: watch::Sender<u64>,
    changes: broadcast::Sender<Arc<Changes>>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            state: RwLock::default(),
            index: watch::channel(0).0,
            changes: broadcast::channel(CHANGES_BUFFERED).0,
        }
    }
}

impl Machine {
    /// Reads the state.
    pub fn read<R>(&self, question: impl FnOnce(&ControlState) -> R) -> R {
        // A reader that panicked has changed nothing; `apply` itself does not panic half-way.
        question(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Follows the index of the last applied entry.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.index.subscribe()
    }

    /// Follows what changes.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Arc<Changes>> {
        self.changes.subscribe()
    }

    /// Applies one entry and tells those who follow.
    ///
    /// # Errors
    /// [`Divergence`]: the process must end.
    pub fn apply(&self, entry: &Entry) -> Result<Applied, Divergence> {
        let mut applied = {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            apply::apply(&mut state, entry)?
        };
        self.index.send_replace(entry.index);
        if !applied.effects.is_empty() {
            let effects = std::mem::take(&mut applied.effects);
            // Nobody following is not an error.
            drop(self.changes.send(Arc::new(Changes { index: entry.index, effects })));
        }
        Ok(applied)
    }

    /// Applies one entry as stored.
    ///
    /// # Errors
    /// [`Divergence`] when it is not the next one or cannot be read; the process must end, never skip it.
    pub fn apply_bytes(&self, index: u64, term: u64, bytes: &[u8]) -> Result<Applied, Divergence> {
        let record: EntryRecord = codec::decode(bytes)
            .map_err(|error| Divergence::Undecodable { index, reason: error.to_string() })?;
        self.apply(&Entry { index, term, at_ms: record.at_ms, commands: record.commands })
    }

    /// Returns the whole state as bytes and the index it stands at.
    ///
    /// # Errors
    /// Refuses a state over its size limit.
    pub fn snapshot(&self) -> Result<(u64, Vec<u8>), CodecError> {
        self.read(|state| {
            // In the older layout as long as it says everything: a member of the version before can still read it.
            let bytes = match v2::state::ControlState::of(state) {
                Some(older) => codec::encode(&older)?,
                None => codec::encode(state)?,
            };
            Ok((state.applied_index, bytes))
        })
    }

    /// Replaces the whole state by a snapshot.
    ///
    /// # Errors
    /// Refuses bytes that are not an intact snapshot; the state is then unchanged.
    pub fn restore(&self, bytes: &[u8]) -> Result<u64, CodecError> {
        let restored: ControlState = codec::decode(bytes)?;
        let index = restored.applied_index;
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = restored;
        self.index.send_replace(index);
        Ok(index)
    }
}
