//! Many seeds instead of the best one: interquartile mean, performance profile, probability of improvement.
//!
//! Scores stand as `[task][seed]`. Intervals resample seeds within each task (stratified), percentiles. At least ten
//! seeds belong into a report; the best seed never does.
//!
//! Source: Agarwal et al. 2021 ("Deep reinforcement learning at the edge of the statistical precipice");
//! learning.md section 10.6.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bootstrap::{Interval, Resampling, percentile_interval};
use crate::error::EngineError;
use crate::rng::Stream;

/// Seeds below which a report carries a warning.
pub const SEEDS_MIN: usize = 10;
/// Resamples of an interval.
pub const RESAMPLES: u32 = 2_000;
/// Confidence of an interval.
pub const LEVEL: f64 = 0.95;

/// A statistic of all scores and its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The statistic of all scores.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: Interval,
}

/// Which of two groups is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval of the difference lies above 0.
    Better,
    /// The interval of the difference lies below 0.
    Worse,
    /// The interval holds 0: nothing may be said.
    Undecided,
}

/// The difference of two groups.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Interquartile mean of the first minus that of the second.
    pub difference: Estimate,
    /// Probability that a run of the first beats a run of the second on a task.
    pub improvement: f64,
    /// What may be said.
    pub verdict: Verdict,
}

/// Returns the mean of the middle half: a quarter of the values, rounded down, is cut from either end. Undefined
/// without values and when one is not finite.
#[must_use]
pub fn interquartile_mean(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let cut = sorted.len() / 4;
    let middle = &sorted[cut..sorted.len() - cut];
    let mean = middle.iter().sum::<f64>() / middle.len() as f64;
    values.iter().all(|value| value.is_finite()).then_some(mean).filter(|mean| mean.is_finite())
}

/// Returns the interquartile mean of all scores with its interval.
///
/// # Errors
/// Refuses no tasks, a task without scores, scores that are not finite, and no resamples.
pub fn aggregate(scores: &[Vec<f64>], plan: &Resampling) -> Result<Estimate, EngineError> {
    check(scores, plan)?;
    let mut stream = plan.stream();
    let resampled: Vec<f64> = (0..plan.resamples)
        .filter_map(|_| interquartile_mean(&resample(scores, &mut stream)))
        .collect();
    estimate(interquartile_mean(&scores.concat()), &resampled)
}

/// Returns whether one group is better than another on the same tasks.
///
/// # Errors
/// Refuses what [`aggregate`] refuses, and groups with different numbers of tasks.
pub fn compare(
    first: &[Vec<f64>],
    second: &[Vec<f64>],
    plan: &Resampling,
) -> Result<Comparison, EngineError> {
    check(first, plan)?;
    check(second, plan)?;
    let improvement = probability_of_improvement(first, second).ok_or_else(|| {
        refused(format!(
            "wanted the same tasks in both groups, found {} and {}; leave out what one of them lacks",
            first.len(),
            second.len()
        ))
    })?;
    let mut stream = plan.stream();
    let resampled: Vec<f64> = (0..plan.resamples)
        .filter_map(|_| {
            let one = interquartile_mean(&resample(first, &mut stream))?;
            Some(one - interquartile_mean(&resample(second, &mut stream))?)
        })
        .collect();
    let whole = interquartile_mean(&first.concat()).zip(interquartile_mean(&second.concat()));
    let difference = estimate(whole.map(|(one, other)| one - other), &resampled)?;
    let verdict = if 0.0 < difference.interval.low {
        Verdict::Better
    } else if difference.interval.high < 0.0 {
        Verdict::Worse
    } else {
        Verdict::Undecided
    };
    Ok(Comparison { difference, improvement, verdict })
}

/// Returns the share of runs above each threshold, the mean over tasks; undefined without scores.
#[must_use]
pub fn performance_profile(scores: &[Vec<f64>], thresholds: &[f64]) -> Option<Vec<f64>> {
    if scores.is_empty() || scores.iter().any(Vec::is_empty) {
        return None;
    }
    let above = |task: &Vec<f64>, threshold: f64| {
        task.iter().filter(|score| threshold < **score).count() as f64 / task.len() as f64
    };
    let profile = thresholds.iter().map(|threshold| {
        scores.iter().map(|task| above(task, *threshold)).sum::<f64>() / scores.len() as f64
    });
    Some(profile.collect())
}

/// Returns the mean over tasks of P(X > Y) + ½·P(X = Y), 0 to 1; undefined when the tasks differ in number or one has no
/// scores.
#[must_use]
pub fn probability_of_improvement(first: &[Vec<f64>], second: &[Vec<f64>]) -> Option<f64> {
    let empty = first.iter().chain(second).any(Vec::is_empty);
    if first.len() != second.len() || first.is_empty() || empty {
        return None;
    }
    let mut sum = 0.0;
    for (ours, theirs) in first.iter().zip(second) {
        let mut points = 0.0;
        for own in ours {
            for other in theirs {
                if other < own {
                    points += 1.0;
                } else if own.total_cmp(other).is_eq() {
                    points += 0.5;
                }
            }
        }
        sum += points / (ours.len() * theirs.len()) as f64;
    }
    Some(sum / first.len() as f64)
}

/// Returns the mean of max(0, 1 − score) over all normalised scores: how far they stay below 1. Undefined without
/// scores.
#[must_use]
pub fn optimality_gap(scores: &[Vec<f64>]) -> Option<f64> {
    let all = scores.concat();
    let gap = all.iter().map(|score| (1.0 - score).max(0.0)).sum::<f64>() / all.len() as f64;
    gap.is_finite().then_some(gap)
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "statistics over seeds", detail }
}

