//! The socket: commands in, events out, each on its own thread, so that learning never waits for a slow reader.
//!
//! ```text
//! loop ──send──► queue (metric points merged, at most 200 000) ──writer──► socket, metrics at most 10 frames/s
//! socket ──reader──► Control (wishes, lease), Pong ──► queue
//! ```
//! One queue in one order: points are written before the `CheckpointWritten` that counts them and before `Done`.
//! Nothing is dropped. Progress is not queued: the writer sends the newest one every 400 ms, also while the loop is
//! busy with something long, so silence always means that the process is gone or frozen.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::session::protocol::{
    FRAME_BYTES_MAX, MetricPoint, Progress, WorkerCommand, WorkerEvent,
};
use store::codec::frame;

use super::control::Control;
use super::wire;
use crate::error::TrainerError;

/// Points in one frame at most.
const POINTS_PER_FRAME: usize = 8_192;
/// Points that wait at most; then the loop waits for the node to read.
const POINTS_WAITING: usize = 200_000;
const METRIC_INTERVAL: Duration = Duration::from_millis(100);
const PROGRESS_INTERVAL: Duration = Duration::from_millis(400);

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<WorkerEvent>,
    points: usize,
    progress: Option<Progress>,
    closing: bool,
    broken: bool,
}

/// The loop's end of the queue.
#[derive(Debug, Clone, Default)]
pub struct Outbox {
    shared: Arc<(Mutex<Queue>, Condvar)>,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues one event.
    pub fn send(&self, event: WorkerEvent) {
        self.lock().events.push_back(event);
        self.shared.1.notify_all();
    }

    /// Queues a line for the session's log.
    pub fn log(&self, level: &str, text: impl Into<String>) {
        let text = text.into().replace('\n', " · ");
        self.send(WorkerEvent::Log { level: level.to_owned(), text });
    }

    /// Queues points behind everything before them. Waits while too many are waiting.
    pub fn metrics(&self, points: Vec<MetricPoint>) {
        let mut queue = self.lock();
        while queue.points >= POINTS_WAITING && !queue.broken {
            queue = self.shared.1.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.points += points.len();
        match queue.events.back_mut() {
            Some(WorkerEvent::Metrics(last)) if last.len() + points.len() <= POINTS_PER_FRAME => {
                last.extend(points)
            }
            Some(_) | None => queue.events.push_back(WorkerEvent::Metrics(points)),
        }
        self.shared.1.notify_all();
    }

    /// Replaces the progress that is sent next.
    pub fn progress(&self, progress: &Progress) {
        match &mut self.lock().progress {
            Some(current) => current.clone_from(progress),
            empty @ None => *empty = Some(progress.clone()),
        }
    }

    /// Changes the phase of the progress that is sent next.
    pub fn show_phase(&self, phase: &str) {
        if let Some(progress) = &mut self.lock().progress {
            phase.clone_into(&mut progress.phase);
        }
    }

    /// Stops progress frames.
    pub fn end_progress(&self) {
        self.lock().progress = None;
    }
}

/// Both threads of the socket.
#[derive(Debug)]
pub struct Channel {
    /// Where events go.
    pub outbox: Outbox,
    writer: JoinHandle<()>,
}

impl Channel {
    /// Starts reading and writing.
    ///
    /// # Errors
    /// The system gives no second handle or no thread.
    pub fn open(socket: UnixStream, control: &Arc<Control>) -> Result<Self, TrainerError> {
        let failed = |error: std::io::Error| {
            TrainerError::Internal(format!("the socket's threads cannot start: {error}"))
        };
        let outbox = Outbox::default();
        let reading = socket.try_clone().map_err(failed)?;
        let (for_reader, replies) = (Arc::clone(control), outbox.clone());
        std::thread::Builder::new()
            .name("worker-read".to_owned())
            .spawn(move || read(reading, &for_reader, &replies))
            .map_err(failed)?;
        let (for_writer, queue) = (Arc::clone(control), outbox.clone());
        let writer = std::thread::Builder::new()
            .name("worker-write".to_owned())
            .spawn(move || write(socket, &for_writer, &queue))
            .map_err(failed)?;
        Ok(Self { outbox, writer })
    }

