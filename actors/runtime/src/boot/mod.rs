//! How a node's actors start and end.
//!
//! A [`Platform`] is all that the rest of the program sees: one handle per actor, cheap to clone. [`boot`] opens the
//! data directory, starts the tree and returns it with a [`Running`], which ends it again. Start-up and recovery are
//! one path.

mod children;
mod guard;
mod identity_file;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cluster::control::state::Resources;
use cluster::control::{ControlCommand, ControlHandle, LocalConfig, LocalDriver};
use engine::config::ResourcesConfig;
use engine::ids::NodeId;
use store::{Blobs, Journal, StoreError, Tables};
use tokio::time::Instant;
use uuid::Uuid;

use self::children::Parts;
use self::guard::Guard;
use self::identity_file::{Claimed, claim};
use crate::clock::Clock;
use crate::collect::CollectTimes;
use crate::depot::Depot;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::messages::CommandId;
use crate::messages::data::DataHandle;
use crate::messages::identity::IdentityHandle;
use crate::messages::inspect::InspectHandle;
use crate::messages::library::LibraryHandle;
use crate::messages::logs::LogsHandle;
use crate::messages::metrics::MetricsHandle;
use crate::messages::nodes::NodesHandle;
use crate::messages::reports::ReportsHandle;
use crate::messages::sessions::SessionsHandle;
use crate::messages::topics::TopicsHandle;
use crate::mirror::{Mirror, MirrorParts};
use crate::nodes::devices::gpu_count;
use crate::nodes::{Here, machine_memory_mib};
use crate::peers::Peers;
use crate::session::{Context, RetryPolicy};
use crate::topics::hub::Hub;
use crate::warden::Alone;
use crate::worker::limits::Limiter;
use crate::worker::spawner::Spawner;
use crate::worker::{WorkerProgram, WorkerTimes};

/// How long a journal that was just closed by this process may take to let go.
const REOPEN_WITHIN: Duration = Duration::from_secs(5);
/// Share of the machine's memory that sessions may reserve unless told otherwise, in percent.
const MEMORY_SHARE: u64 = 80;

/// The doors of one node's actors.
#[derive(Debug, Clone)]
pub struct Platform {
    /// This node's name.
    pub node: NodeId,
    /// Strategies and their versions.
    pub strategies: LibraryHandle,
    /// Data sets and their snapshots.
    pub datasets: DataHandle,
    /// Sessions: submit, command, list, watch.
    pub sessions: SessionsHandle,
    /// Metric points of sessions.
    pub metrics: MetricsHandle,
    /// Log lines of sessions.
    pub logs: LogsHandle,
    /// Back-test reports.
    pub reports: ReportsHandle,
    /// Live topics.
    pub topics: TopicsHandle,
    /// Nodes and what they have.
    pub nodes: NodesHandle,
    /// Users, refresh tokens, the signing key.
    pub identity: IdentityHandle,
    /// The actor tree.
    pub inspect: InspectHandle,
}

/// What a node is started with.
#[derive(Debug, Clone)]
pub struct PlatformConfig {
    /// The node's name; absent: the one in the data directory, or a new one.
    pub node: Option<NodeId>,
    /// Everything it keeps; made when absent.
    pub data_dir: PathBuf,
    /// What does the computing.
    pub worker: WorkerProgram,
    /// How long the worker may take for what.
    pub times: WorkerTimes,
    /// What sessions may reserve here in all.
    pub capacity: ResourcesConfig,
    /// GPUs that this node pretends to have instead of its own, by memory in MiB: for tests. Empty: its own.
    pub fake_gpus: Vec<u64>,
    /// Version of the program.
    pub build: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How failures of sessions are answered.
    pub retry: RetryPolicy,
    /// When files that nothing refers to are deleted.
    pub collect: CollectTimes,
}

impl PlatformConfig {
    /// Returns a configuration that lets sessions reserve every core, four fifths of the memory and every GPU.
    #[must_use]
    pub fn new(data_dir: PathBuf, worker: WorkerProgram, clock: Arc<dyn Clock>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let capacity = ResourcesConfig {
            cpu: u32::try_from(cores).unwrap_or(u32::MAX),
            memory_mib: u32::try_from(machine_memory_mib() * MEMORY_SHARE / 100)
                .unwrap_or(u32::MAX),
            gpus: gpu_count(&[]),
            ..ResourcesConfig::default()
        };
        Self {
            node: None,
            data_dir,
            worker,
            times: WorkerTimes::default(),
            capacity,
            fake_gpus: Vec::new(),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            clock,
            retry: RetryPolicy::default(),
            collect: CollectTimes::default(),
        }
    }
}

