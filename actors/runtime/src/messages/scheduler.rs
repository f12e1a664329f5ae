//! The scheduler: who goes next, and why the others wait. What it decided stands in control state and in the queue
//! that the registry of sessions shows.

use ractor_cluster_derive::RactorMessage;

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "scheduler";

/// Everything the scheduler can be told. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum SchedulerMsg {
    /// Control state moved on, or it is time to look again.
    Look,
}
