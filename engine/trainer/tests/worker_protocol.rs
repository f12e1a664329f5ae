//! The real binary over a real socket: every command, bad frames, bad inputs, lost leases, dead parents.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test picks the events it looks at")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod common;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Node, PATIENCE, Place};
use engine::config::{AgentConfig, BacktestConfig, SessionConfig};
use engine::evaluation::report::BacktestReport;
use engine::session::protocol::{InputFile, WorkerCommand, WorkerEvent, WorkerResult};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use trainer::worker::guard::boot_time_ms;

const STOP: WorkerCommand = WorkerCommand::Stop { deadline_ms: 60_000 };

fn progressed(event: &WorkerEvent) -> Option<(u64, String)> {
    match event {
        WorkerEvent::Progress(progress) => Some((progress.step, progress.phase.clone())),
        _ => None,
    }
}

#[test]
fn a_good_run_says_hello_ready_progress_metrics_checkpoints_and_done_in_order() {
    let place = Place::new();
    let spec = place.training("good", 4);
    let mut node = Node::run(&spec);
    assert_eq!(node.wait(), 0, "{:?}", node.fault());
    assert!(
        matches!(&node.seen[0], WorkerEvent::Hello { libtorch, .. } if libtorch == "2.11.0"),
        "{:?}",
        node.seen[0]
    );
    assert_eq!(node.seen[1], WorkerEvent::Ready);
    assert!(matches!(
        node.seen.last(),
        Some(WorkerEvent::Done(WorkerResult::Training { stopped: false, .. }))
    ));
    let checkpoints: Vec<_> = node
        .seen
        .iter()
        .enumerate()
        .filter_map(|(at, event)| match event {
            WorkerEvent::CheckpointWritten(written) => Some((at, written.clone())),
            _ => None,
        })
        .collect();
    assert!(checkpoints.len() >= 2, "after the first epoch and after the last");
    assert_eq!(checkpoints.last().map(|(_, written)| written.epoch_index), Some(4));
    for (at, written) in &checkpoints {
        let before = common::points_before(&node.seen[..*at]).len() as u64;
        assert_eq!(
            before, written.metric_count,
            "points are flushed before the checkpoint that counts them"
        );
    }
    for (_, written) in &checkpoints {
        common::input(&spec.work_dir, written); // still there: nothing was removed before it could be taken
    }
    let Some(WorkerResult::Training { model_file, model_sha256, best_score, .. }) = node.result()
    else {
        panic!()
    };
    let model = std::fs::read(std::path::Path::new(&spec.work_dir).join(model_file)).unwrap();
    assert_eq!(engine::digest::sha256(&model), model_sha256);
    assert!(best_score.is_some());
    let names: std::collections::BTreeSet<String> =
        node.points().into_iter().map(|point| point.name).collect();
    let wanted = [
        "episode_drawdown",
        "episode_return",
        "epsilon",
        "gradient_norm",
        "loss",
        "q_mean",
        "valid_max_drawdown",
        "valid_sharpe",
        "valid_total_return",
    ];
    assert_eq!(names.into_iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn pause_stands_still_answers_pings_and_writes_checkpoints_and_resume_goes_on() {
    let place = Place::new();
    let mut node = Node::run(&place.training("pause", 100_000));
    node.wait_for("a first step", |event| progressed(event).filter(|(step, _)| *step > 0));
    node.send(WorkerCommand::Pause);
    node.wait_for("Paused", |event| matches!(event, WorkerEvent::Paused).then_some(()));
    let (paused_at, _) = node.wait_for("progress while paused", |event| {
        progressed(event).filter(|(_, phase)| phase == "paused")
    });
    node.send(WorkerCommand::Pause); // repeating a command is harmless
    node.send(WorkerCommand::Checkpoint);
    let first = node.checkpoint();
    node.send(WorkerCommand::Ping { nonce: 77 });
    node.wait_for("Pong", |event| matches!(event, WorkerEvent::Pong { nonce: 77 }).then_some(()));
    node.send(WorkerCommand::Checkpoint);
    let second = node.checkpoint();
    assert_eq!(first, second, "nothing moved, so the same file is announced again");
    assert!(first.step >= paused_at && first.step < paused_at + 17, "{} {paused_at}", first.step);
    assert!(!node.seen.contains(&WorkerEvent::Resumed));
    node.send(WorkerCommand::Resume);
    node.wait_for("Resumed", |event| matches!(event, WorkerEvent::Resumed).then_some(()));
    node.wait_for("steps", |event| progressed(event).filter(|(step, _)| *step > second.step + 20));
    node.send(STOP);
    assert_eq!(node.wait(), 75);
    let Some(WorkerResult::Training { stopped, .. }) = node.result() else {
        panic!("{:?}", node.seen.last())
    };
    assert!(stopped);
    assert!(node.last_checkpoint().step > second.step, "a stop writes a checkpoint");
}

#[test]
fn every_pause_and_every_resume_is_answered_in_order_also_when_the_loop_was_busy_meanwhile() {
    let place = Place::new();
    let backtest = |name: &str| {
        let mut spec = place.training(name, 1);
        spec.strategy.as_mut().unwrap().agent =
            AgentConfig::BuyAndHold(engine::config::agents::RuleConfig::default());
        spec.session = SessionConfig::Backtest(BacktestConfig::default());
        spec
    };
    let (pause, resume) = (WorkerCommand::Pause, WorkerCommand::Resume);
    let cases = [
        (backtest("b2"), vec![pause.clone(), resume.clone()]),
        (backtest("b3"), vec![pause.clone(), resume.clone(), pause.clone()]),
        (place.training("t1", 100_000), vec![resume.clone()]),
        (place.training("t2", 100_000), vec![pause.clone(), resume.clone()]),
        (place.training("t3", 100_000), vec![pause.clone(), resume, pause]),
    ];
    for (spec, commands) in cases {
        // Before `Start` nobody looks at orders, as within a long validation.
        let mut node = Node::start();
        for command in &commands {
            node.send(command.clone());
        }
        node.send_start(serde_json::to_vec(&spec).unwrap());
        for (at, command) in commands.iter().enumerate() {
            let wanted = match command {
                WorkerCommand::Pause => WorkerEvent::Paused,
                _ => WorkerEvent::Resumed,
            };
            let what = format!("{wanted:?}, answer {at} of {commands:?}");
            let found = node.wait_for(&what, |event| {
                matches!(event, WorkerEvent::Paused | WorkerEvent::Resumed).then(|| event.clone())
            });
            assert_eq!(found, wanted, "{what}");
        }
        node.send_if_open(STOP);
        node.wait();
    }
}

#[test]
fn progress_comes_at_least_twice_a_second() {
    let place = Place::new();
    let mut node = Node::run(&place.training("progress", 100_000));
    node.wait_for("progress", progressed);
    let started = Instant::now();
    let mut rates = Vec::new();
    for _ in 0..6 {
        rates.push(node.wait_for("progress", |event| match event {
            WorkerEvent::Progress(progress) => Some(progress.steps_per_second),
            _ => None,
        }));
    }
    // six frames, at most 400 ms apart each when the machine is free; a busy one may take longer, never a multiple
    assert!(started.elapsed() < PATIENCE / 4);
    assert!(rates.iter().any(|rate| *rate > 0.0), "{rates:?}");
    node.send(STOP);
    assert_eq!(node.wait(), 75);
}

#[test]
fn a_stop_while_paused_and_a_stop_before_start_end_in_good_order() {
    let place = Place::new();
    let mut node = Node::run(&place.training("paused", 100_000));
    node.send(WorkerCommand::Pause);
    node.wait_for("Paused", |event| matches!(event, WorkerEvent::Paused).then_some(()));
    node.send(STOP);
    assert_eq!(node.wait(), 75);
    let mut node = Node::start();
    node.send(STOP);
    assert_eq!(node.wait(), 75);
    assert_eq!(node.result(), None);
}

#[test]
fn terminate_writes_a_checkpoint_and_ends_as_a_stop() {
    let place = Place::new();
    let mut node = Node::run(&place.training("term", 100_000));
    node.wait_for("metrics", |event| matches!(event, WorkerEvent::Metrics(_)).then_some(()));
    kill_process(Pid::from_child(&node.child), Signal::TERM).unwrap();
    assert_eq!(node.wait(), 75);
    assert!(node.last_checkpoint().step > 0);
}

#[test]
fn bad_frames_end_the_worker_with_the_protocol_code() {
    let cases: [(&str, Vec<u8>); 5] = [
        ("no envelope", [&9_u32.to_be_bytes()[..], b"not magic"].concat()),
        ("too large", u32::MAX.to_be_bytes().to_vec()),
        ("empty", 0_u32.to_be_bytes().to_vec()),
        ("an event instead of a command", {
            let payload =
                store::codec::encode(&trainer::worker::wire::EventRecord(WorkerEvent::Ready))
                    .unwrap();
            [&u32::try_from(payload.len()).unwrap().to_be_bytes()[..], &payload].concat()
        }),
        ("damaged", {
            let mut payload =
                store::codec::encode(&trainer::worker::wire::CommandRecord(WorkerCommand::Pause))
                    .unwrap();
            *payload.last_mut().unwrap() ^= 1;
            [&u32::try_from(payload.len()).unwrap().to_be_bytes()[..], &payload].concat()
        }),
    ];
    for (name, bytes) in cases {
        let mut node = Node::start();
        node.stop_renewing();
        node.send_bytes(&bytes);
        assert_eq!(node.wait(), 65, "{name}");
        let (kind, text, restartable) = node.fault().unwrap();
        assert_eq!((kind.as_str(), restartable), ("protocol", false), "{name}: {text}");
    }
}

#[test]
fn a_bad_spec_is_refused_with_every_reason_and_never_retried() {
    let place = Place::new();
    let refused = |spec: Vec<u8>, parts: &[&str]| {
        let mut node = Node::start();
        node.send_start(spec);
        assert_eq!(node.wait(), 64);
        let (kind, text, restartable) = node.fault().unwrap();
        assert!(!restartable && (kind == "bad_spec" || kind == "data"), "{kind}");
        for part in parts {
            assert!(text.contains(part), "'{part}' is not in: {text}");
        }
    };
    refused(b"{}".to_vec(), &["missing field"]);
    let mut spec = place.training("bad", 3);
    if let AgentConfig::Dqn(dqn) = &mut spec.strategy.as_mut().unwrap().agent {
        dqn.gamma = 7.0;
    }
    if let SessionConfig::Training(training) = &mut spec.session {
        training.epochs = 0;
    }
    refused(serde_json::to_vec(&spec).unwrap(), &["/strategy/agent/gamma", "/session/epochs"]);
    let mut spec = place.training("gpu", 3);
    spec.resources.gpus = 1;
    refused(serde_json::to_vec(&spec).unwrap(), &["processor only"]);
    let mut spec = place.training("memory", 3);
    spec.resources.memory_mib = 64;
    refused(serde_json::to_vec(&spec).unwrap(), &["MiB are reserved"]);
    spec.session = SessionConfig::Backtest(BacktestConfig::default());
    spec.strategy.as_mut().unwrap().agent =
        AgentConfig::BuyAndHold(engine::config::agents::RuleConfig::default());
    refused(serde_json::to_vec(&spec).unwrap(), &["MiB are reserved"]);
    let mut spec = place.training("data", 3);
    spec.dataset.sha256 = "ab".repeat(32);
    refused(
        serde_json::to_vec(&spec).unwrap(),
        &["not the file that was announced", &"ab".repeat(32)],
    );
    let mut spec = place.training("rule", 3);
    spec.strategy.as_mut().unwrap().agent =
        AgentConfig::BuyAndHold(engine::config::agents::RuleConfig::default());
    refused(serde_json::to_vec(&spec).unwrap(), &["nothing to learn"]);
}

#[test]
fn learning_that_runs_away_is_told_as_diverged() {
    let place = Place::new();
    let mut spec = place.training("diverged", 3);
    if let AgentConfig::Dqn(dqn) = &mut spec.strategy.as_mut().unwrap().agent {
        dqn.learning_rate = 1.0;
        dqn.gamma = 1.0;
        dqn.target_tau = 1.0;
        dqn.reward_scale = 1e9;
        dqn.gradient_norm_max = 1e6;
        dqn.hidden = vec![64; 8];
        dqn.warmup_steps = 16;
    }
    let mut node = Node::run(&spec);
    assert_eq!(node.wait(), 70, "{:?}", node.fault());
    let (kind, text, restartable) = node.fault().unwrap();
    assert_eq!((kind.as_str(), restartable), ("diverged", false), "{text}");
}

#[test]
fn a_lease_that_is_not_renewed_ends_the_worker() {
    let place = Place::new();
    let mut node = Node::run(&place.training("lease", 100_000));
    node.wait_for("steps", |event| progressed(event).filter(|(step, _)| *step > 0));
    node.stop_renewing();
    node.send(WorkerCommand::Lease { until_ms: boot_time_ms() + 200 });
    // the renewing thread may have one more renewal under way
    let deadline = Instant::now() + PATIENCE;
    while node.child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        node.send_if_open(WorkerCommand::Lease { until_ms: boot_time_ms() });
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(node.wait(), 76);
    assert_eq!(node.fault().unwrap().0, "lease");
}

#[test]
fn a_second_start_breaks_the_protocol() {
    let place = Place::new();
    let mut node = Node::run(&place.training("twice", 100_000));
    node.wait_for("Ready", |event| matches!(event, WorkerEvent::Ready).then_some(()));
    node.send_start(Vec::new());
    assert_eq!(node.wait(), 65);
}

#[test]
fn started_by_hand_it_says_what_it_is_and_ends() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_tm-worker")).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&output.stderr).contains("started by a node"));
}

#[test]
fn the_worker_dies_with_its_parent() {
    // This test's own program, started again as a parent that is killed.
    if std::env::var_os("TM_TEST_PARENT").is_some() {
        let place = Place::new();
        let mut node = Node::run(&place.training("orphan", 100_000));
        node.wait_for("steps", |event| progressed(event).filter(|(step, _)| *step > 0));
        std::fs::write(std::env::var_os("TM_TEST_PARENT").unwrap(), node.child.id().to_string())
            .unwrap();
        loop {
            node.wait_for("progress", progressed);
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let note = directory.path().join("pid");
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_worker_dies_with_its_parent", "--test-threads=1"])
        .env("TM_TEST_PARENT", &note)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    let worker = loop {
        assert!(Instant::now() < deadline, "the worker did not start");
        if let Some(pid) = std::fs::read_to_string(&note).ok().and_then(|text| text.parse().ok()) {
            break Pid::from_raw(pid).unwrap();
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    test_kill_process(worker).unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();
    while is_running(worker) {
        assert!(Instant::now() < deadline, "the worker outlived its parent");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether the process is there and not just waiting to be collected by whoever inherited it.
fn is_running(process: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()))
        .unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

#[test]
fn a_trained_model_is_back_tested_into_a_report_that_is_byte_equal_when_repeated() {
    let place = Place::new();
    let trained = place.training("train", 1);
    let mut node = Node::run(&trained);
    assert_eq!(node.wait(), 0, "{:?}", node.fault());
    let Some(WorkerResult::Training { model_file, model_sha256, .. }) = node.result() else {
        panic!()
    };
    let backtest = |name: &str, model_sha256: &str| {
        let mut spec = place.training(name, 1);
        spec.session = SessionConfig::Backtest(BacktestConfig::default());
        let path =
            std::path::Path::new(&trained.work_dir).join(&model_file).to_str().unwrap().to_owned();
        spec.model = Some(InputFile { path, sha256: model_sha256.to_owned() });
        spec
    };
    let run = |name: &str| {
        let spec = backtest(name, &model_sha256);
        let mut node = Node::run(&spec);
        assert_eq!(node.wait(), 0, "{:?}", node.fault());
        let Some(WorkerResult::Report { report_file, report_sha256 }) = node.result() else {
            panic!()
        };
        let bytes = std::fs::read(std::path::Path::new(&spec.work_dir).join(report_file)).unwrap();
        assert_eq!(engine::digest::sha256(&bytes), report_sha256);
        bytes
    };
    let first = run("first");
    assert_eq!(first, run("second"));
    let report: BacktestReport = serde_json::from_slice(&first).unwrap();
    assert_eq!(report.model_sha256.as_deref(), Some(model_sha256.as_str()));
    assert!(report.synthetic && report.agent.equity.len() == report.times_ms.len());

    let mut node = Node::run(&backtest("wrong", &"00".repeat(32)));
    assert_eq!(node.wait(), 64);
    let mut untrained = backtest("untrained", &model_sha256);
    untrained.model = None;
    let mut node = Node::run(&untrained);
    assert_eq!(node.wait(), 64);
    assert!(node.fault().unwrap().1.contains("trained"), "{:?}", node.fault());
}

#[test]
fn a_back_test_can_be_stopped_and_leaves_no_report() {
    let place = Place::new();
    let mut spec = place.training("rule", 1);
    spec.strategy.as_mut().unwrap().agent =
        AgentConfig::BuyAndHold(engine::config::agents::RuleConfig::default());
    spec.session = SessionConfig::Backtest(BacktestConfig::default());
    let mut node = Node::start();
    node.send(WorkerCommand::Pause);
    node.send_start(serde_json::to_vec(&spec).unwrap());
    node.wait_for("Paused", |event| matches!(event, WorkerEvent::Paused).then_some(()));
    node.send(STOP);
    assert_eq!(node.wait(), 75);
    assert_eq!(std::fs::read_dir(&spec.work_dir).unwrap().count(), 0);
}
