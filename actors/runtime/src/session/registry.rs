//! The registry of sessions: what everybody is shown of them. Control state decides in which phase a session is; signs of
//! life come from its holder and are not kept. Accepts submissions and commands, answers lists.
//!
//! Nothing is proposed inside the actor: a proposal waits beside it, so that lists are answered while no majority is
//! reached.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cluster::control::state::Session;
use cluster::control::{ControlCommand, ControlError, Refusal};
use engine::ids::{CheckpointId, Epoch, SessionId};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use serde_json::Value;
use uuid::Uuid;

use super::book::{self, Row};
use super::known::Known;
use super::trials::Trials;
use super::{Context, hexadecimal, legacy, lifecycle};
use crate::clock::rfc3339;
use crate::error::ActorsError;
use crate::follow;
use crate::messages::sessions::{Advance, Facts, Pulse, QueuePlace, SessionsMsg};
use crate::messages::{CommandId, answer};
use crate::tasks::Task;
use crate::views::{
    CheckpointView, QueueEntryView, SeenView, SessionState, SessionView, TransitionView,
};

/// Control state is looked at again at least this often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Signs of life are shown this often.
const SHOW_EVERY: Duration = Duration::from_millis(250);
/// Callers that may wait for the end of one session.
const WAITERS_MAX: usize = 1_000;

pub(super) type Reply<T> = RpcReplyPort<Result<T, ActorsError>>;

/// The actor.
pub(crate) struct Registry;

/// What the registry keeps.
pub(crate) struct RegistryState {
    pub(super) context: Context,
    myself: ActorRef<SessionsMsg>,
    pub(super) legacy: BTreeMap<SessionId, Known>,
    pub(super) rows: BTreeMap<SessionId, Row>,
    by_order: BTreeMap<u64, SessionId>,
    pub(super) trials: Trials,
    /// Revision of control state's record that was last looked at.
    seen: BTreeMap<SessionId, u64>,
    /// Index of control state up to which everything was looked at.
    seen_index: u64,
    queue: Vec<QueuePlace>,
    unshown: BTreeSet<SessionId>,
    waiters: BTreeMap<SessionId, Vec<Reply<SessionView>>>,
    ticks: Option<Task>,
}

impl Actor for Registry {
    type Msg = SessionsMsg;
    type State = RegistryState;
    type Arguments = Context;

    async fn pre_start(
        &self,
        myself: ActorRef<SessionsMsg>,
        context: Context,
    ) -> Result<RegistryState, ActorProcessingErr> {
        let mut state = RegistryState {
            legacy: legacy::known(&context.tables.sessions)?,
            myself: myself.clone(),
            rows: BTreeMap::new(),
            by_order: BTreeMap::new(),
            trials: Trials::default(),
            seen: BTreeMap::new(),
            seen_index: 0,
            queue: Vec::new(),
            unshown: BTreeSet::new(),
            waiters: BTreeMap::new(),
            ticks: None,
            context,
        };
        state.sync()?;
        let follower = myself.clone();
        let index = state.context.control.watch();
        follow::control(index, LOOK_EVERY, move || follower.cast(SessionsMsg::Applied).is_ok());
        state.ticks = Some(Task::ticks("sessions show", SHOW_EVERY, myself, || SessionsMsg::Tick));
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<SessionsMsg>,
        message: SessionsMsg,
        state: &mut RegistryState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SessionsMsg::Submit { command, draft, reply } => {
                let wanted = state.submission(&command, *draft);
                state.propose(wanted, reply);
            }
            SessionsMsg::Order { command, id, verb, reply } => {
                let wanted = state.order(command, id, verb);
                state.propose(wanted, reply);
            }
            SessionsMsg::Get { id, reply } => {
                answer(reply, state.row(id).map(|row| row.view.clone()))
            }
            SessionsMsg::List { filter, reply } => {
                answer(reply, book::page(&state.rows, &state.by_order, &filter));
            }
            SessionsMsg::Trials { filter, reply } => answer(reply, state.tried(&filter)),
            SessionsMsg::Timeline { id, reply } => answer(reply, state.timeline(id)),
            SessionsMsg::Checkpoints { id, reply } => answer(reply, state.checkpoints(id)),
            SessionsMsg::Queue { reply } => answer(reply, Ok(state.queued())),
            SessionsMsg::Wait { id, reply } => state.wait(id, reply),
            SessionsMsg::Advance { id, epoch, advance, reply } => {
                let wanted = state.advance(id, epoch, *advance);
                state.propose(wanted, reply);
            }
            SessionsMsg::Learn { id, epoch, facts, reply } => {
                let wanted = state.learn(id, epoch, &facts);
                state.propose(wanted, reply);
            }
            SessionsMsg::Proposed { id, result, reply } => {
                state.sync()?;
                answer(reply, result.and_then(|()| state.row(id).map(|row| row.view.clone())));
            }
            SessionsMsg::Seen { reply } => answer(reply, Ok(state.held())),
            SessionsMsg::Pulse { id, epoch, pulse } => state.pulse(id, epoch, pulse),
            SessionsMsg::Queued { places } => state.place_in_queue(places),
            SessionsMsg::Applied => state.sync()?,
            SessionsMsg::Tick => state.tick(),
        }
        Ok(())
    }
}

