//! Who belongs to the cluster: joining, resting, leaving, and who votes. Pure decisions and their messages.
//!
//! ```text
//! joining ─► ready ⇄ cordoned ─► draining ─► drained ─► left
//! ```
//!
//! Modules in reading order: [`lifecycle`] (what may follow what, when a node may leave), [`voters`] (who votes),
//! [`proof`] (knowing the token without sending it), [`join`] (the protocol of joining).

pub mod join;
pub mod lifecycle;
pub mod proof;
pub mod voters;
