//! The driver of several: openraft on a thread and runtime of its own. Nothing outside `control` names openraft.
//!
//! ```text
//! ControlHandle ─propose→ Proposals ─round→ leader here: raft entry    leader elsewhere: control/propose
//!               ─barrier→ Barriers  ─round→ leader here: quorum        leader elsewhere: control/barrier
//! thread "raft": core, state machine, proposer, barriers      thread "raft-disk": log, vote, marks
//! ```
//!
//! Any storage error ends the core for good; [`super::Driver::failed`] then says so and the process ends.

mod admin;
mod barrier;
mod election;
mod service;
pub mod types;
pub(crate) mod wire;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openraft::error::Fatal;
use openraft::{Config, Raft, RaftMetrics, SnapshotPolicy};
use store::{Blobs, Journal};
use tokio::sync::{oneshot, watch};

use self::barrier::{Barriers, Rounds};
use self::service::{ControlService, RaftService};
use self::types::{Member, Types};
use super::command::Proposed;
use super::network::Network;
use super::proposer::{Proposals, Proposer};
use super::storage;
use super::{Barrier, Clock, ControlError, ControlHandle, Driver, Leadership, Machine, Proposal};
use crate::ctl::{CtlClient, Services};

pub use admin::{MemberView, RaftAdmin, RaftView, Role};

/// How long an orderly end may take before the core is left where it is.
const END_MAX: Duration = Duration::from_secs(2);

/// Times of the agreement. The default is binding; tests may run faster.
///
/// A follower campaigns after its lease (`election_max`) plus one draw: for slots 0 to 4 after 2.05 to 3.7 s, on a tick
/// of 1.5 heartbeats. Every lease stays below the fastest campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RaftTiming {
    /// Between two signs of life of the leader; also the time limit of an append.
    pub heartbeat_ms: u64,
    /// Shortest election timeout of slot 0; also the time limit of a vote.
    pub election_ms: u64,
    /// What each slot adds, so that two nodes do not campaign at once.
    pub slot_ms: u64,
    /// Width of the draw.
    pub spread_ms: u64,
}

impl Default for RaftTiming {
    fn default() -> Self {
        Self { heartbeat_ms: 250, election_ms: 1_000, slot_ms: 200, spread_ms: 50 }
    }
}

/// How the driver is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaftSettings {
    /// Name of this node.
    pub node: String,
    /// Its id in the log; given once, never reused. Voters have different remainders by 5.
    pub raft_id: u64,
    /// Where peers reach this node.
    pub address: String,
    /// Where snapshots on their way are kept.
    pub scratch: PathBuf,
    /// Times of the agreement.
    pub timing: RaftTiming,
    /// Entries between two snapshots.
    pub snapshot_every: u64,
    /// Entries kept although a snapshot contains them, for followers a little behind.
    pub keep_entries: u64,
    /// How long a proposal is tried before its outcome is called unknown.
    pub propose_max: Duration,
}

impl RaftSettings {
    /// Returns the usual settings.
    #[must_use]
    pub fn new(
        node: impl Into<String>,
        raft_id: u64,
        address: impl Into<String>,
        scratch: PathBuf,
    ) -> Self {
        Self {
            node: node.into(),
            raft_id,
            address: address.into(),
            scratch,
            timing: RaftTiming::default(),
            snapshot_every: 2_000,
            keep_entries: 1_000,
            propose_max: Duration::from_secs(10),
        }
    }

    fn config(&self) -> Result<Config, ControlError> {
        let timing = self.timing;
        let election = timing.election_ms + timing.slot_ms * admin::slot(self.raft_id);
        let config = Config {
            cluster_name: "control".to_owned(),
            heartbeat_interval: timing.heartbeat_ms,
            election_timeout_min: election,
            election_timeout_max: election + timing.spread_ms,
            install_snapshot_timeout: 10_000,
            snapshot_max_chunk_size: 1 << 20,
            max_payload_entries: 32,
            snapshot_policy: SnapshotPolicy::LogsSinceLast(self.snapshot_every),
            max_in_snapshot_log_to_keep: self.keep_entries,
            purge_batch_size: 256.min(self.keep_entries.max(1)),
            ..Config::default()
        };
        config.validate().map_err(|error| ControlError::Thread { reason: error.to_string() })
    }
}

