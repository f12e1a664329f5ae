//! Tasks beside an actor: named, and ended with it.

use std::future::Future;
use std::time::Duration;

use ractor::{ActorRef, Message};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// A task that ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Task {
    name: &'static str,
    handle: JoinHandle<()>,
}

impl Task {
    /// Starts a task called `name`.
    pub(crate) fn spawn(
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        Self { name, handle: tokio::spawn(work) }
    }

    /// Whether its work is done.
    pub(crate) fn is_over(&self) -> bool {
        self.handle.is_finished()
    }

    /// Sends `message` to an actor every `period`, the first time at once; after a stall once, not in a burst. Ends
    /// with the actor.
    pub(crate) fn ticks<M: Message>(
        name: &'static str,
        period: Duration,
        actor: ActorRef<M>,
        message: impl Fn() -> M + Send + 'static,
    ) -> Self {
        Self::spawn(name, async move {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if actor.cast(message()).is_err() {
                    return;
                }
            }
        })
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.handle.is_finished() {
            tracing::debug!(task = self.name, "task had ended before its actor");
        }
        self.handle.abort();
    }
}
