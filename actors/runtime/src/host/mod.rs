//! The host: the shell around [`reconcile`]. One per node; makes this node run what control state wants of it, on every
//! change of control state and every two seconds. Supervises the sessions it started.

pub(crate) mod reconcile;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cluster::control::state::{Eviction, Segment, Session as Wanting};
use cluster::control::{ControlCommand, ControlError, ControlHandle, ControlState, DesiredState};
use cluster::supervision::{Backoff, Budget, RestartLimit, Verdict};
use engine::ids::SessionId;
use ractor::rpc::CallResult;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::time::sleep;
use uuid::Uuid;

use crate::follow;
use crate::messages::host::{HostMsg, Wish};
use crate::messages::session::{self, SessionMsg};
use crate::messages::sessions::{Advance, Facts, SessionsHandle};
use crate::messages::{CommandId, answer};
use crate::session::{Context, Session, SessionArguments};
use crate::views::SessionState;
use reconcile::{HostStep, Present, Wanted, carried_out, reconcile};

/// Looked at again at least this often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Work goes on without a lease, since nothing of it counts before it was agreed upon; after this time it is ended, for
/// somebody else has long done it.
const WITHOUT_LEASE_MS: u64 = 10 * 60_000;
/// How long sessions may take for a last checkpoint when the node goes down.
const DRAIN: Duration = Duration::from_secs(10);

/// A session's actor here.
struct Guest {
    actor: ActorRef<SessionMsg>,
    devices: Vec<u32>,
}

/// What the host keeps.
pub(crate) struct HostState {
    context: Context,
    sessions: SessionsHandle,
    started_ms: u64,
    present: BTreeMap<SessionId, Present>,
    guests: BTreeMap<SessionId, Guest>,
    /// Failures of session actors (not of workers), and until when to leave them alone.
    budgets: BTreeMap<SessionId, (Budget, u64)>,
    /// Assignments that are being given up: not to be taken up again.
    letting_go: BTreeMap<SessionId, u64>,
    /// Since when this node has no lease.
    unleased_ms: Option<u64>,
}

/// The actor.
pub(crate) struct Host;

impl Actor for Host {
    type Msg = HostMsg;
    type State = HostState;
    type Arguments = Context;

