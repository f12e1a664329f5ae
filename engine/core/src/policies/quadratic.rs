//! The one quadratic programme that portfolio rules need: least ½·wᵀQw − cᵀw for weights within bounds that sum to 1.
//!
//! Primal active-set method (Nocedal and Wright 2006, algorithm 16.3): exact up to rounding after finitely many steps.
//! Used by minimum variance, mean-variance, the online Newton step and the log-optimal portfolio.

use super::algebra::{Square, dot};
use crate::error::EngineError;

/// Gradients that differ by less than this share of the largest count as equal.
const MULTIPLIER_TOLERANCE: f64 = 1e-11;
/// Smallest share of the mean variance added to the diagonal where Q is not positive definite.
const RIDGE_MIN: f64 = 1e-13;
/// A mean variance below this counts as this, so that a step along a flat programme is still a number.
const MEAN_MIN: f64 = 1e-100;

/// What is minimised: `quadratic` Q `[n, n]`, symmetric and positive semidefinite; `linear` c `[n]`.
#[derive(Debug, Clone)]
pub struct Programme {
    /// Q.
    pub quadratic: Square,
    /// c.
    pub linear: Vec<f64>,
    /// Least weight of each asset.
    pub low: f64,
    /// Greatest weight of each asset; n times it must reach 1.
    pub high: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Free,
    Low,
    High,
}

impl Programme {
    /// Returns a programme over long-only weights.
    #[must_use]
    pub fn long_only(quadratic: Square, linear: Vec<f64>) -> Self {
        Self { quadratic, linear, low: 0.0, high: 1.0 }
    }

    /// Returns the solution, searched from `start` where that is feasible and from equal weights otherwise.
    ///
    /// # Errors
    /// Refuses sizes that do not fit, bounds that no weights satisfy, and numbers that are not finite.
    pub fn solve(&self, start: Option<&[f64]>) -> Result<Vec<f64>, EngineError> {
        let size = self.quadratic.size();
        self.check(size)?;
        let feasible = |start: &&[f64]| {
            start.len() == size
                && (start.iter().sum::<f64>() - 1.0).abs() <= 1e-12
                && start.iter().all(|weight| self.low <= *weight && *weight <= self.high)
        };
        let weights: Vec<f64> =
            start.filter(feasible).map_or_else(|| vec![1.0 / size as f64; size], <[f64]>::to_vec);
        let mut search = Search::new(self, weights);
        // Far above what is needed; against endless exchange among equally good vertices.
        let steps_max = 50 * size + 200;
        for _ in 0..steps_max {
            if search.step()? {
                break;
            }
        }
        Ok(search.weights)
    }

    fn check(&self, size: usize) -> Result<(), EngineError> {
        let refuse = |detail: String| EngineError::Refused { what: "portfolio weights", detail };
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        if size == 0 || self.linear.len() != size {
            return Err(refuse(format!(
                "wanted as many numbers as assets, at least one; found {size} rows and {} numbers",
                self.linear.len()
            )));
        }
        if !finite(&self.quadratic.values) || !finite(&self.linear) {
            return Err(refuse(
                "wanted finite numbers, found others; check the data for gaps".to_owned(),
            ));
        }
        let share = 1.0 / size as f64;
        if self.low <= share && share <= self.high {
            return Ok(());
        }
        Err(refuse(format!(
            "wanted bounds around {share} (1/assets), found {} to {}; widen them",
            self.low, self.high
        )))
    }
}

/// The search between two exchanges of bounds.
struct Search<'a> {
    programme: &'a Programme,
    weights: Vec<f64>,
    places: Vec<Place>,
    /// Whether the last step went all the way: the free weights are then the best up to rounding.
    settled: bool,
}

impl<'a> Search<'a> {
    fn new(programme: &'a Programme, weights: Vec<f64>) -> Self {
        let mut places: Vec<Place> = weights
            .iter()
            .map(|weight| {
                if *weight <= programme.low {
                    Place::Low
                } else if programme.high <= *weight {
                    Place::High
                } else {
                    Place::Free
                }
            })
            .collect();
        if places.iter().all(|place| *place != Place::Free) {
            // A vertex: its largest weight may move, though not by itself.
            let largest = (0..weights.len()).max_by(|a, b| weights[*a].total_cmp(&weights[*b]));
            if let Some(largest) = largest {
                places[largest] = Place::Free;
            }
        }
        Self { programme, weights, places, settled: false }
    }

