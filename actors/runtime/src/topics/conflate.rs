//! State topics: the newest value per key, numbered by change. Pure.
//!
//! A reader is a cursor: it is told every key that changed after its cursor, once, with the value of now. Memory is
//! bounded by the keys there are plus [`TOMBSTONES_MAX`] keys that are gone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Removed keys remembered, so that readers behind can be told. Readers further behind take a snapshot.
pub(crate) const TOMBSTONES_MAX: usize = 1_024;

/// The rows of one state topic.
#[derive(Debug, Default)]
pub(crate) struct StateCore {
    head: u64,
    floor: u64,
    rows: BTreeMap<String, (u64, Option<Value>)>,
    by_seq: BTreeMap<u64, String>,
    tombstones: BTreeMap<u64, String>,
}

impl StateCore {
    /// Returns the number of the newest change.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// Sets and removes rows; what does not change anything is not counted.
    pub(crate) fn apply(&mut self, set: BTreeMap<String, Value>, del: &[String]) {
        for (key, value) in set {
            let same = self.rows.get(&key).is_some_and(|(_, old)| old.as_ref() == Some(&value));
            if !same {
                self.put(key, Some(value));
            }
        }
        for key in del {
            let there = self.rows.get(key).is_some_and(|(_, old)| old.is_some());
            if there {
                self.put(key.clone(), None);
            }
        }
        while TOMBSTONES_MAX < self.tombstones.len() {
            if let Some((seq, key)) = self.tombstones.pop_first() {
                self.by_seq.remove(&seq);
                self.rows.remove(&key);
                self.floor = seq;
            }
        }
    }

    fn put(&mut self, key: String, value: Option<Value>) {
        self.head += 1;
        let gone = value.is_none();
        if let Some((old, _)) = self.rows.insert(key.clone(), (self.head, value)) {
            self.by_seq.remove(&old);
            self.tombstones.remove(&old);
        }
        if gone {
            self.tombstones.insert(self.head, key.clone());
        }
        self.by_seq.insert(self.head, key);
    }

    /// Whether a reader at `cursor` can be told everything it missed.
    pub(crate) fn can_resume(&self, cursor: u64) -> bool {
        (self.floor..=self.head).contains(&cursor)
    }

    /// Returns `{rows}`: everything there is.
    pub(crate) fn snapshot(&self) -> Value {
        let rows: serde_json::Map<String, Value> = self
            .rows
            .iter()
            .filter_map(|(key, (_, value))| {
                value.as_ref().map(|value| (key.clone(), value.clone()))
            })
            .collect();
        json!({ "rows": rows })
    }

    /// Returns `{set, del}`: what changed after `cursor`.
    pub(crate) fn delta(&self, cursor: u64) -> Value {
        let mut set = serde_json::Map::new();
        let mut del = Vec::new();
        for key in self.by_seq.range(cursor + 1..).map(|(_, key)| key) {
            match self.rows.get(key) {
                Some((_, Some(value))) => {
                    set.insert(key.clone(), value.clone());
                }
                Some((_, None)) | None => del.push(Value::from(key.clone())),
            }
        }
        json!({ "set": set, "del": del })
    }
}
