//! One round of blob collection, on a blocking thread: read what refers to files, delete the others.
//!
//! The order matters. Directories are listed before control state is read, so that a session submitted meanwhile is not
//! taken for a removed one. Files are listed last; one put meanwhile is young.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cluster::control::{ControlHandle, ControlState};
use store::raft_log::snapshot_mark;
use store::{BlobHash, Blobs, Journal, Tables};

use super::referenced::{Local, leftover, referenced};
use crate::clock::Clock;
use crate::depot::Depot;
use crate::error::ActorsError;
use crate::messages::collect::Freed;

/// What a round reads and deletes from.
#[derive(Clone)]
pub(crate) struct Stores {
    /// What all nodes agree upon.
    pub(crate) control: ControlHandle,
    /// This node's journal: the mark of the newest control snapshot.
    pub(crate) journal: Journal,
    /// Its tables: what sessions produced.
    pub(crate) tables: Tables,
    /// The files.
    pub(crate) blobs: Blobs,
    /// The files of all nodes.
    pub(crate) depot: Arc<Depot>,
    /// Where sessions have their directories.
    pub(crate) sessions_dir: PathBuf,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
}

/// Deletes every file that is older than `grace` and that nothing refers to, and the directories of ended sessions.
///
/// # Errors
/// Tells what could not be read; nothing was deleted then.
pub(super) fn run(stores: &Stores, grace: Duration) -> Result<Freed, ActorsError> {
    let listed = directories(&stores.sessions_dir)?;
    let state = state(stores);
    let kept = named(&state, &local(stores, &state)?)?;
    let now_ms = u64::try_from(stores.clock.wall_ms()).unwrap_or(0);
    let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
    let collected = stores.blobs.collect(&kept, now_ms.saturating_sub(grace_ms))?;
    if let Some(error) = &collected.failure {
        tracing::warn!(%error, "a file that nothing refers to was not deleted; check its permissions");
    }
    let gone = leftover(&listed, &state)
        .iter()
        .filter(|name| removed(&stores.sessions_dir.join(name)))
        .count();
    Ok(Freed {
        file_count: collected.removed.len(),
        bytes: collected.bytes(),
        directory_count: gone,
    })
}

/// Returns every file that something refers to, and which of them is this node's newest snapshot of control state.
///
/// # Errors
/// Tells what could not be read.
pub(super) fn kept(stores: &Stores) -> Result<(BTreeSet<BlobHash>, Option<BlobHash>), ActorsError> {
    let state = state(stores);
    let local = local(stores, &state)?;
    Ok((named(&state, &local)?, local.snapshot))
}

fn state(stores: &Stores) -> ControlState {
    stores.control.read(|state| ControlState {
        applied_index: state.applied_index,
        documents: state.documents.clone(),
        sessions: state.sessions.clone(),
        removed: state.removed.clone(),
        ..ControlState::default()
    })
}

fn named(state: &ControlState, local: &Local) -> Result<BTreeSet<BlobHash>, ActorsError> {
    referenced(state, local).map_err(|error| ActorsError::Store { detail: error.to_string() })
}

/// Returns what this node alone knows of the sessions in `state`.
fn local(stores: &Stores, state: &ControlState) -> Result<Local, ActorsError> {
    let mut local = Local {
        snapshot: snapshot_mark(&stores.journal)?.map(|mark| BlobHash(mark.sha256)),
        ..Local::default()
    };
    // One by one: a scan has a limit, and what lies behind it would count as not referred to.
    let ids = state.sessions.iter().map(|session| session.id);
    for id in ids.chain(state.removed.iter().map(|removed| removed.id)) {
        if let Some(status) = stores.tables.sessions.status(&id)? {
            local.rows.insert(id, status.body);
        }
    }
    Ok(local)
}

/// Returns the names of all directories in `dir`.
fn directories(dir: &Path) -> Result<Vec<String>, ActorsError> {
    let failed = |error: std::io::Error| ActorsError::Store {
        detail: format!("{} cannot be listed ({error}); make it readable", dir.display()),
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        names.extend(entry.map_err(failed)?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

fn removed(dir: &Path) -> bool {
    match std::fs::remove_dir_all(dir) {
        Ok(()) => true,
        // Its session was quicker.
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => {
            let dir = dir.display();
            tracing::warn!(%dir, %error, "the directory of an ended session was not removed; remove it by hand");
            false
        }
    }
}
