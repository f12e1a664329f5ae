//! What should run where, and why the others wait: the pure core of scheduler and placement, for benchmarks,
//! simulations and tools. No clock, no IO, no state: [`plan`] and [`rebalance`] turn a [`Picture`] into decisions,
//! [`admit`] guards the queue. Wanted properties and the heuristic stand in `scheduler/README.md`.

pub use crate::placement::amounts::{Amounts, Dimension};
pub use crate::scheduler::admit::{QueueCounts, QueueFull, admit};
pub use crate::scheduler::picture::{
    Class, Gang, NodePicture, Picture, Placed, QueueRules, Quota, Quotas, Requires, Rules,
    SessionPicture,
};
pub use crate::scheduler::planner::{Eviction, Placing, Plan, Wait, plan};
pub use crate::scheduler::reason::{EvictReason, Reason, Scope};
pub use crate::scheduler::rebalance::{Move, rebalance};
