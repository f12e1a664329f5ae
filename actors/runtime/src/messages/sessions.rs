//! Sessions as the world sees them: submit, command, list, watch.
//!
//! The handle checks what was asked in the caller's task (configuration, strategy, data), then the registry of
//! sessions decides: it is the only writer of a session's state. Nothing here starts a process; desired state goes
//! into control state, and the host of the placed node makes it true.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use cluster::control::state::Segment;
use engine::config::{
    BacktestPolicy, ResourcesConfig, SessionConfig, SessionKind, StrategyConfig, Violation,
};
use engine::ids::{DatasetId, SessionId, StrategyId};
use engine::market::DataKind;
use engine::session::protocol::Progress;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;
use serde_json::Value;

use super::data::DataHandle;
use super::library::LibraryHandle;
pub use super::wishes::Wishes;
use super::{Command, ask, ask_within};
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::mirror::Mirror;
use crate::session::lifecycle::Verb;
use crate::views::{
    CheckpointView, DatasetView, LimitView, Page, ProgressView, QueueEntryView, SeenView,
    SessionState, SessionView, StrategyVersionView, StrategyView, TransitionView,
};

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "sessions";

/// Longest name of a session, characters.
const NAME_CHARS_MAX: usize = 200;
/// Most labels of a session.
const TAGS_MAX: usize = 20;
/// Longest label, characters.
const TAG_CHARS_MAX: usize = 50;
/// Largest and smallest (negated) priority.
const PRIORITY_MAX: i32 = 100;

/// What a person wants to run.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Name, 1 to 200 characters; need not be unique.
    pub name: String,
    /// The strategy.
    pub strategy_id: StrategyId,
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

