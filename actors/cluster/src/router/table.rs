//! Who answers to a key: somebody here at an epoch, else the owner by applied placements. Pure.
//!
//! The table remembers the highest epoch of every key it has known, also after its receiver is gone, so that a late
//! message for an earlier owner is told so. What it remembers of keys without a receiver is bounded.

use std::collections::{BTreeMap, VecDeque};

use super::refusal::Refused;

/// Keys without a receiver whose epoch is remembered.
pub const REMEMBERED_MAX: usize = 16_384;

/// Who owns a key by applied control state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The node.
    pub node: String,
    /// Since which epoch.
    pub epoch: u64,
}

#[derive(Debug, Clone)]
struct Entry<H> {
    epoch: u64,
    receiver: Option<H>,
}

/// Keys, their receivers and their highest epochs.
#[derive(Debug, Clone)]
pub struct Table<H> {
    entries: BTreeMap<String, Entry<H>>,
    orphans: VecDeque<String>,
}

impl<H> Default for Table<H> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), orphans: VecDeque::new() }
    }
}

impl<H: Clone> Table<H> {
    /// Lets `receiver` answer to `key` and returns the one it replaces.
    ///
    /// # Errors
    /// Refuses an epoch lower than one already known.
    pub fn register(&mut self, key: &str, epoch: u64, receiver: H) -> Result<Option<H>, Refused> {
        let Some(entry) = self.entries.get_mut(key) else {
            self.entries.insert(key.to_owned(), Entry { epoch, receiver: Some(receiver) });
            return Ok(None);
        };
        if epoch < entry.epoch {
            return Err(Refused::StaleEpoch { current: entry.epoch, found: epoch });
        }
        entry.epoch = epoch;
        Ok(entry.receiver.replace(receiver))
    }

    /// Takes the receiver of a key away if it is the one meant, and returns it; a later one stays.
    pub fn unregister(&mut self, key: &str, is_meant: impl FnOnce(&H) -> bool) -> Option<H> {
        let entry = self.entries.get_mut(key)?;
        let gone = entry.receiver.take_if(|receiver| is_meant(receiver))?;
        self.orphan(key);
        Some(gone)
    }

    /// Returns who takes a message for `key` that was sent for `epoch`.
    ///
    /// # Errors
    /// [`Refused::StaleEpoch`] for a lower epoch than the highest known, [`Refused::NotHere`] with the owner that
    /// `placements` names. A higher epoch than the receiver's ends what the receiver may take: its owner has changed
    /// and this node has not heard of it yet.
    pub fn resolve(
        &mut self,
        key: &str,
        epoch: u64,
        placements: impl FnOnce(&str) -> Option<Owner>,
    ) -> Result<H, Refused> {
        if let Some(entry) = self.entries.get_mut(key) {
            if epoch < entry.epoch {
                return Err(Refused::StaleEpoch { current: entry.epoch, found: epoch });
            }
            if epoch == entry.epoch {
                if let Some(receiver) = &entry.receiver {
                    return Ok(receiver.clone());
                }
            } else {
                entry.epoch = epoch;
                if entry.receiver.take().is_some() {
                    self.orphan(key);
                }
            }
        }
        let owner = placements(key).map(|owner| owner.node);
        Err(Refused::NotHere { key: key.to_owned(), owner })
    }

    /// Whether somebody here answers to `key`.
    #[must_use]
    pub fn is_here(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.receiver.is_some())
    }

    /// The highest epoch known of a key.
    #[must_use]
    pub fn epoch(&self, key: &str) -> Option<u64> {
        self.entries.get(key).map(|entry| entry.epoch)
    }

    /// Keys known, with and without a receiver.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no key is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn orphan(&mut self, key: &str) {
        self.orphans.push_back(key.to_owned());
        while self.orphans.len() > REMEMBERED_MAX {
            let Some(oldest) = self.orphans.pop_front() else { return };
            let again = self.orphans.iter().any(|other| *other == oldest);
            let alone = self.entries.get(&oldest).is_some_and(|entry| entry.receiver.is_none());
            if alone && !again {
                self.entries.remove(&oldest);
            }
        }
    }
}
