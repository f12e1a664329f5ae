//! Submit to finished: what a person may ask, what is refused, what is shown. With a real process as worker.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use actors::views::SessionState as State;
use actors::{ActorsError, ListSessions, NewSession};
use engine::error::{Coded, ErrorCode};
use serde_json::json;
use support::{
    DEADLINE, Setup, assert_whole, command, log_text, named, points, start, strategy, temporary,
    timeline, training, until, until_state,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_training_runs_from_submit_to_completed() {
    let dir = temporary();
    let node = start(dir.path(), &Setup::mode("normal")).await;
    let id = node.platform.sessions.submit(command(), training(&node).await).await.unwrap().id;
    let view = node.platform.sessions.wait(id, DEADLINE).await.unwrap();

    assert_eq!(view.state, State::Completed, "{view:?}");
    assert!(view.model_sha256.is_some() && view.started_at.is_some() && view.finished_at.is_some());
    assert_eq!(view.progress.ratio, Some(1.0));
    assert_eq!(view.build, "fake");
    assert_whole(&points(&node, id).await, 20);
    let states = timeline(&node, id).await;
    let wanted = [State::Pending, State::Placed, State::Starting, State::Running, State::Completed];
    assert_eq!(states, wanted);
    let checkpoints = node.platform.sessions.checkpoints(id).await.unwrap();
    assert_eq!(checkpoints.iter().map(|one| one.step).collect::<Vec<_>>(), [20, 15, 10, 5]);
    let log = log_text(&node, id).await;
    assert!(
        log.contains("fake worker on stdout") && log.contains("fake worker on stderr"),
        "{log}"
    );
    assert!(
        !dir.path().join("data/sessions").join(id.to_string()).exists(),
        "the directory is cleared"
    );
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_submission_is_one_session_and_another_content_is_refused() {
    let dir = temporary();
    let node = start(dir.path(), &Setup::mode("normal")).await;
    let wanted = training(&node).await;
    let first = node.platform.sessions.submit(named(1), wanted.clone()).await.unwrap();
    let second = node.platform.sessions.submit(named(1), wanted.clone()).await.unwrap();
    assert_eq!(first.id, second.id);
    let other = NewSession { name: "other".to_owned(), ..wanted };
    let refused = node.platform.sessions.submit(named(1), other).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::IdempotencyMismatch);
    let page = node.platform.sessions.list(ListSessions::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pause_resume_checkpoint_and_stop_do_what_they_say() {
    let dir = temporary();
    let setup =
        Setup::mode("normal").with("FAKE_STEPS", 100_000).with("FAKE_CHECKPOINT_EVERY", 1_000_000);
    let node = start(dir.path(), &setup).await;
    let sessions = &node.platform.sessions;
    let id = sessions.submit(command(), training(&node).await).await.unwrap().id;
    until(&node, id, "steps", |view| view.state == State::Running && 3 < view.progress.step).await;

    let refused = sessions.resume(command(), id).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::IllegalTransition);
    assert!(
        refused.to_string().contains("running")
            && refused.to_string().contains("pause, checkpoint, stop")
    );

    let pausing = sessions.pause(named(2), id).await.unwrap();
    assert_eq!(pausing.state, State::Pausing);
    let paused = until_state(&node, id, State::Paused).await;
    assert!(sessions.pause(named(2), id).await.is_ok(), "a repeated command gets the first answer");
    assert_eq!(
        sessions.pause(command(), id).await.unwrap_err().code(),
        ErrorCode::IllegalTransition
    );

    sessions.checkpoint(command(), id).await.unwrap();
    let checkpointed =
        until(&node, id, "a checkpoint", |view| paused.revision < view.revision).await;
    assert_eq!(checkpointed.state, State::Paused);
    sessions.resume(command(), id).await.unwrap();
    until_state(&node, id, State::Running).await;

    assert_eq!(sessions.stop(command(), id).await.unwrap().state, State::Stopping);
    let ended = sessions.wait(id, DEADLINE).await.unwrap();
    assert_eq!(ended.state, State::Stopped, "{ended:?}");
    assert!(ended.model_sha256.is_some(), "the best model is kept");
    assert!(!sessions.checkpoints(id).await.unwrap().is_empty());
    for refused in [sessions.stop(command(), id).await, sessions.pause(command(), id).await] {
        assert_eq!(refused.unwrap_err().code(), ErrorCode::IllegalTransition);
    }
    let count = points(&node, id).await.len() as u64;
    assert_whole(&points(&node, id).await, count);
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_resumed_before_it_stood_still_runs_whether_or_not_its_worker_answers() {
    let dir = temporary();
    let node = start(dir.path(), &Setup::mode("no_answer").with("FAKE_STEPS", 100_000)).await;
    let sessions = &node.platform.sessions;
    let id = sessions.submit(command(), training(&node).await).await.unwrap().id;
    until_state(&node, id, State::Running).await;
    for _ in 0..3 {
        assert_eq!(sessions.pause(command(), id).await.unwrap().state, State::Pausing);
        assert_eq!(sessions.resume(command(), id).await.unwrap().state, State::Running);
    }
    let states = timeline(&node, id).await;
    assert!(states.ends_with(&[State::Pausing, State::Running]), "{states:?}");
    sessions.stop(command(), id).await.unwrap();
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hasty_pauses_and_resumes_end_where_the_last_one_says() {
    let dir = temporary();
    let node = start(dir.path(), &Setup::mode("normal").with("FAKE_STEPS", 100_000)).await;
    let sessions = &node.platform.sessions;
    let id = sessions.submit(command(), training(&node).await).await.unwrap().id;
    until_state(&node, id, State::Running).await;
    for _ in 0..5 {
        sessions.pause(command(), id).await.unwrap();
        sessions.resume(command(), id).await.unwrap();
        until_state(&node, id, State::Running).await;
    }
    sessions.pause(command(), id).await.unwrap();
    let paused = until_state(&node, id, State::Paused).await;
    sessions.resume(command(), id).await.unwrap();
    until(&node, id, "more steps", |view| {
        view.state == State::Running && paused.progress.step < view.progress.step
    })
    .await;
    sessions.stop(command(), id).await.unwrap();
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_announced_again_stands_and_is_no_error() {
    let dir = temporary();
    let setup =
        Setup::mode("repeats").with("FAKE_STEPS", 100_000).with("FAKE_CHECKPOINT_EVERY", 1_000_000);
    let node = start(dir.path(), &setup).await;
    let sessions = &node.platform.sessions;
    let id = sessions.submit(command(), training(&node).await).await.unwrap().id;
    until_state(&node, id, State::Running).await;
    sessions.pause(command(), id).await.unwrap();
    let mut before = until_state(&node, id, State::Paused).await;
    for _ in 0..3 {
        sessions.checkpoint(command(), id).await.unwrap();
        // The request is the first change, the answer to it the second.
        before =
            until(&node, id, "a checkpoint", |view| before.revision + 2 <= view.revision).await;
    }
    assert_eq!(sessions.checkpoints(id).await.unwrap().len(), 1);
    let log = log_text(&node, id).await;
    assert!(!log.contains("error") && !log.contains("does not count"), "{log}");
    sessions.stop(command(), id).await.unwrap();
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_wait_say_why_and_go_by_priority() {
    let dir = temporary();
    let setup = Setup { cores: 1, ..Setup::mode("normal").with("FAKE_STEPS", 100_000) };
    let node = start(dir.path(), &setup).await;
    let sessions = &node.platform.sessions;
    let wanted = training(&node).await;
    let first = sessions.submit(command(), wanted.clone()).await.unwrap().id;
    until_state(&node, first, State::Running).await;
    let low = sessions.submit(command(), wanted.clone()).await.unwrap().id;
    let last = NewSession { priority: -5, ..wanted.clone() };
    let last = sessions.submit(command(), last).await.unwrap().id;
    let large = json!({"cpu": 8});
    let never = sessions
        .submit(command(), NewSession { resources: Some(large), ..wanted })
        .await
        .unwrap()
        .id;

    let name = node.running.node().clone();
    let next = format!("waiting for 1 core on {name}; next in queue");
    until(&node, low, "a reason", |view| view.reason == next).await;
    until(&node, last, "a reason", |view| view.reason.contains("ahead in queue")).await;
    until(&node, never, "a reason", |view| view.reason.contains("the largest node has 1 core"))
        .await;
    let queue = sessions.queue().await.unwrap();
    let place = |id| queue.iter().find(|entry| entry.session_id == id).map(|one| one.position);
    assert!(place(low) < place(last), "{queue:?}");
    assert_eq!(queue.iter().find(|one| one.session_id == low).unwrap().reason_code, "missing");

    assert_eq!(sessions.stop(command(), never).await.unwrap().state, State::Stopped);
    assert_eq!(
        sessions.pause(command(), low).await.unwrap_err().code(),
        ErrorCode::IllegalTransition
    );
    sessions.stop(command(), first).await.unwrap();
    until_state(&node, low, State::Running).await;
    assert_eq!(sessions.get(last).await.unwrap().state, State::Pending);
    sessions.stop(command(), low).await.unwrap();
    until_state(&node, last, State::Running).await;
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_more_urgent_session_takes_the_place_of_a_lesser_one_which_goes_on_later() {
    let dir = temporary();
    let setup = Setup { cores: 1, ..Setup::mode("normal").with("FAKE_STEPS", 100_000) };
    let node = start(dir.path(), &setup).await;
    let sessions = &node.platform.sessions;
    let wanted = training(&node).await;
    let lesser = sessions.submit(command(), wanted.clone()).await.unwrap().id;
    until_state(&node, lesser, State::Running).await;
    let urgent = NewSession { priority: 50, ..wanted };
    let urgent = sessions.submit(command(), urgent).await.unwrap().id;
    until_state(&node, urgent, State::Running).await;
    assert_eq!(sessions.get(lesser).await.unwrap().state, State::Pending);
    assert!(!sessions.checkpoints(lesser).await.unwrap().is_empty(), "nothing was thrown away");
    let timeline = sessions.timeline(lesser).await.unwrap();
    let last = timeline.last().unwrap();
    assert!(last.reason.contains("which has a higher priority"), "{last:?}");
    sessions.stop(command(), urgent).await.unwrap();
    until_state(&node, lesser, State::Running).await;
    assert_eq!(sessions.get(lesser).await.unwrap().epoch.0, 2, "a new assignment");
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_submission_names_every_violation_and_changes_nothing() {
    let dir = temporary();
    let node = start(dir.path(), &Setup::mode("normal")).await;
    let sessions = &node.platform.sessions;
    let good = training(&node).await;
    let pointers = |error: ActorsError| {
        error.problem().errors.into_iter().map(|violation| violation.pointer).collect::<Vec<_>>()
    };

    let bad = NewSession {
        name: "  ".to_owned(),
        dataset_id: "dst_00000000000000000000000000000000".parse().unwrap(),
        config: json!({"kind": "training", "epochs": 0}),
        resources: Some(json!({"cpu": 0})),
        priority: 1_000,
        tags: vec![String::new()],
        ..good.clone()
    };
    let found = pointers(sessions.submit(command(), bad).await.unwrap_err());
    for pointer in
        ["/name", "/dataset_id", "/config/epochs", "/resources/cpu", "/priority", "/tags/0"]
    {
        assert!(found.iter().any(|one| one == pointer), "{pointer} in {found:?}");
    }

    let rule = strategy(&node, "rule", json!({"agent": {"algorithm": "buy_and_hold"}})).await;
    let of_rule = NewSession { strategy_id: Some(rule.id), ..good.clone() };
    assert_eq!(pointers(sessions.submit(command(), of_rule).await.unwrap_err()), ["/config/kind"]);
    let untrained = NewSession { config: json!({"kind": "backtest"}), ..good.clone() };
    assert_eq!(
        pointers(sessions.submit(command(), untrained).await.unwrap_err()),
        ["/config/policy"]
    );
    let missing = json!({"kind": "backtest",
        "policy": {"source": "session", "session_id": "ses_00000000000000000000000000000000"}});
    let of_missing = NewSession { config: missing, ..good.clone() };
    let found = pointers(sessions.submit(command(), of_missing).await.unwrap_err());
    assert_eq!(found, ["/config/policy/session_id"]);

    let unknown = "ses_00000000000000000000000000000000".parse().unwrap();
    assert_eq!(sessions.get(unknown).await.unwrap_err().code(), ErrorCode::NotFound);
    assert_eq!(sessions.stop(command(), unknown).await.unwrap_err().code(), ErrorCode::NotFound);
    assert!(sessions.list(ListSessions::default()).await.unwrap().items.is_empty());
    node.running.shutdown(DEADLINE).await;
}
