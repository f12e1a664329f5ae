//! What an evaluation says, when it says nothing, and when it refuses.

use std::ops::ControlFlow;

use super::*;
use crate::config::{
    AgentConfig, AlgorithmicTradingConfig, BacktestConfig, BootstrapConfig, EvaluationScheme,
    MatchingConfig, SealConfig, Segment, SplitConfig, WalkWindow,
};
use crate::evaluation::bootstrap::bca_interval;
use crate::evaluation::cost_ladder::BreakEven;
use crate::evaluation::deflated_sharpe::{SharpeSample, expected_best};
use crate::ids::SessionId;
use crate::market::{BarPanel, BarSeries, Join, synthetic};
use crate::metrics::Figure;
use crate::metrics::moments::covariance;
use crate::metrics::sharpe::sharpe;
use crate::rng::{Stream, StreamId};
use crate::session::backtest::{self, BacktestInput};

fn strategy(algorithm: &str) -> StrategyConfig {
    StrategyConfig { agent: AgentConfig::of(algorithm).unwrap(), ..StrategyConfig::default() }
}

/// Everything on, but small.
fn session() -> EvaluationConfig {
    EvaluationConfig {
        bootstrap: BootstrapConfig { resamples: 1_000, ..BootstrapConfig::default() },
        cost_multipliers: vec![0.0, 1.0, 2.0],
        seeds: 3,
        causality_cuts: 4,
        ..EvaluationConfig::default()
    }
}

fn source() -> Source<'static> {
    Source { name: "s", sha256: "00", synthetic: true }
}

fn judge_with(
    strategy: &StrategyConfig,
    session: &EvaluationConfig,
    bars: &BarSeries,
    trials: &[Trial],
) -> Result<EvaluationReport, EngineError> {
    let data = MarketSeries::Bars(bars.clone());
    let input = EvaluationInput {
        strategy,
        session,
        data: &data,
        source: source(),
        models: &[],
        trials,
        trials_lost: 0,
        build: "test",
    };
    run(&input, &mut |_, _| ControlFlow::Continue(()))
}

fn judge(algorithm: &str, session: &EvaluationConfig, bars: &BarSeries) -> EvaluationReport {
    judge_with(&strategy(algorithm), session, bars, &[]).unwrap()
}

fn reason<'a>(report: &'a EvaluationReport, part: &str) -> &'a str {
    let found = report.missing.iter().find(|one| one.part == part);
    &found.unwrap_or_else(|| panic!("{part} is there: {:?}", report.missing)).reason
}

fn outcome(report: &EvaluationReport, code: CheckCode) -> CheckOutcome {
    report.verdict.checks.iter().find(|check| check.code == code).unwrap().outcome
}

/// The back-test of the same policy, whose figures are held against the evaluation's.
fn backtested(
    strategy: &StrategyConfig,
    bars: &BarSeries,
    seed: u32,
) -> crate::evaluation::report::BacktestReport {
    let data = MarketSeries::Bars(bars.clone());
    let session = BacktestConfig { seed, ..BacktestConfig::default() };
    let input = BacktestInput {
        strategy,
        session: &session,
        data: &data,
        source: source(),
        model: None,
        build: "test",
    };
    backtest::run(&input, &mut |_, _| ControlFlow::Continue(())).unwrap()
}

