//! The process.
pub mod channel;
pub mod control;
pub mod guard;
pub mod wire;
