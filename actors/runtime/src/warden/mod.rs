//! The warden: beside the leader, sees that lost and draining nodes hold no sessions. The shell around [`duties`].

pub(crate) mod duties;

use std::sync::Arc;
use std::time::Duration;

use cluster::control::state::Node;
use cluster::control::{ControlCommand, ControlError, ControlHandle, ControlState};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::time::timeout;

use crate::follow;
use crate::messages::CommandId;
use crate::messages::warden::WardenMsg;
use duties::{Overdue, duties};

/// Looked at again at least this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long one change is waited for.
const ACT_WITHIN: Duration = Duration::from_secs(1);

/// Knows whose lease is over.
pub(crate) trait Leases: Send + Sync {
    /// Returns, where this node leads, the term and those of `up` that may be taken for lost in it. Asked at least every
    /// two seconds: after a longer pause this node itself stood still, and everybody gets the whole time again.
    fn overdue(&self, up: &[(String, u64)]) -> Option<(u64, Vec<Overdue>)>;

    /// Notes that it is known what became of marking a node down.
    fn settle(&self, node: &str);
}

/// A node alone: nobody's lease is ever over.
pub(crate) struct Alone;

impl Leases for Alone {
    fn overdue(&self, _: &[(String, u64)]) -> Option<(u64, Vec<Overdue>)> {
        None
    }

    fn settle(&self, _: &str) {}
}

/// What the warden needs.
#[derive(Clone)]
pub(crate) struct WardenArguments {
    /// Control state.
    pub(crate) control: ControlHandle,
    /// Whose lease is over.
    pub(crate) leases: Arc<dyn Leases>,
}

/// The actor.
pub(crate) struct Warden;

impl Actor for Warden {
    type Msg = WardenMsg;
    type State = WardenArguments;
    type Arguments = WardenArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<WardenMsg>,
        arguments: WardenArguments,
    ) -> Result<WardenArguments, ActorProcessingErr> {
        let index = arguments.control.watch();
        follow::control(index, LOOK_EVERY, move || myself.cast(WardenMsg::Look).is_ok());
        Ok(arguments)
    }

    async fn handle(
        &self,
        _: ActorRef<WardenMsg>,
        message: WardenMsg,
        state: &mut WardenArguments,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            WardenMsg::Look => look(state).await,
        }
        Ok(())
    }
}

async fn look(warden: &WardenArguments) {
    if !warden.control.leadership().borrow().here {
        return;
    }
    let up = warden.control.read(up);
    let (term, overdue) = warden.leases.overdue(&up).unwrap_or_default();
    let commands = warden.control.read(|state| duties(state, term, &overdue));
    for command in commands {
        tracing::info!(?command, "the warden acts");
        let condemned = if let ControlCommand::MarkDown { node, .. } = &command {
            Some(node.clone())
        } else {
            None
        };
        let key = cluster::control::CommandId(CommandId::random().0);
        let outcome = timeout(ACT_WITHIN, warden.control.execute(key, command)).await;
        let known = matches!(outcome, Ok(Ok(_) | Err(ControlError::Refused(_))));
        if let Some(node) = condemned.filter(|_| known) {
            warden.leases.settle(&node);
        }
        match outcome {
            Ok(Ok(_)) => {}
            // Refused or passing: the next look decides anew.
            Ok(Err(error)) => {
                tracing::info!(%error, "what the warden wanted was not agreed upon");
            }
            // Without a majority the rest would wait as long: leases must be looked at again first.
            Err(_) => return,
        }
    }
}

/// Returns the members whose lease counts as in force, with the start that holds it.
fn up(state: &ControlState) -> Vec<(String, u64)> {
    let up = |node: &&Node| node.member() && node.down_since_ms.is_none() && node.raft_id != 0;
    let nodes = state.nodes.iter().filter(|(_, node)| up(node));
    nodes.map(|(name, node)| (name.to_owned(), node.incarnation)).collect()
}
