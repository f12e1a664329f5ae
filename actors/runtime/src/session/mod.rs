//! One session: its life and what follows a failure.

pub(crate) mod lifecycle;
pub(crate) mod retry;
