//! Volume-weighted average price: amounts in proportion to the volume usual at that time of day.
//!
//! Berkowitz, Logue and Noser 1988 (doi 10.1111/j.1540-6261.1988.tb02591.x) for the benchmark. The profile is the mean,
//! over past days, of each slice's share of its day's volume; the day that is traded is never in it.

use super::{check_amount, refuse};
use crate::config::policy::VwapConfig;
use crate::error::EngineError;

/// Share of a day's volume in each slice: not negative, summing to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeProfile {
    shares: Vec<f64>,
}

impl VolumeProfile {
    /// Estimates the profile from days that are over, `[days][slices]`, oldest first; the newest `config.days` of them
    /// count. Days without volume are left out.
    ///
    /// # Errors
    /// Refuses days of different lengths, volumes below 0 or not finite, and a past without volume.
    pub fn estimate(past: &[Vec<f64>], config: &VwapConfig) -> Result<Self, EngineError> {
        let kept = usize::try_from(config.days).unwrap_or(usize::MAX);
        let days = &past[past.len().saturating_sub(kept)..];
        let slices = days.first().map_or(0, Vec::len);
        let mut shares = vec![0.0; slices];
        let mut count = 0.0;
        for (index, day) in days.iter().enumerate() {
            let good = |volume: &f64| volume.is_finite() && *volume >= 0.0;
            if day.len() != slices || !day.iter().all(good) {
                return Err(refuse(format!(
                    "wanted days of {slices} volumes, none below 0, found {day:?} as day {} of {}; leave the day out",
                    index + 1,
                    days.len()
                )));
            }
            let sum: f64 = day.iter().sum();
            if sum > 0.0 && sum.is_finite() {
                count += 1.0;
                for (share, volume) in shares.iter_mut().zip(day) {
                    *share += volume / sum;
                }
            }
        }
        if count > 0.0 {
            return Ok(Self { shares: shares.iter().map(|share| share / count).collect() });
        }
        Err(refuse(format!(
            "wanted at least one past day with volume, found none in {} days; use `twap`",
            days.len()
        )))
    }

    /// Returns each slice's share.
    #[must_use]
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// Returns `amount` spread in proportion to the profile.
    ///
    /// # Errors
    /// Refuses amounts that are not finite.
    pub fn schedule(&self, amount: f64) -> Result<Vec<f64>, EngineError> {
        check_amount(amount)?;
        Ok(self.shares.iter().map(|share| amount * share).collect())
    }

    /// Returns what of `left` to trade in slice `slice` when earlier slices went otherwise than planned: its share of
    /// all shares that remain. Absent after the last slice.
    #[must_use]
    pub fn next(&self, left: f64, slice: usize) -> Option<f64> {
        let remaining = self.shares.get(slice..).filter(|rest| !rest.is_empty())?;
        let sum: f64 = remaining.iter().sum();
        // Nothing usual remains: all at once.
        Some(if sum > 0.0 { left * remaining[0] / sum } else { left })
    }
}
