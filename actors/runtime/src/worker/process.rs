//! One worker process: start, frames in both directions, watch, end. Never blocks the actor that owns it.
//!
//! Requires: the owner handles every [`Notice`] soon, for each holds a credit and the reader waits when none is left.
//! Dropping [`Worker`] kills the process and everything in its group.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use engine::session::protocol::{FRAME_BYTES_MAX, WorkerCommand, WorkerEvent};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::limits::memory::Overrun;
use super::limits::{Grant, Limiter, Prepared};
use super::records::{CommandRecord, EventRecord};
use super::spawner::Spawner;
use super::{WorkerProgram, WorkerTimes, lines};
use crate::clock::Clock;
use crate::views::LimitView;

/// Frames that may wait for the owner.
const NOTICES_MAX: usize = 64;
/// Commands that may wait for the worker.
const COMMANDS_MAX: usize = 64;
/// How long the last frames and lines of a process that ended are waited for.
const DRAIN: Duration = Duration::from_secs(2);
/// How often silence is looked for, and memory where the kernel does not watch it: one thread touches about 100 MiB in
/// between.
const WATCH_EVERY: Duration = Duration::from_millis(100);

/// What the owner is told.
#[derive(Debug)]
pub(crate) struct Notice {
    /// Which start of the process this belongs to.
    pub(crate) run: u64,
    /// What.
    pub(crate) what: What,
    /// Given back when the notice was handled.
    pub(crate) credit: Option<OwnedSemaphorePermit>,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum What {
    /// A frame came.
    Event(WorkerEvent),
    /// Lines came on stdout or stderr.
    Lines(Vec<String>),
    /// The process is gone; nothing follows.
    Ended(WorkerEnd),
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkerEnd {
    /// Exit code, when it exited.
    pub(crate) code: Option<i32>,
    /// Signal, when it was killed.
    pub(crate) signal: Option<i32>,
    /// Why we killed it, when we did.
    pub(crate) cause: Option<Cause>,
}

/// Why a process was killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It did not say hello.
    NoHello,
    /// It sent nothing.
    Silent,
    /// It sent nothing about its work.
    Stalled,
    /// It sent something that is no frame of ours.
    Protocol(String),
    /// It did not end in the time it was given.
    Overdue,
    /// It held more memory than was reserved; the kernel or we ended it.
    Memory(Overrun),
    /// Nobody owns it any more.
    Disowned,
}

/// What is needed to start a worker.
pub(crate) struct Launch {
    /// Which start this is; comes back in every notice.
    pub(crate) run: u64,
    /// The program.
    pub(crate) program: WorkerProgram,
    /// What it may use and see.
    pub(crate) grant: Grant,
    /// What enforces that.
    pub(crate) limiter: Arc<Limiter>,
    /// How long it may take for what.
    pub(crate) times: WorkerTimes,
    /// Boot time for leases.
    pub(crate) clock: Arc<dyn Clock>,
    /// Takes notices; returns `false` when nobody listens any more.
    pub(crate) deliver: Arc<dyn Fn(Notice) -> bool + Send + Sync>,
}

/// A running worker, owned by its session.
#[derive(Debug)]
pub(crate) struct Worker {
    /// Process id.
    pub(crate) pid: u32,
    /// What limits it from the node's side.
    pub(crate) limits: Vec<LimitView>,
    commands: mpsc::Sender<WorkerCommand>,
    orders: mpsc::Sender<Order>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
enum Order {
    /// End within this time, then be ended.
    EndWithin(Duration),
    /// End now.
    Kill(Cause),
}

#[derive(Debug, Default)]
struct Shared {
    heard: AtomicBool,
    last_frame_ms: AtomicU64,
    last_work_ms: AtomicU64,
    idle: AtomicBool,
}

impl Worker {
    /// Queues a command; `false` when the worker does not take commands any more.
    pub(crate) fn send(&self, command: WorkerCommand) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// Asks the worker to end in good order and ends it otherwise.
    pub(crate) fn stop(&self, times: &WorkerTimes) {
        let deadline_ms = u64::try_from(times.stop.as_millis()).unwrap_or(u64::MAX);
        if !self.send(WorkerCommand::Stop { deadline_ms }) {
            tracing::debug!(pid = self.pid, "worker takes no commands; it is ended by signal");
        }
        self.end_within(times.stop);
    }

    /// Gives the process this long to end by itself.
    pub(crate) fn end_within(&self, limit: Duration) {
        self.order(Order::EndWithin(limit));
    }

    /// Kills the process.
    pub(crate) fn kill(&self, cause: Cause) {
        self.order(Order::Kill(cause));
    }

    /// Says whether it is allowed to report no work (while paused).
    pub(crate) fn set_idle(&self, idle: bool) {
        self.shared.idle.store(idle, Ordering::Relaxed);
    }

