//! What the node asked for, looked at between two iterations: pause, checkpoint, stop, or end at once.
//!
//! Written by the reading thread and the guard, read by the loop. Between two iterations it costs one atomic load.
//! Pauses and resumes wait in the order in which they came, because each is answered: a node that paused and resumed
//! while the loop was busy would otherwise wait for ever. The other orders are flags; repeating one changes nothing.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::session::protocol::WorkerCommand;

use crate::error::TrainerError;

/// Pauses and resumes that wait for the loop at most; then the oldest pause and resume cancel each other out.
const TURNS_WAITING: usize = 64;

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
    /// Answer that the loop stands still, and stand still.
    Pause,
    /// Answer that the loop goes on, and go on.
    Resume,
    /// Stand still as before: wait, then ask again.
    StandStill,
    /// Write a checkpoint.
    Checkpoint,
    /// End in good order.
    Stop,
}

#[derive(Debug, Default)]
struct Inner {
    start: Option<Started>,
    started: bool,
    /// Whether the loop stands still.
    paused: bool,
    /// Pauses (`true`) and resumes that the loop has not answered yet.
    turns: VecDeque<bool>,
    checkpoint: bool,
    stop: bool,
    failure: Option<TrainerError>,
    failed: bool,
}

impl Inner {
    fn turn(&mut self, pause: bool) {
        // One answer serves a repeated command.
        if self.turns.back() == Some(&pause) {
            return;
        }
        self.turns.push_back(pause);
        if self.turns.len() > TURNS_WAITING {
            // They alternate, so the order of the rest and how it ends stay as they are.
            self.turns.drain(..2);
        }
    }

    fn has_work(&self) -> bool {
        !self.turns.is_empty() || self.checkpoint || self.stop || self.failed
    }

    fn wish(&mut self) -> Result<Wish, TrainerError> {
        if self.failed {
            let failure = self.failure.take();
            return Err(
                failure.unwrap_or_else(|| TrainerError::Internal("ended before".to_owned()))
            );
        }
        if self.stop {
            return Ok(Wish::Stop);
        }
        if std::mem::take(&mut self.checkpoint) {
            return Ok(Wish::Checkpoint);
        }
        if let Some(pause) = self.turns.pop_front() {
            self.paused = pause;
            return Ok(if pause { Wish::Pause } else { Wish::Resume });
        }
        Ok(if self.paused { Wish::StandStill } else { Wish::None })
    }
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
        self.attention.store(inner.paused || inner.has_work(), Ordering::Release);
        self.changed.notify_all();
    }

    /// Takes a command.
    pub fn take(&self, command: WorkerCommand) {
        match command {
            WorkerCommand::Start { session, epoch: _, spec } => {
                self.start(Started { session: session.to_string(), spec })
            }
            WorkerCommand::Lease { until_ms } => {
                self.lease_until_ms.store(until_ms, Ordering::Release)
            }
            WorkerCommand::Pause => self.change(|inner| inner.turn(true)),
            WorkerCommand::Resume => self.change(|inner| inner.turn(false)),
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

    /// Returns the most pressing wish. Checkpoint, pause and resume are given once, the latter two in their order.
    ///
    /// # Errors
    /// The session must end at once.
    pub fn wish(&self) -> Result<Wish, TrainerError> {
        if !self.attention.load(Ordering::Acquire) {
            return Ok(Wish::None);
        }
        let mut result = Ok(Wish::None);
        self.change(|inner| result = inner.wish());
        result
    }

    /// Waits while the loop stands still and nothing is asked of it.
    pub fn wait_while_paused(&self) {
        let mut inner = self.lock();
        while inner.paused && !inner.has_work() {
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
        assert_eq!(control.wish().unwrap(), Wish::StandStill);
        control.take(WorkerCommand::Stop { deadline_ms: 1 });
        assert_eq!(control.wish().unwrap(), Wish::Stop);
        control.take(WorkerCommand::Resume);
        assert_eq!(control.wish().unwrap(), Wish::Stop, "a stop is not taken back");
    }

    #[test]
    fn pauses_and_resumes_are_given_once_each_and_in_their_order() {
        let control = Control::default();
        for command in [WorkerCommand::Pause, WorkerCommand::Resume, WorkerCommand::Pause] {
            control.take(command.clone());
            control.take(command);
        }
        let wishes: Vec<Wish> = (0..4).map(|_| control.wish().unwrap()).collect();
        assert_eq!(wishes, [Wish::Pause, Wish::Resume, Wish::Pause, Wish::StandStill]);
        control.take(WorkerCommand::Resume);
        control.wait_while_paused();
        assert_eq!(control.wish().unwrap(), Wish::Resume);
        assert_eq!(control.wish().unwrap(), Wish::None);
        control.take(WorkerCommand::Resume);
        assert_eq!(control.wish().unwrap(), Wish::Resume, "also where nothing was paused");
    }

    #[test]
    fn what_waits_is_bounded_and_ends_as_the_newest_command_says() {
        for last in [WorkerCommand::Pause, WorkerCommand::Resume] {
            let control = Control::default();
            for _ in 0..10_000 {
                control.take(WorkerCommand::Pause);
                control.take(WorkerCommand::Resume);
            }
            control.take(last.clone());
            let mut given = Vec::new();
            loop {
                let wish = control.wish().unwrap();
                if matches!(wish, Wish::None | Wish::StandStill) {
                    break;
                }
                given.push(wish);
            }
            assert!(given.len() <= TURNS_WAITING, "{}", given.len());
            assert!(given.windows(2).all(|pair| pair[0] != pair[1]), "{given:?}");
            let wanted = if last == WorkerCommand::Pause { Wish::Pause } else { Wish::Resume };
            assert_eq!(given.last(), Some(&wanted));
        }
    }

    #[test]
    fn the_first_failure_counts_and_ends_a_pause() {
        let control = Control::default();
        control.take(WorkerCommand::Pause);
        assert_eq!(control.wish().unwrap(), Wish::Pause);
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
