//! The reference system's formulas, kept to the digit. For verification only.
//!
//! Quirks kept: ε added to denominators; 252 periods whatever the bars are; Calmar and Sortino from the *sum* of the
//! recorded returns, which are currency in algorithmic and high-frequency trading; population deviations throughout;
//! the test over market-dynamics slices measures its drawdown from the highest value of the whole slice, also a later
//! one (M4).
//!
//! Source: TradeMaster 1.0.0, spec/trademaster.md section 6.

use serde::Serialize;

/// Added to denominators.
const EPSILON: f64 = 1e-10;
/// Periods per year of every daily task.
pub const PERIODS: f64 = 252.0;
/// Periods per year of high-frequency trading: the seconds of 365 days.
pub const PERIODS_HIGH_FREQUENCY: f64 = 31_536_000.0;

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

/// Returns the profit of buying at the first decision and holding, in percent: 100·(last − first)/first over the closes
/// from `first` on (algorithmic trading: the number of bars looked back on, minus 1).
#[must_use]
pub fn buy_and_hold(closes: &[f64], first: usize) -> f64 {
    let start = closes.get(first).copied().unwrap_or(f64::NAN);
    let end = closes.last().copied().unwrap_or(f64::NAN);
    100.0 * (end - start) / start
}

/// One run on one slice of a market-dynamics label, as the environment stores it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliceRun<'a> {
    /// Assets with their leading initial amount.
    pub assets: &'a [f64],
    /// Recorded returns with their leading 0.
    pub recorded: &'a [f64],
}

/// Returns the figures of the dynamics test: slices are concatenated where the reference concatenates them and averaged
/// where it averages. The drawdown is measured from the highest value of the slice, wherever it stands. `periods` is [`PERIODS`] or [`PERIODS_HIGH_FREQUENCY`].
#[must_use]
pub fn dynamics(slices: &[SliceRun<'_>], periods: f64) -> FaithfulMetrics {
    let growth = |slice: &SliceRun<'_>| {
        let first = slice.assets.first().copied().unwrap_or(f64::NAN);
        slice.assets.last().copied().unwrap_or(f64::NAN) / (first + EPSILON) - 1.0
    };
    let all: Vec<f64> = slices.iter().flat_map(|slice| slice.recorded).copied().collect();
    let growths: Vec<f64> = slices.iter().map(growth).collect();
    let falls: Vec<f64> = slices.iter().map(|slice| distance_from_top(slice.assets)).collect();
    let ratios: Vec<f64> = slices
        .iter()
        .zip(&falls)
        .map(|(slice, fall)| slice.recorded.iter().sum::<f64>() / (fall + EPSILON))
        .collect();
    let volatility = deviation(&all);
    FaithfulMetrics {
        excess_profit: mean(&growths) * 100.0,
        total_return: mean(&growths),
        sharpe: mean(&all) / (volatility + EPSILON) * periods.sqrt(),
        volatility,
        max_drawdown: mean(&falls),
        calmar: mean(&ratios),
        sortino: all.iter().sum::<f64>()
            / (downside(&all) + EPSILON)
            / ((all.len() as f64).sqrt() + EPSILON),
    }
}

/// Returns max over t of (max A − A_t)/max A + ε.
fn distance_from_top(assets: &[f64]) -> f64 {
    let top = assets.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let furthest = assets.iter().map(|value| (top - value) / top + EPSILON);
    furthest.fold(f64::NAN, f64::max)
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
            SliceRun { assets: &[100.0, 110.0], recorded: &[0.0, 0.1] },
            SliceRun { assets: &[100.0, 80.0, 90.0], recorded: &[0.0, -0.2, 0.125] },
        ];
        let found = dynamics(&slices, PERIODS);
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

    #[test]
    fn seconds_are_annualised_by_the_seconds_of_a_year() {
        let (assets, recorded) = ([100.0, 101.0, 102.5], [0.0, 1.0, 1.5]);
        let (day, second) = (
            metrics(&assets, &recorded, PERIODS),
            metrics(&assets, &recorded, PERIODS_HIGH_FREQUENCY),
        );
        let ratio = (31_536_000.0_f64 / 252.0).sqrt();
        assert!((second.sharpe / day.sharpe - ratio).abs() < 1e-9 * ratio);
        assert!((second.volatility - day.volatility).abs() < 1e-15);
    }

    #[test]
    fn buy_and_hold_is_in_percent_from_the_first_decision() {
        assert!((buy_and_hold(&[50.0, 100.0, 90.0, 125.0], 1) - 25.0).abs() < 1e-12);
        assert!(buy_and_hold(&[1.0], 5).is_nan());
    }

    #[test]
    fn dynamics_are_those_done_by_hand() {
        let slices = [
            SliceRun { assets: &[100.0, 90.0, 120.0], recorded: &[0.0, -10.0, 30.0] },
            SliceRun { assets: &[100.0, 80.0], recorded: &[0.0, -20.0] },
        ];
        let found = dynamics(&slices, PERIODS);
        assert!(found.total_return.abs() < 1e-9 && found.excess_profit.abs() < 1e-7);
        // not running: the first slice falls from its later top, 120 → 90
        assert!((found.max_drawdown - (0.25 + 0.2) / 2.0).abs() < 1e-9);
        assert!((found.calmar - (20.0 / 0.25 - 20.0 / 0.2) / 2.0).abs() < 1e-6);
        // concatenated 0 −10 30 0 −20: mean 0, squares 1400 over 5; losses −10 and −20 deviate by 5
        assert!(found.sharpe.abs() < 1e-9 && (found.volatility - 280.0_f64.sqrt()).abs() < 1e-12);
        assert!(found.sortino.abs() < 1e-9);
        let one = dynamics(&slices[1..], PERIODS);
        // a single loss deviates by nothing: ε is all there is
        assert!((one.sortino + 20.0 / 1e-10 / 2.0_f64.sqrt()).abs() < 1e3);
        assert!(dynamics(&[], PERIODS).total_return.is_nan());
    }
}
