//! Sessions that were removed: what was tried stays known, though everything else of a session is forgotten.
//!
//! A record is made by the very command that removes its session, so that neither is there without the other. There is no
//! command that changes one or takes it back. What a record means is its owner's affair: spec and facts are opaque here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::sessions::{OutcomeKind, Session};
use crate::control::command::{SessionClass, SessionKey};

/// What is kept of a session that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Its name for ever.
    pub id: SessionKey,
    /// What it was.
    pub class: SessionClass,
    /// Who asked for it.
    pub owner: String,
    /// What it did, opaque.
    #[serde(with = "serde_bytes")]
    pub spec: Vec<u8>,
    /// What its last holder found out, opaque.
    #[serde(with = "serde_bytes")]
    pub facts: Vec<u8>,
    /// Order of submission over the whole cluster.
    pub submitted_order: u64,
    /// When it was submitted, milliseconds since 1970 UTC.
    pub submitted_at_ms: u64,
    /// How it ended.
    pub kind: OutcomeKind,
    /// When it ended, milliseconds since 1970 UTC.
    pub ended_at_ms: u64,
    /// When it was removed, milliseconds since 1970 UTC.
    pub removed_at_ms: u64,
}

impl Removed {
    /// Returns what is kept of a session; nothing of one that has not ended, or that no node was ever given.
    pub(crate) fn of(session: &Session, now_ms: u64) -> Option<Self> {
        let outcome = session.outcome.as_ref().filter(|_| session.was_placed())?;
        Some(Self {
            id: session.id,
            class: session.class,
            owner: session.owner.clone(),
            spec: session.spec.clone(),
            facts: session.facts.clone(),
            submitted_order: session.submitted_order,
            submitted_at_ms: session.submitted_at_ms,
            kind: outcome.kind,
            ended_at_ms: outcome.at_ms,
            removed_at_ms: now_ms,
        })
    }
}

/// All of them in the order of submission; only ever added to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedSessions {
    by_order: BTreeMap<u64, Removed>,
}

impl RemovedSessions {
    /// Returns all of them in the order of submission.
    pub fn iter(&self) -> impl Iterator<Item = &Removed> {
        self.by_order.values()
    }

    /// Returns how many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_order.len()
    }

    /// Adds one. The order of submission is never given twice, so that nothing is replaced.
    pub(crate) fn add(&mut self, removed: Removed) {
        self.by_order.entry(removed.submitted_order).or_insert(removed);
    }
}
