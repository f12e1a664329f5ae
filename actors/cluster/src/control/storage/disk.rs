//! The one thread that owns the log: writes and reads are handed to it as closures, in order.

use std::sync::{Arc, Mutex, PoisonError};

use store::StoreError;
use store::raft_log::RaftLog;
use tokio::sync::{mpsc, oneshot};

use super::ControlError;

/// Requests that may wait; each caller waits for its own, so there are few.
const QUEUE_LIMIT: usize = 64;

type Job = Box<dyn FnOnce(&mut RaftLog) + Send>;

/// The door to the disk thread. Cheap to clone; the thread ends when the last one is gone.
#[derive(Debug, Clone)]
pub struct Disk {
    jobs: mpsc::Sender<Job>,
    thread: Arc<Mutex<Option<std::thread::JoinHandle<()>>>>,
}

impl Disk {
    pub(super) fn start(mut log: RaftLog) -> Result<Self, ControlError> {
        let (jobs, mut waiting) = mpsc::channel::<Job>(QUEUE_LIMIT);
        let thread = std::thread::Builder::new()
            .name("raft-disk".to_owned())
            .spawn(move || {
                while let Some(job) = waiting.blocking_recv() {
                    job(&mut log);
                }
            })
            .map_err(|error| ControlError::Thread { reason: error.to_string() })?;
        Ok(Self { jobs, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    /// Runs `work` on the disk thread and waits for what it returns.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut RaftLog) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |log| {
            // Whoever asked may be gone; what was done stays done.
            drop(answer.send(work(log)));
        });
        let ended = || StoreError::Poisoned { reason: "the raft-disk thread ended".to_owned() };
        self.jobs.send(job).await.map_err(|_| ended())?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Gives up this door and waits until the thread has ended, if this was the last one.
    pub(crate) fn close(self) {
        let Self { jobs, thread } = self;
        let last = jobs.strong_count() == 1;
        drop(jobs);
        let thread = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread.filter(|_| last) {
            // A panic there was already answered as an error to whoever waited.
            drop(thread.join());
        }
    }
}
