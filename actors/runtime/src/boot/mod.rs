//! How a node's actors start and end.
//!
//! A [`Platform`] is all that the rest of the program sees: one handle per actor, cheap to clone. [`boot`] opens the
//! data directory, starts the tree and returns it with a [`Running`], which ends it again. Start-up and recovery are
//! one path.

mod assemble;
mod children;
mod guard;
mod identity_file;
mod peer;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cluster::control::state::Resources;
use cluster::control::{ControlCommand, ControlHandle, LocalConfig, LocalDriver};
use cluster::peer::{Peer, record};
use cluster::router::Registration;
use engine::config::ResourcesConfig;
use engine::ids::NodeId;
use store::{Blobs, Journal, StoreError};
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use self::assemble::{Ground, assemble, others};
use self::guard::Guard;
use self::identity_file::{Claimed, claim};
pub use self::peer::ClusterConfig;
use self::peer::{Start, boot_error};
use crate::clock::Clock;
use crate::collect::CollectTimes;
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
use crate::messages::scheduler::SchedulerHandle;
use crate::messages::sessions::SessionsHandle;
use crate::messages::topics::TopicsHandle;
use crate::nodes::devices::{gpu_count, gpu_memory_mib};
use crate::nodes::machine_memory_mib;
use crate::peers::desk::Desk;
use crate::session::RetryPolicy;
use crate::worker::limits::Limiter;
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
    /// Why sessions wait, what is left, who may have how much.
    pub scheduler: SchedulerHandle,
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
    /// How it takes part in a cluster; absent: it stands alone.
    pub cluster: Option<ClusterConfig>,
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
            cluster: None,
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
    peer: Option<Arc<Peer>>,
    held: Mutex<Option<Held>>,
}

/// What must outlive the actors.
#[derive(Debug)]
struct Held {
    _answering: Option<Registration>,
    _claimed: Claimed,
}

/// Starts a node's actors on its data directory.
///
/// # Errors
/// Tells when the directory is in use, damaged or not writable, and what to do; in a cluster also why this node cannot
/// take part.
pub async fn boot(config: PlatformConfig) -> Result<(Platform, Running), ActorsError> {
    let (data_dir, wanted) = (config.data_dir.clone(), config.node.clone());
    let opened = tokio::task::spawn_blocking(move || open(&data_dir, wanted.as_ref()));
    let (mut claimed, journal, blobs) = opened.await.map_err(ActorsError::internal)??;
    let report = Arc::new(watch::Sender::new(Vec::new()));
    let peer = match &config.cluster {
        Some(cluster) => {
            let start = start_of(&config, &claimed, &report);
            Some(Arc::new(peer::start(cluster, start, (&journal, &blobs)).await?))
        }
        None => None,
    };
    let control = match &peer {
        Some(peer) => {
            claimed.incarnation = peer.incarnation();
            peer.control().clone()
        }
        None => alone(&config, &claimed, (&journal, &blobs)).await?,
    };
    let name = claimed.node.to_string();
    let limiter = tokio::task::spawn_blocking(move || Limiter::discover(&name));
    let limiter = Arc::new(limiter.await.map_err(ActorsError::internal)?);
    let (peers, leases) = others(&config, peer.clone(), &blobs);
    let ground =
        Ground { journal: journal.clone(), blobs, control: control.clone(), peers, leases };
    let (platform, parts) = assemble(&config, &claimed, ground, limiter, report)?;
    let directory = parts.context.directory.clone();
    let desk = Desk::new(
        Arc::clone(&parts.context.mirror),
        directory.clone(),
        Arc::clone(&parts.context.peers),
    );
    let mut grounds = vec![journal.failed(), control.failed()];
    grounds.extend(peer.as_ref().map(|peer| peer.failed()));
    let guard = Guard::start(parts, grounds).await?;
    let answering = match &peer {
        Some(peer) => {
            peer::recheck(peer, control, directory.clone());
            Some(peer::answer_questions(peer, desk)?)
        }
        None => None,
    };
    tracing::info!(node = %claimed.node, incarnation = claimed.incarnation, "actors started");
    let (node, incarnation) = (claimed.node.clone(), claimed.incarnation);
    let held = Mutex::new(Some(Held { _answering: answering, _claimed: claimed }));
    Ok((platform, Running { node, incarnation, directory, guard, peer, held }))
}

/// Makes the node of `config` the first of a new cluster; what it knew as a node alone is kept. The node must not run.
/// Returns false when it belongs to that cluster already.
///
/// # Errors
/// Tells when there is no cluster in the configuration, the directory is in use, or belongs to another cluster.
pub async fn init_cluster(config: PlatformConfig) -> Result<bool, ActorsError> {
    let made = tokio::task::spawn_blocking(move || {
        let cluster = config.cluster.as_ref().ok_or_else(no_cluster)?;
        let (claimed, journal, blobs) = open(&config.data_dir, config.node.as_ref())?;
        let who = (claimed.node.as_str(), cluster.name.as_str(), cluster.advertise.as_str());
        record::init(&config.data_dir, who, (&journal, &blobs)).map_err(boot_error)
    });
    made.await.map_err(ActorsError::internal)?
}

