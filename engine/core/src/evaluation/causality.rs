//! The causality test: overwrite the future with noise and demand the same past, bit for bit.
//!
//! What is tested is a closure from data of any kind to one row of numbers per row of the data: features, observations,
//! decisions, or all of them side by side. For random cut times everything behind the cut is overwritten; rows up to the cut must be
//! bit-equal. Besides, the series is begun later and the drift of the same rows is reported: indicators with a long
//! memory differ, and by how much is a figure, not a failure.
//!
//! Source: learning.md section 10.2.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::timeline::Timeline;
use crate::error::EngineError;
use crate::rng::{Stream, StreamId};

/// Cuts unless told otherwise.
pub const CUTS: u32 = 16;

/// What is computed from a series: one row of numbers per bar, in time order, not defined in the first bars perhaps.
/// Rows stand at the end: the last row belongs to the last bar.
pub type Decide<'a, T> = &'a dyn Fn(&T) -> Result<Rows, EngineError>;

/// One row of numbers per row of the data; a number that is not defined is absent.
pub type Rows = Vec<Vec<Option<f64>>>;

/// How hard is tried.
#[derive(Debug, Clone, PartialEq)]
pub struct CausalityPlan {
    /// Random cut times.
    pub cuts: u32,
    /// Rows that every second cut falls into, where decisions are made in these alone; anywhere when empty.
    pub focus: Range<usize>,
    /// Bars left away at the beginning, one run each.
    pub shortened: Vec<usize>,
    /// Seed of cuts and noise.
    pub seed: u64,
}

/// A number that knew the future.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CausalityViolation")]
pub struct Violation {
    /// Last bar that was left as it is.
    pub cut: u32,
    /// Bar whose row changed.
    pub bar: u32,
    /// Column that changed.
    pub column: u32,
    /// Its value before; absent where not defined.
    pub before: Option<f64>,
    /// Its value with another future.
    pub after: Option<f64>,
}

/// How much the beginning of a series matters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// Bars left away at the beginning.
    pub shortened: u32,
    /// Numbers that are defined in both.
    pub compared: u32,
    /// Largest difference in any bar, relative to the number or to 1 where it is smaller.
    pub largest: f64,
    /// The same in the last bar: what is left of the beginning at the end.
    pub last: f64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CausalityReport {
    /// Whether no number knew the future.
    pub passed: bool,
    /// Cuts that were tried.
    pub cuts: u32,
    /// The first violation of each cut that has one.
    pub violations: Vec<Violation>,
    /// One entry per shortened run.
    pub drift: Vec<Drift>,
}

/// Tests whether any number depends on what comes after it.
///
/// # Errors
/// Refuses a series shorter than 4 bars and rows that are not one per bar; passes on what the closure refuses.
pub fn causality<T: Timeline>(
    series: &T,
    decide: Decide<'_, T>,
    plan: &CausalityPlan,
) -> Result<CausalityReport, EngineError> {
    let bars = series.rows();
    let before = rows_of(series, decide)?;
    if bars < 4 {
        return Err(refused(format!("wanted at least 4 bars, found {bars}")));
    }
    let mut stream = Stream::new(plan.seed, StreamId::Synthesis, 0);
    let mut violations = Vec::new();
    for number in 0..plan.cuts {
        // one cut at the very beginning and one before the last bar, the others anywhere between
        let cut = match number {
            0 => bars - 2,
            1 => 0,
            _ => {
                let focus = plan.focus.start.min(bars - 1)..plan.focus.end.min(bars - 1);
                let anywhere = number % 2 == 1 || focus.is_empty();
                let within = if anywhere { 0..bars - 1 } else { focus };
                let drawn = stream.below(narrow(within.len()));
                within.start + usize::try_from(drawn).unwrap_or(0)
            }
        };
        let after = rows_of(&series.other_future(cut, &mut stream), decide)?;
        violations.extend(first_difference(&before, &after, cut));
    }
    let mut drift = Vec::new();
    for shortened in plan.shortened.iter().filter(|count| **count < bars) {
        let shorter = rows_of(&series.later(*shortened)?, decide)?;
        drift.push(measure(&before[*shortened..], &shorter, *shortened));
    }
    Ok(CausalityReport { passed: violations.is_empty(), cuts: plan.cuts, violations, drift })
}

