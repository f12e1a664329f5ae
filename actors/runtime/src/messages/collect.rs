//! Blob collection: deletes what nothing refers to any more. What it did stands in the log.

use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;

use crate::error::ActorsError;

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "collect";

/// What one round deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Freed {
    /// Files nothing refers to.
    pub(crate) file_count: usize,
    /// Their size together.
    pub(crate) bytes: u64,
    /// Directories of sessions that have ended.
    pub(crate) directory_count: usize,
}

/// Who asked for a round and learns what it did, if anybody.
pub(crate) type Asker = Option<RpcReplyPort<Result<Freed, ActorsError>>>;

/// Everything blob collection can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum CollectMsg {
    /// It is time for a round, or somebody wants one now; at most one is under way.
    Round { asker: Asker },
    /// Time to fetch the files that this node should hold a copy of.
    Repair,
    /// The round is over.
    Ended { outcome: Result<Freed, ActorsError>, asker: Asker },
}
