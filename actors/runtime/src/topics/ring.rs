//! Log topics: every item once, in order, from a ring that forgets by count and age. Pure.
//!
//! A reader is a cursor into the shared ring: however slow it is, it costs no memory. What the ring forgot before it
//! was read is a gap that is told.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use crate::clock::rfc3339;

/// Most items kept.
pub(crate) const ITEMS_MAX: usize = 10_000;
/// Items older than this are forgotten, in milliseconds.
pub(crate) const AGE_MS_MAX: i64 = 600_000;
/// Most items of one delta or snapshot.
pub(crate) const BATCH_MAX: usize = 500;

/// What a reader at some cursor is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LogStep {
    /// Items number `from` to `seq`.
    Items { from: u64, seq: u64, data: Value },
    /// Items between are forgotten.
    Gap { last: u64, next: u64 },
}

/// The items of one log topic.
#[derive(Debug, Default)]
pub(crate) struct LogCore {
    head: u64,
    items: VecDeque<(i64, Value)>,
}

impl LogCore {
    /// Returns the number of the newest item.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// Appends an item; `seq`, `ts` and `kind` become fields of it.
    pub(crate) fn append(&mut self, now_ms: i64, kind: &str, mut fields: Map<String, Value>) {
        self.head += 1;
        fields.insert("seq".to_owned(), Value::from(self.head));
        fields.insert("ts".to_owned(), Value::from(rfc3339(now_ms)));
        fields.insert("kind".to_owned(), Value::from(kind));
        self.items.push_back((now_ms, Value::Object(fields)));
        if ITEMS_MAX < self.items.len() {
            self.items.pop_front();
        }
        self.age(now_ms);
    }

    /// Forgets what is too old.
    pub(crate) fn age(&mut self, now_ms: i64) {
        while self
            .items
            .front()
            .is_some_and(|(at_ms, _)| *at_ms < now_ms.saturating_sub(AGE_MS_MAX))
        {
            self.items.pop_front();
        }
    }

    /// Returns the number of the oldest item kept; one past the head when none is.
    pub(crate) fn first(&self) -> u64 {
        self.head + 1 - self.len()
    }

    fn len(&self) -> u64 {
        u64::try_from(self.items.len()).unwrap_or(u64::MAX)
    }

    /// Returns `{items}`: the newest ones.
    pub(crate) fn snapshot(&self) -> Value {
        let skip = self.items.len().saturating_sub(BATCH_MAX);
        json!({ "items": self.items.iter().skip(skip).map(|(_, item)| item).collect::<Vec<_>>() })
    }

    /// Returns what a reader that has everything up to `cursor` is told next; nothing when it has all.
    pub(crate) fn step(&self, cursor: u64) -> Option<LogStep> {
        if self.head <= cursor {
            return None;
        }
        let first = self.first();
        if cursor + 1 < first {
            return Some(LogStep::Gap { last: cursor, next: first });
        }
        let skip = usize::try_from(cursor + 1 - first).unwrap_or(usize::MAX);
        let items: Vec<&Value> =
            self.items.iter().skip(skip).take(BATCH_MAX).map(|(_, item)| item).collect();
        let seq = cursor + u64::try_from(items.len()).unwrap_or(0);
        Some(LogStep::Items { from: cursor + 1, seq, data: json!({ "items": items }) })
    }
}
