//! Sessions as the world sees them: submit, command, list, watch.
//!
//! The handle checks what was asked in the caller's task (configuration, strategy, data), then the registry of
//! sessions decides: it is the only writer of a session's state. Nothing here starts a process; desired state goes
//! into control state, and the host of the placed node makes it true.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use cluster::control::state::Segment;
use engine::config::SessionKind;
use engine::ids::{DatasetId, SessionId, StrategyId};
use engine::session::protocol::Progress;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;
use serde_json::Value;

use super::drafts::Draft;
pub use super::wishes::Wishes;
use super::{Command, ask, ask_within};
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::mirror::Mirror;
use crate::session::lifecycle::Verb;
use crate::views::{
    CheckpointView, LimitView, Page, ProgressView, QueueEntryView, SeenView, SessionState,
    SessionView, TransitionView, TrialsView,
};

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "sessions";

/// What a person wants to run.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Name, 1 to 200 characters; need not be unique.
    pub name: String,
    /// The strategy; absent where the kind needs none.
    pub strategy_id: Option<StrategyId>,
    /// Its version; the newest where absent.
    pub strategy_version: Option<u32>,
    /// The data.
    pub dataset_id: DatasetId,
    /// A `SessionConfig` as JSON; fully validated here.
    pub config: Value,
    /// A `ResourcesConfig` as JSON; the defaults where absent.
    pub resources: Option<Value>,
    /// Higher goes first, −100 to 100.
    pub priority: i32,
    /// Labels, at most 20 of 1 to 50 characters.
    pub tags: Vec<String>,
    /// Where it may run, and who pays for it.
    pub wishes: Wishes,
}

/// Which sessions to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct ListSessions {
    /// Rows per page, 1 to 500; 0 means 50.
    pub limit: u32,
    /// `Page::next` of the page before.
    pub after: Option<String>,
    /// Only this kind.
    pub kind: Option<SessionKind>,
    /// Only this state.
    pub state: Option<SessionState>,
    /// Only of this strategy.
    pub strategy_id: Option<StrategyId>,
}

/// Which trials to list, newest first.
#[derive(Debug, Clone)]
pub struct ListTrials {
    /// Rows per page, 1 to 500; 0 means 50.
    pub limit: u32,
    /// `Page::next` of the page before.
    pub after: Option<String>,
    /// Whose.
    pub strategy_id: StrategyId,
}

/// A change of state that the scheduler, a host or a session asks for.
#[derive(Debug, Clone)]
pub(crate) struct Advance {
    /// State to go to.
    pub(crate) to: SessionState,
    /// Why, for a person.
    pub(crate) reason: String,
    /// Who: a user id, `scheduler`, `host` or `worker`.
    pub(crate) actor: String,
    /// What else becomes known with it.
    pub(crate) facts: Facts,
}

/// What becomes known about a session besides its state. Absent means unchanged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// Retries since the last lasting progress.
    pub(crate) retry_count: Option<u32>,
    /// An error; the first one is kept.
    pub(crate) error: Option<String>,
    /// The best model.
    pub(crate) model_sha256: Option<String>,
    /// The report.
    pub(crate) report_sha256: Option<String>,
    /// Newest value of each metric.
    pub(crate) metrics: BTreeMap<String, Option<f64>>,
    /// Version of the program that runs it.
    pub(crate) build: Option<String>,
    /// What limits its worker.
    pub(crate) limits: Option<Vec<LimitView>>,
    /// Everything it recorded, as files; told with its end.
    pub(crate) archive: Option<Vec<Segment>>,
}

/// What changes often and is not journalled at once.
#[derive(Debug, Clone)]
pub(crate) enum Pulse {
    /// How far the worker is.
    Progress(Progress),
    /// Newest value of each metric.
    Metrics(BTreeMap<String, Option<f64>>),
    /// Both, as the holder of a session on another node shows them.
    Seen {
        /// How far it is.
        progress: ProgressView,
        /// Newest value of each metric.
        newest: BTreeMap<String, Option<f64>>,
    },
}

/// A place in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueuePlace {
    /// Who waits.
    pub(crate) session: SessionId,
    /// From 1.
    pub(crate) position: u32,
    /// What for, a sentence.
    pub(crate) reason: String,
    /// The same as a code that clients translate.
    pub(crate) code: String,
    /// What the sentence speaks of, by name.
    pub(crate) params: BTreeMap<String, String>,
}

type Reply<T> = RpcReplyPort<Result<T, ActorsError>>;

