//! What back-tests of every task, labellings and evaluations leave behind when a worker process runs them.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test picks the events it looks at")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod common;

use common::{Node, Place};
use engine::config::{AgentConfig, BacktestConfig, SessionConfig};
use engine::evaluation::report::BacktestReport;
use engine::market::{BarPanel, Join, MarketSeries, synthetic};
use engine::session::protocol::{InputFile, WorkerResult, WorkerSpec};

/// A panel of three instruments in a place.
fn panel(place: &Place) -> InputFile {
    let series: Vec<_> = (0..3)
        .map(|seed| {
            let mut bars = synthetic::generate(seed, 500);
            bars.instrument = format!("I{seed}");
            bars
        })
        .collect();
    let panel = BarPanel::join(&series, Join::Inner).unwrap();
    place.snapshot("panel.parquet", MarketSeries::Panel(panel))
}

fn strategy(environment: &str, agent: serde_json::Value) -> engine::config::StrategyConfig {
    let value = serde_json::json!({"environment": {"task": environment}, "agent": agent});
    engine::config::validate::strategy(&value).unwrap()
}

#[test]
fn a_portfolio_is_back_tested_on_a_panel_and_an_order_on_bars() {
    let place = Place::new();
    let olmar =
        serde_json::json!({"algorithm": "online_selection", "method": {"method": "olmar1"}});
    let twap = serde_json::json!({"algorithm": "execution_schedule"});
    let cases = [
        ("portfolio", olmar, panel(&place), "hindsight_bcrp"),
        ("order_execution", twap, place.dataset.clone(), "at_once"),
    ];
    for (task, agent, dataset, baseline) in cases {
        let mut spec = place.training(task, 1);
        spec.strategy = Some(strategy(task, agent));
        spec.session = SessionConfig::Backtest(BacktestConfig::default());
        spec.dataset = dataset;
        let mut node = Node::run(&spec);
        assert_eq!(node.wait(), 0, "{:?}", node.fault());
        let Some(WorkerResult::Report { report_file, report_sha256 }) = node.result() else {
            panic!("{:?}", node.seen.last())
        };
        let bytes = std::fs::read(std::path::Path::new(&spec.work_dir).join(report_file)).unwrap();
        assert_eq!(engine::digest::sha256(&bytes), report_sha256);
        let report: BacktestReport = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(
            (report.task.as_str(), report.dataset_sha256.as_str()),
            (task, spec.dataset.sha256.as_str())
        );
        assert!(report.baselines.iter().any(|one| one.name == baseline), "{baseline}");
        assert_eq!(report.agent.weights.is_some(), task == "portfolio");
        assert_eq!(report.agent.execution.is_some(), task == "order_execution");
    }
}

#[test]
fn data_that_the_task_does_not_run_on_and_training_of_other_tasks_are_refused_in_words() {
    let place = Place::new();
    let rule = serde_json::json!({"algorithm": "buy_and_hold"});
    let backtest = |name: &str, task: &str, dataset: &InputFile| {
        let mut spec = place.training(name, 1);
        spec.strategy = Some(strategy(task, rule.clone()));
        spec.session = SessionConfig::Backtest(BacktestConfig::default());
        spec.dataset = dataset.clone();
        spec
    };
    let panel = panel(&place);
    // What nobody may save, a worker is never given; it says so all the same.
    let mut training = place.training("training", 1);
    training.strategy.as_mut().unwrap().environment =
        strategy("portfolio", rule.clone()).environment;
    training.dataset = panel.clone();
    for (spec, wanted) in [
        (backtest("bars", "portfolio", &place.dataset), "needs a panel of several instruments"),
        (backtest("panel", "algorithmic_trading", &panel), "needs bars of one instrument"),
        (backtest("book", "high_frequency", &panel), "needs an order book"),
        (training, "found 'dqn'"),
    ] {
        let mut node = Node::run(&spec);
        assert_eq!(node.wait(), 64);
        let fault = node.fault().unwrap().1;
        assert!(fault.contains(wanted), "{fault}");
    }
}

