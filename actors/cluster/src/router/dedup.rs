//! Ids already seen, per source: at least once becomes effectively once. Pure.
//!
//! A receiver with effects keeps a [`Window`] per source in its journal, in the same batch as the effect. The window
//! forgets by count and by age; an id older than everything it still knows counts as seen, for whether it was is not
//! known any more and a second effect is worse than a missing one.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::envelope::Source;

/// Ids that a window remembers.
pub const WINDOW_IDS: usize = 65_536;
/// How long a window remembers an id, in ms.
pub const WINDOW_MS: u64 = 24 * 60 * 60 * 1000;

/// Whether an id was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Never.
    New,
    /// Before.
    Again,
    /// So old that it is not known: do not act.
    Forgotten,
}

/// The ids of one source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Id → when it was first seen, in ms.
    ids: BTreeMap<u64, u64>,
    /// Ids in the order in which they were first seen.
    order: VecDeque<u64>,
    /// The highest id that was forgotten.
    forgotten: Option<u64>,
}

impl Window {
    /// Says whether an id was seen, without noting it.
    #[must_use]
    pub fn look(&self, id: u64) -> Seen {
        if self.ids.contains_key(&id) {
            Seen::Again
        } else if self.forgotten.is_some_and(|forgotten| id <= forgotten) {
            Seen::Forgotten
        } else {
            Seen::New
        }
    }

    /// Says whether an id was seen, and notes it.
    pub fn note(&mut self, id: u64, now_ms: u64) -> Seen {
        let seen = self.look(id);
        if seen == Seen::New {
            self.ids.insert(id, now_ms);
            self.order.push_back(id);
        }
        self.forget(now_ms);
        seen
    }

    /// How many ids are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    fn forget(&mut self, now_ms: u64) {
        while let Some(first) = self.order.front().copied() {
            let age_ms = self.ids.get(&first).map_or(u64::MAX, |seen| now_ms.saturating_sub(*seen));
            if self.ids.len() <= WINDOW_IDS && age_ms <= WINDOW_MS {
                break;
            }
            self.order.pop_front();
            self.ids.remove(&first);
            self.forgotten = self.forgotten.max(Some(first));
        }
    }
}

/// The windows of all sources. A node's newer incarnation begins a new window; those of older ones are refused.
#[derive(Debug, Clone, Default)]
pub struct Dedup {
    windows: BTreeMap<String, (u64, Window)>,
}

impl Dedup {
    /// Says whether a message was seen, and notes it.
    pub fn note(&mut self, source: &Source, id: u64, now_ms: u64) -> Seen {
        let entry = self
            .windows
            .entry(source.node.clone())
            .or_insert_with(|| (source.incarnation, Window::default()));
        if source.incarnation < entry.0 {
            return Seen::Forgotten;
        }
        if source.incarnation > entry.0 {
            *entry = (source.incarnation, Window::default());
        }
        entry.1.note(id, now_ms)
    }
}
