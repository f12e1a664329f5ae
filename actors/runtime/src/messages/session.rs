//! One session: owns its worker.

use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;

use super::host::Wish;
pub(crate) use crate::worker::process::Notice;

/// Returns the name of a session's actor in the directory and the tree.
pub(crate) fn name(session: engine::ids::SessionId) -> String {
    format!("session/{session}")
}

/// Everything a session can be told. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum SessionMsg {
    /// Take up the work.
    Begin,
    /// This is wanted from now on.
    Wished { wish: Wish },
    /// Write a checkpoint.
    CheckpointAsked,
    /// Its worker did something.
    Noticed(Notice),
    /// The node goes down: answer once a last checkpoint counts, or at once where none can be written.
    Drain { reply: RpcReplyPort<()> },
    /// It is known what became of the checkpoint that was sent on its way as number `number`.
    Committed { number: u64 },
    /// The pause before start number `run` is over.
    RetryDue { run: u64 },
    /// The wall time it may take is over.
    TimeIsUp,
}
