//! The warden: beside the leader, sees that lost and draining nodes hold no sessions.

use ractor_cluster_derive::RactorMessage;

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "warden";

/// Everything the warden can be told. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum WardenMsg {
    /// Look at control state and leases.
    Look,
}
