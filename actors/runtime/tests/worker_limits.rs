//! Sessions under limits: memory, wall time, and what is shown of them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(clippy::print_stderr, reason = "a capability that is missing is told loudly")]

mod support;

use actors::boot::{PlatformConfig, boot};
use actors::views::{LimitView, SessionState, SessionView};
use actors::{NewSession, SystemClock, WorkerProgram};
use serde_json::{Value, json};
use support::*;

const ORIGIN: &str = "confinement";

fn limit<'a>(view: &'a SessionView, name: &str) -> &'a LimitView {
    let limits = view.limits.as_ref().expect("limits are shown");
    limits
        .iter()
        .find(|limit| limit.name == name)
        .unwrap_or_else(|| panic!("no {name} in {limits:?}"))
}

async fn with_resources(node: &Node, resources: Value) -> NewSession {
    NewSession { resources: Some(resources), ..training(node).await }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_worker_says_of_its_limits_is_shown_and_logged() {
    let dir = temporary();
    let node = start(dir.path(), &Setup::mode("confined")).await;
    let view = node.platform.sessions.submit(command(), training(&node).await).await.unwrap();
    assert_eq!(view.limits, None, "nothing ran yet");
    let view = until_state(&node, view.id, SessionState::Completed).await;
    assert!(limit(&view, "memory").applied && limit(&view, "memory").detail.contains("512 MiB"));
    assert_eq!(limit(&view, "gpus").detail, "none is visible");
    assert!(limit(&view, "cores").applied && !limit(&view, "cores").detail.is_empty());
    let files = limit(&view, "files");
    assert!(!files.applied);
    for part in ["blobs", &view.dataset_sha256, "sessions", &view.id.to_string()] {
        assert!(files.detail.contains(part), "'{part}' is not in {}", files.detail);
    }
    assert!(view.limits.as_ref().unwrap().iter().all(|limit| limit.name != ORIGIN));
    let log = log_text(&node, view.id).await;
    assert!(log.contains("info limits set by the worker: cores: "), "{log}");
    assert!(log.contains("info not enforced here: files: a fake sees all"), "{log}");
    node.running.shutdown(DEADLINE).await;
    // It is kept with the session.
    let node = start(dir.path(), &Setup::mode("confined")).await;
    let kept = node.platform.sessions.get(view.id).await.unwrap();
    assert_eq!(kept.limits, view.limits);
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_tells_nothing_is_shown_as_not_reported() {
    let dir = temporary();
    let node = start(dir.path(), &Setup::mode("normal")).await;
    let view = node.platform.sessions.submit(command(), training(&node).await).await.unwrap();
    let view = until_state(&node, view.id, SessionState::Completed).await;
    assert!(limit(&view, "memory").applied, "the node's own limits hold all the same");
    let own = limit(&view, ORIGIN);
    assert!(!own.applied && own.detail.contains("not reported"), "{own:?}");
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_over_its_memory_fails_with_the_figures_and_is_not_tried_for_ever() {
    let dir = temporary();
    let setup = Setup::mode("greedy").with("FAKE_STEPS", 1_000_000);
    let node = start(dir.path(), &setup).await;
    let wanted = with_resources(&node, json!({"memory_mib": 64})).await;
    let view = node.platform.sessions.submit(command(), wanted).await.unwrap();
    let view = until_state(&node, view.id, SessionState::Failed).await;
    let error = view.first_error.unwrap();
    let figure = error
        .strip_prefix("out of memory: used ")
        .and_then(|rest| rest.split_once(" of 64 MiB. "))
        .unwrap_or_else(|| panic!("{error}"));
    assert!(64 < figure.0.parse::<u64>().unwrap());
    assert!(figure.1.contains("more memory"), "the next step is named: {error}");
    // Each run committed checkpoints, which begins the count of retries again after any other failure.
    assert!(!node.platform.sessions.checkpoints(view.id).await.unwrap().is_empty());
    assert_eq!(view.retry_count, 3);
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_time_is_up_is_stopped_with_a_checkpoint_and_its_model() {
    let dir = temporary();
    let setup = Setup::mode("normal")
        .with("FAKE_STEPS", 1_000_000)
        .with("FAKE_CHECKPOINT_EVERY", 1_000_000);
    let node = start(dir.path(), &setup).await;
    let wanted = with_resources(&node, json!({"time_limit_seconds": 1})).await;
    let view = node.platform.sessions.submit(command(), wanted).await.unwrap();
    assert_eq!(view.resources.time_limit_seconds, Some(1));
    let view = until(&node, view.id, "the end", |view| view.state.is_terminal()).await;
    assert_eq!(view.state, SessionState::Stopped);
    assert!(view.reason.contains("time limit of 1 s reached"), "{}", view.reason);
    assert!(view.model_sha256.is_some() && view.first_error.is_none());
    assert_eq!(node.platform.sessions.checkpoints(view.id).await.unwrap().len(), 1);
    let seen = timeline(&node, view.id).await;
    assert!(seen.ends_with(&[SessionState::Stopping, SessionState::Stopped]), "{seen:?}");
    assert!(limit(&view, "time").applied);
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_counts_while_paused_and_over_a_restart_of_the_node() {
    let dir = temporary();
    let setup = Setup::mode("normal").with("FAKE_STEPS", 1_000_000);
    let node = start(dir.path(), &setup).await;
    let wanted = with_resources(&node, json!({"time_limit_seconds": 3})).await;
    let id = node.platform.sessions.submit(command(), wanted).await.unwrap().id;
    until_state(&node, id, SessionState::Running).await;
    node.platform.sessions.pause(command(), id).await.unwrap();
    until_state(&node, id, SessionState::Paused).await;
    node.running.shutdown(DEADLINE).await;
    // Nothing runs any more, so there is nothing to keep.
    let node = start(dir.path(), &setup).await;
    let view = until(&node, id, "the end", |view| view.state.is_terminal()).await;
    assert_eq!(view.state, SessionState::Failed);
    assert!(view.reason.contains("time limit of 3 s reached"), "{}", view.reason);
    assert!(!node.platform.sessions.checkpoints(id).await.unwrap().is_empty(), "kept");
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_does_not_stop_when_its_time_is_up_is_killed_and_the_session_fails() {
    let dir = temporary();
    let mut setup = Setup::mode("ignore_stop").with("FAKE_STEPS", 1_000_000);
    setup.times.stop = std::time::Duration::from_millis(200);
    let node = start(dir.path(), &setup).await;
    let wanted = with_resources(&node, json!({"time_limit_seconds": 1})).await;
    let id = node.platform.sessions.submit(command(), wanted).await.unwrap().id;
    let view = until(&node, id, "the end", |view| view.state.is_terminal()).await;
    assert_eq!(view.state, SessionState::Failed);
    assert!(view.first_error.unwrap().contains("time limit of 1 s reached"));
    assert_eq!(view.retry_count, 0, "a session whose time is up is not tried again");
    node.running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pretended_gpus_are_capacity() {
    let dir = temporary();
    let program = WorkerProgram { path: fake_worker(), env: Default::default() };
    let clock = std::sync::Arc::new(SystemClock);
    let mut config = PlatformConfig::new(dir.path().join("data"), program, clock);
    config.fake_gpus = vec![16_384, 81_920];
    let (platform, running) = boot(config).await.unwrap();
    assert_eq!(platform.nodes.list().await.unwrap()[0].gpu_capacity, 2);
    running.shutdown(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_worker_trains_confined_and_says_so() {
    let here = std::env::current_exe().unwrap();
    let Some(path) = here.ancestors().map(|dir| dir.join("tm-worker")).find(|path| path.is_file())
    else {
        eprintln!(
            "MISSING CAPABILITY tm-worker: the_real_worker_trains_confined NOT RUN (make trainer builds it)"
        );
        return;
    };
    let dir = temporary();
    let program = WorkerProgram { path, env: Default::default() };
    let clock = std::sync::Arc::new(SystemClock);
    let config = PlatformConfig::new(dir.path().join("data"), program, clock);
    let (platform, running) = boot(config).await.unwrap();
    let node = Node { platform, running, pid_file: dir.path().join("none") };
    let mut wanted = training(&node).await;
    wanted.config = json!({"kind": "training", "epochs": 1});
    let id = node.platform.sessions.submit(command(), wanted).await.unwrap().id;
    let view = until(&node, id, "the end", |view| view.state.is_terminal()).await;
    assert_eq!(view.state, SessionState::Completed, "{}", log_text(&node, id).await);
    for name in ["cores", "niceness", "open_files", "privileges", "capabilities"] {
        assert!(limit(&view, name).applied, "{:?}", limit(&view, name));
    }
    for name in ["files", "tcp", "signals", "network"] {
        let found = limit(&view, name);
        if !found.applied {
            eprintln!("MISSING CAPABILITY {name}: confinement in part NOT RUN ({})", found.detail);
        }
    }
    node.running.shutdown(DEADLINE).await;
}
