//! What back-tests, labellings and evaluations share: the node's orders while one runs, and its report as one file.

use std::ops::ControlFlow;
use std::path::Path;

use engine::error::EngineError;
use engine::session::protocol::{Progress, WorkerEvent, WorkerResult, WorkerSpec};
use serde::Serialize;

use super::End;
use super::channel::Outbox;
use super::control::{Control, Wish};
use super::session::refused;
use crate::error::TrainerError;
use crate::files;

/// Name of the report in the session's directory.
const REPORT_FILE: &str = "report.json";

/// Writes a session's report.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write<T: Serialize>(spec: &WorkerSpec, report: &T) -> Result<End, TrainerError> {
    let bytes = serde_json::to_vec(report).map_err(|error| {
        TrainerError::Internal(format!("the report cannot be written as JSON: {error}"))
    })?;
    let written = files::write(Path::new(&spec.work_dir), REPORT_FILE, &bytes)?;
    Ok(End::Done(WorkerResult::Report {
        report_file: REPORT_FILE.to_owned(),
        report_sha256: written.sha256,
    }))
}

/// What the node asks for while the engine works.
pub(super) struct Orders<'a> {
    phase: &'static str,
    control: &'a Control,
    outbox: &'a Outbox,
    ending: Option<Result<End, TrainerError>>,
}

impl<'a> Orders<'a> {
    /// Follows the node's orders during `phase`.
    pub(super) fn new(phase: &'static str, control: &'a Control, outbox: &'a Outbox) -> Self {
        Self { phase, control, outbox, ending: None }
    }

    /// Returns what the engine computed, or how the session ends instead.
    ///
    /// # Errors
    /// The end of a session that was stopped, or of one that the engine refused.
    pub(super) fn ended<T>(
        self,
        ran: Result<T, EngineError>,
    ) -> Result<T, Result<End, TrainerError>> {
        ran.map_err(|error| match error {
            EngineError::Cancelled => self.ending.unwrap_or(Ok(End::Stopped)),
            EngineError::Refused { .. }
            | EngineError::State { .. }
            | EngineError::Invariant { .. } => Err(refused(error)),
        })
    }

    /// Shows how far the work is and does what the node asks for.
    pub(super) fn look(&mut self, done: u64, of: u64) -> ControlFlow<()> {
        let phase = |phase: &str| Progress {
            step: done,
            step_count: of,
            epoch_index: 0,
            epoch_count: 1,
            phase: phase.to_owned(),
            steps_per_second: 0.0,
        };
        loop {
            match self.control.wish() {
                Ok(Wish::None) => {
                    self.outbox.progress(&phase(self.phase));
                    return ControlFlow::Continue(());
                }
                Ok(Wish::Pause) => {
                    self.outbox.progress(&phase("paused"));
                    self.outbox.send(WorkerEvent::Paused);
                }
                Ok(Wish::Resume) => self.outbox.send(WorkerEvent::Resumed),
                Ok(Wish::StandStill) => self.control.wait_while_paused(),
                Ok(Wish::Checkpoint) => {
                    self.outbox.log(
                        "info",
                        "only trainings keep checkpoints: this session is short, and starts again from its inputs",
                    );
                }
                Ok(Wish::Stop) => {
                    self.ending = Some(Ok(End::Stopped));
                    return ControlFlow::Break(());
                }
                Err(error) => {
                    self.ending = Some(Err(error));
                    return ControlFlow::Break(());
                }
            }
        }
    }
}
