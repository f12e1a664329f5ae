//! Performance per market-dynamics label, in corrected mode: the same policy over every slice of one label.
//!
//! Slices are separate runs, so nothing is carried from one to the next: ratios come from the returns of all slices in
//! a row, drawdowns run within each slice from its own peak (M4), and the figures are the mean over slices where one
//! figure per slice is meant. Labels are hindsight (L4): for evaluation only.
//!
//! Source: trademaster.md sections 6 and 11; the reference's own formulas stand in `metrics/faithful.rs`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metrics::calmar::annual_return;
use crate::metrics::max_drawdown::max_drawdown;
use crate::metrics::returns::{returns, total_return};
use crate::metrics::sharpe::sharpe;
use crate::metrics::sortino::sortino;
use crate::metrics::volatility::volatility;

use super::radar::RadarMetrics;

/// One slice: values of the account and of the benchmark at each bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slice<'a> {
    /// Value of the account.
    pub equity: &'a [f64],
    /// Value of the benchmark, for example the price for buy and hold.
    pub benchmark: &'a [f64],
}

/// What a policy does under one label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DynamicsReport {
    /// Slices of the label.
    pub slices: u32,
    /// The seven metrics of the radar. Absent where not defined.
    pub metrics: RadarMetrics,
}

/// Returns the metrics of a policy over all slices of one label. `periods_per_year` is that of the bars.
///
/// Excess and total return, maximum drawdown and Calmar are means over slices; Sharpe, Sortino and volatility come from
/// the returns of all slices. A metric is undefined when that of one slice is, except Calmar: there, slices without a
/// fall are left out.
#[must_use]
pub fn dynamics(slices: &[Slice<'_>], periods_per_year: f64) -> DynamicsReport {
    let each = |metric: &dyn Fn(&Slice<'_>) -> Option<f64>| -> Option<f64> {
        let values: Option<Vec<f64>> = slices.iter().map(metric).collect();
        mean(&values?)
    };
    let joined: Option<Vec<f64>> = slices
        .iter()
        .map(|slice| returns(slice.equity))
        .collect::<Option<Vec<_>>>()
        .map(|parts| parts.concat());
    let of_all = |metric: fn(&[f64], f64) -> Option<f64>| {
        joined.as_deref().and_then(|values| metric(values, periods_per_year))
    };
    let calmar: Vec<f64> = slices
        .iter()
        .filter_map(|slice| crate::metrics::calmar::calmar(slice.equity, periods_per_year))
        .collect();
    let grew = each(&|slice| annual_return(slice.equity, periods_per_year)).is_some();
    DynamicsReport {
        slices: u32::try_from(slices.len()).unwrap_or(u32::MAX),
        metrics: RadarMetrics {
            excess: each(&|slice| {
                Some(total_return(slice.equity)? - total_return(slice.benchmark)?)
            }),
            total_return: each(&|slice| total_return(slice.equity)),
            sharpe: of_all(sharpe),
            calmar: mean(&calmar).filter(|_| grew),
            sortino: of_all(sortino),
            volatility: of_all(volatility),
            max_drawdown: each(&|slice| max_drawdown(slice.equity)),
        },
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_those_done_by_hand() {
        let slices = [
            Slice { equity: &[100.0, 90.0, 120.0], benchmark: &[1.0, 1.0, 1.1] },
            Slice { equity: &[100.0, 80.0], benchmark: &[1.0, 0.9] },
        ];
        let found = dynamics(&slices, 2.0);
        let metrics = found.metrics;
        assert_eq!(found.slices, 2);
        assert!(metrics.total_return.unwrap().abs() < 1e-12);
        assert!(metrics.excess.unwrap().abs() < 1e-12);
        // running: 100 → 90 and 100 → 80
        assert!((metrics.max_drawdown.unwrap() - 0.15).abs() < 1e-12);
        // 20 % in a year over 10 %; (0.8² − 1) over 20 %
        assert!((metrics.calmar.unwrap() - (2.0 - 1.8) / 2.0).abs() < 1e-12);
        // returns −1/10, 1/3, −1/5 of all slices
        let mean: f64 = (-0.1 + 1.0 / 3.0 - 0.2) / 3.0;
        let squares =
            f64::powi(-0.1 - mean, 2) + f64::powi(1.0 / 3.0 - mean, 2) + f64::powi(-0.2 - mean, 2);
        let deviation = (squares / 2.0).sqrt();
        assert!((metrics.volatility.unwrap() - deviation * 2.0_f64.sqrt()).abs() < 1e-12);
        assert!((metrics.sharpe.unwrap() - mean / deviation * 2.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn are_undefined_without_slices_and_after_ruin() {
        let none = dynamics(&[], 252.0).metrics;
        assert_eq!(none, RadarMetrics::default());
        let ruin =
            dynamics(&[Slice { equity: &[1.0, 0.0], benchmark: &[1.0, 1.0] }], 252.0).metrics;
        assert_eq!(
            (ruin.total_return, ruin.max_drawdown, ruin.calmar),
            (Some(-1.0), Some(1.0), None)
        );
    }
}
