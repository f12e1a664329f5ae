//! The warden: beside the leader, sees that lost and draining nodes hold no sessions. The shell around [`duties`].

pub(crate) mod duties;

use std::sync::Arc;
use std::time::Duration;

use cluster::control::ControlHandle;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::follow;
use crate::messages::CommandId;
use crate::messages::warden::WardenMsg;
use duties::{Overdue, duties};

/// Looked at again at least this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Knows whose lease is over. Asked only where this node leads.
pub(crate) trait Leases: Send + Sync {
    /// Returns the nodes that may be taken for lost, with the start that held the lease.
    fn overdue(&self) -> Vec<Overdue>;
}

/// A node alone: nobody's lease is ever over.
pub(crate) struct Alone;

impl Leases for Alone {
    fn overdue(&self) -> Vec<Overdue> {
        Vec::new()
    }
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
    let overdue = warden.leases.overdue();
    let commands = warden.control.read(|state| duties(state, &overdue));
    for command in commands {
        tracing::info!(?command, "the warden acts");
        let key = cluster::control::CommandId(CommandId::random().0);
        // Refused or passing: the next look decides anew.
        if let Err(error) = warden.control.execute(key, command).await {
            tracing::info!(%error, "what the warden wanted was not agreed upon");
        }
    }
}
