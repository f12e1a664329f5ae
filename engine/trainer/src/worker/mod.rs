//! The process: one session, from the `Start` frame to its exit code.
//!
//! ```text
//! first act      limits imposed upon itself (one thread, no input read)
//! main thread    Hello ─► wait for Start ─► read and check inputs ─► Ready ─► loop ─► Done ─► exit
//! worker-read    commands ─► control           worker-write   queue ─► events, progress
//! worker-guard   lease, parent, SIGTERM ─► control, or the end by force
//! ```
//! Reading order: `confine` (limits), `wire` (frames), `channel` (socket), `control` (orders), `guard`, `inputs`, `session` (kinds).

mod backtest;
pub mod channel;
pub mod confine;
pub mod control;
mod evaluation;
pub mod guard;
pub mod inputs;
mod labelling;
mod reporting;
mod session;
pub mod wire;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use engine::session::protocol::{
    EXIT_DONE, EXIT_LEASE, EXIT_STOPPED, PROTOCOL_MAX, PROTOCOL_MIN, WorkerEvent, WorkerLimit,
    WorkerResult,
};

use self::channel::{Channel, Outbox};
use self::control::Control;
use crate::device;
use crate::error::TrainerError;

/// How long the `Start` frame may take.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// How long the last frames may take to be read.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// Runs one session over the socket on standard input and returns the exit code of the process.
#[must_use]
pub fn run() -> i32 {
    let control = Arc::new(Control::default());
    let (channel, limits) = match connect(&control) {
        Ok(connected) => connected,
        Err(error) => {
            // There is no channel to say it on; standard error is the log pipe.
            writeln!(std::io::stderr(), "tm-worker: {error}").unwrap_or_default();
            return error.exit_code();
        }
    };
    let outbox = channel.outbox.clone();
    outbox.send(hello());
    if let Some(limits) = limits {
        outbox.send(WorkerEvent::Confined { limits });
    }
    let code = match guarded(&control, &outbox) {
        Ok(End::Done(result)) => {
            let stopped = matches!(&result, WorkerResult::Training { stopped: true, .. });
            outbox.end_progress();
            outbox.send(WorkerEvent::Done(result));
            if stopped { EXIT_STOPPED } else { EXIT_DONE }
        }
        Ok(End::Stopped) => {
            outbox.end_progress();
            outbox.log("info", "stopped on request before there was a result");
            EXIT_STOPPED
        }
        Err(error) => {
            outbox.end_progress();
            outbox.log("error", error.to_string());
            outbox.send(WorkerEvent::Fault {
                kind: error.kind().to_owned(),
                text: error.to_string(),
                restartable: error.is_restartable(),
            });
            error.exit_code()
        }
    };
    let delivered = channel.close(CLOSE_PATIENCE);
    if !delivered {
        writeln!(std::io::stderr(), "tm-worker: the node did not read the last events in time")
            .unwrap_or_default();
    }
    exit_code(code, delivered)
}

/// Returns the code that the process ends with: nobody may take it for done when the node did not get the result.
fn exit_code(code: i32, delivered: bool) -> i32 {
    match code {
        EXIT_DONE | EXIT_STOPPED if !delivered => EXIT_LEASE,
        code => code,
    }
}

/// How a session ended without an error.
pub(crate) enum End {
    /// With a result.
    Done(WorkerResult),
    /// On request, before there was one.
    Stopped,
}

/// Imposes the limits, then starts the threads. Returns what came of the limits, where there are any.
fn connect(control: &Arc<Control>) -> Result<(Channel, Option<Vec<WorkerLimit>>), TrainerError> {
    let socket = channel::socket_from_stdin()?;
    let limits = confine::at_start()?;
    // Behind the limits: the kernel forgets the binding when a process changes its privileges.
    let parent = guard::bind_to_parent()?;
    guard::watch(Arc::clone(control), parent)?;
    Ok((Channel::open(socket, control)?, limits))
}

fn hello() -> WorkerEvent {
    WorkerEvent::Hello {
        proto_min: PROTOCOL_MIN,
        proto_max: PROTOCOL_MAX,
        build: env!("CARGO_PKG_VERSION").to_owned(),
        libtorch: device::LIBTORCH_VERSION.to_owned(),
        devices: device::devices(),
    }
}

/// Runs the session; a panic becomes an error like any other.
fn guarded(control: &Arc<Control>, outbox: &Outbox) -> Result<End, TrainerError> {
    let attempt = || {
        let Some(started) = control.wait_for_start(START_PATIENCE)? else {
            return Ok(End::Stopped);
        };
        device::prepare();
        session::run(&started.spec, control, outbox)
    };
    catch_unwind(AssertUnwindSafe(attempt))
        .unwrap_or_else(|panic| Err(TrainerError::from_panic(panic.as_ref())))
}

#[cfg(test)]
mod tests {
    use engine::session::protocol::EXIT_CHECKPOINT;

    use super::*;

    #[test]
    fn a_result_that_was_not_delivered_is_no_success() {
        assert_eq!(exit_code(EXIT_DONE, true), EXIT_DONE);
        assert_eq!(exit_code(EXIT_STOPPED, true), EXIT_STOPPED);
        assert_eq!(exit_code(EXIT_DONE, false), EXIT_LEASE);
        assert_eq!(exit_code(EXIT_STOPPED, false), EXIT_LEASE);
        assert_eq!(exit_code(EXIT_CHECKPOINT, false), EXIT_CHECKPOINT, "the first reason counts");
    }
}
