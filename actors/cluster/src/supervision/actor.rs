//! The supervisor as an actor: a thin shell around `children`.

use std::time::Duration;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::time::Instant;

use super::children::{Children, Ending, Step};
use super::{
    ChildSpec, ChildState, SupervisionError, SupervisorMsg, SupervisorSpec, SupervisorStatus,
};

/// How long a sibling may take to stop in good order before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts, restarts and reports its children. See the module's text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Supervisor;

/// What a supervisor keeps.
pub struct SupervisorState {
    spec: SupervisorSpec,
    children: Children<ActorCell>,
    started: Instant,
}

impl std::fmt::Debug for SupervisorState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SupervisorState").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

impl Actor for Supervisor {
    type Msg = SupervisorMsg;
    type State = SupervisorState;
    type Arguments = SupervisorSpec;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        spec: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let children = Children::new(spec.strategy);
        let mut state = SupervisorState { spec, children, started: Instant::now() };
        for child in state.spec.children.clone() {
            state.start(&myself, child).await?;
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMsg::StartChild { spec, reply } => {
                let answer = state.start(&myself, spec).await;
                // A caller that stopped waiting finds the child in the status.
                drop(reply.send(answer));
                Ok(())
            }
            SupervisorMsg::StopChild { name, reason } => {
                if let Some(cell) = state.children.remove(&name) {
                    state.spec.observer.ended(&state.spec.name, &name, &reason);
                    cell.stop(Some(reason));
                }
                Ok(())
            }
            SupervisorMsg::GetStatus { reply } => {
                let children = state.children.status();
                drop(reply.send(SupervisorStatus { name: state.spec.name.clone(), children }));
                Ok(())
            }
            SupervisorMsg::RestartDue { name, generation } => {
                state.restart(&myself, &name, generation).await
            }
        }
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(cell, _, reason) => {
                let orderly = reason.as_deref() != Some("killed");
                let ending =
                    if orderly { Ending::Stopped } else { Ending::Failed("was killed".to_owned()) };
                state.ended(&myself, &cell, ending).await
            }
            SupervisionEvent::ActorFailed(cell, error) => {
                state.ended(&myself, &cell, Ending::Failed(error.to_string())).await
            }
            SupervisionEvent::ActorStarted(_)
            | SupervisionEvent::ProcessGroupChanged(_)
            | SupervisionEvent::PidLifecycleEvent(_) => Ok(()),
        }
    }
}

impl SupervisorState {
    async fn start(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        spec: ChildSpec,
    ) -> Result<ActorCell, SupervisionError> {
        let name = spec.name.clone();
        if self.children.get(&name).is_some_and(|child| child.state != ChildState::Stopped) {
            return Err(SupervisionError::NameTaken { supervisor: self.spec.name.clone(), name });
        }
        match (spec.start)(myself.get_cell()).await {
            Ok(cell) => {
                self.spec.observer.started(&self.spec.name, &name, &cell);
                self.children.add(spec, cell.clone());
                Ok(cell)
            }
            Err(error) => Err(SupervisionError::StartFailed { name, reason: error.to_string() }),
        }
    }

    async fn restart(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        name: &str,
        generation: u64,
    ) -> Result<(), ActorProcessingErr> {
        let Some(spec) = self.children.due(name, generation) else { return Ok(()) };
        match (spec.start)(myself.get_cell()).await {
            Ok(cell) => {
                tracing::info!(supervisor = %self.spec.name, child = %name, "child restarted");
                self.spec.observer.started(&self.spec.name, name, &cell);
                self.children.restarted(name, cell);
                Ok(())
            }
            Err(error) => {
                let steps = self.children.start_failed(name, error.to_string(), self.now_ms());
                self.carry_out(myself, steps).await
            }
        }
    }

    async fn ended(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        cell: &ActorCell,
        ending: Ending,
    ) -> Result<(), ActorProcessingErr> {
        // Not in the book: stopped by us and forgotten, or not one of ours.
        let Some(position) = self.children.position(cell) else { return Ok(()) };
        let name = self.children.name_at(position).unwrap_or_default().to_owned();
        let reason = match &ending {
            Ending::Stopped => "stopped".to_owned(),
            Ending::Failed(error) => {
                tracing::warn!(supervisor = %self.spec.name, child = %name, %error, "child failed");
                error.clone()
            }
        };
        self.spec.observer.ended(&self.spec.name, &name, &reason);
        let steps = self.children.ended(position, ending, self.now_ms());
        self.carry_out(myself, steps).await
    }

    async fn carry_out(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        steps: Vec<Step>,
    ) -> Result<(), ActorProcessingErr> {
        for step in steps {
            match step {
                Step::StopSibling { name } => self.stop_sibling(&name).await,
                Step::RestartAfter { name, delay_ms, generation } => {
                    let due = move || SupervisorMsg::RestartDue { name, generation };
                    // The timer ends with us: a message to an ended actor is dropped.
                    drop(myself.send_after(Duration::from_millis(delay_ms), due));
                }
                Step::Escalate { reason } => {
                    tracing::error!(supervisor = %self.spec.name, %reason, "supervisor gives up");
                    return Err(format!("supervisor {} gives up: {reason}", self.spec.name).into());
                }
            }
        }
        Ok(())
    }

    async fn stop_sibling(&mut self, name: &str) {
        let Some(cell) = self.children.take_address(name) else { return };
        self.spec.observer.ended(&self.spec.name, name, "an earlier sibling restarts");
        let stopped = cell
            .stop_and_wait(Some("an earlier sibling restarts".to_owned()), Some(STOP_TIMEOUT))
            .await;
        if stopped.is_err() {
            cell.kill();
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
