//! Two nodes in one process that share control state and reach each other: sessions move, reads are the same everywhere,
//! peers refuse, the control plane is away.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cluster::control::raft::{RaftView, Role};
use cluster::control::{
    Barrier, ControlCommand, ControlError, ControlHandle, Driver, Leadership, LocalConfig,
    LocalDriver, Proposal, Proposed,
};
use cluster::lease::NodeReport;
use cluster::net::Boxed;
use cluster::router::LinkView;
use engine::config::ResourcesConfig;
use engine::ids::SessionId;
use serde_json::json;
use store::{BlobHash, Blobs, Journal};
use tempfile::TempDir;
use tokio::sync::watch;

use super::super::{Ground, Held, Running, assemble, open, register};
use super::{DEADLINE, command, config, synthetic};
use crate::boot::guard::Guard;
use crate::boot::{Platform, PlatformConfig};
use crate::messages::library::NewStrategy;
use crate::messages::sessions::NewSession;
use crate::peers::desk::Desk;
use crate::peers::{Answer, LeaseShort, Peers, Question};
use crate::views::{LogLineView, PointView, SessionState, SessionView};
use crate::worker::WorkerProgram;
use crate::worker::limits::Limiter;

const NODES: [&str; 2] = ["node-a", "node-b"];

/// What connects the nodes.
#[derive(Default)]
struct Net {
    nodes: Mutex<BTreeMap<String, (Blobs, Desk)>>,
    /// Nobody takes a file.
    refusing: AtomicBool,
}

/// One node's end of it.
struct Wire {
    net: Arc<Net>,
    blobs: Blobs,
}

impl Wire {
    fn peer(&self, node: &str) -> Result<(Blobs, Desk), String> {
        let nodes = self.net.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.get(node).cloned().ok_or_else(|| format!("{node} is not there"))
    }
}

fn copy(from: &Blobs, to: &Blobs, hash: BlobHash) -> Result<(), String> {
    let bytes = from.read(hash).map_err(|error| error.to_string())?;
    to.put_bytes(&bytes).map(drop).map_err(|error| error.to_string())
}

impl Peers for Wire {
    fn agreement(&self) -> Option<RaftView> {
        Some(RaftView {
            raft_id: 1,
            role: Role::Leader,
            term: 1,
            leader: Some(1),
            last: 0,
            applied: 0,
            snapshot: 0,
            purged: 0,
            millis_since_quorum: Some(0),
            members: Vec::new(),
        })
    }

    fn links(&self) -> Vec<LinkView> {
        Vec::new()
    }

    fn reports(&self) -> Vec<NodeReport> {
        Vec::new()
    }

    fn lease(&self) -> Option<LeaseShort> {
        None
    }

    fn ask<'a>(&'a self, node: &'a str, question: Question) -> Boxed<'a, Result<Answer, String>> {
        Box::pin(async move { Ok(self.peer(node)?.1.answer(question).await) })
    }

    fn have<'a>(
        &'a self,
        node: &'a str,
        hashes: &'a [BlobHash],
    ) -> Boxed<'a, Result<Vec<bool>, String>> {
        Box::pin(async move {
            let (blobs, _) = self.peer(node)?;
            Ok(hashes.iter().map(|hash| blobs.path(*hash).is_some()).collect())
        })
    }

    fn fetch<'a>(&'a self, node: &'a str, hash: BlobHash) -> Boxed<'a, Result<(), String>> {
        Box::pin(async move { copy(&self.peer(node)?.0, &self.blobs, hash) })
    }

    fn offer<'a>(&'a self, node: &'a str, hash: BlobHash) -> Boxed<'a, Result<(), String>> {
        Box::pin(async move {
            if self.net.refusing.load(Ordering::SeqCst) {
                return Err("its disk is full".to_owned());
            }
            copy(&self.blobs, &self.peer(node)?.0, hash)
        })
    }
}

/// A control plane that can be cut off from its majority.
struct Cut {
    inner: ControlHandle,
    off: Arc<AtomicBool>,
}