#[test]
fn its_figures_are_those_of_the_modules_on_the_back_tests_curve() {
    let bars = synthetic::generate(11, 1_500);
    let report = judge("buy_and_hold", &session(), &bars);
    let backtest = backtested(&strategy("buy_and_hold"), &bars, 0);
    let agent = &report.policies[0];
    assert_eq!(agent.equity, backtest.agent.equity);
    assert_eq!(agent.name, "agent");
    let names: Vec<&str> = report.policies.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["agent", "buy_and_hold", "do_nothing", "random"]);
    assert_eq!(agent.sheet.figures[&Figure::TotalReturn], total_return(&agent.equity));
    let per_bar = returns(&agent.equity).unwrap();
    let year = report.periods_per_year;
    let evidence = report.sharpe.as_ref().unwrap();
    let sample = SharpeSample::of(&per_bar).unwrap();
    assert_eq!((evidence.trials, evidence.track_record), (1, per_bar.len()));
    assert_eq!(evidence.psr, sample.probability_above(0.0));
    assert_eq!(evidence.dsr, evidence.psr, "a first try is not deflated");
    assert_eq!(evidence.benchmark, Some(0.0));
    assert_eq!(evidence.track_record_min, sample.track_record_min(0.0, 1.0 - 0.95));
    let plan = Resampling::of(per_bar.len(), 1_000, 0);
    let by_hand =
        bca_interval(&per_bar, &|values| sharpe(values, year), 0.95, &plan).unwrap().unwrap();
    let shown = report.intervals.iter().find(|one| one.name == "sharpe").unwrap();
    assert_eq!((shown.low, shown.high), (by_hand.low, by_hand.high));
    assert!(report.intervals.iter().all(|one| one.low <= one.high));
    assert_eq!(report.intervals.len(), 4, "{:?}", report.missing);
    let ladder = report.costs.as_ref().unwrap();
    let growth = total_return(&agent.equity);
    assert_eq!(ladder.rungs[1].total_return, growth, "once the costs is the run itself");
    assert!(growth < ladder.rungs[0].total_return && ladder.rungs[2].total_return < growth);
    assert_eq!(outcome(&report, CheckCode::Causality), CheckOutcome::Passed);
    assert_eq!(report.radar.unwrap().scores.total_return.map(f64::round), Some(50.0));
    assert!(report.oracle.unwrap().share.unwrap() < 1.0);
    assert_eq!(report.regimes.as_ref().unwrap().rows, report.regimes.as_ref().unwrap().benchmark);
    assert!(reason(&report, "seeds").contains("draws nothing"));
    assert!(reason(&report, "overfitting").contains("at least 2 trials"));
    assert!(reason(&report, "folds").contains("segment alone"));
}

#[test]
fn equal_inputs_give_equal_bytes_and_the_report_reads_back() {
    let bars = synthetic::generate(5, 1_200);
    let session = EvaluationConfig {
        scheme: EvaluationScheme::Combinatorial { groups: 4, tested: 2 },
        ..session()
    };
    let one = serde_json::to_vec(&judge("random", &session, &bars)).unwrap();
    let two = serde_json::to_vec(&judge("random", &session, &bars)).unwrap();
    assert!(one == two);
    let read: EvaluationReport = serde_json::from_slice(&one).unwrap();
    assert_eq!(serde_json::to_vec(&read).unwrap(), one);
}

#[test]
fn chance_among_many_trials_shows_nothing_however_good_the_best_looks() {
    let bars = synthetic::generate(21, 2_000);
    let backtests: Vec<_> =
        (0..50).map(|seed| backtested(&strategy("random"), &bars, seed)).collect();
    let trials: Vec<Trial> = backtests
        .iter()
        .enumerate()
        .map(|(place, report)| Trial::of(format!("trial {place}"), report))
        .collect();
    let best = (0..50u32)
        .max_by(|left, right| {
            let growth = |seed: u32| total_return(&backtests[seed as usize].agent.equity).unwrap();
            growth(*left).total_cmp(&growth(*right))
        })
        .unwrap();
    let session = EvaluationConfig { seed: best, seeds: 1, ..session() };
    let report = judge_with(&strategy("random"), &session, &bars, &trials).unwrap();
    let evidence = report.sharpe.as_ref().unwrap();
    assert_eq!(evidence.trials, 50, "the run itself is among them and counts once");
    let ratios: Vec<f64> = trials.iter().filter_map(|trial| trial.ratio).collect();
    let sample = SharpeSample::of(&returns(&report.policies[0].equity).unwrap()).unwrap();
    let expected = expected_best(covariance(&ratios, &ratios).unwrap(), 50.0).unwrap();
    let by_hand = sample.probability_above(expected).unwrap();
    assert!((evidence.dsr.unwrap() - by_hand).abs() < 1e-9, "{evidence:?} {by_hand}");
    assert!(evidence.dsr < evidence.psr, "{evidence:?}");
    assert_ne!(outcome(&report, CheckCode::Dsr), CheckOutcome::Passed);
    assert_ne!(report.verdict.outcome, Outcome::Shown);
    let overfitting = report.overfitting.as_ref().unwrap();
    assert_eq!(overfitting.splits, 252);
    assert!(0.1 < overfitting.probability, "{}", overfitting.probability);
    assert_eq!(report.snooping.as_ref().unwrap().candidates.len(), 50);
    assert!(evidence.trials_effective.unwrap() <= 50);
}

