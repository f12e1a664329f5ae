//! Documents of the control state as typed JSON: read, list, and the changes that are proposed.
//!
//! JSON, because configuration holds tagged enums and outlives its struct. The schema number is the version of the
//! document's layout; fields are only ever added, with a default that means the old behaviour.

use std::collections::{BTreeMap, BTreeSet};

use cluster::control::{
    CommandId as ControlCommandId, CommandOutput, ControlCommand, ControlHandle, DocumentChange,
    DocumentKey, Expected,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ActorsError;
use crate::messages::CommandId;
use crate::views::Page;

/// Layout of every document of this package.
const SCHEMA: u32 = 1;

/// A document as read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored<T> {
    /// Its id within its kind.
    pub(crate) id: String,
    /// Counts its changes, from 1.
    pub(crate) revision: u64,
    /// First written, milliseconds since 1970 UTC.
    pub(crate) created_ms: i64,
    /// Last written, milliseconds since 1970 UTC.
    pub(crate) updated_ms: i64,
    /// The content.
    pub(crate) value: T,
}

/// Typed reads and changes of documents.
#[derive(Clone)]
pub(crate) struct Documents {
    control: ControlHandle,
}

impl Documents {
    pub(crate) fn new(control: ControlHandle) -> Self {
        Self { control }
    }

    /// Returns the index of the newest applied entry: when it has not moved, no document has.
    pub(crate) fn applied_index(&self) -> u64 {
        self.control.read(|state| state.applied_index)
    }

    /// Says whether a command was already done: control state keeps answers for a day.
    pub(crate) fn remembers(&self, key: CommandId) -> bool {
        let key = ControlCommandId(key.0);
        self.control.read(|state| matches!(state.idempotency.find(key, [0; 16]), Some((Ok(_), _))))
    }

    /// Returns a document, if it is there.
    ///
    /// # Errors
    /// Tells when it cannot be read: the program is older than the document.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        kind: &str,
        id: &str,
    ) -> Result<Option<Stored<T>>, ActorsError> {
        let found = self.control.read(|state| state.documents.get(kind, id).cloned());
        found.map(|document| typed(kind, id, &document)).transpose()
    }

    /// Returns every document of a kind in the order of their ids.
    ///
    /// # Errors
    /// Tells when one cannot be read.
    pub(crate) fn list<T: DeserializeOwned>(
        &self,
        kind: &str,
    ) -> Result<Vec<Stored<T>>, ActorsError> {
        let found: Vec<_> = self.control.read(|state| {
            state
                .documents
                .list(kind)
                .map(|(id, document)| (id.to_owned(), document.clone()))
                .collect()
        });
        found.into_iter().map(|(id, document)| typed(kind, &id, &document)).collect()
    }

    /// Changes documents, all or none, durable when answered; returns the new revisions (0 for a deletion).
    ///
    /// # Errors
    /// Tells why nothing was changed, or that the outcome is not known.
    pub(crate) async fn change(
        &self,
        key: CommandId,
        changes: Vec<DocumentChange>,
    ) -> Result<Vec<u64>, ActorsError> {
        let command = ControlCommand::ChangeDocuments { changes };
        match self.control.execute(ControlCommandId(key.0), command).await? {
            CommandOutput::Revisions(revisions) => Ok(revisions),
            other @ (CommandOutput::Done | CommandOutput::Epoch(_) | CommandOutput::Count(_)) => {
                Err(ActorsError::internal(format!("a change of documents answered {other:?}")))
            }
        }
    }
}

impl std::fmt::Debug for Documents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Documents").finish_non_exhaustive()
    }
}

fn typed<T: DeserializeOwned>(
    kind: &str,
    id: &str,
    document: &cluster::control::state::Document,
) -> Result<Stored<T>, ActorsError> {
    let value = serde_json::from_slice(&document.bytes).map_err(|error| ActorsError::Store {
        detail: format!("document {kind}/{id} cannot be read ({error}); a newer program wrote it: upgrade this one"),
    })?;
    let time = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    Ok(Stored {
        id: id.to_owned(),
        revision: document.revision,
        created_ms: time(document.created_at_ms),
        updated_ms: time(document.updated_at_ms),
        value,
    })
}

/// A collection as seen last: only what changed is read again.
#[derive(Debug)]
pub(crate) struct Mirror<T> {
    kind: &'static str,
    index: Option<u64>,
    rows: BTreeMap<String, Stored<T>>,
}

/// What became of a document since the last look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Written.
    Written(String),
    /// Removed.
    Removed(String),
}