/// Everything the registry of sessions can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum SessionsMsg {
    /// Accept a session.
    Submit { command: Command, draft: Box<Draft>, reply: Reply<SessionView> },
    /// Carry out a person's command.
    Order { command: Command, id: SessionId, verb: Verb, reply: Reply<SessionView> },
    /// One session.
    Get { id: SessionId, reply: Reply<SessionView> },
    /// One page of sessions, newest first.
    List { filter: ListSessions, reply: Reply<Page<SessionView>> },
    /// One page of a strategy's trials, newest first.
    Trials { filter: ListTrials, reply: Reply<TrialsView> },
    /// Every change of state, oldest first.
    Timeline { id: SessionId, reply: Reply<Vec<TransitionView>> },
    /// Committed checkpoints, newest first.
    Checkpoints { id: SessionId, reply: Reply<Vec<CheckpointView>> },
    /// Those that wait, in order.
    Queue { reply: Reply<Vec<QueueEntryView>> },
    /// Answered once the session has ended.
    Wait { id: SessionId, reply: Reply<SessionView> },
    /// Change a session's state; answered when durable.
    Advance { id: SessionId, epoch: Option<u64>, advance: Box<Advance>, reply: Reply<SessionView> },
    /// Keep facts that come without a change of state; answered when durable.
    Learn { id: SessionId, epoch: u64, facts: Facts, reply: Reply<SessionView> },
    /// How far the sessions are that this node holds.
    Seen { reply: Reply<Vec<SeenView>> },
    /// A sign of life.
    Pulse { id: SessionId, epoch: u64, pulse: Pulse },
    /// The scheduler says who waits and why.
    Queued { places: Vec<QueuePlace> },
    /// A change was agreed upon, or not: answer with what stands now.
    Proposed { id: SessionId, result: Result<(), ActorsError>, reply: Reply<SessionView> },
    /// Control state moved on.
    Applied,
    /// Time to publish what changed.
    Tick,
}

/// The door to sessions.
#[derive(Debug, Clone)]
pub struct SessionsHandle {
    directory: Directory,
    /// Weak: a door that is kept must not keep the journal open.
    mirror: Option<Weak<Mirror>>,
}