#[test]
fn a_data_set_is_labelled_without_a_strategy_into_the_report_that_the_engine_makes() {
    let place = Place::new();
    let config = engine::config::LabellingConfig { min_length: Some(8), ..Default::default() };
    let labelling = |name: &str| {
        let mut spec = place.training(name, 1);
        (spec.strategy, spec.dataset) = (None, panel(&place));
        spec.session = SessionConfig::Labelling(config.clone());
        spec
    };
    let run = |name: &str| {
        let spec = labelling(name);
        let mut node = Node::run(&spec);
        assert_eq!(node.wait(), 0, "{:?}", node.fault());
        let Some(WorkerResult::Report { report_file, report_sha256 }) = node.result() else {
            panic!()
        };
        let bytes = std::fs::read(std::path::Path::new(&spec.work_dir).join(report_file)).unwrap();
        assert_eq!(engine::digest::sha256(&bytes), report_sha256);
        bytes
    };
    let first = run("labels");
    assert_eq!(first, run("again"));
    let report: engine::session::labelling::LabellingReport =
        serde_json::from_slice(&first).unwrap();
    assert!(report.hindsight && report.synthetic);
    assert_eq!(report.items.len(), 3);
    for (seed, item) in (0..).zip(&report.items) {
        let bars = synthetic::generate(seed, 500);
        let series = engine::labelling::Series {
            ticker: &item.ticker,
            values: &bars.adjusted_close,
            order: None,
        };
        let direct = engine::labelling::label(&series, &config).unwrap();
        assert_eq!(item.turning_points, direct.turning_points);
    }

    let mut unfit = labelling("unfit");
    if let SessionConfig::Labelling(config) = &mut unfit.session {
        config.indicator = "midpoint".to_owned();
    }
    let mut node = Node::run(&unfit);
    assert_eq!(node.wait(), 64);
    assert!(node.fault().unwrap().1.contains("adjcp"), "{:?}", node.fault());
    let mut without = place.training("without", 1);
    without.strategy = None;
    let mut node = Node::run(&without);
    assert_eq!(node.wait(), 64);
    assert!(node.fault().unwrap().1.contains("needs a strategy"), "{:?}", node.fault());
}

#[test]
fn a_rule_is_judged_and_what_was_tried_before_counts() {
    let place = Place::new();
    let rule = |name: &str, session: SessionConfig| {
        let mut spec = place.training(name, 1);
        spec.strategy.as_mut().unwrap().agent =
            AgentConfig::BuyAndHold(engine::config::agents::RuleConfig::default());
        spec.session = session;
        spec
    };
    let run = |spec: &WorkerSpec| {
        let mut node = Node::run(spec);
        assert_eq!(node.wait(), 0, "{:?}", node.fault());
        let Some(WorkerResult::Report { report_file, report_sha256 }) = node.result() else {
            panic!()
        };
        let path = std::path::Path::new(&spec.work_dir).join(report_file);
        (path.to_str().unwrap().to_owned(), report_sha256)
    };
    let earlier = BacktestConfig { segment: engine::config::Segment::Train, ..Default::default() };
    let (path, sha256) = run(&rule("earlier", SessionConfig::Backtest(earlier)));
    let judged = |name: &str| {
        let config = engine::config::EvaluationConfig { causality_cuts: 2, ..Default::default() };
        let mut spec = rule(name, SessionConfig::Evaluation(config));
        spec.trials = vec![InputFile { path: path.clone(), sha256: sha256.clone() }];
        spec.trials_lost = 2;
        std::fs::read(run(&spec).0).unwrap()
    };
    let first = judged("judged");
    assert_eq!(first, judged("again"));
    let report: engine::session::evaluation::EvaluationReport =
        serde_json::from_slice(&first).unwrap();
    // This run, the one before, and two that are lost.
    let sharpe = report.sharpe.unwrap();
    assert_eq!((sharpe.trials, sharpe.trials_lost), (4, 2));
    assert!(report.synthetic && !report.verdict.checks.is_empty());
}
