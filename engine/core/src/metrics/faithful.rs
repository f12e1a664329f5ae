//! The reference system's formulas, kept to the digit. For verification only.
//!
//! Quirks kept: ε added to denominators; 252 periods whatever the bars are; Calmar and Sortino from the *sum* of the
//! recorded returns, which are currency in algorithmic trading; population deviations throughout.
//!
//! Source: TradeMaster 1.0.0, spec/trademaster.md section 6.

use serde::Serialize;

/// Added to denominators.
const EPSILON: f64 = 1e-10;
/// Periods per year of every daily task.
pub const PERIODS: f64 = 252.0;

/// The reference's figures of one run. NaN stands where its formulas divide by nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FaithfulMetrics {
    /// Growth of the assets.
    pub total_return: f64,
    /// Mean return per deviation, times √252.
    pub sharpe: f64,
    /// Deviation of returns, not annualised.
    pub volatility: f64,
    /// Deepest fall from the running peak; may exceed 1.
    pub max_drawdown: f64,
    /// Sum of recorded returns / maximum drawdown.
    pub calmar: f64,
    /// Sum of recorded returns / deviation of the negative ones / √count.
    pub sortino: f64,
    /// Total return in percent, minus a benchmark of 0.
    pub excess_profit: f64,
}

/// Returns the figures of a series of assets and of the recorded returns, both with their leading entry.
#[must_use]
pub fn metrics(assets: &[f64], recorded: &[f64], periods: f64) -> FaithfulMetrics {
    let first = assets.first().copied().unwrap_or(f64::NAN);
    let last = assets.last().copied().unwrap_or(f64::NAN);
    let total_return = last / (first + EPSILON) - 1.0;
    let returns: Vec<f64> = assets.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect();
    let volatility = deviation(&returns);
    let max_drawdown = max_drawdown(assets);
    let sum: f64 = recorded.iter().sum();
    FaithfulMetrics {
        total_return,
        sharpe: mean(&returns) * periods.sqrt() / (volatility + EPSILON),
        volatility,
        max_drawdown,
        calmar: sum / (max_drawdown + EPSILON),
        sortino: sum / (downside(recorded) + EPSILON) / ((recorded.len() as f64).sqrt() + EPSILON),
        excess_profit: total_return * 100.0,
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    mean(&values.iter().map(|value| (value - centre) * (value - centre)).collect::<Vec<_>>()).sqrt()
}

/// Population deviation of the negative entries; 0 where there are none.
fn downside(recorded: &[f64]) -> f64 {
    let negative: Vec<f64> = recorded.iter().copied().filter(|value| *value < 0.0).collect();
    if negative.is_empty() { 0.0 } else { deviation(&negative) }
}

/// Running peak as the reference keeps it: the first value is the first peak, whatever its sign.
fn max_drawdown(assets: &[f64]) -> f64 {
    let mut peak = assets.first().copied().unwrap_or(f64::NAN);
    let mut deepest = 0.0_f64;
    for value in assets {
        if *value > peak {
            peak = *value;
        }
        deepest = deepest.max((peak - value) / peak);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_those_done_by_hand() {
        let found = metrics(&[100.0, 110.0, 99.0], &[0.0, 10.0, -11.0], PERIODS);
        assert!((found.total_return + 0.01).abs() < 1e-9);
        assert!((found.volatility - 0.1).abs() < 1e-12);
        assert!((found.max_drawdown - 0.1).abs() < 1e-12);
        assert!(found.sharpe.abs() < 1e-9);
        assert!((found.calmar + 10.0).abs() < 1e-6);
        assert!((found.excess_profit + 1.0).abs() < 1e-7);
    }

    #[test]
    fn constant_assets_give_zeros() {
        let found = metrics(&[100.0; 5], &[0.0; 5], PERIODS);
        assert!(found.sharpe.abs() < 1e-12 && found.max_drawdown.abs() < 1e-12);
        assert!(found.calmar.abs() < 1e-12 && found.sortino.abs() < 1e-12);
    }
}
