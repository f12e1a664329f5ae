//! Performance per market regime: what a run earned under each label, and tests that restart on every slice of one.
//!
//! Labels come from `labelling` and know the future: they sort results after the fact. Running an environment on a
//! slice is the caller's part. Source: spec/trademaster.md sections 2.1 and 6, rows M1, M2 and M4.

use serde::Serialize;

use crate::config::Truth;
use crate::error::EngineError;
use crate::labelling::Slice;
use crate::labelling::slices::slices;
use crate::metrics::calmar::calmar;
use crate::metrics::max_drawdown::max_drawdown;
use crate::metrics::returns::{returns, total_return};
use crate::metrics::sharpe::sharpe;
use crate::metrics::sortino::sortino;
use crate::metrics::volatility::volatility;

/// Added to denominators, and to every drawdown, as the reference does.
const EPSILON: f64 = 1e-10;

/// What one run earned under one label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelPerformance {
    /// The label.
    pub label: u32,
    /// Bars that bear it.
    pub bar_count: usize,
    /// Runs of consecutive bars that bear it.
    pub run_count: usize,
    /// Growth over all its bars, compounded. The growths of all labels multiply to that of the whole run.
    pub total_return: Option<f64>,
    /// Annualised deviation of its returns.
    pub volatility: Option<f64>,
    /// Annualised Sharpe ratio of its returns.
    pub sharpe: Option<f64>,
    /// Annualised Sortino ratio of its returns.
    pub sortino: Option<f64>,
    /// Deepest fall inside one of its runs, 0 to 1.
    pub max_drawdown: Option<f64>,
}

/// Returns what a run earned under each label that occurs, lowest label first. The return into a bar belongs to that
/// bar's label. Shapes: `equity` `[T]` in currency, `labels` `[T]`.
///
/// # Errors
/// Refuses inputs of different lengths.
pub fn by_label(
    equity: &[f64],
    labels: &[u32],
    periods_per_year: f64,
) -> Result<Vec<LabelPerformance>, EngineError> {
    if equity.len() != labels.len() {
        let detail = format!(
            "wanted one label per bar; found {} labels for {} bars. Label the data that was run",
            labels.len(),
            equity.len()
        );
        return Err(EngineError::Refused { what: "performance by label", detail });
    }
    let found = slices(labels, Truth::Corrected).into_iter().map(|of_label| {
        // Each run with the bar before it, from which its first return starts.
        let runs: Vec<&[f64]> = of_label
            .slices
            .iter()
            .filter_map(|slice| equity.get(slice.start.saturating_sub(1)..slice.end))
            .collect();
        let per_bar: Option<Vec<f64>> =
            runs.iter().map(|run| returns(run)).collect::<Option<Vec<_>>>().map(|all| all.concat());
        let of_returns = |metric: fn(&[f64], f64) -> Option<f64>| {
            per_bar.as_deref().and_then(|values| metric(values, periods_per_year))
        };
        LabelPerformance {
            label: of_label.label,
            bar_count: of_label.row_count,
            run_count: of_label.slices.len(),
            total_return: per_bar
                .as_deref()
                .map(|all| all.iter().map(|one| 1.0 + one).product::<f64>() - 1.0),
            volatility: of_returns(volatility),
            sharpe: of_returns(sharpe),
            sortino: of_returns(sortino),
            max_drawdown: runs
                .iter()
                .map(|run| max_drawdown(run))
                .collect::<Option<Vec<_>>>()
                .and_then(|all| all.into_iter().reduce(f64::max)),
        }
    });
    Ok(found.collect())
}

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
    /// Recorded returns, a 0 first. Read in `faithful` mode only, where they may be currency.
    pub recorded: Vec<f64>,
}

