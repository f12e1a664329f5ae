//! Nodes as the world sees them: what they have, what is reserved, what is in use.

use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;

use super::ask;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::views::NodeView;

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "nodes";

/// What one look at the machine showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    /// Wall time, milliseconds.
    pub(crate) at_ms: i64,
    /// Cores in use, 0 to 1 of all cores.
    pub(crate) cpu_ratio: Option<f64>,
    /// Bytes in use.
    pub(crate) memory_used_bytes: Option<u64>,
    /// Free share of the data directory's file system, 0 to 1.
    pub(crate) disk_free_ratio: Option<f64>,
}

/// Everything the nodes actor can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum NodesMsg {
    /// All nodes.
    List { reply: RpcReplyPort<Result<Vec<NodeView>, ActorsError>> },
    /// The sampler looked at this machine.
    Sampled(Sample),
}

/// The door to nodes.
#[derive(Debug, Clone)]
pub struct NodesHandle {
    directory: Directory,
}

impl NodesHandle {
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory }
    }

    /// Returns every node, by id.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn list(&self) -> Result<Vec<NodeView>, ActorsError> {
        ask(&self.directory, NAME, |reply| NodesMsg::List { reply }).await
    }
}
