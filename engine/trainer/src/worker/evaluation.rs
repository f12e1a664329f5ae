//! An evaluation as a session: the engine judges the policy, the report becomes one file.

use std::path::Path;

use engine::config::EvaluationConfig;
use engine::environment::check_kind;
use engine::evaluation::report::BacktestReport;
use engine::session::backtest::{Model, Source};
use engine::session::evaluation::{self, EvaluationInput, EvaluationReport, Trial};
use engine::session::protocol::{InputFile, WorkerEvent, WorkerSpec};

use super::channel::Outbox;
use super::control::Control;
use super::reporting::{self, Orders};
use super::session::refused;
use super::{End, inputs};
use crate::error::TrainerError;
use crate::files;

/// Largest report of an earlier trial that is read.
const TRIAL_BYTES_MAX: u64 = 64 << 20;
/// Bytes kept per point of an earlier back-test: its time and the value of the account, and both once more aligned.
const TRIAL_POINT_BYTES: u64 = 32;
/// Copies of the data that stand at once: as read, cut for a stretch, and with another future.
const DATA_COPIES: u64 = 3;

/// Judges a policy and writes the report.
///
/// # Errors
/// Inputs do not fit, the report cannot be written, or the node ends the session.
pub(super) fn run(
    spec: &WorkerSpec,
    session: &EvaluationConfig,
    control: &Control,
    outbox: &Outbox,
) -> Result<End, TrainerError> {
    let strategy = inputs::strategy(spec)?;
    let (data, snapshot_bytes) = inputs::visible_series(spec)?;
    check_kind(&strategy.environment, data.kind()).map_err(refused)?;
    let mut terms = inputs::data_terms(strategy, &data, snapshot_bytes);
    terms.push(("copies of the data", (DATA_COPIES - 1) * snapshot_bytes));
    let models = models(spec)?;
    let model_bytes = models.iter().map(|(bytes, _)| bytes.len() as u64).sum();
    terms.push(("models", model_bytes));
    let (trials, unreadable) = trials(spec, outbox)?;
    let points: usize = trials.iter().map(|trial| trial.equity.len()).sum();
    terms.push(("earlier trials", points as u64 * TRIAL_POINT_BYTES));
    inputs::check_memory(terms, &spec.resources)?;
    let models: Vec<Model<'_>> =
        models.iter().map(|(bytes, sha256)| Model { bytes, sha256 }).collect();
    let input = EvaluationInput {
        strategy,
        session,
        data: &data,
        source: Source {
            name: &spec.dataset_name,
            sha256: &spec.dataset.sha256,
            synthetic: spec.synthetic,
        },
        models: &models,
        trials: &trials,
        trials_lost: spec.trials_lost.saturating_add(unreadable),
        build: env!("CARGO_PKG_VERSION"),
    };
    outbox.send(WorkerEvent::Ready);
    let mut orders = Orders::new("evaluation", control, outbox);
    let ran = evaluation::run(&input, &mut |done, of| orders.look(done, of));
    match orders.ended(ran) {
        Ok(mut report) => {
            report.seal = spec.seal.clone();
            reporting::write(spec, &report)
        }
        Err(end) => end,
    }
}

/// Reads the models of the policy; a single one may stand where a back-test's does.
fn models(spec: &WorkerSpec) -> Result<Vec<(Vec<u8>, &str)>, TrainerError> {
    let files: Vec<&InputFile> = if spec.models.is_empty() {
        spec.model.iter().collect()
    } else {
        spec.models.iter().collect()
    };
    files.into_iter().map(|file| Ok((inputs::model(file)?, file.sha256.as_str()))).collect()
}

/// Reads earlier results, and counts those that are no back-test's report any more: they were tried all the same.
fn trials(spec: &WorkerSpec, outbox: &Outbox) -> Result<(Vec<Trial>, u32), TrainerError> {
    let (mut found, mut unreadable) = (Vec::new(), 0);
    for (place, file) in spec.trials.iter().enumerate() {
        let bytes = files::read(Path::new(&file.path), &file.sha256, TRIAL_BYTES_MAX)?;
        match trial(format!("trial {}", place + 1), &bytes) {
            Ok(trial) => found.push(trial),
            Err(error) => {
                unreadable += 1;
                outbox.log(
                    "warn",
                    format!(
                        "{} is no report of a back-test or an evaluation and counts as lost: {error}",
                        file.path
                    ),
                );
            }
        }
    }
    Ok((found, unreadable))
}

/// Reads one earlier result.
fn trial(name: String, bytes: &[u8]) -> Result<Trial, String> {
    let error = match serde_json::from_slice::<BacktestReport>(bytes) {
        Ok(report) => return Ok(Trial::of(name, &report)),
        Err(error) => error.to_string(),
    };
    let evaluation = serde_json::from_slice::<EvaluationReport>(bytes).map_err(|_| error)?;
    Trial::of_evaluation(name, &evaluation).ok_or_else(|| "it holds no run".to_owned())
}
