//! The real binary under its limits: what it cannot reach, and that it works all the same.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test picks the events it looks at")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(clippy::print_stderr, reason = "a capability that is missing is told loudly")]

mod common;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Command;

use common::{Node, Place};
use engine::config::{BacktestConfig, SessionConfig};
use engine::session::protocol::{
    InputFile, LIMITS_VARIABLE, PROTOCOL_MAX, WorkerCommand, WorkerEvent, WorkerLimit,
    WorkerLimits, WorkerResult, WorkerSpec,
};
use rustix::thread::{CpuSet, sched_getaffinity};
use serde_json::Value;

const STOP: WorkerCommand = WorkerCommand::Stop { deadline_ms: 60_000 };

/// Says which means the kernel lacks; a test that needs it has not run.
fn missing(limits: &[WorkerLimit], test: &str) -> bool {
    let lacking: Vec<_> = limits.iter().filter(|limit| !limit.applied).collect();
    for limit in &lacking {
        eprintln!("MISSING CAPABILITY {}: {test} NOT RUN ({})", limit.name, limit.detail);
    }
    !lacking.is_empty()
}

fn limits_of(spec: &WorkerSpec) -> WorkerLimits {
    let inputs = [Some(&spec.dataset), spec.checkpoint.as_ref(), spec.model.as_ref()];
    WorkerLimits {
        protocol: PROTOCOL_MAX,
        niceness: 5,
        cores: vec![last_core()],
        open_files: Some(256),
        oom_score: Some(500),
        confine: true,
        read: inputs.into_iter().flatten().map(|file| file.path.clone()).collect(),
        write: vec![spec.work_dir.clone()],
        ..WorkerLimits::default()
    }
}

/// The last core this test may run on.
fn last_core() -> u32 {
    let own = sched_getaffinity(None).unwrap();
    let last = (0..CpuSet::MAX_CPU).rev().find(|core| own.is_set(*core)).unwrap();
    u32::try_from(last).unwrap()
}

/// Starts a confined worker and hands it its spec; returns what it says of its limits.
fn confined(spec: &WorkerSpec) -> (Node, Vec<WorkerLimit>) {
    let mut node = Node::start_with(Some(&serde_json::to_string(&limits_of(spec)).unwrap()));
    let limits = node.wait_for("Confined", |event| match event {
        WorkerEvent::Confined { limits } => Some(limits.clone()),
        _ => None,
    });
    assert!(matches!(node.seen[0], WorkerEvent::Hello { .. }), "{:?}", node.seen[0]);
    node.send_start(serde_json::to_vec(spec).unwrap());
    (node, limits)
}