impl Driver for Cut {
    fn propose(&self, Proposed { key, command }: Proposed) -> Proposal {
        let (inner, off) = (self.inner.clone(), Arc::clone(&self.off));
        Box::pin(async move {
            if off.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(20)).await;
                return Err(ControlError::NoLeader { reason: "cut off".to_owned() });
            }
            inner.propose(key, command).await
        })
    }

    fn failed(&self) -> watch::Receiver<Option<String>> {
        self.inner.failed()
    }

    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.inner.leadership()
    }

    fn barrier(&self) -> Barrier {
        let inner = self.inner.clone();
        Box::pin(async move { inner.barrier().await })
    }
}

struct Pair {
    _dir: TempDir,
    control: ControlHandle,
    net: Arc<Net>,
    off: Arc<AtomicBool>,
    nodes: BTreeMap<String, (Platform, Running)>,
}

/// Returns the fake worker's path: examples are built beside the tests.
fn fake_worker() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let target = here.ancestors().find(|path| path.join("examples").is_dir()).unwrap();
    let path = target.join("examples").join("fake_worker");
    assert!(path.is_file(), "{} is missing: build the examples first", path.display());
    path
}

impl Pair {
    async fn start(steps: u64, step_ms: u64, every: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Journal::open(&dir.path().join("control")).unwrap();
        let blobs = Blobs::open(&dir.path().join("control-blobs")).unwrap();
        let wall = || u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
        let local = LocalConfig::new(NODES[0].to_owned(), Arc::new(wall));
        let local = LocalDriver::start(&store, &blobs, local).unwrap();
        let off = Arc::new(AtomicBool::new(false));
        let cut = Cut { inner: local.clone(), off: Arc::clone(&off) };
        let control = local.through(Arc::new(cut));
        let variables =
            [("FAKE_STEPS", steps), ("FAKE_STEP_MS", step_ms), ("FAKE_CHECKPOINT_EVERY", every)];
        let env = variables.map(|(name, value)| (name.to_owned(), value.to_string()));
        let program = WorkerProgram { path: fake_worker(), env: env.into_iter().collect() };
        let net = Arc::new(Net::default());
        let mut nodes = BTreeMap::new();
        for name in NODES {
            let mut config = config(&dir.path().join(name));
            config.node = Some(name.parse().unwrap());
            config.worker = program.clone();
            config.capacity =
                ResourcesConfig { cpu: 4, memory_mib: 65_536, ..ResourcesConfig::default() };
            nodes.insert(name.to_owned(), node(&config, &control, &net).await);
        }
        Self { _dir: dir, control, net, off, nodes }
    }

    fn of(&self, name: &str) -> &Platform {
        &self.nodes[name].0
    }

    async fn training(&self) -> SessionId {
        let platform = self.of(NODES[0]);
        let config = json!({"agent": {"algorithm": "dqn"}});
        let wanted = NewStrategy { name: "learner".to_owned(), description: String::new(), config };
        let strategy = platform.strategies.create(command(), wanted).await.unwrap();
        let request = crate::messages::data::ImportRequest {
            source: crate::messages::data::ImportSource::Synthetic { seed: 7, rows: 500 },
            ..synthetic("bars")
        };
        let dataset = platform.datasets.import(command(), request).await.unwrap();
        let wanted = NewSession {
            name: "first".to_owned(),
            strategy_id: Some(strategy.id),
            strategy_version: None,
            dataset_id: dataset.id,
            config: json!({"kind": "training"}),
            resources: None,
            priority: 0,
            tags: Vec::new(),
            wishes: crate::Wishes::default(),
        };
        platform.sessions.submit(command(), wanted).await.unwrap().id
    }

    /// Waits until the session is under way, and returns its holder and the other node.
    async fn holder(&self, id: SessionId) -> (String, String) {
        let view = until("the session runs", || async {
            let view = self.of(NODES[0]).sessions.get(id).await.unwrap();
            (view.state == SessionState::Running).then_some(view)
        });
        let holder = view.await.node.unwrap().to_string();
        let other = NODES.into_iter().find(|name| *name != holder).unwrap();
        (holder, other.to_owned())
    }

    async fn propose(&self, command: ControlCommand) -> Result<(), ControlError> {
        let key = cluster::control::CommandId(crate::messages::CommandId::random().0);
        self.control.execute(key, command).await.map(drop)
    }

    async fn end(self) {
        for (_, (_, running)) in self.nodes {
            running.shutdown(DEADLINE).await;
        }
    }
}

