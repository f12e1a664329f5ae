//! One registered key: a bounded queue in front of its receiver.
//!
//! Messages are begun in the order in which they arrived; up to a number of them are worked on side by side, so that
//! a receiver which waits for its actor does not hold up the next message. A full lane refuses at once.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::{Future, FutureExt};
use tokio::sync::mpsc;
use tracing::Instrument;

use super::deadline::{Deadline, TTL_MAX_MS};
use super::envelope::Class;
use super::hub::{Answer, Core};
use super::refusal::Refused;
use super::{Received, Receiver};

/// What may wait for one receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneLimits {
    /// Messages in the queue.
    pub messages: usize,
    /// Of these, only for control.
    pub reserved: usize,
    /// Messages worked on side by side.
    pub side_by_side: usize,
    /// Bytes of payload in the queue and in work.
    pub bytes: usize,
}

impl Default for LaneLimits {
    fn default() -> Self {
        Self { messages: 1024, reserved: 128, side_by_side: 64, bytes: 8 << 20 }
    }
}

/// After how long a receiver that never answers is given up.
const WORK_MAX: Duration = Duration::from_millis(2 * TTL_MAX_MS as u64);
/// When an overloaded lane is worth another try, in ms.
const RETRY_AFTER_MS: u32 = 50;

/// A message on its way to a receiver.
pub(crate) struct Job {
    pub(crate) received: Received,
    pub(crate) deadline: Deadline,
    pub(crate) arrived_ms: u64,
    pub(crate) answer: Answer,
}

/// The way to one receiver.
pub(crate) struct Lane {
    queue: mpsc::Sender<Job>,
    receiver: Arc<dyn Receiver>,
    limits: LaneLimits,
    bytes: Arc<AtomicUsize>,
}

/// Gives back a lane's bytes when its message is done, however it ends.
struct Held {
    bytes: Arc<AtomicUsize>,
    held: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.bytes.fetch_sub(self.held, Ordering::AcqRel);
    }
}

impl Lane {
    /// Opens the way to `receiver`; its task ends when the lane is dropped and its queue is worked off.
    pub(crate) fn open(receiver: Arc<dyn Receiver>, core: Arc<Core>) -> Arc<Self> {
        let limits = receiver.limits();
        let (queue, jobs) = mpsc::channel(limits.messages.max(1));
        let bytes = Arc::new(AtomicUsize::new(0));
        let worker = Worker { receiver: Arc::clone(&receiver), core, bytes: Arc::clone(&bytes) };
        tokio::spawn(worker.run(jobs, limits.side_by_side.max(1)));
        Arc::new(Self { queue, receiver, limits, bytes })
    }

    /// Queues a message, or gives it back with why not.
    pub(crate) fn put(&self, job: Job) -> Result<(), Box<(Job, Refused)>> {
        let (schema, version) = (job.received.schema, job.received.version);
        if !self.receiver.accepts(schema, version) {
            return Err(Box::new((job, Refused::Unsupported { schema, version })));
        }
        let overloaded = Refused::Overloaded { retry_after_ms: RETRY_AFTER_MS };
        let reserved = match job.received.class {
            Class::Control => 0,
            Class::Normal => self.limits.reserved,
        };
        let size = job.received.payload.len();
        let held = self.bytes.fetch_add(size, Ordering::AcqRel) + size;
        if self.queue.capacity() <= reserved || held > self.limits.bytes {
            self.bytes.fetch_sub(size, Ordering::AcqRel);
            return Err(Box::new((job, overloaded)));
        }
        self.queue.try_send(job).map_err(|error| {
            self.bytes.fetch_sub(size, Ordering::AcqRel);
            match error {
                mpsc::error::TrySendError::Full(job) => Box::new((job, overloaded)),
                mpsc::error::TrySendError::Closed(job) => {
                    let key = job.received.key.clone();
                    Box::new((job, Refused::NotHere { key, owner: None }))
                }
            }
        })
    }
}

struct Worker {
    receiver: Arc<dyn Receiver>,
    core: Arc<Core>,
    bytes: Arc<AtomicUsize>,
}

impl Worker {
    async fn run(self, mut jobs: mpsc::Receiver<Job>, side_by_side: usize) {
        let mut working = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                Some(()) = working.next(), if !working.is_empty() => {}
                job = jobs.recv(), if working.len() < side_by_side => {
                    let Some(job) = job else { break };
                    let mut work = Box::pin(self.work(job));
                    // Begun here and now: what was queued first reaches the receiver first.
                    if poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await.is_pending() {
                        working.push(work);
                    }
                }
            }
        }
        while working.next().await.is_some() {}
    }

    async fn work(&self, job: Job) {
        let Job { received, deadline, arrived_ms, answer } = job;
        let _held = Held { bytes: Arc::clone(&self.bytes), held: received.payload.len() };
        let now_ms = self.core.now_ms();
        let waited_ms = now_ms.saturating_sub(arrived_ms);
        self.core.counters.waited(waited_ms);
        let about = received.about();
        if deadline.passed(now_ms) {
            let age_ms = received.age_ms.saturating_add(waited_ms);
            let late = Refused::DeadlineExceeded { age_ms, ttl_ms: received.ttl_ms };
            self.core.refuse(&about, answer, late);
            return;
        }
        let span = tracing::debug_span!("receive", key = %about.key, trace = %received.traceparent);
        let work = AssertUnwindSafe(async { self.receiver.receive(received).await });
        let outcome = tokio::time::timeout(WORK_MAX, work.catch_unwind().instrument(span)).await;
        let result = match outcome {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Refused::Failed { reason: "it panicked".to_owned() }),
            Err(_) => Err(Refused::Failed { reason: "it never answered".to_owned() }),
        };
        match result {
            Ok(payload) => self.core.answer(&about, answer, payload, deadline).await,
            Err(refused) => self.core.refuse(&about, answer, refused),
        }
    }
}