/// Has the node of `config` admitted to a cluster, for ever if need be. The node must not run. Returns false when it
/// belongs to it already.
///
/// # Errors
/// As [`init_cluster`], and when the cluster does not admit the node.
pub async fn join_cluster(config: PlatformConfig) -> Result<bool, ActorsError> {
    let cluster = config.cluster.clone().ok_or_else(no_cluster)?;
    let (data_dir, wanted) = (config.data_dir.clone(), config.node.clone());
    let opened = tokio::task::spawn_blocking(move || open(&data_dir, wanted.as_ref()));
    let (claimed, journal, _) = opened.await.map_err(ActorsError::internal)??;
    let report = watch::Sender::new(Vec::new());
    let start = start_of(&config, &claimed, &report);
    peer::enrol(&cluster, start, &journal).await
}

fn no_cluster() -> ActorsError {
    let detail = "the configuration names no cluster; add [cluster] name".to_owned();
    ActorsError::Boot { detail }
}

/// Returns what a peer is started with beside its configuration.
fn start_of<'a>(
    config: &'a PlatformConfig,
    claimed: &'a Claimed,
    report: &watch::Sender<Vec<u8>>,
) -> Start<'a> {
    Start {
        node: &claimed.node,
        raise: claimed.raise(&config.data_dir),
        incarnation: claimed.incarnation,
        build: &config.build,
        capacity: capacity(config),
        data_dir: &config.data_dir,
        clock: Arc::clone(&config.clock),
        report: report.subscribe(),
    }
}

/// Opens the control state of a node that is the whole cluster.
async fn alone(
    config: &PlatformConfig,
    claimed: &Claimed,
    (journal, blobs): (&Journal, &Blobs),
) -> Result<ControlHandle, ActorsError> {
    if let Some(member) = record::read(&config.data_dir).map_err(boot_error)? {
        let detail = format!(
            "{} belongs to node {} of cluster '{}'; start it with its configuration (--config), or name another directory",
            config.data_dir.display(),
            member.node,
            member.name
        );
        return Err(ActorsError::Boot { detail });
    }
    let clock = Arc::clone(&config.clock);
    let wall: cluster::control::Clock =
        Arc::new(move || u64::try_from(clock.wall_ms()).unwrap_or(0));
    let (journal, blobs) = (journal.clone(), blobs.clone());
    let local = LocalConfig::new(claimed.node.to_string(), wall);
    let started = tokio::task::spawn_blocking(move || LocalDriver::start(&journal, &blobs, local));
    let control =
        started.await.map_err(ActorsError::internal)?.map_err(|error| ActorsError::Boot {
            detail: format!(
                "the control state in {} cannot be read: {error}",
                config.data_dir.display()
            ),
        })?;
    register(&control, claimed, capacity(config)).await?;
    Ok(control)
}

/// Returns what sessions may reserve here.
fn capacity(config: &PlatformConfig) -> Resources {
    let wanted = &config.capacity;
    let fake = &config.fake_gpus;
    let gpus = if fake.is_empty() { wanted.gpus } else { gpu_count(fake) };
    Resources {
        cpu_millis: u64::from(wanted.cpu) * 1_000,
        memory_mib: u64::from(wanted.memory_mib),
        gpus,
        gpu_memory_mib: if gpus == 0 { 0 } else { gpu_memory_mib(fake, gpus) },
        ..Resources::default()
    }
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
    capacity: Resources,
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
        capacity,
    };
    control.execute(key(), command).await?;
    Ok(())
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

    /// Reads the certificates again; returns whether this node's is another one now. A node alone has none.
    ///
    /// # Errors
    /// What is wrong with the files; those that were loaded stay in force.
    pub fn reload_certificates(&self) -> Result<bool, ActorsError> {
        let Some(peer) = &self.peer else { return Ok(false) };
        peer.reload_certificates().map_err(boot_error)
    }

    /// Ends the actors in the reverse order of their start, each after it has worked off its queue; what is not done
    /// by the deadline is ended at once. Workers write checkpoints first. Repeating it changes nothing.
    pub async fn shutdown(&self, deadline: Duration) {
        self.guard.shutdown(&self.directory, deadline).await;
        if let Some(peer) = &self.peer {
            peer.close().await;
        }
        drop(self.held.lock().unwrap_or_else(PoisonError::into_inner).take());
        tracing::info!(node = %self.node, "actors ended");
    }
}
