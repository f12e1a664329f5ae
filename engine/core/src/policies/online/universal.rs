//! Universal portfolio: the mean of all constant rebalanced portfolios, each weighted by the wealth it would have.
//!
//! Cover 1991 (doi 10.1111/j.1467-9965.1991.tb00002.x) with the uniform prior: b_{t+1} = ∫b·S_t(b)db / ∫S_t(b)db.
//! Two assets: S_t is a polynomial of degree t in b, kept by its coefficients in the Bernstein basis, which are all
//! positive; both integrals are sums of them, so the result is exact up to rounding. More assets: the integrals are
//! means over portfolios drawn once from the prior. Their standard error is about the spread of the portfolios divided
//! by √[`Universal::effective_samples`], which falls as wealth concentrates on few of them.

use serde::{Deserialize, Serialize};

use super::{OnlineSelection, Period};
use crate::config::policy::UniversalConfig;
use crate::error::EngineError;
use crate::policies::algebra::dot;
use crate::rng::{Stream, StreamId};

/// Universal portfolio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Universal {
    config: UniversalConfig,
    weights: Vec<f64>,
    /// Two assets: Bernstein coefficients of the wealth as a function of the first weight, scaled to at most 1.
    /// More: the logarithm of each sample's wealth.
    wealth: Vec<f64>,
    /// Portfolios drawn, row after row; drawn again after a restart.
    #[serde(skip)]
    drawn: Vec<f64>,
}

impl Universal {
    /// Begins with equal weights, the mean of the prior.
    #[must_use]
    pub fn new(config: &UniversalConfig, width: usize) -> Self {
        let samples = usize::try_from(config.samples).unwrap_or(usize::MAX);
        let wealth = match width {
            0 | 1 => Vec::new(),
            2 => vec![1.0],
            _ => vec![0.0; samples],
        };
        let weights = super::uniform(width);
        Self { config: config.clone(), weights, wealth, drawn: Vec::new() }
    }

    /// Returns how many equally weighted samples would be as accurate; absent where nothing is sampled.
    #[must_use]
    pub fn effective_samples(&self) -> Option<f64> {
        let shares = (2 < self.weights.len()).then(|| self.shares())?;
        Some(1.0 / shares.iter().map(|share| share * share).sum::<f64>())
    }

    /// Each sample's share of the wealth of all.
    fn shares(&self) -> Vec<f64> {
        let most = self.wealth.iter().copied().fold(f64::MIN, f64::max);
        let scaled: Vec<f64> = self.wealth.iter().map(|value| (value - most).exp()).collect();
        let sum: f64 = scaled.iter().sum();
        scaled.iter().map(|value| value / sum).collect()
    }

    fn draw(&mut self) {
        let width = self.weights.len();
        let mut stream = Stream::new(u64::from(self.config.seed), StreamId::Portfolios, 0);
        self.drawn = Vec::with_capacity(self.wealth.len() * width);
        for _ in 0..self.wealth.len() {
            // Uniform on the simplex: exponential numbers, each divided by their sum.
            let parts: Vec<f64> = (0..width).map(|_| -(1.0 - stream.uniform()).ln()).collect();
            let sum: f64 = parts.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            self.drawn.extend(parts.iter().map(|part| part / sum));
        }
    }

    fn observe_two(&mut self, (first, second): (f64, f64)) {
        let degree = self.wealth.len() as f64;
        let scale = first.max(second);
        let (up, stay) = (first / scale, second / scale);
        let mut raised = Vec::with_capacity(self.wealth.len() + 1);
        for index in 0..=self.wealth.len() {
            let share = index as f64 / degree;
            let below = index.checked_sub(1).map_or(0.0, |below| self.wealth[below]);
            let here = self.wealth.get(index).copied().unwrap_or(0.0);
            raised.push(share * up * below + (1.0 - share) * stay * here);
        }
        let most = raised.iter().copied().fold(0.0, f64::max);
        raised.iter_mut().for_each(|value| *value /= most);
        self.wealth = raised;
        // ∫B_{k,t} = 1/(t + 1), ∫b·B_{k,t} = (k + 1)/((t + 1)(t + 2)).
        let count = self.wealth.len() as f64;
        let (mut sum, mut moment) = (0.0, 0.0);
        for (value, index) in self.wealth.iter().zip(1_u32..) {
            sum += value;
            moment += value * f64::from(index) / (count + 1.0);
        }
        let weight = moment / sum;
        self.weights = vec![weight, 1.0 - weight];
    }
}

