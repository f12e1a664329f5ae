//! One session: a thin shell around its [`course`]. Owns the worker, carries out steps in order, journals every
//! transition through the registry before anybody sees it.
//!
//! ```text
//! host ──wish──► Session ──steps──► worker process
//!                  │  ▲                 │ frames (≤ 64 unhandled)
//!                  │  └─────────────────┘
//!                  ├─► registry (states, facts)   ├─► metrics (points, durable)
//!                  ├─► blobs, then control state (checkpoints)   └─► logs
//! ```

mod book;
mod commit;
mod course;
mod intake;
mod keep;
mod known;
mod launch;
mod legacy;
pub(crate) mod lifecycle;
mod limits;
pub(crate) mod registry;
pub(crate) mod retry;
mod seal;
pub(crate) mod spec;
mod trials;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cluster::control::{ControlCommand, ControlHandle};
use engine::ids::{NodeId, SessionId};
use engine::session::protocol::{MetricPoint, WorkerCommand};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use store::blob::{BlobHash, Blobs};
use store::tables::Tables;
use tokio::time::{Instant, sleep};

pub use retry::RetryPolicy;

use crate::clock::Clock;
use crate::depot::Depot;
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::messages::host::Wish;
use crate::messages::logs::{LogsHandle, NewLine};
use crate::messages::metrics::MetricsHandle;
use crate::messages::session::SessionMsg;
use crate::messages::sessions::{Advance, Facts, Pulse, SessionsHandle, SessionsMsg};
use crate::messages::topics::TopicsHandle;
use crate::messages::{CommandId, answer};
use crate::mirror::Mirror;
use crate::peers::Peers;
use crate::views::SessionView;
use crate::worker::limits::Limiter;
use crate::worker::process::{Notice, What, Worker};
use crate::worker::spawner::Spawner;
use crate::worker::{WorkerProgram, WorkerTimes};
use commit::Commits;
use course::{Course, Step};
use spec::SessionSpec;

/// How long what passes is answered by asking again: longer than a node may be cut off before others take its work.
const PATIENCE: Duration = Duration::from_secs(600);
/// The first pause before asking again, doubled up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// A name longer than this is no metric of ours and is not shown as newest value.
const METRIC_NAME_BYTES_MAX: usize = 64;

/// Everything that sessions, their registry and the host share.
#[derive(Clone)]
pub(crate) struct Context {
    /// This node.
    pub(crate) node: NodeId,
    /// Version of this program.
    pub(crate) build: String,
    /// Where sessions have their directories.
    pub(crate) sessions_dir: PathBuf,
    /// Where the other actors are.
    pub(crate) directory: Directory,
    /// What all nodes agree upon.
    pub(crate) control: ControlHandle,
    /// The other nodes.
    pub(crate) peers: Arc<dyn Peers>,
    /// Files of all nodes.
    pub(crate) depot: Arc<Depot>,
    /// Records of sessions that other nodes hold or held.
    pub(crate) mirror: Arc<Mirror>,
    /// This node's journal.
    pub(crate) tables: Tables,
    /// This node's files.
    pub(crate) blobs: Blobs,
    /// Live topics.
    pub(crate) topics: TopicsHandle,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// What does the computing.
    pub(crate) program: WorkerProgram,
    /// How long it may take for what.
    pub(crate) times: WorkerTimes,
    /// How failures are answered.
    pub(crate) retry: RetryPolicy,
    /// What limits workers.
    pub(crate) limiter: Arc<Limiter>,
    /// The thread that starts workers.
    pub(crate) spawner: Spawner,
}

impl Context {
    /// Puts a session on its topics.
    pub(crate) fn show(&self, view: &SessionView) {
        self.topics.publish_state("sessions", &view.id.to_string(), view);
        self.topics.publish_fields(&format!("session/{}", view.id), view);
    }
}