/// A started tree. Dropping it leaves the actors running; [`Running::shutdown`] ends them.
#[derive(Debug)]
pub struct Running {
    node: NodeId,
    incarnation: u64,
    directory: Directory,
    guard: Guard,
    held: Mutex<Option<Held>>,
}

/// What must outlive the actors.
#[derive(Debug)]
struct Held {
    _claimed: Claimed,
}

/// Starts a node's actors on its data directory.
///
/// # Errors
/// Tells when the directory is in use, damaged or not writable, and what to do.
pub async fn boot(config: PlatformConfig) -> Result<(Platform, Running), ActorsError> {
    let (data_dir, wanted) = (config.data_dir.clone(), config.node.clone());
    let opened = tokio::task::spawn_blocking(move || open(&data_dir, wanted.as_ref()));
    let (claimed, journal, blobs) = opened.await.map_err(ActorsError::internal)??;
    let clock = Arc::clone(&config.clock);
    let wall: cluster::control::Clock =
        Arc::new(move || u64::try_from(clock.wall_ms()).unwrap_or(0));
    let (control_journal, control_blobs) = (journal.clone(), blobs.clone());
    let local = LocalConfig::new(claimed.node.to_string(), wall);
    let started = tokio::task::spawn_blocking(move || {
        LocalDriver::start(&control_journal, &control_blobs, local)
    });
    let control =
        started.await.map_err(ActorsError::internal)?.map_err(|error| ActorsError::Boot {
            detail: format!(
                "the control state in {} cannot be read: {error}",
                config.data_dir.display()
            ),
        })?;
    let mut capacity = config.capacity.clone();
    if !config.fake_gpus.is_empty() {
        capacity.gpus = gpu_count(&config.fake_gpus);
    }
    register(&control, &claimed, &capacity).await?;
    let name = claimed.node.to_string();
    let limiter = tokio::task::spawn_blocking(move || Limiter::discover(&name));
    let limiter = Arc::new(limiter.await.map_err(ActorsError::internal)?);
    let stores = (journal.clone(), blobs, control.clone());
    let peers = Arc::new(crate::peers::Alone);
    let (platform, parts) = assemble(&config, &claimed, stores, (limiter, peers))?;
    let directory = parts.context.directory.clone();
    let guard = Guard::start(parts, [journal.failed(), control.failed()]).await?;
    tracing::info!(node = %claimed.node, incarnation = claimed.incarnation, "actors started");
    let (node, incarnation) = (claimed.node.clone(), claimed.incarnation);
    let held = Mutex::new(Some(Held { _claimed: claimed }));
    Ok((platform, Running { node, incarnation, directory, guard, held }))
}

fn open(
    data_dir: &Path,
    wanted: Option<&NodeId>,
) -> Result<(Claimed, Journal, Blobs), ActorsError> {
    let claimed = claim(data_dir, wanted)?;
    let journal = open_journal(&data_dir.join("journal"))?;
    let failed = |error: StoreError| ActorsError::Boot { detail: error.to_string() };
    let blobs = Blobs::open(&data_dir.join("blobs")).map_err(failed)?;
    let sessions = data_dir.join("sessions");
    std::fs::create_dir_all(&sessions).map_err(|error| ActorsError::Boot {
        detail: format!(
            "{} cannot be made ({error}); make the data directory writable",
            sessions.display()
        ),
    })?;
    Ok((claimed, journal, blobs))
}

/// Opens the journal. The directory's lock is ours, so a journal still locked is one that this process is closing.
fn open_journal(dir: &Path) -> Result<Journal, ActorsError> {
    let begun = Instant::now();
    loop {
        match Journal::open(dir) {
            Ok(journal) => return Ok(journal),
            Err(StoreError::Locked { .. }) if begun.elapsed() < REOPEN_WITHIN => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(ActorsError::Boot { detail: error.to_string() }),
        }
    }
}

