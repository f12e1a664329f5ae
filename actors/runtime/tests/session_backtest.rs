//! Back-tests of trained models: what they may be run on, what they leave behind. With a real process as worker.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use actors::views::SessionState as State;
use actors::{ActorsError, ImportRequest, ImportSource, ListSessions, NewSession};
use engine::ids::SessionId;
use serde_json::{Value, json};
use support::{DEADLINE, Node, Setup, command, start, temporary, training};

fn of_model(trained: SessionId, more: &Value) -> Value {
    let mut config = json!({"kind": "backtest",
        "policy": {"source": "session", "session_id": trained.to_string()}});
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

async fn refusal(node: &Node, wanted: NewSession) -> Vec<(String, String)> {
    let error: ActorsError = node.platform.sessions.submit(command(), wanted).await.unwrap_err();
    error.problem().errors.into_iter().map(|one| (one.pointer, one.detail)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_tested_by_the_cut_and_the_strategy_version_it_was_trained_with() {
    let dir = temporary();
    let node = start(dir.path(), &Setup::mode("normal").with("FAKE_STEPS", 3)).await;
    let sessions = &node.platform.sessions;
    let split = json!({"train": 0.6, "valid": 0.2, "purge_bars": 10});
    let wanted =
        NewSession { config: json!({"kind": "training", "split": split}), ..training(&node).await };
    let trained = sessions.submit(command(), wanted.clone()).await.unwrap().id;
    sessions.wait(trained, DEADLINE).await.unwrap();

    let same = NewSession { config: of_model(trained, &json!({"split": split})), ..wanted.clone() };
    let seen = of_model(trained, &json!({"split": split, "segment": "train"}));
    let seen = NewSession { config: seen, ..wanted.clone() };
    let other = NewSession { config: of_model(trained, &json!({})), ..wanted.clone() };
    for good in [same.clone(), seen] {
        sessions.submit(command(), good).await.unwrap();
    }
    let found = refusal(&node, other.clone()).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "/config/split");
    for words in ["train 0.6", "valid 0.2", "purge_bars 10", "no test"] {
        assert!(found[0].1.contains(words), "{words}: {found:?}");
    }

    // The same bars under another name are the same bars.
    let import = |name: &str, seed| ImportRequest {
        name: name.to_owned(),
        source: ImportSource::Synthetic { seed, rows: 500 },
        plan: actors::ImportPlan::default(),
    };
    let again = node.platform.datasets.import(command(), import("again", 7)).await.unwrap();
    let found = refusal(&node, NewSession { dataset_id: again.id, ..other.clone() }).await;
    assert_eq!(found.iter().map(|one| one.0.as_str()).collect::<Vec<_>>(), ["/config/split"]);
    let strange = node.platform.datasets.import(command(), import("strange", 8)).await.unwrap();
    let elsewhere = NewSession { dataset_id: strange.id, ..other.clone() };
    sessions.submit(command(), elsewhere).await.unwrap();

    let newer = json!({"agent": {"algorithm": "dqn"}, "matching": {"fee_rate": 0.0}});
    node.platform
        .strategies
        .add_version(command(), wanted.strategy_id.unwrap(), None, newer)
        .await
        .unwrap();
    let found = refusal(&node, NewSession { strategy_version: None, ..other }).await;
    let pointers: Vec<&str> = found.iter().map(|one| one.0.as_str()).collect();
    assert_eq!(pointers, ["/strategy_version", "/config/split"], "{found:?}");
    assert!(found[0].1.contains("version 1") && found[0].1.contains("version 2"), "{found:?}");
    sessions.submit(command(), NewSession { strategy_version: Some(1), ..same }).await.unwrap();
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trained_model_can_be_back_tested_and_lists_page_newest_first() {
    let dir = temporary();
    let node = start(dir.path(), &Setup::mode("normal").with("FAKE_STEPS", 3)).await;
    let sessions = &node.platform.sessions;
    let wanted = training(&node).await;
    let trained = sessions.submit(command(), wanted.clone()).await.unwrap().id;
    sessions.wait(trained, DEADLINE).await.unwrap();
    let config = json!({"kind": "backtest", "policy": {"source": "session", "session_id": trained.to_string()}});
    let backtest = sessions.submit(command(), NewSession { config, ..wanted }).await.unwrap().id;
    let view = sessions.wait(backtest, DEADLINE).await.unwrap();
    assert_eq!(view.state, State::Completed, "{view:?}");
    assert!(view.report_sha256.is_some());
    let shown = [("max_drawdown", Some(0.125)), ("sharpe", None), ("total_return", Some(0.25))];
    for (name, value) in shown {
        assert_eq!(view.last_metrics.get(name), Some(&value), "what the report says of the agent");
    }

    let first = sessions.list(ListSessions { limit: 1, ..ListSessions::default() }).await.unwrap();
    assert_eq!(first.items[0].id, backtest);
    let after = ListSessions { limit: 1, after: first.next, ..ListSessions::default() };
    let second = sessions.list(after).await.unwrap();
    assert_eq!((second.items[0].id, second.next), (trained, None));
    let only = ListSessions { state: Some(State::Running), ..ListSessions::default() };
    assert!(sessions.list(only).await.unwrap().items.is_empty());
    node.running.shutdown(DEADLINE).await;
}
