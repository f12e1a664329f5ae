//! The loops that join the hops, and the protocol by which a worker is told and tells.

pub mod backtest;
pub mod evaluation;
pub mod labelling;
pub mod protocol;
pub mod replay;
pub mod step;
