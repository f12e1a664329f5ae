//! Bootstrap: resampling a series in blocks, and intervals from it.
//!
//! Stationary bootstrap of Politis and Romano 1994: blocks of geometric length on a circle, so that dependence over
//! short times survives. Mean block length 1 is the ordinary bootstrap. Intervals: percentile, and bias-corrected and
//! accelerated (Efron 1987) with a jackknife that deletes blocks. Every draw comes from one named stream.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::EngineError;
use crate::metrics::normal;
use crate::metrics::quantile::{quantile, quantile_of_sorted};
use crate::rng::{Stream, StreamId};

/// How often and in which blocks is resampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling {
    /// Resamples; at least 1 000 for a reported figure.
    pub resamples: u32,
    /// Mean length of a block in periods, at least 1.
    pub block: f64,
    /// Seed of the run.
    pub seed: u64,
    /// Tells several analyses under one seed apart.
    pub member: u32,
}

impl Resampling {
    /// Returns a plan with the default block length n^(1/3), at least 1.
    #[must_use]
    pub fn of(count: usize, resamples: u32, seed: u64) -> Self {
        Self { resamples, block: (count as f64).cbrt().max(1.0), seed, member: 0 }
    }

    /// Returns the stream that all draws of this plan come from.
    #[must_use]
    pub fn stream(&self) -> Stream {
        Stream::new(self.seed, StreamId::Bootstrap, self.member)
    }

    /// Checks the plan for a series of this length.
    ///
    /// # Errors
    /// Refuses no resamples, a block length that is not at least 1, and series too short or too long to be drawn from.
    pub fn check(&self, count: usize) -> Result<(), EngineError> {
        let countable = u32::try_from(count).is_ok();
        if self.resamples > 0
            && 1.0 <= self.block
            && self.block.is_finite()
            && 2 <= count
            && countable
        {
            return Ok(());
        }
        Err(EngineError::Refused {
            what: "bootstrap",
            detail: format!(
                "wanted at least 1 resample, a mean block length of at least 1 and 2 to 4294967295 periods, found {} \
                 resamples, blocks of {} and {count} periods",
                self.resamples, self.block
            ),
        })
    }
}

/// Draws the indices of one resample of `count` periods into `indices`.
///
/// Each period follows the one before (the first follows the last) or, with probability 1/block, begins a new block
/// anywhere.
pub fn draw_indices(count: usize, block: f64, stream: &mut Stream, indices: &mut Vec<usize>) {
    indices.clear();
    let bound = u32::try_from(count).unwrap_or(u32::MAX);
    let begins = 1.0 / block;
    let mut place = 0;
    for period in 0..count {
        let jumps =
            period == 0 || begins >= 1.0 || f64::from(stream.next_u32()) < begins * 4_294_967_296.0;
        place = if jumps {
            usize::try_from(stream.below(bound)).unwrap_or(0)
        } else if place + 1 == count {
            0
        } else {
            place + 1
        };
        indices.push(place);
    }
}

/// Returns the statistic of every resample in which it is defined.
///
/// # Errors
/// Refuses what [`Resampling::check`] refuses.
pub fn bootstrap(
    values: &[f64],
    statistic: &dyn Fn(&[f64]) -> Option<f64>,
    plan: &Resampling,
) -> Result<Vec<f64>, EngineError> {
    plan.check(values.len())?;
    let mut stream = plan.stream();
    let (mut indices, mut sample) = (Vec::new(), vec![0.0; values.len()]);
    let mut found = Vec::new();
    for _ in 0..plan.resamples {
        draw_indices(values.len(), plan.block, &mut stream, &mut indices);
        for (place, index) in sample.iter_mut().zip(&indices) {
            *place = values[*index];
        }
        found.extend(statistic(&sample).filter(|value| value.is_finite()));
    }
    Ok(found)
}

/// A confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether the value lies inside or on an end.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Whether 0 lies outside: only then may a difference be called one.
    #[must_use]
    pub fn excludes_zero(&self) -> bool {
        !self.contains(0.0)
    }
}

/// Returns the percentile interval that holds the share `level` of the resampled statistics; undefined without any and
/// for a level outside (0, 1).
#[must_use]
pub fn percentile_interval(resampled: &[f64], level: f64) -> Option<Interval> {
    if !(0.0 < level && level < 1.0) {
        return None;
    }
    let tail = (1.0 - level) / 2.0;
    Some(Interval { low: quantile(resampled, tail)?, high: quantile(resampled, 1.0 - tail)? })
}

