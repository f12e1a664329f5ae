//! Portfolio rules: target weights from the past, bar by bar, for a portfolio environment or a live seat.
//!
//! A [`WeightPolicy`] is given a [`PortfolioView`], in which nothing of the future exists. It answers with target weights,
//! cash first; who trades them, at which price and cost, is not its business. Rules decide from the view alone and keep
//! nothing between bars, so that a session that goes on decides as one that never stopped; [`Followed`] builds its state
//! again from the view.

mod fixed;
mod followed;
mod mean_reversion;
mod momentum;
mod random;
mod rolling;
mod z_score;

pub use fixed::{HoldEqual, StayInCash, Uniform};
pub use followed::Followed;
pub use mean_reversion::MeanReversion;
pub use momentum::Momentum;
pub use random::{EqualTurnover, RandomPortfolio};
pub use rolling::{Objective, Rolling};
pub use z_score::ZScoreReversion;

use super::relatives::Seen;
use crate::config::policy::PortfolioRuleConfig;
use crate::error::EngineError;

/// Weights are on the simplex up to this.
const SUM_TOLERANCE: f64 = 1e-9;

/// What a portfolio policy knows when it decides.
#[derive(Debug, Clone, Copy)]
pub struct PortfolioView<'a> {
    /// Price relatives of every bar since the beginning, cash left out: `[t, N]`.
    pub seen: Seen<'a>,
    /// Shares of the account held now, cash first: `[N + 1]`, summing to 1.
    pub holdings: &'a [f64],
    /// What the account grew by over the newest bar, after costs; absent where that is not known.
    pub growth_net: Option<f64>,
}

impl PortfolioView<'_> {
    /// Whether everything is in cash.
    fn is_all_cash(&self) -> bool {
        self.holdings.iter().skip(1).all(|weight| *weight <= SUM_TOLERANCE)
    }
}

/// A policy over many assets.
pub trait WeightPolicy: Send {
    /// Returns its name, as in reports.
    fn name(&self) -> &'static str;

    /// Returns target weights, cash first: `[N + 1]`, not negative, summing to 1.
    ///
    /// # Errors
    /// Refuses views of other assets, and data from which no weights follow.
    fn decide(&mut self, view: &PortfolioView<'_>) -> Result<Vec<f64>, EngineError>;
}

/// Builds the rule a configuration names, over `assets` assets.
///
/// # Errors
/// Refuses no assets, and parameters that do not fit them.
pub fn build(
    config: &PortfolioRuleConfig,
    assets: usize,
) -> Result<Box<dyn WeightPolicy>, EngineError> {
    if assets == 0 {
        return Err(refuse("wanted at least one asset, found none".to_owned()));
    }
    Ok(match config {
        PortfolioRuleConfig::DoNothing(_) => Box::new(StayInCash),
        PortfolioRuleConfig::BuyAndHold(_) => Box::new(HoldEqual),
        PortfolioRuleConfig::Uniform(_) => Box::new(Uniform),
        PortfolioRuleConfig::Momentum(config) => Box::new(Momentum::new(config)),
        PortfolioRuleConfig::MeanReversion(config) => Box::new(MeanReversion::new(config)),
        PortfolioRuleConfig::ZScoreReversion(config) => Box::new(ZScoreReversion::new(config)?),
        PortfolioRuleConfig::MinVariance(config) => {
            let objective = Objective::MinVariance { weight_max: config.weight_max };
            Box::new(Rolling::new(&config.covariance, config.every, objective))
        }
        PortfolioRuleConfig::RiskParity(config) => {
            Box::new(Rolling::new(&config.covariance, config.every, Objective::RiskParity))
        }
        PortfolioRuleConfig::HierarchicalRiskParity(config) => {
            Box::new(Rolling::new(&config.covariance, config.every, Objective::Hierarchical))
        }
        PortfolioRuleConfig::MeanVariance(config) => {
            let objective = Objective::MeanVariance {
                weight_max: config.weight_max,
                risk_aversion: config.risk_aversion,
                turnover_penalty: config.turnover_penalty,
            };
            Box::new(Rolling::new(&config.covariance, config.every, objective))
        }
        PortfolioRuleConfig::OnlineSelection(config) => {
            Box::new(Followed::new(&config.selection, assets)?)
        }
    })
}

/// Returns half the sum of |target − holdings|: the share of the account that changes hands, buying in from cash 1.
#[must_use]
pub fn turnover(target: &[f64], holdings: &[f64]) -> f64 {
    super::algebra::distance(target, holdings) / 2.0
}

/// Refuses what are not weights of `assets` assets and cash.
///
/// # Errors
/// Says what is wrong: number, sign or sum.
pub fn check_weights(weights: &[f64], assets: usize) -> Result<(), EngineError> {
    let sum: f64 = weights.iter().sum();
    let good = weights.len() == assets + 1
        && weights.iter().all(|weight| *weight >= 0.0)
        && (sum - 1.0).abs() <= SUM_TOLERANCE;
    if good {
        return Ok(());
    }
    Err(refuse(format!(
        "wanted {} weights, cash first, none below 0 and summing to 1; found {weights:?}",
        assets + 1
    )))
}

/// Refuses a view whose parts do not belong together.
fn check(view: &PortfolioView<'_>) -> Result<(), EngineError> {
    check_weights(view.holdings, view.seen.width())
}

/// Returns equal weights without cash.
fn invested_equally(assets: usize) -> Vec<f64> {
    let share = 1.0 / assets.max(1) as f64;
    std::iter::once(0.0).chain(std::iter::repeat_n(share, assets)).collect()
}

/// Returns growth of each asset over what was seen.
fn growth(seen: &Seen<'_>) -> Vec<f64> {
    let mut growth = vec![0.0; seen.width()];
    for row in seen.rows() {
        for (sum, relative) in growth.iter_mut().zip(row) {
            *sum += relative.ln();
        }
    }
    growth.iter().map(|sum| sum.exp()).collect()
}

/// Returns how many assets a share of them is, at least one.
fn chosen_count(share: f64, assets: usize) -> usize {
    (1..=assets).rfind(|count| *count as f64 <= share * assets as f64).unwrap_or(1)
}

fn refuse(detail: String) -> EngineError {
    EngineError::Refused { what: "portfolio rule", detail }
}

#[cfg(test)]
mod tests;
