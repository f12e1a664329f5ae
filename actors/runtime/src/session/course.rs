//! What a session does about what happens to it: events in, steps out. Pure.
//!
//! Keeps which start of the worker is the current one, what is wanted, how often it failed and which metric point
//! comes next. The shell carries the steps out in order and never decides.

#[path = "course_limit.rs"]
mod limit;

use std::time::Duration;

use engine::session::protocol::{
    CheckpointWritten, MetricPoint, PROTOCOL_MAX, PROTOCOL_MIN, Progress, WorkerCommand,
    WorkerEvent, WorkerLimit, WorkerResult,
};

use self::limit::TimeLimit;
use super::retry::{self, Decision, Failure, FailureKind, RetryPolicy};
use crate::messages::host::Wish;
use crate::views::SessionState;
use crate::worker::limits::memory::Overrun;
use crate::worker::process::{Cause, WorkerEnd};

/// How long a worker that said it is done, or that it failed, may take to exit.
const EXIT_GRACE: Duration = Duration::from_secs(10);

/// One thing for the shell to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Journal and show a state. A refusal means that the registry already knows better.
    Show {
        to: SessionState,
        reason: String,
        actor: &'static str,
        retry_count: Option<u32>,
        error: Option<String>,
    },
    /// Start the worker.
    Launch { run: u64 },
    /// The worker said hello: remember its build and send it `Start`.
    Introduce { build: String, libtorch: String, devices: Vec<String> },
    /// The worker said what it imposed upon itself: show it.
    Confined(Vec<WorkerLimit>),
    /// Say when the wall time it may take is over.
    TimeUpIn(Duration),
    /// Send a command.
    Send(WorkerCommand),
    /// Stop the worker in good order, then by force.
    StopWorker,
    /// Give the process this long to exit.
    EndWithin(Duration),
    /// Kill the process.
    Kill(Cause),
    /// Whether the worker may be without work to report.
    Idle(bool),
    /// Store points, the first of which has this index.
    Record { first_index: u64, points: Vec<MetricPoint> },
    /// Put the checkpoint into the blobs and commit its manifest.
    Commit(CheckpointWritten),
    /// Put what was produced into the blobs.
    Keep(WorkerResult),
    /// Show how far it is.
    Progress(Progress),
    /// Write a line to the session's log.
    Log { level: &'static str, text: String },
    /// Write the worker's own line to the session's log.
    WorkerLog { level: String, text: String },
    /// The checkpoint this run resumed from could not be read: use an older one next time.
    Distrust,
    /// Note the failure in control state.
    NoteRetry { retry_count: u32, error: String, after: Duration },
    /// Come back after a pause.
    RetryIn { run: u64, after: Duration },
    /// The session has ended: record it everywhere and leave.
    Conclude { to: SessionState, reason: String, error: Option<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No worker and none due.
    Idle,
    /// No worker; one is due after a pause.
    Waiting,
    /// A worker was started and is not ready yet; `introduced` once it has `Start`.
    Launching { introduced: bool },
    /// The worker works or stands still.
    Working,
    /// The session has ended.
    Ended,
}

/// A session's course.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    policy: RetryPolicy,
    wish: Wish,
    phase: Phase,
    run: u64,
    retry_count: u32,
    next_index: u64,
    ready_at_ms: Option<u64>,
    committed: bool,
    fault: Option<Failure>,
    result: Option<WorkerResult>,
    /// The worker said that it stands still, and not yet that it goes on.
    standing: bool,
    time: TimeLimit,
}

impl Course {
    /// Returns the course of a session that failed `retry_count` times before without lasting progress.
    pub(crate) fn new(policy: RetryPolicy, wish: Wish, retry_count: u32) -> Self {
        Self {
            policy,
            wish,
            phase: Phase::Idle,
            run: 0,
            retry_count,
            next_index: 0,
            ready_at_ms: None,
            committed: false,
            fault: None,
            result: None,
            standing: false,
            time: TimeLimit::default(),
        }
    }

