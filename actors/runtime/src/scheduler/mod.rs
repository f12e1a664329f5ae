//! The scheduler: the shell around [`plan`]. Follows control state, asks placement, proposes placements, says why
//! the others wait.

pub(crate) mod admit;
mod blocked;
mod board;
mod explain;
mod ledger;
mod order;
pub(crate) mod picture;
pub(crate) mod plan;
pub(crate) mod planner;
mod preempt;
mod queue;
pub(crate) mod reason;
pub(crate) mod rebalance;

use std::time::Duration;

use cluster::control::{ControlCommand, ControlHandle};
use engine::ids::{NodeId, SessionId};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::directory::Directory;
use crate::follow;
use crate::messages::CommandId;
use crate::messages::placement::PlacementHandle;
use crate::messages::scheduler::SchedulerMsg;
use crate::messages::sessions::{SessionsHandle, SessionsMsg};

/// Looked at again at least this often.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What the scheduler needs.
#[derive(Clone)]
pub(crate) struct SchedulerArguments {
    /// Control state.
    pub(crate) control: ControlHandle,
    /// Where placement and the registry are.
    pub(crate) directory: Directory,
}

/// What the scheduler keeps: nothing that control state does not know.
pub(crate) struct SchedulerState {
    control: ControlHandle,
    placement: PlacementHandle,
    sessions: SessionsHandle,
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
            placement: PlacementHandle::new(arguments.directory.clone()),
            sessions: SessionsHandle::new(arguments.directory),
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
        let wants = self.control.read(plan::wants);
        let verdicts = match self.placement.assign(wants).await {
            Ok(verdicts) => verdicts,
            Err(error) => {
                tracing::warn!(%error, "no plan was made");
                return;
            }
        };
        let plan = plan::conclude(verdicts);
        // Every node makes the same plan and can say why others wait; only the leader's is carried out.
        if self.control.leadership().borrow().here {
            for (session, node) in plan.place {
                self.place(session, &node).await;
            }
        }
        self.sessions.tell(SessionsMsg::Queued { places: plan.queue });
    }

    async fn place(&mut self, session: SessionId, node: &NodeId) {
        let command = ControlCommand::PlaceSession {
            session: *session.uuid().as_bytes(),
            node: node.to_string(),
        };
        let key = cluster::control::CommandId(CommandId::random().0);
        // Refused (stopped in the meantime, capacity gone) or passing: the next look decides anew.
        if let Err(error) = self.control.execute(key, command).await {
            tracing::info!(%session, %node, %error, "session was not placed");
        }
    }
}
