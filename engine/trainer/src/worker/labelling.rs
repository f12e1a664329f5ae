//! A labelling as a session: the engine names the regimes, the report becomes one file.

use engine::config::LabellingConfig;
use engine::session::backtest::Source;
use engine::session::labelling::{self, LabellingInput};
use engine::session::protocol::{WorkerEvent, WorkerSpec};

use super::channel::Outbox;
use super::control::Control;
use super::reporting::{self, Orders};
use super::{End, inputs};
use crate::error::TrainerError;

/// Numbers kept per row: time, value, filtered value and its change, label.
const NUMBERS_PER_ROW: u64 = 5;

/// Labels a data set and writes the report.
///
/// # Errors
/// Inputs do not fit, the report cannot be written, or the node ends the session.
pub(super) fn run(
    spec: &WorkerSpec,
    config: &LabellingConfig,
    control: &Control,
    outbox: &Outbox,
) -> Result<End, TrainerError> {
    let (data, snapshot_bytes) = inputs::series(&spec.dataset)?;
    // Decoded columns take about as much as the file.
    let terms = vec![
        ("data file", snapshot_bytes),
        ("columns", snapshot_bytes),
        ("labels", data.rows() as u64 * NUMBERS_PER_ROW * 8),
    ];
    inputs::check_memory(terms, &spec.resources)?;
    let input = LabellingInput {
        config,
        data: &data,
        source: Source {
            name: &spec.dataset_name,
            sha256: &spec.dataset.sha256,
            synthetic: spec.synthetic,
        },
        build: env!("CARGO_PKG_VERSION"),
    };
    outbox.send(WorkerEvent::Ready);
    let mut orders = Orders::new("label", control, outbox);
    let ran = labelling::run(&input, &mut |done, of| orders.look(done, of));
    match orders.ended(ran) {
        Ok(report) => reporting::write(spec, &report),
        Err(end) => end,
    }
}
