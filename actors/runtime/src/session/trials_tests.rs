//! What the trial ledger counts, and what it does not.

use cluster::control::SessionClass;
use engine::config::{BacktestConfig, EvaluationConfig, TrainingConfig};
use engine::ids::DatasetId;

use super::*;

const DATA: &str = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";

fn uuid(number: u64) -> Uuid {
    Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | number)
}

fn strategy_id() -> StrategyId {
    StrategyId::from_uuid(uuid(1_000))
}

fn spec(config: &SessionConfig) -> Value {
    json!({
        "command": "", "name": "try", "tags": [], "strategy_id": strategy_id(), "strategy_name": "s",
        "strategy_version": 1, "strategy": StrategyConfig::default(),
        "dataset_id": DatasetId::from_uuid(uuid(2_000)), "dataset_name": "btc", "dataset_sha256": DATA,
        "synthetic": false, "config": config, "resources": {}, "model_sha256": null, "build": "test",
    })
}

/// A session that was removed: what is kept of it, and what was known.
fn kept(number: u64, config: &SessionConfig, report: Option<char>) -> (Removed, Known) {
    let removed = Removed {
        id: *uuid(number).as_bytes(),
        class: SessionClass(3),
        owner: "usr".to_owned(),
        spec: serde_json::to_vec(&spec(config)).unwrap(),
        facts: Vec::new(),
        submitted_order: number,
        submitted_at_ms: number,
        kind: if report.is_some() { OutcomeKind::Completed } else { OutcomeKind::Failed },
        ended_at_ms: number + 1,
        removed_at_ms: number + 2,
    };
    let report_sha256 = report.map(|letter| letter.to_string().repeat(64));
    (removed, Known { report_sha256, ..Known::default() })
}

fn ledger(all: &[(SessionConfig, Option<char>)]) -> Trials {
    let mut trials = Trials::default();
    for (number, (config, report)) in (1..).zip(all) {
        let (removed, known) = kept(number, config, *report);
        trials.note_removed(&removed, &known).unwrap();
    }
    trials
}

fn backtest(seed: u32) -> SessionConfig {
    SessionConfig::Backtest(BacktestConfig { seed, ..BacktestConfig::default() })
}

fn evaluation(causality_cuts: u32, segment: Segment) -> SessionConfig {
    let plain = EvaluationConfig::default();
    SessionConfig::Evaluation(EvaluationConfig { causality_cuts, segment, ..plain })
}

fn counted(trials: &Trials, config: &SessionConfig) -> (String, u32) {
    let strategy = StrategyConfig::default();
    let about = About {
        strategy_id: strategy_id(),
        strategy: &strategy,
        config,
        dataset_sha256: DATA,
        sealed_share: 0.0,
    };
    let (reports, lost) = trials.counted(&about);
    (reports.iter().filter_map(|report| report.chars().next()).collect(), lost)
}

#[test]
fn what_failed_counts_and_what_was_tried_twice_counts_once() {
    let trials = ledger(&[
        (backtest(1), Some('a')),
        (backtest(2), None),
        (backtest(1), Some('b')),
        (backtest(3), None),
        (backtest(3), Some('c')),
        (backtest(4), Some('c')),
    ]);
    assert_eq!(counted(&trials, &evaluation(1, Segment::Test)), ("cb".to_owned(), 1));
    assert_eq!(trials.ledger.count(&strategy_id().to_string()), 6);
}

#[test]
fn the_same_run_on_other_rows_is_another_trial() {
    let mut trials = Trials::default();
    for (number, letter, share) in [(1, 'a', 0.0), (2, 'b', 0.15)] {
        let (mut removed, known) = kept(number, &backtest(1), Some(letter));
        let mut spec: Value = serde_json::from_slice(&removed.spec).unwrap();
        spec["sealed_share"] = json!(share);
        removed.spec = serde_json::to_vec(&spec).unwrap();
        trials.note_removed(&removed, &known).unwrap();
    }
    assert_eq!(counted(&trials, &evaluation(1, Segment::Valid)), ("ba".to_owned(), 0));
}

