//! What a worker imposes upon itself, before it starts a thread and before it reads an input.
//!
//! ```text
//! node ──TM_WORKER_LIMITS──► own limits ─► own namespaces ─► Landlock ─► capabilities dropped ─► Confined ──► node
//! ```
//! The worker does it, not the node: all of it can be done by a process to itself without unsafe code, whereas a
//! process can be changed from outside only between fork and exec. Best effort: what the kernel does not grant is told
//! with its reason and the session runs on, because a machine without Landlock is still one to compute on. Memory and
//! processor time are limited by the node (`actors`, `worker::limits`).
//!
//! Deliberately absent: a system-call filter. libtorch and CUDA use what they like between versions, and a filter that
//! is wrong ends a session days later; files, network, signals and privileges are what a strategy must not reach.

mod files;
mod isolation;
mod own;
pub mod probe;

use engine::session::protocol::{LIMITS_VARIABLE, WorkerLimit, WorkerLimits};

use crate::error::TrainerError;

/// Reads the limits that the node set, and imposes them. `None`: the node speaks protocol 1 and set none.
///
/// # Errors
/// The node set something that cannot be read: it may not be taken for no limits.
pub(super) fn at_start() -> Result<Option<Vec<WorkerLimit>>, TrainerError> {
    match std::env::var(LIMITS_VARIABLE) {
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(unreadable(&error)),
        Ok(text) => {
            let limits: WorkerLimits =
                serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
            Ok(Some(impose(&limits)))
        }
    }
}

fn unreadable(error: &dyn std::fmt::Display) -> TrainerError {
    TrainerError::Protocol(format!(
        "the limits in {LIMITS_VARIABLE} cannot be read: {error}. Node and worker must be of one release"
    ))
}

/// Imposes limits upon this process and says what came of each. Requires: the process has one thread, for most of
/// this holds for the calling thread and those it starts later.
#[must_use]
pub fn impose(limits: &WorkerLimits) -> Vec<WorkerLimit> {
    let mut told = own::impose(limits);
    if limits.confine {
        // Before files are hidden: the maps of the new user namespace are files.
        let isolated = isolation::impose(limits);
        let own_user = isolated.own_user;
        told.extend(isolated.told);
        told.extend(own::processes(limits, own_user));
        told.push(own::privileges());
        told.extend(files::impose(limits));
        told.push(own::capabilities());
    } else {
        told.extend(own::processes(limits, false));
        told.push(missing("files", "this node does not confine its workers".to_owned()));
    }
    told
}

fn applied(name: &str, detail: String) -> WorkerLimit {
    WorkerLimit { name: name.to_owned(), applied: true, detail }
}

fn missing(name: &str, detail: String) -> WorkerLimit {
    WorkerLimit { name: name.to_owned(), applied: false, detail }
}

/// Tells a limit by whether its call succeeded.
fn by<E: std::fmt::Display>(name: &str, outcome: Result<(), E>, holds: String) -> WorkerLimit {
    match outcome {
        Ok(()) => applied(name, holds),
        Err(error) => missing(name, format!("the system refuses it: {error}")),
    }
}
