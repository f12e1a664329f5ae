//! Mean reversion of each asset against its own past: bought when its price lies far below its mean, sold when it is back.
//!
//! Every asset has a slot of 1/N, in the asset or in cash. The score is (price − mean)/deviation over the last prices,
//! the present one included, deviation of the sample. What is held is read from the holdings, so nothing is remembered.
//! A slot that is held drifts; only entries and exits trade. Before the window is full nothing is bought.

use super::{PortfolioView, WeightPolicy, check, refuse};
use crate::config::policy::ZScoreConfig;
use crate::error::EngineError;
use crate::policies::relatives::Seen;

/// A deviation below this share of the mean is rounding.
const DEVIATION_SHARE_MIN: f64 = 1e-12;
/// A holding below this is none.
const HELD_MIN: f64 = 1e-9;

/// In when cheap, out when back.
#[derive(Debug, Clone)]
pub struct ZScoreReversion {
    window: usize,
    entry: f64,
    exit: f64,
}

impl ZScoreReversion {
    /// Takes its parameters.
    ///
    /// # Errors
    /// Refuses an exit that is not below the entry: it would sell what it buys.
    pub fn new(config: &ZScoreConfig) -> Result<Self, EngineError> {
        if config.exit < config.entry {
            let window = usize::try_from(config.window).unwrap_or(usize::MAX);
            return Ok(Self { window, entry: config.entry, exit: config.exit });
        }
        Err(refuse(format!(
            "wanted exit below entry (both count deviations below the mean), found exit {} and entry {}",
            config.exit, config.entry
        )))
    }

    /// Deviations of the present price from the mean of the window; absent where it does not vary.
    fn score(&self, seen: &Seen<'_>, asset: usize) -> Option<f64> {
        let mut prices = vec![1.0];
        let mut price = 1.0;
        for row in seen.rows() {
            price *= row[asset];
            prices.push(price);
        }
        let count = prices.len() as f64;
        let mean = prices.iter().sum::<f64>() / count;
        let squares: f64 = prices.iter().map(|price| (price - mean) * (price - mean)).sum();
        let deviation = (squares / (count - 1.0)).sqrt();
        (DEVIATION_SHARE_MIN * mean <= deviation).then(|| (price - mean) / deviation)
    }
}

impl WeightPolicy for ZScoreReversion {
    fn name(&self) -> &'static str {
        "z_score_reversion"
    }

    fn decide(&mut self, view: &PortfolioView<'_>) -> Result<Vec<f64>, EngineError> {
        check(view)?;
        // Prices of the window: one relative fewer.
        let seen = view.seen.newest(self.window - 1);
        if seen.periods() + 1 < self.window {
            return Ok(view.holdings.to_vec());
        }
        let assets = seen.width();
        let mut weights = view.holdings.to_vec();
        for asset in 0..assets {
            let Some(score) = self.score(&seen, asset) else { continue };
            let held = HELD_MIN < weights[asset + 1];
            if held && -self.exit <= score {
                weights[0] += weights[asset + 1];
                weights[asset + 1] = 0.0;
            } else if !held && score <= -self.entry {
                let slot = (1.0 / assets as f64).min(weights[0]);
                weights[0] -= slot;
                weights[asset + 1] += slot;
            }
        }
        Ok(weights)
    }
}
