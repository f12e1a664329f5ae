//! A platform with the fake worker, on a temporary directory, and waiting for conditions with a deadline.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::boot::{PlatformConfig, Running, boot};
use actors::messages::CommandId;
use actors::views::{DatasetView, PointView, SessionState, SessionView, StrategyView};
use actors::{
    CollectTimes, Command, ImportRequest, ImportSource, NewSession, NewStrategy, Platform,
    RetryPolicy, SystemClock, WorkerProgram, WorkerTimes,
};
use engine::config::ResourcesConfig;
use engine::ids::SessionId;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest wait for anything.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// Who asks.
pub const OWNER: &str = "usr_01900000000070008000000000000001";

/// A running node.
pub struct Node {
    pub platform: Platform,
    pub running: Running,
    pub pid_file: PathBuf,
}

/// How a node is started.
#[derive(Clone)]
pub struct Setup {
    pub variables: BTreeMap<String, String>,
    pub times: WorkerTimes,
    pub retry: RetryPolicy,
    pub collect: CollectTimes,
    pub cores: u32,
}

impl Setup {
    pub fn mode(mode: &str) -> Self {
        let setup = Self {
            variables: BTreeMap::new(),
            times: WorkerTimes {
                hello: Duration::from_secs(20),
                silence: Duration::from_secs(10),
                stall: Duration::from_secs(60),
                lease_every: Duration::from_millis(200),
                lease: Duration::from_secs(10),
                stop: Duration::from_secs(5),
                terminate: Duration::from_millis(500),
            },
            retry: RetryPolicy {
                retries_max: 3,
                backoff_first: Duration::from_millis(10),
                backoff_max: Duration::from_millis(50),
                sustained: Duration::ZERO,
            },
            collect: CollectTimes::default(),
            cores: 4,
        };
        setup.with("FAKE_MODE", mode)
    }

    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.variables.insert(name.to_owned(), value.to_string());
        self
    }
}

/// Returns the fake worker's path: examples are built beside the tests.
pub fn fake_worker() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let target = here.ancestors().find(|path| path.join("examples").is_dir()).unwrap();
    let path = target.join("examples").join("fake_worker");
    assert!(
        path.is_file(),
        "{} is missing: run `cargo test -p actors`, which builds examples",
        path.display()
    );
    path
}

pub async fn start(dir: &Path, setup: &Setup) -> Node {
    let pid_file = dir.join("worker.pid");
    let mut env = setup.variables.clone();
    env.insert("FAKE_PID_FILE".to_owned(), pid_file.to_string_lossy().into_owned());
    let program = WorkerProgram { path: fake_worker(), env };
    let mut config = PlatformConfig::new(dir.join("data"), program, Arc::new(SystemClock));
    config.node = Some("node-1".parse().unwrap());
    config.times = setup.times;
    config.retry = setup.retry;
    config.collect = setup.collect;
    config.capacity =
        ResourcesConfig { cpu: setup.cores, memory_mib: 65_536, ..ResourcesConfig::default() };
    let (platform, running) = boot(config).await.unwrap();
    Node { platform, running, pid_file }
}

pub fn temporary() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub fn command() -> Command {
    Command::once(OWNER)
}

pub fn named(id: u8) -> Command {
    Command { id: CommandId([id; 16]), actor: OWNER.to_owned(), reason: None }
}

pub async fn strategy(node: &Node, name: &str, config: Value) -> StrategyView {
    let wanted = NewStrategy { name: name.to_owned(), description: String::new(), config };
    node.platform.strategies.create(command(), wanted).await.unwrap()
}

pub async fn dataset(node: &Node) -> DatasetView {
    let request = ImportRequest {
        name: "synthetic".to_owned(),
        source: ImportSource::Synthetic { seed: 7, rows: 500 },
        plan: actors::ImportPlan::default(),
    };
    node.platform.datasets.import(command(), request).await.unwrap()
}

/// Returns a training on fresh data with a fresh strategy.
pub async fn training(node: &Node) -> NewSession {
    let strategy = strategy(node, "learner", json!({"agent": {"algorithm": "dqn"}})).await;
    let dataset = dataset(node).await;
    NewSession {
        name: "first".to_owned(),
        strategy_id: Some(strategy.id),
        strategy_version: None,
        dataset_id: dataset.id,
        config: json!({"kind": "training"}),
        resources: None,
        priority: 0,
        tags: vec!["test".to_owned()],
        wishes: actors::Wishes::default(),
    }
}

/// Waits until the session satisfies `condition`.
pub async fn until(
    node: &Node,
    id: SessionId,
    what: &str,
    condition: impl Fn(&SessionView) -> bool,
) -> SessionView {
    let begun = Instant::now();
    loop {
        let view = node.platform.sessions.get(id).await.unwrap();
        if condition(&view) {
            return view;
        }
        assert!(begun.elapsed() < DEADLINE, "waited for {what}, found {view:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub async fn until_state(node: &Node, id: SessionId, state: SessionState) -> SessionView {
    until(node, id, &format!("{state:?}"), |view| view.state == state).await
}

/// Returns every stored point.
pub async fn points(node: &Node, id: SessionId) -> Vec<PointView> {
    let mut all: Vec<PointView> = Vec::new();
    loop {
        let after = all.last().map(|point| point.index);
        let page = node.platform.metrics.raw(id, after, 500).await.unwrap();
        if page.items.is_empty() {
            return all;
        }
        all.extend(page.items);
    }
}

/// Asserts that every step was stored once, in order, with the value it must have.
pub fn assert_whole(points: &[PointView], steps: u64) {
    assert_eq!(points.len() as u64, steps, "points stored");
    for (index, point) in points.iter().enumerate() {
        let step = index as u64 + 1;
        assert_eq!((point.index, point.step), (index as u64, step));
        let wanted = 1.0 / f64::from(u32::try_from(step).unwrap());
        assert!((point.value.unwrap() - wanted).abs() < 1e-12);
    }
}

/// Kills the worker that runs now with SIGKILL; `false` when there is none.
pub fn kill_worker(node: &Node) -> bool {
    let Ok(text) = std::fs::read_to_string(&node.pid_file) else { return false };
    let Some(pid) = text.trim().parse().ok().and_then(rustix::process::Pid::from_raw) else {
        return false;
    };
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok()
}

pub async fn timeline(node: &Node, id: SessionId) -> Vec<SessionState> {
    node.platform.sessions.timeline(id).await.unwrap().into_iter().map(|one| one.to).collect()
}

pub async fn log_text(node: &Node, id: SessionId) -> String {
    let page = node.platform.logs.tail(id, None, 500).await.unwrap();
    page.items.into_iter().map(|line| format!("{} {}\n", line.level, line.text)).collect()
}