    /// Takes up the work in the state that was last shown; `wait` is what is left of the pause before a retry.
    pub(crate) fn begin(&mut self, shown: SessionState, wait: Duration) -> Vec<Step> {
        if shown.is_terminal() {
            self.phase = Phase::Ended;
            return Vec::new();
        }
        let fresh = matches!(shown, SessionState::Placed | SessionState::Pending);
        match self.wish {
            Wish::Stop => {
                let mut steps = Vec::new();
                if !matches!(shown, SessionState::Pending | SessionState::Stopping) {
                    steps.push(show(SessionState::Stopping, "a stop was asked for", "host"));
                }
                steps.extend(self.conclude_stopped("stopped while no worker was running"));
                steps
            }
            Wish::Pause => {
                let reason = "the node was restarted; it starts from its last checkpoint on resume"
                    .to_owned();
                let mut steps = Vec::new();
                if !matches!(
                    shown,
                    SessionState::Paused | SessionState::Pausing | SessionState::Recovering
                ) {
                    steps.push(show(SessionState::Recovering, "its worker is gone", "host"));
                }
                steps.push(show(SessionState::Paused, &reason, "host"));
                steps
            }
            Wish::Run => {
                let mut steps = Vec::new();
                if !fresh && shown != SessionState::Recovering {
                    let reason = "its worker is gone (the node was restarted)";
                    steps.push(show(SessionState::Recovering, reason, "host"));
                }
                steps.extend(match (wait.is_zero(), fresh) {
                    (false, _) => self.wait_on(wait),
                    (true, true) => self.launch("starting its worker"),
                    (true, false) => self.launch("starting its worker again"),
                });
                steps
            }
        }
    }

    /// Waits for the rest of a pause that began before this actor did.
    fn wait_on(&mut self, wait: Duration) -> Vec<Step> {
        self.phase = Phase::Waiting;
        let text = format!(
            "the pause before retry {} is not over: the worker starts in {:.1} s",
            self.retry_count,
            wait.as_secs_f64()
        );
        vec![Step::Log { level: "info", text }, Step::RetryIn { run: self.run, after: wait }]
    }

    /// Returns which start of the worker is the current one; 0 before the first.
    pub(crate) fn run(&self) -> u64 {
        self.run
    }

    /// Whether a worker is ready and takes commands.
    pub(crate) fn is_working(&self) -> bool {
        self.phase == Phase::Working
    }

    /// The worker was started; its first metric point will have this index.
    pub(crate) fn launched(&mut self, next_index: u64) {
        self.next_index = next_index;
    }

    /// The worker could not be started.
    pub(crate) fn launch_failed(&mut self, failure: Failure, now_ms: u64) -> Vec<Step> {
        self.after_failure(failure, now_ms)
    }

    /// What the worker needs is on nodes that are not reached now: no failure of this session, so none is counted.
    pub(crate) fn launch_delayed(&mut self, why: &str, after: Duration) -> Vec<Step> {
        self.phase = Phase::Waiting;
        let text = format!("{why}; trying again in {} s", after.as_secs());
        vec![Step::Log { level: "warn", text }, Step::RetryIn { run: self.run, after }]
    }

    /// A checkpoint counts from now on.
    pub(crate) fn committed(&mut self) {
        self.committed = true;
    }

    /// What the worker produced could not be kept.
    pub(crate) fn keep_failed(&mut self, text: String) {
        self.result = None;
        self.fault = Some(Failure { kind: FailureKind::Passing, text });
    }

