//! The router as an actor: the only one that other nodes know. It takes frames in; everything else is `hub`.

use std::sync::Arc;

use ractor::message::{BoxedDowncastErr, SerializedMessage};
use ractor::{Actor, ActorProcessingErr, ActorRef, Message, pg};

use super::hub::Core;

/// The process group in which peers find each other's routers.
pub const ROUTER_GROUP: &str = "tm.router";

const VARIANT: &str = "Frame";

/// Everything the router can be told, here and from other nodes.
#[derive(Debug)]
pub enum RouterMsg {
    /// A frame of a peer: see [`super::envelope`].
    Frame(Vec<u8>),
}

// Written by hand: the derived decoder panics on bytes of another shape, and would copy every frame twice.
impl Message for RouterMsg {
    fn serializable() -> bool {
        true
    }

    fn serialize(self) -> Result<SerializedMessage, BoxedDowncastErr> {
        let Self::Frame(args) = self;
        Ok(SerializedMessage::Cast { variant: VARIANT.to_owned(), args, metadata: None })
    }

    fn deserialize(message: SerializedMessage) -> Result<Self, BoxedDowncastErr> {
        match message {
            SerializedMessage::Cast { variant, args, .. } if variant == VARIANT => {
                Ok(Self::Frame(args))
            }
            SerializedMessage::Cast { .. }
            | SerializedMessage::Call { .. }
            | SerializedMessage::CallReply(..) => Err(BoxedDowncastErr),
        }
    }
}

/// Takes frames in. See the module's text.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ClusterRouter;

impl Actor for ClusterRouter {
    type Msg = RouterMsg;
    type State = Arc<Core>;
    type Arguments = Arc<Core>;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        core: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        pg::join(ROUTER_GROUP.to_owned(), vec![myself.get_cell()]);
        Ok(core)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        core: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let RouterMsg::Frame(frame) = message;
        core.take_in(&frame);
        Ok(())
    }
}
