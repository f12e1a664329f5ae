//! Does anything that the policy computes depend on what comes after it? Features, decisions, holdings and the account of
//! every row are computed again with another future behind them, on data of any kind. And how much do features depend on
//! how early the data begins?

use super::report::{CausalityOutcome, WarmUpDrift};
use super::runs::{Member, Runs, Stretch};
use crate::config::{Segment, SplitConfig, StrategyConfig};
use crate::environment::depth_features;
use crate::error::EngineError;
use crate::evaluation::causality::{CausalityPlan, Decide, Rows, causality};
use crate::evaluation::timeline::Timeline;
use crate::features::{FeatureFrame, frame_of, warmup_rows_of};
use crate::market::part::times_of;
use crate::market::{BarPanel, MarketSeries};
use crate::session::backtest::Track;

/// Multiples of the features' own warm-up that are tried.
const WARM_UPS: [usize; 3] = [1, 2, 4];

/// Tests the policy on one segment. The data is run as a whole: what is fitted on the training segment is fitted anew.
/// Every second cut falls into the judged rows.
///
/// # Errors
/// Refuses fewer than 4 rows, and what a run refuses.
pub(super) fn test(
    strategy: &StrategyConfig,
    data: &MarketSeries,
    (split, segment): (&SplitConfig, Segment),
    (member, cuts): (Member<'_>, u32),
    (judged, runs): (&Track, &mut Runs<'_, '_, '_>),
) -> Result<CausalityOutcome, EngineError> {
    let first = judged.times_ms.first().copied().unwrap_or(i64::MAX);
    let last = judged.times_ms.last().copied().unwrap_or(i64::MIN);
    let times = times_of(data);
    let focus = times.partition_point(|time| *time < first)
        ..times.partition_point(|time| *time <= last).saturating_sub(1);
    let shared = std::cell::RefCell::new(runs);
    let decide = |data: &MarketSeries| {
        let track = shared.borrow_mut().alone(Stretch { data, split, segment }, member)?;
        rows(strategy, data, &track)
    };
    let begins = focus.start;
    let plan = CausalityPlan { cuts, focus, shortened: Vec::new(), seed: u64::from(member.seed) };
    let mut found = outcome(data, &decide, &plan)?;
    found.warm_up = warm_up(strategy, data, begins)?;
    Ok(found)
}

/// Overwrites the future of anything that computes one row of numbers per row of the data.
fn outcome<T: Timeline>(
    data: &T,
    decide: Decide<'_, T>,
    plan: &CausalityPlan,
) -> Result<CausalityOutcome, EngineError> {
    let found = causality(data, decide, plan)?;
    let violation = found.violations.first().copied();
    let detail = match violation {
        None => format!(
            "With another future behind {} random rows of the data every feature, decision, holding and account value up \
             to them stayed the same, bit for bit.",
            found.cuts
        ),
        Some(one) => format!(
            "With another future behind row {} the numbers of row {} changed: something knows what comes after it.",
            one.cut, one.bar
        ),
    };
    let warm_up = Vec::new();
    Ok(CausalityOutcome { passed: found.passed, cuts: found.cuts, violation, detail, warm_up })
}

/// Returns per row of the data its features, and where the policy ran its decision, its holdings and its account.
fn rows(
    strategy: &StrategyConfig,
    data: &MarketSeries,
    track: &Track,
) -> Result<Rows, EngineError> {
    let mut rows = features(strategy, data)?;
    let first = track.times_ms.first().copied().unwrap_or(i64::MAX);
    let begins = times_of(data).partition_point(|time| *time < first);
    let width = track.weights.len().checked_div(track.equity.len()).unwrap_or(0);
    for (place, row) in rows.iter_mut().skip(begins).take(track.equity.len()).enumerate() {
        row.extend(track.decisions.at(place, width).iter().map(defined));
        let weights = track.weights.get(place * width..(place + 1) * width).unwrap_or_default();
        row.extend(weights.iter().map(defined));
        row.extend([defined(&track.position[place]), defined(&track.equity[place])]);
    }
    Ok(rows)
}

/// Returns the features of each row before they are normalised; of a panel those of all instruments side by side.
fn features(strategy: &StrategyConfig, data: &MarketSeries) -> Result<Rows, EngineError> {
    Ok(match data {
        MarketSeries::Bars(bars) => framed(&frame_of(bars, &strategy.features)?, bars.len()),
        MarketSeries::Panel(panel) => of_panel(strategy, panel)?,
        MarketSeries::Book(book) => framed(&depth_features(book), book.len()),
        MarketSeries::Trades(trades) => vec![Vec::new(); trades.len()],
    })
}

fn framed(frame: &FeatureFrame, rows: usize) -> Rows {
    let cells = |row| frame.row(row).unwrap_or_default().iter().map(defined).collect();
    (0..rows).map(cells).collect()
}

fn of_panel(strategy: &StrategyConfig, panel: &BarPanel) -> Result<Rows, EngineError> {
    let mut rows = vec![Vec::new(); panel.rows()];
    for column in 0..panel.width() {
        let frame = frame_of(&panel.series(column), &strategy.features)?;
        let mut bars = 0;
        for (row, cells) in rows.iter_mut().enumerate() {
            let there = panel.present[row * panel.width() + column];
            match frame.row(bars).filter(|own| there && !own.is_empty()) {
                Some(own) => cells.extend(own.iter().map(defined)),
                None => cells.extend(vec![None; frame.width]),
            }
            bars += usize::from(there);
        }
    }
    Ok(rows)
}

/// Returns how much the features of the judged rows differ when the data begins later: with so many rows before them as
/// the features need, and twice and four times as many, instead of all there are.
fn warm_up(
    strategy: &StrategyConfig,
    data: &MarketSeries,
    begins: usize,
) -> Result<Vec<WarmUpDrift>, EngineError> {
    let needed = match data {
        MarketSeries::Bars(_) | MarketSeries::Panel(_) => warmup_rows_of(&strategy.features)?,
        MarketSeries::Book(_) | MarketSeries::Trades(_) => 0,
    };
    let before: Vec<usize> = WARM_UPS
        .into_iter()
        .map(|times| needed * times)
        .filter(|rows| 0 < *rows && *rows < begins)
        .collect();
    if before.is_empty() {
        return Ok(Vec::new());
    }
    let judged = Timeline::rows(data).saturating_sub(begins);
    let decide = |data: &MarketSeries| {
        let all = features(strategy, data)?;
        Ok(all[all.len().saturating_sub(judged)..].to_vec())
    };
    let shortened = before.iter().map(|rows| begins - rows).collect();
    let plan = CausalityPlan { cuts: 0, focus: 0..0, shortened, seed: 0 };
    let found = causality(data, &decide, &plan)?;
    Ok(before
        .iter()
        .zip(&found.drift)
        .map(|(rows, drift)| WarmUpDrift {
            rows_before: u32::try_from(*rows).unwrap_or(u32::MAX),
            compared: drift.compared,
            largest: drift.largest,
            last: drift.last,
        })
        .collect())
}

fn defined(value: &f64) -> Option<f64> {
    value.is_finite().then_some(*value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{BarSeries, Join, synthetic};

    fn plan() -> CausalityPlan {
        CausalityPlan { cuts: 16, focus: 0..0, shortened: Vec::new(), seed: 1 }
    }

    fn panel() -> BarPanel {
        let series: Vec<BarSeries> = (0..3)
            .map(|seed| {
                let mut one = synthetic::generate(seed, 200);
                one.instrument = format!("S{seed}");
                one
            })
            .collect();
        BarPanel::join(&series, Join::Inner).unwrap()
    }

    #[test]
    fn foresight_is_caught() {
        let bars = synthetic::generate(3, 300);
        // Buys where tomorrow's close is higher.
        let foresight = |series: &BarSeries| -> Result<Rows, EngineError> {
            let mut rows: Rows = series
                .close
                .windows(2)
                .map(|pair| vec![Some(f64::from(u8::from(pair[0] < pair[1])))])
                .collect();
            rows.push(vec![Some(0.0)]);
            Ok(rows)
        };
        let found = outcome(&bars, &foresight, &plan()).unwrap();
        assert!(!found.passed);
        let violation = found.violation.unwrap();
        assert_eq!(violation.bar, violation.cut, "only the bar before the cut can differ");
        assert!(found.detail.contains("changed"), "{}", found.detail);
    }

    #[test]
    fn a_portfolio_that_peeks_at_the_best_instrument_of_tomorrow_is_caught() {
        let data = MarketSeries::Panel(panel());
        let peeks = |data: &MarketSeries| -> Result<Rows, EngineError> {
            let MarketSeries::Panel(panel) = data else { panic!("a panel stays one") };
            let growth = |row: usize, column: usize| {
                panel.close[(row + 1) * 3 + column] / panel.close[row * 3 + column]
            };
            let best = |row: usize| {
                (0..3).max_by(|one, two| growth(row, *one).total_cmp(&growth(row, *two)))
            };
            let mut rows: Rows = (0..panel.rows() - 1)
                .map(|row| {
                    (0..3)
                        .map(|column| Some(f64::from(u8::from(best(row) == Some(column)))))
                        .collect()
                })
                .collect();
            rows.push(vec![Some(1.0), Some(0.0), Some(0.0)]);
            Ok(rows)
        };
        let found = outcome(&data, &peeks, &plan()).unwrap();
        assert!(!found.passed);
        assert_eq!(found.violation.map(|one| one.bar), found.violation.map(|one| one.cut));
    }

    #[test]
    fn what_looks_back_passes() {
        let bars = synthetic::generate(3, 300);
        let hindsight_free = |series: &BarSeries| -> Result<Rows, EngineError> {
            Ok(series.close.iter().map(|close| vec![Some(*close)]).collect())
        };
        let found = outcome(&bars, &hindsight_free, &plan()).unwrap();
        assert!(found.passed && found.cuts == 16 && found.violation.is_none());
    }

    #[test]
    fn features_of_a_panel_stand_with_the_rows_that_they_belong_to() {
        let (strategy, panel) = (StrategyConfig::default(), panel());
        let rows = of_panel(&strategy, &panel).unwrap();
        let alone = framed(&frame_of(&panel.series(1), &strategy.features).unwrap(), 200);
        let width = alone[199].len();
        assert!(0 < width && rows.iter().all(|row| row.len() == 3 * width));
        assert_eq!(rows[150][width..2 * width], alone[150]);
    }

    #[test]
    fn with_more_rows_before_them_features_differ_less_or_not_at_all() {
        let data = MarketSeries::Bars(synthetic::generate(3, 600));
        let strategy = StrategyConfig::default();
        let found = warm_up(&strategy, &data, 500).unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
        let needed = u32::try_from(warmup_rows_of(&strategy.features).unwrap()).unwrap();
        assert_eq!(found[2].rows_before, 4 * needed);
        assert!(found.iter().all(|one| 0 < one.compared && one.last <= one.largest));
        assert_eq!(warm_up(&strategy, &data, 1).unwrap(), []);
    }
}
