//! The registry of sessions: the one writer of their states. Journals every transition before it shows it, keeps the
//! views, accepts submissions and commands, answers lists.
//!
//! Start-up and recovery are one path: rows are read from the journal, then control state is followed; whatever it
//! knows and the rows do not (a submission, a placement, an outcome) becomes a transition.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cluster::control::state::{OutcomeKind, Session};
use cluster::control::{ControlCommand, ControlError, DesiredState, Refusal};
use engine::ids::{CheckpointId, Epoch, SessionId};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use serde_json::Value;
use uuid::Uuid;

use super::book::{self, Row};
use super::ledger::Ledger;
use super::lifecycle;
use super::spec::SessionSpec;
use super::{Context, hexadecimal};
use crate::clock::rfc3339;
use crate::error::ActorsError;
use crate::follow;
use crate::messages::sessions::{Advance, Facts, Pulse, QueuePlace, SessionsMsg};
use crate::messages::{CommandId, answer};
use crate::tasks::Task;
use crate::views::{CheckpointView, QueueEntryView, SessionState, SessionView, TransitionView};

/// Control state is looked at again at least this often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Signs of life are shown this often.
const SHOW_EVERY: Duration = Duration::from_millis(250);
/// Signs of life are journalled once in so many shows.
const SHOWS_PER_SAVE: u32 = 20;
/// Callers that may wait for the end of one session.
const WAITERS_MAX: usize = 1_000;

type Reply<T> = RpcReplyPort<Result<T, ActorsError>>;

/// The actor.
pub(crate) struct Registry;

/// What the registry keeps.
pub(crate) struct RegistryState {
    pub(super) context: Context,
    ledger: Ledger,
    pub(super) rows: BTreeMap<SessionId, Row>,
    by_order: BTreeMap<u64, SessionId>,
    /// Revision of control state's record that was last looked at.
    seen: BTreeMap<SessionId, u64>,
    /// Index of control state up to which everything was looked at.
    seen_index: u64,
    queue: Vec<QueuePlace>,
    unshown: BTreeSet<SessionId>,
    unsaved: BTreeSet<SessionId>,
    shows: u32,
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
        let ledger = Ledger::new(context.tables.sessions.clone());
        let rows: BTreeMap<SessionId, Row> =
            ledger.rows()?.into_iter().map(|row| (row.view.id, row)).collect();
        let by_order = rows.iter().map(|(id, row)| (row.order, *id)).collect();
        // A session's own topic is filled when somebody asks for it.
        for row in rows.values() {
            context.topics.publish_state("sessions", &row.view.id.to_string(), &row.view);
        }
        let mut state = RegistryState {
            ledger,
            rows,
            by_order,
            seen: BTreeMap::new(),
            seen_index: 0,
            queue: Vec::new(),
            unshown: BTreeSet::new(),
            unsaved: BTreeSet::new(),
            shows: 0,
            waiters: BTreeMap::new(),
            ticks: None,
            context,
        };
        state.sync().await?;
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
                answer(reply, state.submit(&command, *draft).await)
            }
            SessionsMsg::Order { command, id, verb, reply } => {
                answer(reply, state.order(command, id, verb).await)
            }
            SessionsMsg::Get { id, reply } => {
                answer(reply, state.row(id).map(|row| row.view.clone()))
            }
            SessionsMsg::List { filter, reply } => {
                answer(reply, book::page(&state.rows, &state.by_order, &filter));
            }
            SessionsMsg::Timeline { id, reply } => answer(reply, state.timeline(id)),
            SessionsMsg::Checkpoints { id, reply } => answer(reply, state.checkpoints(id)),
            SessionsMsg::Queue { reply } => answer(reply, Ok(state.queued())),
            SessionsMsg::Wait { id, reply } => state.wait(id, reply),
            SessionsMsg::Advance { id, epoch, advance, reply } => {
                answer(reply, state.advance(id, epoch, *advance).await);
            }
            SessionsMsg::Learn { id, epoch, facts, reply } => {
                answer(reply, state.learn(id, epoch, &facts).await)
            }
            SessionsMsg::Pulse { id, epoch, pulse } => state.pulse(id, epoch, pulse),
            SessionsMsg::Queued { places } => state.place_in_queue(places),
            SessionsMsg::Applied => state.sync().await?,
            SessionsMsg::Tick => state.tick().await?,
        }
        Ok(())
    }
}

impl RegistryState {
    pub(super) fn row(&self, id: SessionId) -> Result<&Row, ActorsError> {
        self.rows.get(&id).ok_or_else(|| unknown(id))
    }