/// What is to be agreed upon so that a question can be answered.
pub(super) enum Wanted {
    /// Nothing: what stands is the answer.
    Nothing(SessionId),
    /// This, under this key.
    Command { id: SessionId, key: cluster::control::CommandId, command: Box<ControlCommand> },
}

impl RegistryState {
    /// Proposes beside the actor and answers with what stands afterwards.
    fn propose(&mut self, wanted: Result<Wanted, ActorsError>, reply: Reply<SessionView>) {
        let (id, key, command) = match wanted {
            Ok(Wanted::Command { id, key, command }) => (id, key, command),
            Ok(Wanted::Nothing(id)) => {
                return answer(reply, self.row(id).map(|row| row.view.clone()));
            }
            Err(error) => return answer(reply, Err(error)),
        };
        let (control, myself) = (self.context.control.clone(), self.myself.clone());
        // Should the actor be restarting, the reply is dropped: the caller learns that it was not answered.
        tokio::spawn(async move {
            let result = agreed(id, control.execute(key, *command).await);
            if myself.cast(SessionsMsg::Proposed { id, result, reply }).is_err() {
                tracing::debug!(session = %id, "a change was agreed upon after the registry ended");
            }
        });
    }

    pub(super) fn row(&self, id: SessionId) -> Result<&Row, ActorsError> {
        self.rows.get(&id).ok_or_else(|| unknown(id))
    }

    fn timeline(&self, id: SessionId) -> Result<Vec<TransitionView>, ActorsError> {
        self.row(id)?;
        let key = *id.uuid().as_bytes();
        let of = |session: &Session| book::turns_after(session, 0);
        let turns = self.context.control.read(|state| state.sessions.get(&key).map(of));
        Ok(turns.unwrap_or_default())
    }

    fn checkpoints(&self, id: SessionId) -> Result<Vec<CheckpointView>, ActorsError> {
        self.row(id)?;
        let manifests = self.context.control.read(|state| {
            state
                .sessions
                .get(id.uuid().as_bytes())
                .map(|session| session.checkpoints.clone())
                .unwrap_or_default()
        });
        let view = |manifest: &cluster::control::state::Manifest| CheckpointView {
            id: CheckpointId::from_uuid(Uuid::from_bytes(manifest.id)),
            step: manifest.step,
            epoch_index: manifest.epoch_index,
            sha256: hexadecimal(&manifest.sha256),
            size_bytes: manifest.size_bytes,
            created_at: rfc3339(book::wall(manifest.at_ms)),
        };
        Ok(manifests.iter().rev().map(view).collect())
    }