    fn order(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            tracing::debug!(pid = self.pid, "worker has ended already or is being ended");
        }
    }
}

/// Starts a worker.
///
/// # Errors
/// Returns what the system says about the program or the socket.
pub(crate) async fn start(spawner: &Spawner, launch: Launch) -> std::io::Result<Worker> {
    let mut limits = launch.limiter.prepare(&launch.grant);
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let stream = UnixStream::from_std(ours)?;
    let mut command = Command::new(&launch.program.path);
    command
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .envs(limits.environment())
        .envs(&launch.program.env);
    let child = spawner.spawn(command).await?;
    let pid =
        child.id().ok_or_else(|| std::io::Error::other("the worker ended before it began"))?;
    let group = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| std::io::Error::other("the worker has no process id"))?;
    // Before `Start` is sent: it has read nothing and done no work yet.
    limits.enter(group, &launch.grant);
    Ok(attend(child, limits, stream, launch, group))
}

/// Starts the tasks that look after a process: writer, reader, two pipes, watch.
fn attend(
    mut child: Child,
    limits: Prepared,
    stream: UnixStream,
    launch: Launch,
    group: Pid,
) -> Worker {
    let told = limits.told();
    let (commands, outgoing) = mpsc::channel(COMMANDS_MAX);
    let (orders, orders_in) = mpsc::channel(8);
    let shared = Arc::new(Shared::default());
    let now = launch.clock.boot_ms();
    shared.last_frame_ms.store(now, Ordering::Relaxed);
    shared.last_work_ms.store(now, Ordering::Relaxed);
    let launch = Arc::new(launch);
    let (incoming, outgoing_half) = stream.into_split();
    let pipes = [
        child.stdout.take().map(|pipe| tokio::spawn(lines::forward(pipe, Arc::clone(&launch)))),
        child.stderr.take().map(|pipe| tokio::spawn(lines::forward(pipe, Arc::clone(&launch)))),
    ];
    let writer = tokio::spawn(write(outgoing_half, outgoing, Arc::clone(&launch)));
    let reader =
        tokio::spawn(read(incoming, Arc::clone(&launch), Arc::clone(&shared), orders.downgrade()));
    let mut readers: Vec<JoinHandle<()>> = pipes.into_iter().flatten().collect();
    readers.push(reader);
    let watched = Watched {
        child,
        group,
        orders: orders_in,
        shared: Arc::clone(&shared),
        readers,
        writer,
        limits,
    };
    tokio::spawn(watch(watched, launch));
    Worker {
        pid: group.as_raw_nonzero().get().unsigned_abs(),
        limits: told,
        commands,
        orders,
        shared,
    }
}

/// Sends commands, leases and pings. Waits for nothing but the worker.
async fn write(
    mut stream: OwnedWriteHalf,
    mut commands: mpsc::Receiver<WorkerCommand>,
    launch: Arc<Launch>,
) {
    let mut lease = interval(launch.times.lease_every);
    lease.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let lease_ms = u64::try_from(launch.times.lease.as_millis()).unwrap_or(u64::MAX);
    let mut nonce = 0_u64;
    // The first frame is the owner's (`Start`).
    let Some(first) = commands.recv().await else { return };
    if write_frame(&mut stream, first).await.is_err() {
        return;
    }
    loop {
        let written = tokio::select! {
            command = commands.recv() => match command {
                Some(command) => write_frame(&mut stream, command).await,
                None => return,
            },
            _ = lease.tick() => {
                nonce = nonce.wrapping_add(1);
                let until_ms = launch.clock.boot_ms().saturating_add(lease_ms);
                match write_frame(&mut stream, WorkerCommand::Lease { until_ms }).await {
                    Ok(()) => write_frame(&mut stream, WorkerCommand::Ping { nonce }).await,
                    Err(error) => Err(error),
                }
            }
        };
        if written.is_err() {
            return;
        }
    }
}

async fn write_frame(stream: &mut OwnedWriteHalf, command: WorkerCommand) -> std::io::Result<()> {
    let payload = store::codec::encode(&CommandRecord(command)).map_err(std::io::Error::other)?;
    let header = store::codec::frame::header(payload.len(), FRAME_BYTES_MAX)
        .map_err(std::io::Error::other)?;
    stream.write_all(&header).await?;
    stream.write_all(&payload).await
}

/// Reads frames until the worker closes its end; each waits for a credit.
async fn read(
    mut stream: OwnedReadHalf,
    launch: Arc<Launch>,
    shared: Arc<Shared>,
    orders: mpsc::WeakSender<Order>,
) {
    let credits = Arc::new(Semaphore::new(NOTICES_MAX));
    loop {
        let payload = match read_frame(&mut stream).await {
            Ok(Some(payload)) => payload,
            Ok(None) => return,
            Err(text) => return refuse(&orders, text),
        };
        let event = match store::codec::decode::<EventRecord>(&payload) {
            Ok(EventRecord(event)) => event,
            Err(error) => return refuse(&orders, error.to_string()),
        };
        let now = launch.clock.boot_ms();
        let first = !shared.heard.swap(true, Ordering::Relaxed);
        if first != matches!(event, WorkerEvent::Hello { .. }) {
            return refuse(&orders, "the first frame and only the first is a hello".to_owned());
        }
        shared.last_frame_ms.store(now, Ordering::Relaxed);
        if !matches!(event, WorkerEvent::Pong { .. } | WorkerEvent::Log { .. }) {
            shared.last_work_ms.store(now, Ordering::Relaxed);
        }
        let Ok(credit) = Arc::clone(&credits).acquire_owned().await else { return };
        // The wait for a credit was ours, not the worker's silence.
        shared.last_frame_ms.store(launch.clock.boot_ms(), Ordering::Relaxed);
        let notice = Notice { run: launch.run, what: What::Event(event), credit: Some(credit) };
        if !(launch.deliver)(notice) {
            return;
        }
    }
}

