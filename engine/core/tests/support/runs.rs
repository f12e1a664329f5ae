//! Whole back-tests for tests: strategies from JSON, runs, and what must hold of every report.

use std::ops::ControlFlow;

use engine::config::{BacktestConfig, StrategyConfig};
use engine::error::EngineError;
use engine::evaluation::report::{BacktestReport, PolicyResult};
use engine::market::{BarPanel, Join, MarketSeries, synthetic};
use engine::metrics::MetricName;
use engine::session::backtest::{BacktestInput, Source, run};
use serde_json::{Value, json};

/// A strategy that is valid.
pub(crate) fn strategy(environment: Value, agent: Value) -> StrategyConfig {
    let value = json!({"environment": environment, "agent": agent});
    engine::config::validate::strategy(&value).expect("a strategy")
}

pub(crate) fn backtest(
    strategy: &StrategyConfig,
    session: &BacktestConfig,
    data: &MarketSeries,
) -> Result<BacktestReport, EngineError> {
    let source = Source { name: "test", sha256: "00", synthetic: false };
    let input = BacktestInput { strategy, session, data, source, model: None, build: "test" };
    run(&input, &mut |_, _| ControlFlow::Continue(()))
}

pub(crate) fn report(strategy: &StrategyConfig, data: &MarketSeries) -> BacktestReport {
    backtest(strategy, &BacktestConfig::default(), data).unwrap()
}

pub(crate) fn baseline<'a>(report: &'a BacktestReport, name: &str) -> &'a PolicyResult {
    report.baselines.iter().find(|one| one.name == name).expect(name)
}

pub(crate) fn names(report: &BacktestReport) -> Vec<&str> {
    report.baselines.iter().map(|one| one.name.as_str()).collect()
}

pub(crate) fn last(values: &[f64]) -> f64 {
    *values.last().unwrap()
}

pub(crate) fn near(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-9 * left.abs().max(right.abs()).max(1.0)
}

pub(crate) fn all_of(report: &BacktestReport) -> impl Iterator<Item = &PolicyResult> {
    std::iter::once(&report.agent).chain(&report.baselines)
}

pub(crate) fn assert_whole(report: &BacktestReport) {
    let points = report.times_ms.len();
    assert_eq!(report.prices.len(), points);
    assert!(report.prices.iter().all(|price| 0.0 < *price));
    assert!(report.times_ms.windows(2).all(|pair| pair[0] < pair[1]));
    for result in all_of(report) {
        let lengths = [result.equity.len(), result.drawdown.len(), result.position.len()];
        assert_eq!(lengths, [points; 3], "{}", result.name);
        for name in MetricName::RUN {
            assert!(result.metrics.contains_key(name.as_str()), "{} lacks {name}", result.name);
        }
        for trade in &result.trades {
            assert!(trade.quantity > 0.0 && (trade.index as usize) < points);
        }
        if let Some(weights) = &result.weights {
            assert_eq!(weights.rows.len(), points);
            for row in &weights.rows {
                assert_eq!(row.len(), weights.names.len());
                assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-3, "{row:?}");
                assert!(row.iter().all(|weight| (0.0..=1.0).contains(weight)), "{row:?}");
            }
        }
    }
    let back: BacktestReport =
        serde_json::from_str(&serde_json::to_string(report).unwrap()).unwrap();
    assert_eq!(&back, report);
}

/// Instruments that wander, by name.
pub(crate) fn panel(names: &[&str], rows: usize) -> BarPanel {
    let series: Vec<_> = names
        .iter()
        .map(|name| {
            let seed = name.bytes().map(u64::from).sum();
            let mut series = synthetic::generate(seed, rows);
            (*name).clone_into(&mut series.instrument);
            series
        })
        .collect();
    BarPanel::join(&series, Join::Inner).unwrap()
}

pub(crate) fn portfolio(agent: Value) -> StrategyConfig {
    strategy(json!({"task": "portfolio"}), agent)
}
