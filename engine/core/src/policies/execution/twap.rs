//! Time-weighted average price: equal amounts in equal times.

use super::{check_amount, refuse};
use crate::config::policy::TwapConfig;
use crate::error::EngineError;

/// Returns `amount` in equal slices.
///
/// # Errors
/// Refuses no slices and amounts that are not finite.
pub fn twap(amount: f64, config: &TwapConfig) -> Result<Vec<f64>, EngineError> {
    check_amount(amount)?;
    let slices = usize::try_from(config.slices).unwrap_or(usize::MAX);
    if slices == 0 {
        return Err(refuse("wanted at least one slice, found none".to_owned()));
    }
    Ok(vec![amount / f64::from(config.slices); slices])
}
