//! Long reports are bounded: curves are thinned on one axis, trades are capped, figures come from everything.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(clippy::cast_possible_truncation, reason = "the shared builders write single precision")]

mod support;

use std::ops::ControlFlow;

use engine::config::{BacktestConfig, Segment, StrategyConfig};
use engine::evaluation::report::BacktestReport;
use engine::evaluation::thin::{POINTS_MAX, TRADES_MAX};
use engine::market::{MarketSeries, synthetic};
use engine::session::backtest::{BacktestInput, Source, run};
use support::strategy;

fn report(rows: usize) -> BacktestReport {
    let agent = serde_json::from_value(serde_json::json!({"algorithm": "random"})).unwrap();
    let strategy = StrategyConfig { agent, ..strategy(|_| {}) };
    let session = BacktestConfig { segment: Segment::Train, ..BacktestConfig::default() };
    let bars = MarketSeries::Bars(synthetic::generate(7, rows));
    let input = BacktestInput {
        strategy: &strategy,
        session: &session,
        data: &bars,
        source: Source { name: "synthetic", sha256: "00", synthetic: true },
        model: None,
        build: "test",
    };
    run(&input, &mut |_, _| ControlFlow::Continue(())).unwrap()
}

#[test]
fn fifty_thousand_bars_give_a_report_of_bounded_size() {
    let report = report(50_000);
    let points = report.times_ms.len();
    assert!(POINTS_MAX / 4 < points && points <= POINTS_MAX, "{points}");
    assert_eq!(report.prices.len(), points);
    assert!(report.times_ms.windows(2).all(|pair| pair[0] < pair[1]), "the axis is in order");
    for result in std::iter::once(&report.agent).chain(&report.baselines) {
        let lengths = [result.equity.len(), result.drawdown.len(), result.position.len()];
        assert_eq!(lengths, [points; 3], "{}", result.name);
        let worst = result.drawdown.iter().copied().fold(0.0, f64::max);
        let measured = result.metrics["max_drawdown"].unwrap();
        assert!((worst - measured).abs() < 1e-12, "{}: {worst}, {measured}", result.name);
        let (first, last) = (result.equity[0], result.equity[points - 1]);
        let growth = result.metrics["total_return"].unwrap();
        assert!(
            (last / first - 1.0 - growth).abs() < 1e-9,
            "{}: first and last are kept",
            result.name
        );
    }
    assert_eq!(report.agent.trades.len(), TRADES_MAX);
    for trade in &report.agent.trades {
        let index = trade.index as usize;
        assert!(trade.time_ms <= report.times_ms[index]);
        assert!(index == 0 || report.times_ms[index - 1] < trade.time_ms);
    }
    for words in ["Curves show", "Trades list the first"] {
        assert!(
            report.remarks.iter().any(|one| one.contains(words)),
            "{words}: {:?}",
            report.remarks
        );
    }
    assert!(serde_json::to_vec(&report).unwrap().len() < 8 << 20);
}

#[test]
fn a_short_report_is_left_as_it_is() {
    let report = report(5_000);
    assert!(3_400 < report.times_ms.len());
    assert!(!report.remarks.iter().any(|one| one.contains("Curves show")));
}
