//! openraft's storage over `store::raft_log` and blobs; the log written by the driver of one, taken over.
//!
//! ```text
//! raft thread ──closures──→ disk thread (owns the log) ──→ commit thread (fdatasync) ──LogFlushed──→ raft thread
//! snapshot: blob file durable ① → mark with membership ② → purge ③
//! ```
//!
//! Public only so that openraft's own storage suite can be run against it.

mod adopt;
mod disk;
mod log;
mod machine;
mod snapshots;

use std::path::Path;
use std::sync::Arc;

use openraft::{AnyError, StorageError, StorageIOError};
use store::raft_log::RaftLog;
use store::{Blobs, Journal, StoreError};

use super::machine::Machine;
use super::{ControlError, raft::types::raft_id};

pub use adopt::{adopt_local, is_local};
pub use disk::Disk;
pub use log::LogStore;
pub use machine::StateStore;
pub use snapshots::SnapshotBuilder;
pub(crate) use snapshots::{hash_in, scratch_file};

/// Everything openraft stores with, opened.
#[derive(Debug)]
pub struct Storage {
    /// Log and vote.
    pub log: LogStore,
    /// State and snapshots.
    pub state: StateStore,
    /// The thread behind both.
    pub disk: Disk,
}

/// Opens log and newest snapshot of node `raft_id` and brings `machine` to the snapshot.
///
/// # Errors
/// When log or snapshot cannot be read or do not fit together; the process must then end.
pub async fn open(
    journal: &Journal,
    blobs: &Blobs,
    scratch: &Path,
    own: u64,
    machine: Arc<Machine>,
) -> Result<Storage, ControlError> {
    let disk = Disk::start(RaftLog::open(journal)?)?;
    std::fs::create_dir_all(scratch).map_err(|error| unusable(scratch, &error))?;
    let state = StateStore::open(&disk, blobs, scratch, machine).await?;
    Ok(Storage { log: LogStore::new(disk.clone(), own), state, disk })
}

fn unusable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Io { path: path.to_owned(), reason: error.to_string() }
}

fn reading(error: &StoreError) -> StorageError<u64> {
    StorageIOError::read(AnyError::new(error)).into()
}

fn writing(error: &StoreError) -> StorageError<u64> {
    StorageIOError::write(AnyError::new(error)).into()
}

fn file_error(error: &std::io::Error) -> StorageError<u64> {
    StorageIOError::read_snapshot(None, AnyError::new(error)).into()
}

/// Returns openraft's form of a log id that may be "none".
fn known(id: store::raft_log::LogId) -> Option<openraft::LogId<u64>> {
    raft_id(id)
}
