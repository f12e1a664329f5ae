//! The child process of a session: how it is started, spoken to, watched and ended.
//!
//! ```text
//! session actor ──commands (≤ 64)──► writer ──frames──► worker (stdin: one end of a Unix socket pair)
//!       ▲                                                  │
//!       └──notices (≤ 64 unhandled)── reader ◄──frames─────┤
//!       └──lines (≤ 16 batches)────── pipes  ◄──stdout, stderr
//! ```

pub(crate) mod limits;
mod lines;
pub(crate) mod process;
pub(crate) mod records;
pub(crate) mod spawner;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The program that does a session's computing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerProgram {
    /// Path of the executable (`tm-worker`).
    pub path: PathBuf,
    /// Variables set beside those of the node and of `limits`.
    pub env: BTreeMap<String, String>,
}

/// How long a worker may take for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerTimes {
    /// From the start of the process to its first frame.
    pub hello: Duration,
    /// Between two frames.
    pub silence: Duration,
    /// Without any frame about its work while it should work.
    pub stall: Duration,
    /// Between two leases.
    pub lease_every: Duration,
    /// How long a lease holds.
    pub lease: Duration,
    /// From the command to stop to SIGTERM.
    pub stop: Duration,
    /// From SIGTERM to SIGKILL.
    pub terminate: Duration,
}

impl Default for WorkerTimes {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(30),
            silence: Duration::from_secs(10),
            stall: Duration::from_secs(300),
            lease_every: Duration::from_secs(2),
            lease: Duration::from_secs(10),
            stop: Duration::from_secs(20),
            terminate: Duration::from_secs(5),
        }
    }
}