/// Returns the bias-corrected and accelerated interval of a statistic of a series.
///
/// The jackknife deletes runs of the (rounded) mean block length; at block length 1 that is Efron's. Undefined where
/// the statistic is, when it does not vary over the resamples, or when all of them lie on one side of the estimate.
///
/// # Errors
/// Refuses what [`Resampling::check`] refuses.
pub fn bca_interval(
    values: &[f64],
    statistic: &dyn Fn(&[f64]) -> Option<f64>,
    level: f64,
    plan: &Resampling,
) -> Result<Option<Interval>, EngineError> {
    let mut resampled = bootstrap(values, statistic, plan)?;
    resampled.sort_by(f64::total_cmp);
    let interval = || {
        let estimate = statistic(values)?;
        let acceleration = acceleration(values, statistic, plan.block)?;
        corrected(&resampled, estimate, acceleration, level)
    };
    Ok(interval())
}

/// Returns the interval of sorted resamples about an estimate.
fn corrected(sorted: &[f64], estimate: f64, acceleration: f64, level: f64) -> Option<Interval> {
    if !(0.0 < level && level < 1.0) || sorted.is_empty() {
        return None;
    }
    let below = sorted.partition_point(|value| *value < estimate) as f64;
    let not_above = sorted.partition_point(|value| *value <= estimate) as f64;
    let bias = normal::quantile((below + not_above) / 2.0 / sorted.len() as f64)?;
    if !bias.is_finite() {
        return None;
    }
    let end = |tail: f64| {
        let moved = bias + normal::quantile(tail)?;
        let bent = bias + moved / (1.0 - acceleration * moved);
        quantile_of_sorted(sorted, normal::cdf(bent))
    };
    let tail = (1.0 - level) / 2.0;
    Some(Interval { low: end(tail)?, high: end(1.0 - tail)? })
}

