//! Workers and nodes that die, hang, lie or flood: nothing acknowledged is lost or doubled, nothing is stuck.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use std::time::{Duration, Instant};

use actors::views::SessionState as State;
use support::{
    DEADLINE, Setup, assert_whole, command, kill_worker, log_text, points, start, temporary,
    timeline, training, until, until_state,
};

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_twenty_random_points_no_metric_is_lost_or_doubled() {
    let dir = temporary();
    let setup = Setup::mode("normal").with("FAKE_STEPS", 300).with("FAKE_STEP_MS", 3);
    let node = start(dir.path(), &setup).await;
    let id = node.platform.sessions.submit(command(), training(&node).await).await.unwrap().id;
    // A fixed walk through the steps at which to kill; each waits for lasting progress so that the budget begins anew.
    let mut seed = 7_u64;
    let mut mark = 0;
    for _ in 0..20 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        mark += 6 + (seed >> 33) % 8;
        let view = until(&node, id, "progress", |view| {
            view.state.is_terminal() || mark <= view.progress.step
        })
        .await;
        if view.state.is_terminal() {
            break;
        }
        kill_worker(&node);
    }
    let ended = node.platform.sessions.wait(id, DEADLINE).await.unwrap();
    assert_eq!(ended.state, State::Completed, "{ended:?}");
    assert!(timeline(&node, id).await.contains(&State::Recovering));
    assert_whole(&points(&node, id).await, 300);
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_always_crashes_is_retried_three_times_then_fails_with_its_first_error() {
    let dir = temporary();
    let node = start(dir.path(), &Setup::mode("crash").with("FAKE_CRASH_AT", 3)).await;
    let id = node.platform.sessions.submit(command(), training(&node).await).await.unwrap().id;
    let ended = node.platform.sessions.wait(id, DEADLINE).await.unwrap();
    assert_eq!(ended.state, State::Failed, "{ended:?}");
    assert!(ended.first_error.unwrap().contains("signal 6"));
    assert!(ended.reason.contains("3 retries did not help"), "{}", ended.reason);
    let starts =
        timeline(&node, id).await.into_iter().filter(|state| *state == State::Starting).count();
    assert_eq!(starts, 4);
    assert!(log_text(&node, id).await.contains("crashing as told"));
    assert_whole(&points(&node, id).await, 3);
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_huge_frames_and_bad_specs_are_never_retried() {
    for (mode, error) in
        [("garbage", "no frame of ours"), ("huge", "no frame of ours"), ("bad_spec", "not for me")]
    {
        let dir = temporary();
        let node = start(dir.path(), &Setup::mode(mode)).await;
        let id = node.platform.sessions.submit(command(), training(&node).await).await.unwrap().id;
        let ended = node.platform.sessions.wait(id, DEADLINE).await.unwrap();
        assert_eq!((ended.state, ended.retry_count), (State::Failed, 0), "{mode}: {ended:?}");
        assert!(ended.first_error.as_ref().unwrap().contains(error), "{mode}: {ended:?}");
        node.running.shutdown(DEADLINE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_hangs_or_never_says_hello_is_killed_and_retried() {
    for (mode, error) in [("hang", "sent nothing"), ("mute", "did not say hello")] {
        let dir = temporary();
        let mut setup = Setup::mode(mode);
        setup.times.silence = Duration::from_millis(700);
        setup.times.hello = Duration::from_millis(if mode == "mute" { 300 } else { 20_000 });
        setup.retry.retries_max = 1;
        let node = start(dir.path(), &setup).await;
        let id = node.platform.sessions.submit(command(), training(&node).await).await.unwrap().id;
        let ended = node.platform.sessions.wait(id, DEADLINE).await.unwrap();
        assert_eq!(ended.state, State::Failed, "{mode}: {ended:?}");
        assert!(ended.first_error.as_ref().unwrap().contains(error), "{mode}: {ended:?}");
        node.running.shutdown(DEADLINE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_ignores_stop_is_killed_and_the_session_is_stopped() {
    let dir = temporary();
    let mut setup = Setup::mode("ignore_stop").with("FAKE_STEPS", 1_000_000);
    setup.times.stop = Duration::from_millis(300);
    let node = start(dir.path(), &setup).await;
    let id = node.platform.sessions.submit(command(), training(&node).await).await.unwrap().id;
    until_state(&node, id, State::Running).await;
    node.platform.sessions.stop(command(), id).await.unwrap();
    let ended = node.platform.sessions.wait(id, DEADLINE).await.unwrap();
    assert_eq!(ended.state, State::Stopped, "{ended:?}");
    assert!(ended.reason.contains("killed"), "{}", ended.reason);
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_node_restart_sessions_resume_and_ended_ones_stay() {
    let dir = temporary();
    let quick = Setup::mode("normal").with("FAKE_STEPS", 5);
    let node = start(dir.path(), &quick).await;
    let wanted = training(&node).await;
    let done = node.platform.sessions.submit(command(), wanted.clone()).await.unwrap().id;
    node.platform.sessions.wait(done, DEADLINE).await.unwrap();
    node.running.shutdown(Duration::ZERO).await;
    drop(node);

    let long = Setup::mode("normal").with("FAKE_STEPS", 200).with("FAKE_STEP_MS", 5);
    let node = start(dir.path(), &long).await;
    let id = node.platform.sessions.submit(command(), wanted).await.unwrap().id;
    until(&node, id, "steps", |view| 23 < view.progress.step).await;
    let stored = points(&node, id).await.len();
    node.running.shutdown(Duration::ZERO).await;
    drop(node);

    let node = start(dir.path(), &long).await;
    assert!(stored <= points(&node, id).await.len(), "acknowledged points are there again");
    let ended = node.platform.sessions.wait(id, DEADLINE).await.unwrap();
    assert_eq!(ended.state, State::Completed, "{ended:?}");
    assert!(timeline(&node, id).await.contains(&State::Recovering));
    assert!(log_text(&node, id).await.contains("from the checkpoint at step"));
    assert_whole(&points(&node, id).await, 200);
    assert_eq!(node.platform.sessions.get(done).await.unwrap().state, State::Completed);
    assert_whole(&points(&node, done).await, 5);
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_session_stays_paused_over_a_node_restart_and_goes_on_when_told() {
    let dir = temporary();
    let setup = Setup::mode("normal").with("FAKE_STEPS", 60);
    let node = start(dir.path(), &setup).await;
    let id = node.platform.sessions.submit(command(), training(&node).await).await.unwrap().id;
    until(&node, id, "steps", |view| 7 < view.progress.step).await;
    node.platform.sessions.pause(command(), id).await.unwrap();
    until_state(&node, id, State::Paused).await;
    node.running.shutdown(Duration::ZERO).await;
    drop(node);

    let node = start(dir.path(), &setup).await;
    assert_eq!(node.platform.sessions.get(id).await.unwrap().state, State::Paused);
    node.platform.sessions.resume(command(), id).await.unwrap();
    let ended = node.platform.sessions.wait(id, DEADLINE).await.unwrap();
    assert_eq!(ended.state, State::Completed, "{ended:?}");
    assert_whole(&points(&node, id).await, 60);
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_before_a_retry_goes_on_over_a_node_restart() {
    let dir = temporary();
    let mut setup = Setup::mode("crash").with("FAKE_CRASH_AT", 3);
    setup.retry.backoff_first = Duration::from_secs(3_600);
    setup.retry.backoff_max = Duration::from_secs(3_600);
    let node = start(dir.path(), &setup).await;
    let id = node.platform.sessions.submit(command(), training(&node).await).await.unwrap().id;
    until_state(&node, id, State::Recovering).await;
    node.running.shutdown(Duration::ZERO).await;
    drop(node);

    let node = start(dir.path(), &setup).await;
    let begun = Instant::now();
    while !log_text(&node, id).await.contains("the pause before retry 1 is not over") {
        assert!(begun.elapsed() < DEADLINE, "{}", log_text(&node, id).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let view = node.platform.sessions.get(id).await.unwrap();
    assert_eq!((view.state, view.retry_count), (State::Recovering, 1));
    let starts =
        |all: Vec<State>| all.into_iter().filter(|state| *state == State::Starting).count();
    assert_eq!(starts(timeline(&node, id).await), 1, "it was not started again");
    node.running.shutdown(Duration::ZERO).await;
    drop(node);

    // No pause is longer than the longest one of the policy in force: the clock may have been set back.
    let node = start(dir.path(), &Setup::mode("normal")).await;
    let ended = node.platform.sessions.wait(id, DEADLINE).await.unwrap();
    assert_eq!(ended.state, State::Completed, "{ended:?}");
    assert_eq!(starts(timeline(&node, id).await), 2);
    assert_whole(&points(&node, id).await, 20);
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_worker_program_fails_the_session_with_advice() {
    let dir = temporary();
    let mut config = actors::boot::PlatformConfig::new(
        dir.path().join("data"),
        actors::WorkerProgram {
            path: "/nowhere/tm-worker".into(),
            env: std::collections::BTreeMap::new(),
        },
        std::sync::Arc::new(actors::SystemClock),
    );
    config.node = Some("node-1".parse().unwrap());
    let (platform, running) = actors::boot::boot(config).await.unwrap();
    let node = support::Node { platform, running, pid_file: dir.path().join("none") };
    let id = node.platform.sessions.submit(command(), training(&node).await).await.unwrap().id;
    let ended = node.platform.sessions.wait(id, DEADLINE).await.unwrap();
    assert_eq!(ended.state, State::Failed, "{ended:?}");
    assert!(ended.first_error.unwrap().contains("/nowhere/tm-worker"));
    node.running.shutdown(DEADLINE).await;
}
