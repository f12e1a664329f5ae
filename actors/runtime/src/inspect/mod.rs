//! The actor tree as it is now, from the supervisors' own books; of another node as that node tells it.

mod probe;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use cluster::supervision::{ChildState, ChildStatus, SupervisorMsg, SupervisorStatus};
use engine::ids::NodeId;
use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::directory::Directory;
use crate::error::ActorsError;
use crate::messages::answer;
use crate::messages::inspect::InspectMsg;
use crate::peers::{Answer, Peers, Question};
use crate::tree::ROOT;
use crate::views::ActorView;

/// How long one supervisor may take to answer.
const STATUS_TIMEOUT: Duration = Duration::from_secs(2);

/// The inspector.
#[derive(Debug)]
pub(crate) struct Inspect;

/// What the inspector works with.
#[derive(Clone)]
pub(crate) struct InspectArguments {
    /// Where the actors of this node are.
    pub(crate) directory: Directory,
    /// This node.
    pub(crate) node: NodeId,
    /// The other nodes.
    pub(crate) peers: Arc<dyn Peers>,
}

impl Actor for Inspect {
    type Msg = InspectMsg;
    type State = InspectArguments;
    type Arguments = InspectArguments;

    async fn pre_start(
        &self,
        _myself: ActorRef<Self::Msg>,
        arguments: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(arguments)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            InspectMsg::Actors { node, reply } => {
                let state = state.clone();
                // In its own task: it asks supervisors, and one of them may be about to restart this actor.
                tokio::spawn(async move { answer(reply, state.actors(node).await) });
            }
        }
        Ok(())
    }
}

impl InspectArguments {
    async fn actors(&self, node: Option<NodeId>) -> Result<Vec<ActorView>, ActorsError> {
        match node.filter(|node| *node != self.node) {
            None => tree(&self.directory, &self.node).await,
            Some(node) => {
                let refused = |reason: String| ActorsError::NodeUnreachable {
                    node: node.to_string(),
                    reason,
                };
                match self.peers.ask(node.as_str(), Question::Actors).await.map_err(refused)? {
                    Answer::Json(bytes) => {
                        serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))
                    }
                    Answer::Refused(reason) => Err(refused(reason)),
                    Answer::Tail(_) => Err(refused("it answered another question".to_owned())),
                }
            }
        }
    }
}

/// Returns every actor, each supervisor before its children.
async fn tree(directory: &Directory, node: &NodeId) -> Result<Vec<ActorView>, ActorsError> {
    let mut rows = vec![ActorView {
        node: node.clone(),
        name: ROOT.to_owned(),
        supervisor: None,
        state: "running".to_owned(),
        restart_count: 0,
        last_error: None,
        queue_age_ms: None,
    }];
    let mut open = VecDeque::from([(0, ROOT.to_owned())]);
    while let Some((index, name)) = open.pop_front() {
        let begun = tokio::time::Instant::now();
        let Some(status) = status(directory, &name).await? else { continue };
        if let Some(row) = rows.get_mut(index) {
            row.queue_age_ms = u64::try_from(begun.elapsed().as_millis()).ok();
        }
        for child in status.children {
            let is_supervisor = directory
                .lookup(&child.name)
                .is_some_and(|cell| cell.is_message_type_of::<SupervisorMsg>() == Some(true));
            if is_supervisor {
                open.push_back((rows.len(), child.name.clone()));
            }
            rows.push(row(node, &name, child));
        }
    }
    // All at once: one that is stuck costs its own limit, not that of all before it.
    let mut probes = tokio::task::JoinSet::new();
    for (index, row) in rows.iter().enumerate() {
        let (directory, name) = (directory.clone(), row.name.clone());
        probes.spawn(async move { (index, probe::queue_age_ms(&directory, &name).await) });
    }
    while let Some(probed) = probes.join_next().await {
        if let Ok((index, age)) = probed
            && let Some(row) = rows.get_mut(index)
        {
            row.queue_age_ms = row.queue_age_ms.or(age);
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

fn row(node: &NodeId, supervisor: &str, child: ChildStatus) -> ActorView {
    let state = match child.state {
        ChildState::Running => "running",
        ChildState::Restarting => "restarting",
        ChildState::Stopped => "stopped",
    };
    ActorView {
        node: node.clone(),
        name: child.name,
        supervisor: Some(supervisor.to_owned()),
        state: state.to_owned(),
        restart_count: child.restart_count,
        last_error: child.last_error,
        queue_age_ms: None,
    }
}
