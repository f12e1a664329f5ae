//! Whole back-tests: equal inputs give equal bytes, progress is told, a stop is obeyed, remarks say what to know.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

mod support;

use std::ops::ControlFlow;

use engine::config::{AgentConfig, BacktestConfig, FillRule, Segment, SplitConfig, StrategyConfig};
use engine::environment::prepare;
use engine::error::EngineError;
use engine::evaluation::report::{BacktestReport, PolicyResult};
use engine::market::{BarSeries, MarketSeries, synthetic};
use engine::metrics::MetricName;
use engine::session::backtest::{BacktestInput, Model, Source, run};
use support::{faithful, model_file, strategy};

fn agent(name: &str) -> AgentConfig {
    serde_json::from_value(serde_json::json!({"algorithm": name})).unwrap()
}

fn backtest(
    strategy: &StrategyConfig,
    session: &BacktestConfig,
    bars: &BarSeries,
    model: Option<&[u8]>,
) -> Result<BacktestReport, EngineError> {
    let input = BacktestInput {
        strategy,
        session,
        data: &MarketSeries::Bars(bars.clone()),
        source: Source { name: "synthetic", sha256: "00", synthetic: true },
        model: model.map(|bytes| Model { bytes, sha256: "11" }),
        build: "test",
    };
    run(&input, &mut |_, _| ControlFlow::Continue(()))
}

fn ruled(name: &str) -> StrategyConfig {
    StrategyConfig { agent: agent(name), ..strategy(|_| {}) }
}

fn assert_whole(result: &PolicyResult, points: usize) {
    assert_eq!(
        [result.equity.len(), result.drawdown.len(), result.position.len()],
        [points; 3],
        "{}",
        result.name
    );
    assert!(result.drawdown.iter().all(|fall| (0.0..=1.0).contains(fall)));
    for name in MetricName::RUN {
        assert!(result.metrics.contains_key(name.as_str()), "{} lacks {name}", result.name);
    }
}

