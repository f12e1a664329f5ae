//! What is sealed is seen by no session, is opened once, and every run on it is marked. With a real process as worker.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use std::path::Path;

use actors::views::SessionState as State;
use actors::{ActorsError, NewSession};
use engine::ids::SessionId;
use serde_json::{Value, json};
use support::{DEADLINE, Node, Setup, command, dataset, named, start, strategy, temporary};

const REASON: &str = "final review before paper trading";

async fn refusals(node: &Node, wanted: NewSession) -> Vec<(String, String)> {
    let error: ActorsError = node.platform.sessions.submit(command(), wanted).await.unwrap_err();
    error.problem().errors.into_iter().map(|one| (one.pointer, one.code)).collect()
}

/// Runs a session to its end.
async fn ran(node: &Node, wanted: NewSession) -> SessionId {
    let id = node.platform.sessions.submit(command(), wanted).await.unwrap().id;
    let done = node.platform.sessions.wait(id, DEADLINE).await.unwrap();
    assert_eq!(done.state, State::Completed, "{done:?}");
    id
}

/// Rows that the worker of a session was shown, and the mark for its report.
fn seen(effects: &Path, session: SessionId) -> (u64, String) {
    let told = std::fs::read_to_string(effects).unwrap();
    let mut lines = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let line = lines
        .find(|line| line["event"] == "rows seen" && line["session"] == session.to_string())
        .unwrap();
    (line["step"].as_u64().unwrap(), line["sha256"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_rows_are_seen_by_nobody_until_they_are_opened_once() {
    let dir = temporary();
    let effects = dir.path().join("effects");
    std::fs::write(&effects, "").unwrap();
    let setup = Setup::mode("normal").with("FAKE_STEPS", 3);
    let setup = setup.with("FAKE_EFFECTS", effects.display());
    let node = start(dir.path(), &setup).await;
    let sealing = |share: f64| json!({"agent": {"algorithm": "dqn"}, "seal": {"share": share}});
    let made = strategy(&node, "sealing", json!({"agent": {"algorithm": "dqn"}})).await;
    let library = &node.platform.strategies;
    let saved = library.add_version(command(), made.id, None, sealing(0.2)).await.unwrap();
    assert_eq!(saved.version, 2);
    let rows = dataset(&node).await;
    // Also the version from before the seal.
    let about = |config: Value, version: u32| NewSession {
        name: "try".to_owned(),
        strategy_id: Some(made.id),
        strategy_version: Some(version),
        dataset_id: rows.id,
        config,
        resources: None,
        priority: 0,
        tags: Vec::new(),
        wishes: actors::Wishes::default(),
    };
    for version in [1, 2] {
        let trained = ran(&node, about(json!({"kind": "training"}), version)).await;
        assert_eq!(seen(&effects, trained), (400, "unopened".to_owned()), "of 500 rows");
    }
    let trained = ran(&node, about(json!({"kind": "training"}), 2)).await.to_string();
    let policy = json!({"source": "session", "session_id": trained});
    let backtest =
        |segment: &str| about(json!({"kind": "backtest", "policy": policy, "segment": segment}), 2);
    let judged = json!({"source": "sessions", "session_ids": [trained]});
    let evaluation = |segment: &str| {
        about(json!({"kind": "evaluation", "policy": judged, "segment": segment}), 2)
    };
    let sealed = [("/config/segment".to_owned(), "sealed".to_owned())];
    for early in [backtest("sealed"), evaluation("sealed")] {
        assert_eq!(refusals(&node, early).await, sealed);
    }
    let early = ran(&node, evaluation("test")).await;
    assert_eq!(seen(&effects, early), (400, "unopened".to_owned()));

    let reason = || REASON.to_owned();
    let short = library.open_seal(command(), made.id, "  because  ".to_owned()).await.unwrap_err();
    assert_eq!(short.problem().errors[0].pointer, "/reason");
    let opened = library.open_seal(named(9), made.id, reason()).await.unwrap();
    assert_eq!(opened.opening.as_ref().map(|one| one.reason.as_str()), Some(REASON));
    let again = library.open_seal(named(9), made.id, reason()).await.unwrap();
    assert_eq!(again, opened, "the same command");
    let second = library.open_seal(command(), made.id, reason()).await.unwrap_err();
    let ActorsError::Conflict { detail, params } = second else { panic!("{second:?}") };
    assert!(detail.contains("once") && params.contains_key("opened_at"), "{detail} {params:?}");

    // The first look is the one; everything later is marked, and research still sees nothing of it.
    let first = ran(&node, backtest("sealed")).await;
    assert_eq!(seen(&effects, first), (500, "opened_for".to_owned()));
    for (wanted, rows) in [(evaluation("sealed"), 500), (backtest("test"), 400)] {
        let later = ran(&node, wanted).await;
        assert_eq!(seen(&effects, later), (rows, "after_opening".to_owned()));
    }
    // What was sealed stays so, also after a restart.
    let less = library.add_version(command(), made.id, None, sealing(0.1)).await.unwrap_err();
    assert_eq!(less.problem().errors[0].pointer, "/config/seal/share");
    node.running.shutdown(DEADLINE).await;
    let node = start(dir.path(), &setup).await;
    assert_eq!(node.platform.strategies.seal(made.id).await.unwrap(), opened);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_tested_under_the_seal_it_was_trained_under_and_nothing_sealed_is_not_opened() {
    let dir = temporary();
    let node = start(dir.path(), &Setup::mode("normal").with("FAKE_STEPS", 3)).await;
    let about = support::training(&node).await;
    let trained = ran(&node, about.clone()).await.to_string();
    let policy = json!({"source": "session", "session_id": trained});
    let test = |segment: &str, version| NewSession {
        config: json!({"kind": "backtest", "policy": policy, "segment": segment}),
        strategy_version: version,
        ..about.clone()
    };
    let nothing = [("/config/segment".to_owned(), "not_sealed".to_owned())];
    assert_eq!(refusals(&node, test("sealed", None)).await, nothing);
    let (library, id) = (&node.platform.strategies, about.strategy_id.unwrap());
    let refused = library.open_seal(command(), id, REASON.to_owned()).await.unwrap_err();
    assert!(matches!(refused, ActorsError::Conflict { .. }), "{refused:?}");
    ran(&node, test("test", Some(1))).await;
    let sealing = json!({"agent": {"algorithm": "dqn"}, "seal": {"share": 0.2}});
    library.add_version(command(), id, None, sealing).await.unwrap();
    let unlike = [("/config/policy".to_owned(), "unlike_training".to_owned())];
    assert_eq!(refusals(&node, test("test", Some(1))).await, unlike);
}