/// Ends the thread. The last one who holds it ends it, too.
pub(crate) struct Running {
    end: Mutex<Option<(oneshot::Sender<()>, std::thread::JoinHandle<()>)>>,
    services: Arc<Services>,
}

impl Running {
    fn end(&self) {
        let running = self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((end, thread)) = running {
            self.services.remove("raft");
            self.services.remove("control");
            // It may have ended by itself.
            end.send(()).unwrap_or_default();
            drop(thread.join());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// The driver of several.
pub struct RaftDriver {
    proposals: Proposals,
    barriers: Barriers,
    failed: watch::Receiver<Option<String>>,
    leadership: watch::Receiver<Leadership>,
    _running: Arc<Running>,
}

impl std::fmt::Debug for RaftDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RaftDriver").finish_non_exhaustive()
    }
}

/// What the thread is started with.
struct Start {
    settings: RaftSettings,
    config: Config,
    journal: Journal,
    blobs: Blobs,
    client: CtlClient,
    clock: Clock,
    machine: Arc<Machine>,
}

/// What the thread hands out once it runs.
struct Started {
    raft: Raft<Types>,
    proposals: Proposals,
    barriers: Barriers,
    failed: watch::Receiver<Option<String>>,
    leadership: watch::Receiver<Leadership>,
    view: watch::Receiver<RaftView>,
    caught_up: watch::Receiver<bool>,
}

impl RaftDriver {
    /// Restores the state from snapshot and log, starts the thread and answers peers through `services`. A node that
    /// belongs to no cluster yet waits to be added, or for [`RaftAdmin::initialise`].
    ///
    /// # Errors
    /// When log or snapshot cannot be read or do not fit together, and when the log was written by the driver of one:
    /// see [`storage::adopt_local`].
    pub fn start(
        settings: RaftSettings,
        stores: (&Journal, &Blobs),
        services: &Arc<Services>,
        client: CtlClient,
        clock: Clock,
    ) -> Result<(ControlHandle, RaftAdmin), ControlError> {
        let (journal, blobs) = stores;
        if storage::is_local(journal)? {
            let reason = "the log was written by a node alone and must be taken over first";
            return Err(ControlError::Members { reason: reason.to_owned() });
        }
        let machine = Arc::new(Machine::default());
        let own = Member { node: settings.node.clone(), address: settings.address.clone() };
        let (raft_id, scratch) = (settings.raft_id, settings.scratch.clone());
        let config = settings.config()?;
        let (journal, blobs) = (journal.clone(), blobs.clone());
        let start = Start {
            settings,
            config,
            journal,
            blobs,
            client,
            clock,
            machine: Arc::clone(&machine),
        };
        let (end, ended) = oneshot::channel();
        let (running, runs) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("raft".to_owned())
            .spawn(move || run(start, &running, ended))
            .map_err(|error| ControlError::Thread { reason: error.to_string() })?;
        let gone = |_| ControlError::Thread { reason: "it ended at once".to_owned() };
        let started = runs.recv().map_err(gone)??;
        services.register("raft", RaftService::new(started.raft.clone(), scratch));
        let control = ControlService {
            proposals: started.proposals.clone(),
            barriers: started.barriers.clone(),
        };
        services.register("control", Arc::new(control));
        let running = Arc::new(Running {
            end: Mutex::new(Some((end, thread))),
            services: Arc::clone(services),
        });
        let driver = Self {
            proposals: started.proposals,
            barriers: started.barriers,
            failed: started.failed,
            leadership: started.leadership,
            _running: Arc::clone(&running),
        };
        let admin = RaftAdmin {
            raft: started.raft,
            own: (raft_id, own),
            view: started.view,
            caught_up: started.caught_up,
            running,
        };
        Ok((ControlHandle::new(Arc::new(driver), machine), admin))
    }
}

impl Driver for RaftDriver {
    fn propose(&self, proposed: Proposed) -> Proposal {
        self.proposals.propose(proposed, false)
    }

