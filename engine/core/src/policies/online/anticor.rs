//! Anti-correlation: moves wealth from assets that did well to those expected to follow.
//!
//! Borodin et al. 2004 (doi 10.1613/jair.1336), figure 1. Two adjacent windows of w logarithmic returns; asset i, whose
//! mean in the newer one is at least that of j, gives to j in proportion to their correlation across the windows and
//! to the negative auto-correlations of both. Before 2·w periods the holdings drift. One window, not the average over
//! many (the authors' BAH_W): run several and compare.

use serde::{Deserialize, Serialize};

use super::{OnlineSelection, Period, drifted};
use crate::config::policy::AnticorConfig;
use crate::error::EngineError;

/// A deviation of logarithmic returns below this is rounding.
const DEVIATION_MIN: f64 = 1e-12;

/// Anti-correlation with one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Anticor {
    window: usize,
    weights: Vec<f64>,
    /// The newest 2·w rows of logarithmic returns.
    logarithms: Vec<f64>,
}

/// One window: each asset's returns less their mean as a unit vector, and its mean.
struct Window {
    units: Vec<Vec<f64>>,
    means: Vec<f64>,
}

impl Anticor {
    /// Begins with equal weights.
    #[must_use]
    pub fn new(config: &AnticorConfig, width: usize) -> Self {
        let window = usize::try_from(config.window).unwrap_or(usize::MAX);
        Self { window, weights: super::uniform(width), logarithms: Vec::new() }
    }

    fn window_of(&self, rows: &[f64]) -> Window {
        let width = self.weights.len();
        let count = self.window as f64;
        let (mut units, mut means) = (Vec::new(), Vec::new());
        for asset in 0..width {
            let column: Vec<f64> = rows.iter().skip(asset).step_by(width).copied().collect();
            let mean = column.iter().sum::<f64>() / count;
            let centred: Vec<f64> = column.iter().map(|value| value - mean).collect();
            let norm = centred.iter().map(|value| value * value).sum::<f64>().sqrt();
            let scale = if DEVIATION_MIN * count.sqrt() <= norm { 1.0 / norm } else { 0.0 };
            units.push(centred.iter().map(|value| value * scale).collect());
            means.push(mean);
        }
        Window { units, means }
    }

    /// Returns the weights after all transfers.
    fn transferred(&self, held: &[f64]) -> Vec<f64> {
        let (older, newer) = self.logarithms.split_at(self.logarithms.len() / 2);
        let (older, newer) = (self.window_of(older), self.window_of(newer));
        let correlation = |from: usize, to: usize| {
            crate::policies::algebra::dot(&older.units[from], &newer.units[to])
        };
        let width = held.len();
        let own: Vec<f64> = (0..width).map(|asset| (-correlation(asset, asset)).max(0.0)).collect();
        let mut weights = held.to_vec();
        for from in 0..width {
            let claims: Vec<f64> = (0..width)
                .map(|to| {
                    let shared = correlation(from, to);
                    let behind = from != to && newer.means[to] <= newer.means[from];
                    if behind && shared > 0.0 { shared + own[from] + own[to] } else { 0.0 }
                })
                .collect();
            let sum: f64 = claims.iter().sum();
            if sum > 0.0 {
                weights[from] -= held[from];
                for (weight, claim) in weights.iter_mut().zip(&claims) {
                    *weight += held[from] * claim / sum;
                }
            }
        }
        let weights: Vec<f64> = weights.iter().map(|weight| weight.max(0.0)).collect();
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    }
}

impl OnlineSelection for Anticor {
    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn observe(&mut self, period: &Period<'_>) -> Result<(), EngineError> {
        let held = drifted(&self.weights, period.relatives);
        self.logarithms.extend(period.relatives.iter().map(|relative| relative.ln()));
        let full = 2 * self.window * self.weights.len();
        let surplus = self.logarithms.len().saturating_sub(full);
        self.logarithms.drain(..surplus);
        self.weights = if self.logarithms.len() == full { self.transferred(&held) } else { held };
        Ok(())
    }

    fn is_whole(&self) -> bool {
        let full = 2 * self.window * self.weights.len();
        self.logarithms.len().is_multiple_of(self.weights.len()) && self.logarithms.len() <= full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(anticor: &mut Anticor, relatives: &[f64]) {
        let growth = relatives.iter().zip(anticor.weights()).map(|(a, b)| a * b).sum();
        anticor.observe(&Period { relatives, growth_net: growth }).unwrap();
    }

    #[test]
    fn a_transfer_done_by_hand() {
        // Window 2. Older window: a up then down, newer window: b up then down, so that a's past moves as b's present;
        // a's mean is then above b's: all of a goes to b.
        let mut anticor = Anticor::new(&AnticorConfig { window: 2 }, 2);
        for relatives in [[1.2, 1.0], [1.0, 1.1], [1.0, 1.02], [1.3, 1.0]] {
            observe(&mut anticor, &relatives);
        }
        // Correlations: a before with b after +1, a with a −1, so the claim of b on a is 1 + 1 + |b with b|.
        assert!((anticor.weights()[1] - 1.0).abs() < 1e-12, "{:?}", anticor.weights());
    }

    #[test]
    fn holdings_drift_before_two_windows_are_full() {
        let mut anticor = Anticor::new(&AnticorConfig { window: 2 }, 2);
        observe(&mut anticor, &[3.0, 1.0]);
        assert_eq!(anticor.weights(), [0.75, 0.25]);
    }

    #[test]
    fn assets_that_do_not_move_claim_nothing() {
        let mut anticor = Anticor::new(&AnticorConfig { window: 2 }, 2);
        for _ in 0..6 {
            observe(&mut anticor, &[1.0, 1.0]);
        }
        assert_eq!(anticor.weights(), [0.5, 0.5]);
    }
}