    /// Goes one step; true at the solution.
    fn step(&mut self) -> Result<bool, EngineError> {
        let free: Vec<usize> =
            (0..self.places.len()).filter(|index| self.places[*index] == Place::Free).collect();
        let mut gradient = self.programme.linear.clone();
        for (value, row) in gradient.iter_mut().zip(0..) {
            *value -= dot(self.programme.quadratic.row(row), &self.weights);
        }
        let wanted: Vec<f64> = free.iter().map(|index| gradient[*index]).collect();
        let (direction, level) = newton(&self.programme.quadratic.part(&free), &wanted)?;
        let size = direction.iter().fold(0.0_f64, |most, part| most.max(part.abs()));
        if self.settled || size <= 1e-15 {
            self.settled = false;
            return Ok(!self.release(&gradient, level));
        }
        self.settled = self.advance(&free, &direction);
        Ok(false)
    }

    /// Moves along the direction until it ends or a weight meets its bound; true where it ended.
    fn advance(&mut self, free: &[usize], direction: &[f64]) -> bool {
        let (low, high) = (self.programme.low, self.programme.high);
        let (mut length, mut blocked) = (1.0, None);
        for (index, part) in free.iter().zip(direction) {
            let (room, place) = if *part < 0.0 {
                ((low - self.weights[*index]) / part, Place::Low)
            } else if *part > 0.0 {
                ((high - self.weights[*index]) / part, Place::High)
            } else {
                continue;
            };
            if room < length {
                (length, blocked) = (room.max(0.0), Some((*index, place)));
            }
        }
        for (index, part) in free.iter().zip(direction) {
            self.weights[*index] = (self.weights[*index] + length * part).clamp(low, high);
        }
        let Some((index, place)) = blocked else { return true };
        self.weights[index] = if place == Place::Low { low } else { high };
        if free.len() > 1 {
            self.places[index] = place;
        }
        false
    }

    /// Frees the bound whose multiplier is most wrong; false where none is.
    fn release(&mut self, gradient: &[f64], level: f64) -> bool {
        let scale = gradient.iter().fold(level.abs(), |most, part| most.max(part.abs()));
        let gain = |index: &usize| match self.places[*index] {
            Place::Free => 0.0,
            Place::Low => gradient[*index] - level,
            Place::High => level - gradient[*index],
        };
        let worst = (0..gradient.len()).max_by(|a, b| gain(a).total_cmp(&gain(b)));
        match worst {
            Some(index) if MULTIPLIER_TOLERANCE * scale < gain(&index) => {
                self.places[index] = Place::Free;
                true
            }
            Some(_) | None => false,
        }
    }
}

/// Returns d and ν of Q·d + ν·1 = g with Σd = 0.
fn newton(quadratic: &Square, gradient: &[f64]) -> Result<(Vec<f64>, f64), EngineError> {
    let factor = factored(quadratic)?;
    let solved = factor.solve_factored(gradient);
    let ones = factor.solve_factored(&vec![1.0; gradient.len()]);
    let level = solved.iter().sum::<f64>() / ones.iter().sum::<f64>();
    let mut direction: Vec<f64> =
        solved.iter().zip(&ones).map(|(part, one)| part - level * one).collect();
    if let [only] = direction.as_mut_slice() {
        *only = 0.0;
    }
    Ok((direction, level))
}