#[test]
fn an_evaluation_counts_where_nothing_else_is_about_the_same_rows() {
    let own = evaluation(16, Segment::Test);
    let trials = ledger(&[
        (evaluation(1, Segment::Test), Some('a')),
        (evaluation(2, Segment::Valid), Some('b')),
        (evaluation(3, Segment::Valid), Some('c')),
    ]);
    assert_eq!(counted(&trials, &own), ("c".to_owned(), 0));
    let tested = SessionConfig::Backtest(BacktestConfig {
        segment: Segment::Valid,
        ..BacktestConfig::default()
    });
    let trials = ledger(&[(evaluation(2, Segment::Valid), Some('b')), (tested, Some('d'))]);
    assert_eq!(counted(&trials, &own), ("d".to_owned(), 0));
}

#[test]
fn a_training_counts_until_its_model_is_tested_or_judged() {
    let training =
        |seed| SessionConfig::Training(TrainingConfig { seed, ..TrainingConfig::default() });
    let id = |number| SessionId::from_uuid(uuid(number));
    let of_first = BacktestConfig {
        policy: BacktestPolicy::Session { session_id: id(1) },
        ..BacktestConfig::default()
    };
    let trials = ledger(&[
        (training(1), None),
        (training(2), None),
        (training(3), None),
        (SessionConfig::Backtest(of_first), Some('a')),
    ]);
    let policy = EvaluationPolicy::Sessions { session_ids: vec![id(2)] };
    let own = SessionConfig::Evaluation(EvaluationConfig { policy, ..Default::default() });
    assert_eq!(counted(&trials, &own), ("a".to_owned(), 1));
}

#[test]
fn beyond_what_is_read_trials_are_only_counted() {
    let all: Vec<_> = (0..250).map(|seed| (backtest(seed), None)).collect();
    let mut trials = ledger(&all);
    for (place, tried) in trials.by_order.values_mut().enumerate() {
        tried.view.report_sha256 = Some(format!("{place:064}"));
    }
    let strategy = StrategyConfig::default();
    let config = evaluation(1, Segment::Test);
    let about = About {
        strategy_id: strategy_id(),
        strategy: &strategy,
        config: &config,
        dataset_sha256: DATA,
        sealed_share: 0.0,
    };
    let (reports, lost) = trials.counted(&about);
    assert_eq!((reports.len(), lost), (TRIALS_MAX, 50));
    assert_eq!(reports[0], format!("{:064}", 249), "the newest are read");
}

#[test]
fn pages_are_the_newest_first_and_a_labelling_is_no_trial() {
    let labelling = SessionConfig::of("labelling").unwrap();
    let mut all = vec![(labelling, None), (evaluation(1, Segment::Test), Some('e'))];
    all.extend((0..3).map(|seed| (backtest(seed), None)));
    let trials = ledger(&all);
    let ask = |after| ListTrials { limit: 3, after, strategy_id: strategy_id() };
    let first = trials.page(&ask(None)).unwrap();
    let names = |view: &TrialsView| -> Vec<String> {
        view.page.items.iter().map(|trial| trial.seeds.join(",")).collect()
    };
    assert_eq!(names(&first), ["2", "1", "0"]);
    assert_eq!((first.started_count, first.page.next.as_deref()), (4, Some("t3")));
    assert_eq!(first.evaluation, Some(SessionId::from_uuid(uuid(2))));
    let last = trials.page(&ask(first.page.next)).unwrap();
    assert_eq!((last.page.items.len(), last.page.next), (1, None));
    assert_eq!(last.page.items[0].kind, SessionKind::Evaluation);
    for text in ["", "t", "s3", "3", "t-1"] {
        assert!(trials.page(&ask(Some(text.to_owned()))).is_err(), "{text}");
    }
}

#[test]
fn what_a_session_left_is_taken_in_once_and_never_changes() {
    let mut trials = ledger(&[(backtest(1), Some('a'))]);
    let before = trials.by_order.clone();
    let (removed, _) = kept(1, &backtest(9), None);
    trials.note_removed(&removed, &Known::default()).unwrap();
    assert_eq!(trials.by_order, before);
    assert!(trials.knows_removed(1) && !trials.knows_removed(2));
}