    fn failed(&self) -> watch::Receiver<Option<String>> {
        self.failed.clone()
    }

    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.leadership.clone()
    }

    fn barrier(&self) -> Barrier {
        let barriers = self.barriers.clone();
        Box::pin(async move { barriers.wait(false).await })
    }
}

/// The thread: everything of openraft lives and ends here.
fn run(
    start: Start,
    running: &std::sync::mpsc::Sender<Result<Started, ControlError>>,
    ended: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            // The starter waits for exactly one message; it may have given up.
            drop(running.send(Err(ControlError::Thread { reason: error.to_string() })));
            return;
        }
    };
    let disk = runtime.block_on(async {
        let (raft, disk) = match launch(start).await {
            Ok((started, disk)) => {
                let raft = started.raft.clone();
                drop(running.send(Ok(started)));
                (raft, disk)
            }
            Err(error) => {
                drop(running.send(Err(error)));
                return None;
            }
        };
        // Also when nobody holds the other end any more.
        drop(ended.await);
        if tokio::time::timeout(END_MAX, raft.shutdown()).await.is_err() {
            tracing::warn!("the raft core did not end in time and is left where it is");
        }
        Some(disk)
    });
    // Tasks first: they hold doors to the disk thread, which holds the journal.
    drop(runtime);
    if let Some(disk) = disk {
        disk.close();
    }
}

async fn launch(start: Start) -> Result<(Started, storage::Disk), ControlError> {
    let Start { settings, config, journal, blobs, client, clock, machine } = start;
    let own = settings.raft_id;
    let stored =
        storage::open(&journal, &blobs, &settings.scratch, own, Arc::clone(&machine)).await?;
    drop(journal);
    let network = Network { client: client.clone(), own };
    let raft = Raft::new(own, Arc::new(config), network, stored.log, stored.state).await;
    let raft = raft.map_err(|error| ControlError::Thread { reason: error.to_string() })?;
    let (failure, failed) = watch::channel(None);
    let (lead, leadership) = watch::channel(Leadership::default());
    let (seen, view) = watch::channel(RaftView::new(&raft.metrics().borrow()));
    tokio::spawn(follow(raft.metrics(), failure, lead, seen));
    tokio::spawn(election::watch(raft.clone(), settings.timing, own));
    let proposer = Proposer {
        raft: raft.clone(),
        client: client.clone(),
        machine: Arc::clone(&machine),
        leadership: leadership.clone(),
        clock,
    };
    let proposals = proposer.start(settings.propose_max, failed.clone());
    let rounds = Rounds {
        raft: raft.clone(),
        client,
        leadership: leadership.clone(),
        applied: machine.watch(),
    };
    let barriers = Barriers::start(rounds);
    let (catching, caught_up) = watch::channel(false);
    tokio::spawn(barrier::catch_up(barriers.clone(), catching));
    let started = Started { raft, proposals, barriers, failed, leadership, view, caught_up };
    Ok((started, stored.disk))
}

/// Turns openraft's metrics into what others follow.
async fn follow(
    mut metrics: watch::Receiver<RaftMetrics<u64, Member>>,
    failure: watch::Sender<Option<String>>,
    lead: watch::Sender<Leadership>,
    seen: watch::Sender<RaftView>,
) {
    loop {
        let (view, state) = {
            let metrics = metrics.borrow_and_update();
            (RaftView::new(&metrics), metrics.running_state.clone())
        };
        let leader = view.members.iter().find(|member| member.leader);
        let now = Leadership {
            leader: leader.map(|member| member.node.clone()),
            here: view.role == Role::Leader,
            term: view.term,
        };
        lead.send_if_modified(|before| {
            let changed = *before != now;
            *before = now;
            changed
        });
        seen.send_replace(view);
        if let Err(error) = state {
            if matches!(error, Fatal::Stopped) {
                return;
            }
            tracing::error!(%error, "the agreement cannot go on");
            failure.send_replace(Some(error.to_string()));
            return;
        }
        if metrics.changed().await.is_err() {
            return;
        }
    }
}
