//! The scheduler: who goes next, and why the others wait.

use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;

use crate::error::ActorsError;

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "scheduler";

/// What the scheduler last decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SchedulerStatus {
    /// Plans made since it started.
    pub(crate) plan_count: u64,
    /// Sessions placed since it started.
    pub(crate) placed_count: u64,
    /// Sessions that wait.
    pub(crate) waiting_count: u32,
    /// The last thing that went wrong.
    pub(crate) last_error: Option<String>,
}

/// Everything the scheduler can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum SchedulerMsg {
    /// Control state moved on, or it is time to look again.
    Look,
    /// What was decided so far?
    GetStatus { reply: RpcReplyPort<Result<SchedulerStatus, ActorsError>> },
}