async fn node(
    config: &PlatformConfig,
    control: &ControlHandle,
    net: &Arc<Net>,
) -> (Platform, Running) {
    let (claimed, journal, blobs) = open(&config.data_dir, config.node.as_ref()).unwrap();
    register(control, &claimed, super::super::capacity(config)).await.unwrap();
    let limiter = Arc::new(Limiter::discover(claimed.node.as_str()));
    let wire: Arc<dyn Peers> = Arc::new(Wire { net: Arc::clone(net), blobs: blobs.clone() });
    let ground = Ground {
        journal: journal.clone(),
        blobs: blobs.clone(),
        control: control.clone(),
        peers: Arc::clone(&wire),
        leases: Arc::new(crate::warden::Alone),
    };
    let report = Arc::new(tokio::sync::watch::Sender::new(Vec::new()));
    let (platform, parts) = assemble(config, &claimed, ground, limiter, report).unwrap();
    let directory = parts.context.directory.clone();
    let desk = Desk::new(parts.context.mirror.clone(), directory.clone(), wire);
    net.nodes.lock().unwrap().insert(claimed.node.to_string(), (blobs, desk));
    let guard = Guard::start(parts, vec![journal.failed(), control.failed()]).await.unwrap();
    let (node, incarnation) = (claimed.node.clone(), claimed.incarnation);
    let held = Mutex::new(Some(Held { _answering: None, _claimed: claimed }));
    (platform, Running { node, incarnation, directory, guard, peer: None, held })
}

async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let looked = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), looked).await;
    found.unwrap_or_else(|_| panic!("waited for: {what}"))
}

async fn points(platform: &Platform, id: SessionId) -> Vec<PointView> {
    let mut all: Vec<PointView> = Vec::new();
    loop {
        let after = all.last().map(|point| point.index);
        let page = platform.metrics.raw(id, after, 500).await.unwrap();
        if page.items.is_empty() {
            return all;
        }
        all.extend(page.items);
    }
}

async fn lines(platform: &Platform, id: SessionId) -> Vec<LogLineView> {
    platform.logs.tail(id, None, 500).await.unwrap().items
}

async fn log_has(platform: &Platform, id: SessionId, level: &str, text: &str) {
    until(text, || async {
        let all = lines(platform, id).await;
        all.iter().any(|line| line.level == level && line.text.contains(text)).then_some(())
    })
    .await;
}

async fn ended(platform: &Platform, id: SessionId) -> SessionView {
    platform.sessions.wait(id, Duration::from_secs(60)).await.unwrap()
}

