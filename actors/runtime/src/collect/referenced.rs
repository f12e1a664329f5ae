//! Which files something still refers to, and which directories belong to nobody. Pure.
//!
//! Documents, specs, results and rows are the JSON of other actors. They are read by one convention instead of by their
//! types: **whoever refers to a file writes its bare SHA-256, 64 lower-case hexadecimal digits, as a string of its own.**
//! So a new kind of document that refers to files is safe from its first day. A string that only looks like a hash keeps
//! a file too long at worst. A field called `sha256` or `…_sha256` that holds anything else is damage.

use std::collections::{BTreeMap, BTreeSet};

use cluster::control::SessionKey;
use cluster::control::state::{ControlState, Session};
use engine::ids::SessionId;
use serde_json::Value;
use store::BlobHash;
use uuid::Uuid;

use crate::messages::data::DATASETS;

/// Field of what is known of a session that names its report.
const REPORT: &str = "report_sha256";
/// Digits of a hash.
const HASH_DIGITS: usize = 64;

/// What this node alone knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Local {
    /// Rows of sessions as the first version journalled them, JSON: what they produced.
    pub(crate) rows: BTreeMap<SessionKey, Vec<u8>>,
    /// The newest snapshot of control state.
    pub(crate) snapshot: Option<BlobHash>,
}

/// Something that may refer to files and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{place} cannot be read ({reason}), so no file was deleted: upgrade this node if a newer program wrote it, else \
     write or remove it again"
)]
pub(crate) struct Unreadable {
    /// What.
    pub(crate) place: String,
    /// Why.
    pub(crate) reason: String,
}

/// Returns every hash that control state or this node refers to: snapshots of data sets, committed checkpoints, models,
/// reports, the inputs pinned by sessions, the snapshot of control state itself.
///
/// # Errors
/// Names the first thing that cannot be read; nothing may be deleted then.
pub(crate) fn referenced(
    state: &ControlState,
    local: &Local,
) -> Result<BTreeSet<BlobHash>, Unreadable> {
    let mut found: BTreeSet<BlobHash> = state.sessions.checkpoint_hashes().map(BlobHash).collect();
    found.extend(local.snapshot);
    let archived = state.sessions.iter().flat_map(|session| &session.archive);
    found.extend(archived.map(|segment| BlobHash(segment.sha256)));
    let mut read = |place: String, bytes: &[u8], needed: Option<&str>| {
        read(bytes, needed, &mut found).map_err(|reason| Unreadable { place, reason })
    };
    for (kind, id, document) in state.documents.iter() {
        let needed = (kind == DATASETS).then_some("sha256");
        read(format!("document {kind}/{id}"), &document.bytes, needed)?;
    }
    for session in state.sessions.iter() {
        let id = SessionId::from_uuid(Uuid::from_bytes(session.id));
        read(format!("the spec of session {id}"), &session.spec, None)?;
        let result = session.outcome.as_ref().map(|outcome| &outcome.result);
        if let Some(result) = result.filter(|result| !result.is_empty()) {
            read(format!("the result of session {id}"), result, None)?;
        }
        if !session.facts.is_empty() {
            read(format!("what is known of session {id}"), &session.facts, None)?;
        }
        if let Some(row) = local.rows.get(&session.id) {
            read(format!("the row of session {id} in the journal"), row, None)?;
        }
    }
    // Of a session that was removed the report alone: the trial ledger refers to its returns.
    for kept in state.removed.iter() {
        let id = SessionId::from_uuid(Uuid::from_bytes(kept.id));
        let row = local.rows.get(&kept.id).map(Vec::as_slice).unwrap_or_default();
        for (place, bytes) in [("what is known of", kept.facts.as_slice()), ("the row of", row)] {
            let unreadable =
                |reason| Unreadable { place: format!("{place} removed session {id}"), reason };
            found.extend(report(bytes).map_err(unreadable)?);
        }
    }
    Ok(found)
}

/// Returns the report that the facts or the row of a session name.
fn report(bytes: &[u8]) -> Result<Option<BlobHash>, String> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let named = value.get(REPORT).or_else(|| value.get("view").and_then(|view| view.get(REPORT)));
    Ok(named.and_then(Value::as_str).and_then(hash))
}

/// Returns which directories of sessions may go, of those listed: their session has ended or is not known any more.
/// Foreign names stay.
///
/// Requires: they were listed before `state` was read. Then a session that is not in it was removed; it is not new.
pub(crate) fn leftover(listed: &[String], state: &ControlState) -> Vec<String> {
    let ended = |name: &&String| {
        name.parse::<SessionId>()
            .is_ok_and(|id| state.sessions.get(id.uuid().as_bytes()).is_none_or(Session::ended))
    };
    listed.iter().filter(ended).cloned().collect()
}

fn read(bytes: &[u8], needed: Option<&str>, found: &mut BTreeSet<BlobHash>) -> Result<(), String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if let Some(field) = needed
        && value.get(field).and_then(Value::as_str).is_none()
    {
        return Err(format!("its field '{field}' is missing"));
    }
    names(&value, found)
}

/// Adds every hash that occurs in `value`.
fn names(value: &Value, found: &mut BTreeSet<BlobHash>) -> Result<(), String> {
    match value {
        Value::String(text) => found.extend(hash(text)),
        Value::Array(items) => items.iter().try_for_each(|item| names(item, found))?,
        Value::Object(fields) => {
            for (field, value) in fields {
                let text = value.as_str().filter(|_| names_a_file(field));
                if let Some(text) = text.filter(|text| hash(text).is_none()) {
                    return Err(format!(
                        "its field '{field}' is no SHA-256 but '{}'",
                        text.chars().take(80).collect::<String>()
                    ));
                }
                names(value, found)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

fn names_a_file(field: &str) -> bool {
    field == "sha256" || field.ends_with("_sha256")
}

fn hash(text: &str) -> Option<BlobHash> {
    (text.len() == HASH_DIGITS).then(|| text.parse().ok()).flatten()
}