    async fn pre_start(
        &self,
        myself: ActorRef<HostMsg>,
        context: Context,
    ) -> Result<HostState, ActorProcessingErr> {
        let index = context.control.watch();
        follow::control(index, LOOK_EVERY, move || myself.cast(HostMsg::Look).is_ok());
        Ok(HostState {
            sessions: SessionsHandle::new(context.directory.clone()),
            started_ms: u64::try_from(context.clock.wall_ms()).unwrap_or(0),
            present: BTreeMap::new(),
            guests: BTreeMap::new(),
            budgets: BTreeMap::new(),
            letting_go: BTreeMap::new(),
            unleased_ms: None,
            context,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<HostMsg>,
        message: HostMsg,
        state: &mut HostState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            HostMsg::Look => state.look(&myself).await,
            HostMsg::Settle { reply } => {
                state.look(&myself).await;
                answer(reply, ());
            }
        }
        Ok(())
    }

    /// The node goes down: sessions write a last checkpoint; then they end with us.
    async fn post_stop(
        &self,
        _: ActorRef<HostMsg>,
        state: &mut HostState,
    ) -> Result<(), ActorProcessingErr> {
        let asked: Vec<_> = state
            .guests
            .values()
            .map(|guest| {
                let actor = guest.actor.clone();
                tokio::spawn(async move {
                    actor.call(|reply| SessionMsg::Drain { reply }, Some(DRAIN)).await
                })
            })
            .collect();
        for one in asked {
            if !matches!(one.await, Ok(Ok(CallResult::Success(())))) {
                tracing::warn!(
                    "a session ended without a last checkpoint; it resumes from the one before"
                );
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<HostMsg>,
        event: SupervisionEvent,
        state: &mut HostState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(cell, _, _) => state.left(&cell),
            SupervisionEvent::ActorFailed(cell, error) => {
                state.failed(&myself, &cell, &error.to_string()).await
            }
            SupervisionEvent::ActorStarted(_)
            | SupervisionEvent::ProcessGroupChanged(_)
            | SupervisionEvent::PidLifecycleEvent(_) => {}
        }
        Ok(())
    }
}

impl HostState {
    async fn look(&mut self, myself: &ActorRef<HostMsg>) {
        let node = self.context.node.as_str();
        let mut wanted =
            self.context.control.read(|state| wanted_here(state, node, self.started_ms));
        self.letting_go.retain(|id, epoch| wanted.get(id).is_some_and(|want| want.epoch == *epoch));
        wanted.retain(|id, _| self.guests.contains_key(id) || !self.letting_go.contains_key(id));
        let now_ms = self.context.clock.boot_ms();
        if self.too_long_without_lease(now_ms) {
            wanted.clear();
        }
        // A session whose actor failed a moment ago is left alone for a while.
        wanted.retain(|id, _| self.budgets.get(id).is_none_or(|(_, until_ms)| *until_ms <= now_ms));
        for step in reconcile(&wanted, &self.present) {
            if self.carry_out(myself, step, &wanted).await {
                carried_out(step, &wanted, &mut self.present);
            }
        }
    }

    fn too_long_without_lease(&mut self, now_ms: u64) -> bool {
        if self.context.peers.lease().is_none_or(|lease| lease.held) {
            self.unleased_ms = None;
            return false;
        }
        let since_ms = *self.unleased_ms.get_or_insert(now_ms);
        let over = WITHOUT_LEASE_MS <= now_ms.saturating_sub(since_ms);
        if over && !self.guests.is_empty() {
            tracing::warn!("no lease for ten minutes: the sessions here end");
        }
        over
    }

    /// Carries out one step; `false` means that it is tried again in the next round.
    async fn carry_out(
        &mut self,
        myself: &ActorRef<HostMsg>,
        step: HostStep,
        wanted: &BTreeMap<SessionId, Wanted>,
    ) -> bool {
        match step {
            HostStep::Start(id) | HostStep::Adopt(id) => match wanted.get(&id) {
                Some(want) => {
                    self.start(myself, id, want, matches!(step, HostStep::Adopt(_))).await
                }
                None => false,
            },
            HostStep::Pause(id) => self.tell(id, SessionMsg::Wished { wish: Wish::Pause }),
            HostStep::Resume(id) => self.tell(id, SessionMsg::Wished { wish: Wish::Run }),
            HostStep::Stop(id) => self.tell(id, SessionMsg::Wished { wish: Wish::Stop }),
            HostStep::Checkpoint(id) => self.tell(id, SessionMsg::CheckpointAsked),
            HostStep::GiveUp(id) => self.give_up(id),
            HostStep::Retire(id) => self.retire(id),
        }
    }

    /// Lets go of a session, beside the actor: a last checkpoint, the end of the work, and only then the release, so
    /// that it never runs on two nodes.
    fn give_up(&mut self, id: SessionId) -> bool {
        let key = *id.uuid().as_bytes();
        let eviction = self
            .context
            .control
            .read(|state| state.sessions.get(&key).and_then(|session| session.eviction.clone()));
        let (Some(guest), Some(eviction)) = (self.guests.get(&id), eviction) else { return false };
        self.letting_go.insert(id, eviction.epoch);
        let (actor, control) = (guest.actor.clone(), self.context.control.clone());
        tokio::spawn(async move {
            let drained = actor.call(|reply| SessionMsg::Drain { reply }, Some(DRAIN)).await;
            if !matches!(drained, Ok(CallResult::Success(()))) {
                tracing::warn!(session = %id, "given up without a last checkpoint");
            }
            let reason = Some("given up".to_owned());
            if let Err(error) = actor.stop_and_wait(reason, Some(DRAIN)).await {
                tracing::warn!(session = %id, %error, "a session that is given up did not end yet");
            }
            release(id, &eviction, &control).await;
        });
        true
    }

    async fn start(
        &mut self,
        myself: &ActorRef<HostMsg>,
        id: SessionId,
        want: &Wanted,
        adopted: bool,
    ) -> bool {
        let gpus = self.context.control.read(|state| {
            state.sessions.get(id.uuid().as_bytes()).map_or(0, |session| session.resources.gpus)
        });
        let used: BTreeSet<u32> =
            self.guests.values().flat_map(|guest| guest.devices.iter().copied()).collect();
        let devices = free_devices(&used, gpus);
        let arguments = SessionArguments {
            context: self.context.clone(),
            id,
            epoch: want.epoch,
            wish: want.wish,
            devices: devices.clone(),
        };
        match Actor::spawn_linked(None, Session, arguments, myself.get_cell()).await {
            Ok((actor, _)) => {
                tracing::info!(session = %id, epoch = want.epoch, adopted, "session taken up");
                self.context.directory.put(&session::name(id), actor.get_cell());
                self.guests.insert(id, Guest { actor, devices });
                true
            }
            Err(error) => {
                tracing::error!(session = %id, %error, "session actor did not start");
                self.give_time(id, &error.to_string()).await;
                false
            }
        }
    }

    fn tell(&self, id: SessionId, message: SessionMsg) -> bool {
        self.guests.get(&id).is_some_and(|guest| guest.actor.cast(message).is_ok())
    }

    /// Kills the actor of a session that is no longer ours; its worker dies with it.
    fn retire(&mut self, id: SessionId) -> bool {
        if let Some(guest) = self.guests.remove(&id) {
            self.context.directory.remove(&session::name(id));
            guest.actor.stop(Some("not placed here any more".to_owned()));
        }
        true
    }

    /// An actor ended in good order.
    fn left(&mut self, cell: &ActorCell) {
        if let Some(id) = self.forget(cell) {
            self.budgets.remove(&id);
        }
    }

    /// An actor failed: its session is taken up again after a while, or fails when that happened too often.
    async fn failed(&mut self, myself: &ActorRef<HostMsg>, cell: &ActorCell, error: &str) {
        let Some(id) = self.forget(cell) else { return };
        tracing::error!(session = %id, error, "session actor failed");
        if let Some(wait_ms) = self.give_time(id, error).await {
            // The timer ends with us: a message to an ended actor is dropped.
            drop(myself.send_after(Duration::from_millis(wait_ms), || HostMsg::Look));
        }
    }

    /// Notes a failure; returns how long to wait, or nothing when the session was given up.
    async fn give_time(&mut self, id: SessionId, error: &str) -> Option<u64> {
        let now_ms = self.context.clock.boot_ms();
        let (budget, until_ms) = self.budgets.entry(id).or_default();
        match budget.failed(RestartLimit::default(), now_ms) {
            Verdict::Restart { attempt } => {
                let wait_ms = Backoff::default().delay_ms(attempt);
                *until_ms = now_ms.saturating_add(wait_ms);
                Some(wait_ms)
            }
            Verdict::Spent => {
                *until_ms = now_ms.saturating_add(Backoff::default().limit_ms);
                let archive = self.records(id).await;
                let advance = Advance {
                    to: SessionState::Failed,
                    reason: format!("its actor failed too often: {error}"),
                    actor: "host".to_owned(),
                    facts: Facts { error: Some(error.to_owned()), archive, ..Facts::default() },
                };
                if let Err(error) = self.sessions.advance(id, None, advance).await {
                    tracing::warn!(session = %id, %error, "a session that fails too often was not ended yet");
                }
                None
            }
        }
    }

    /// Puts what a session recorded into files, as far as that is possible now.
    async fn records(&self, id: SessionId) -> Option<Vec<Segment>> {
        let filed = async {
            let count = self.context.tables.metrics.count(id.uuid().as_bytes())?;
            self.context.mirror.file(id, count, false).await
        };
        filed.await.unwrap_or_else(|error| {
            tracing::warn!(session = %id, %error, "what a session recorded was not put into files");
            None
        })
    }

    fn forget(&mut self, cell: &ActorCell) -> Option<SessionId> {
        let id = self
            .guests
            .iter()
            .find(|(_, guest)| guest.actor.get_id() == cell.get_id())
            .map(|(id, _)| *id)?;
        self.guests.remove(&id);
        self.present.remove(&id);
        self.context.directory.remove(&session::name(id));
        Some(id)
    }
}

/// Says that a session was given up, until that was agreed upon or somebody else decided.
async fn release(id: SessionId, eviction: &Eviction, control: &ControlHandle) {
    let command = ControlCommand::ReleaseSession {
        session: *id.uuid().as_bytes(),
        epoch: eviction.epoch,
        reason: eviction.reason.clone(),
        lost: false,
    };
    // One key: asked again, it is done once.
    let key = cluster::control::CommandId(CommandId::random().0);
    loop {
        match control.execute(key, command.clone()).await {
            Ok(_) => return,
            Err(ControlError::Refused(refusal)) => {
                tracing::info!(session = %id, %refusal, "a session that was given up is not ours any more");
                return;
            }
            Err(error) => {
                tracing::warn!(session = %id, %error, "a session was not given up yet");
                sleep(LOOK_EVERY).await;
            }
        }
    }
}

/// Returns what control state wants of this node.
fn wanted_here(state: &ControlState, node: &str, started_ms: u64) -> BTreeMap<SessionId, Wanted> {
    let of = |session: &Wanting| {
        let placement = session.placement.as_ref()?;
        let wish = match session.desired.state {
            DesiredState::Run => Wish::Run,
            DesiredState::Pause => Wish::Pause,
            DesiredState::Stop => Wish::Stop,
        };
        let begun = placement.at_ms < started_ms;
        let checkpoint_requests = session.checkpoint_requests;
        let id = SessionId::from_uuid(Uuid::from_bytes(session.id));
        let wished_ms = session.desired.at_ms;
        let give_up = session.eviction.is_some();
        let epoch = placement.epoch;
        Some((id, Wanted { epoch, wish, wished_ms, checkpoint_requests, begun, give_up }))
    };
    state
        .sessions
        .placed_on(node)
        .into_iter()
        .filter(|session| !session.ended())
        .filter_map(of)
        .collect()
}

/// Returns the lowest indices that nobody uses.
fn free_devices(used: &BTreeSet<u32>, count: u32) -> Vec<u32> {
    let count = usize::try_from(count).unwrap_or(0);
    (0..).filter(|index| !used.contains(index)).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_not_shared() {
        assert_eq!(free_devices(&BTreeSet::from([0, 2]), 2), [1, 3]);
        assert!(free_devices(&BTreeSet::new(), 0).is_empty());
    }
}
