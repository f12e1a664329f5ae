//! Keeps this node's lease: sends renewals, feeds the answers to [`rules`], shows the result. A thin shell.
//!
//! ```text
//! clock, answers, rechecked ─► keeper ─► watch<LeaseState> ─► LeaseGate::may_act before every effect
//!                                └─────► watch<reports of all nodes>
//! ```
//!
//! At most one round of calls per `retry` begins, each call ends after `renew`, so at most a handful per voter is under
//! way. If this task ends, nothing is renewed and every gate closes by itself when the fence is reached.

use std::sync::Arc;
use std::time::Duration;

use store::codec;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::messages::{NodeReport, RenewAnswer, RenewRefusal, Renewal};
use super::pace::Pace;
pub use super::pace::Targets;
use super::rules::{self, Effect, Event, Holder, Phase};
use super::{BootClock, LeaseTimes, METHOD_RENEW, REPORT_BYTES_MAX};
use crate::net::Boxed;

/// The keeper looks at its clock at least this often: timers stand still while the machine sleeps, the clock does not.
const WAKE_MS_MAX: u64 = 250;
/// Answers to questions after a gap that may wait.
const EVENTS_MAX: usize = 16;

/// A call to a peer failed; whether it arrived is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{peer} did not answer: {reason}")]
pub struct CallError {
    /// Who was asked.
    pub peer: String,
    /// What is known.
    pub reason: String,
}

/// Asks peers, this node included. Every call ends by its deadline.
pub trait Caller: Send + Sync + 'static {
    /// Calls `method` at `peer`.
    fn call<'a>(
        &'a self,
        peer: &'a str,
        method: &'a str,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Boxed<'a, Result<Vec<u8>, CallError>>;
}

/// How a keeper is started.
#[derive(Clone)]
pub struct KeeperSettings {
    /// This node's name.
    pub node: String,
    /// Its starts, counted.
    pub incarnation: u64,
    /// Made up at this start.
    pub boot_id: [u8; 16],
    /// Times that were checked.
    pub times: LeaseTimes,
    /// Asks peers.
    pub caller: Arc<dyn Caller>,
    /// Says whom to ask.
    pub targets: Arc<dyn Fn() -> Targets + Send + Sync>,
    /// Says how busy this node is; at most [`REPORT_BYTES_MAX`].
    pub report: Arc<dyn Fn() -> Vec<u8> + Send + Sync>,
    /// The clock.
    pub clock: BootClock,
}

impl std::fmt::Debug for KeeperSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeeperSettings")
            .field("node", &self.node)
            .field("incarnation", &self.incarnation)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

/// This node's lease, as everybody on it sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeaseState {
    /// When the lease is over; 0 without one. On this node's clock.
    pub until_boot_ms: u64,
    /// When this node stops acting; 0 without a lease.
    pub fence_boot_ms: u64,
    /// Whether this node may not act now.
    pub fenced: bool,
    /// Where the holder is. In [`Phase::Checking`] somebody must look and call [`Keeper::rechecked`].
    pub phase: Phase,
    /// The term in which the newest renewal was granted.
    pub term: u64,
    /// The cluster wants this node to be admitted again; holds until a renewal is granted.
    pub readmit: bool,
    /// Why this process must end.
    pub exit: Option<RenewRefusal>,
}

/// Asked immediately before every side effect. Cheap to clone.
#[derive(Clone)]
pub struct LeaseGate {
    state: watch::Receiver<LeaseState>,
    clock: BootClock,
}

impl std::fmt::Debug for LeaseGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeaseGate").field("state", &*self.state.borrow()).finish_non_exhaustive()
    }
}

impl LeaseGate {
    /// Returns a gate over a lease that is followed elsewhere, for example in tests.
    #[must_use]
    pub fn new(state: watch::Receiver<LeaseState>, clock: BootClock) -> Self {
        Self { state, clock }
    }