/// A submission whose parts were looked up and checked.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// Name.
    pub(crate) name: String,
    /// The strategy.
    pub(crate) strategy: StrategyView,
    /// Its version, whole.
    pub(crate) version: StrategyVersionView,
    /// The data.
    pub(crate) dataset: DatasetView,
    /// What to do.
    pub(crate) config: SessionConfig,
    /// What it reserves.
    pub(crate) resources: ResourcesConfig,
    /// Higher goes first.
    pub(crate) priority: i32,
    /// Labels.
    pub(crate) tags: Vec<String>,
    /// Where it may run, and who pays for it.
    pub(crate) wishes: Wishes,
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
        let draft = Box::new(self.draft(wanted).await?);
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

    /// Looks up and checks everything a submission names.
    async fn draft(&self, wanted: NewSession) -> Result<Draft, ActorsError> {
        let mut violations = plain_violations(&wanted);
        let config =
            typed(engine::config::validate::session(&wanted.config), "/config", &mut violations);
        let resources = match &wanted.resources {
            None => Some(ResourcesConfig::default()),
            Some(value) => {
                typed(engine::config::validate::resources(value), "/resources", &mut violations)
            }
        };
        let library = LibraryHandle::new(self.directory.clone());
        let found = self.strategy(&library, &wanted, &mut violations).await?;
        let dataset = match DataHandle::new(self.directory.clone()).get(wanted.dataset_id).await {
            Ok(view) => Some(view),
            Err(error @ ActorsError::NotFound { .. }) => {
                let found = Violation::new("/dataset_id", "not_found", error.to_string());
                violations.push(found.with("id", wanted.dataset_id.to_string()));
                None
            }
            Err(error) => return Err(error),
        };
        if let (Some(config), Some((_, version))) = (&config, &found) {
            violations.extend(mismatch(config, &version.config));
        }
        if let (Some(config), Some((_, version)), Some(dataset)) = (&config, &found, &dataset) {
            violations.extend(
                unfit_data(&version.config, dataset)
                    .or_else(|| too_short(config, &version.config, dataset)),
            );
        }
        match (config, resources, found, dataset) {
            (Some(config), Some(resources), Some((strategy, version)), Some(dataset))
                if violations.is_empty() =>
            {
                let NewSession { name, priority, tags, wishes, .. } = wanted;
                let name = name.trim().to_owned();
                Ok(Draft {
                    name,
                    strategy,
                    version,
                    dataset,
                    config,
                    resources,
                    priority,
                    tags,
                    wishes,
                })
            }
            _ => Err(ActorsError::Invalid { errors: violations }),
        }
    }

    async fn strategy(
        &self,
        library: &LibraryHandle,
        wanted: &NewSession,
        violations: &mut Vec<Violation>,
    ) -> Result<Option<(StrategyView, StrategyVersionView)>, ActorsError> {
        let strategy = match library.get(wanted.strategy_id).await {
            Ok(strategy) => strategy,
            Err(error @ ActorsError::NotFound { .. }) => {
                let found = Violation::new("/strategy_id", "not_found", error.to_string());
                violations.push(found.with("id", wanted.strategy_id.to_string()));
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if strategy.archived {
            let detail =
                format!("strategy '{}' is archived; choose one that is not", strategy.name);
            let found = Violation::new("/strategy_id", "archived", detail);
            violations.push(found.with("name", strategy.name.as_str()));
        }
        let version = wanted.strategy_version.unwrap_or(strategy.version);
        match library.version(wanted.strategy_id, version).await {
            Ok(version) => Ok(Some((strategy, version))),
            Err(error @ ActorsError::NotFound { .. }) => {
                let found = Violation::new("/strategy_version", "not_found", error.to_string());
                violations.push(found.with("id", version));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn typed<T>(
    read: Result<T, Vec<Violation>>,
    under: &str,
    violations: &mut Vec<Violation>,
) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(found) => {
            violations.extend(found.into_iter().map(|mut one| {
                one.pointer = format!("{under}{}", one.pointer);
                one
            }));
            None
        }
    }
}

/// What is wrong with the plain fields.
fn plain_violations(wanted: &NewSession) -> Vec<Violation> {
    let outside = |pointer: &str, (min, max): (i64, i64), got: i64, detail: String| {
        let found = Violation::new(pointer, "out_of_range", detail);
        found.with("min", min).with("max", max).with("got", got)
    };
    let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    let chars = wanted.name.trim().chars().count();
    if !(1..=NAME_CHARS_MAX).contains(&chars) {
        let detail = format!("a name has 1 to {NAME_CHARS_MAX} characters, found {chars}");
        found.push(outside("/name", (1, whole(NAME_CHARS_MAX)), whole(chars), detail));
    }
    if !(-PRIORITY_MAX..=PRIORITY_MAX).contains(&wanted.priority) {
        let detail = format!(
            "a priority lies between -{PRIORITY_MAX} and {PRIORITY_MAX}, found {}",
            wanted.priority
        );
        let limits = (i64::from(-PRIORITY_MAX), i64::from(PRIORITY_MAX));
        found.push(outside("/priority", limits, i64::from(wanted.priority), detail));
    }
    if TAGS_MAX < wanted.tags.len() {
        let detail = format!("at most {TAGS_MAX} labels, found {}", wanted.tags.len());
        found.push(outside("/tags", (0, whole(TAGS_MAX)), whole(wanted.tags.len()), detail));
    }
    for (index, tag) in wanted.tags.iter().enumerate() {
        let chars = tag.chars().count();
        if !(1..=TAG_CHARS_MAX).contains(&chars) {
            let detail = format!("a label has 1 to {TAG_CHARS_MAX} characters, found {chars}");
            let limits = (1, whole(TAG_CHARS_MAX));
            found.push(outside(&format!("/tags/{index}"), limits, whole(chars), detail));
        }
    }
    found.extend(super::wishes::violations(&wanted.wishes));
    found
}

/// What does not fit between what is to be done and who is to do it.
fn mismatch(config: &SessionConfig, strategy: &StrategyConfig) -> Option<Violation> {
    let algorithm = strategy.agent.algorithm();
    match config {
        SessionConfig::Training(_) if !strategy.agent.learns() => Some(
            Violation::new(
                "/config/kind",
                "does_not_learn",
                format!(
                    "'{algorithm}' is a rule and does not learn; choose a back-test, or a strategy that learns"
                ),
            )
            .with("algorithm", algorithm),
        ),
        SessionConfig::Backtest(backtest)
            if backtest.policy == BacktestPolicy::Strategy && strategy.agent.learns() =>
        {
            Some(
                Violation::new(
                    "/config/policy",
                    "not_trained",
                    format!(
                        "'{algorithm}' has to be trained first; name the training session whose model is to be tested"
                    ),
                )
                .with("algorithm", algorithm),
            )
        }
        SessionConfig::Training(_) | SessionConfig::Backtest(_) => None,
    }
}

/// Data of a kind that the strategy's task does not run on.
fn unfit_data(strategy: &StrategyConfig, dataset: &DatasetView) -> Option<Violation> {
    let needed = engine::environment::data_kinds(&strategy.environment);
    let found = DataKind::from_name(&dataset.kind);
    if found.is_some_and(|kind| needed.contains(&kind)) {
        return None;
    }
    let task = strategy.environment.task();
    let allowed: Vec<&str> = needed.iter().map(|kind| kind.name()).collect();
    let detail = format!(
        "the task {task} needs data of kind {}; data set '{}' is of kind '{}'. Choose other data, or a strategy of another \
         task",
        allowed.join(" or "),
        dataset.name,
        dataset.kind
    );
    let violation = Violation::new("/dataset_id", "not_allowed", detail);
    Some(violation.with("allowed", allowed).with("got", dataset.kind.as_str()).with("task", task))
}

/// What is too short for what is to run on it: the worker would refuse it later, with the same words.
fn too_short(
    config: &SessionConfig,
    strategy: &StrategyConfig,
    dataset: &DatasetView,
) -> Option<Violation> {
    let split = match config {
        SessionConfig::Training(training) => &training.split,
        SessionConfig::Backtest(backtest) => &backtest.split,
    };
    let rows = usize::try_from(dataset.rows).unwrap_or(usize::MAX);
    let kind = DataKind::from_name(&dataset.kind)?;
    let refused = engine::environment::length::check_rows(strategy, split, (kind, rows)).err()?;
    let detail = format!("data set '{}' is too short: {refused}", dataset.name);
    let found = Violation::new("/dataset_id", "too_short", detail).with("rows", refused.rows);
    Some(match refused.needed {
        Some(needed) => found.with("needed", needed),
        None => found,
    })
}
