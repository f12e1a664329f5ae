//! Which node runs what: amounts, room on nodes, who would have to leave. Pure; the scheduler plans with it.

pub(crate) mod amounts;
pub(crate) mod rooms;
pub(crate) mod victims;