    fn timeline(&self, id: SessionId) -> Result<Vec<TransitionView>, ActorsError> {
        self.row(id)?;
        self.ledger.timeline(id)
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

    fn queued(&self) -> Vec<QueueEntryView> {
        let entry = |place: &QueuePlace| {
            let row = self.rows.get(&place.session)?;
            (row.view.state == SessionState::Pending).then(|| QueueEntryView {
                session_id: place.session,
                name: row.view.name.clone(),
                position: place.position,
                priority: row.view.priority,
                reason: place.reason.clone(),
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

    async fn advance(
        &mut self,
        id: SessionId,
        epoch: Option<u64>,
        advance: Advance,
    ) -> Result<SessionView, ActorsError> {
        self.sync().await?;
        let row = self.row(id)?;
        check_epoch(row, epoch)?;
        let (from, to) = (row.view.state, advance.to);
        if from == to {
            return self.keep(id, &advance.facts).await;
        }
        // The worker's answer to an earlier command, while the opposite was accepted since: its next answer counts.
        let standing = matches!(from, SessionState::Pausing | SessionState::Paused);
        let outdated = match self.desired(id) {
            Some(DesiredState::Pause) => standing && to == SessionState::Running,
            Some(DesiredState::Run) => from == SessionState::Running && to == SessionState::Paused,
            Some(DesiredState::Stop) | None => false,
        };
        if outdated || !lifecycle::may_follow(from, to) {
            return Err(ActorsError::IllegalTransition {
                command: format!("go to {}", lifecycle::word(to)),
                state: lifecycle::word(from).to_owned(),
                hint: "the registry's state stands".to_owned(),
            });
        }
        self.transition(id, advance).await?;
        Ok(self.row(id)?.view.clone())
    }

    fn desired(&self, id: SessionId) -> Option<DesiredState> {
        let key = *id.uuid().as_bytes();
        self.context.control.read(|state| state.sessions.get(&key).map(|s| s.desired.state))
    }

    async fn learn(
        &mut self,
        id: SessionId,
        epoch: u64,
        facts: &Facts,
    ) -> Result<SessionView, ActorsError> {
        check_epoch(self.row(id)?, Some(epoch))?;
        self.keep(id, facts).await
    }

    async fn keep(&mut self, id: SessionId, facts: &Facts) -> Result<SessionView, ActorsError> {
        let mut row = self.row(id)?.clone();
        row.learn(facts);
        row.view.revision += 1;
        self.ledger.commit(&row, None).await?;
        self.context.show(&row.view);
        let view = row.view.clone();
        self.rows.insert(id, row);
        self.unsaved.remove(&id);
        Ok(view)
    }

    /// Carries out a transition that the table allows: outcome agreed, journalled, then shown.
    pub(super) async fn transition(
        &mut self,
        id: SessionId,
        advance: Advance,
    ) -> Result<(), ActorsError> {
        if let Some(kind) = book::outcome_of(advance.to) {
            self.agree_on_end(id, kind, &advance).await?;
        }
        let now_ms = self.context.clock.wall_ms();
        let (next, transition) = self.row(id)?.after(&advance, now_ms);
        self.ledger.commit(&next, Some((&transition, now_ms))).await?;
        tracing::info!(
            session = %id,
            to = lifecycle::word(transition.to),
            reason = %transition.reason,
            actor = %transition.actor,
            "session changed state"
        );
        self.context.show(&next.view);
        if let Ok(Value::Object(fields)) = serde_json::to_value(&transition) {
            self.context.topics.publish_log(&format!("session-events/{id}"), "state", fields);
        }
        self.unsaved.remove(&id);
        self.unshown.remove(&id);
        if next.view.state.is_terminal() {
            for waiter in self.waiters.remove(&id).unwrap_or_default() {
                answer(waiter, Ok(next.view.clone()));
            }
        }
        self.rows.insert(id, next);
        Ok(())
    }

    /// Puts the outcome into control state, which frees what the session reserved. Harmless when repeated.
    async fn agree_on_end(
        &self,
        id: SessionId,
        kind: OutcomeKind,
        advance: &Advance,
    ) -> Result<(), ActorsError> {
        let session = *id.uuid().as_bytes();
        let known = self
            .context
            .control
            .read(|state| state.sessions.get(&session).map(|s| (s.ended(), s.epoch)));
        let Some((false, epoch)) = known else { return Ok(()) };
        let detail = advance.reason.clone();
        let command = ControlCommand::FinishSession {
            session,
            epoch,
            kind,
            detail,
            result: Vec::new(),
            actor: advance.actor.clone(),
            facts: None,
            archive: None,
        };
        let key = cluster::control::CommandId(CommandId::random().0);
        match self.context.control.execute(key, command).await {
            Ok(_) | Err(ControlError::Refused(Refusal::SessionEnded { .. })) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn pulse(&mut self, id: SessionId, epoch: u64, pulse: Pulse) {
        if let Some(row) = self.rows.get_mut(&id)
            && row.view.epoch == Epoch(epoch)
            && !row.view.state.is_terminal()
        {
            row.feel(pulse);
            self.unshown.insert(id);
            self.unsaved.insert(id);
        }
    }

    fn place_in_queue(&mut self, places: Vec<QueuePlace>) {
        for place in &places {
            if let Some(row) = self.rows.get_mut(&place.session)
                && row.view.state == SessionState::Pending
                && row.view.reason != place.reason
            {
                row.view.reason.clone_from(&place.reason);
                row.view.revision += 1;
                self.unshown.insert(place.session);
            }
        }
        self.queue = places;
    }

    async fn tick(&mut self) -> Result<(), ActorsError> {
        for id in std::mem::take(&mut self.unshown) {
            if let Some(row) = self.rows.get(&id) {
                self.context.show(&row.view);
            }
        }
        self.shows = (self.shows + 1) % SHOWS_PER_SAVE;
        if self.shows == 0 {
            for id in std::mem::take(&mut self.unsaved) {
                if let Some(row) = self.rows.get(&id) {
                    self.ledger.commit(row, None).await?;
                }
            }
        }
        Ok(())
    }

    /// Makes the rows agree with control state.
    pub(super) async fn sync(&mut self) -> Result<(), ActorsError> {
        let (index, changed): (u64, Vec<Session>) = self.context.control.read(|state| {
            if state.applied_index == self.seen_index {
                return (self.seen_index, Vec::new());
            }
            let new = |session: &&Session| {
                self.seen.get(&book::id_of(session)) != Some(&session.revision)
            };
            (state.applied_index, state.sessions.iter().filter(new).cloned().collect())
        });
        for session in changed {
            self.follow_one(&session).await?;
            self.seen.insert(book::id_of(&session), session.revision);
        }
        self.seen_index = index;
        Ok(())
    }

    async fn follow_one(&mut self, session: &Session) -> Result<(), ActorsError> {
        let id = book::id_of(session);
        if !self.rows.contains_key(&id) {
            let row = Row::new(session, SessionSpec::from_bytes(&session.spec)?)?;
            self.by_order.insert(row.order, id);
            self.rows.insert(id, row);
            let reason = "submitted".to_owned();
            let actor = session.owner.clone();
            let to = SessionState::Pending;
            self.transition(id, Advance { to, reason, actor, facts: Facts::default() }).await?;
        }
        let state = self.row(id)?.view.state;
        if let (Some(outcome), false) = (&session.outcome, state.is_terminal()) {
            let facts = Facts::default();
            let advance = Advance {
                to: book::of_outcome(outcome.kind),
                reason: outcome.detail.clone(),
                actor: "host".to_owned(),
                facts,
            };
            return self.transition(id, advance).await;
        }
        if state == SessionState::Pausing && session.desired.state == DesiredState::Run {
            // A resume was accepted but not shown: we ended in between.
            let reason = "resume on request".to_owned();
            let actor = session.desired.actor.clone();
            let to = SessionState::Running;
            self.transition(id, Advance { to, reason, actor, facts: Facts::default() }).await?;
        }
        if let Some(placement) = &session.placement {
            if state == SessionState::Pending {
                self.remember_place(id, Some(&placement.node), placement.epoch);
                let reason = format!("placed on {}", placement.node);
                let actor = "scheduler".to_owned();
                let to = SessionState::Placed;
                return self
                    .transition(id, Advance { to, reason, actor, facts: Facts::default() })
                    .await;
            }
            self.remember_place(id, Some(&placement.node), placement.epoch);
        } else if matches!(state, SessionState::Placed | SessionState::Recovering) {
            self.remember_place(id, None, session.epoch);
            let reason =
                session.release_reason.clone().unwrap_or_else(|| "taken from its node".to_owned());
            let actor = "scheduler".to_owned();
            let to = SessionState::Pending;
            return self
                .transition(id, Advance { to, reason, actor, facts: Facts::default() })
                .await;
        }
        Ok(())
    }

    fn remember_place(&mut self, id: SessionId, node: Option<&str>, epoch: u64) {
        if let Some(row) = self.rows.get_mut(&id) {
            row.view.node = node.and_then(|name| name.parse().ok());
            row.view.epoch = Epoch(epoch);
        }
    }
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
        Some(epoch) if Epoch(epoch) < row.view.epoch => Err(ActorsError::StaleRevision {
            what: "the assignment of a session",
            wanted: epoch,
            current: row.view.epoch.0,
        }),
        Some(_) | None => Ok(()),
    }
}
