//! What the node asked for, looked at between two iterations: pause, checkpoint, stop, or end at once.
//!
//! Written by the reading thread and the guard, read by the loop. Between two iterations it costs one atomic load.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::session::protocol::WorkerCommand;

use crate::error::TrainerError;

/// What a `Start` frame brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    /// The session, as text.
    pub session: String,
    /// A `WorkerSpec` as JSON.
    pub spec: Vec<u8>,
}

/// What the loop should do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Go on.
    None,
    /// Stand still.
    Pause,
    /// Write a checkpoint.
    Checkpoint,
    /// End in good order.
    Stop,
}

#[derive(Debug, Default)]
struct Inner {
    start: Option<Started>,
    started: bool,
    pause: bool,
    checkpoint: bool,
    stop: bool,
    failure: Option<TrainerError>,
    failed: bool,
}

/// Shared between the threads of one worker.
#[derive(Debug, Default)]
pub struct Control {
    inner: Mutex<Inner>,
    changed: Condvar,
    /// Whether `inner` holds anything for the loop.
    attention: AtomicBool,
    lease_until_ms: AtomicU64,
}

impl Control {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The critical sections below cannot panic half-way; a poisoned lock is as good as a clean one.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.lock();
        change(&mut inner);
        let any = inner.pause || inner.checkpoint || inner.stop || inner.failed;
        self.attention.store(any, Ordering::Release);
        self.changed.notify_all();
    }

    /// Takes a command. Repeating one changes nothing.
    pub fn take(&self, command: WorkerCommand) {
        match command {
            WorkerCommand::Start { session, epoch: _, spec } => {
                self.start(Started { session: session.to_string(), spec })
            }
            WorkerCommand::Lease { until_ms } => {
                self.lease_until_ms.store(until_ms, Ordering::Release)
            }
            WorkerCommand::Pause => self.change(|inner| inner.pause = true),
            WorkerCommand::Resume => self.change(|inner| inner.pause = false),
            WorkerCommand::Checkpoint => self.change(|inner| inner.checkpoint = true),
            WorkerCommand::Stop { .. } => self.stop(),
            // answered by the reading thread
            WorkerCommand::Ping { .. } => {}
        }
    }

    fn start(&self, start: Started) {
        if self.lock().started {
            self.fail(TrainerError::Protocol(
                "a second Start frame came: one worker runs one session".to_owned(),
            ));
            return;
        }
        self.change(|inner| {
            inner.start = Some(start);
            inner.started = true;
        });
    }

    /// Asks for an orderly end.
    pub fn stop(&self) {
        self.change(|inner| inner.stop = true);
    }

    /// Ends the session at once; the first reason counts.
    pub fn fail(&self, failure: TrainerError) {
        self.change(|inner| {
            if !inner.failed {
                inner.failed = true;
                inner.failure = Some(failure);
            }
        });
    }

    /// Returns until when the worker may run, on the boot-time clock; 0 before the first `Lease`.
    #[must_use]
    pub fn lease_until_ms(&self) -> u64 {
        self.lease_until_ms.load(Ordering::Acquire)
    }

    /// Waits for the `Start` frame. `None`: stopped before it came.
    ///
    /// # Errors
    /// It did not come in time, or the connection failed.
    pub fn wait_for_start(&self, patience: Duration) -> Result<Option<Started>, TrainerError> {
        let deadline = Instant::now() + patience;
        let mut inner = self.lock();
        loop {
            if let Some(failure) = inner.failure.take() {
                return Err(failure);
            }
            if inner.stop {
                return Ok(None);
            }
            if let Some(start) = inner.start.take() {
                return Ok(Some(start));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(TrainerError::Protocol(format!(
                    "no Start frame came within {} s",
                    patience.as_secs()
                )));
            }
            inner =
                self.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Returns the most pressing wish. A wish for a checkpoint is given once.
    ///
    /// # Errors
    /// The session must end at once.
    pub fn wish(&self) -> Result<Wish, TrainerError> {
        if !self.attention.load(Ordering::Acquire) {
            return Ok(Wish::None);
        }
        let mut result = Ok(Wish::None);
        self.change(|inner| {
            result = if inner.failed {
                Err(inner
                    .failure
                    .take()
                    .unwrap_or_else(|| TrainerError::Internal("ended before".to_owned())))
            } else if inner.stop {
                Ok(Wish::Stop)
            } else if inner.checkpoint {
                inner.checkpoint = false;
                Ok(Wish::Checkpoint)
            } else if inner.pause {
                Ok(Wish::Pause)
            } else {
                Ok(Wish::None)
            };
        });
        result
    }

    /// Waits until something else than a pause is wished for.
    pub fn wait_while_paused(&self) {
        let mut inner = self.lock();
        while inner.pause && !(inner.stop || inner.checkpoint || inner.failed) {
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_wins_over_checkpoint_and_checkpoint_over_pause() {
        let control = Control::default();
        assert_eq!(control.wish().unwrap(), Wish::None);
        for command in [WorkerCommand::Pause, WorkerCommand::Checkpoint] {
            control.take(command);
        }
        assert_eq!(control.wish().unwrap(), Wish::Checkpoint);
        assert_eq!(control.wish().unwrap(), Wish::Pause);
        control.take(WorkerCommand::Stop { deadline_ms: 1 });
        assert_eq!(control.wish().unwrap(), Wish::Stop);
        control.take(WorkerCommand::Resume);
        assert_eq!(control.wish().unwrap(), Wish::Stop, "a stop is not taken back");
    }

    #[test]
    fn the_first_failure_counts_and_ends_a_pause() {
        let control = Control::default();
        control.take(WorkerCommand::Pause);
        control.fail(TrainerError::Lease("first".to_owned()));
        control.fail(TrainerError::Internal("second".to_owned()));
        control.wait_while_paused();
        assert_eq!(control.wish().unwrap_err().to_string(), "first");
        assert!(control.wish().is_err(), "it stays failed");
    }

    #[test]
    fn a_second_start_breaks_the_protocol() {
        let control = Control::default();
        let start = || Started { session: "s".to_owned(), spec: vec![1] };
        control.start(start());
        assert_eq!(control.wait_for_start(Duration::ZERO).unwrap(), Some(start()));
        control.start(start());
        assert_eq!(control.wish().unwrap_err().kind(), "protocol");
    }

    #[test]
    fn no_start_in_time_is_a_protocol_error() {
        let error = Control::default().wait_for_start(Duration::from_millis(1)).unwrap_err();
        assert_eq!(error.exit_code(), 65);
    }
}
