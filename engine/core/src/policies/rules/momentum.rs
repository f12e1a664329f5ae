//! Momentum: equal shares of the assets that grew most over a window, each replaced by cash if it fell.
//!
//! Across assets: Jegadeesh and Titman 1993. Against cash, which with one asset is the whole rule: Moskowitz, Ooi and
//! Pedersen 2012 (doi 10.1016/j.jfineco.2011.11.003). Before the window is full: holdings stay as they are.

use super::{PortfolioView, WeightPolicy, check, chosen_count, growth};
use crate::config::policy::MomentumConfig;
use crate::error::EngineError;
use crate::policies::relatives::Seen;

/// Follow what rose.
#[derive(Debug, Clone)]
pub struct Momentum {
    window: usize,
    skip: usize,
    share: f64,
    against_cash: bool,
}

impl Momentum {
    /// Takes its parameters.
    #[must_use]
    pub fn new(config: &MomentumConfig) -> Self {
        Self {
            window: usize::try_from(config.window).unwrap_or(usize::MAX),
            skip: usize::try_from(config.skip).unwrap_or(usize::MAX),
            share: config.share,
            against_cash: config.against_cash,
        }
    }

    /// The bars whose growth counts.
    fn measured<'a>(&self, seen: &Seen<'a>) -> Option<Seen<'a>> {
        let whole = seen.newest(self.window.saturating_add(self.skip));
        let full = self.window.checked_add(self.skip) == Some(whole.periods());
        full.then(|| whole.oldest(self.window))
    }
}

impl WeightPolicy for Momentum {
    fn name(&self) -> &'static str {
        "momentum"
    }

    fn decide(&mut self, view: &PortfolioView<'_>) -> Result<Vec<f64>, EngineError> {
        check(view)?;
        let Some(measured) = self.measured(&view.seen) else {
            return Ok(view.holdings.to_vec());
        };
        let growth = growth(&measured);
        let mut order: Vec<usize> = (0..growth.len()).collect();
        order.sort_by(|a, b| growth[*b].total_cmp(&growth[*a]));
        let count = chosen_count(self.share, growth.len());
        let mut weights = vec![0.0; growth.len() + 1];
        for asset in order.into_iter().take(count) {
            let place = if self.against_cash && growth[asset] <= 1.0 { 0 } else { asset + 1 };
            weights[place] += 1.0 / count as f64;
        }
        Ok(weights)
    }
}
