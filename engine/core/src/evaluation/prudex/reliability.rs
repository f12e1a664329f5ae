//! Reliability over many runs: performance profile with its band, distribution of ranks.
//!
//! Source: PRUDEX-Compass (Sun et al. 2023), trademaster.md section 6; Agarwal et al. 2021.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::EngineError;
use crate::evaluation::bootstrap::Interval;
use crate::evaluation::seeds::performance_profile;
use crate::metrics::quantile::quantile;
use crate::rng::{Stream, StreamId};

/// Thresholds of a profile.
pub const PROFILE_POINTS: u32 = 1_000;
/// Lowest and highest threshold.
pub const PROFILE_RANGE: (f64, f64) = (-1.0, 100.0);
/// Resamples of a profile's band.
pub const PROFILE_RESAMPLES: u32 = 2_000;
/// Resamples of a distribution of ranks.
pub const RANK_RESAMPLES: u32 = 200_000;

/// Share of runs above each threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// Thresholds, rising.
    pub thresholds: Vec<f64>,
    /// Share of runs with a score above it, 0 to 1.
    pub shares: Vec<f64>,
    /// 95 % band of each share.
    pub band: Vec<Interval>,
}

/// Returns the profile of one policy's scores `[task][seed]` over the thresholds of [`PROFILE_RANGE`]; seeds are resampled
/// within each task.
///
/// # Errors
/// Refuses no tasks, a task without scores, scores that are not finite and no resamples.
pub fn profile(scores: &[Vec<f64>], resamples: u32, seed: u64) -> Result<Profile, EngineError> {
    check(scores)?;
    let (low, high) = PROFILE_RANGE;
    let step = (high - low) / f64::from(PROFILE_POINTS - 1);
    let thresholds: Vec<f64> =
        (0..PROFILE_POINTS).map(|point| low + step * f64::from(point)).collect();
    let shares = performance_profile(scores, &thresholds)
        .filter(|_| 0 < resamples)
        .ok_or_else(|| refused("wanted at least one resample, found none".to_owned()))?;
    let mut stream = Stream::new(seed, StreamId::Bootstrap, 0);
    let mut drawn: Vec<Vec<f64>> = vec![Vec::new(); thresholds.len()];
    for _ in 0..resamples {
        let again: Vec<Vec<f64>> = scores
            .iter()
            .map(|task| task.iter().map(|_| pick(task, &mut stream)).collect())
            .collect();
        for (place, share) in
            drawn.iter_mut().zip(performance_profile(&again, &thresholds).unwrap_or_default())
        {
            place.push(share);
        }
    }
    let band = drawn.iter().filter_map(|shares| {
        Some(Interval { low: quantile(shares, 0.025)?, high: quantile(shares, 0.975)? })
    });
    Ok(Profile { shares, band: band.collect(), thresholds })
}

/// Returns how often each policy takes each rank, `[policy][rank]`, rank 0 the best; every row sums to 1.
///
/// Scores are `[policy][task][seed]`. Per resample and task one run of each policy is drawn and they are ranked, ties
/// at random; shares are means over resamples and tasks.
///
/// # Errors
/// Refuses fewer than two policies, differing numbers of tasks, tasks without scores, scores that are not finite and no
/// resamples.
pub fn rank_distribution(
    scores: &[Vec<Vec<f64>>],
    resamples: u32,
    seed: u64,
) -> Result<Vec<Vec<f64>>, EngineError> {
    let tasks = scores.first().map_or(0, Vec::len);
    scores.iter().try_for_each(|policy| check(policy))?;
    if scores.len() < 2 || resamples == 0 || scores.iter().any(|policy| policy.len() != tasks) {
        return Err(refused(format!(
            "wanted at least two policies on the same {tasks} tasks and one resample, found {} policies and {resamples} \
             resamples",
            scores.len()
        )));
    }
    let policies = scores.len();
    let mut stream = Stream::new(seed, StreamId::Bootstrap, 1);
    let mut counts = vec![vec![0_u64; policies]; policies];
    let mut order: Vec<(f64, u32, usize)> = Vec::with_capacity(policies);
    for _ in 0..resamples {
        for task in 0..tasks {
            order.clear();
            for (policy, tasks) in scores.iter().enumerate() {
                let score = pick(&tasks[task], &mut stream);
                order.push((score, stream.next_u32(), policy));
            }
            order.sort_unstable_by(|left, right| {
                right.0.total_cmp(&left.0).then(right.1.cmp(&left.1))
            });
            for (rank, (_, _, policy)) in order.iter().enumerate() {
                counts[*policy][rank] += 1;
            }
        }
    }
    let all = f64::from(resamples) * tasks as f64;
    Ok(counts
        .into_iter()
        .map(|row| row.into_iter().map(|count| count as f64 / all).collect())
        .collect())
}