    /// Writes everything that waits, then ends; gives up after `patience`. Returns whether all of it was written.
    #[must_use]
    pub fn close(self, patience: Duration) -> bool {
        self.outbox.lock().closing = true;
        self.outbox.shared.1.notify_all();
        let deadline = Instant::now() + patience;
        while !self.writer.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.writer.is_finished() && !self.outbox.lock().broken
    }
}

/// Returns the socket that the node passed as standard input.
///
/// # Errors
/// Standard input is something else: the program was started by hand.
pub fn socket_from_stdin() -> Result<UnixStream, TrainerError> {
    let by_hand = |what: String| {
        TrainerError::Protocol(format!(
            "tm-worker is started by a node, with a Unix socket as standard input ({what}). Start a node: tm node start"
        ))
    };
    let stdin = std::io::stdin();
    let family =
        rustix::net::sockopt::socket_domain(&stdin).map_err(|error| by_hand(error.to_string()))?;
    if family != rustix::net::AddressFamily::UNIX {
        return Err(by_hand("it is another kind of socket".to_owned()));
    }
    let owned = stdin.as_fd().try_clone_to_owned().map_err(|error| by_hand(error.to_string()))?;
    Ok(UnixStream::from(owned))
}

fn read(mut socket: UnixStream, control: &Control, replies: &Outbox) {
    loop {
        let failure = match frame::read(&mut socket, FRAME_BYTES_MAX) {
            Ok(Some(payload)) => match wire::decode(&payload) {
                Ok(WorkerCommand::Ping { nonce }) => {
                    replies.send(WorkerEvent::Pong { nonce });
                    continue;
                }
                Ok(command) => {
                    control.take(command);
                    continue;
                }
                Err(error) => {
                    TrainerError::Protocol(format!("a frame from the node cannot be read: {error}"))
                }
            },
            Ok(None) | Err(frame::FrameError::Io(_)) => TrainerError::Lease(
                "the node closed the connection: nobody may be working for it any more".to_owned(),
            ),
            Err(error) => {
                TrainerError::Protocol(format!("the node's frames cannot be read: {error}"))
            }
        };
        control.fail(failure);
        return;
    }
}

/// What the writing thread does next.
enum Next {
    Write(WorkerEvent),
    End,
}

fn write(mut socket: UnixStream, control: &Control, outbox: &Outbox) {
    let mut pace = Pace::new(Instant::now());
    while let Next::Write(event) = next(outbox, &mut pace) {
        let sent = wire::encode(event).map_err(|error| error.to_string()).and_then(|payload| {
            frame::write(&mut socket, &payload).map_err(|error| error.to_string())
        });
        if let Err(reason) = sent {
            outbox.lock().broken = true;
            outbox.shared.1.notify_all();
            control.fail(TrainerError::Lease(format!("the node does not read any more: {reason}")));
            return;
        }
    }
}

fn next(outbox: &Outbox, pace: &mut Pace) -> Next {
    let mut queue = outbox.lock();
    loop {
        let now = Instant::now();
        // Behind everything but points: `Ready` comes first, `Paused` before the progress that shows it.
        let calm = matches!(queue.events.front(), None | Some(WorkerEvent::Metrics(_)));
        if let Some(progress) = queue.progress.as_ref().filter(|_| calm && pace.progress_due(now)) {
            return Next::Write(WorkerEvent::Progress(pace.rated(progress, now)));
        }
        match queue.events.front() {
            // Points wait a moment for company, unless something is queued behind them.
            Some(WorkerEvent::Metrics(_))
                if queue.events.len() == 1 && !queue.closing && !pace.metrics_due(now) => {}
            Some(_) => {
                let Some(event) = queue.events.pop_front() else { continue };
                if let WorkerEvent::Metrics(points) = &event {
                    queue.points = queue.points.saturating_sub(points.len());
                    pace.metrics_at = now;
                    outbox.shared.1.notify_all();
                }
                return Next::Write(event);
            }
            None if queue.closing => return Next::End,
            None => {}
        }
        queue = outbox
            .shared
            .1
            .wait_timeout(queue, METRIC_INTERVAL)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
}

/// When what was sent last, and how fast the loop moves.
struct Pace {
    metrics_at: Instant,
    progress_at: Option<Instant>,
    /// Steps and times of the last second, for the rate.
    marks: VecDeque<(Instant, u64)>,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self { metrics_at: now, progress_at: None, marks: VecDeque::new() }
    }

    fn metrics_due(&self, now: Instant) -> bool {
        METRIC_INTERVAL <= now.duration_since(self.metrics_at)
    }

    fn progress_due(&self, now: Instant) -> bool {
        self.progress_at.is_none_or(|at| PROGRESS_INTERVAL <= now.duration_since(at))
    }

    #[expect(clippy::cast_precision_loss, reason = "steps of one second")]
    fn rated(&mut self, progress: &Progress, now: Instant) -> Progress {
        self.progress_at = Some(now);
        self.marks.push_back((now, progress.step));
        while self.marks.len() > 2 && now.duration_since(self.marks[1].0) > Duration::from_secs(1) {
            self.marks.pop_front();
        }
        let (since, from) = self.marks[0];
        let seconds = now.duration_since(since).as_secs_f64();
        let rate =
            if seconds > 0.0 { progress.step.saturating_sub(from) as f64 / seconds } else { 0.0 };
        Progress { steps_per_second: rate, ..progress.clone() }
    }
}

#[cfg(test)]
mod tests {
    use store::codec;