    /// Something else is wanted from now on.
    pub(crate) fn wished(&mut self, wish: Wish) -> Vec<Step> {
        let before = std::mem::replace(&mut self.wish, wish);
        if self.time.over().is_some() {
            // It is being ended already.
            return Vec::new();
        }
        if before == wish {
            return self.told_again();
        }
        match (self.phase, wish) {
            (Phase::Ended, _)
            | (Phase::Launching { .. }, Wish::Run | Wish::Pause)
            | (Phase::Waiting, Wish::Run) => Vec::new(),
            (Phase::Idle | Phase::Waiting, Wish::Stop) => {
                self.conclude_stopped("stopped while no worker was running")
            }
            (Phase::Idle | Phase::Waiting, Wish::Pause) => {
                self.phase = Phase::Idle;
                vec![show(
                    SessionState::Paused,
                    "paused without a worker; it starts on resume",
                    "host",
                )]
            }
            (Phase::Idle, Wish::Run) => {
                let reason = "resumed; its worker is gone and starts from the last checkpoint";
                let mut steps = vec![show(SessionState::Recovering, reason, "host")];
                steps.extend(self.launch("starting its worker again"));
                steps
            }
            (Phase::Launching { introduced: false }, Wish::Stop) => {
                vec![Step::EndWithin(Duration::ZERO)]
            }
            (Phase::Launching { introduced: true } | Phase::Working, Wish::Stop) => {
                vec![Step::StopWorker]
            }
            (Phase::Working, Wish::Pause) => vec![Step::Send(WorkerCommand::Pause)],
            (Phase::Working, Wish::Run) => {
                let mut steps = vec![Step::Idle(false), Step::Send(WorkerCommand::Resume)];
                if !self.standing {
                    let reason = "resumed before it stood still";
                    steps.push(show(SessionState::Running, reason, "host"));
                }
                steps
            }
        }
    }

    /// The same wish again: commands in between were not seen, and what is shown may be theirs.
    fn told_again(&self) -> Vec<Step> {
        match (self.phase, self.wish) {
            (Phase::Working, Wish::Pause) if self.standing => {
                vec![show(SessionState::Paused, "stands still", "worker")]
            }
            (Phase::Working, Wish::Run) if !self.standing => {
                vec![show(SessionState::Running, "goes on", "worker")]
            }
            _ => Vec::new(),
        }
    }

    /// A person asks for a checkpoint.
    pub(crate) fn checkpoint_asked(&self) -> Vec<Step> {
        if self.phase == Phase::Working {
            return vec![Step::Send(WorkerCommand::Checkpoint)];
        }
        let text = "a checkpoint was asked for while no worker was running; the last one stands"
            .to_owned();
        vec![Step::Log { level: "info", text }]
    }

    /// The pause before a retry is over.
    pub(crate) fn retry_due(&mut self, run: u64) -> Vec<Step> {
        if self.phase == Phase::Waiting && run == self.run {
            return self.launch("starting its worker again");
        }
        Vec::new()
    }

    /// The worker said something.
    pub(crate) fn heard(&mut self, run: u64, event: WorkerEvent, now_ms: u64) -> Vec<Step> {
        if run != self.run || matches!(self.phase, Phase::Idle | Phase::Waiting | Phase::Ended) {
            return Vec::new();
        }
        match event {
            WorkerEvent::Hello { proto_min, proto_max, build, libtorch, devices } => {
                if proto_max < PROTOCOL_MIN || PROTOCOL_MAX < proto_min {
                    let text = format!(
                        "it speaks protocol {proto_min} to {proto_max}, this node {PROTOCOL_MIN} to {PROTOCOL_MAX}"
                    );
                    return vec![Step::Kill(Cause::Protocol(text))];
                }
                self.phase = Phase::Launching { introduced: true };
                vec![Step::Introduce { build, libtorch, devices }]
            }
            WorkerEvent::Confined { limits } => vec![Step::Confined(limits)],
            WorkerEvent::Ready => self.ready(now_ms),
            WorkerEvent::Progress(progress) => vec![Step::Progress(progress)],
            WorkerEvent::Metrics(points) => {
                let first_index = self.next_index;
                self.next_index = first_index.saturating_add(points.len() as u64);
                vec![Step::Record { first_index, points }]
            }
            WorkerEvent::Log { level, text } => vec![Step::WorkerLog { level, text }],
            WorkerEvent::CheckpointWritten(checkpoint) => vec![Step::Commit(checkpoint)],
            WorkerEvent::Paused if self.wish == Wish::Pause => {
                self.standing = true;
                vec![Step::Idle(true), show(SessionState::Paused, "stands still", "worker")]
            }
            WorkerEvent::Resumed if self.wish == Wish::Run => {
                self.standing = false;
                vec![Step::Idle(false), show(SessionState::Running, "goes on", "worker")]
            }
            WorkerEvent::Resumed => {
                self.standing = false;
                Vec::new()
            }
            WorkerEvent::Paused | WorkerEvent::Pong { .. } => Vec::new(),
            WorkerEvent::Fault { kind, text, restartable } => {
                let failure = retry::of_fault(&kind, &text, restartable);
                let text = failure.text.clone();
                self.fault.get_or_insert(failure);
                vec![Step::Log { level: "error", text }, Step::EndWithin(EXIT_GRACE)]
            }
            WorkerEvent::Done(result) => {
                self.result = Some(result.clone());
                vec![Step::Keep(result), Step::EndWithin(EXIT_GRACE)]
            }
        }
    }