impl SessionsHandle {
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory, mirror: None }
    }

    /// Returns a door that looks at the holders of sessions before it answers how far they are.
    pub(crate) fn mirrored(directory: Directory, mirror: &Arc<Mirror>) -> Self {
        Self { directory, mirror: Some(Arc::downgrade(mirror)) }
    }

    async fn look(&self, id: Option<SessionId>) {
        if let Some(mirror) = self.mirror.as_ref().and_then(Weak::upgrade) {
            mirror.look(id).await;
        }
    }

    /// Accepts a session: checks everything, makes it durable, queues it. Repeating a command returns the first
    /// answer.
    ///
    /// # Errors
    /// Refuses with every violation at once: configuration, resources, unknown or archived strategy, unknown data,
    /// training of a rule, back-test of a session that has no model.
    pub async fn submit(
        &self,
        command: Command,
        wanted: NewSession,
    ) -> Result<SessionView, ActorsError> {
        let draft = Box::new(super::drafts::draft(&self.directory, wanted).await?);
        ask(&self.directory, NAME, |reply| SessionsMsg::Submit { command, draft, reply }).await
    }

    /// Returns one page of sessions, newest first.
    ///
    /// # Errors
    /// Refuses a cursor that this list did not make.
    pub async fn list(&self, filter: ListSessions) -> Result<Page<SessionView>, ActorsError> {
        self.look(None).await;
        ask(&self.directory, NAME, |reply| SessionsMsg::List { filter, reply }).await
    }

    /// Returns one session.
    ///
    /// # Errors
    /// Refuses when there is none of that id.
    pub async fn get(&self, id: SessionId) -> Result<SessionView, ActorsError> {
        self.look(Some(id)).await;
        ask(&self.directory, NAME, |reply| SessionsMsg::Get { id, reply }).await
    }

    /// Returns one page of what was tried on the way to a strategy, newest first: what removed sessions left, too.
    ///
    /// # Errors
    /// Refuses a cursor that this list did not make.
    pub async fn trials(&self, filter: ListTrials) -> Result<TrialsView, ActorsError> {
        ask(&self.directory, NAME, |reply| SessionsMsg::Trials { filter, reply }).await
    }

    /// Asks a running session to stand still.
    ///
    /// # Errors
    /// Refuses in any other state and names the commands that are legal.
    pub async fn pause(&self, command: Command, id: SessionId) -> Result<SessionView, ActorsError> {
        self.order(command, id, Verb::Pause).await
    }

    /// Asks a paused session to go on.
    ///
    /// # Errors
    /// Refuses in any other state and names the commands that are legal.
    pub async fn resume(
        &self,
        command: Command,
        id: SessionId,
    ) -> Result<SessionView, ActorsError> {
        self.order(command, id, Verb::Resume).await
    }

    /// Asks a running or paused session to write a checkpoint now.
    ///
    /// # Errors
    /// Refuses in any other state and names the commands that are legal.
    pub async fn checkpoint(
        &self,
        command: Command,
        id: SessionId,
    ) -> Result<SessionView, ActorsError> {
        self.order(command, id, Verb::Checkpoint).await
    }

    /// Ends a session that has not ended, in good order.
    ///
    /// # Errors
    /// Refuses when it has ended.
    pub async fn stop(&self, command: Command, id: SessionId) -> Result<SessionView, ActorsError> {
        self.order(command, id, Verb::Stop).await
    }

    /// Returns every change of a session's state, oldest first.
    ///
    /// # Errors
    /// Refuses when there is no session of that id.
    pub async fn timeline(&self, id: SessionId) -> Result<Vec<TransitionView>, ActorsError> {
        ask(&self.directory, NAME, |reply| SessionsMsg::Timeline { id, reply }).await
    }

    /// Returns a session's committed checkpoints, newest first.
    ///
    /// # Errors
    /// Refuses when there is no session of that id.
    pub async fn checkpoints(&self, id: SessionId) -> Result<Vec<CheckpointView>, ActorsError> {
        ask(&self.directory, NAME, |reply| SessionsMsg::Checkpoints { id, reply }).await
    }

    /// Returns those that wait, in the order in which they will go.
    ///
    /// # Errors
    /// Tells when the registry does not answer.
    pub async fn queue(&self) -> Result<Vec<QueueEntryView>, ActorsError> {
        ask(&self.directory, NAME, |reply| SessionsMsg::Queue { reply }).await
    }

    /// Waits until a session has ended and returns it.
    ///
    /// # Errors
    /// Refuses when there is no session of that id; tells when it has not ended within `deadline`.
    pub async fn wait(
        &self,
        id: SessionId,
        deadline: Duration,
    ) -> Result<SessionView, ActorsError> {
        let within_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        ask_within(&self.directory, NAME, within_ms, |reply| SessionsMsg::Wait { id, reply }).await
    }

    async fn order(
        &self,
        command: Command,
        id: SessionId,
        verb: Verb,
    ) -> Result<SessionView, ActorsError> {
        ask(&self.directory, NAME, |reply| SessionsMsg::Order { command, id, verb, reply }).await
    }

    /// Returns how far the sessions are that this node holds.
    ///
    /// # Errors
    /// Tells when the registry does not answer.
    pub(crate) async fn seen(&self) -> Result<Vec<SeenView>, ActorsError> {
        ask(&self.directory, NAME, |reply| SessionsMsg::Seen { reply }).await
    }

    /// Changes a session's state; durable when answered.
    ///
    /// # Errors
    /// Refuses what the table of lives does not allow and an old `epoch`.
    pub(crate) async fn advance(
        &self,
        id: SessionId,
        epoch: Option<u64>,
        advance: Advance,
    ) -> Result<SessionView, ActorsError> {
        let advance = Box::new(advance);
        ask(&self.directory, NAME, |reply| SessionsMsg::Advance { id, epoch, advance, reply }).await
    }

    /// Keeps facts; durable when answered.
    ///
    /// # Errors
    /// Refuses an old `epoch`.
    pub(crate) async fn learn(
        &self,
        id: SessionId,
        epoch: u64,
        facts: Facts,
    ) -> Result<SessionView, ActorsError> {
        ask(&self.directory, NAME, |reply| SessionsMsg::Learn { id, epoch, facts, reply }).await
    }

    /// Tells the registry something that need not be answered. Lost while it restarts: it reads control state then.
    pub(crate) fn tell(&self, message: SessionsMsg) {
        let told = match self.directory.get::<SessionsMsg>(NAME) {
            Ok(actor) => actor.cast(message).is_ok(),
            Err(_) => false,
        };
        if !told {
            tracing::debug!(
                "the registry of sessions is restarting; it reads everything anew then"
            );
        }
    }
}
