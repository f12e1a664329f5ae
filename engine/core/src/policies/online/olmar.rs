//! Moving-average reversion: the next price is expected at the average of the last ones.
//!
//! Li and Hoi 2012 (arXiv 1206.4626), algorithms 1 and 2. OLMAR-1 uses the simple average of the last W prices, here
//! written in relatives: x̃ = (1 + 1/x_t + 1/(x_t·x_{t−1}) + …, W terms)/W; while fewer than W + 1 relatives are known,
//! x̃ = x_t. OLMAR-2 uses the exponential average: x̃ ← α + (1 − α)·x̃/x_t, from x̃ = 1. The first period moves nothing.

use serde::{Deserialize, Serialize};

use super::simplex::move_towards;
use super::{OnlineSelection, Period};
use crate::config::policy::{Olmar1Config, Olmar2Config};
use crate::error::EngineError;

/// Moving-average reversion by a simple average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Olmar1 {
    window: usize,
    epsilon: f64,
    weights: Vec<f64>,
    /// The newest W − 1 rows.
    newest: Vec<f64>,
    periods: usize,
}

impl Olmar1 {
    /// Begins with equal weights.
    #[must_use]
    pub fn new(config: &Olmar1Config, width: usize) -> Self {
        let window = usize::try_from(config.window).unwrap_or(usize::MAX);
        let weights = super::uniform(width);
        Self { window, epsilon: config.epsilon, weights, newest: Vec::new(), periods: 0 }
    }

    fn expected(&self) -> Vec<f64> {
        let width = self.weights.len();
        let mut terms = vec![1.0; width];
        let mut sums = terms.clone();
        for row in self.newest.rchunks_exact(width) {
            for ((term, sum), relative) in terms.iter_mut().zip(&mut sums).zip(row) {
                *term /= relative;
                *sum += *term;
            }
        }
        sums.iter().map(|sum| sum / self.window as f64).collect()
    }
}

impl OnlineSelection for Olmar1 {
    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn observe(&mut self, period: &Period<'_>) -> Result<(), EngineError> {
        self.periods += 1;
        self.newest.extend_from_slice(period.relatives);
        let kept = (self.window - 1) * self.weights.len();
        let surplus = self.newest.len().saturating_sub(kept);
        self.newest.drain(..surplus);
        if self.periods < 2 {
            return Ok(());
        }
        self.weights = if self.periods < self.window + 1 {
            move_towards(&self.weights, period.relatives, self.epsilon)
        } else {
            move_towards(&self.weights, &self.expected(), self.epsilon)
        };
        Ok(())
    }

    fn is_whole(&self) -> bool {
        self.newest.len().is_multiple_of(self.weights.len())
            && self.newest.len() < self.window * self.weights.len()
    }
}

/// Moving-average reversion by an exponential average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Olmar2 {
    alpha: f64,
    epsilon: f64,
    weights: Vec<f64>,
    expected: Vec<f64>,
    periods: usize,
}

impl Olmar2 {
    /// Begins with equal weights.
    #[must_use]
    pub fn new(config: &Olmar2Config, width: usize) -> Self {
        Self {
            alpha: config.alpha,
            epsilon: config.epsilon,
            weights: super::uniform(width),
            expected: vec![1.0; width],
            periods: 0,
        }
    }
}

impl OnlineSelection for Olmar2 {
    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn observe(&mut self, period: &Period<'_>) -> Result<(), EngineError> {
        self.periods += 1;
        for (expected, relative) in self.expected.iter_mut().zip(period.relatives) {
            *expected = self.alpha + (1.0 - self.alpha) * *expected / relative;
        }
        if 2 <= self.periods {
            self.weights = move_towards(&self.weights, &self.expected, self.epsilon);
        }
        Ok(())
    }

    fn is_whole(&self) -> bool {
        self.expected.len() == self.weights.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expected_relatives_are_those_done_by_hand() {
        let mut olmar = Olmar1::new(&Olmar1Config { window: 3, epsilon: 10.0 }, 2);
        for relatives in [[9.0, 9.0], [9.0, 9.0], [2.0, 1.0], [4.0, 0.5]] {
            olmar.observe(&Period { relatives: &relatives, growth_net: 1.0 }).unwrap();
        }
        // (1 + 1/4 + 1/8)/3 and (1 + 2 + 2)/3
        let expected = olmar.expected();
        assert!((expected[0] - 1.375 / 3.0).abs() < 1e-15);
        assert!((expected[1] - 5.0 / 3.0).abs() < 1e-15);
        assert!((olmar.weights()[1] - 1.0).abs() < 1e-15);
    }

    #[test]
    fn the_exponential_average_is_the_one_done_by_hand() {
        let mut olmar = Olmar2::new(&Olmar2Config { alpha: 0.5, epsilon: 10.0 }, 2);
        for relatives in [[2.0, 1.0], [0.5, 1.0]] {
            olmar.observe(&Period { relatives: &relatives, growth_net: 1.0 }).unwrap();
        }
        // 0.5 + 0.5/2 = 0.75; 0.5 + 0.5·0.75/0.5 = 1.25
        assert_eq!(olmar.expected, [1.25, 1.0]);
    }
}