fn check(scores: &[Vec<f64>], plan: &Resampling) -> Result<(), EngineError> {
    if scores.is_empty() || plan.resamples == 0 {
        return Err(refused("wanted at least one task and one resample, found none".to_owned()));
    }
    if let Some(task) = scores.iter().position(Vec::is_empty) {
        return Err(refused(format!(
            "wanted scores of every task, found none of task {task}; leave it out"
        )));
    }
    if !scores.iter().flatten().all(|score| score.is_finite()) {
        return Err(refused(
            "wanted finite scores, found others; leave those runs out and say so".to_owned(),
        ));
    }
    Ok(())
}

/// Draws as many seeds of each task as it has.
fn resample(scores: &[Vec<f64>], stream: &mut Stream) -> Vec<f64> {
    let mut drawn = Vec::new();
    for task in scores {
        let count = u32::try_from(task.len()).unwrap_or(u32::MAX);
        for _ in 0..task.len() {
            drawn.extend(usize::try_from(stream.below(count)).ok().and_then(|seed| task.get(seed)));
        }
    }
    drawn
}

fn estimate(value: Option<f64>, resampled: &[f64]) -> Result<Estimate, EngineError> {
    value
        .zip(percentile_interval(resampled, LEVEL))
        .map(|(value, interval)| Estimate { value, interval })
        .ok_or_else(|| EngineError::Invariant {
            what: "statistics over seeds",
            detail: "checked scores have no interquartile mean".to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng::StreamId;

    fn plan(member: u32) -> Resampling {
        Resampling { resamples: 600, block: 1.0, seed: 4, member }
    }

    fn scores(tasks: u32, seeds: usize, member: u32, shift: f64) -> Vec<Vec<f64>> {
        (0..tasks)
            .map(|task| {
                let mut stream = Stream::new(8, StreamId::Synthesis, member * 100 + task);
                (0..seeds).map(|_| stream.normal() + shift).collect()
            })
            .collect()
    }

    #[test]
    fn statistics_are_those_done_by_hand() {
        assert_eq!(interquartile_mean(&[1.0, 2.0, 3.0, 40.0]), Some(2.5));
        assert_eq!(interquartile_mean(&[5.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(interquartile_mean(&[]), None);
        let first = vec![vec![1.0, 2.0], vec![0.5]];
        let second = vec![vec![1.0, 3.0], vec![0.0]];
        // task one: 1=1, 1<3, 2>1, 2<3 → 1.5/4; task two: 1
        assert_eq!(probability_of_improvement(&first, &second), Some((0.375 + 1.0) / 2.0));
        assert_eq!(performance_profile(&first, &[0.0, 0.5, 1.5]).unwrap(), [1.0, 0.5, 0.25]);
        assert!((optimality_gap(&first).unwrap() - 0.5 / 3.0).abs() < 1e-15);
        assert_eq!(optimality_gap(&[]), None);
        assert_eq!(performance_profile(&[vec![]], &[0.0]), None);
        assert_eq!(probability_of_improvement(&first, &second[..1]), None);
    }

    #[test]
    fn intervals_cover_what_they_promise() {
        let experiments = 600;
        let hits: u32 = (0..experiments)
            .map(|member| {
                let found = aggregate(&scores(4, 30, member, 0.0), &plan(member)).unwrap();
                u32::from(found.interval.contains(0.0))
            })
            .sum();
        let share = f64::from(hits) / f64::from(experiments);
        assert!((0.93..=0.97).contains(&share), "{share}");
    }

    #[test]
    fn better_is_said_only_when_the_interval_excludes_zero() {
        let (low, high) = (scores(3, 20, 1, 0.0), scores(3, 20, 2, 2.0));
        assert_eq!(compare(&high, &low, &plan(0)).unwrap().verdict, Verdict::Better);
        assert_eq!(compare(&low, &high, &plan(0)).unwrap().verdict, Verdict::Worse);
        let same = compare(&low, &low, &plan(0)).unwrap();
        assert_eq!(same.verdict, Verdict::Undecided);
        assert!((same.improvement - 0.5).abs() < 1e-12 && same.difference.value.abs() < 1e-15);
    }

    #[test]
    fn refuses_groups_without_scores() {
        assert!(aggregate(&[], &plan(0)).is_err());
        assert!(aggregate(&[vec![]], &plan(0)).is_err());
        assert!(aggregate(&[vec![f64::NAN]], &plan(0)).is_err());
        assert!(compare(&[vec![1.0]], &[vec![1.0], vec![1.0]], &plan(0)).is_err());
    }

    proptest! {
        #[test]
        fn one_wild_seed_moves_the_middle_little(values in prop::collection::vec(-1.0..1.0_f64, 8..40), wild in -1e9..1e9_f64) {
            let mut with = values.clone();
            with[0] = wild;
            prop_assert!(interquartile_mean(&with).unwrap().abs() <= 1.0 + 1e-9);
        }

        #[test]
        fn improvement_and_its_mirror_make_one(a in prop::collection::vec(-1.0..1.0_f64, 1..9), b in prop::collection::vec(-1.0..1.0_f64, 1..9)) {
            let (a, b) = (vec![a], vec![b]);
            let sum = probability_of_improvement(&a, &b).unwrap() + probability_of_improvement(&b, &a).unwrap();
            prop_assert!((sum - 1.0).abs() < 1e-12);
        }
    }
}