/// Asserts that every step was stored once, in order.
fn assert_whole(points: &[PointView], steps: u64) {
    assert_eq!(points.len() as u64, steps);
    for (point, index) in points.iter().zip(0..) {
        assert_eq!((point.index, point.step), (index, index + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_node_is_lost_goes_on_elsewhere_and_reads_the_same_everywhere() {
    let pair = Pair::start(300, 10, 20).await;
    let id = pair.training().await;
    let (holder, other) = pair.holder(id).await;
    let (there, here) = (pair.of(&holder), pair.of(&other));
    // While it runs, the node that does not hold it shows what the holder shows.
    until("progress is seen elsewhere", || async {
        let view = here.sessions.get(id).await.unwrap();
        (40 < view.progress.step && !points(here, id).await.is_empty()).then_some(())
    })
    .await;
    let (copied, original) = (points(here, id).await, points(there, id).await);
    assert_eq!(copied, original[..copied.len()]);
    let (copied, original) = (lines(here, id).await, lines(there, id).await);
    assert_eq!(copied, original[..copied.len()]);
    // Its node is lost between two checkpoints.
    let epoch = there.sessions.get(id).await.unwrap().epoch.0;
    let down = ControlCommand::MarkDown { node: holder.clone(), incarnation: 1, term: 1 };
    pair.propose(down).await.unwrap();
    let session = *id.uuid().as_bytes();
    let reason = "its node was lost".to_owned();
    // The warden may be quicker.
    drop(pair.propose(ControlCommand::ReleaseSession { session, epoch, reason, lost: true }).await);
    let view = ended(here, id).await;
    assert_eq!(view.state, SessionState::Completed, "{view:?}");
    assert_eq!((view.node.as_ref().unwrap().as_str(), view.epoch.0), (other.as_str(), epoch + 1));
    assert_whole(&points(here, id).await, 300);
    log_has(here, id, "warn", "resumed from the checkpoint at step").await;
    // The node that lost it answers as the one that ended it.
    ended(there, id).await;
    assert_eq!(points(there, id).await, points(here, id).await);
    assert_eq!(lines(there, id).await, lines(here, id).await);
    let json = |view: &SessionView| serde_json::to_value(view).unwrap();
    assert_eq!(json(&there.sessions.get(id).await.unwrap()), json(&view));
    let model: BlobHash = view.model_sha256.unwrap().parse().unwrap();
    assert!(pair.net.nodes.lock().unwrap()[&other].0.path(model).is_some());
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_no_second_node_takes_does_not_count_and_training_goes_on() {
    let pair = Pair::start(200, 10, 20).await;
    let id = pair.training().await;
    let (holder, other) = pair.holder(id).await;
    pair.net.refusing.store(true, Ordering::SeqCst);
    let platform = pair.of(&holder);
    let before = platform.sessions.checkpoints(id).await.unwrap().len();
    log_has(platform, id, "warn", "does not count: the other nodes did not answer").await;
    assert!(platform.sessions.checkpoints(id).await.unwrap().len() <= before + 1);
    pair.net.refusing.store(false, Ordering::SeqCst);
    let view = ended(platform, id).await;
    assert_eq!((view.state, view.retry_count), (SessionState::Completed, 0), "{view:?}");
    assert_whole(&points(pair.of(&other), id).await, 200);
    let checkpoints = pair
        .control
        .read(|state| state.sessions.get(id.uuid().as_bytes()).unwrap().checkpoints.clone());
    assert!((1..10).contains(&checkpoints.len()), "{checkpoints:?}");
    for checkpoint in checkpoints {
        assert_eq!(checkpoint.nodes, [holder.clone(), other.clone()]);
    }
    let (blobs, _) = pair.net.nodes.lock().unwrap()[&other].clone();
    let (model, data) = (view.model_sha256.unwrap(), view.dataset_sha256);
    for file in [model, data] {
        assert!(blobs.path(file.parse().unwrap()).is_some(), "{file} is on both nodes");
    }
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_control_plane_fails_no_session() {
    let pair = Pair::start(150, 10, 20).await;
    let id = pair.training().await;
    let (holder, _) = pair.holder(id).await;
    let platform = pair.of(&holder);
    pair.off.store(true, Ordering::SeqCst);
    log_has(platform, id, "warn", "was not agreed upon").await;
    until("the work is done in spite of it", || async {
        (platform.metrics.count(id).await.unwrap() == 150).then_some(())
    })
    .await;
    assert!(!platform.sessions.get(id).await.unwrap().state.is_terminal());
    pair.off.store(false, Ordering::SeqCst);
    let view = ended(platform, id).await;
    assert_eq!((view.state, view.retry_count), (SessionState::Completed, 0), "{view:?}");
    assert_whole(&points(platform, id).await, 150);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_keys_of_one_node_are_known_to_the_other() {
    let pair = Pair::start(20, 5, 5).await;
    let [one, two] = NODES.map(|name| pair.of(name).clone());
    let dataset = one.datasets.import(command(), synthetic("bars")).await.unwrap();
    assert_eq!(
        two.datasets.bars(dataset.id, 50).await.unwrap(),
        one.datasets.bars(dataset.id, 50).await.unwrap()
    );
    let snapshot = two.datasets.snapshot(dataset.id).await.unwrap();
    assert!(snapshot.path.is_file());
    let kid = one.identity.signing_kid().await.unwrap();
    assert_ne!(kid, two.identity.signing_kid().await.unwrap());
    until("the key is known to the other", || async {
        let known = two.identity.public_keys().await.unwrap();
        (known.len() == 2 && known.iter().any(|(name, _)| *name == kid)).then_some(())
    })
    .await;
    let shared = one.identity.shared_key("cursor").await.unwrap();
    assert_eq!(two.identity.shared_key("cursor").await.unwrap(), shared);
    pair.end().await;
}
