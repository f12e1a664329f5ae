//! The second layout of snapshots. Entries did not change with the third.

pub(crate) mod state;