/// Factors a matrix, with as small a ridge as makes it positive definite.
fn factored(quadratic: &Square) -> Result<Square, EngineError> {
    if let Some(factor) = quadratic.cholesky() {
        return Ok(factor);
    }
    let mean = quadratic.trace() / quadratic.size().max(1) as f64;
    let mut ridge = RIDGE_MIN * mean.max(MEAN_MIN);
    for _ in 0..60 {
        let mut raised = quadratic.clone();
        raised.add_to_diagonal(ridge);
        if let Some(factor) = raised.cholesky() {
            return Ok(factor);
        }
        ridge *= 1e2;
    }
    Err(EngineError::Refused {
        what: "portfolio weights",
        detail: "wanted a covariance without negative directions, found one; check the estimate"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn solved(values: &[f64], linear: &[f64], (low, high): (f64, f64)) -> Vec<f64> {
        let quadratic = Square::from_values(linear.len(), values.to_vec()).unwrap();
        Programme { quadratic, linear: linear.to_vec(), low, high }.solve(None).unwrap()
    }

    #[test]
    fn two_assets_are_those_done_by_hand() {
        // Least variance of variances 1 and 4 without correlation: 4/5 and 1/5.
        let free = solved(&[1.0, 0.0, 0.0, 4.0], &[0.0, 0.0], (0.0, 1.0));
        assert!((free[0] - 0.8).abs() < 1e-14);
        let bound = solved(&[1.0, 0.0, 0.0, 4.0], &[0.0, 0.0], (0.0, 0.6));
        assert!((bound[0] - 0.6).abs() < 1e-14);
        let raised = solved(&[1.0, 0.0, 0.0, 4.0], &[0.0, 0.0], (0.3, 1.0));
        assert!((raised[1] - 0.3).abs() < 1e-14);
        let pulled = solved(&[1.0, 0.0, 0.0, 1.0], &[0.0, 3.0], (0.0, 1.0));
        assert!(pulled[0].abs() < 1e-15 && (pulled[1] - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_flat_programme_is_still_solved() {
        let flat = solved(&[0.0; 9], &[0.0; 3], (0.0, 1.0));
        assert!((flat.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let linear = solved(&[0.0; 9], &[1.0, 3.0, 2.0], (0.0, 1.0));
        assert!((linear[1] - 1.0).abs() < 1e-12, "{linear:?}");
    }

    #[test]
    fn refuses_bounds_without_weights_and_numbers_that_are_none() {
        let quadratic = Square::identity(3, 1.0);
        let of = |low, high, linear: Vec<f64>| {
            Programme { quadratic: quadratic.clone(), linear, low, high }.solve(None)
        };
        assert!(of(0.0, 0.3, vec![0.0; 3]).is_err());
        assert!(of(0.4, 1.0, vec![0.0; 3]).is_err());
        assert!(of(0.0, 1.0, vec![f64::NAN; 3]).is_err());
        assert!(of(0.0, 1.0, vec![0.0; 2]).is_err());
    }

    proptest! {
        /// Optimality: no free weight gains by exchange, and bounds are held only by those that would leave.
        #[test]
        fn conditions_of_optimality_hold(
            size in 1_usize..10,
            numbers in prop::collection::vec(-1.0..1.0_f64, 120),
            high in 0.0..1.0_f64,
        ) {
            let mut quadratic = Square::identity(size, 0.01);
            for chunk in numbers.chunks_exact(size).take(size + 1) {
                quadratic.add_outer(chunk, 1.0);
            }
            let high = (1.0 / size as f64).max(high);
            let linear: Vec<f64> = numbers.iter().rev().take(size).copied().collect();
            let programme = Programme { quadratic, linear, low: 0.0, high };
            let weights = programme.solve(None).unwrap();
            prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(weights.iter().all(|weight| (0.0..=high).contains(weight)));
            let pull: Vec<f64> = programme.quadratic.times(&weights).iter()
                .zip(&programme.linear).map(|(risk, gain)| gain - risk).collect();
            // What may fall must not pull less than what may rise.
            let falls = (0..size).filter(|index| weights[*index] > 1e-9).map(|index| pull[index]);
            let rises = (0..size).filter(|index| weights[*index] < high - 1e-9).map(|index| pull[index]);
            let (least, most) = (falls.fold(f64::MAX, f64::min), rises.fold(f64::MIN, f64::max));
            prop_assert!(most - least < 1e-7 || size == 1, "{most} {least}");
            let again = programme.solve(Some(&weights)).unwrap();
            prop_assert!(super::super::algebra::distance(&again, &weights) < 1e-8);
        }
    }
}