/// Draws one score; scores are checked not to be empty.
fn pick(scores: &[f64], stream: &mut Stream) -> f64 {
    let count = u32::try_from(scores.len()).unwrap_or(u32::MAX);
    let index = usize::try_from(stream.below(count)).unwrap_or(0);
    scores.get(index).copied().unwrap_or(f64::NAN)
}

fn check(scores: &[Vec<f64>]) -> Result<(), EngineError> {
    let complete = !scores.is_empty() && scores.iter().all(|task| !task.is_empty());
    if complete && scores.iter().flatten().all(|score| score.is_finite()) {
        return Ok(());
    }
    Err(refused(
        "wanted finite scores of every task, found an empty task or other scores; leave those out"
            .to_owned(),
    ))
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "reliability over runs", detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_falls_from_one_to_zero_inside_its_band() {
        let scores = vec![vec![10.0, 20.0, 30.0, 40.0], vec![50.0, 60.0]];
        let found = profile(&scores, 200, 1).unwrap();
        assert_eq!((found.thresholds.len(), found.band.len()), (1_000, 1_000));
        assert!(
            (found.thresholds[0] + 1.0).abs() < 1e-12
                && (found.thresholds[999] - 100.0).abs() < 1e-9
        );
        assert!((found.shares[0] - 1.0).abs() < 1e-15 && found.shares[999].abs() < 1e-15);
        assert!(found.shares.windows(2).all(|pair| pair[1] <= pair[0]));
        // at 24.9…: half of the first task and all of the second
        let index = found.thresholds.iter().position(|threshold| 25.0 < *threshold).unwrap();
        assert!((found.shares[index] - 0.75).abs() < 1e-15);
        assert!(found.band.iter().zip(&found.shares).all(|(band, share)| band.contains(*share)));
    }

    #[test]
    fn ranks_are_those_of_the_scores_and_ties_are_shared() {
        let scores = vec![vec![vec![3.0, 3.0]], vec![vec![1.0]], vec![vec![1.0, 1.0]]];
        let found = rank_distribution(&scores, 20_000, 1).unwrap();
        assert_eq!(found[0], [1.0, 0.0, 0.0]);
        assert!((found[1][1] - 0.5).abs() < 0.02 && (found[2][1] - 0.5).abs() < 0.02);
        for row in &found {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        assert_eq!(
            found,
            rank_distribution(&scores, 20_000, 1).unwrap(),
            "the same seed, the same ranks"
        );
        // beats in one of four pairs, loses in two, ties in one
        let pair = vec![vec![vec![1.0, 2.0]], vec![vec![1.5, 2.0]]];
        let found = rank_distribution(&pair, 40_000, 2).unwrap();
        assert!((found[0][0] - (0.25 + 0.125)).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn refuses_what_cannot_be_ranked() {
        let one = vec![vec![1.0]];
        assert!(rank_distribution(std::slice::from_ref(&one), 10, 1).is_err());
        assert!(rank_distribution(&[one.clone(), vec![]], 10, 1).is_err());
        assert!(rank_distribution(&[one.clone(), vec![vec![f64::NAN]]], 10, 1).is_err());
        assert!(rank_distribution(&[one.clone(), one.clone()], 0, 1).is_err());
        assert!(profile(&one, 0, 1).is_err() && profile(&[], 5, 1).is_err());
    }
}
