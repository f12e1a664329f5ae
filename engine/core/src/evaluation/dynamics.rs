//! The dynamics test: one policy runs anew on every slice of one market-dynamics label, and the results are joined.
//!
//! Labels come from `labelling` and know the future (L4): for evaluation only. Running an environment on a slice is the
//! caller's part. In `faithful` mode the reference's formulas are followed; in `corrected` mode ratios come from the
//! returns of all slices in a row, drawdowns run within each slice from its own peak (M4), and figures are the mean over
//! slices where one figure per slice is meant.
//!
//! Source: spec/trademaster.md sections 2.1, 6 and 11.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::radar::RadarMetrics;
use crate::config::Truth;
use crate::error::EngineError;
use crate::labelling::Slice;
use crate::labelling::slices::slices;
use crate::metrics::calmar::{annual_return, calmar};
use crate::metrics::defined;
use crate::metrics::faithful::{self, SliceRun};
use crate::metrics::max_drawdown::max_drawdown;
use crate::metrics::mean;
use crate::metrics::returns::{returns, total_return};
use crate::metrics::sharpe::sharpe;
use crate::metrics::sortino::sortino;
use crate::metrics::volatility::volatility;

/// Which slices are run, and how their results are joined.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliceTest {
    /// Formulas, and whether the last row of the label is left out.
    pub truth: Truth,
    /// The label under test.
    pub label: u32,
    /// Slices of this many rows or fewer are passed over: too short for the environment to decide anything.
    pub longer_than: usize,
    /// Bars per year. The reference has 252 for every daily task.
    pub periods_per_year: f64,
}

/// What a policy did on one slice, the environment having started anew at its first row.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceOutcome {
    /// Value of the account at each step, the initial one first.
    pub assets: Vec<f64>,
    /// Value of the benchmark at each step, for example the price for buy and hold. Not read in `faithful` mode, where
    /// the benchmark is 0.
    pub benchmark: Vec<f64>,
    /// Recorded returns, a 0 first. Read in `faithful` mode only, where they may be currency.
    pub recorded: Vec<f64>,
}

/// The joined result of one label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SliceResult {
    /// Formulas that were followed.
    pub truth: Truth,
    /// The label under test.
    pub label: u32,
    /// Slices that were run.
    pub slices: Vec<Slice>,
    /// Slices that were too short.
    pub passed_over: usize,
    /// The seven metrics of the radar. Undefined is absent. In `faithful` mode the excess is in percent and the
    /// volatility not annualised.
    pub metrics: RadarMetrics,
}

/// Runs a policy on every slice of one label and joins the results. `run` starts the environment anew on the rows it is
/// given.
///
/// # Errors
/// Whatever `run` refuses; the first refusal ends the test.
pub fn test_label(
    labels: &[u32],
    test: &SliceTest,
    run: &mut dyn FnMut(Slice) -> Result<SliceOutcome, EngineError>,
) -> Result<SliceResult, EngineError> {
    let of_label = slices(labels, test.truth).into_iter().find(|one| one.label == test.label);
    let all = of_label.map(|one| one.slices).unwrap_or_default();
    let (kept, short): (Vec<Slice>, Vec<Slice>) =
        all.into_iter().partition(|slice| test.longer_than < slice.len());
    let outcomes = kept.iter().map(|slice| run(*slice)).collect::<Result<Vec<_>, _>>()?;
    let metrics = match test.truth {
        Truth::Faithful => reference(&outcomes, test.periods_per_year),
        Truth::Corrected => corrected(&outcomes, test.periods_per_year),
    };
    Ok(SliceResult {
        truth: test.truth,
        label: test.label,
        slices: kept,
        passed_over: short.len(),
        metrics,
    })
}

/// The reference's formulas; what they divide by nothing is absent.
fn reference(outcomes: &[SliceOutcome], periods: f64) -> RadarMetrics {
    if outcomes.is_empty() {
        return RadarMetrics::default();
    }
    let runs: Vec<SliceRun<'_>> = outcomes
        .iter()
        .map(|one| SliceRun { assets: &one.assets, recorded: &one.recorded })
        .collect();
    let found = faithful::dynamics(&runs, periods);
    RadarMetrics {
        excess: defined(found.excess_profit),
        total_return: defined(found.total_return),
        sharpe: defined(found.sharpe),
        calmar: defined(found.calmar),
        sortino: defined(found.sortino),
        volatility: defined(found.volatility),
        max_drawdown: defined(found.max_drawdown),
    }
}