impl<T: DeserializeOwned> Mirror<T> {
    /// Returns a mirror of the collection `kind` that has seen nothing yet.
    pub(crate) fn new(kind: &'static str) -> Self {
        Self { kind, index: None, rows: BTreeMap::new() }
    }

    /// Reads what changed since the last look and says what it was.
    ///
    /// # Errors
    /// Tells when a document cannot be read.
    pub(crate) fn refresh(&mut self, documents: &Documents) -> Result<Vec<Change>, ActorsError> {
        let index = documents.applied_index();
        if self.index == Some(index) {
            return Ok(Vec::new());
        }
        let (now, changed) = documents.control.read(|state| {
            let mut now = BTreeSet::new();
            let mut changed = Vec::new();
            for (id, document) in state.documents.list(self.kind) {
                now.insert(id.to_owned());
                if self.rows.get(id).is_none_or(|row| row.revision != document.revision) {
                    changed.push((id.to_owned(), document.clone()));
                }
            }
            (now, changed)
        });
        let mut changes = Vec::new();
        for (id, document) in changed {
            self.rows.insert(id.clone(), typed(self.kind, &id, &document)?);
            changes.push(Change::Written(id));
        }
        let gone: Vec<String> = self.rows.keys().filter(|id| !now.contains(*id)).cloned().collect();
        for id in gone {
            self.rows.remove(&id);
            changes.push(Change::Removed(id));
        }
        self.index = Some(index);
        Ok(changes)
    }

    /// Returns a document as seen last.
    pub(crate) fn get(&self, id: &str) -> Option<&Stored<T>> {
        self.rows.get(id)
    }

    /// Returns every document as seen last, in the order of ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stored<T>> {
        self.rows.values()
    }
}

/// Returns the change that writes a document whole.
///
/// # Errors
/// Tells when the value is no JSON, which is our fault.
pub(crate) fn put<T: Serialize>(
    kind: &str,
    id: &str,
    expected: Expected,
    value: &T,
) -> Result<DocumentChange, ActorsError> {
    let bytes = serde_json::to_vec(value).map_err(ActorsError::internal)?;
    Ok(DocumentChange::Put { key: DocumentKey::new(kind, id), expected, schema: SCHEMA, bytes })
}

/// Returns the change that removes a document.
pub(crate) fn delete(kind: &str, id: &str, expected: Expected) -> DocumentChange {
    DocumentChange::Delete { key: DocumentKey::new(kind, id), expected }
}

/// Returns the fingerprint of a request, so that a command that comes back with another request is noticed.
///
/// # Errors
/// Tells when the request is no JSON, which is our fault.
pub(crate) fn fingerprint<T: Serialize>(request: &T) -> Result<String, ActorsError> {
    // Through a value: its keys are sorted, so that their order does not count.
    let value = serde_json::to_value(request).map_err(ActorsError::internal)?;
    Ok(engine::digest::sha256(value.to_string().as_bytes()))
}

/// Returns the id of the claim on a name: names that differ only by case or outer space are the same.
pub(crate) fn name_key(name: &str) -> String {
    engine::digest::sha256(name.trim().to_lowercase().as_bytes())
}

/// The claim on a name: who has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Claim {
    /// Identifier of the owner of the name.
    pub(crate) id: String,
}

/// Returns a page of documents as they are shown, newest first, and the cursor of the next.
///
/// # Errors
/// Refuses a cursor that is not of the form this list makes; tells when a document cannot be shown.
pub(crate) fn newest<'a, T: 'a, V>(
    rows: impl Iterator<Item = &'a Stored<T>>,
    limit: usize,
    after: Option<&str>,
    view: impl Fn(&Stored<T>) -> Result<V, ActorsError>,
) -> Result<Page<V>, ActorsError> {
    let after = after.map(parse_cursor).transpose()?;
    let key = |row: &Stored<T>| (row.created_ms, row.id.clone());
    let mut rest: Vec<&Stored<T>> =
        rows.filter(|row| after.as_ref().is_none_or(|after| key(row) < *after)).collect();
    rest.sort_by_key(|row| std::cmp::Reverse(key(row)));
    let more = limit < rest.len();
    rest.truncate(limit);
    let next = rest.last().filter(|_| more).map(|last| format!("{}.{}", last.created_ms, last.id));
    Ok(Page { items: rest.into_iter().map(view).collect::<Result<_, _>>()?, next })
}

fn parse_cursor(text: &str) -> Result<(i64, String), ActorsError> {
    let bad = || ActorsError::BadCursor { got: text.chars().take(80).collect() };
    let (time, id) = text.split_once('.').ok_or_else(bad)?;
    Ok((time.parse().map_err(|_| bad())?, id.to_owned()))
}
