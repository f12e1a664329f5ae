//! The one thread from which workers are started.
//!
//! A worker asks the kernel to be killed when its parent *thread* dies, so workers are never started from a pool: this
//! thread lives as long as somebody holds the spawner.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Starts that may wait at a time; more are refused.
const QUEUE_MAX: usize = 64;

struct Job {
    command: Command,
    reply: oneshot::Sender<io::Result<Child>>,
}

/// Hands commands to the spawning thread. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Spawner {
    jobs: SyncSender<Job>,
}

impl Spawner {
    /// Starts the thread. Must be called inside a tokio runtime, which will look after the children.
    ///
    /// # Errors
    /// Tells when the machine gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (jobs, queue) = sync_channel(QUEUE_MAX);
        let runtime = Handle::current();
        std::thread::Builder::new()
            .name("tm-spawner".to_owned())
            .spawn(move || serve(&runtime, &queue))?;
        Ok(Self { jobs })
    }

    /// Starts a process.
    ///
    /// # Errors
    /// Returns what the system says, or that too many starts are waiting.
    pub(crate) async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send(Job { command, reply }).map_err(|_| {
            io::Error::other("too many workers are being started at once; try again in a moment")
        })?;
        answer.await.map_err(|_| io::Error::other("the thread that starts workers is gone"))?
    }
}

fn serve(runtime: &Handle, queue: &Receiver<Job>) {
    let _inside = runtime.enter();
    while let Ok(Job { mut command, reply }) = queue.recv() {
        if reply.send(command.spawn()).is_err() {
            // Nobody waits any more: the child was dropped and with it killed.
            tracing::debug!("a worker was started for somebody who stopped waiting; it was ended");
        }
    }
}
