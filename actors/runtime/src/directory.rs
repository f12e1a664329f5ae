//! Name → current address. A restarted actor has a new address; its name stays.
//!
//! One directory per platform, so that several platforms can live in one process (tests). The supervisor writes it,
//! handles read it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use ractor::{ActorCell, ActorRef, ActorStatus, Message};

use crate::error::ActorsError;

/// Where the actors of this platform are at this moment.
#[derive(Clone, Default)]
pub struct Directory {
    entries: Arc<RwLock<BTreeMap<String, ActorCell>>>,
}

impl Directory {
    /// Returns an empty directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that `name` is found at `cell` from now on.
    pub fn put(&self, name: &str, cell: ActorCell) {
        self.write().insert(name.to_owned(), cell);
    }

    /// Forgets `name`.
    pub fn remove(&self, name: &str) {
        self.write().remove(name);
    }

    /// Returns the current address of the actor called `name`.
    ///
    /// # Errors
    /// Refuses when the actor is not there or is between two lives.
    pub(crate) fn get<M: Message>(&self, name: &'static str) -> Result<ActorRef<M>, ActorsError> {
        self.lookup(name)
            .map(ActorRef::from)
            .ok_or(ActorsError::Restarting { actor: name.to_owned() })
    }

    /// Returns the address behind a name that is made at run time (one per session).
    pub(crate) fn lookup(&self, name: &str) -> Option<ActorCell> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let cell = entries.get(name)?;
        alive(cell.get_status()).then(|| cell.clone())
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, ActorCell>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}

fn alive(status: ActorStatus) -> bool {
    match status {
        ActorStatus::Unstarted
        | ActorStatus::Starting
        | ActorStatus::Running
        | ActorStatus::Upgrading => true,
        ActorStatus::Draining | ActorStatus::Stopping | ActorStatus::Stopped => false,
    }
}