impl OnlineSelection for Universal {
    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn observe(&mut self, period: &Period<'_>) -> Result<(), EngineError> {
        let width = self.weights.len();
        match period.relatives {
            [] | [_] => return Ok(()),
            [first, second] => {
                self.observe_two((*first, *second));
                return Ok(());
            }
            _ => {}
        }
        if self.drawn.is_empty() {
            self.draw();
        }
        for (wealth, portfolio) in self.wealth.iter_mut().zip(self.drawn.chunks_exact(width)) {
            *wealth += dot(portfolio, period.relatives).ln();
        }
        let mut weights = vec![0.0; width];
        for (share, portfolio) in self.shares().iter().zip(self.drawn.chunks_exact(width)) {
            for (weight, part) in weights.iter_mut().zip(portfolio) {
                *weight += share * part;
            }
        }
        let sum: f64 = weights.iter().sum();
        self.weights = weights.iter().map(|weight| weight / sum).collect();
        Ok(())
    }

    fn is_whole(&self) -> bool {
        match self.weights.len() {
            0 | 1 => self.wealth.is_empty(),
            2 => !self.wealth.is_empty(),
            _ => Ok(self.wealth.len()) == usize::try_from(self.config.samples),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(width: usize, samples: u32, rows: &[&[f64]]) -> Universal {
        let mut universal = Universal::new(&UniversalConfig { samples, seed: 3 }, width);
        for relatives in rows {
            universal.observe(&Period { relatives, growth_net: 1.0 }).unwrap();
        }
        universal
    }

    #[test]
    fn two_assets_are_those_done_by_hand() {
        // S = 2b + (1 − b)/2 = 1/2 + 3b/2: ∫S = 5/4, ∫bS = 1/4 + 1/2 = 3/4, weight 3/5.
        let one = fed(2, 100, &[&[2.0, 0.5]]);
        assert!((one.weights()[0] - 0.6).abs() < 1e-15);
        // S = (1/2 + 3b/2)(2 − 3b/2) = 1 + 9b/4 − 9b²/4: symmetric.
        let two = fed(2, 100, &[&[2.0, 0.5], &[0.5, 2.0]]);
        assert!((two.weights()[0] - 0.5).abs() < 1e-15);
        // S = b²: ∫b³/∫b² = 3/4.
        let cleared = fed(2, 100, &[&[1.0, 1e-300], &[1.0, 1e-300]]);
        assert!((cleared.weights()[0] - 0.75).abs() < 1e-15);
    }

    #[test]
    fn many_periods_of_two_assets_stay_exact() {
        // S = (1 + b)^n with x = (2, 1): ∫b(1 + b)^n/∫(1 + b)^n in closed form.
        let rows = vec![&[2.0, 1.0][..]; 300];
        let n = 300.0;
        let half = |power: f64| 1.0 - 2.0_f64.powf(-power);
        let wanted = (2.0 * half(n + 2.0) / (n + 2.0)) / (half(n + 1.0) / (n + 1.0)) - 1.0;
        assert!((fed(2, 100, &rows).weights()[0] - wanted).abs() < 1e-12);
    }

    #[test]
    fn samples_come_near_the_exact_integral_within_their_stated_error() {
        // One period of three assets: weight i is (x_i + Σx)/(4·Σx), the moments of a Dirichlet distribution.
        let relatives = [1.5, 1.0, 0.5];
        let sampled = fed(3, 200_000, &[&relatives]);
        let error = 5.0 * 0.25 / sampled.effective_samples().unwrap().sqrt();
        for (weight, relative) in sampled.weights().iter().zip(relatives) {
            assert!((weight - (relative + 3.0) / 12.0).abs() < error, "{weight} {relative}");
        }
    }

    #[test]
    fn one_asset_is_held() {
        assert_eq!(fed(1, 100, &[&[2.0]]).weights(), [1.0]);
    }
}
