//! Sessions without a strategy, and what an evaluation pins. With a real process as worker.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use actors::views::SessionState as State;
use actors::{ActorsError, ListTrials, NewSession};
use engine::config::SessionKind;
use engine::evaluation::trials::TrialOutcome;
use serde_json::{Value, json};
use support::{DEADLINE, Node, Setup, command, start, strategy, temporary, training};

async fn refusals(node: &Node, wanted: NewSession) -> Vec<(String, String)> {
    let error: ActorsError = node.platform.sessions.submit(command(), wanted).await.unwrap_err();
    error.problem().errors.into_iter().map(|one| (one.pointer, one.code)).collect()
}

fn pair(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_labelling_is_about_data_alone_and_everything_else_about_a_strategy() {
    let dir = temporary();
    let node = start(dir.path(), &Setup::mode("normal").with("FAKE_STEPS", 3)).await;
    let about = training(&node).await;
    let labelling =
        |config: Value, strategy_id| NewSession { config, strategy_id, ..about.clone() };
    let plain = labelling(json!({"kind": "labelling"}), None);
    let id = node.platform.sessions.submit(command(), plain.clone()).await.unwrap().id;
    let done = node.platform.sessions.wait(id, DEADLINE).await.unwrap();
    assert_eq!((done.kind, done.state), (SessionKind::Labelling, State::Completed));
    assert_eq!((done.strategy_id, done.strategy_name, done.strategy_version), (None, None, None));
    assert!(done.report_sha256.is_some());
    assert!(!done.last_metrics.contains_key("total_return"), "a labelling has no such figure");

    let named = labelling(json!({"kind": "labelling"}), about.strategy_id);
    assert_eq!(refusals(&node, named).await, [pair("/strategy_id", "not_allowed")]);
    for kind in ["training", "backtest", "evaluation"] {
        let nobody = labelling(json!({"kind": kind}), None);
        assert_eq!(
            refusals(&node, nobody).await,
            [pair("/strategy_id", "missing_field")],
            "{kind}"
        );
    }
    let column = labelling(json!({"kind": "labelling", "indicator": "bid1_price"}), None);
    assert_eq!(refusals(&node, column).await, [pair("/config/indicator", "not_allowed")]);
    let file = labelling(json!({"kind": "labelling", "data": "/etc/passwd"}), None);
    assert_eq!(refusals(&node, file).await, [pair("/config/data", "not_allowed")]);

    // The report of another kind is found elsewhere, and that is said.
    let found = node.platform.reports.report(id).await.unwrap_err().to_string();
    assert!(found.contains("labels"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_judges_models_of_its_strategy_and_counts_every_trial_once() {
    let dir = temporary();
    let effects = dir.path().join("effects");
    std::fs::write(&effects, "").unwrap();
    let setup = Setup::mode("normal").with("FAKE_STEPS", 3);
    let setup = setup.with("FAKE_EFFECTS", effects.display());
    let node = start(dir.path(), &setup).await;
    let sessions = &node.platform.sessions;
    let about = training(&node).await;
    let trained = sessions.submit(command(), about.clone()).await.unwrap().id;
    sessions.wait(trained, DEADLINE).await.unwrap();
    let of = |config: Value| NewSession { config, ..about.clone() };
    let model = json!({"source": "session", "session_id": trained.to_string()});
    // The same worker's result twice: one trial.
    for segment in ["test", "train"] {
        let tested = of(json!({"kind": "backtest", "policy": model, "segment": segment}));
        let id = sessions.submit(command(), tested).await.unwrap().id;
        assert_eq!(sessions.wait(id, DEADLINE).await.unwrap().state, State::Completed);
    }
    let untrained = of(json!({"kind": "evaluation"}));
    assert_eq!(refusals(&node, untrained).await, [pair("/config/policy", "not_trained")]);
    let judged = |ids: Value| {
        of(json!({"kind": "evaluation", "policy": {"source": "sessions", "session_ids": ids}}))
    };
    let nowhere = "ses_01900000000070008000000000000001";
    let unknown = judged(json!([trained.to_string(), nowhere]));
    let found = refusals(&node, unknown).await;
    assert_eq!(found, [pair("/config/policy/session_ids/1", "not_found")]);
    assert!(!refusals(&node, judged(json!([]))).await.is_empty());

    let id = sessions.submit(command(), judged(json!([trained.to_string()]))).await.unwrap().id;
    let done = sessions.wait(id, DEADLINE).await.unwrap();
    assert_eq!((done.kind, done.state), (SessionKind::Evaluation, State::Completed));
    let told = std::fs::read_to_string(&effects).unwrap();
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |event: &str| {
        let mut lines = told.iter().filter(|line| line["event"] == event);
        lines.next().and_then(|line| line["step"].as_u64())
    };
    assert_eq!(
        (count("models"), count("trials"), count("trials lost")),
        (Some(1), Some(1), Some(0))
    );

    let strategy_id = about.strategy_id.unwrap();
    let ask = |limit, after| ListTrials { limit, after, strategy_id };
    let tried = sessions.trials(ask(0, None)).await.unwrap();
    let kinds: Vec<SessionKind> = tried.page.items.iter().map(|trial| trial.kind).collect();
    let (backtest, evaluation) = (SessionKind::Backtest, SessionKind::Evaluation);
    assert_eq!(kinds, [evaluation, backtest, backtest, SessionKind::Training]);
    assert_eq!((tried.started_count, tried.evaluation), (4, Some(id)));
    assert!(tried.page.items.iter().all(|trial| trial.outcome == Some(TrialOutcome::Finished)));
    assert_eq!(tried.page.items[3].report_sha256, None, "a training has no report");
    assert_ne!(tried.page.items[1].segment_sha256, tried.page.items[2].segment_sha256);

    // The ledger is read from control state: a restart neither loses nor adds a trial.
    node.running.shutdown(DEADLINE).await;
    let node = start(dir.path(), &setup).await;
    let again = node.platform.sessions.trials(ask(0, None)).await.unwrap();
    assert_eq!((again.page.items, again.started_count), (tried.page.items, 4));

    let rule = strategy(&node, "rule", json!({"agent": {"algorithm": "buy_and_hold"}})).await;
    let other = NewSession { strategy_id: Some(rule.id), ..judged(json!([trained.to_string()])) };
    let found = refusals(&node, other).await;
    assert_eq!(found[0], pair("/config/policy/session_ids/0", "not_of_strategy"));
}
