//! Several nodes of the agreement in one process, joined by a net in memory, each with its own directory.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "a module of several test files")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cluster::control::{
    CommandId, ControlCommand, ControlHandle, DocumentChange, DocumentKey, Expected, RaftAdmin,
    RaftDriver, RaftSettings, RaftTiming, Role,
};
use cluster::ctl::{CtlClient, Services, serve};
use cluster::testkit::MemoryNet;
use store::{Blobs, Journal};
use tokio::task::JoinHandle;

/// Long enough on any machine; nothing is measured with it.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Five times faster than in production, for tests that need many elections.
pub const QUICK: RaftTiming =
    RaftTiming { heartbeat_ms: 60, election_ms: 300, slot_ms: 60, spread_ms: 20 };

pub fn key(number: u64) -> CommandId {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&number.to_be_bytes());
    CommandId(key)
}

/// A document that may be written only once: a second time would be refused, unless the key is remembered.
pub fn put(id: u64, size: usize) -> ControlCommand {
    let key = DocumentKey::new("things", id.to_string());
    let bytes = vec![u8::try_from(id % 251).unwrap(); size];
    ControlCommand::ChangeDocuments {
        changes: vec![DocumentChange::Put { key, expected: Expected::Absent, schema: 1, bytes }],
    }
}

pub fn wall_clock() -> cluster::control::Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        u64::try_from(since.as_millis()).unwrap()
    })
}

/// One running node.
pub struct Node {
    pub control: ControlHandle,
    pub admin: RaftAdmin,
    pub client: CtlClient,
    serving: JoinHandle<()>,
}

/// Some nodes, running or not. Node `i` has raft id `i + 1` and the name `n-<i + 1>`.
pub struct Group {
    pub net: MemoryNet,
    pub nodes: Vec<Option<Node>>,
    pub dir: tempfile::TempDir,
    /// Where the nodes' directories are, when they outlive the group.
    pub fixed: Option<std::path::PathBuf>,
    pub timing: RaftTiming,
    pub propose_max: Duration,
    pub snapshot_every: u64,
}

impl Group {
    pub fn new(timing: RaftTiming) -> Self {
        Self {
            net: MemoryNet::default(),
            nodes: Vec::new(),
            dir: tempfile::tempdir().unwrap(),
            fixed: None,
            timing,
            propose_max: Duration::from_secs(10),
            snapshot_every: 2_000,
        }
    }

    /// Starts `count` nodes; the first makes the cluster, the others join and are promoted.
    pub async fn formed(count: usize, timing: RaftTiming) -> Self {
        let mut group = Self::new(timing);
        group.form(count).await;
        group
    }

    pub async fn form(&mut self, count: usize) {
        for index in 0..count {
            self.start(index);
        }
        let first = self.admin(0).clone();
        first.initialise().await.unwrap();
        let mut view = first.metrics();
        let leads = view.wait_for(|view| view.role == Role::Leader);
        drop(tokio::time::timeout(PATIENCE, leads).await.unwrap().unwrap());
        for index in 1..count {
            self.join(index).await;
        }
    }

    /// Makes a running node a voter. On a slow machine the lead may change meanwhile: whoever leads is asked.
    async fn join(&self, index: usize) {
        let (raft_id, name) = (index as u64 + 1, name(index));
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            for node in self.running() {
                let admin = self.admin(node);
                if admin.add_learner(raft_id, &name, &name).await.is_ok()
                    && admin.promote(raft_id).await.is_ok()
                {
                    return;
                }
            }
            assert!(tokio::time::Instant::now() < deadline, "{name} did not join");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn path(&self, index: usize) -> std::path::PathBuf {
        self.fixed.as_deref().unwrap_or(self.dir.path()).join(name(index))
    }

    /// Starts a node, for the first time or again.
    pub fn start(&mut self, index: usize) {
        while self.nodes.len() <= index {
            self.nodes.push(None);
        }
        let (node, ports) = self.net.join(&name(index));
        let services = Services::new();
        let client = CtlClient::new(Arc::clone(&node) as _, node);
        let (journal, blobs) = open(&self.path(index));
        let mut settings = RaftSettings::new(
            name(index),
            index as u64 + 1,
            name(index),
            self.path(index).join("incoming"),
        );
        settings.timing = self.timing;
        settings.propose_max = self.propose_max;
        settings.snapshot_every = self.snapshot_every;
        settings.keep_entries = self.snapshot_every / 2;
        let (control, admin) = RaftDriver::start(
            settings,
            (&journal, &blobs),
            &services,
            client.clone(),
            wall_clock(),
        )
        .unwrap();
        let serving = tokio::spawn(serve(ports.ctl, services));
        self.nodes[index] = Some(Node { control, admin, client, serving });
    }

    /// Ends a node: its connections break at once, its files are closed when this returns.
    pub async fn kill(&mut self, index: usize) {
        self.net.leave(&name(index));
        let Some(Node { control, admin, serving, .. }) = self.nodes[index].take() else { return };
        serving.abort();
        drop(control);
        admin.shutdown().await;
    }

    pub fn control(&self, index: usize) -> &ControlHandle {
        &self.nodes[index].as_ref().unwrap().control
    }

    pub fn admin(&self, index: usize) -> &RaftAdmin {
        &self.nodes[index].as_ref().unwrap().admin
    }

    pub fn running(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|index| self.nodes[*index].is_some()).collect()
    }

    /// Waits until one of `among` leads in the opinion of all of them.
    pub async fn leader(&self, among: &[usize]) -> usize {
        let agreed = || {
            let leads = |index: &usize| self.control(*index).leadership().borrow().here;
            let leader = among.iter().copied().find(leads)?;
            let knows = |index: &usize| {
                let leadership = self.control(*index).leadership().borrow().clone();
                leadership.leader.as_deref() == Some(&name(leader))
            };
            among.iter().all(knows).then_some(leader)
        };
        until("one leader", agreed).await
    }

    /// Waits until all running nodes have applied the same, and returns the state's bytes.
    pub async fn agreed_state(&self) -> Vec<u8> {
        let running = self.running();
        let same = || {
            let states: Vec<Vec<u8>> =
                running.iter().map(|index| state(self.control(*index))).collect();
            states.windows(2).all(|pair| pair[0] == pair[1]).then(|| states[0].clone())
        };
        until("equal states", same).await
    }
}

pub fn name(index: usize) -> String {
    format!("n-{}", index + 1)
}

pub fn open(dir: &Path) -> (Journal, Blobs) {
    std::fs::create_dir_all(dir).unwrap();
    (Journal::open(&dir.join("journal")).unwrap(), Blobs::open(&dir.join("blobs")).unwrap())
}

pub fn state(control: &ControlHandle) -> Vec<u8> {
    control.read(|state| store::codec::encode(state).unwrap())
}

/// Waits until there is an answer.
pub async fn until<T>(what: &str, mut question: impl FnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = question() {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what} did not come about");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