    /// Whether this node may act now, by a clock that is read for this question.
    #[must_use]
    pub fn may_act(&self) -> bool {
        let (fenced, fence_boot_ms) = {
            let state = self.state.borrow();
            (state.fenced, state.fence_boot_ms)
        };
        // Read after the state: whatever happened in between has passed.
        !fenced && (self.clock)() < fence_boot_ms
    }
}

/// This node's lease. Ends its task when dropped.
#[derive(Debug)]
pub struct Keeper {
    state: watch::Receiver<LeaseState>,
    reports: watch::Receiver<Arc<Vec<NodeReport>>>,
    events: mpsc::Sender<u64>,
    gate: LeaseGate,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Keeper {
    /// Starts renewing.
    #[must_use]
    pub fn start(settings: KeeperSettings) -> Self {
        let first = LeaseState { fenced: true, ..LeaseState::default() };
        let (state_sender, state) = watch::channel(first);
        let (report_sender, reports) = watch::channel(Arc::new(Vec::new()));
        let (events, rechecks) = mpsc::channel(EVENTS_MAX);
        let gate = LeaseGate::new(state.clone(), Arc::clone(&settings.clock));
        let worker = Worker {
            settings: Arc::new(settings),
            holder: Holder::default(),
            pace: Pace::default(),
            view: View { state: state_sender, reports: report_sender },
        };
        Self { state, reports, events, gate, task: tokio::spawn(worker.run(rechecks)) }
    }

    /// Follows the lease.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<LeaseState> {
        self.state.clone()
    }

    /// Follows the newest load reports of all nodes, in the order of names.
    #[must_use]
    pub fn reports(&self) -> watch::Receiver<Arc<Vec<NodeReport>>> {
        self.reports.clone()
    }

    /// Returns the gate before effects.
    #[must_use]
    pub fn gate(&self) -> LeaseGate {
        self.gate.clone()
    }

    /// Says that everything was stopped that no longer belongs here, as agreed at the index asked for. Without effect
    /// when another question was asked since.
    pub async fn rechecked(&self, round: u64) {
        if self.events.send(round).await.is_err() {
            // The task is gone; the gate closes by itself.
            tracing::warn!(round, "the lease is not kept any more");
        }
    }
}

struct View {
    state: watch::Sender<LeaseState>,
    reports: watch::Sender<Arc<Vec<NodeReport>>>,
}

struct Worker {
    settings: Arc<KeeperSettings>,
    holder: Holder,
    pace: Pace,
    view: View,
}

/// What became of one call.
struct Called {
    peer: String,
    sent_ms: u64,
    answer: Result<RenewAnswer, String>,
}

impl Worker {
    async fn run(mut self, mut rechecks: mpsc::Receiver<u64>) {
        let mut calls = JoinSet::new();
        while self.holder.phase != Phase::Ended {
            let now = (self.settings.clock)();
            self.step(&Event::Tick, now);
            if self.pace.due_ms(&self.settings.times) <= now {
                for peer in self.pace.begin(&(self.settings.targets)(), now) {
                    calls.spawn(renew(Arc::clone(&self.settings), peer));
                }
            }
            tokio::select! {
                () = tokio::time::sleep(self.pause(now)) => {}
                Some(called) = calls.join_next(), if !calls.is_empty() => match called {
                    Ok(called) => self.called(called, &mut calls),
                    Err(error) => tracing::warn!(%error, "a lease renewal broke off"),
                },
                round = rechecks.recv() => match round {
                    Some(round) => self.step(&Event::Rechecked { round }, (self.settings.clock)()),
                    None => return,
                },
            }
        }
    }

    /// Returns how long nothing will have to be done.
    fn pause(&self, now_ms: u64) -> Duration {
        let due = self.pace.due_ms(&self.settings.times);
        let fence = rules::fence_at_ms(&self.holder, &self.settings.times)
            .filter(|fence| now_ms < *fence)
            .unwrap_or(u64::MAX);
        Duration::from_millis(due.min(fence).saturating_sub(now_ms).clamp(1, WAKE_MS_MAX))
    }