/// The joined result of one label. Undefined is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SliceResult {
    /// Formulas that were followed.
    pub truth: Truth,
    /// The label under test.
    pub label: u32,
    /// Slices that were run.
    pub slices: Vec<Slice>,
    /// Slices that were too short.
    pub passed_over: usize,
    /// Mean growth over slices.
    pub total_return: Option<f64>,
    /// Of all returns, one slice after the other.
    pub sharpe: Option<f64>,
    /// Of all returns, one slice after the other; in `faithful` mode not annualised.
    pub volatility: Option<f64>,
    /// Mean over slices of the deepest fall: from the running peak, in `faithful` mode from the highest value of the
    /// whole slice, before or after.
    pub max_drawdown: Option<f64>,
    /// Mean over slices.
    pub calmar: Option<f64>,
    /// Of all returns, one slice after the other.
    pub sortino: Option<f64>,
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
    let joined = match test.truth {
        Truth::Faithful => faithful(&outcomes, test.periods_per_year),
        Truth::Corrected => corrected(&outcomes, test.periods_per_year),
    };
    Ok(SliceResult {
        truth: test.truth,
        label: test.label,
        slices: kept,
        passed_over: short.len(),
        total_return: joined.total_return,
        sharpe: joined.sharpe,
        volatility: joined.volatility,
        max_drawdown: joined.max_drawdown,
        calmar: joined.calmar,
        sortino: joined.sortino,
    })
}

struct Joined {
    total_return: Option<f64>,
    sharpe: Option<f64>,
    volatility: Option<f64>,
    max_drawdown: Option<f64>,
    calmar: Option<f64>,
    sortino: Option<f64>,
}

/// The reference's formulas; what they divide by nothing is absent.
fn faithful(outcomes: &[SliceOutcome], periods: f64) -> Joined {
    let all: Vec<f64> = outcomes.iter().flat_map(|one| one.recorded.iter().copied()).collect();
    let deviation = deviation(&all);
    let negative: Vec<f64> = all.iter().copied().filter(|value| *value < 0.0).collect();
    let downside = if negative.is_empty() { 0.0 } else { self::deviation(&negative) };
    let sum: f64 = all.iter().sum();
    let drawdowns: Vec<f64> = outcomes.iter().map(|one| drawdown_from_top(&one.assets)).collect();
    let growths = outcomes.iter().map(|one| {
        let (first, last) = (one.assets.first(), one.assets.last());
        first.zip(last).map_or(f64::NAN, |(first, last)| last / (first + EPSILON) - 1.0)
    });
    let calmars = outcomes
        .iter()
        .zip(&drawdowns)
        .map(|(one, fall)| one.recorded.iter().sum::<f64>() / (fall + EPSILON));
    Joined {
        total_return: finite(mean(growths)),
        sharpe: finite(mean(all.iter().copied()) / (deviation + EPSILON) * periods.sqrt()),
        volatility: finite(deviation),
        max_drawdown: finite(mean(drawdowns.iter().copied())),
        calmar: finite(mean(calmars)),
        sortino: if all.is_empty() {
            None
        } else {
            finite(sum / (downside + EPSILON) / ((all.len() as f64).sqrt() + EPSILON))
        },
    }
}

/// Quirk kept: the highest value of the whole slice is the peak, though it may come after the fall.
fn drawdown_from_top(assets: &[f64]) -> f64 {
    let top = assets.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assets.iter().map(|value| (top - value) / top + EPSILON).fold(f64::NEG_INFINITY, f64::max)
}

fn corrected(outcomes: &[SliceOutcome], periods: f64) -> Joined {
    let per_slice: Option<Vec<Vec<f64>>> =
        outcomes.iter().map(|one| returns(&one.assets)).collect();
    let all = per_slice.map(|slices| slices.concat());
    let of_returns = |metric: fn(&[f64], f64) -> Option<f64>| {
        all.as_deref().and_then(|values| metric(values, periods))
    };
    // A slice without a value has no part in the mean; it would have to be made up.
    let over_slices = |metric: &dyn Fn(&[f64]) -> Option<f64>| {
        finite(mean(outcomes.iter().filter_map(|one| metric(&one.assets))))
    };
    Joined {
        total_return: over_slices(&total_return),
        sharpe: of_returns(sharpe),
        volatility: of_returns(volatility),
        max_drawdown: over_slices(&max_drawdown),
        calmar: over_slices(&|assets| calmar(assets, periods)),
        sortino: of_returns(sortino),
    }
}

/// NaN without values.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    sum / f64::from(count)
}