/// Makes this node a member: its name, its start, what may be reserved on it.
async fn register(
    control: &ControlHandle,
    claimed: &Claimed,
    capacity: &ResourcesConfig,
) -> Result<(), ActorsError> {
    let key = || cluster::control::CommandId(CommandId::random().0);
    if control.read(|state| state.cluster.is_none()) {
        control
            .execute(key(), ControlCommand::InitCluster { cluster: *Uuid::new_v4().as_bytes() })
            .await?;
    }
    let command = ControlCommand::RegisterNode {
        node: claimed.node.to_string(),
        incarnation: claimed.incarnation,
        capacity: Resources {
            cpu_millis: u64::from(capacity.cpu) * 1_000,
            memory_mib: u64::from(capacity.memory_mib),
            gpus: capacity.gpus,
            ..Resources::default()
        },
    };
    control.execute(key(), command).await?;
    Ok(())
}

/// Makes the doors, and everything the actors behind them work with.
fn assemble(
    config: &PlatformConfig,
    claimed: &Claimed,
    stores: (Journal, Blobs, ControlHandle),
    (limiter, peers): (Arc<Limiter>, Arc<dyn Peers>),
) -> Result<(Platform, Parts), ActorsError> {
    let (journal, blobs, control) = stores;
    let tables = Tables::open(&journal);
    let directory = Directory::new();
    let epoch = format!("{}.{}", claimed.node, claimed.incarnation);
    let hub = Arc::new(Hub::new(Arc::clone(&config.clock), epoch));
    let topics = TopicsHandle::new(directory.clone(), Arc::clone(&hub));
    let at = || directory.clone();
    let node = claimed.node.clone();
    let depot =
        Arc::new(Depot::new(node.clone(), blobs.clone(), control.clone(), Arc::clone(&peers)));
    let mirror = Arc::new(Mirror::new(MirrorParts {
        node,
        control: control.clone(),
        tables: tables.clone(),
        blobs: blobs.clone(),
        depot: depot.clone(),
        directory: at(),
        peers: Arc::clone(&peers),
    }));
    let platform = Platform {
        node: claimed.node.clone(),
        strategies: LibraryHandle::new(at()),
        datasets: DataHandle::fetching(at(), &depot),
        sessions: SessionsHandle::mirrored(at(), &mirror),
        metrics: MetricsHandle::mirrored(at(), &mirror),
        logs: LogsHandle::mirrored(at(), &mirror),
        reports: ReportsHandle::new(at()),
        topics: topics.clone(),
        nodes: NodesHandle::new(at()),
        identity: IdentityHandle::new(at()),
        inspect: InspectHandle::new(at()),
    };
    let spawner = Spawner::start().map_err(|error| ActorsError::Boot {
        detail: format!(
            "the thread that starts workers cannot be started ({error}); raise the limit of threads"
        ),
    })?;
    let here = Here {
        node: claimed.node.clone(),
        build: config.build.clone(),
        started_ms: config.clock.wall_ms(),
        data_dir: config.data_dir.clone(),
        report: Arc::new(tokio::sync::watch::Sender::new(Vec::new())),
    };
    let context = Context {
        node: claimed.node.clone(),
        build: config.build.clone(),
        sessions_dir: config.data_dir.join("sessions"),
        directory: directory.clone(),
        control,
        peers,
        depot,
        mirror,
        tables: tables.clone(),
        blobs,
        topics,
        clock: Arc::clone(&config.clock),
        program: config.worker.clone(),
        times: config.times,
        retry: config.retry,
        limiter,
        spawner,
    };
    let secrets = config.data_dir.join("secrets");
    let (collect, leases) = (config.collect, Arc::new(Alone));
    Ok((platform, Parts { context, tables, journal, collect, hub, here, secrets, leases }))
}

impl Running {
    /// Returns this node's name.
    #[must_use]
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// Returns how often this node was started, this time included.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Resolves with the reason when the tree gives up or the journal fails; the process should then end.
    pub async fn failed(&self) -> String {
        self.guard.failed().await
    }

    /// Ends the actors in the reverse order of their start, each after it has worked off its queue; what is not done
    /// by the deadline is ended at once. Workers write checkpoints first. Repeating it changes nothing.
    pub async fn shutdown(&self, deadline: Duration) {
        self.guard.shutdown(&self.directory, deadline).await;
        drop(self.held.lock().unwrap_or_else(PoisonError::into_inner).take());
        tracing::info!(node = %self.node, "actors ended");
    }
}
