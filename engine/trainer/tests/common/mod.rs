//! A node, as far as a worker sees one: the other end of its socket.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(dead_code, reason = "each test file uses its part")]

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use engine::config::{AgentConfig, ResourcesConfig, SessionConfig, StrategyConfig, TrainingConfig};
use engine::evaluation::seal::SealMark;
use engine::ids::{Epoch, SessionId};
use engine::market::snapshot::Stored;
use engine::market::{MarketSeries, Provenance, snapshot, synthetic};
use engine::session::protocol::{
    CheckpointWritten, FRAME_BYTES_MAX, InputFile, LIMITS_VARIABLE, MetricPoint, WorkerCommand,
    WorkerEvent, WorkerResult, WorkerSpec,
};
use store::codec::{self, frame};
use tempfile::TempDir;
use trainer::files::read;
use trainer::worker::guard::boot_time_ms;
use trainer::worker::wire::{CommandRecord, EventRecord};

/// How long anything may take before a test fails. Generous: machines are shared.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A session's directory with a data snapshot in it.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
    pub(crate) dataset: InputFile,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let bytes = snapshot::encode(&synthetic::generate(11, 700)).unwrap();
        let path = directory.path().join("snapshot.parquet");
        std::fs::write(&path, &bytes).unwrap();
        let dataset = InputFile {
            path: path.to_str().unwrap().to_owned(),
            sha256: engine::digest::sha256(&bytes),
        };
        Self { directory, dataset }
    }

    /// Another data snapshot, of any kind.
    pub(crate) fn snapshot(&self, name: &str, data: MarketSeries) -> InputFile {
        let bytes = snapshot::encode_any(&Stored::new(data, Provenance::default())).unwrap();
        let path = self.directory.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        InputFile {
            path: path.to_str().unwrap().to_owned(),
            sha256: engine::digest::sha256(&bytes),
        }
    }

    /// An empty session directory within this place.
    pub(crate) fn work_dir(&self, name: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// A small training session.
    pub(crate) fn training(&self, name: &str, epochs: u32) -> WorkerSpec {
        WorkerSpec {
            strategy: Some(small_strategy()),
            session: SessionConfig::Training(TrainingConfig {
                epochs,
                seed: 5,
                ..TrainingConfig::default()
            }),
            resources: ResourcesConfig::default(),
            dataset: self.dataset.clone(),
            dataset_name: "synthetic".to_owned(),
            synthetic: true,
            work_dir: self.work_dir(name).to_str().unwrap().to_owned(),
            checkpoint: None,
            model: None,
            models: Vec::new(),
            trials: Vec::new(),
            trials_lost: 0,
            seal: SealMark::None,
        }
    }
}

pub(crate) fn small_strategy() -> StrategyConfig {
    let mut strategy = StrategyConfig::default();
    if let AgentConfig::Dqn(dqn) = &mut strategy.agent {
        dqn.hidden = vec![16, 16];
        dqn.warmup_steps = 64;
        dqn.batch_size = 16;
        dqn.replay_capacity = 700; // fills during the second epoch
        dqn.epsilon.decay_steps = 600;
    }
    strategy
}

/// A running worker and the node's end of its socket.
pub(crate) struct Node {
    pub(crate) child: Child,
    socket: Arc<Mutex<UnixStream>>,
    events: Receiver<WorkerEvent>,
    renewing: Arc<AtomicBool>,
    /// Everything that came, in order.
    pub(crate) seen: Vec<WorkerEvent>,
}

impl Node {
    pub(crate) fn start() -> Self {
        Self::start_with(None)
    }

