//! The portfolio with the greatest mean logarithm of growth over given periods: the best constant rebalanced portfolio
//! of hindsight, and what each correlation-driven expert holds.
//!
//! Newton's method over a working set of assets. Each step is a quadratic programme; assets outside the set join it
//! when they would grow more. With G_i = mean(x_i/(b·x)), ln max G_i bounds what is still to be gained per period
//! (Cover 1984, doi 10.1109/TIT.1984.1056869), so the error is known and not guessed.

use super::algebra::{Square, dot};
use super::quadratic::Programme;
use crate::error::EngineError;

/// Most Newton steps; a dozen are usual.
const STEPS_MAX: usize = 200;
/// Most assets that join the working set in one step.
const JOINING_MAX: usize = 8;
/// A step that changes no period's growth by more than this share is taken whole: what it gains is lost in rounding, what
/// it gets nearer is not.
const NEAR: f64 = 1e-3;
/// Small steps without getting nearer, after which rounding has the last word.
const STALLED_MAX: u32 = 2;
/// Ridge of the Hessian as a share of its mean, against samples fewer than assets.
const RIDGE: f64 = 1e-12;

/// Returns the log-optimal long-only portfolio over `samples` (each `[width]`, above 0), at most `tolerance` short of
/// the greatest total logarithm of growth up to rounding. The search begins at `start`, or at equal weights.
///
/// # Errors
/// Refuses no samples; passes on refusals of the inner programme.
pub fn log_optimal(
    samples: &[&[f64]],
    start: Option<&[f64]>,
    tolerance: f64,
) -> Result<Vec<f64>, EngineError> {
    let Some(width) = samples.first().map(|sample| sample.len()) else {
        let detail = "wanted at least one period, found none".to_owned();
        return Err(EngineError::Refused { what: "log-optimal portfolio", detail });
    };
    let uniform = vec![1.0 / width as f64; width];
    let mut search = Search {
        samples,
        weights: start.filter(|start| start.len() == width).map_or(uniform, <[f64]>::to_vec),
        growth: Vec::new(),
        gains: Vec::new(),
    };
    let per_period = tolerance / samples.len() as f64;
    let (mut least, mut stalled) = (f64::INFINITY, 0);
    for _ in 0..STEPS_MAX {
        search.measure();
        let short = search.gains.iter().copied().fold(0.0, f64::max).ln();
        if short <= per_period {
            break;
        }
        match search.step()? {
            Step::Far => {}
            // Next to the solution each step squares the error, until rounding stops it.
            Step::Near => {
                stalled = if least / 2.0 < short { stalled + 1 } else { 0 };
                least = least.min(short);
            }
            Step::None => break,
        }
        if STALLED_MAX < stalled {
            break;
        }
    }
    Ok(search.weights)
}

/// How a step was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Along the slope, as far as it gained.
    Far,
    /// Whole, because it was small.
    Near,
    /// Not at all: nothing is gained any more.
    None,
}

struct Search<'a> {
    samples: &'a [&'a [f64]],
    weights: Vec<f64>,
    /// b·x of each sample.
    growth: Vec<f64>,
    /// G_i of each asset.
    gains: Vec<f64>,
}

