//! The scheduler: the shell around [`planner`]. Follows control state, proposes placements and evictions, says why the
//! others wait.
//!
//! Every node makes the same plan from the same state and can say why sessions wait; only the leader's is carried out.

pub(crate) mod admit;
mod blocked;
mod board;
mod explain;
mod glance;
mod ledger;
mod order;
pub(crate) mod picture;
pub(crate) mod planner;
mod preempt;
pub(crate) mod reason;
pub(crate) mod rebalance;

use std::sync::Arc;
use std::time::Duration;

use cluster::control::{ControlCommand, ControlHandle};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::clock::Clock;
use crate::directory::Directory;
use crate::follow;
use crate::messages::CommandId;
use crate::messages::scheduler::SchedulerMsg;
use crate::messages::sessions::{QueuePlace, SessionsHandle, SessionsMsg};
use picture::{Quotas, Rules};
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
        }
        Ok(())
    }
}

impl SchedulerState {
    async fn look(&mut self) {
        let leadership = self.control.leadership().borrow().clone();
        let majority = leadership.leader.is_some();
        let shown = self.control.read(|state| glance::picture(state, majority, Quotas::default()));
        let now_ms = u64::try_from(self.clock.wall_ms()).unwrap_or(0);
        let plan = plan(&shown, &self.rules, now_ms);
        if leadership.here {
            self.carry_out(&plan).await;
        }
        self.sessions.tell(SessionsMsg::Queued { places: places(&plan.waits) });
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
