//! Equal seeds give equal bytes, and resuming in a new process equals never having stopped.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test picks the events it looks at")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod common;

use common::{Node, Place, input};
use engine::config::{AgentConfig, SessionConfig};
use engine::session::protocol::{MetricPoint, WorkerCommand, WorkerEvent, WorkerResult};

const EPOCHS: u32 = 3;

/// Points as bytes: floats bit by bit.
fn bytes(points: &[MetricPoint]) -> Vec<(String, u64, Option<u64>)> {
    points
        .iter()
        .map(|point| (point.name.clone(), point.step, point.value.map(f64::to_bits)))
        .collect()
}

fn model_sha(result: &Option<WorkerResult>) -> String {
    match result {
        Some(WorkerResult::Training { model_sha256, .. }) => model_sha256.clone(),
        other => panic!("no training result: {other:?}"),
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_does_not() {
    let place = Place::new();
    let run = |name: &str, seed: u32| {
        let mut spec = place.training(name, EPOCHS);
        if let SessionConfig::Training(training) = &mut spec.session {
            training.seed = seed;
        }
        let mut node = Node::run(&spec);
        assert_eq!(node.wait(), 0, "{:?}", node.fault());
        (bytes(&node.points()), model_sha(&node.result()), node.last_checkpoint())
    };
    let (first, second, other) = (run("a", 5), run("b", 5), run("c", 6));
    assert!(first.0.len() > 30);
    assert_eq!(first.0, second.0, "metric series");
    assert_eq!(first.1, second.1, "model");
    assert_eq!(first.2, second.2, "last checkpoint, byte for byte");
    assert_ne!(first.0, other.0);
}

#[test]
fn stopping_and_resuming_in_new_processes_equals_one_uninterrupted_run() {
    let place = Place::new();
    let whole_spec = place.training("whole", EPOCHS);
    let mut whole = Node::run(&whole_spec);
    assert_eq!(whole.wait(), 0);

    // The same session in pieces: stopped wherever it is after a first report, a middle epoch, and a checkpoint command.
    let mut spec = place.training("pieces", EPOCHS);
    let mut points: Vec<MetricPoint> = Vec::new();
    for piece in 0..3 {
        let mut node = Node::run(&spec);
        if piece == 1 {
            node.wait_for("the end of an epoch", |event| match event {
                WorkerEvent::Metrics(points) => {
                    points.iter().any(|p| p.name == "valid_sharpe").then_some(())
                }
                _ => None,
            });
        } else {
            node.wait_for("metrics", |event| {
                matches!(event, WorkerEvent::Metrics(_)).then_some(())
            });
        }
        node.send(WorkerCommand::Stop { deadline_ms: 60_000 });
        assert_eq!(node.wait(), 75, "{:?}", node.fault());
        let written = node.last_checkpoint();
        points.extend(node.points());
        assert_eq!(
            points.len() as u64,
            written.metric_count,
            "every point came before the checkpoint counted it"
        );
        spec.checkpoint = Some(input(&spec.work_dir, &written));
    }
    let mut last = Node::run(&spec);
    assert_eq!(last.wait(), 0, "{:?}", last.fault());
    points.extend(last.points());

    assert_eq!(bytes(&points), bytes(&whole.points()), "metric series");
    assert_eq!(model_sha(&last.result()), model_sha(&whole.result()), "model");
    assert_eq!(
        last.last_checkpoint().sha256,
        whole.last_checkpoint().sha256,
        "weights, replay, streams: everything"
    );
}

#[test]
fn a_worker_killed_at_any_point_loses_only_what_comes_after_its_checkpoint() {
    let place = Place::new();
    let mut whole = Node::run(&place.training("whole", EPOCHS));
    assert_eq!(whole.wait(), 0);

    let spec = place.training("killed", EPOCHS);
    let mut node = Node::run(&spec);
    let written = node.checkpoint();
    node.wait_for("more metrics", |event| matches!(event, WorkerEvent::Metrics(_)).then_some(()));
    node.child.kill().unwrap();
    node.child.wait().unwrap();
    let mut points = node.points();
    points.truncate(usize::try_from(written.metric_count).unwrap());

    let mut resumed = spec.clone();
    resumed.checkpoint = Some(input(&spec.work_dir, &written));
    let mut node = Node::run(&resumed);
    assert_eq!(node.wait(), 0, "{:?}", node.fault());
    points.extend(node.points());
    assert_eq!(bytes(&points), bytes(&whole.points()), "no gap, no repetition");
    assert_eq!(model_sha(&node.result()), model_sha(&whole.result()));
}

#[test]
fn a_checkpoint_of_another_session_or_a_damaged_one_is_refused_and_never_retried() {
    let place = Place::new();
    let spec = place.training("origin", 1);
    let mut node = Node::run(&spec);
    assert_eq!(node.wait(), 0);
    let file = input(&spec.work_dir, &node.last_checkpoint());

    let refused = |name: &str, change: &dyn Fn(&mut engine::session::protocol::WorkerSpec)| {
        let mut spec = place.training(name, 2);
        spec.checkpoint = Some(file.clone());
        change(&mut spec);
        let mut node = Node::run(&spec);
        assert_eq!(node.wait(), 73, "{name}");
        let (kind, text, restartable) = node.fault().unwrap();
        assert_eq!((kind.as_str(), restartable), ("checkpoint", false), "{name}: {text}");
        text
    };
    let text = refused("seed", &|spec| {
        if let SessionConfig::Training(training) = &mut spec.session {
            training.seed += 1;
        }
    });
    assert!(text.contains("seed: wanted 6, found 5"), "{text}");
    let text = refused("strategy", &|spec| {
        if let AgentConfig::Dqn(dqn) = &mut spec.strategy.as_mut().unwrap().agent {
            dqn.hidden = vec![8];
        }
    });
    assert!(text.contains("strategy hash"), "{text}");
    let text = refused("hash", &|spec| spec.checkpoint.as_mut().unwrap().sha256 = "00".repeat(32));
    assert!(text.contains("not the file that was announced"), "{text}");
    let whole = std::fs::read(&file.path).unwrap();
    for (name, bytes) in [("cut", whole[..whole.len() / 2].to_vec()), ("empty", Vec::new())] {
        let path = place.directory.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        let broken = engine::session::protocol::InputFile {
            path: path.to_str().unwrap().to_owned(),
            sha256: engine::digest::sha256(&bytes),
        };
        refused(&format!("work-{name}"), &|spec| spec.checkpoint = Some(broken.clone()));
    }
}
