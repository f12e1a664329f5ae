//! Data snooping: is the best of many candidates better than the benchmark, after so many were tried?
//!
//! White's reality check, Hansen's test of superior predictive ability with its three p-values, and the stepwise test
//! of Romano and Wolf, on one set of stationary bootstrap resamples. Candidates are given as differences from the
//! benchmark, above 0 is better. A candidate that never differs from the benchmark proves nothing and is passed over.
//!
//! Source: White 2000; Hansen 2005; Romano and Wolf 2005; learning.md section 10.5.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bootstrap::{Resampling, draw_indices};
use crate::error::EngineError;
use crate::metrics::quantile::quantile;

/// A long-run deviation below this is rounding.
const DEVIATION_MIN: f64 = 1e-12;
/// Weights of autocovariances below this are lost in the sum.
const WEIGHT_MIN: f64 = 1e-18;

/// A test statistic and how often chance reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RealityCheck {
    /// Largest √n · mean difference.
    pub statistic: f64,
    /// Share of resamples that reach it.
    pub p_value: f64,
}

/// The test of superior predictive ability. The consistent p-value decides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuperiorAbility {
    /// Largest studentised mean difference, at least 0.
    pub statistic: f64,
    /// Poor candidates are left as poor as they are: a lower bound.
    pub p_lower: f64,
    /// Only clearly poor candidates are.
    pub p_consistent: f64,
    /// All are taken to be as good as the benchmark: an upper bound.
    pub p_upper: f64,
}

/// Resampled mean differences of all candidates.
#[derive(Debug, Clone)]
pub struct Resampled {
    count: f64,
    /// Mean difference of each candidate.
    means: Vec<f64>,
    /// Long-run deviation ω of each candidate; 0 where it never differs.
    deviations: Vec<f64>,
    /// Mean differences of each resample: `[resample][candidate]`.
    drawn: Vec<Vec<f64>>,
}

/// Returns the long-run variance ω² of √n · mean that the stationary bootstrap implies,
/// γ₀ + 2·Σ κ_i·γ_i with κ_i = (1 − i/n)(1 − q)^i + (i/n)(1 − q)^(n − i) and q = 1/block.
///
/// Source: Politis and Romano 1994, lemma 1.
#[must_use]
pub fn long_run_variance(values: &[f64], block: f64) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let covariance = |lag: usize| {
        let pairs = centred.iter().zip(&centred[lag..]);
        pairs.map(|(now, then)| now * then).sum::<f64>() / count
    };
    let stays = 1.0 - 1.0 / block;
    let mut variance = covariance(0);
    for lag in 1..values.len() {
        let share = lag as f64 / count;
        let weight =
            (1.0 - share) * stays.powf(lag as f64) + share * stays.powf(count - lag as f64);
        if WEIGHT_MIN < weight {
            variance += 2.0 * weight * covariance(lag);
        }
    }
    variance.max(0.0)
}

impl Resampled {
    /// Resamples candidates given as differences from the benchmark: K × n, all of one length.
    ///
    /// # Errors
    /// Refuses no candidates, differing lengths, values that are not finite, fewer than 10 periods, and what
    /// [`Resampling::check`] refuses.
    pub fn draw(candidates: &[Vec<f64>], plan: &Resampling) -> Result<Self, EngineError> {
        let refused =
            |detail: String| EngineError::Refused { what: "test for data snooping", detail };
        let count = candidates.first().map_or(0, Vec::len);
        plan.check(count)?;
        if count < 10 {
            return Err(refused(format!("wanted at least 10 periods, found {count}")));
        }
        if let Some(odd) = candidates.iter().position(|one| one.len() != count) {
            return Err(refused(format!(
                "wanted {count} differences of every candidate, found {} of candidate {odd}; align them by time first",
                candidates[odd].len()
            )));
        }
        if let Some(bad) =
            candidates.iter().position(|one| !one.iter().all(|value| value.is_finite()))
        {
            return Err(refused(format!(
                "wanted finite differences, candidate {bad} has others; leave it out"
            )));
        }
        // by period, so that a resample adds whole rows
        let width = candidates.len();
        let mut rows = vec![0.0; count * width];
        for (column, candidate) in candidates.iter().enumerate() {
            for (row, value) in candidate.iter().enumerate() {
                rows[row * width + column] = *value;
            }
        }
        let (mut stream, mut indices) = (plan.stream(), Vec::new());
        let mut drawn = Vec::new();
        for _ in 0..plan.resamples {
            draw_indices(count, plan.block, &mut stream, &mut indices);
            let mut sums = vec![0.0; width];
            for index in &indices {
                for (sum, value) in sums.iter_mut().zip(&rows[index * width..(index + 1) * width]) {
                    *sum += value;
                }
            }
            sums.iter_mut().for_each(|sum| *sum /= count as f64);
            drawn.push(sums);
        }
        Ok(Self {
            count: count as f64,
            means: candidates.iter().map(|one| one.iter().sum::<f64>() / count as f64).collect(),
            deviations: candidates
                .iter()
                .map(|one| long_run_variance(one, plan.block).sqrt())
                .collect(),
            drawn,
        })
    }

