//! A back-test as a session: the engine runs it, the report becomes one file.

use engine::config::BacktestConfig;
use engine::environment::check_kind;
use engine::session::backtest::{self, BacktestInput, Model, Source};
use engine::session::protocol::{WorkerEvent, WorkerSpec};

use super::channel::Outbox;
use super::control::Control;
use super::reporting::{self, Orders};
use super::session::refused;
use super::{End, inputs};
use crate::error::TrainerError;

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
    let strategy = inputs::strategy(spec)?;
    let (data, snapshot_bytes) = inputs::visible_series(spec)?;
    check_kind(&strategy.environment, data.kind()).map_err(refused)?;
    let mut terms = inputs::data_terms(strategy, &data, snapshot_bytes);
    let model = spec
        .model
        .as_ref()
        .map(|file| inputs::model(file).map(|bytes| (bytes, &file.sha256)))
        .transpose()?;
    terms.push(("model", model.as_ref().map_or(0, |(bytes, _)| bytes.len() as u64)));
    inputs::check_memory(terms, &spec.resources)?;
    let input = BacktestInput {
        strategy,
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
    let mut orders = Orders::new("backtest", control, outbox);
    let ran = backtest::run(&input, &mut |done, of| orders.look(done, of));
    let mut report = match orders.ended(ran) {
        Ok(report) => report,
        Err(end) => return end,
    };
    report.seal = spec.seal.clone();
    reporting::write(spec, &report)
}