#[test]
fn an_earlier_evaluation_is_a_trial_and_the_same_one_again_is_none() {
    let bars = synthetic::generate(11, 1_500);
    let earlier = judge("buy_and_hold", &session(), &bars);
    let trial = Trial::of_evaluation("earlier".to_owned(), &earlier).unwrap();
    let sample = SharpeSample::of(&returns(&trial.equity).unwrap()).unwrap();
    assert!((trial.ratio.unwrap() - sample.ratio).abs() < 1e-12);
    let trials = [trial];
    let counted = |algorithm: &str| {
        let found = judge_with(&strategy(algorithm), &session(), &bars, &trials).unwrap();
        found.sharpe.map(|evidence| evidence.trials)
    };
    assert_eq!((counted("buy_and_hold"), counted("random")), (Some(1), Some(2)));
}

#[test]
fn lost_trials_count_and_their_ratios_are_not_made_up() {
    let bars = synthetic::generate(11, 900);
    let (strategy, session) = (strategy("buy_and_hold"), session());
    let data = MarketSeries::Bars(bars);
    let input = EvaluationInput {
        strategy: &strategy,
        session: &session,
        data: &data,
        source: source(),
        models: &[],
        trials: &[],
        trials_lost: 3,
        build: "test",
    };
    let report = run(&input, &mut |_, _| ControlFlow::Continue(())).unwrap();
    let evidence = report.sharpe.as_ref().unwrap();
    assert_eq!((evidence.trials, evidence.dsr), (4, None));
    assert_eq!(outcome(&report, CheckCode::Dsr), CheckOutcome::Undefined);
    assert_eq!(report.verdict.outcome, Outcome::NotShown);
    assert!(report.remarks.iter().any(|text| text.starts_with("3 earlier trials")));
}

#[test]
fn a_walk_forward_joins_blocks_that_lie_end_to_end() {
    let bars = synthetic::generate(9, 1_000);
    let scheme = EvaluationScheme::WalkForward {
        window: WalkWindow::Rolling,
        train_bars: 300,
        test_bars: 100,
    };
    let report = judge("buy_and_hold", &EvaluationConfig { scheme, ..session() }, &bars);
    let folds = report.folds.as_ref().unwrap();
    assert_eq!((folds.items.len(), folds.paths.len()), (7, 1));
    for (place, fold) in folds.items.iter().enumerate() {
        let ends = [300, 399].map(|row| bars.time_ms[row + 100 * place] as f64);
        assert_eq!([fold.from_ms, fold.to_ms].map(f64::to_bits), ends.map(f64::to_bits));
        assert_eq!((fold.equity.len(), fold.equity[0].to_bits()), (101, 1.0_f64.to_bits()));
    }
    let joined: f64 = folds.items.iter().map(|fold| fold.equity.last().unwrap()).product();
    assert!((folds.paths[0].total_return.unwrap() + 1.0 - joined).abs() < 1e-9);
    assert_ne!(outcome(&report, CheckCode::Folds), CheckOutcome::Undefined);
}