    /// The worker is gone.
    pub(crate) fn ended(&mut self, run: u64, end: &WorkerEnd, now_ms: u64) -> Vec<Step> {
        if run != self.run || matches!(self.phase, Phase::Idle | Phase::Waiting | Phase::Ended) {
            return Vec::new();
        }
        if let Some(result) = self.result.take() {
            let stopped = matches!(result, WorkerResult::Training { stopped: true, .. });
            if !stopped {
                return self.conclude(SessionState::Completed, "did all its work", None);
            }
            let why = self.time.over().map(str::to_owned);
            let why = why.or((self.wish == Wish::Stop).then(|| "stopped on request".to_owned()));
            if let Some(why) = why {
                let reason = format!("{why}; its best model is kept");
                return self.conclude(SessionState::Stopped, &reason, None);
            }
            let text = "the worker stopped although nobody asked for it".to_owned();
            return self.after_failure(Failure { kind: FailureKind::Passing, text }, now_ms);
        }
        let forced = end.signal.is_some() || end.cause.is_some();
        if let Some(reason) = self.time.over().map(str::to_owned) {
            let when = if forced { "and its worker was killed" } else { "and its worker ended" };
            return self.conclude_over(&reason, when);
        }
        if self.wish == Wish::Stop {
            return self.conclude_stopped(if forced {
                "stopped on request; the worker did not end in time and was killed"
            } else {
                "stopped on request"
            });
        }
        let failure = self.fault.take().unwrap_or_else(|| of_end(end));
        self.after_failure(failure, now_ms)
    }

    fn ready(&mut self, now_ms: u64) -> Vec<Step> {
        self.phase = Phase::Working;
        self.ready_at_ms = Some(now_ms);
        let mut steps =
            vec![show(SessionState::Running, "its inputs are read and checked", "worker")];
        steps.extend(self.time_begins());
        match self.wish {
            Wish::Run => {}
            Wish::Pause => {
                steps.push(show(
                    SessionState::Pausing,
                    "a pause was asked for while it started",
                    "host",
                ));
                steps.push(Step::Send(WorkerCommand::Pause));
            }
            Wish::Stop => steps.push(Step::StopWorker),
        }
        steps
    }

    fn launch(&mut self, reason: &str) -> Vec<Step> {
        self.run += 1;
        self.phase = Phase::Launching { introduced: false };
        self.ready_at_ms = None;
        self.committed = false;
        self.fault = None;
        self.result = None;
        self.standing = false;
        vec![show(SessionState::Starting, reason, "host"), Step::Launch { run: self.run }]
    }

