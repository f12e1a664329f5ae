//! Blob collection: every ten minutes deletes files that nothing refers to any more and directories of sessions that
//! have ended. A shell around [`referenced`]; the work is done on a blocking thread, see [`round`].
//!
//! Nothing is deleted before this node knows everything that was agreed upon so far. A file goes a day after it was put
//! at the earliest, so one that was just put and is not referred to yet stays. What cannot be read stops the whole
//! round: nothing is deleted on a guess.
//!
//! The same list serves to repair: every half minute a node fetches those files that it should hold a copy of and does
//! not, so that after the loss of a node everything is on two nodes again.

mod referenced;
mod round;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

pub(crate) use self::round::Stores;
use crate::error::ActorsError;
use crate::messages::answer;
use crate::messages::collect::{Asker, CollectMsg, Freed};
use crate::tasks::Task;

/// How long control state may take to become current; otherwise the round is left out.
const CURRENT_WITHIN: Duration = Duration::from_secs(30);

/// How often this node looks for files that it should hold and does not.
const REPAIR_EVERY: Duration = Duration::from_secs(30);

/// When files are collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectTimes {
    /// From the start to the first round.
    pub first: Duration,
    /// From round to round.
    pub every: Duration,
    /// How long a file stays after it was put last, referred to or not.
    pub grace: Duration,
}

impl Default for CollectTimes {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(2 * 60),
            every: Duration::from_secs(10 * 60),
            grace: Duration::from_secs(24 * 3_600),
        }
    }
}

/// What the actor works with.
pub(crate) struct CollectArguments {
    /// What it reads and deletes.
    pub(crate) stores: Stores,
    /// When.
    pub(crate) times: CollectTimes,
}

/// What the actor keeps.
pub(crate) struct CollectState {
    arguments: CollectArguments,
    under_way: Option<JoinHandle<()>>,
    repair: Option<Task>,
    _ticks: Task,
    _repairs: Task,
}

/// The actor.
#[derive(Debug)]
pub(crate) struct Collect;

impl Actor for Collect {
    type Msg = CollectMsg;
    type State = CollectState;
    type Arguments = CollectArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<CollectMsg>,
        arguments: CollectArguments,
    ) -> Result<CollectState, ActorProcessingErr> {
        let repairs =
            Task::ticks("file repair", REPAIR_EVERY, myself.clone(), || CollectMsg::Repair);
        let ticks = ticks(arguments.times, myself);
        Ok(CollectState {
            arguments,
            under_way: None,
            repair: None,
            _ticks: ticks,
            _repairs: repairs,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<CollectMsg>,
        message: CollectMsg,
        state: &mut CollectState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            CollectMsg::Round { asker } => state.begin(myself, asker),
            CollectMsg::Repair => state.repair(),
            CollectMsg::Ended { outcome, asker } => {
                state.under_way = None;
                tell(&outcome);
                if let Some(asker) = asker {
                    answer(asker, outcome);
                }
            }
        }
        Ok(())
    }

    /// A round under way is waited for: after us the files may belong to another start of the node.
    async fn post_stop(
        &self,
        _: ActorRef<CollectMsg>,
        state: &mut CollectState,
    ) -> Result<(), ActorProcessingErr> {
        match state.under_way.take() {
            Some(round) => Ok(round.await?),
            None => Ok(()),
        }
    }
}

impl CollectState {
    /// Fetches what this node should hold and does not, beside the actor; one round at a time.
    fn repair(&mut self) {
        let busy = self.repair.as_ref().is_some_and(|repair| !repair.is_over());
        if busy || self.arguments.stores.depot.alone() {
            return;
        }
        let stores = self.arguments.stores.clone();
        self.repair = Some(Task::spawn("files fetched", async move {
            let depot = stores.depot.clone();
            let read = tokio::task::spawn_blocking(move || round::kept(&stores)).await;
            match read.map_err(ActorsError::internal).and_then(|kept| kept) {
                Ok((kept, snapshot)) => {
                    // The control plane's own snapshot is this node's alone.
                    let wanted = kept.into_iter().filter(|hash| Some(*hash) != snapshot);
                    let count = depot.repair(wanted).await;
                    if 0 < count {
                        tracing::info!(count, "fetched files of which there were too few copies");
                    }
                }
                Err(error) => tracing::warn!(%error, "which files are needed cannot be read"),
            }
        }));
    }

    fn begin(&mut self, myself: ActorRef<CollectMsg>, asker: Asker) {
        if self.under_way.is_some() {
            if let Some(asker) = asker {
                let what = "blob collection".to_owned();
                answer(asker, Err(ActorsError::InProgress { what }));
            }
            return;
        }
        let (stores, grace) = (self.arguments.stores.clone(), self.arguments.times.grace);
        self.under_way = Some(tokio::spawn(async move {
            let outcome = work(stores, grace).await;
            if myself.cast(CollectMsg::Ended { outcome, asker }).is_err() {
                tracing::debug!("a round of blob collection was over after its actor");
            }
        }));
    }
}

async fn work(stores: Stores, grace: Duration) -> Result<Freed, ActorsError> {
    // A node that was away for long may not know yet what the others agreed upon about its files.
    let unanswered = |_| ActorsError::Unanswered {
        actor: "control state".to_owned(),
        reason: format!("it was not known to be current within {} s", CURRENT_WITHIN.as_secs()),
    };
    timeout(CURRENT_WITHIN, stores.control.barrier()).await.map_err(unanswered)??;
    let done = tokio::task::spawn_blocking(move || round::run(&stores, grace)).await;
    done.map_err(ActorsError::internal)?
}

fn ticks(times: CollectTimes, actor: ActorRef<CollectMsg>) -> Task {
    Task::spawn("collect rounds", async move {
        let mut ticks = interval_at(Instant::now() + times.first, times.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if actor.cast(CollectMsg::Round { asker: None }).is_err() {
                return;
            }
        }
    })
}

fn tell(outcome: &Result<Freed, ActorsError>) {
    match outcome {
        Ok(freed) if *freed == Freed::default() => {
            tracing::debug!("everything stored is referred to, or young");
        }
        Ok(Freed { file_count, bytes, directory_count }) => tracing::info!(
            file_count,
            bytes,
            directory_count,
            "deleted files that nothing refers to"
        ),
        Err(error) => {
            tracing::warn!(%error, "files were not collected; the next round tries again")
        }
    }
}