/// Returns the rows, one per bar; bars before the first row have none.
fn rows_of<T: Timeline>(series: &T, decide: Decide<'_, T>) -> Result<Rows, EngineError> {
    let rows = decide(series)?;
    let wanted = series.rows();
    let missing = wanted.checked_sub(rows.len()).ok_or_else(|| {
        refused(format!("wanted at most one row per bar ({wanted}), found {}", rows.len()))
    })?;
    let mut padded = vec![Vec::new(); missing];
    padded.extend(rows);
    Ok(padded)
}

fn first_difference(
    before: &[Vec<Option<f64>>],
    after: &[Vec<Option<f64>>],
    cut: usize,
) -> Option<Violation> {
    let bits = |value: Option<f64>| value.map(f64::to_bits);
    for (bar, (old, new)) in before.iter().zip(after).take(cut + 1).enumerate() {
        for column in 0..old.len().max(new.len()) {
            let value = |row: &Vec<Option<f64>>| row.get(column).copied().flatten();
            let there = |row: &Vec<Option<f64>>| row.get(column).is_some();
            if bits(value(old)) != bits(value(new)) || there(old) != there(new) {
                return Some(Violation {
                    cut: narrow(cut),
                    bar: narrow(bar),
                    column: narrow(column),
                    before: value(old),
                    after: value(new),
                });
            }
        }
    }
    None
}

