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
/// Periods per year of high-frequency trading: seconds.
pub const PERIODS_SECONDS: f64 = 31_536_000.0;

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

/// Returns the figures of a dynamics test: one pair of assets and recorded returns per slice, as in [`metrics`].
///
/// Total return, excess profit, drawdown and Calmar are means over slices; Sharpe, volatility and Sortino are those of
/// the joined recorded returns. The drawdown is measured from the highest value of the slice, wherever it stands.
#[must_use]
pub fn over_slices(slices: &[(Vec<f64>, Vec<f64>)]) -> FaithfulMetrics {
    let each = |figure: &dyn Fn(&[f64], &[f64]) -> f64| {
        mean(&slices.iter().map(|(assets, recorded)| figure(assets, recorded)).collect::<Vec<_>>())
    };
    let growth = |assets: &[f64]| match assets {
        [first, .., last] => last / (first + EPSILON) - 1.0,
        [_] | [] => f64::NAN,
    };
    let joined: Vec<f64> =
        slices.iter().flat_map(|(_, recorded)| recorded.iter().copied()).collect();
    let volatility = deviation(&joined);
    let sum: f64 = joined.iter().sum();
    FaithfulMetrics {
        total_return: each(&|assets, _| growth(assets)),
        sharpe: mean(&joined) / (volatility + EPSILON) * PERIODS.sqrt(),
        volatility,
        max_drawdown: each(&|assets, _| fall_from_highest(assets)),
        calmar: each(&|assets, recorded| {
            recorded.iter().sum::<f64>() / (fall_from_highest(assets) + EPSILON)
        }),
        sortino: sum / (downside(&joined) + EPSILON) / ((joined.len() as f64).sqrt() + EPSILON),
        excess_profit: each(&|assets, _| growth(assets) * 100.0),
    }
}

/// Deepest distance from the highest value of all, before or after it.
fn fall_from_highest(assets: &[f64]) -> f64 {
    let highest = assets.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assets
        .iter()
        .map(|value| (highest - value) / highest + EPSILON)
        .fold(f64::NEG_INFINITY, f64::max)
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
    fn figures_over_slices_are_those_done_by_hand() {
        let slices = [
            (vec![100.0, 110.0], vec![0.0, 0.1]),
            (vec![100.0, 80.0, 90.0], vec![0.0, -0.2, 0.125]),
        ];
        let found = over_slices(&slices);
        assert!(found.total_return.abs() < 1e-9, "(10 % - 10 %) / 2");
        // The first slice only rises, yet its first value is 10/110 below its highest.
        assert!((found.max_drawdown - f64::midpoint(10.0 / 110.0, 0.2)).abs() < 1e-9);
        assert!((found.calmar - f64::midpoint(0.1 * 11.0, -0.075 / 0.2)).abs() < 1e-6);
        let recorded = [0.0, 0.1, 0.0, -0.2, 0.125];
        let deviation =
            (recorded.iter().map(|d| (d - 0.005) * (d - 0.005)).sum::<f64>() / 5.0).sqrt();
        assert!((found.volatility - deviation).abs() < 1e-12);
        assert!((found.sharpe - 0.005 / deviation * 252.0_f64.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn constant_assets_give_zeros() {
        let found = metrics(&[100.0; 5], &[0.0; 5], PERIODS);
        assert!(found.sharpe.abs() < 1e-12 && found.max_drawdown.abs() < 1e-12);
        assert!(found.calmar.abs() < 1e-12 && found.sortino.abs() < 1e-12);
    }
}
