//! The actor tree as it is now, from the supervisors' own books.

use std::collections::VecDeque;
use std::time::Duration;

use cluster::supervision::{ChildState, ChildStatus, SupervisorMsg, SupervisorStatus};
use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::directory::Directory;
use crate::error::ActorsError;
use crate::messages::answer;
use crate::messages::inspect::InspectMsg;
use crate::tree::ROOT;
use crate::views::ActorView;

/// How long one supervisor may take to answer.
const STATUS_TIMEOUT: Duration = Duration::from_secs(2);

/// The inspector.
#[derive(Debug)]
pub(crate) struct Inspect;

impl Actor for Inspect {
    type Msg = InspectMsg;
    type State = Directory;
    type Arguments = Directory;

    async fn pre_start(
        &self,
        _myself: ActorRef<Self::Msg>,
        directory: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(directory)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        directory: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            InspectMsg::Actors { reply } => {
                let directory = directory.clone();
                // In its own task: it asks supervisors, and one of them may be about to restart this actor.
                tokio::spawn(async move { answer(reply, tree(&directory).await) });
            }
        }
        Ok(())
    }
}

/// Returns every actor, each supervisor before its children.
async fn tree(directory: &Directory) -> Result<Vec<ActorView>, ActorsError> {
    let mut rows = vec![ActorView {
        name: ROOT.to_owned(),
        supervisor: None,
        state: "running".to_owned(),
        restart_count: 0,
        last_error: None,
    }];
    let mut open = VecDeque::from([ROOT.to_owned()]);
    while let Some(name) = open.pop_front() {
        let Some(status) = status(directory, &name).await? else { continue };
        for child in status.children {
            let is_supervisor = directory
                .lookup(&child.name)
                .is_some_and(|cell| cell.is_message_type_of::<SupervisorMsg>() == Some(true));
            if is_supervisor {
                open.push_back(child.name.clone());
            }
            rows.push(row(&name, child));
        }
    }
    Ok(rows)
}

async fn status(
    directory: &Directory,
    name: &str,
) -> Result<Option<SupervisorStatus>, ActorsError> {
    let Some(cell) = directory.lookup(name) else { return Ok(None) };
    let supervisor = ActorRef::<SupervisorMsg>::from(cell);
    let asked =
        supervisor.call(|reply| SupervisorMsg::GetStatus { reply }, Some(STATUS_TIMEOUT)).await;
    match asked {
        Ok(CallResult::Success(status)) => Ok(Some(status)),
        Ok(CallResult::Timeout | CallResult::SenderError) | Err(_) => {
            Err(ActorsError::Unanswered {
                actor: name.to_owned(),
                reason: "it is busy restarting a child".to_owned(),
            })
        }
    }
}

fn row(supervisor: &str, child: ChildStatus) -> ActorView {
    let state = match child.state {
        ChildState::Running => "running",
        ChildState::Restarting => "restarting",
        ChildState::Stopped => "stopped",
    };
    ActorView {
        name: child.name,
        supervisor: Some(supervisor.to_owned()),
        state: state.to_owned(),
        restart_count: child.restart_count,
        last_error: child.last_error,
    }
}