    /// Returns how far the sessions are that this node holds.
    fn held(&self) -> Vec<SeenView> {
        let here = |row: &&Row| {
            !row.view.state.is_terminal() && row.view.node.as_ref() == Some(&self.context.node)
        };
        self.rows.values().filter(here).map(Row::seen).collect()
    }

    fn queued(&self) -> Vec<QueueEntryView> {
        let entry = |place: &QueuePlace| {
            let row = self.rows.get(&place.session)?;
            (row.view.state == SessionState::Pending).then(|| QueueEntryView {
                session_id: place.session,
                name: row.view.name.clone(),
                position: place.position,
                priority: row.view.priority,
                reason: place.reason.clone(),
                reason_code: place.code.clone(),
                reason_params: place.params.clone(),
                created_at: row.view.created_at.clone(),
            })
        };
        self.queue.iter().filter_map(entry).collect()
    }

    fn wait(&mut self, id: SessionId, reply: Reply<SessionView>) {
        match self.row(id) {
            Err(error) => answer(reply, Err(error)),
            Ok(row) if row.view.state.is_terminal() => answer(reply, Ok(row.view.clone())),
            Ok(_) => {
                let waiters = self.waiters.entry(id).or_default();
                waiters.retain(|waiter| !waiter.is_closed());
                if WAITERS_MAX <= waiters.len() {
                    let limit = WAITERS_MAX as u64;
                    return answer(
                        reply,
                        Err(ActorsError::Overloaded { what: "the list of those who wait", limit }),
                    );
                }
                waiters.push(reply);
            }
        }
    }

    /// Returns the command that reports a state; the one that stands already only takes in the facts.
    fn advance(
        &mut self,
        id: SessionId,
        epoch: Option<u64>,
        advance: Advance,
    ) -> Result<Wanted, ActorsError> {
        self.sync()?;
        let Advance { to, reason, actor, mut facts } = advance;
        let archive = facts.archive.take();
        let row = self.row(id)?;
        check_epoch(row, epoch)?;
        if row.view.state.is_terminal() {
            return if row.view.state == to {
                Ok(Wanted::Nothing(id))
            } else {
                Err(stands(row.view.state, to))
            };
        }
        let mut known = row.known.clone();
        known.node = row.view.node.as_ref().map(ToString::to_string).or(known.node);
        known.learn(&facts);
        known.turned(to, &rfc3339(self.context.clock.wall_ms()));
        self.measured(id, &facts);
        let row = self.row(id)?;
        let (session, epoch) = (*id.uuid().as_bytes(), epoch.unwrap_or(row.view.epoch.0));
        let facts = Some(known.to_bytes()?);
        let command = match book::outcome_of(to) {
            Some(kind) => ControlCommand::FinishSession {
                session,
                epoch,
                kind,
                detail: reason,
                result: Vec::new(),
                actor,
                facts,
                archive,
            },
            None => ControlCommand::RecordPhase {
                session,
                epoch,
                to: Some(lifecycle::phase_of(to)),
                reason,
                actor,
                facts,
            },
        };
        Ok(Wanted::Command { id, key: fresh(), command: Box::new(command) })
    }

    /// Returns the command that keeps facts, whatever phase stands.
    fn learn(&mut self, id: SessionId, epoch: u64, facts: &Facts) -> Result<Wanted, ActorsError> {
        self.sync()?;
        let row = self.row(id)?;
        check_epoch(row, Some(epoch))?;
        if row.view.state.is_terminal() {
            return Ok(Wanted::Nothing(id));
        }
        let mut known = row.known.clone();
        known.node = row.view.node.as_ref().map(ToString::to_string).or(known.node);
        known.learn(facts);
        self.measured(id, facts);
        let command = ControlCommand::RecordPhase {
            session: *id.uuid().as_bytes(),
            epoch,
            to: None,
            reason: String::new(),
            actor: "worker".to_owned(),
            facts: Some(known.to_bytes()?),
        };
        Ok(Wanted::Command { id, key: fresh(), command: Box::new(command) })
    }

