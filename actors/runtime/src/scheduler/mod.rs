//! The scheduler: the shell around [`planner`]. Follows control state, proposes placements and evictions, says why the
//! others wait.
//!
//! Every node makes the same plan from the same state and can say why sessions wait; only the leader's is carried out.

pub(crate) mod admit;
mod answers;
mod blocked;
mod board;
mod explain;
mod glance;
mod ledger;
mod order;
pub(crate) mod picture;
pub(crate) mod planner;
mod preempt;
mod quotas;
pub(crate) mod reason;
pub(crate) mod rebalance;

use std::sync::Arc;
use std::time::Duration;

use cluster::control::{ControlCommand, ControlHandle};
use engine::ids::{NodeId, SessionId};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::clock::Clock;
use crate::directory::Directory;
use crate::documents::Documents;
use crate::error::ActorsError;
use crate::follow;
use crate::messages::scheduler::SchedulerMsg;
use crate::messages::sessions::{QueuePlace, SessionsHandle, SessionsMsg};
use crate::messages::{Command, CommandId, answer};
use crate::views::WhyView;
use picture::Rules;
use planner::{Plan, Wait, plan};

/// Looked at again at least this often.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What the scheduler needs.
#[derive(Clone)]
pub(crate) struct SchedulerArguments {
    /// Control state.
    pub(crate) control: ControlHandle,
    /// Where the registry is.
    pub(crate) directory: Directory,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
}

/// What the scheduler keeps: nothing that control state does not know.
pub(crate) struct SchedulerState {
    control: ControlHandle,
    sessions: SessionsHandle,
    clock: Arc<dyn Clock>,
    rules: Rules,
    documents: Documents,
    /// Who waits, as the last plan has it.
    waits: Vec<Wait>,
}

/// The actor.
pub(crate) struct Scheduler;

impl Actor for Scheduler {
    type Msg = SchedulerMsg;
    type State = SchedulerState;
    type Arguments = SchedulerArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<SchedulerMsg>,
        arguments: SchedulerArguments,
    ) -> Result<SchedulerState, ActorProcessingErr> {
        let index = arguments.control.watch();
        follow::control(index, LOOK_EVERY, move || myself.cast(SchedulerMsg::Look).is_ok());
        Ok(SchedulerState {
            documents: Documents::new(arguments.control.clone()),
            waits: Vec::new(),
            control: arguments.control,
            sessions: SessionsHandle::new(arguments.directory),
            clock: arguments.clock,
            rules: Rules::default(),
        })
    }

    async fn handle(
        &self,
        _: ActorRef<SchedulerMsg>,
        message: SchedulerMsg,
        state: &mut SchedulerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SchedulerMsg::Look => state.look().await,
            SchedulerMsg::Why { session, reply } => answer(reply, state.why(session)),
            SchedulerMsg::Capacity { reply } => {
                answer(reply, Ok(state.control.read(answers::capacity)));
            }
            SchedulerMsg::Quotas { reply } => answer(reply, quotas::list(&state.documents)),
            // What waits for the agreement does so beside the actor.
            SchedulerMsg::PutQuota { command, scope, name, revision, limits, reply } => {
                let documents = state.documents.clone();
                tokio::spawn(async move {
                    let whose = (scope, name.as_str());
                    let made = quotas::write(&documents, &command, whose, revision, &limits).await;
                    answer(reply, made);
                });
            }
            SchedulerMsg::RemoveQuota { command, scope, name, revision, reply } => {
                let documents = state.documents.clone();
                tokio::spawn(async move {
                    let whose = (scope, name.as_str());
                    answer(reply, quotas::remove(&documents, &command, whose, revision).await);
                });
            }
            SchedulerMsg::Move { command, session, to, reply } => {
                let (control, documents) = (state.control.clone(), state.documents.clone());
                tokio::spawn(async move {
                    answer(reply, relocate(&control, &documents, &command, session, to).await);
                });
            }
        }
        Ok(())
    }
}

/// Moves a session; a command that comes again is not judged by what came after it.
async fn relocate(
    control: &ControlHandle,
    documents: &Documents,
    command: &Command,
    session: SessionId,
    to: Option<NodeId>,
) -> Result<(), ActorsError> {
    if documents.remembers(command.id) {
        return Ok(());
    }
    let wish = control.read(|state| answers::relocation(state, command, session, to.as_ref()))?;
    control.execute(cluster::control::CommandId(command.id.0), wish).await?;
    Ok(())
}

impl SchedulerState {
    async fn look(&mut self) {
        let leadership = self.control.leadership().borrow().clone();
        let majority = leadership.leader.is_some();
        // Placing without limits could not be taken back; placing nothing for a while can.
        let quotas = match quotas::load(&self.documents) {
            Ok(quotas) => quotas,
            Err(error) => {
                tracing::error!(%error, "quotas cannot be read; nothing is placed until they can");
                return;
            }
        };
        let shown = self.control.read(|state| glance::picture(state, majority, quotas));
        let now_ms = u64::try_from(self.clock.wall_ms()).unwrap_or(0);
        let plan = plan(&shown, &self.rules, now_ms);
        if leadership.here {
            self.carry_out(&plan).await;
        }
        self.sessions.tell(SessionsMsg::Queued { places: places(&plan.waits) });
        self.waits = plan.waits;
    }

    fn why(&self, session: SessionId) -> Result<WhyView, ActorsError> {
        let wait = self.waits.iter().find(|wait| wait.session == session);
        let wait = wait.map(|wait| (wait, sentence(&wait.reason.to_string(), wait.position)));
        self.control.read(|state| answers::why(state, session, wait))
    }

    async fn carry_out(&self, plan: &Plan) {
        for placing in &plan.place {
            let session = *placing.session.uuid().as_bytes();
            let node = placing.node.to_string();
            self.propose(ControlCommand::PlaceSession { session, node }).await;
        }
        for eviction in &plan.evict {
            let session = *eviction.session.uuid().as_bytes();
            let epoch = self.control.read(|state| state.sessions.get(&session).map(|s| s.epoch));
            let Some(epoch) = epoch else { continue };
            let reason = eviction.reason.to_string();
            let command = ControlCommand::EvictSession { session, epoch, reason, to: None };
            self.propose(command).await;
        }
    }

    async fn propose(&self, command: ControlCommand) {
        let key = cluster::control::CommandId(CommandId::random().0);
        // Refused (stopped in the meantime, capacity gone) or passing: the next look decides anew.
        if let Err(error) = self.control.execute(key, command.clone()).await {
            tracing::info!(?command, %error, "what the scheduler wanted was not agreed upon");
        }
    }
}

/// Returns what those that wait are told.
fn places(waits: &[Wait]) -> Vec<QueuePlace> {
    let place = |wait: &Wait| QueuePlace {
        session: wait.session,
        position: wait.position,
        reason: sentence(&wait.reason.to_string(), wait.position),
        code: wait.reason.code().to_owned(),
        params: wait
            .reason
            .params()
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text))
            .collect(),
    };
    waits.iter().map(place).collect()
}

/// Returns the whole sentence: what is missing, and how many go first. `position` counts from 1.
fn sentence(missing: &str, position: u32) -> String {
    match position.saturating_sub(1) {
        0 => format!("{missing}; next in queue"),
        ahead => format!("{missing}; {ahead} ahead in queue"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_counts_those_ahead() {
        assert_eq!(sentence("waiting for 1 core", 3), "waiting for 1 core; 2 ahead in queue");
        assert_eq!(sentence("waiting for 1 core", 1), "waiting for 1 core; next in queue");
    }
}
