//! Accounts in plain numbers, for training: the corrected tasks without orders, ledgers and records. A property test
//! holds them equal to the audited environments (equal equity to 1e-9), which stay the ones that reports are made with.
//!
//! They take only what they can do exactly: no risk limits, for instance. Everything else is refused by name.

mod portfolio;
mod single_asset;

pub use portfolio::FastPortfolio;
pub use single_asset::FastSingleAsset;

use crate::config::RiskConfig;
use crate::error::EngineError;

/// Refuses limits: nobody reviews orders here.
fn unlimited(limits: &RiskConfig) -> Result<(), EngineError> {
    if *limits == RiskConfig::default() {
        return Ok(());
    }
    Err(refused(
        "risk limits were set, which need a review; use the audited environment".to_owned(),
    ))
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "fast environment", detail }
}