    /// Takes values among the signs of life, which are shown before what was agreed upon.
    fn measured(&mut self, id: SessionId, facts: &Facts) {
        if let Some(row) = self.rows.get_mut(&id) {
            row.known.measured(&facts.metrics);
        }
    }

    fn pulse(&mut self, id: SessionId, epoch: u64, pulse: Pulse) {
        if let Some(row) = self.rows.get_mut(&id)
            && row.view.epoch == Epoch(epoch)
            && !row.view.state.is_terminal()
        {
            row.feel(pulse);
            self.unshown.insert(id);
        }
    }

    fn place_in_queue(&mut self, places: Vec<QueuePlace>) {
        for place in &places {
            if let Some(row) = self.rows.get_mut(&place.session)
                && row.view.state == SessionState::Pending
                && row.view.reason != place.reason
            {
                row.view.reason.clone_from(&place.reason);
                self.unshown.insert(place.session);
            }
        }
        self.queue = places;
    }

    fn tick(&mut self) {
        for id in std::mem::take(&mut self.unshown) {
            if let Some(row) = self.rows.get(&id) {
                self.context.show(&row.view);
            }
        }
    }

    /// Makes the rows agree with control state.
    pub(super) fn sync(&mut self) -> Result<(), ActorsError> {
        let (index, changed, count) = self.context.control.read(|state| {
            if state.applied_index == self.seen_index {
                return (self.seen_index, Vec::new(), self.rows.len());
            }
            let new = |session: &&Session| {
                self.seen.get(&book::id_of(session)) != Some(&session.revision)
            };
            let changed: Vec<Session> = state.sessions.iter().filter(new).cloned().collect();
            (state.applied_index, changed, state.sessions.count())
        });
        for session in &changed {
            // One that a newer program wrote is no reason to show none: it is shown once this program is replaced, too.
            if let Err(error) = self.follow_one(session) {
                tracing::error!(session = %book::id_of(session), %error, "a session cannot be read and is not shown here");
            }
            self.seen.insert(book::id_of(session), session.revision);
        }
        if count < self.rows.len() {
            self.forget_removed();
        }
        self.sync_removed()?;
        self.seen_index = index;
        Ok(())
    }

    fn follow_one(&mut self, session: &Session) -> Result<(), ActorsError> {
        let id = book::id_of(session);
        let before = self.rows.get(&id);
        let mut known = match self.legacy.get(&id).filter(|_| session.facts.is_empty()) {
            Some(known) => known.clone(),
            None => Known::from_bytes(&session.facts)?,
        };
        // Signs of life of the same holder are newer than what it had agreed upon.
        let same = |row: &&Row| row.view.epoch == Epoch(session.epoch) && !session.ended();
        if let Some(row) = before.filter(same) {
            known.progress = row.known.progress.clone();
            known.metrics = row.known.metrics.clone();
        }
        self.trials.note(session, &known)?;
        let mut row = Row::of(session, known)?;
        let waits = |row: &Row| row.view.state == SessionState::Pending;
        let seen = before.map_or(0, |row| row.seq);
        if let Some(before) = before.filter(|before| waits(before) && waits(&row)) {
            row.view.reason.clone_from(&before.view.reason);
        }
        self.context.show(&row.view);
        // What happened before this node looked for the first time is in the timeline.
        if self.seen_index != 0 {
            for turn in book::turns_after(session, seen) {
                self.tell_turn(id, &turn);
            }
            self.tell_progress(before, session, &row);
        }
        if row.view.state.is_terminal() {
            for waiter in self.waiters.remove(&id).unwrap_or_default() {
                answer(waiter, Ok(row.view.clone()));
            }
        }
        self.by_order.insert(row.order, id);
        self.rows.insert(id, row);
        self.unshown.remove(&id);
        Ok(())
    }

