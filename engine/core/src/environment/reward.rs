//! Rewards of `corrected` environments, one function each.

/// An account below this share of its initial cash is ruined: the episode ends.
pub const RUIN_SHARE: f64 = 1e-3;

/// Returns ln(after / before), with `after` held at the ruin floor, so that a total loss has a finite reward.
///
/// Requires: `before` above 0.
#[must_use]
pub fn log_return(before: f64, after: f64, initial_cash: f64) -> f64 {
    (after.max(RUIN_SHARE * initial_cash) / before).ln()
}

/// Whether an account is ruined. What is not known to be above the floor is.
#[must_use]
pub fn ruined(equity: f64, initial_cash: f64) -> bool {
    let alive = RUIN_SHARE * initial_cash < equity;
    !alive
}
