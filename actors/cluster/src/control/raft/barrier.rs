//! Linearizable reads: an index that contains everything answered anywhere before it was asked for.
//!
//! One round serves all who wait when it begins. The leader asks a majority whether it still leads; the others ask the
//! leader and wait until they have applied as much.

use std::time::Duration;

use openraft::Raft;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};

use super::types::{Types, store_id};
use super::wire::{self, ControlCall};
use crate::control::{ControlError, Leadership};
use crate::ctl::CtlClient;

/// Readers that may wait.
const QUEUE_LIMIT: usize = 4_096;
/// How long a reader waits for a leader and for this node to catch up with it.
const ROUND_MAX: Duration = Duration::from_secs(2);

struct Waiting {
    /// Asked by another node: only the leader answers, nothing is passed on again.
    forwarded: bool,
    answer: oneshot::Sender<Result<u64, ControlError>>,
}

/// Where readers wait. Cheap to clone.
#[derive(Clone)]
pub(super) struct Barriers(mpsc::Sender<Waiting>);

/// What a round needs.
pub(super) struct Rounds {
    pub(super) raft: Raft<Types>,
    pub(super) client: CtlClient,
    pub(super) leadership: watch::Receiver<Leadership>,
    pub(super) applied: watch::Receiver<u64>,
}

fn no_leader(reason: impl Into<String>) -> ControlError {
    ControlError::NoLeader { reason: reason.into() }
}

impl Barriers {
    /// Starts the task that runs the rounds, in the current runtime.
    pub(super) fn start(mut rounds: Rounds) -> Self {
        let (sender, mut queue) = mpsc::channel::<Waiting>(QUEUE_LIMIT);
        tokio::spawn(async move {
            while let Some(first) = queue.recv().await {
                let mut waiting = vec![first];
                while let Ok(next) = queue.try_recv() {
                    waiting.push(next);
                }
                rounds.run(waiting).await;
            }
        });
        Self(sender)
    }

    /// Waits for an index that contains everything answered before this call, applied here.
    pub(super) async fn wait(&self, forwarded: bool) -> Result<u64, ControlError> {
        let (answer, answered) = oneshot::channel();
        let ended = || no_leader("the control plane ended");
        self.0.send(Waiting { forwarded, answer }).await.map_err(|_| ended())?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }
}

impl Rounds {
    async fn run(&mut self, waiting: Vec<Waiting>) {
        let local = waiting.iter().any(|one| !one.forwarded);
        let deadline = Instant::now() + ROUND_MAX;
        if local {
            // Between two leaders a reader waits a moment.
            let known = self.leadership.wait_for(|leadership| leadership.leader.is_some());
            drop(timeout_at(deadline, known).await);
        }
        let leadership = self.leadership.borrow().clone();
        if leadership.here {
            let result = self.here(deadline).await;
            waiting.into_iter().for_each(|one| answer(one, result.clone()));
            return;
        }
        let (forwarded, local): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|one| one.forwarded);
        for one in forwarded {
            answer(one, Err(no_leader("this node does not lead")));
        }
        if !local.is_empty() {
            let result = self.elsewhere(leadership.leader, deadline).await;
            local.into_iter().for_each(|one| answer(one, result.clone()));
        }
    }

    async fn here(&self, deadline: Instant) -> Result<u64, ControlError> {
        match timeout_at(deadline, self.raft.ensure_linearizable()).await {
            Ok(Ok(id)) => {
                let index = id.map_or(0, |id| store_id(id).index);
                self.caught_up(index, deadline).await
            }
            Ok(Err(error)) => Err(no_leader(error.to_string())),
            Err(_) => Err(no_leader("no majority answered in time")),
        }
    }

    async fn elsewhere(
        &self,
        leader: Option<String>,
        deadline: Instant,
    ) -> Result<u64, ControlError> {
        let Some(leader) = leader else { return Err(no_leader("nobody is known to lead")) };
        let question = wire::encode(&ControlCall::Barrier).map_err(|e| no_leader(e.to_string()))?;
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = self.client.call(&leader, wire::BARRIER, question, left).await;
        let answer = answer.map_err(|error| no_leader(format!("{leader}: {error}")))?;
        match wire::decode(&answer) {
            Ok(ControlCall::Index(index)) => self.caught_up(index, deadline).await,
            Ok(ControlCall::Propose { .. } | ControlCall::Proposed(_) | ControlCall::Barrier) => {
                Err(no_leader(wire::unexpected(wire::BARRIER).to_string()))
            }
            Err(error) => Err(no_leader(error.to_string())),
        }
    }

    async fn caught_up(&self, index: u64, deadline: Instant) -> Result<u64, ControlError> {
        let mut applied = self.applied.clone();
        let reached = timeout_at(deadline, applied.wait_for(|applied| *applied >= index)).await;
        match reached {
            Ok(Ok(applied)) => Ok(*applied),
            Ok(Err(_)) => Err(no_leader("the control plane ended")),
            Err(_) => Err(no_leader(format!("this node has not applied entry {index} yet"))),
        }
    }
}

fn answer(one: Waiting, result: Result<u64, ControlError>) {
    // A reader that stopped waiting does not need the answer.
    drop(one.answer.send(result));
}

/// Repeats rounds until one succeeds: from then on this node has seen everything committed before it started.
pub(super) async fn catch_up(barriers: Barriers, caught_up: watch::Sender<bool>) {
    const PAUSE: Duration = Duration::from_millis(100);
    while barriers.wait(false).await.is_err() {
        if timeout(PAUSE, caught_up.closed()).await.is_ok() {
            return;
        }
    }
    caught_up.send_replace(true);
}