    /// Starts a worker that limits itself before anything else.
    pub(crate) fn start_with(limits: Option<&str>) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_tm-worker"))
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .envs(limits.map(|limits| (LIMITS_VARIABLE, limits)))
            .spawn()
            .unwrap();
        let mut reading = ours.try_clone().unwrap();
        let (sender, events) = channel();
        std::thread::spawn(move || {
            while let Ok(Some(payload)) = frame::read(&mut reading, FRAME_BYTES_MAX) {
                let event = codec::decode::<EventRecord>(&payload).unwrap().0;
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let node = Self {
            child,
            socket: Arc::new(Mutex::new(ours)),
            events,
            renewing: Arc::new(AtomicBool::new(true)),
            seen: Vec::new(),
        };
        node.renew();
        node
    }

    /// Starts a worker and hands it a spec.
    pub(crate) fn run(spec: &WorkerSpec) -> Self {
        let mut node = Self::start();
        node.wait_for("Hello", |event| matches!(event, WorkerEvent::Hello { .. }).then_some(()));
        node.send_start(serde_json::to_vec(spec).unwrap());
        node
    }

    pub(crate) fn send_start(&mut self, spec: Vec<u8>) {
        let session = SessionId::from_uuid(uuid::Uuid::from_u128(7));
        self.send(WorkerCommand::Start { session, epoch: Epoch(1), spec });
    }

    /// Gives the worker ten seconds from now, again and again.
    fn renew(&self) {
        let (socket, renewing) = (Arc::clone(&self.socket), Arc::clone(&self.renewing));
        std::thread::spawn(move || {
            while renewing.load(Ordering::Acquire) {
                let payload = codec::encode(&CommandRecord(WorkerCommand::Lease {
                    until_ms: boot_time_ms() + 10_000,
                }));
                if frame::write(&mut *socket.lock().unwrap(), &payload.unwrap()).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(500));
            }
        });
    }

    pub(crate) fn stop_renewing(&self) {
        self.renewing.store(false, Ordering::Release);
    }

    pub(crate) fn send(&mut self, command: WorkerCommand) {
        let payload = codec::encode(&CommandRecord(command)).unwrap();
        self.send_raw(&payload);
    }

    /// As `send`, where the worker may already be gone.
    pub(crate) fn send_if_open(&mut self, command: WorkerCommand) {
        let payload = codec::encode(&CommandRecord(command)).unwrap();
        drop(frame::write(&mut *self.socket.lock().unwrap(), &payload));
    }

    pub(crate) fn send_raw(&mut self, payload: &[u8]) {
        frame::write(&mut *self.socket.lock().unwrap(), payload).unwrap();
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        std::io::Write::write_all(&mut *self.socket.lock().unwrap(), bytes).unwrap();
    }

    /// Waits for the first event from now on for which `pick` gives something.
    pub(crate) fn wait_for<T>(
        &mut self,
        what: &str,
        pick: impl Fn(&WorkerEvent) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) => {
                    let picked = pick(&event);
                    self.seen.push(event);
                    if let Some(picked) = picked {
                        return picked;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{what} did not come in time; came: {:?}", self.tail())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended before {what}; came: {:?}", self.tail())
                }
            }
        }
    }

    /// Waits for the end; returns the exit code.
    pub(crate) fn wait(&mut self) -> i32 {
        while let Ok(event) = self.events.recv_timeout(PATIENCE) {
            self.seen.push(event);
        }
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.stop_renewing();
                return status.code().unwrap_or_else(|| panic!("ended by a signal: {status}"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the worker did not end; came: {:?}", self.tail());
    }

    fn tail(&self) -> &[WorkerEvent] {
        &self.seen[self.seen.len().saturating_sub(10)..]
    }

    pub(crate) fn checkpoint(&mut self) -> CheckpointWritten {
        self.wait_for("CheckpointWritten", |event| match event {
            WorkerEvent::CheckpointWritten(written) => Some(written.clone()),
            _ => None,
        })
    }

    /// Every metric point that came, in order.
    pub(crate) fn points(&self) -> Vec<MetricPoint> {
        points_before(&self.seen)
    }

    pub(crate) fn result(&self) -> Option<WorkerResult> {
        self.seen.iter().find_map(|event| match event {
            WorkerEvent::Done(result) => Some(result.clone()),
            _ => None,
        })
    }

    pub(crate) fn fault(&self) -> Option<(String, String, bool)> {
        self.seen.iter().find_map(|event| match event {
            WorkerEvent::Fault { kind, text, restartable } => {
                Some((kind.clone(), text.clone(), *restartable))
            }
            _ => None,
        })
    }

    /// The last checkpoint that was announced.
    pub(crate) fn last_checkpoint(&self) -> CheckpointWritten {
        let written = |event: &WorkerEvent| match event {
            WorkerEvent::CheckpointWritten(written) => Some(written.clone()),
            _ => None,
        };
        self.seen.iter().rev().find_map(written).expect("a checkpoint")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop_renewing();
        if self.child.kill().is_ok() {
            self.child.wait().unwrap();
        }
    }
}

pub(crate) fn points_before(events: &[WorkerEvent]) -> Vec<MetricPoint> {
    events
        .iter()
        .filter_map(|event| match event {
            WorkerEvent::Metrics(points) => Some(points.clone()),
            _ => None,
        })
        .flatten()
        .collect()
}

/// The announced file, checked, as the input of the next worker.
pub(crate) fn input(work_dir: &str, written: &CheckpointWritten) -> InputFile {
    let path = Path::new(work_dir).join(&written.file);
    read(&path, &written.sha256, u64::MAX).unwrap();
    InputFile { path: path.to_str().unwrap().to_owned(), sha256: written.sha256.clone() }
}
