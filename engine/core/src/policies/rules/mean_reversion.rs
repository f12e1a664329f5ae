//! Mean reversion across assets: equal shares of those that grew least over a window.
//!
//! De Bondt and Thaler 1985; over days Lehmann 1990 (doi 10.2307/2937816). Long-only. Before the window is full holdings
//! stay as they are. With one asset it is always held: use `z_score_reversion` there.

use super::{PortfolioView, WeightPolicy, check, chosen_count, growth};
use crate::config::policy::MeanReversionConfig;
use crate::error::EngineError;

/// Buy what fell.
#[derive(Debug, Clone)]
pub struct MeanReversion {
    window: usize,
    share: f64,
}

impl MeanReversion {
    /// Takes its parameters.
    #[must_use]
    pub fn new(config: &MeanReversionConfig) -> Self {
        let window = usize::try_from(config.window).unwrap_or(usize::MAX);
        Self { window, share: config.share }
    }
}

impl WeightPolicy for MeanReversion {
    fn name(&self) -> &'static str {
        "mean_reversion"
    }

    fn decide(&mut self, view: &PortfolioView<'_>) -> Result<Vec<f64>, EngineError> {
        check(view)?;
        let measured = view.seen.newest(self.window);
        if measured.periods() < self.window {
            return Ok(view.holdings.to_vec());
        }
        let growth = growth(&measured);
        let mut order: Vec<usize> = (0..growth.len()).collect();
        order.sort_by(|a, b| growth[*a].total_cmp(&growth[*b]));
        let count = chosen_count(self.share, growth.len());
        let mut weights = vec![0.0; growth.len() + 1];
        for asset in order.into_iter().take(count) {
            weights[asset + 1] = 1.0 / count as f64;
        }
        Ok(weights)
    }
}