    use super::super::wire::EventRecord;
    use super::*;

    fn point(step: u64) -> MetricPoint {
        MetricPoint { name: "loss".to_owned(), step, value: Some(0.5) }
    }

    #[test]
    fn points_are_written_in_order_before_the_event_behind_them_and_none_is_lost() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let control = Arc::new(Control::default());
        let channel = Channel::open(ours, &control).unwrap();
        let reader = std::thread::spawn(move || {
            let mut theirs = theirs;
            let mut events = Vec::new();
            while let Some(payload) = frame::read(&mut theirs, FRAME_BYTES_MAX).unwrap() {
                let event = codec::decode::<EventRecord>(&payload).unwrap().0;
                let last = matches!(event, WorkerEvent::Pong { nonce: 2 });
                events.push(event);
                if last {
                    break;
                }
            }
            events
        });
        for step in 0..50_000 {
            channel.outbox.metrics(vec![point(step)]);
            if step == 30_000 {
                channel.outbox.send(WorkerEvent::Pong { nonce: 1 });
            }
        }
        channel.outbox.send(WorkerEvent::Pong { nonce: 2 });
        assert!(channel.close(Duration::from_secs(20)));
        let mut seen = 0;
        for event in reader.join().unwrap() {
            if let WorkerEvent::Metrics(points) = event {
                for point in points {
                    assert_eq!(point.step, seen);
                    seen += 1;
                }
            } else if event == (WorkerEvent::Pong { nonce: 1 }) {
                assert_eq!(seen, 30_001, "the points before it came first");
            }
        }
        assert_eq!(seen, 50_000);
    }

    #[test]
    fn a_closed_peer_ends_the_session() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let control = Arc::new(Control::default());
        let channel = Channel::open(ours, &control).unwrap();
        drop(theirs);
        let error = control.wait_for_start(Duration::from_secs(10)).unwrap_err();
        assert_eq!(error.exit_code(), 76);
        channel.outbox.send(WorkerEvent::Ready);
        assert!(!channel.close(Duration::from_secs(10)), "nobody read the last event");
    }

    #[test]
    fn a_peer_that_reads_no_more_is_noticed_when_the_channel_closes() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let channel = Channel::open(ours, &Arc::new(Control::default())).unwrap();
        for step in 0..50_000 {
            channel.outbox.metrics(vec![point(step)]);
        }
        channel.outbox.send(WorkerEvent::Ready);
        assert!(!channel.close(Duration::from_millis(300)), "the socket takes less than that");
        drop(theirs);
    }
}
