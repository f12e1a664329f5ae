//! The follower: keeps live topics of sessions that run elsewhere going.

use ractor_cluster_derive::RactorMessage;

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "follower";

/// Everything the follower can be told. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum FollowerMsg {
    /// Time to look at what is watched.
    Tick,
}
