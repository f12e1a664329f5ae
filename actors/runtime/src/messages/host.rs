//! The host: makes this node run what control state wants of it. What runs here stands in the directory.

use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;

pub(crate) use crate::host::reconcile::Wish;

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "host";

/// Everything the host can be told. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum HostMsg {
    /// Control state moved on, or it is time to look again.
    Look,
    /// Look now, and answer when nothing runs here that no longer belongs here.
    Settle { reply: RpcReplyPort<()> },
}
