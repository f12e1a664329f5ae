//! Placement: the shell around [`assign`]. Reads nodes and reservations from control state, answers the scheduler.

pub(crate) mod amounts;
pub(crate) mod assign;
pub(crate) mod rooms;
pub(crate) mod victims;

use cluster::control::ControlHandle;
use cluster::control::ControlState;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::messages::answer;
use crate::messages::placement::PlacementMsg;
use assign::NodeRoom;

/// The actor. Keeps nothing: control state is read anew for each question.
pub(crate) struct Placement;

impl Actor for Placement {
    type Msg = PlacementMsg;
    type State = ControlHandle;
    type Arguments = ControlHandle;

    async fn pre_start(
        &self,
        _: ActorRef<PlacementMsg>,
        control: ControlHandle,
    ) -> Result<ControlHandle, ActorProcessingErr> {
        Ok(control)
    }

    async fn handle(
        &self,
        _: ActorRef<PlacementMsg>,
        message: PlacementMsg,
        control: &mut ControlHandle,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            PlacementMsg::Assign { wants, reply } => {
                let rooms = control.read(rooms);
                answer(reply, Ok(assign::assign(&rooms, &wants)));
            }
        }
        Ok(())
    }
}

/// Returns every node with what is reserved on it.
fn rooms(state: &ControlState) -> Vec<NodeRoom> {
    state
        .nodes
        .iter()
        .filter_map(|(name, node)| {
            // A name that is no DNS label cannot have been registered by a node of ours.
            let id = name.parse().ok()?;
            Some(NodeRoom {
                node: id,
                capacity: node.capacity,
                reserved: state.sessions.reserved_on(name),
                open: node.open(),
            })
        })
        .collect()
}