impl Search<'_> {
    fn measure(&mut self) {
        self.growth.clear();
        self.gains.clear();
        self.gains.resize(self.weights.len(), 0.0);
        let support: Vec<usize> =
            (0..self.weights.len()).filter(|index| self.weights[*index] > 0.0).collect();
        let few = 4 * support.len() < self.weights.len();
        for sample in self.samples {
            let growth: f64 = if few {
                support.iter().map(|index| sample[*index] * self.weights[*index]).sum()
            } else {
                dot(sample, &self.weights)
            };
            self.growth.push(growth);
            let scale = 1.0 / growth;
            for (gain, relative) in self.gains.iter_mut().zip(*sample) {
                *gain += relative * scale;
            }
        }
        let count = self.samples.len() as f64;
        self.gains.iter_mut().for_each(|gain| *gain /= count);
    }

    /// Assets that are held, and those that would grow most.
    fn working_set(&self) -> Vec<usize> {
        let mut outside: Vec<usize> = (0..self.weights.len())
            .filter(|index| self.weights[*index] <= 0.0 && self.gains[*index] > 1.0)
            .collect();
        outside.sort_by(|a, b| self.gains[*b].total_cmp(&self.gains[*a]));
        outside.truncate(JOINING_MAX);
        let held = (0..self.weights.len()).filter(|index| self.weights[*index] > 0.0);
        let mut set: Vec<usize> = held.chain(outside).collect();
        set.sort_unstable();
        set
    }

    /// Goes one Newton step.
    fn step(&mut self) -> Result<Step, EngineError> {
        let set = self.working_set();
        let rows: Vec<f64> = self
            .samples
            .iter()
            .zip(&self.growth)
            .flat_map(|(sample, growth)| set.iter().map(move |index| sample[*index] / growth))
            .collect();
        let mut hessian = Square::identity(set.len(), 0.0);
        for row in rows.chunks_exact(set.len()) {
            hessian.add_outer(row, 1.0);
        }
        let count = self.samples.len() as f64;
        hessian.values.iter_mut().for_each(|value| *value /= count);
        let ridge = RIDGE * hessian.trace() / set.len() as f64;
        hessian.add_to_diagonal(ridge);
        let held: Vec<f64> = set.iter().map(|index| self.weights[*index]).collect();
        let gains: Vec<f64> = set.iter().map(|index| self.gains[*index]).collect();
        // gᵀ(w − b) − ½(w − b)ᵀH(w − b) with Hb: the linear part is g + Hb.
        let bends = hessian.times(&held);
        let linear = bends.iter().zip(&gains).map(|(bend, gain)| gain + bend).collect();
        let programme = Programme::long_only(hessian, linear);
        let target = programme.solve(Some(&held))?;
        let direction: Vec<f64> = target.iter().zip(&held).map(|(to, from)| to - from).collect();
        let slope = dot(&gains, &direction);
        // Growth along the direction, each sample's as a share of its own.
        let moves: Vec<f64> =
            rows.chunks_exact(set.len()).map(|row| dot(row, &direction)).collect();
        let near = moves.iter().all(|part| part.abs() <= NEAR);
        let length = if near { Some(1.0) } else { longest_good_step(&moves, slope) };
        let Some(length) = length else { return Ok(Step::None) };
        for ((index, from), part) in set.iter().zip(&held).zip(&direction) {
            self.weights[*index] = (from + length * part).max(0.0);
        }
        let sum: f64 = self.weights.iter().sum();
        self.weights.iter_mut().for_each(|weight| *weight /= sum);
        Ok(if near { Step::Near } else { Step::Far })
    }
}

/// Returns the first of 1, ½, ¼ … that gains a fair share of what the slope promises.
fn longest_good_step(moves: &[f64], slope: f64) -> Option<f64> {
    if slope <= 0.0 || slope.is_nan() {
        return None;
    }
    let mut length = 1.0;
    for _ in 0..40 {
        let gained: f64 = moves.iter().map(|part| (length * part).ln_1p()).sum();
        if 1e-4 * length * slope * moves.len() as f64 <= gained {
            return Some(length);
        }
        length *= 0.5;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn alternating_assets_are_held_equally() {
        let samples: [&[f64]; 2] = [&[1.0, 2.0], &[1.0, 0.5]];
        let weights = log_optimal(&samples, None, 1e-12).unwrap();
        assert!((weights[0] - 0.5).abs() < 1e-9);
        // Kelly 1956: a game that doubles or halves the stake, won with probability 2/3. The share b that maximises
        // 2·ln(1 + b) + ln(1 − b/2) is 1: all of it.
        let won: [&[f64]; 3] = [&[1.0, 2.0], &[1.0, 2.0], &[1.0, 0.5]];
        assert!(log_optimal(&won, None, 1e-12).unwrap()[1] > 1.0 - 1e-4);
        // Loses everything but a tenth instead: 2/(1 + b) = 0.9/(1 − 0.9·b) gives b = 11/27.
        let lost: [&[f64]; 3] = [&[1.0, 2.0], &[1.0, 2.0], &[1.0, 0.1]];
        let share = log_optimal(&lost, None, 1e-13).unwrap()[1];
        assert!((share - 1.1 / 2.7).abs() < 1e-7, "{share}");
    }

    #[test]
    fn refuses_nothing() {
        assert!(log_optimal(&[], None, 1e-10).is_err());
    }

    proptest! {
        #[test]
        fn nothing_is_left_to_gain(
            width in 1_usize..8,
            numbers in prop::collection::vec(0.3..3.0_f64, 8..200),
        ) {
            let samples: Vec<&[f64]> = numbers.chunks_exact(width).collect();
            let weights = log_optimal(&samples, None, 1e-10).unwrap();
            prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(weights.iter().all(|weight| (0.0..=1.0).contains(weight)));
            for index in 0..width {
                let gain: f64 = samples.iter().map(|sample| sample[index] / dot(sample, &weights)).sum();
                let count = samples.len() as f64;
                prop_assert!((gain / count).ln() * count < 1e-9, "{gain} of {count}");
            }
            // The same wealth from another start.
            let mut corner = vec![0.0; width];
            corner[width - 1] = 1.0;
            let other = log_optimal(&samples, Some(&corner), 1e-10).unwrap();
            let total = |weights: &[f64]| samples.iter().map(|sample| dot(sample, weights).ln()).sum::<f64>();
            prop_assert!((total(&weights) - total(&other)).abs() < 1e-9);
        }
    }
}