    /// Tells of new checkpoints, and that another node took the work up.
    fn tell_progress(&self, before: Option<&Row>, session: &Session, row: &Row) {
        let topic = format!("session-events/{}", row.view.id);
        let newest = before.and_then(|before| before.last_step);
        for manifest in session.checkpoints.iter().filter(|one| newest < Some(one.step)) {
            let fields = [
                ("step", Value::from(manifest.step)),
                ("epoch_index", Value::from(manifest.epoch_index)),
                ("sha256", Value::from(hexadecimal(&manifest.sha256))),
            ];
            let fields = fields.map(|(name, value)| (name.to_owned(), value));
            self.context.topics.publish_log(&topic, "checkpoint", fields.into_iter().collect());
        }
        let moved = before.is_some_and(|before| before.view.epoch < row.view.epoch);
        if moved && Epoch(1) < row.view.epoch {
            let fields = [
                ("epoch", Value::from(row.view.epoch.0)),
                ("node", Value::from(row.view.node.as_ref().map(ToString::to_string))),
                ("step", Value::from(row.last_step)),
            ];
            let fields = fields.map(|(name, value)| (name.to_owned(), value));
            self.context.topics.publish_log(&topic, "resumed", fields.into_iter().collect());
        }
    }

    fn tell_turn(&self, id: SessionId, turn: &TransitionView) {
        tracing::info!(
            session = %id,
            to = lifecycle::word(turn.to),
            reason = %turn.reason,
            actor = %turn.actor,
            "session changed state"
        );
        if let Ok(Value::Object(fields)) = serde_json::to_value(turn) {
            self.context.topics.publish_log(&format!("session-events/{id}"), "state", fields);
        }
    }

    fn forget_removed(&mut self) {
        let here: BTreeSet<SessionId> =
            self.context.control.read(|state| state.sessions.iter().map(book::id_of).collect());
        self.rows.retain(|id, _| here.contains(id));
        self.by_order.retain(|_, id| here.contains(id));
        self.seen.retain(|id, _| here.contains(id));
    }
}

/// Returns a key for a command that nobody repeats.
fn fresh() -> cluster::control::CommandId {
    cluster::control::CommandId(CommandId::random().0)
}

/// Turns what control state answered into what the caller of a session's change is told.
fn agreed(
    id: SessionId,
    result: Result<cluster::control::CommandOutput, ControlError>,
) -> Result<(), ActorsError> {
    match result {
        Ok(_) => Ok(()),
        Err(ControlError::Refused(Refusal::PhaseNotNext { from, to, .. })) => {
            Err(stands(lifecycle::state_of(from), lifecycle::state_of(to)))
        }
        Err(ControlError::Refused(Refusal::StaleEpoch { current, found, .. })) => {
            Err(stale(found, current))
        }
        Err(error) => {
            tracing::debug!(session = %id, %error, "a change of a session was not agreed upon");
            Err(error.into())
        }
    }
}

fn stands(state: SessionState, to: SessionState) -> ActorsError {
    ActorsError::IllegalTransition {
        command: format!("go to {}", lifecycle::word(to)),
        state: lifecycle::word(state).to_owned(),
        hint: "the state that was agreed upon stands".to_owned(),
    }
}

fn stale(wanted: u64, current: u64) -> ActorsError {
    ActorsError::StaleRevision { what: "the assignment of a session", wanted, current }
}

pub(super) fn unknown(id: SessionId) -> ActorsError {
    ActorsError::NotFound {
        what: "session",
        id: id.to_string(),
        reason: "no session of this identifier was ever submitted here; list the sessions"
            .to_owned(),
    }
}

fn check_epoch(row: &Row, epoch: Option<u64>) -> Result<(), ActorsError> {
    match epoch {
        Some(epoch) if Epoch(epoch) < row.view.epoch => Err(stale(epoch, row.view.epoch.0)),
        Some(_) | None => Ok(()),
    }
}
