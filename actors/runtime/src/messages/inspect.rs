//! The actor tree as the world sees it.

use engine::ids::NodeId;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;

use super::ask;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::views::ActorView;

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "inspect";

/// Everything the inspector can be asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum InspectMsg {
    /// Every actor of a node; of this one where none is named.
    Actors { node: Option<NodeId>, reply: RpcReplyPort<Result<Vec<ActorView>, ActorsError>> },
}

/// The door to the inspector.
#[derive(Debug, Clone)]
pub struct InspectHandle {
    directory: Directory,
}

impl InspectHandle {
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory }
    }

    /// Returns every actor of this node in the order of the tree.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn actors(&self) -> Result<Vec<ActorView>, ActorsError> {
        ask(&self.directory, NAME, |reply| InspectMsg::Actors { node: None, reply }).await
    }

    /// Returns every actor of a node in the order of the tree.
    ///
    /// # Errors
    /// Tells when the node does not answer.
    pub async fn actors_of(&self, node: NodeId) -> Result<Vec<ActorView>, ActorsError> {
        ask(&self.directory, NAME, |reply| InspectMsg::Actors { node: Some(node), reply }).await
    }
}
