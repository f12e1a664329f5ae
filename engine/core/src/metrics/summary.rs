//! Every metric of one run.

use std::collections::BTreeMap;

use super::MetricName;
use super::calmar::calmar;
use super::max_drawdown::max_drawdown;
use super::returns::{returns, total_return};
use super::sharpe::sharpe;
use super::sortino::sortino;
use super::turnover::turnover;
use super::volatility::volatility;
use super::win_rate::win_rate;
use crate::orders::Fill;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Value of the account at each bar.
    pub equity: &'a [f64],
    /// Every fill in order.
    pub fills: &'a [Fill],
    /// Bars per year.
    pub periods_per_year: f64,
}

/// Returns every metric of [`MetricName::RUN`].
#[must_use]
pub fn summary(run: &Run<'_>) -> BTreeMap<MetricName, Option<f64>> {
    let per_bar = returns(run.equity);
    let of_returns = |metric: fn(&[f64], f64) -> Option<f64>| {
        per_bar.as_deref().and_then(|values| metric(values, run.periods_per_year))
    };
    MetricName::RUN
        .into_iter()
        .filter_map(|name| {
            let value = match name {
                MetricName::TotalReturn => total_return(run.equity),
                MetricName::Volatility => of_returns(volatility),
                MetricName::Sharpe => of_returns(sharpe),
                MetricName::Sortino => of_returns(sortino),
                MetricName::Calmar => calmar(run.equity, run.periods_per_year),
                MetricName::MaxDrawdown => max_drawdown(run.equity),
                MetricName::Turnover => turnover(run.fills, run.equity, run.periods_per_year),
                MetricName::WinRate => win_rate(run.fills),
                MetricName::Loss
                | MetricName::QMean
                | MetricName::Epsilon
                | MetricName::EpisodeReturn
                | MetricName::EpisodeDrawdown
                | MetricName::GradientNorm
                | MetricName::ValidTotalReturn
                | MetricName::ValidSharpe
                | MetricName::ValidMaxDrawdown => return None,
            };
            Some((name, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_every_name_of_a_run_even_when_nothing_is_defined() {
        let run = Run { equity: &[], fills: &[], periods_per_year: 252.0 };
        let found = summary(&run);
        assert_eq!(found.len(), MetricName::RUN.len());
        assert!(found.values().all(Option::is_none));
    }
}