/// Excess and total return, maximum drawdown and Calmar are means over slices; Sharpe, Sortino and volatility come from
/// the returns of all slices. A metric is undefined when that of one slice is, except Calmar: there, slices without a
/// fall are left out.
fn corrected(outcomes: &[SliceOutcome], periods_per_year: f64) -> RadarMetrics {
    let each = |metric: &dyn Fn(&SliceOutcome) -> Option<f64>| -> Option<f64> {
        let values: Option<Vec<f64>> = outcomes.iter().map(metric).collect();
        mean(&values?)
    };
    let joined: Option<Vec<f64>> = outcomes
        .iter()
        .map(|one| returns(&one.assets))
        .collect::<Option<Vec<_>>>()
        .map(|parts| parts.concat());
    let of_all = |metric: fn(&[f64], f64) -> Option<f64>| {
        joined.as_deref().and_then(|values| metric(values, periods_per_year))
    };
    let ratios: Vec<f64> =
        outcomes.iter().filter_map(|one| calmar(&one.assets, periods_per_year)).collect();
    let grew = each(&|one| annual_return(&one.assets, periods_per_year)).is_some();
    RadarMetrics {
        excess: each(&|one| Some(total_return(&one.assets)? - total_return(&one.benchmark)?)),
        total_return: each(&|one| total_return(&one.assets)),
        sharpe: of_all(sharpe),
        calmar: mean(&ratios).filter(|_| grew),
        sortino: of_all(sortino),
        volatility: of_all(volatility),
        max_drawdown: each(&|one| max_drawdown(&one.assets)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: Option<f64>, wanted: f64) {
        let found = found.expect("defined");
        assert!((found - wanted).abs() <= 1e-7 * wanted.abs().max(1.0), "{found} {wanted}");
    }

    fn test(truth: Truth) -> SliceTest {
        SliceTest { truth, label: 1, longer_than: 1, periods_per_year: 2.0 }
    }

    const LABELS: [u32; 9] = [1, 1, 1, 0, 1, 0, 1, 1, 1];

    /// 100 → 90 → 120 on the first slice, 100 → 80 on the other; recorded as currency.
    fn outcome(slice: Slice) -> SliceOutcome {
        let values = |assets: &[f64], benchmark: &[f64], recorded: &[f64]| SliceOutcome {
            assets: assets.to_vec(),
            benchmark: benchmark.to_vec(),
            recorded: recorded.to_vec(),
        };
        if slice.start == 0 {
            values(&[100.0, 90.0, 120.0], &[1.0, 1.0, 1.1], &[0.0, -10.0, 30.0])
        } else {
            values(&[100.0, 80.0], &[1.0, 0.9], &[0.0, -20.0])
        }
    }

    #[test]
    fn the_reference_formulas_are_those_done_by_hand() {
        let mut seen = Vec::new();
        let found = test_label(&LABELS, &test(Truth::Faithful), &mut |slice| {
            seen.push((slice.start, slice.end));
            Ok(outcome(slice))
        })
        .unwrap();
        // The last row of the label is missing, the slice of one row is passed over.
        assert_eq!(seen, [(0, 3), (6, 8)]);
        assert_eq!(found.passed_over, 1);
        let metrics = found.metrics;
        near(metrics.total_return, 0.0);
        near(metrics.excess, 0.0);
        // From the top 120, which comes after the fall: 30/120; from 100: 20/100
        near(metrics.max_drawdown, (0.25 + 0.2) / 2.0);
        near(metrics.calmar, (20.0 / 0.25 - 20.0 / 0.2) / 2.0);
        // 0, −10, 30, 0, −20: mean 0, squares 100 + 900 + 400, deviation √280
        near(metrics.volatility, 280.0_f64.sqrt());
        near(metrics.sharpe, 0.0);
        // −10 and −20 deviate by 5 from their mean; the sum is 0.
        near(metrics.sortino, 0.0);
    }

    #[test]
    fn corrected_falls_are_from_the_running_peak() {
        let found =
            test_label(&LABELS, &test(Truth::Corrected), &mut |slice| Ok(outcome(slice))).unwrap();
        assert_eq!(found.slices.last(), Some(&Slice { start: 6, end: 9 }));
        let metrics = found.metrics;
        near(metrics.total_return, 0.0);
        near(metrics.excess, 0.0);
        near(metrics.max_drawdown, 0.15);
        // 20 % in a year over 10 %; (0.8² − 1) over 20 %
        near(metrics.calmar, (2.0 - 1.8) / 2.0);
        // returns −1/10, 1/3, −1/5 of all slices
        let mean: f64 = (-0.1 + 1.0 / 3.0 - 0.2) / 3.0;
        let squares =
            f64::powi(-0.1 - mean, 2) + f64::powi(1.0 / 3.0 - mean, 2) + f64::powi(-0.2 - mean, 2);
        let deviation = (squares / 2.0).sqrt();
        near(metrics.volatility, deviation * 2.0_f64.sqrt());
        near(metrics.sharpe, mean / deviation * 2.0_f64.sqrt());
    }

    #[test]
    fn ruin_is_a_fall_by_everything_and_has_no_ratio_to_it() {
        let ruin = |_| {
            let assets = vec![1.0, 0.0];
            Ok(SliceOutcome { benchmark: vec![1.0; 2], recorded: Vec::new(), assets })
        };
        let found = test_label(&[1, 1], &test(Truth::Corrected), &mut { ruin }).unwrap().metrics;
        assert_eq!(
            (found.total_return, found.max_drawdown, found.calmar),
            (Some(-1.0), Some(1.0), None)
        );
    }

    #[test]
    fn a_label_that_does_not_occur_has_no_figures() {
        for truth in [Truth::Faithful, Truth::Corrected] {
            let absent = SliceTest { label: 7, ..test(truth) };
            let found = test_label(&LABELS, &absent, &mut |slice| Ok(outcome(slice))).unwrap();
            assert!(found.slices.is_empty());
            assert_eq!(found.metrics, RadarMetrics::default());
        }
    }

    #[test]
    fn a_refusal_ends_the_test() {
        let refused =
            test_label(&LABELS, &test(Truth::Corrected), &mut |_| Err(EngineError::Cancelled));
        assert_eq!(refused, Err(EngineError::Cancelled));
    }
}