/// Returns bytes as lower-case hexadecimal text.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asks again while what is asked is restarting or overloaded, no majority is reached or nobody answers: an outage of the
/// control plane is no failure of a session. Requires: asking twice is harmless.
pub(super) async fn patiently<T, A, F>(mut ask: A) -> Result<T, ActorsError>
where
    A: FnMut() -> F,
    F: Future<Output = Result<T, ActorsError>>,
{
    let begun = Instant::now();
    let mut pause = PAUSE_FIRST;
    loop {
        match ask().await {
            Err(error) if passes(&error) && begun.elapsed() < PATIENCE => {
                sleep(pause).await;
                pause = PAUSE_MAX.min(pause * 2);
            }
            other => return other,
        }
    }
}

/// Whether asking again may help.
pub(super) fn passes(error: &ActorsError) -> bool {
    matches!(
        error,
        ActorsError::Restarting { .. }
            | ActorsError::Overloaded { .. }
            | ActorsError::NoQuorum { .. }
            | ActorsError::Unanswered { .. }
    )
}

/// What a session is started with.
#[derive(Clone)]
pub(crate) struct SessionArguments {
    /// Shared things.
    pub(crate) context: Context,
    /// Which session.
    pub(crate) id: SessionId,
    /// Which assignment of it.
    pub(crate) epoch: u64,
    /// What is wanted at this moment.
    pub(crate) wish: Wish,
    /// GPUs its worker may see.
    pub(crate) devices: Vec<u32>,
}

/// What a session keeps.
pub(crate) struct SessionState {
    context: Context,
    id: SessionId,
    epoch: u64,
    devices: Vec<u32>,
    spec: SessionSpec,
    sessions: SessionsHandle,
    metrics: MetricsHandle,
    logs: LogsHandle,
    course: Course,
    worker: Option<Worker>,
    /// Sent once the worker said hello.
    prepared: Option<WorkerCommand>,
    /// The checkpoint this run resumed from.
    resumed_from: Option<BlobHash>,
    /// Checkpoints that workers could not read.
    distrusted: BTreeSet<BlobHash>,
    /// Answered once a last checkpoint counts.
    draining: Option<RpcReplyPort<()>>,
    /// Checkpoints on their way to be agreed upon.
    commits: Commits,
}

/// The actor.
pub(crate) struct Session;