/// Returns Efron's acceleration Σ d³/(6·(Σ d²)^1.5) from statistics that each miss one block; 0 when none differs.
fn acceleration(
    values: &[f64],
    statistic: &dyn Fn(&[f64]) -> Option<f64>,
    block: f64,
) -> Option<f64> {
    let length = (1..values.len()).take_while(|length| (*length as f64) < block + 0.5).last()?;
    let mut without = Vec::with_capacity(values.len());
    let mut found = Vec::new();
    for start in (0..values.len()).step_by(length) {
        without.clear();
        without.extend_from_slice(&values[..start]);
        without.extend_from_slice(values.get(start + length..).unwrap_or_default());
        found.push(statistic(&without)?);
    }
    let mean = found.iter().sum::<f64>() / found.len() as f64;
    let squares: f64 = found.iter().map(|value| (mean - value).powi(2)).sum();
    let cubes: f64 = found.iter().map(|value| (mean - value).powi(3)).sum();
    let bent = cubes / (6.0 * squares.powf(1.5));
    Some(if bent.is_finite() { bent } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mean(values: &[f64]) -> Option<f64> {
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    fn normals(count: usize, member: u32) -> Vec<f64> {
        let mut stream = Stream::new(11, StreamId::Synthesis, member);
        (0..count).map(|_| stream.normal()).collect()
    }

    #[test]
    fn the_default_block_is_the_cube_root() {
        assert!((Resampling::of(1_000, 100, 1).block - 10.0).abs() < 1e-12);
        assert!((Resampling::of(0, 100, 1).block - 1.0).abs() < 1e-15);
    }

    #[test]
    fn blocks_have_their_mean_length_and_every_period_its_turn() {
        let (count, block) = (500, 8.0);
        let plan = Resampling { resamples: 1, block, seed: 3, member: 0 };
        let (mut stream, mut indices) = (plan.stream(), Vec::new());
        let (mut starts, mut seen) = (0_u32, vec![0_u32; count]);
        for _ in 0..400 {
            draw_indices(count, block, &mut stream, &mut indices);
            assert_eq!(indices.len(), count);
            for index in &indices {
                seen[*index] += 1;
            }
            starts += 1;
            starts += indices
                .windows(2)
                .map(|pair| u32::from((pair[0] + 1) % count != pair[1]))
                .sum::<u32>();
        }
        let length = 400.0 * count as f64 / f64::from(starts);
        assert!((length - block).abs() < 0.2, "{length}");
        assert!(seen.iter().all(|times| (300..520).contains(times)), "each about 400 times");
    }

    #[test]
    fn the_variance_of_the_mean_is_the_closed_form_of_politis_and_romano() {
        let values: Vec<f64> = normals(200, 1).windows(3).map(|three| three.iter().sum()).collect();
        let plan = Resampling { resamples: 20_000, block: 5.0, seed: 5, member: 0 };
        let means = bootstrap(&values, &mean, &plan).unwrap();
        let centre = mean(&means).unwrap();
        let variance = means.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / 2e4;
        let wanted =
            super::super::snooping::long_run_variance(&values, plan.block) / values.len() as f64;
        assert!((variance / wanted - 1.0).abs() < 0.04, "{variance} {wanted}");
    }

    #[test]
    fn the_same_seed_gives_the_same_draws_and_another_member_others() {
        let values = normals(30, 1);
        let plan = Resampling { resamples: 5, block: 3.0, seed: 1, member: 0 };
        let first = bootstrap(&values, &mean, &plan).unwrap();
        assert_eq!(first, bootstrap(&values, &mean, &plan).unwrap());
        assert_ne!(first, bootstrap(&values, &mean, &Resampling { member: 1, ..plan }).unwrap());
    }

    /// Share of 800 experiments in which an interval of nominal 95 % holds the truth.
    fn coverage(interval: impl Fn(&[f64], &Resampling) -> Option<Interval>) -> f64 {
        let experiments = 800;
        let hits: u32 = (0..experiments)
            .map(|member| {
                let values = normals(120, member);
                let plan = Resampling { resamples: 400, block: 1.0, seed: 2, member };
                u32::from(interval(&values, &plan).unwrap().contains(0.0))
            })
            .sum();
        f64::from(hits) / f64::from(experiments)
    }

    #[test]
    fn percentile_intervals_cover_what_they_promise() {
        let share = coverage(|values, plan| {
            percentile_interval(&bootstrap(values, &mean, plan).unwrap(), 0.95)
        });
        assert!((0.93..=0.97).contains(&share), "{share}");
    }

    #[test]
    fn corrected_intervals_cover_what_they_promise() {
        let share = coverage(|values, plan| bca_interval(values, &mean, 0.95, plan).unwrap());
        assert!((0.93..=0.97).contains(&share), "{share}");
    }

    #[test]
    fn the_correction_moves_with_bias_and_acceleration() {
        let sorted: Vec<f64> = (0..1_001).map(|i| f64::from(i) / 1_000.0).collect();
        let plain = corrected(&sorted, 0.5, 0.0, 0.9).unwrap();
        assert!((plain.low - 0.05).abs() < 1e-9 && (plain.high - 0.95).abs() < 1e-9);
        // z0 = Z(0.6915) = 0.5: the ends are Φ(1 ∓ 1.645)
        let biased = corrected(&sorted, 0.691_5, 0.0, 0.9).unwrap();
        assert!((biased.low - normal::cdf(1.0 - 1.644_853_6)).abs() < 1e-3);
        assert!((biased.high - normal::cdf(1.0 + 1.644_853_6)).abs() < 1e-3);
        let accelerated = corrected(&sorted, 0.5, 0.1, 0.9).unwrap();
        assert!((accelerated.low - normal::cdf(-1.644_853_6 / 1.164_485_4)).abs() < 1e-3);
        assert_eq!(corrected(&sorted, 2.0, 0.0, 0.9), None);
    }

    #[test]
    fn refuses_plans_that_are_none() {
        let plan = Resampling { resamples: 10, block: 2.0, seed: 1, member: 0 };
        assert!(plan.check(1).is_err() && plan.check(2).is_ok());
        for block in [0.5, f64::NAN, f64::INFINITY] {
            assert!(Resampling { block, ..plan }.check(10).is_err());
        }
        assert!(Resampling { resamples: 0, ..plan }.check(10).is_err());
        assert_eq!(percentile_interval(&[], 0.95), None);
        assert_eq!(percentile_interval(&[1.0], 1.0), None);
        assert!(
            bca_interval(&[1.0; 20], &mean, 0.95, &plan)
                .unwrap()
                .is_none_or(|one| one.contains(1.0))
        );
    }

    proptest! {
        #[test]
        fn indices_stay_inside(count in 1_usize..50, block in 1.0..60.0_f64, seed in any::<u64>()) {
            let mut indices = Vec::new();
            draw_indices(count, block, &mut Stream::new(seed, StreamId::Bootstrap, 0), &mut indices);
            prop_assert_eq!(indices.len(), count);
            prop_assert!(indices.iter().all(|index| *index < count));
        }
    }
}
