//! The volume that is usual at the times in which an order is to be executed, from the rows before it.
//!
//! Within a day the volume follows the clock: the shares are those at the same times of days that are over. Where rows
//! are days or longer there is no time of day: the past is cut into stretches of as many rows as the order has steps.

use super::{VolumeProfile, refuse};
use crate::config::policy::VwapConfig;
use crate::error::EngineError;

const DAY_MS: i64 = 86_400_000;
/// Newest distances of two rows whose median is the usual one.
const DISTANCES_MAX: usize = 1_000;

/// Returns the usual share of each of the `steps` rows that follow `times`.
///
/// Shapes: `times` `[t]` ascending, milliseconds; `traded` `[t]` or longer, units. Days that are not whole in the data are left
/// out; a time without a row counts as nothing traded.
///
/// # Errors
/// Refuses pasts of fewer than two rows, and pasts without a whole day of volume.
pub(super) fn usual_profile(
    times: &[i64],
    traded: &[f64],
    steps: usize,
    config: &VwapConfig,
) -> Result<VolumeProfile, EngineError> {
    let (Some(distance), Some(now)) = (usual_distance(times), times.last()) else {
        return Err(refuse(format!(
            "a schedule after the usual volume needs rows before the order, found {}; use `twap`",
            times.len()
        )));
    };
    let days = usize::try_from(config.days).unwrap_or(usize::MAX);
    let traded = traded.get(..times.len()).unwrap_or(traded);
    let mut past = if DAY_MS <= distance {
        traded.rchunks_exact(steps).take(days).map(<[f64]>::to_vec).collect()
    } else {
        let clock = Clock { times, traded, distance, now: *now };
        clock.days(steps, days)
    };
    past.reverse();
    VolumeProfile::estimate(&past, config)
}

/// Rows within days.
struct Clock<'a> {
    times: &'a [i64],
    traded: &'a [f64],
    distance: i64,
    now: i64,
}

impl Clock<'_> {
    /// Returns the units traded in each of the coming rows, the same number of whole days before: newest day first.
    fn days(&self, steps: usize, most: usize) -> Vec<Vec<f64>> {
        let steps_ms = self.distance.saturating_mul(i64::try_from(steps).unwrap_or(i64::MAX));
        // As many whole days back that the stretch is over by now.
        let back = (steps_ms.saturating_sub(1) / DAY_MS).saturating_add(1).saturating_mul(DAY_MS);
        let first = self.times.first().copied().unwrap_or(i64::MAX);
        let mut days = Vec::new();
        let mut start = self.now;
        while days.len() < most {
            start = start.saturating_sub(back);
            if start < first {
                break;
            }
            days.push((1..=steps).map(|step| self.near(start, step)).collect());
        }
        days
    }

    /// Returns what was traded in the row nearest to `step` distances after `start`; nothing where no row is near.
    fn near(&self, start: i64, step: usize) -> f64 {
        let wanted = start + self.distance * i64::try_from(step).unwrap_or(i64::MAX);
        let row = self.times.partition_point(|time| *time < wanted - self.distance / 2);
        match self.times.get(row) {
            Some(time) if (time - wanted).abs() <= self.distance / 2 => {
                self.traded.get(row).copied().unwrap_or(0.0)
            }
            Some(_) | None => 0.0,
        }
    }
}

/// Returns the median of the newest distances, above 0; absent below two rows.
fn usual_distance(times: &[i64]) -> Option<i64> {
    let newest = &times[times.len().saturating_sub(DISTANCES_MAX + 1)..];
    let mut distances: Vec<i64> = newest.windows(2).map(|pair| pair[1] - pair[0]).collect();
    distances.sort_unstable();
    distances.get(distances.len() / 2).copied().filter(|distance| 0 < *distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn shares(times: &[i64], traded: &[f64], steps: usize, days: u32) -> Vec<f64> {
        usual_profile(times, traded, steps, &VwapConfig { days }).unwrap().shares().to_vec()
    }

    #[test]
    fn within_a_day_the_clock_decides() {
        // Two whole days by the hour; 100 units in the third hour of each, else 1. Now it is midnight.
        let times: Vec<i64> = (0..49).map(|hour| hour * HOUR_MS).collect();
        let traded: Vec<f64> =
            (0..49).map(|hour| if hour % 24 == 3 { 100.0 } else { 1.0 }).collect();
        let found = shares(&times, &traded, 4, 20);
        assert_eq!(found.len(), 4);
        assert!((found[2] - 100.0 / 103.0).abs() < 1e-12, "{found:?}");
        // An hour without a row: nothing was traded in it.
        let kept: Vec<usize> = (0..49).filter(|hour| *hour != 27).collect();
        let gap: Vec<i64> = kept.iter().map(|hour| times[*hour]).collect();
        let less: Vec<f64> = kept.iter().map(|hour| traded[*hour]).collect();
        let found = shares(&gap, &less, 4, 1);
        assert!(found[2].abs() < 1e-12 && (found[0] - 1.0 / 3.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn days_are_cut_into_stretches_of_rows() {
        let times: Vec<i64> = (0..7).map(|day| day * DAY_MS).collect();
        let found = shares(&times, &[9.0, 3.0, 1.0, 1.0, 3.0, 3.0, 1.0], 2, 2);
        // [1, 3] and [3, 1]
        assert_eq!(found, [0.5, 0.5]);
    }

    #[test]
    fn a_past_that_is_too_short_says_so() {
        let config = VwapConfig::default();
        for rows in [0, 1, 2, 20] {
            let times: Vec<i64> = (0..rows).map(|hour| hour * HOUR_MS).collect();
            let traded = vec![1.0; times.len()];
            let error = usual_profile(&times, &traded, 4, &config).unwrap_err().to_string();
            assert!(error.contains("twap"), "{error}");
        }
    }
}
