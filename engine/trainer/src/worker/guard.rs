//! Ends the worker when it may no longer run: the parent is dead, the lease ran out, or the system says terminate.
//!
//! The loop is told first and ends in good order; where it does not look up in time (a long computation), the
//! process is ended from here.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use engine::session::protocol::EXIT_LEASE;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use rustix::time::{ClockId, clock_gettime};

use super::control::Control;
use crate::error::TrainerError;

/// How long a worker runs before the first `Lease` frame must have come.
const FIRST_LEASE: Duration = Duration::from_secs(30);
/// How long the loop has to end after its lease.
const GRACE: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Returns the boot-time clock in milliseconds: it counts while the machine sleeps, and nobody can set it.
#[must_use]
pub fn boot_time_ms() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * 1000 + nanoseconds / 1_000_000
}

/// Binds this process to its parent: the kernel kills it when the parent's thread that started it dies. Returns the
/// parent, to be compared later, because it may have died before this call.
///
/// # Errors
/// The kernel refuses.
pub fn bind_to_parent() -> Result<Option<Pid>, TrainerError> {
    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| {
        TrainerError::Internal(format!("the kernel does not bind the worker to its node: {error}"))
    })?;
    Ok(parent)
}

/// Starts the watching thread.
///
/// # Errors
/// The system gives no thread or no signal handler.
pub fn watch(control: Arc<Control>, parent: Option<Pid>) -> Result<(), TrainerError> {
    let failed =
        |error: std::io::Error| TrainerError::Internal(format!("the guard cannot start: {error}"));
    let terminate = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&terminate)).map_err(failed)?;
    }
    std::thread::Builder::new()
        .name("worker-guard".to_owned())
        .spawn(move || guard(&control, parent, &terminate))
        .map_err(failed)?;
    Ok(())
}

fn guard(control: &Control, parent: Option<Pid>, terminate: &AtomicBool) {
    let first_lease_until =
        boot_time_ms() + u64::try_from(FIRST_LEASE.as_millis()).unwrap_or(u64::MAX);
    loop {
        if terminate.swap(false, Ordering::AcqRel) {
            control.stop();
        }
        if getppid() != parent {
            end(control, "the node's process is gone".to_owned());
            return;
        }
        let until = match control.lease_until_ms() {
            0 => first_lease_until,
            until => until,
        };
        let now = boot_time_ms();
        if until < now {
            end(control, format!("the lease ran out {} ms ago and was not renewed", now - until));
            return;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn end(control: &Control, reason: String) {
    control.fail(TrainerError::Lease(reason.clone()));
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline {
        std::thread::sleep(LOOK_EVERY);
    }
    // Reached only where the loop did not end the process itself. Standard error is the log pipe; it may be gone.
    writeln!(std::io::stderr(), "tm-worker: {reason}; ended by force").unwrap_or_default();
    std::process::exit(EXIT_LEASE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_time_clock_moves_forward() {
        let before = boot_time_ms();
        assert!(before > 0 && before <= boot_time_ms());
    }
}
