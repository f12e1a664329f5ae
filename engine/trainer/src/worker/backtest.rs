//! A back-test as a session: the engine runs it, the report becomes one file.

use std::ops::ControlFlow;
use std::path::Path;

use engine::config::BacktestConfig;
use engine::environment::check_kind;
use engine::error::EngineError;
use engine::session::backtest::{self, BacktestInput, Model, Source};
use engine::session::protocol::{Progress, WorkerEvent, WorkerResult, WorkerSpec};

use super::channel::Outbox;
use super::control::{Control, Wish};
use super::session::refused;
use super::{End, inputs};
use crate::error::TrainerError;
use crate::files;

/// Name of the report in the session's directory.
const REPORT_FILE: &str = "report.json";

/// Runs a back-test and writes its report.
///
/// # Errors
/// Inputs do not fit, the report cannot be written, or the node ends the session.
pub(super) fn run(
    spec: &WorkerSpec,
    session: &BacktestConfig,
    control: &Control,
    outbox: &Outbox,
) -> Result<End, TrainerError> {
    let (data, snapshot_bytes) = inputs::series(&spec.dataset)?;
    check_kind(&spec.strategy.environment, data.kind()).map_err(refused)?;
    let mut terms = inputs::data_terms(&spec.strategy, &data, snapshot_bytes);
    let model = spec
        .model
        .as_ref()
        .map(|file| inputs::model(file).map(|bytes| (bytes, &file.sha256)))
        .transpose()?;
    terms.push(("model", model.as_ref().map_or(0, |(bytes, _)| bytes.len() as u64)));
    inputs::check_memory(terms, &spec.resources)?;
    let input = BacktestInput {
        strategy: &spec.strategy,
        session,
        data: &data,
        source: Source {
            name: &spec.dataset_name,
            sha256: &spec.dataset.sha256,
            synthetic: spec.synthetic,
        },
        model: model.as_ref().map(|(bytes, sha256)| Model { bytes, sha256: sha256.as_str() }),
        build: env!("CARGO_PKG_VERSION"),
    };
    outbox.send(WorkerEvent::Ready);
    let mut orders = Orders { control, outbox, ending: None };
    let report = match backtest::run(&input, &mut |done, of| orders.look(done, of)) {
        Ok(report) => report,
        Err(EngineError::Cancelled) => return orders.ending.unwrap_or(Ok(End::Stopped)),
        Err(error) => return Err(refused(error)),
    };
    let bytes = serde_json::to_vec(&report).map_err(|error| {
        TrainerError::Internal(format!("the report cannot be written as JSON: {error}"))
    })?;
    let written = files::write(Path::new(&spec.work_dir), REPORT_FILE, &bytes)?;
    Ok(End::Done(WorkerResult::Backtest {
        report_file: REPORT_FILE.to_owned(),
        report_sha256: written.sha256,
    }))
}

/// What the node asks for while a back-test runs.
struct Orders<'a> {
    control: &'a Control,
    outbox: &'a Outbox,
    ending: Option<Result<End, TrainerError>>,
}

impl Orders<'_> {
    fn look(&mut self, done: u64, of: u64) -> ControlFlow<()> {
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
                    self.outbox.progress(&phase("backtest"));
                    return ControlFlow::Continue(());
                }
                Ok(Wish::Pause) => {
                    self.outbox.progress(&phase("paused"));
                    self.outbox.send(WorkerEvent::Paused);
                }
                Ok(Wish::Resume) => self.outbox.send(WorkerEvent::Resumed),
                Ok(Wish::StandStill) => self.control.wait_while_paused(),
                Ok(Wish::Checkpoint) => {
                    self.outbox.log("info", "a back-test keeps no checkpoints: it is short, and starts again from its inputs");
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
