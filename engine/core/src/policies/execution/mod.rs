//! Execution schedules: how much of an amount to trade in each slice of time, and the policies that follow them. Orders,
//! prices and fills are the business of the environment.
//!
//! Amounts are signed: a sale has negative slices. Schedules sum to the amount up to rounding.

mod almgren_chriss;
mod seat;
mod shortfall;
mod twap;
mod usual;
mod vwap;

pub use almgren_chriss::{AlmgrenChriss, FrontierPoint};
pub use seat::{ExecutionSeat, ExecutionView, Idle, RandomOrders, Scheduled};
pub use shortfall::{Shortfall, ShortfallInputs, implementation_shortfall};
pub use twap::twap;
pub use vwap::VolumeProfile;

use crate::error::EngineError;

fn refuse(detail: String) -> EngineError {
    EngineError::Refused { what: "execution schedule", detail }
}

/// Refuses amounts that are not finite.
fn check_amount(amount: f64) -> Result<(), EngineError> {
    if amount.is_finite() {
        return Ok(());
    }
    Err(refuse(format!("wanted a finite amount, found {amount}; correct the order")))
}

#[cfg(test)]
mod tests;
