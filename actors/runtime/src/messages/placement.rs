//! Placement: which node runs what.

use engine::ids::SessionId;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;

use super::ask;
use crate::directory::Directory;
use crate::error::ActorsError;
pub(crate) use crate::placement::assign::{Dimension, Verdict, Want};

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "placement";

/// Answers to wishes, in their order.
pub(crate) type Verdicts = Vec<(SessionId, Verdict)>;

/// Everything the placement actor can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum PlacementMsg {
    /// Which node should run each of these? The earlier comes first.
    Assign { wants: Vec<Want>, reply: RpcReplyPort<Result<Verdicts, ActorsError>> },
}

/// The door to placement.
#[derive(Debug, Clone)]
pub(crate) struct PlacementHandle {
    directory: Directory,
}

impl PlacementHandle {
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory }
    }

    /// Returns a verdict on each wish, in order. Reserves nothing: control state checks again.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub(crate) async fn assign(&self, wants: Vec<Want>) -> Result<Verdicts, ActorsError> {
        ask(&self.directory, NAME, |reply| PlacementMsg::Assign { wants, reply }).await
    }
}