fn refuse(orders: &mpsc::WeakSender<Order>, text: String) {
    if let Some(orders) = orders.upgrade()
        && orders.try_send(Order::Kill(Cause::Protocol(text))).is_err()
    {
        tracing::debug!("a broken worker is being ended already");
    }
}

/// Returns the next frame, or nothing when the stream ended (also inside a frame: the process died while writing).
///
/// # Errors
/// Refuses a frame over the limit before reading it.
async fn read_frame(stream: &mut OwnedReadHalf) -> Result<Option<Vec<u8>>, String> {
    let mut header = [0_u8; store::codec::frame::FRAME_HEADER_BYTES];
    if stream.read_exact(&mut header).await.is_err() {
        return Ok(None);
    }
    let length = store::codec::frame::payload_len(header, FRAME_BYTES_MAX)
        .map_err(|error| error.to_string())?;
    let mut payload = vec![0_u8; length];
    if stream.read_exact(&mut payload).await.is_err() {
        return Ok(None);
    }
    Ok(Some(payload))
}

/// What is watched until a process has ended.
struct Watched {
    child: Child,
    group: Pid,
    orders: mpsc::Receiver<Order>,
    shared: Arc<Shared>,
    /// Those that read what it still has to say.
    readers: Vec<JoinHandle<()>>,
    writer: JoinHandle<()>,
    /// Hold until it is gone.
    limits: Prepared,
}

/// Waits for the end of the process and brings it about where it is due.
async fn watch(watched: Watched, launch: Arc<Launch>) {
    let Watched { mut child, group, mut orders, shared, readers, writer, limits } = watched;
    let mut tick = interval(WATCH_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut cause: Option<Cause> = None;
    let mut deadline: Option<(Instant, Signal)> = None;
    let status = loop {
        let due =
            deadline.map_or_else(|| Instant::now() + Duration::from_secs(3_600), |(at, _)| at);
        tokio::select! {
            status = child.wait() => break status,
            order = orders.recv(), if cause.is_none() => match order {
                Some(Order::EndWithin(limit)) => deadline = Some((Instant::now() + limit, Signal::TERM)),
                Some(Order::Kill(why)) => { cause = Some(why); signal(group, Signal::KILL); }
                None => { cause = Some(Cause::Disowned); signal(group, Signal::KILL); }
            },
            _ = tick.tick(), if cause.is_none() => if let Some(why) =
                limits.look(group).map(Cause::Memory).or_else(|| overdue(&shared, &launch))
            {
                cause = Some(why);
                signal(group, Signal::KILL);
            },
            () = sleep_until(due), if deadline.is_some() => if let Some((_, which)) = deadline {
                signal(group, which);
                let term = which == Signal::TERM;
                if !term { cause = cause.or(Some(Cause::Overdue)); }
                deadline = term.then(|| (Instant::now() + launch.times.terminate, Signal::KILL));
            },
        }
    };
    // Whatever the worker left behind in its group ends with it; its pipes close then.
    signal(group, Signal::KILL);
    if let Some(overrun) = limits.killed_for() {
        cause = Some(Cause::Memory(overrun));
    }
    writer.abort();
    for mut task in readers {
        if timeout(DRAIN, &mut task).await.is_err() {
            task.abort();
        }
    }
    drop(limits);
    let end = WorkerEnd { cause, ..end_of(status.ok()) };
    if !(launch.deliver)(Notice { run: launch.run, what: What::Ended(end), credit: None }) {
        tracing::debug!("a worker ended and its session had ended before it");
    }
}

fn end_of(status: Option<ExitStatus>) -> WorkerEnd {
    WorkerEnd {
        code: status.and_then(|status| status.code()),
        signal: status.and_then(|status| status.signal()),
        cause: None,
    }
}

fn overdue(shared: &Shared, launch: &Launch) -> Option<Cause> {
    let now = launch.clock.boot_ms();
    let since =
        |at: &AtomicU64| Duration::from_millis(now.saturating_sub(at.load(Ordering::Relaxed)));
    let quiet = since(&shared.last_frame_ms);
    if !shared.heard.load(Ordering::Relaxed) {
        return (launch.times.hello < quiet).then_some(Cause::NoHello);
    }
    if launch.times.silence < quiet {
        return Some(Cause::Silent);
    }
    let idle = shared.idle.load(Ordering::Relaxed);
    (!idle && launch.times.stall < since(&shared.last_work_ms)).then_some(Cause::Stalled)
}

fn signal(group: Pid, signal: Signal) {
    if let Err(error) = kill_process_group(group, signal) {
        tracing::debug!(group = group.as_raw_nonzero().get(), %error, "process group is gone already");
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
