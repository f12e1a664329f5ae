//! Live topics: newest values, event logs, curves and text lines for those who watch.
//!
//! Route: `MetricPoint`, `SessionView`, … → **topics** → `ServerFrame`. The hub is shared memory with limits, so that
//! publishers never wait and slow readers cost nothing; this actor keeps house.

pub(crate) mod conflate;
pub(crate) mod hub;
pub(crate) mod names;
pub(crate) mod ring;
pub(crate) mod series;
pub(crate) mod text;
pub(crate) mod updates;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use self::hub::Hub;
use crate::messages::answer;
use crate::messages::topics::TopicsMsg;
use crate::tasks::Task;

/// Time between two rounds of housekeeping.
const ROUND: Duration = Duration::from_secs(10);

/// The topics actor.
#[derive(Debug)]
pub(crate) struct Topics;

/// What the topics actor keeps.
#[derive(Debug)]
pub(crate) struct TopicsState {
    hub: Arc<Hub>,
    _rounds: Task,
}

impl Actor for Topics {
    type Msg = TopicsMsg;
    type State = TopicsState;
    type Arguments = Arc<Hub>;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        hub: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let rounds = Task::ticks("topics housekeeping", ROUND, myself, || TopicsMsg::Tick);
        Ok(TopicsState { hub, _rounds: rounds })
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            TopicsMsg::Tick => state.hub.keep_house(),
            TopicsMsg::GetStatus { reply } => answer(reply, Ok(state.hub.status())),
        }
        Ok(())
    }
}
