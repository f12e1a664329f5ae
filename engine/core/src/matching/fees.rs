//! Fee schedules: a share of the traded value.

/// Returns the fee of a trade, quote currency, never negative. `value` is the traded value, not negative.
#[must_use]
pub fn fee(value: f64, fee_rate: f64) -> f64 {
    value * fee_rate
}
