//! The first layout of entries and snapshots, frozen: data directories written by it are read for ever.

pub(crate) mod command;
pub(crate) mod state;