/// Returns the drift between rows of the whole and of the shortened series, both from the same bar on.
fn measure(whole: &[Vec<Option<f64>>], shorter: &[Vec<Option<f64>>], shortened: usize) -> Drift {
    let mut drift = Drift { shortened: narrow(shortened), compared: 0, largest: 0.0, last: 0.0 };
    let last = whole.len().saturating_sub(1);
    for (bar, (old, new)) in whole.iter().zip(shorter).enumerate() {
        for (old, new) in old.iter().zip(new) {
            let (Some(old), Some(new)) = (old, new) else { continue };
            let difference = (old - new).abs() / old.abs().max(1.0);
            drift.compared += 1;
            drift.largest = drift.largest.max(difference);
            if bar == last {
                drift.last = drift.last.max(difference);
            }
        }
    }
    drift
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "causality test", detail }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::market::BarSeries;
    use crate::testkit::bars_from_closes;

    type Rows = Result<super::Rows, EngineError>;

    fn series(bars: u32) -> BarSeries {
        let closes: Vec<f64> =
            (0..bars).map(|bar| 100.0 + 10.0 * (f64::from(bar) * 0.3).sin()).collect();
        let mut series = bars_from_closes(&closes);
        series.volume = Some(vec![1_000.0; closes.len()]);
        series
    }

    fn plan() -> CausalityPlan {
        CausalityPlan { cuts: CUTS, focus: 0..0, shortened: vec![5, 20], seed: 1 }
    }

    /// Moving average of the last three closes.
    fn honest(series: &BarSeries) -> Rows {
        Ok((0..series.len())
            .map(|bar| {
                let window = bar.checked_sub(2).and_then(|first| series.close.get(first..=bar));
                vec![window.map(|closes| closes.iter().sum::<f64>() / 3.0)]
            })
            .collect())
    }

    /// Scaled by the highest close of the whole series.
    fn peeks(series: &BarSeries) -> Rows {
        let top = series.close.iter().copied().fold(0.0, f64::max);
        Ok(series.close.iter().map(|close| vec![Some(1.0), Some(close / top)]).collect())
    }

    /// Knows the next bar's close.
    fn one_ahead(series: &BarSeries) -> Rows {
        Ok((0..series.len()).map(|bar| vec![series.close.get(bar + 1).copied()]).collect())
    }

    #[test]
    fn an_honest_feature_passes_and_does_not_drift() {
        let report = causality(&series(60), &honest, &plan()).unwrap();
        assert!(report.passed && report.violations.is_empty());
        assert_eq!(report.drift.len(), 2);
        assert!(report.drift.iter().all(|drift| drift.largest <= 0.0));
        assert_eq!(report.drift[0].compared, 53);
    }

    #[test]
    fn one_bar_of_foresight_is_found_at_the_cut() {
        let report = causality(&series(60), &one_ahead, &plan()).unwrap();
        assert!(!report.passed);
        assert_eq!(report.violations.len(), CUTS as usize);
        assert!(report.violations.iter().all(|found| found.bar == found.cut && found.column == 0));
    }

    #[test]
    fn every_second_cut_falls_where_it_should() {
        let plan = CausalityPlan { focus: 50..53, ..plan() };
        let report = causality(&series(60), &one_ahead, &plan).unwrap();
        let cuts: Vec<u32> = report.violations.iter().map(|found| found.cut).collect();
        assert_eq!((cuts[0], cuts[1], cuts.len()), (58, 0, 16));
        assert!(cuts.iter().skip(2).step_by(2).all(|cut| (50..53).contains(cut)), "{cuts:?}");
        assert!(cuts.iter().skip(3).step_by(2).any(|cut| *cut < 50), "{cuts:?}");
    }

    #[test]
    fn scaling_by_the_whole_series_is_found() {
        let report = causality(&series(60), &peeks, &plan()).unwrap();
        assert!(!report.passed);
        assert_eq!(report.violations[0].column, 1);
    }

    #[test]
    fn a_long_memory_drifts_and_forgets() {
        let average = |series: &BarSeries| -> Rows {
            let mut value = series.close[0];
            Ok(series
                .close
                .iter()
                .map(|close| {
                    value += 0.1 * (close - value);
                    vec![Some(value)]
                })
                .collect())
        };
        let report = causality(&series(200), &average, &plan()).unwrap();
        assert!(report.passed);
        assert!(
            1e-3 < report.drift[1].largest && report.drift[1].last < 1e-6,
            "{:?}",
            report.drift
        );
    }

    #[test]
    fn the_classic_features_know_no_future_and_forget_their_beginning() {
        let rows = |series: &BarSeries| -> Rows {
            let frame = crate::features::frame(series, crate::config::FeatureSet::Classic16);
            let row = |bar| frame.row(bar).unwrap_or_default().iter().copied().map(Some).collect();
            Ok((0..series.len()).map(row).collect())
        };
        let plan = CausalityPlan { shortened: vec![60], ..plan() };
        let report = causality(&series(200), &rows, &plan).unwrap();
        assert!(report.passed, "{:?}", report.violations);
        assert!(1_000 < report.drift[0].compared);
        assert!(report.drift[0].largest < 1e-9, "{:?}", report.drift);
    }

    #[test]
    fn rows_that_vanish_with_the_future_are_a_violation() {
        let shrinks = |series: &BarSeries| -> Rows {
            let kept = series.close.iter().rev().take_while(|close| **close < 1e3).count();
            let rising = series.close.windows(2).filter(|pair| pair[0] < pair[1]).count();
            Ok(vec![vec![Some(1.0)]; kept.min(rising)])
        };
        assert!(!causality(&series(60), &shrinks, &plan()).unwrap().passed);
    }

    #[test]
    fn refuses_short_series_and_too_many_rows_and_passes_errors_on() {
        assert!(causality(&series(3), &honest, &plan()).is_err());
        let many = |series: &BarSeries| -> Rows { Ok(vec![vec![]; series.len() + 1]) };
        assert!(causality(&series(9), &many, &plan()).is_err());
        let fails = |_: &BarSeries| -> Rows { Err(EngineError::Cancelled) };
        assert_eq!(causality(&series(9), &fails, &plan()), Err(EngineError::Cancelled));
    }

    proptest! {
        #[test]
        fn another_future_is_a_market_with_the_same_past(bars in 4_u32..80, cut in 0_usize..80, seed in any::<u64>()) {
            let series = series(bars);
            let cut = cut % series.len();
            let other = series.other_future(cut, &mut Stream::new(seed, StreamId::Synthesis, 0));
            prop_assert_eq!(&other.close[..=cut], &series.close[..=cut]);
            prop_assert_eq!(&other.time_ms, &series.time_ms);
            for bar in other.bars().skip(cut + 1) {
                prop_assert!(0.0 < bar.low && bar.low <= bar.open.min(bar.close) && bar.open.max(bar.close) <= bar.high);
            }
            prop_assert!(cut + 1 == series.len() || other.close[cut + 1..] != series.close[cut + 1..]);
        }
    }
}