    /// Returns ω of each candidate.
    #[must_use]
    pub fn deviations(&self) -> &[f64] {
        &self.deviations
    }

    /// Returns White's reality check: is the best candidate better, all candidates taken to be as good as the benchmark?
    #[must_use]
    pub fn reality_check(&self) -> RealityCheck {
        let root = self.count.sqrt();
        let statistic = root * self.means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let reached = self.share(statistic, |drawn| {
            let centred = drawn.iter().zip(&self.means).map(|(value, mean)| root * (value - mean));
            centred.fold(f64::NEG_INFINITY, f64::max)
        });
        RealityCheck { statistic, p_value: reached }
    }

    /// Returns Hansen's test: studentised, and with poor candidates kept from hiding a good one.
    #[must_use]
    pub fn superior_ability(&self) -> SuperiorAbility {
        let statistic = self.largest_studentised(&self.means, &vec![0.0; self.means.len()]);
        let loglog = 2.0 * self.count.ln().ln();
        let consistent = self.means.iter().zip(&self.deviations).map(|(mean, deviation)| {
            let limit = -(deviation * deviation / self.count * loglog).sqrt();
            if limit <= *mean { *mean } else { 0.0 }
        });
        let p_value = |centres: Vec<f64>| {
            self.share(statistic, |drawn| self.largest_studentised(drawn, &centres))
        };
        SuperiorAbility {
            statistic,
            p_lower: p_value(self.means.iter().map(|mean| mean.max(0.0)).collect()),
            p_consistent: p_value(consistent.collect()),
            p_upper: p_value(self.means.clone()),
        }
    }

    /// Returns the candidates that are better than the benchmark, rising, with a probability of at most `level` that
    /// even one of them is not: each step rejects what exceeds the (1 − level) quantile of the resampled maximum over
    /// those left.
    #[must_use]
    pub fn step_m(&self, level: f64) -> Vec<usize> {
        let root = self.count.sqrt();
        let mut left: Vec<usize> =
            (0..self.means.len()).filter(|one| DEVIATION_MIN <= self.deviations[*one]).collect();
        let mut better = Vec::new();
        loop {
            let maxima: Vec<f64> = self
                .drawn
                .iter()
                .map(|drawn| {
                    let studentised = left
                        .iter()
                        .map(|one| root * (drawn[*one] - self.means[*one]) / self.deviations[*one]);
                    studentised.fold(f64::NEG_INFINITY, f64::max)
                })
                .collect();
            let Some(limit) = quantile(&maxima, 1.0 - level) else { break };
            let (found, rest): (Vec<usize>, Vec<usize>) = left
                .iter()
                .partition(|one| limit < root * self.means[**one] / self.deviations[**one]);
            if found.is_empty() {
                break;
            }
            better.extend(found);
            left = rest;
        }
        better.sort_unstable();
        better
    }

    /// Returns max(0, max √n·(value − centre)/ω).
    fn largest_studentised(&self, values: &[f64], centres: &[f64]) -> f64 {
        let root = self.count.sqrt();
        let mut largest = 0.0_f64;
        for ((value, centre), deviation) in values.iter().zip(centres).zip(&self.deviations) {
            if DEVIATION_MIN <= *deviation {
                largest = largest.max(root * (value - centre) / deviation);
            }
        }
        largest
    }

    /// Returns the share of resamples whose statistic reaches the one observed.
    fn share(&self, observed: f64, statistic: impl Fn(&[f64]) -> f64) -> f64 {
        let reached = self.drawn.iter().filter(|drawn| observed <= statistic(drawn)).count();
        reached as f64 / self.drawn.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stream, StreamId};