impl Actor for Session {
    type Msg = SessionMsg;
    type State = SessionState;
    type Arguments = SessionArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<SessionMsg>,
        arguments: SessionArguments,
    ) -> Result<SessionState, ActorProcessingErr> {
        let SessionArguments { context, id, epoch, wish, devices } = arguments;
        let key = *id.uuid().as_bytes();
        let known = context
            .control
            .read(|state| state.sessions.get(&key).map(|s| (s.spec.clone(), s.retry.count)));
        let (bytes, retry_count) = known.ok_or("control state does not know this session")?;
        let spec = SessionSpec::from_bytes(&bytes)?;
        myself.cast(SessionMsg::Begin)?;
        Ok(SessionState {
            id,
            epoch,
            devices,
            spec,
            sessions: SessionsHandle::new(context.directory.clone()),
            metrics: MetricsHandle::new(context.directory.clone()),
            logs: LogsHandle::new(context.directory.clone()),
            course: Course::new(context.retry, wish, retry_count),
            worker: None,
            prepared: None,
            resumed_from: None,
            distrusted: BTreeSet::new(),
            draining: None,
            commits: Commits::default(),
            context,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionMsg>,
        message: SessionMsg,
        state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        let now_ms = state.context.clock.boot_ms();
        let steps = match message {
            SessionMsg::Begin => {
                let view = patiently(|| state.sessions.get(state.id)).await?;
                let (limit, used) = (state.time_limit(), state.since_first_step(&view));
                let timed = state.course.limit_time(limit, used);
                let mut steps = state.course.begin(view.state, state.pause_left());
                if !steps.is_empty() {
                    steps.extend(timed);
                }
                if steps.is_empty() {
                    myself.stop(None);
                }
                steps
            }
            SessionMsg::Wished { wish } => state.course.wished(wish),
            SessionMsg::CheckpointAsked => state.course.checkpoint_asked(),
            SessionMsg::RetryDue { run } => state.course.retry_due(run),
            SessionMsg::TimeIsUp => state.course.time_is_up(),
            SessionMsg::Committed { number } => state.committed(&myself, number).await?,
            SessionMsg::Drain { reply } => {
                state.drain(reply);
                return Ok(());
            }
            SessionMsg::Noticed(Notice { run, what, credit }) => {
                let steps = state.noticed(run, what, now_ms);
                // The next frame may come while this one is being worked on.
                drop(credit);
                steps
            }
        };
        state.carry_out(&myself, steps).await?;
        Ok(())
    }
}

impl SessionState {
    /// Returns what is left of the pause before a retry that began before this actor did.
    fn pause_left(&self) -> Duration {
        let key = *self.id.uuid().as_bytes();
        let not_before_ms = self.context.control.read(|state| {
            state.sessions.get(&key).map_or(0, |session| session.retry.not_before_ms)
        });
        retry::pause_left(&self.context.retry, not_before_ms, self.context.clock.wall_ms())
    }

    /// Asks for a last checkpoint before the node goes down.
    fn drain(&mut self, reply: RpcReplyPort<()>) {
        if self.spec.writes_checkpoints() && self.worker.is_some() && self.course.is_working() {
            self.draining = Some(reply);
            self.send(WorkerCommand::Checkpoint);
        } else {
            answer(reply, ());
        }
    }

    fn drained(&mut self) {
        if let Some(reply) = self.draining.take() {
            answer(reply, ());
        }
    }

    fn noticed(&mut self, run: u64, what: What, now_ms: u64) -> Vec<Step> {
        match what {
            What::Event(event) => self.course.heard(run, event, now_ms),
            What::Lines(lines) => {
                let line = |text| NewLine { level: "info".to_owned(), text };
                self.logs.append(self.id, lines.into_iter().map(line).collect());
                Vec::new()
            }
            What::Ended(end) => {
                if self.course.run() == run {
                    tracing::info!(session = %self.id, run, code = end.code, signal = end.signal, "worker ended");
                    self.worker = None;
                    self.prepared = None;
                    self.drained();
                }
                self.course.ended(run, &end, now_ms)
            }
        }
    }

    /// Carries steps out in order; what they lead to comes before the rest.
    async fn carry_out(
        &mut self,
        myself: &ActorRef<SessionMsg>,
        steps: Vec<Step>,
    ) -> Result<(), ActorsError> {
        let mut open: VecDeque<Step> = steps.into();
        while let Some(step) = open.pop_front() {
            let followed = self.step(myself, step).await?;
            for step in followed.into_iter().rev() {
                open.push_front(step);
            }
        }
        Ok(())
    }

    async fn step(
        &mut self,
        myself: &ActorRef<SessionMsg>,
        step: Step,
    ) -> Result<Vec<Step>, ActorsError> {
        match step {
            Step::Show { to, reason, actor, retry_count, error } => {
                let facts = Facts { retry_count, error, ..Facts::default() };
                self.show(myself, Advance { to, reason, actor: actor.to_owned(), facts }).await?;
            }
            Step::Launch { run } => {
                self.commits_settled(myself).await?;
                return self.launch(myself, run).await;
            }
            Step::Introduce { build, libtorch, devices } => {
                self.introduce(build, &libtorch, &devices).await?
            }
            Step::Confined(limits) => self.confined(limits).await?,
            Step::TimeUpIn(after) => {
                drop(myself.send_after(after, || SessionMsg::TimeIsUp));
            }
            Step::Send(command) => self.send(command),
            Step::StopWorker => self.with_worker(|worker, times| worker.stop(times)),
            Step::EndWithin(limit) => self.with_worker(|worker, _| worker.end_within(limit)),
            Step::Kill(cause) => self.with_worker(|worker, _| worker.kill(cause)),
            Step::Idle(idle) => self.with_worker(|worker, _| worker.set_idle(idle)),
            Step::Record { first_index, points } => self.record(first_index, points).await?,
            Step::Commit(checkpoint) => self.commit(myself, checkpoint).await?,
            Step::Keep(result) => {
                self.commits_settled(myself).await?;
                return self.keep(result).await;
            }
            Step::Progress(progress) => self.pulse(Pulse::Progress(progress)),
            Step::Log { level, text } => self.log(level, text),
            Step::WorkerLog { level, text } => {
                self.logs.append(self.id, vec![NewLine { level, text }])
            }
            Step::Distrust => self.distrusted.extend(self.resumed_from.take()),
            Step::NoteRetry { retry_count, error, after } => {
                self.note_retry(retry_count, error, after).await?
            }
            Step::RetryIn { run, after } => {
                // The timer ends with us: a message to an ended actor is dropped.
                drop(myself.send_after(after, move || SessionMsg::RetryDue { run }));
            }
            Step::Conclude { to, reason, error } => {
                self.commits_settled(myself).await?;
                patiently(|| self.logs.flushed()).await?;
                let actor = "worker".to_owned();
                let facts = Facts { error, archive: self.file_all().await, ..Facts::default() };
                self.worker = None;
                // Everything that counts is a blob by now; who hears of the end finds nothing left behind.
                self.clear_directory().await;
                self.show(myself, Advance { to, reason, actor, facts }).await?;
                myself.stop(None);
            }
        }
        Ok(Vec::new())
    }

    /// Asks the registry for a transition. What it refuses, it knows better.
    async fn show(
        &self,
        myself: &ActorRef<SessionMsg>,
        advance: Advance,
    ) -> Result<(), ActorsError> {
        match patiently(|| self.sessions.advance(self.id, Some(self.epoch), advance.clone())).await
        {
            Ok(_) => Ok(()),
            Err(ActorsError::IllegalTransition { command, state, .. }) => {
                tracing::debug!(session = %self.id, %command, %state, "the registry's state stands");
                Ok(())
            }
            Err(error @ ActorsError::StaleRevision { .. }) => {
                tracing::warn!(session = %self.id, %error, "session belongs to another assignment; leaving");
                myself.stop(None);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Stores points; those already stored are dropped there, so that asking again is harmless.
    async fn record(&self, first_index: u64, points: Vec<MetricPoint>) -> Result<(), ActorsError> {
        let mut newest = BTreeMap::new();
        for point in &points {
            if point.name.len() <= METRIC_NAME_BYTES_MAX {
                newest.insert(point.name.clone(), point.value);
            }
        }
        patiently(|| self.metrics.record(self.id, first_index, points.clone())).await?;
        self.pulse(Pulse::Metrics(newest));
        Ok(())
    }

    async fn note_retry(
        &self,
        retry_count: u32,
        error: String,
        after: Duration,
    ) -> Result<(), ActorsError> {
        let wall_ms = u64::try_from(self.context.clock.wall_ms()).unwrap_or(0);
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let command = ControlCommand::RecordRetry {
            session: *self.id.uuid().as_bytes(),
            epoch: self.epoch,
            retry_count,
            error: Some(error),
            not_before_ms: wall_ms.saturating_add(after_ms),
        };
        let key = cluster::control::CommandId(CommandId::random().0);
        patiently(|| async { Ok(self.context.control.execute(key, command.clone()).await?) })
            .await?;
        Ok(())
    }

    fn pulse(&self, pulse: Pulse) {
        self.sessions.tell(SessionsMsg::Pulse { id: self.id, epoch: self.epoch, pulse });
    }

    fn log(&self, level: &str, text: String) {
        self.logs.append(self.id, vec![NewLine { level: level.to_owned(), text }]);
    }

    fn send(&self, command: WorkerCommand) {
        if let Some(worker) = &self.worker
            && !worker.send(command)
        {
            tracing::warn!(session = %self.id, "worker takes no commands");
        }
    }

    fn with_worker(&self, act: impl FnOnce(&Worker, &WorkerTimes)) {
        if let Some(worker) = &self.worker {
            act(worker, &self.context.times);
        }
    }

    fn work_dir(&self) -> PathBuf {
        self.context.sessions_dir.join(self.id.to_string())
    }

    /// Removes what the worker left; everything that counts is a blob by now.
    async fn clear_directory(&self) {
        let dir = self.work_dir();
        if let Err(error) = tokio::fs::remove_dir_all(&dir).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(dir = %dir.display(), %error, "the directory of a session was not removed");
        }
    }
}