fn probe(place: &Place, limits: Option<&WorkerLimits>, more: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tm-worker"));
    command.arg("--probe-confinement").arg(place.work_dir("probe")).args(more);
    if let Some(limits) = limits {
        command.env(LIMITS_VARIABLE, serde_json::to_string(limits).unwrap());
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn told(found: &Value) -> BTreeMap<String, WorkerLimit> {
    let limits: Vec<WorkerLimit> = serde_json::from_value(found["limits"].clone()).unwrap();
    limits.into_iter().map(|limit| (limit.name.clone(), limit)).collect()
}

#[test]
fn what_lies_outside_cannot_be_read_written_called_or_signalled() {
    let place = Place::new();
    let spec = place.training("probe", 1);
    let secret = place.directory.path().join("secret.txt");
    std::fs::write(&secret, b"nobody else's").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let found = probe(&place, Some(&limits_of(&spec)), &[secret.to_str().unwrap(), &address]);
    let told = told(&found);
    // What each attempt needs of the kernel; everything else needs files.
    let means = |what: &str| match what {
        "connect over TCP" | "listen on TCP" | "connect to a named address" => ["tcp", "network"],
        "send over UDP" => ["network", "network"],
        "signal its parent" => ["signals", "signals"],
        _ => ["files", "files"],
    };
    let mut tried = 0;
    for attempt in found["attempts"].as_array().unwrap() {
        let what = attempt["what"].as_str().unwrap();
        let [first, second] = means(what);
        if attempt["wanted"] == false && !told[first].applied && !told[second].applied {
            eprintln!("MISSING CAPABILITY {first}: {what} NOT RUN ({})", told[first].detail);
            continue;
        }
        assert_eq!(attempt["able"], attempt["wanted"], "{what}: {attempt}");
        tried += 1;
    }
    assert!(tried > 2, "{found:#}");
    let entries = std::fs::read_dir(place.directory.path()).unwrap();
    let left = entries.filter(|entry| {
        entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("tm-probe")
    });
    assert!(!told["files"].applied || left.count() == 0);
}

#[test]
fn a_worker_without_limits_can_do_all_that_a_confined_one_cannot() {
    // Otherwise the attempts above would prove nothing.
    let place = Place::new();
    let found = probe(&place, Some(&WorkerLimits::default()), &[]);
    for attempt in found["attempts"].as_array().unwrap() {
        assert_eq!(attempt["able"], true, "{attempt}");
    }
    assert!(!told(&found)["files"].applied);
    std::fs::remove_file(std::env::temp_dir().join("tm-probe")).unwrap();
}

#[test]
fn cores_niceness_and_open_files_are_as_told() {
    let place = Place::new();
    let found = probe(&place, Some(&limits_of(&place.training("own", 1))), &[]);
    assert_eq!(found["cores"], serde_json::json!([last_core()]));
    assert_eq!(found["open_files"], 256);
    assert!(found["niceness"].as_i64().unwrap() >= 5, "{found:#}");
    let told = told(&found);
    for name in ["cores", "niceness", "open_files", "core_dumps", "oom_score", "privileges"] {
        assert!(told[name].applied, "{name}: {}", told[name].detail);
    }
}

#[test]
fn by_hand_the_probe_needs_nothing_but_a_directory() {
    let place = Place::new();
    let found = probe(&place, None, &[]);
    assert!(told(&found).contains_key("files"), "{found:#}");
    let nowhere = Command::new(env!("CARGO_BIN_EXE_tm-worker"))
        .args(["--probe-confinement", "/nowhere/at/all"])
        .output()
        .unwrap();
    assert!(!nowhere.status.success());
}

#[test]
fn a_confined_worker_trains_checkpoints_resumes_and_back_tests() {
    let place = Place::new();
    let spec = place.training("train", 4);
    let (mut node, limits) = confined(&spec);
    let checkpoint = node.checkpoint();
    assert_eq!(node.wait(), 0, "{:?}", node.fault());
    let Some(WorkerResult::Training { model_file, model_sha256, .. }) = node.result() else {
        panic!("{:?}", node.seen.last())
    };
    // The next worker reads two files of the first one's directory, and writes its own.
    let mut resumed = place.training("resumed", 4);
    resumed.checkpoint = Some(common::input(&spec.work_dir, &checkpoint));
    let (mut node, _) = confined(&resumed);
    assert_eq!(node.wait(), 0, "{:?}", node.fault());
    let path = std::path::Path::new(&spec.work_dir).join(model_file).to_str().unwrap().to_owned();
    let mut backtest = place.training("backtest", 1);
    backtest.session = SessionConfig::Backtest(BacktestConfig::default());
    backtest.model = Some(InputFile { path, sha256: model_sha256 });
    let (mut node, _) = confined(&backtest);
    assert_eq!(node.wait(), 0, "{:?}", node.fault());
    assert!(matches!(node.result(), Some(WorkerResult::Report { .. })));
    let own = ["files", "tcp", "signals", "network"];
    let wanted: Vec<_> =
        limits.into_iter().filter(|limit| own.contains(&limit.name.as_str())).collect();
    missing(&wanted, "a_confined_worker_trains_checkpoints_resumes_and_back_tests, in part");
}

#[test]
fn an_input_that_was_not_granted_is_not_read() {
    let place = Place::new();
    let spec = place.training("foreign", 1);
    let mut limits = limits_of(&spec);
    limits.read.clear();
    let mut node = Node::start_with(Some(&serde_json::to_string(&limits).unwrap()));
    let told = node.wait_for("Confined", |event| match event {
        WorkerEvent::Confined { limits } => Some(limits.clone()),
        _ => None,
    });
    let files: Vec<_> = told.into_iter().filter(|limit| limit.name == "files").collect();
    node.send_start(serde_json::to_vec(&spec).unwrap());
    if missing(&files, "an_input_that_was_not_granted_is_not_read") {
        node.send_if_open(STOP);
        return;
    }
    assert_eq!(node.wait(), 64);
    let (kind, text, _) = node.fault().unwrap();
    assert_eq!(kind, "data");
    assert!(text.contains("Permission denied"), "{text}");
}

#[test]
fn limits_that_cannot_be_read_are_not_taken_for_none() {
    let mut node = Node::start_with(Some("{"));
    assert_eq!(node.wait(), 65);
}

#[test]
fn a_worker_of_an_older_node_tells_nothing_of_limits() {
    let place = Place::new();
    let mut node = Node::run(&place.training("older", 1));
    assert_eq!(node.wait(), 0, "{:?}", node.fault());
    assert!(!node.seen.iter().any(|event| matches!(event, WorkerEvent::Confined { .. })));
}