#[test]
fn a_rule_that_draws_takes_several_paths_and_one_that_does_not_takes_the_same() {
    let bars = synthetic::generate(9, 1_000);
    let scheme = EvaluationScheme::Combinatorial { groups: 4, tested: 2 };
    let session = EvaluationConfig { scheme, ..session() };
    let report = judge("random", &session, &bars);
    let folds = report.folds.as_ref().unwrap();
    assert_eq!((folds.items.len(), folds.paths.len()), (4, 3));
    assert_ne!(folds.paths[0], folds.paths[1]);
    let study = report.seeds.as_ref().unwrap();
    assert_eq!((study.count, study.names[2].as_str()), (3, "seed 2"));
    let own = total_return(&report.policies[0].equity).unwrap();
    let above = study.scores.iter().filter(|score| own < **score).count();
    assert_eq!(above, 1, "the agent shown is the median run");
    let same = judge("buy_and_hold", &session, &bars);
    let folds = same.folds.as_ref().unwrap();
    assert!(folds.paths.iter().all(|path| *path == folds.paths[0]));
}

#[test]
fn nobody_who_looks_ahead_is_believed() {
    let bars = synthetic::generate(2, 900);
    let value = serde_json::json!({
        "environment": {"task": "algorithmic_trading", "truth": "faithful"},
        "agent": {"algorithm": "buy_and_hold"},
        "features": {"list": [{"name": "alpha158", "truth": "faithful"}]},
    });
    let strategy = crate::config::validate::strategy(&value).unwrap();
    let report = judge_with(&strategy, &session(), &bars, &[]).unwrap();
    assert!(!report.causality.as_ref().unwrap().passed);
    assert_eq!(report.verdict.outcome, Outcome::Refuted);
}

#[test]
fn a_portfolio_is_judged_without_what_is_defined_for_one_instrument_alone() {
    let series: Vec<BarSeries> = (0..3)
        .map(|seed| {
            let mut one = synthetic::generate(seed, 700);
            one.instrument = format!("S{seed}");
            one
        })
        .collect();
    let data = MarketSeries::Panel(BarPanel::join(&series, Join::Inner).unwrap());
    let value = serde_json::json!({
        "environment": {"task": "portfolio"},
        "agent": {"algorithm": "portfolio_rule"},
    });
    let strategy = crate::config::validate::strategy(&value).unwrap();
    let session = EvaluationConfig {
        scheme: EvaluationScheme::WalkForward {
            window: WalkWindow::Rolling,
            train_bars: 400,
            test_bars: 100,
        },
        ..session()
    };
    let input = EvaluationInput {
        strategy: &strategy,
        session: &session,
        data: &data,
        source: source(),
        models: &[],
        trials: &[],
        trials_lost: 0,
        build: "test",
    };
    let report = run(&input, &mut |_, _| ControlFlow::Continue(())).unwrap();
    assert!(report.policies.iter().any(|one| one.name == "hindsight_bcrp"));
    assert_eq!(report.policies[0].sheet.figures[&Figure::TradeCount], None);
    assert!(report.policies[0].sheet.figures[&Figure::Sharpe].is_some());
    assert_eq!(
        report.folds.as_ref().map(|folds| folds.items.len()),
        Some(3),
        "{:?}",
        report.missing
    );
    assert_eq!(outcome(&report, CheckCode::Causality), CheckOutcome::Passed);
}

#[test]
fn prices_that_never_move_leave_everything_undefined_and_nothing_shown() {
    let mut bars = synthetic::generate(1, 700);
    for column in [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close] {
        column.fill(100.0);
    }
    bars.adjusted_close.fill(100.0);
    let report = judge("do_nothing", &session(), &bars);
    assert_eq!(report.verdict.outcome, Outcome::NotShown);
    assert!(report.sharpe.is_none() && report.regimes.is_none());
    assert!(reason(&report, "regimes").contains("labelling"));
    assert_eq!(report.costs.as_ref().map(|costs| costs.break_even), Some(BreakEven::NoProfit));
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("NaN"));
}

#[test]
fn too_short_a_segment_is_refused_with_what_would_do() {
    let bars = synthetic::generate(1, 20);
    let error = judge_with(&strategy("buy_and_hold"), &session(), &bars, &[]).unwrap_err();
    assert!(matches!(error, EngineError::Refused { .. }) && error.to_string().contains("segment"));
}