#[test]
fn equal_inputs_give_equal_bytes_and_another_seed_another_random_baseline() {
    let bars = synthetic::generate(7, 800);
    let strategy = ruled("random");
    let bytes = |seed| {
        let session = BacktestConfig { seed, ..BacktestConfig::default() };
        serde_json::to_vec(&backtest(&strategy, &session, &bars, None).unwrap()).unwrap()
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}

#[test]
fn a_report_is_whole_and_survives_json() {
    let bars = synthetic::generate(7, 800);
    let report = backtest(&ruled("random"), &BacktestConfig::default(), &bars, None).unwrap();
    let points = report.times_ms.len();
    assert_eq!(report.prices.len(), points);
    assert_eq!(points, 120 - 5 + 1);
    assert_whole(&report.agent, points);
    let names: Vec<&str> = report.baselines.iter().map(|baseline| baseline.name.as_str()).collect();
    assert_eq!(names, ["buy_and_hold", "do_nothing", "random"]);
    for baseline in &report.baselines {
        assert_whole(baseline, points);
    }
    assert!(report.random_percentile.is_some_and(|share| (0.0..=1.0).contains(&share)));
    assert!(!report.agent.trades.is_empty());
    for trade in &report.agent.trades {
        let index = trade.index as usize;
        assert!((trade.time_ms - report.times_ms[index]).abs() < 0.5);
        assert!((trade.position - report.agent.position[index]).abs() < 1e-12);
        assert!(trade.quantity > 0.0 && trade.fee > 0.0);
    }
    assert!(report.from < report.to && report.from.ends_with('Z'), "{} {}", report.from, report.to);
    let json = serde_json::to_string(&report).unwrap();
    let back: BacktestReport = serde_json::from_str(&json).unwrap();
    assert_eq!(back, report);
    assert!(report.remarks.iter().any(|remark| remark.contains("synthetic")));
}

#[test]
fn rules_as_agents_equal_their_baselines() {
    let bars = synthetic::generate(9, 800);
    let session = BacktestConfig { segment: Segment::Valid, ..BacktestConfig::default() };
    for (index, name) in ["buy_and_hold", "do_nothing"].into_iter().enumerate() {
        let report = backtest(&ruled(name), &session, &bars, None).unwrap();
        assert_eq!(report.agent.equity, report.baselines[index].equity);
        assert_eq!(report.agent.trades, report.baselines[index].trades);
    }
    let idle = backtest(&ruled("do_nothing"), &session, &bars, None).unwrap();
    assert!(idle.agent.equity.iter().all(|value| (value - 100_000.0).abs() < 1e-9));
    assert_eq!(idle.random_percentile, None);
    assert_eq!(idle.agent.metrics["sharpe"], None);
    assert!(
        idle.remarks.iter().any(|remark| remark.contains("never traded")),
        "{:?}",
        idle.remarks
    );
    let held = backtest(&ruled("buy_and_hold"), &session, &bars, None).unwrap();
    assert!(held.agent.trades.len() >= 9, "it invests lot by lot");
    assert_eq!(held.agent.metrics["win_rate"], None);
}

#[test]
fn the_random_baseline_trades_as_much_as_the_agent() {
    let bars = synthetic::generate(7, 800);
    let report = backtest(&ruled("random"), &BacktestConfig::default(), &bars, None).unwrap();
    let agent = report.agent.metrics["turnover"].unwrap();
    let random = report.baselines[2].metrics["turnover"].unwrap();
    assert!((agent / random - 1.0).abs() < 0.25, "agent {agent}, random {random}");
}

#[test]
fn a_trained_model_decides_with_its_own_normaliser() {
    let bars = synthetic::generate(7, 800);
    let strategy = strategy(|_| {});
    let fitted = prepare(&strategy, &bars, &SplitConfig::default(), None).unwrap().normaliser;
    let model = model_file(&[82, 16, 3], Some(&fitted), 3);
    let session = BacktestConfig::default();
    let with_own = backtest(&strategy, &session, &bars, Some(&model)).unwrap();
    assert_eq!(with_own.model_sha256.as_deref(), Some("11"));
    // The same weights without a normaliser are given the one fitted on the training segment: the same here.
    let without =
        backtest(&strategy, &session, &bars, Some(&model_file(&[82, 16, 3], None, 3))).unwrap();
    assert_eq!(with_own.agent, without.agent);
}

#[test]
fn refuses_models_and_data_that_do_not_fit_with_a_way_out() {
    let bars = synthetic::generate(7, 800);
    let session = BacktestConfig::default();
    let learned = strategy(|_| {});
    let text = |result: Result<BacktestReport, EngineError>| result.unwrap_err().to_string();
    assert!(text(backtest(&learned, &session, &bars, None)).contains("trained first"));
    let narrow = model_file(&[81, 4, 3], None, 1);
    assert!(text(backtest(&learned, &session, &bars, Some(&narrow))).contains("82 observations"));
    let fits = model_file(&[82, 4, 3], None, 1);
    assert!(text(backtest(&ruled("random"), &session, &bars, Some(&fits))).contains("rule"));
    assert!(
        text(backtest(&learned, &session, &bars, Some(b"no model"))).contains("whole safetensors")
    );
    let short = synthetic::generate(7, 60);
    assert!(text(backtest(&ruled("random"), &session, &short, None)).contains("bars"));
}

#[test]
fn tells_progress_in_order_and_obeys_a_stop() {
    let bars = MarketSeries::Bars(synthetic::generate(7, 800));
    let strategy = ruled("random");
    let session = BacktestConfig::default();
    let input = BacktestInput {
        strategy: &strategy,
        session: &session,
        data: &bars,
        source: Source { name: "synthetic", sha256: "00", synthetic: true },
        model: None,
        build: "test",
    };
    let mut told = Vec::new();
    run(&input, &mut |done, of| {
        told.push((done, of));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(told.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 == pair[1].1));
    assert!(told.iter().all(|(done, of)| done <= of));
    assert!(told.last().is_some_and(|(done, of)| done == of));
    let mut calls = 0;
    let stopped = run(&input, &mut |_, _| {
        calls += 1;
        if calls == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(stopped.unwrap_err(), EngineError::Cancelled);
    assert_eq!(calls, 3);
}

#[test]
fn remarks_name_what_flatters_a_result() {
    let bars = synthetic::generate(7, 800);
    let mut optimistic = ruled("random");
    optimistic.matching.fill = FillRule::SameClose;
    optimistic.matching.fee_rate = 0.0;
    let report = backtest(&optimistic, &BacktestConfig::default(), &bars, None).unwrap();
    for word in ["optimistic", "Neither fees nor slippage"] {
        assert!(
            report.remarks.iter().any(|remark| remark.contains(word)),
            "{word}: {:?}",
            report.remarks
        );
    }
    let short =
        backtest(&ruled("random"), &BacktestConfig::default(), &synthetic::generate(7, 500), None)
            .unwrap();
    assert!(
        short.remarks.iter().any(|remark| remark.contains("unreliable")),
        "{:?}",
        short.remarks
    );
}

#[test]
fn a_model_tested_on_the_bars_it_was_made_with_says_so() {
    let bars = synthetic::generate(7, 800);
    let model = model_file(&[82, 16, 3], None, 3);
    let remarks = |segment| {
        let session = BacktestConfig { segment, ..BacktestConfig::default() };
        backtest(&strategy(|_| {}), &session, &bars, Some(&model)).unwrap().remarks
    };
    let says = |remarks: &[String], words: &str| remarks.iter().any(|one| one.contains(words));
    assert!(says(&remarks(Segment::Train), "used for training"));
    assert!(says(&remarks(Segment::Valid), "used for choosing the model"));
    assert!(!says(&remarks(Segment::Test), "these bars were used"));
    let session = BacktestConfig { segment: Segment::Train, ..BacktestConfig::default() };
    let rule = backtest(&ruled("buy_and_hold"), &session, &bars, None).unwrap();
    assert!(!says(&rule.remarks, "these bars were used"), "a rule learns nothing");
}

#[test]
fn a_faithful_strategy_runs_through_the_faithful_environment_and_says_so() {
    let bars = synthetic::generate(7, 800);
    let strategy = StrategyConfig { agent: agent("buy_and_hold"), ..faithful() };
    let report = backtest(&strategy, &BacktestConfig::default(), &bars, None).unwrap();
    assert!(
        report.remarks.iter().any(|remark| remark.contains("look-ahead")),
        "{:?}",
        report.remarks
    );
    // 120 bars less F + B = 10 calls, the last of which does not move.
    assert_eq!(report.times_ms.len(), 110);
    assert_whole(&report.agent, 110);
    assert_eq!(report.agent.equity, report.baselines[0].equity);
}

/// Finite weights whose sums are not: what a trained model that went wrong may look like.
#[test]
fn a_decision_on_what_is_no_number_is_an_error_and_no_panic() {
    use safetensors::tensor::Dtype;
    let strategy = StrategyConfig { agent: agent("dqn"), ..faithful() };
    let width = 16 * 5 + 2;
    let weight = |value: f32, count: usize| vec![value.to_le_bytes(); count].concat();
    // inf - inf in the last layer.
    let last = [f32::MAX, -f32::MAX].map(f32::to_le_bytes).concat().repeat(3);
    let tensors = [
        ("layers.0.weight".to_owned(), Dtype::F32, vec![2, width], weight(f32::MAX, 2 * width)),
        ("layers.0.bias".to_owned(), Dtype::F32, vec![2], weight(0.0, 2)),
        ("layers.1.weight".to_owned(), Dtype::F32, vec![3, 2], last),
        ("layers.1.bias".to_owned(), Dtype::F32, vec![3], weight(0.0, 3)),
    ];
    let model =
        support::write_model(&tensors, &[("format", "tm-mlp-1"), ("activations", "relu,none")]);
    let bars = synthetic::generate(4, 600);
    let refused = backtest(&strategy, &BacktestConfig::default(), &bars, Some(&model));
    let error = refused.unwrap_err();
    assert!(matches!(error, EngineError::Refused { what: "decision", .. }), "{error}");
    assert!(error.to_string().contains("corrected"), "{error}");
}

/// One unit costs all the cash, so the first wish to hold after it divides nothing by nothing.
#[test]
fn a_faithful_account_that_is_no_number_ends_the_back_test_with_a_sentence() {
    let mut strategy = StrategyConfig { agent: agent("random"), ..faithful() };
    let closes = 100_000.0 * (1.0 - strategy.matching.fee_rate);
    let flat = synthetic::generate(4, 600);
    let mut bars = BarSeries { volume: None, ..flat };
    for column in
        [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close, &mut bars.adjusted_close]
    {
        column.fill(closes);
    }
    let engine::config::EnvironmentConfig::AlgorithmicTrading(config) = &mut strategy.environment
    else {
        panic!("the default is algorithmic trading");
    };
    config.initial_cash = closes / (1.0 - strategy.matching.fee_rate);
    let refused = backtest(&strategy, &BacktestConfig::default(), &bars, None);
    let error = refused.unwrap_err();
    assert!(error.to_string().contains("not defined from bar"), "{error}");
}
