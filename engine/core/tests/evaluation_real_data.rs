//! Evaluations on real markets: one stock, thirty of them, and a book.
//!
//! Needs the reference's files (`TM_TEST_DATA`, default `../shared/data`); says so and skips where they are absent.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use std::ops::ControlFlow;

use engine::config::{
    AgentConfig, BootstrapConfig, EnvironmentConfig, EvaluationConfig, EvaluationScheme,
    StrategyConfig, WalkWindow,
};
use engine::evaluation::deflated_sharpe::SharpeSample;
use engine::market::{BarSeries, MarketSeries};
use engine::metrics::Figure;
use engine::metrics::returns::returns;
use engine::session::backtest::Source;
use engine::session::evaluation::{
    CheckCode, CheckOutcome, EvaluationInput, EvaluationReport, Outcome, run,
};
use support::real::{book, series, stocks};

fn judge(
    strategy: &StrategyConfig,
    session: &EvaluationConfig,
    data: &MarketSeries,
) -> EvaluationReport {
    let input = EvaluationInput {
        strategy,
        session,
        data,
        source: Source { name: "real", sha256: "00", synthetic: false },
        models: &[],
        trials: &[],
        trials_lost: 0,
        build: "test",
    };
    run(&input, &mut |_, _| ControlFlow::Continue(())).unwrap()
}

fn strategy(algorithm: &str, task: &str) -> StrategyConfig {
    StrategyConfig {
        agent: AgentConfig::of(algorithm).unwrap(),
        environment: EnvironmentConfig::of(task).unwrap(),
        ..StrategyConfig::default()
    }
}

/// Everything on, but small.
fn session() -> EvaluationConfig {
    EvaluationConfig {
        bootstrap: BootstrapConfig { resamples: 1_000, ..BootstrapConfig::default() },
        cost_multipliers: vec![1.0, 2.0],
        seeds: 3,
        causality_cuts: 4,
        ..EvaluationConfig::default()
    }
}

fn outcome(report: &EvaluationReport, code: CheckCode) -> CheckOutcome {
    report.verdict.checks.iter().find(|check| check.code == code).unwrap().outcome
}

#[test]
fn a_stock_is_judged_by_figures_that_can_be_done_by_hand() {
    let Some(stocks) = series(&["AAPL"]) else { return };
    let apple: BarSeries = stocks[0].clone();
    let scheme = EvaluationScheme::WalkForward {
        window: WalkWindow::Anchored,
        train_bars: 500,
        test_bars: 250,
    };
    let session = EvaluationConfig { scheme, ..session() };
    let report = judge(
        &strategy("buy_and_hold", "algorithmic_trading"),
        &session,
        &MarketSeries::Bars(apple.clone()),
    );
    let agent = &report.policies[0];
    let per_bar = returns(&agent.equity).unwrap();
    let sample = SharpeSample::of(&per_bar).unwrap();
    let evidence = report.sharpe.as_ref().unwrap();
    assert!((evidence.ratio - sample.ratio * report.periods_per_year.sqrt()).abs() < 1e-12);
    assert_eq!(evidence.psr, sample.probability_above(0.0));
    assert!((200.0..260.0).contains(&report.periods_per_year), "{}", report.periods_per_year);
    assert_eq!(outcome(&report, CheckCode::Causality), CheckOutcome::Passed);
    let folds = report.folds.as_ref().unwrap();
    assert_eq!(folds.items.len(), (apple.len() - 500) / 250);
    let rung = report.costs.as_ref().unwrap().rungs[0].total_return;
    assert_eq!(rung, agent.sheet.figures[&Figure::TotalReturn]);
    assert!(!report.synthetic && report.remarks.iter().all(|text| !text.contains("synthetic")));
    assert_eq!(
        report.regimes.as_ref().unwrap().rows.iter().map(|row| row.bar_count).sum::<usize>(),
        report.bar_count
    );
}

#[test]
fn chance_on_a_real_stock_is_not_shown() {
    let Some(stocks) = series(&["KO"]) else { return };
    let report = judge(
        &strategy("random", "algorithmic_trading"),
        &session(),
        &MarketSeries::Bars(stocks[0].clone()),
    );
    assert_ne!(report.verdict.outcome, Outcome::Shown);
    assert_eq!(report.seeds.as_ref().map(|study| study.count), Some(3));
}

#[test]
fn thirty_stocks_and_a_book_are_judged_as_far_as_their_kind_allows() {
    let (Some(panel), Some(five)) = (stocks(), book(5)) else { return };
    let report =
        judge(&strategy("portfolio_rule", "portfolio"), &session(), &MarketSeries::Panel(panel));
    assert_eq!(report.instruments.len(), 30);
    assert!(report.sharpe.is_some() && report.snooping.is_some() && report.oracle.is_none());
    assert_eq!(outcome(&report, CheckCode::Causality), CheckOutcome::Passed);
    let report =
        judge(&strategy("buy_and_hold", "high_frequency"), &session(), &MarketSeries::Book(five));
    assert!(report.policies.iter().any(|policy| policy.name == "hindsight_oracle"));
    assert!(report.oracle.is_some() && report.costs.is_some(), "{:?}", report.missing);
}
