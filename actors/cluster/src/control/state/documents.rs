//! Documents: versioned bytes under a kind and an id, changed by compare-and-set.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::limits;
use crate::control::command::{DocumentChange, DocumentKey, Expected};
use crate::control::refusal::Refusal;

/// A document and its revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Counts changes of this document, from 1.
    pub revision: u64,
    /// The owner's schema number.
    pub schema: u32,
    /// The document.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// When it was first written, milliseconds since 1970 UTC.
    pub created_at_ms: u64,
    /// When it was last written, milliseconds since 1970 UTC.
    pub updated_at_ms: u64,
}

/// All documents by kind and id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Documents {
    by_kind: BTreeMap<String, BTreeMap<String, Document>>,
    count: u64,
}

impl Documents {
    /// Returns a document.
    #[must_use]
    pub fn get(&self, kind: &str, id: &str) -> Option<&Document> {
        self.by_kind.get(kind)?.get(id)
    }

    /// Returns all documents of a kind in the order of their ids.
    pub fn list<'a>(
        &'a self,
        kind: &str,
    ) -> impl Iterator<Item = (&'a str, &'a Document)> + use<'a> {
        self.by_kind.get(kind).into_iter().flatten().map(|(id, document)| (id.as_str(), document))
    }

    /// Returns every document with its kind and id, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &Document)> {
        self.by_kind.iter().flat_map(|(kind, by_id)| {
            by_id.iter().map(move |(id, document)| (kind.as_str(), id.as_str(), document))
        })
    }

    /// Returns how many documents there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns whether `change` may be made, without making it.
    pub(crate) fn check(&self, change: &DocumentChange) -> Result<(), Refusal> {
        let (key, expected) = match change {
            DocumentChange::Put { key, expected, bytes, .. } => {
                super::within("document bytes", bytes.len(), limits::DOCUMENT_BYTES_MAX)?;
                (key, *expected)
            }
            DocumentChange::Delete { key, expected } => (key, *expected),
        };
        super::within("document kind bytes", key.kind.len(), limits::KIND_BYTES_MAX)?;
        super::within("document id bytes", key.id.len(), limits::ID_BYTES_MAX)?;
        let found = self.get(&key.kind, &key.id).map(|document| document.revision);
        let met = match (expected, found) {
            (Expected::Any, _) | (Expected::Absent, None) | (Expected::Present, Some(_)) => true,
            (Expected::Revision(wanted), Some(there)) => wanted == there,
            (Expected::Absent, Some(_)) | (Expected::Present | Expected::Revision(_), None) => {
                false
            }
        };
        if met {
            Ok(())
        } else {
            Err(Refusal::DocumentChanged { key: key.clone(), expected, found })
        }
    }

    /// Makes a change that was checked; returns the new revision, 0 after a deletion.
    pub(crate) fn change(&mut self, change: &DocumentChange, at_ms: u64) -> u64 {
        match change {
            DocumentChange::Put { key, schema, bytes, .. } => self.put(key, *schema, bytes, at_ms),
            DocumentChange::Delete { key, .. } => {
                self.delete(key);
                0
            }
        }
    }

    fn put(&mut self, key: &DocumentKey, schema: u32, bytes: &[u8], at_ms: u64) -> u64 {
        let old = self.get(&key.kind, &key.id).map(|old| (old.revision, old.created_at_ms));
        if old.is_none() {
            self.count += 1;
        }
        let (revision, created_at_ms) =
            old.map_or((1, at_ms), |(revision, created)| (revision + 1, created));
        let document = Document {
            revision,
            schema,
            bytes: bytes.to_vec(),
            created_at_ms,
            updated_at_ms: at_ms,
        };
        self.by_kind.entry(key.kind.clone()).or_default().insert(key.id.clone(), document);
        revision
    }

    fn delete(&mut self, key: &DocumentKey) {
        let Some(kind) = self.by_kind.get_mut(&key.kind) else { return };
        if kind.remove(&key.id).is_some() {
            self.count -= 1;
        }
        if kind.is_empty() {
            self.by_kind.remove(&key.kind);
        }
    }
}
