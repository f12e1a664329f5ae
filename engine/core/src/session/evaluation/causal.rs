//! Does anything that the policy computes depend on what comes after it? Features, holdings and the account of every bar
//! are computed again with another future behind them. Bars of one instrument only.

use super::report::CausalityOutcome;
use super::runs::{Member, Runs, Stretch};
use crate::config::{Segment, SplitConfig, StrategyConfig};
use crate::error::EngineError;
use crate::evaluation::causality::{CausalityPlan, Decide, causality};
use crate::features::frame_of;
use crate::market::{BarSeries, MarketSeries};
use crate::session::backtest::Track;

/// Tests the policy on one segment. Series are run as a whole: what is fitted on the training segment is fitted anew.
///
/// # Errors
/// Refuses fewer than 4 bars, and what a run refuses.
pub(super) fn test(
    strategy: &StrategyConfig,
    bars: &BarSeries,
    (split, segment): (&SplitConfig, Segment),
    (member, cuts): (Member<'_>, u32),
    runs: &mut Runs<'_, '_, '_>,
) -> Result<CausalityOutcome, EngineError> {
    let shared = std::cell::RefCell::new(runs);
    let decide = |series: &BarSeries| {
        let data = MarketSeries::Bars(series.clone());
        let stretch = Stretch { data: &data, split, segment };
        let track = shared.borrow_mut().alone(stretch, member)?;
        rows(strategy, series, &track)
    };
    outcome(bars, &decide, cuts, member.seed)
}

/// Overwrites the future of anything that computes one row of numbers per bar.
fn outcome(
    bars: &BarSeries,
    decide: Decide<'_>,
    cuts: u32,
    seed: u32,
) -> Result<CausalityOutcome, EngineError> {
    let plan = CausalityPlan { cuts, shortened: Vec::new(), seed: u64::from(seed) };
    let found = causality(bars, decide, &plan)?;
    let violation = found.violations.first().copied();
    let detail = match violation {
        None => format!(
            "With another future behind {cuts} random bars every feature, holding and account value up to them stayed the \
             same, bit for bit."
        ),
        Some(one) => format!(
            "With another future behind bar {} the numbers of bar {} changed: something knows what comes after it.",
            one.cut, one.bar
        ),
    };
    Ok(CausalityOutcome { passed: found.passed, cuts: found.cuts, violation, detail })
}

/// Returns per bar its features, and where the policy ran its holding and its account.
fn rows(
    strategy: &StrategyConfig,
    series: &BarSeries,
    track: &Track,
) -> Result<Vec<Vec<Option<f64>>>, EngineError> {
    let frame = frame_of(series, &strategy.features)?;
    let defined = |value: &f64| value.is_finite().then_some(*value);
    let mut rows: Vec<Vec<Option<f64>>> = if frame.width == 0 {
        vec![Vec::new(); series.len()]
    } else {
        frame.values.chunks(frame.width).map(|row| row.iter().map(defined).collect()).collect()
    };
    let first = track.times_ms.first().copied().unwrap_or(i64::MAX);
    let begins = series.time_ms.partition_point(|time| *time < first);
    let account = track.position.iter().zip(&track.equity);
    for (row, (position, equity)) in rows.iter_mut().skip(begins).zip(account) {
        row.extend([defined(position), defined(equity)]);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::synthetic;

    #[test]
    fn foresight_is_caught() {
        let bars = synthetic::generate(3, 300);
        // Buys where tomorrow's close is higher.
        let foresight = |series: &BarSeries| -> Result<Vec<Vec<Option<f64>>>, EngineError> {
            let mut rows: Vec<Vec<Option<f64>>> = series
                .close
                .windows(2)
                .map(|pair| vec![Some(f64::from(u8::from(pair[0] < pair[1])))])
                .collect();
            rows.push(vec![Some(0.0)]);
            Ok(rows)
        };
        let found = outcome(&bars, &foresight, 16, 1).unwrap();
        assert!(!found.passed);
        let violation = found.violation.unwrap();
        assert_eq!(violation.bar, violation.cut, "only the bar before the cut can differ");
        assert!(found.detail.contains("changed"), "{}", found.detail);
    }

    #[test]
    fn what_looks_back_passes() {
        let bars = synthetic::generate(3, 300);
        let hindsight_free = |series: &BarSeries| -> Result<Vec<Vec<Option<f64>>>, EngineError> {
            Ok(series.close.iter().map(|close| vec![Some(*close)]).collect())
        };
        let found = outcome(&bars, &hindsight_free, 16, 1).unwrap();
        assert!(found.passed && found.cuts == 16 && found.violation.is_none());
    }
}
