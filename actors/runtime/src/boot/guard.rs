//! Above the root: sees it give up, and takes the tree apart in order.

use std::sync::Arc;
use std::time::Duration;

use cluster::supervision::{Observer, Supervisor, SupervisorMsg, SupervisorSpec};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use ractor_cluster_derive::RactorMessage;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::children::{Parts, specs};
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::tree::{ROOT, ROWS};

/// How long the last of the tree may take to end after its children have.
const END_WITHIN: Duration = Duration::from_secs(2);

impl Observer for Directory {
    fn started(&self, _supervisor: &str, child: &str, cell: &ActorCell) {
        self.put(child, cell.clone());
    }

    fn ended(&self, _supervisor: &str, child: &str, _reason: &str) {
        self.remove(child);
    }
}

/// The watcher of the root.
struct Watcher;

/// The watcher is told nothing: it only sees the root's end.
#[derive(Debug, RactorMessage)]
enum WatcherMsg {}

struct WatcherState {
    reason: watch::Sender<Option<String>>,
}

impl Actor for Watcher {
    type Msg = WatcherMsg;
    type State = WatcherState;
    type Arguments = watch::Sender<Option<String>>;

    async fn pre_start(
        &self,
        _myself: ActorRef<Self::Msg>,
        reason: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(WatcherState { reason })
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(_, error) => {
                state.reason.send_replace(Some(error.to_string()));
            }
            SupervisionEvent::ActorTerminated(..)
            | SupervisionEvent::ActorStarted(_)
            | SupervisionEvent::ProcessGroupChanged(_)
            | SupervisionEvent::PidLifecycleEvent(_) => {}
        }
        Ok(())
    }
}

/// A started tree as its owner holds it.
#[derive(Debug)]
pub(super) struct Guard {
    watcher: ActorCell,
    root: ActorCell,
    reasons: Vec<watch::Receiver<Option<String>>>,
}

impl Guard {
    /// Starts the tree. `grounds` tell when what it stands on can no longer go on: store, control plane, peer.
    ///
    /// # Errors
    /// Tells which actor did not start.
    pub(super) async fn start(
        parts: Parts,
        grounds: Vec<watch::Receiver<Option<String>>>,
    ) -> Result<Self, ActorsError> {
        let failed = |error: ractor::SpawnErr| ActorsError::Boot {
            detail: format!("an actor did not start: {error}"),
        };
        let directory = parts.context.directory.clone();
        let (reason, seen) = watch::channel(None);
        let (watcher, _) = Actor::spawn(None, Watcher, reason).await.map_err(failed)?;
        let mut spec = SupervisorSpec::new(ROOT, specs(&parts));
        spec.observer = Arc::new(directory.clone());
        let spawned = Actor::spawn_linked(None, Supervisor, spec, watcher.get_cell()).await;
        let (root, _): (ActorRef<SupervisorMsg>, _) = match spawned {
            Ok(spawned) => spawned,
            Err(error) => {
                watcher.stop(None);
                return Err(failed(error));
            }
        };
        directory.put(ROOT, root.get_cell());
        let reasons = grounds.into_iter().chain([seen]).collect();
        Ok(Self { watcher: watcher.get_cell(), root: root.get_cell(), reasons })
    }

    /// Resolves with the first reason why the process should end.
    pub(super) async fn failed(&self) -> String {
        let told = self.reasons.iter().cloned().map(|reason| Box::pin(told(reason)));
        let (reason, _, _) = futures_util::future::select_all(told).await;
        reason
    }

    /// Ends the children in reverse, then the root and its watcher.
    pub(super) async fn shutdown(&self, directory: &Directory, deadline: Duration) {
        let until = Instant::now() + deadline;
        for row in ROWS.iter().rev() {
            let Some(cell) = directory.lookup(row.name) else { continue };
            let drained = timeout_at(until, cell.drain_and_wait(None)).await;
            if !matches!(drained, Ok(Ok(()))) {
                tracing::warn!(
                    actor = row.name,
                    "did not work off its queue in time; ended at once"
                );
                end(&cell).await;
            }
            directory.remove(row.name);
        }
        directory.remove(ROOT);
        end(&self.root).await;
        end(&self.watcher).await;
    }
}

/// Resolves with a reason once there is one; never when the other side ends in good order.
async fn told(mut reason: watch::Receiver<Option<String>>) -> String {
    let text =
        reason.wait_for(Option::is_some).await.map(|found| found.clone().unwrap_or_default());
    match text {
        Ok(text) => text,
        Err(_) => std::future::pending().await,
    }
}

async fn end(cell: &ActorCell) {
    let stopped = cell.stop_and_wait(Some("the node ends".to_owned()), Some(END_WITHIN)).await;
    if stopped.is_err() {
        cell.kill();
    }
}
