//! The reference system's environments, quirks named at the line that keeps them. For verification only: they may
//! look ahead, and reports made with them say so.

mod algorithmic_trading;
mod policy;
mod replay;

pub use algorithmic_trading::{AlgorithmicTrading, AssetRecursion, Constants};
pub use policy::ReplayPolicy;
pub use replay::{ReplayEnvironment, ReplayOptions, ReplayOutput, replay, replay_with};