    fn called(&mut self, called: Called, calls: &mut JoinSet<Called>) {
        let now = (self.settings.clock)();
        match called.answer {
            Ok(RenewAnswer::Granted { term, applied, reports }) => {
                self.pace.acknowledged(called.sent_ms);
                self.view.state.send_modify(|state| {
                    state.term = state.term.max(term);
                    state.readmit = false;
                });
                self.view.reports.send_replace(Arc::new(reports));
                self.step(&Event::Acknowledged { sent_ms: called.sent_ms, applied }, now);
            }
            Ok(RenewAnswer::Refused(refusal)) => {
                tracing::warn!(peer = called.peer, reason = %refusal, "the lease was not renewed");
                self.step(&Event::Refused(refusal), now);
            }
            Ok(RenewAnswer::NotLeader { leader }) => {
                let leader = leader.filter(|leader| self.pace.follow(leader));
                if let Some(peer) = leader {
                    calls.spawn(renew(Arc::clone(&self.settings), peer));
                }
            }
            // The next round is due anyway; a node that is cut off would fill its log.
            Ok(RenewAnswer::Unproven { reason }) | Err(reason) => {
                tracing::debug!(peer = called.peer, reason, "a lease renewal was not acknowledged");
            }
        }
    }

    fn step(&mut self, event: &Event, now_ms: u64) {
        let (holder, effects) = rules::step(&self.holder, &self.settings.times, event, now_ms);
        let changed = holder != self.holder || !effects.is_empty();
        self.holder = holder;
        for effect in &effects {
            match effect {
                Effect::Fence => tracing::warn!("the lease ran out: this node stops acting"),
                Effect::Continue => tracing::info!("the lease is held: this node may act"),
                Effect::Exit(reason) => tracing::error!(%reason, "this process must end"),
                Effect::Recheck { .. } | Effect::Readmit => {}
            }
        }
        if changed {
            let times = self.settings.times;
            self.view.state.send_modify(|state| show(state, &holder, &times, &effects));
        }
    }
}

fn show(state: &mut LeaseState, holder: &Holder, times: &LeaseTimes, effects: &[Effect]) {
    state.phase = holder.phase;
    state.fenced = holder.phase != Phase::Holding;
    state.until_boot_ms = holder.sent_ms.map_or(0, |sent| sent.saturating_add(times.ttl_ms));
    state.fence_boot_ms = rules::fence_at_ms(holder, times).unwrap_or(0);
    for effect in effects {
        match effect {
            Effect::Readmit => state.readmit = true,
            Effect::Exit(reason) => state.exit = Some(reason.clone()),
            Effect::Fence | Effect::Recheck { .. } | Effect::Continue => {}
        }
    }
}

async fn renew(settings: Arc<KeeperSettings>, peer: String) -> Called {
    let mut report = (settings.report)();
    if REPORT_BYTES_MAX < report.len() {
        tracing::warn!(
            bytes = report.len(),
            limit = REPORT_BYTES_MAX,
            "the load report is too large"
        );
        report.clear();
    }
    let renewal = Renewal {
        node: settings.node.clone(),
        incarnation: settings.incarnation,
        boot_id: settings.boot_id,
        report,
    };
    // Read before the call: the lease counts from here.
    let sent_ms = (settings.clock)();
    let answer = ask(&settings, &peer, &renewal).await;
    Called { peer, sent_ms, answer }
}

async fn ask(
    settings: &KeeperSettings,
    peer: &str,
    renewal: &Renewal,
) -> Result<RenewAnswer, String> {
    let body = codec::encode(renewal).map_err(|error| error.to_string())?;
    let deadline = Duration::from_millis(settings.times.renew_ms);
    let call = settings.caller.call(peer, METHOD_RENEW, body, deadline);
    // The caller keeps the deadline; this one holds even if it does not.
    let bytes = tokio::time::timeout(deadline * 2, call)
        .await
        .map_err(|_| "no answer in time".to_owned())?
        .map_err(|error| error.to_string())?;
    codec::decode(&bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