#[test]
fn the_smallest_segment_is_judged_and_shows_nothing() {
    let bars = synthetic::generate(1, 60);
    let session = EvaluationConfig {
        split: SplitConfig { train: 0.6, valid: 0.3, purge_bars: 0 },
        scheme: EvaluationScheme::WalkForward {
            window: WalkWindow::Anchored,
            train_bars: 10_000,
            test_bars: 3,
        },
        ..session()
    };
    let mut strategy = strategy("buy_and_hold");
    strategy.environment = EnvironmentConfig::AlgorithmicTrading(AlgorithmicTradingConfig {
        backward_bars: 1,
        ..AlgorithmicTradingConfig::default()
    });
    match judge_with(&strategy, &session, &bars, &[]) {
        Ok(report) => {
            assert_eq!(report.verdict.outcome, Outcome::NotShown);
            assert!(reason(&report, "folds").contains("at least 10003 rows"));
            assert!(report.remarks.iter().any(|text| text.contains("unreliable")));
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn refuses_models_that_are_not_those_of_the_sessions() {
    let bars = synthetic::generate(1, 600);
    let policy =
        EvaluationPolicy::Sessions { session_ids: vec![SessionId::from_uuid(uuid::Uuid::nil())] };
    let session = EvaluationConfig { policy, ..session() };
    let error = judge_with(&strategy("dqn"), &session, &bars, &[]).unwrap_err().to_string();
    assert!(error.contains("wanted 1 trained models"), "{error}");
    let error = judge_with(&strategy("dqn"), &self::session(), &bars, &[]).unwrap_err().to_string();
    assert!(error.contains("'dqn' learns"), "{error}");
}

#[test]
fn without_costs_the_ladder_is_absent_and_the_verdict_not_shown() {
    let bars = synthetic::generate(11, 900);
    let mut strategy = strategy("buy_and_hold");
    strategy.matching = MatchingConfig { fee_rate: 0.0, ..MatchingConfig::default() };
    let report = judge_with(&strategy, &session(), &bars, &[]).unwrap();
    assert!(report.costs.is_none() && reason(&report, "costs").contains("neither fees"));
    assert_eq!(outcome(&report, CheckCode::Costs), CheckOutcome::Undefined);
}

#[test]
fn it_ends_when_it_is_told_to_and_never_counts_backwards() {
    let data = MarketSeries::Bars(synthetic::generate(1, 900));
    let (strategy, session) = (strategy("random"), session());
    let input = EvaluationInput {
        strategy: &strategy,
        session: &session,
        data: &data,
        source: source(),
        models: &[],
        trials: &[],
        trials_lost: 0,
        build: "test",
    };
    let (mut last, mut calls) = (0, 0_u32);
    run(&input, &mut |done, of| {
        assert!(last <= done && done <= of, "{last} {done} {of}");
        (last, calls) = (done, calls + 1);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(last % 1_000, 0);
    let mut stream = Stream::new(3, StreamId::Shuffle, 0);
    for _ in 0..12 {
        let stop = stream.below(calls);
        let mut seen = 0;
        let stopped = run(&input, &mut |_, _| {
            seen += 1;
            if seen <= stop { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert!(matches!(stopped, Err(EngineError::Cancelled)), "after {stop} of {calls}");
    }
}

#[test]
fn every_segment_can_be_judged() {
    let bars = synthetic::generate(4, 1_200);
    let sealing = StrategyConfig { seal: SealConfig { share: 0.2 }, ..strategy("buy_and_hold") };
    for segment in [Segment::Train, Segment::Valid, Segment::Test, Segment::Sealed] {
        let session = EvaluationConfig { segment, ..session() };
        let report = judge_with(&sealing, &session, &bars, &[]).unwrap();
        assert_eq!(report.segment, segment);
        assert!(report.causality.is_some_and(|found| found.passed), "{segment:?}");
    }
}