    fn after_failure(&mut self, failure: Failure, now_ms: u64) -> Vec<Step> {
        let ran = Duration::from_millis(self.ready_at_ms.map_or(0, |at| now_ms.saturating_sub(at)));
        if failure.kind != FailureKind::Memory {
            self.retry_count =
                retry::carried_count(&self.policy, self.retry_count, ran, self.committed);
        }
        let decision = retry::decide(&self.policy, self.retry_count, &failure);
        let unread = failure.kind == FailureKind::Checkpoint && self.ready_at_ms.is_none();
        let text = failure.text;
        let log = Step::Log { level: "error", text: text.clone() };
        match decision {
            Decision::GiveUp { reason } => {
                let mut steps = vec![log];
                steps.extend(self.conclude(
                    SessionState::Failed,
                    &format!("{text}; {reason}"),
                    Some(text.clone()),
                ));
                steps
            }
            Decision::Retry { .. } if self.wish == Wish::Pause => {
                self.phase = Phase::Idle;
                let reason =
                    "paused without a worker; it starts from its last checkpoint on resume";
                let mut steps =
                    vec![log, recovering(&text, None), show(SessionState::Paused, reason, "host")];
                steps.extend(unread.then_some(Step::Distrust));
                steps
            }
            Decision::Retry { attempt, after } => {
                self.retry_count = attempt;
                self.phase = Phase::Waiting;
                let reason = format!(
                    "{text}; retry {attempt} of {} in {:.1} s",
                    self.policy.retries_max,
                    after.as_secs_f64()
                );
                let mut steps = vec![
                    log,
                    Step::NoteRetry { retry_count: attempt, error: text.clone(), after },
                    recovering(&reason, Some((attempt, text))),
                    Step::RetryIn { run: self.run, after },
                ];
                steps.extend(unread.then_some(Step::Distrust));
                steps
            }
        }
    }

    fn conclude_stopped(&mut self, reason: &str) -> Vec<Step> {
        self.conclude(SessionState::Stopped, reason, None)
    }

    fn conclude(&mut self, to: SessionState, reason: &str, error: Option<String>) -> Vec<Step> {
        self.phase = Phase::Ended;
        vec![Step::Conclude { to, reason: reason.to_owned(), error }]
    }
}

fn show(to: SessionState, reason: &str, actor: &'static str) -> Step {
    Step::Show { to, reason: reason.to_owned(), actor, retry_count: None, error: None }
}

fn recovering(reason: &str, failed: Option<(u32, String)>) -> Step {
    let (retry_count, error) =
        failed.map_or((None, None), |(count, error)| (Some(count), Some(error)));
    Step::Show {
        to: SessionState::Recovering,
        reason: reason.to_owned(),
        actor: "host",
        retry_count,
        error,
    }
}

/// Classifies the end of a worker that sent neither result nor fault.
fn of_end(end: &WorkerEnd) -> Failure {
    let passing = |text: &str| Failure { kind: FailureKind::Passing, text: text.to_owned() };
    match &end.cause {
        Some(Cause::NoHello) => passing("worker did not say hello in time and was killed"),
        Some(Cause::Silent) => passing("worker sent nothing for too long and was killed"),
        Some(Cause::Stalled) => passing("worker made no progress for too long and was killed"),
        Some(Cause::Overdue) => passing("worker did not end in time and was killed"),
        Some(Cause::Disowned) => passing("worker was killed because its session was restarted"),
        Some(Cause::Memory(Overrun { used_mib, limit_mib })) => Failure {
            kind: FailureKind::Memory,
            text: format!(
                "out of memory: used {used_mib} of {limit_mib} MiB. Start the session again with more memory \
                 (resources.memory_mib), or lower replay_capacity, batch_size or hidden"
            ),
        },
        Some(Cause::Protocol(text)) => Failure {
            kind: FailureKind::Protocol,
            text: format!("worker sent something that is no frame of ours: {text}"),
        },
        None => retry::of_exit(end.code, end.signal),
    }
}

#[cfg(test)]
#[path = "course_tests.rs"]
mod tests;