/// Population form; NaN without values.
fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values.iter().copied());
    mean(values.iter().map(|value| (value - centre) * (value - centre))).sqrt()
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn near(found: Option<f64>, wanted: f64) {
        let found = found.expect("defined");
        assert!((found - wanted).abs() <= 1e-7 * wanted.abs().max(1.0), "{found} {wanted}");
    }

    fn test(truth: Truth) -> SliceTest {
        SliceTest { truth, label: 1, longer_than: 1, periods_per_year: 4.0 }
    }

    const LABELS: [u32; 9] = [1, 1, 1, 0, 1, 0, 1, 1, 1];

    /// 100 → 90 → 110 on the first slice, 100 → 120 … on the other; recorded as currency.
    fn outcome(slice: Slice) -> SliceOutcome {
        if slice.start == 0 {
            SliceOutcome { assets: vec![100.0, 90.0, 110.0], recorded: vec![0.0, -10.0, 20.0] }
        } else {
            SliceOutcome { assets: vec![100.0, 120.0], recorded: vec![0.0, 20.0] }
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
        near(found.total_return, 0.15);
        // From the top 110, which comes after the fall: 20/110; from 120: 20/120
        near(found.max_drawdown, (20.0 / 110.0 + 20.0 / 120.0) / 2.0);
        near(found.calmar, (10.0 / (20.0 / 110.0) + 20.0 / (20.0 / 120.0)) / 2.0);
        // 0, −10, 20, 0, 20: mean 6, squares 36 + 256 + 196 + 36 + 196 = 720, deviation 12
        near(found.volatility, 12.0);
        near(found.sharpe, 6.0 / 12.0 * 2.0);
        // One negative return deviates by nothing: the sum is divided by ε.
        near(found.sortino.map(|value| value * 1e-10), 30.0 / 5.0_f64.sqrt());
    }

    #[test]
    fn corrected_falls_are_from_the_running_peak() {
        let found =
            test_label(&LABELS, &test(Truth::Corrected), &mut |slice| Ok(outcome(slice))).unwrap();
        assert_eq!(found.slices.last(), Some(&Slice { start: 6, end: 9 }));
        near(found.total_return, 0.15);
        near(found.max_drawdown, 0.05);
        let first = calmar(&[100.0, 90.0, 110.0], 4.0).unwrap();
        near(found.calmar, first);
    }

    #[test]
    fn a_label_that_does_not_occur_has_no_figures() {
        for truth in [Truth::Faithful, Truth::Corrected] {
            let absent = SliceTest { label: 7, ..test(truth) };
            let found = test_label(&LABELS, &absent, &mut |slice| Ok(outcome(slice))).unwrap();
            assert!(found.slices.is_empty());
            assert_eq!(
                [found.total_return, found.sharpe, found.sortino, found.max_drawdown],
                [None; 4]
            );
        }
    }

    #[test]
    fn a_refusal_ends_the_test() {
        let refused =
            test_label(&LABELS, &test(Truth::Corrected), &mut |_| Err(EngineError::Cancelled));
        assert_eq!(refused, Err(EngineError::Cancelled));
    }

    #[test]
    fn returns_belong_to_the_label_of_the_bar_they_lead_to() {
        let found = by_label(&[100.0, 110.0, 99.0, 99.0, 198.0], &[0, 0, 1, 1, 0], 252.0).unwrap();
        near(found[0].total_return, 1.2);
        near(found[1].total_return, -0.1);
        assert_eq!((found[0].bar_count, found[0].run_count), (3, 2));
        near(found[1].max_drawdown, 0.1);
        assert!(by_label(&[1.0], &[], 252.0).is_err());
        let broke = by_label(&[1.0, 0.0, 1.0], &[0, 0, 0], 252.0).unwrap();
        assert_eq!(broke[0].total_return, None);
    }

    proptest! {
        #[test]
        fn the_growths_of_all_labels_multiply_to_the_whole(
            steps in prop::collection::vec((-0.2..0.2_f64, 0_u32..4), 2..60),
        ) {
            let mut value = 100.0;
            let equity: Vec<f64> = steps.iter().map(|(step, _)| { value *= 1.0 + step; value }).collect();
            let labels: Vec<u32> = steps.iter().map(|(_, label)| *label).collect();
            let found = by_label(&equity, &labels, 252.0).unwrap();
            let product: f64 = found.iter().map(|one| 1.0 + one.total_return.unwrap()).product();
            let whole = 1.0 + total_return(&equity).unwrap();
            prop_assert!((product - whole).abs() < 1e-9 * whole);
            prop_assert_eq!(found.iter().map(|one| one.bar_count).sum::<usize>(), equity.len());
        }
    }
}
