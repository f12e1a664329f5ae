//! The host: makes this node run what control state wants of it.

use engine::ids::SessionId;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;

use crate::error::ActorsError;
pub(crate) use crate::host::reconcile::Wish;

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "host";

/// What runs here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HostStatus {
    /// Sessions that have an actor here.
    pub(crate) sessions: Vec<SessionId>,
    /// Rounds made since it started.
    pub(crate) round_count: u64,
}

/// Everything the host can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum HostMsg {
    /// Control state moved on, or it is time to look again.
    Look,
    /// What runs here?
    GetStatus { reply: RpcReplyPort<Result<HostStatus, ActorsError>> },
}
