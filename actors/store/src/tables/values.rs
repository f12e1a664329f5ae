//! Named values of this node: what is neither agreed upon by all nodes nor of a session (incarnation, tokens).

use sha2::{Digest, Sha256};

use crate::error::StoreError;
use crate::journal::{Batch, Journal, Key};
use crate::records::value::ValueRecord;

/// Returns the id of a name of any length.
#[must_use]
pub fn value_id(name: &str) -> [u8; 32] {
    Sha256::digest(name.as_bytes()).into()
}

/// Values by kind and id. Kinds are given by the caller, in one list.
#[derive(Debug, Clone)]
pub struct Values {
    journal: Journal,
}

impl Values {
    pub(super) fn open(journal: &Journal) -> Self {
        Self { journal: journal.clone() }
    }

    /// Stores a value, replacing what is there.
    ///
    /// # Errors
    /// As [`Journal::commit`]; refuses more than 64 KiB.
    pub async fn put(
        &self,
        kind: u16,
        id: &[u8; 32],
        value: &ValueRecord,
    ) -> Result<(), StoreError> {
        self.change(&[(kind, *id, Some(value.clone()))]).await
    }

    /// Removes a value, if there is one.
    ///
    /// # Errors
    /// As [`Journal::commit`].
    pub async fn delete(&self, kind: u16, id: &[u8; 32]) -> Result<(), StoreError> {
        self.change(&[(kind, *id, None)]).await
    }

    /// Stores and removes several values together or not at all.
    ///
    /// # Errors
    /// As [`Journal::commit`].
    pub async fn change(
        &self,
        changes: &[(u16, [u8; 32], Option<ValueRecord>)],
    ) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for (kind, id, value) in changes {
            match value {
                Some(value) => batch.put(Key::node_value(*kind, id), value)?,
                None => batch.delete(Key::node_value(*kind, id)),
            }
        }
        self.journal.commit(batch).await
    }

    /// Returns a value.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is damaged.
    pub fn get(&self, kind: u16, id: &[u8; 32]) -> Result<Option<ValueRecord>, StoreError> {
        self.journal.get(&Key::node_value(kind, id))
    }

    /// Returns all values of a kind in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one is damaged.
    pub fn list(&self, kind: u16) -> Result<Vec<([u8; 32], ValueRecord)>, StoreError> {
        let rows = self.journal.scan::<ValueRecord>(&Key::node_values(kind), None, usize::MAX)?;
        let id = |key: &Key| key.bytes().last_chunk::<32>().copied().unwrap_or_default();
        Ok(rows.into_iter().map(|(key, value)| (id(&key), value)).collect())
    }
}