    fn noise(seed: u64, candidates: u32, count: usize) -> Vec<Vec<f64>> {
        (0..candidates)
            .map(|one| {
                let mut stream = Stream::new(seed, StreamId::Synthesis, one);
                (0..count).map(|_| stream.normal()).collect()
            })
            .collect()
    }

    fn plan(count: usize) -> Resampling {
        Resampling::of(count, 500, 9)
    }

    #[test]
    fn the_long_run_variance_is_the_one_done_by_hand() {
        // centred −1 1 −1 1; γ0 = 1, γ1 = −3/4, γ2 = 2/4, γ3 = −1/4; q = 1/2
        let values = [0.0, 2.0, 0.0, 2.0];
        let weight = |i: f64| (1.0 - i / 4.0) * 0.5_f64.powf(i) + i / 4.0 * 0.5_f64.powf(4.0 - i);
        let wanted = 1.0 + 2.0 * (-0.75 * weight(1.0) + 0.5 * weight(2.0) - 0.25 * weight(3.0));
        assert!((long_run_variance(&values, 2.0) - wanted).abs() < 1e-12);
        // without blocks it is the variance
        assert!((long_run_variance(&values, 1.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn chance_is_rarely_taken_for_skill() {
        let mut rejected = [0_u32; 4];
        for seed in 0..200 {
            let drawn = Resampled::draw(&noise(seed, 10, 100), &plan(100)).unwrap();
            let (check, spa) = (drawn.reality_check(), drawn.superior_ability());
            let steps = drawn.step_m(0.1);
            for (count, hit) in rejected.iter_mut().zip([
                check.p_value < 0.1,
                spa.p_consistent < 0.1,
                spa.p_upper < 0.1,
                !steps.is_empty(),
            ]) {
                *count += u32::from(hit);
            }
        }
        // nominal 20 of 200; blocks estimate ω a little low, so that somewhat more are found
        assert!(rejected.iter().all(|count| (6..=48).contains(count)), "{rejected:?}");
    }

    #[test]
    fn skill_is_found_and_named() {
        let mut candidates = noise(1, 10, 400);
        for one in [2, 5] {
            candidates[one].iter_mut().for_each(|value| *value += 0.4);
        }
        let drawn = Resampled::draw(&candidates, &plan(400)).unwrap();
        assert!(drawn.reality_check().p_value < 0.01);
        assert!(drawn.superior_ability().p_upper < 0.01);
        assert_eq!(drawn.step_m(0.05), [2, 5]);
    }

    #[test]
    fn the_three_p_values_are_in_order_and_poor_candidates_hide_nothing() {
        let mut candidates = noise(4, 12, 200);
        candidates[0].iter_mut().for_each(|value| *value += 0.12);
        for poor in &mut candidates[4..] {
            poor.iter_mut().for_each(|value| *value = 3.0 * *value - 2.0);
        }
        let drawn = Resampled::draw(&candidates, &plan(200)).unwrap();
        let spa = drawn.superior_ability();
        assert!(spa.p_lower <= spa.p_consistent && spa.p_consistent <= spa.p_upper, "{spa:?}");
        assert!(spa.p_consistent < drawn.reality_check().p_value, "unstudentised, noise drowns it");
    }

    #[test]
    fn nothing_better_has_no_evidence_and_a_copy_of_the_benchmark_proves_nothing() {
        let mut candidates = noise(4, 3, 100);
        for poor in &mut candidates {
            poor.iter_mut().for_each(|value| *value -= 5.0);
        }
        candidates.push(vec![0.0; 100]);
        let drawn = Resampled::draw(&candidates, &plan(100)).unwrap();
        let spa = drawn.superior_ability();
        assert!(spa.statistic.abs() < 1e-15 && (spa.p_upper - 1.0).abs() < 1e-15);
        assert!(drawn.step_m(0.5).is_empty());
    }

    #[test]
    fn refuses_what_is_no_matrix() {
        let good = noise(1, 3, 50);
        assert!(Resampled::draw(&[], &plan(50)).is_err());
        assert!(Resampled::draw(&noise(1, 3, 9), &plan(9)).is_err());
        let mut uneven = good.clone();
        uneven[1].pop();
        assert!(
            Resampled::draw(&uneven, &plan(50)).unwrap_err().to_string().contains("candidate 1")
        );
        let mut broken = good;
        broken[2][7] = f64::INFINITY;
        assert!(Resampled::draw(&broken, &plan(50)).is_err());
    }
}
