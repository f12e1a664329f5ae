//! Session kind → loop.

use std::path::PathBuf;
use std::sync::Arc;

use engine::config::{EnvironmentConfig, SessionConfig, StrategyConfig, TrainingConfig, hash};
use engine::environment::{build, check_kind, prepare};
use engine::error::EngineError;
use engine::market::{BarSeries, MarketSeries};
use engine::session::protocol::{
    CheckpointWritten, MetricPoint, Progress, WorkerEvent, WorkerSpec,
};

use super::channel::Outbox;
use super::control::{Control, Wish};
use super::{End, inputs};
use crate::agents::{Shape, memory_terms};
use crate::checkpoint::Identity;
use crate::data::{BarLens, Lens};
use crate::device;
use crate::error::TrainerError;
use crate::train::{Host, Order, Task, Training};

/// Runs what the spec asks for.
///
/// # Errors
/// Everything that ends a session early; see [`TrainerError`].
pub(super) fn run(
    spec: &[u8],
    control: &Arc<Control>,
    outbox: &Outbox,
) -> Result<End, TrainerError> {
    let spec = inputs::spec(spec)?;
    device::check_granted(spec.resources.gpus)?;
    match &spec.session {
        SessionConfig::Training(training) => train(&spec, training, control, outbox),
        SessionConfig::Backtest(backtest) => super::backtest::run(&spec, backtest, control, outbox),
        SessionConfig::Labelling(config) => super::labelling::run(&spec, config, control, outbox),
        SessionConfig::Evaluation(config) => super::evaluation::run(&spec, config, control, outbox),
    }
}

fn train(
    spec: &WorkerSpec,
    training: &TrainingConfig,
    control: &Arc<Control>,
    outbox: &Outbox,
) -> Result<End, TrainerError> {
    let strategy = inputs::strategy(spec)?;
    if !strategy.agent.learns() {
        return Err(TrainerError::BadSpec(format!(
            "'{}' is a rule and has nothing to learn: back-test it, or choose the algorithm dqn",
            strategy.agent.algorithm()
        )));
    }
    let (data, snapshot_bytes) = inputs::visible_series(spec)?;
    let mut terms = inputs::data_terms(strategy, &data, snapshot_bytes);
    inputs::check_memory(terms.clone(), &spec.resources)?;
    let bars = trainable(strategy, data)?;
    let prepared = prepare(strategy, &bars, &training.split, None).map_err(refused)?;
    drop(bars);
    drop(prepared.test);
    let train = build(strategy, Arc::clone(&prepared.train)).map_err(refused)?;
    let valid = build(strategy, Arc::clone(&prepared.valid)).map_err(refused)?;
    let lens = BarLens::new(strategy, Arc::clone(&prepared.train))?;
    let shape = Shape {
        observation: train.observation_len(),
        key: lens.key_len(),
        actions: train.action_count(),
    };
    terms.extend(memory_terms(&strategy.agent, shape));
    inputs::check_memory(terms, &spec.resources)?;
    let periods_per_year = prepared.valid.periods_per_year();
    let mut session = Training::new(Task {
        lens: Arc::new(lens),
        train,
        valid,
        normaliser: prepared.normaliser,
        periods_per_year,
        agent: strategy.agent.clone(),
        training: training.clone(),
        identity: Identity {
            config_hash: hash(strategy),
            dataset_sha256: spec.dataset.sha256.clone(),
            seed: training.seed,
            split: training.split.clone(),
        },
        work_dir: PathBuf::from(&spec.work_dir),
    })?;
    if let Some(file) = &spec.checkpoint {
        session.resume(&inputs::checkpoint(file)?)?;
        outbox.log("info", format!("resumed from {}", file.path));
    }
    outbox.send(WorkerEvent::Ready);
    session.run(&mut NodeHost { control, outbox, paused: false, shown: None }).map(End::Done)
}

/// Returns the bars that an agent learns on: one instrument, traded by actions from a list.
fn trainable(strategy: &StrategyConfig, data: MarketSeries) -> Result<BarSeries, TrainerError> {
    check_kind(&strategy.environment, data.kind()).map_err(refused)?;
    let task = strategy.environment.task();
    match (&strategy.environment, data) {
        (EnvironmentConfig::AlgorithmicTrading(_), MarketSeries::Bars(bars)) => Ok(bars),
        (_, data) => Err(TrainerError::BadSpec(format!(
            "training learns the task algorithmic_trading on bars of one instrument, found the task {task} on data of \
             kind '{}': back-test a rule on it, or choose the task algorithmic_trading",
            data.kind().name()
        ))),
    }
}

/// Sorts what the engine refuses: the data or the spec does not fit, or we are wrong.
pub(super) fn refused(error: EngineError) -> TrainerError {
    match error {
        EngineError::Refused { .. } | EngineError::State { .. } => {
            TrainerError::BadSpec(error.to_string())
        }
        EngineError::Cancelled | EngineError::Invariant { .. } => {
            TrainerError::Internal(error.to_string())
        }
    }
}

/// The node, as the loop sees it.
struct NodeHost<'a> {
    control: &'a Control,
    outbox: &'a Outbox,
    paused: bool,
    /// What progress was handed over last, to keep the step cheap.
    shown: Option<(u64, String)>,
}

/// Steps between two hand-overs of progress while the phase stays.
const SHOW_EVERY_STEPS: u64 = 16;

impl NodeHost<'_> {
    /// Shows progress again from the next one on.
    fn move_on(&mut self) {
        self.paused = false;
        self.shown = None;
    }
}

impl Host for NodeHost<'_> {
    fn order(&mut self) -> Result<Order, TrainerError> {
        loop {
            match self.control.wish()? {
                Wish::None => return Ok(Order::Continue),
                Wish::Checkpoint => return Ok(Order::Checkpoint),
                Wish::Stop => {
                    self.move_on();
                    return Ok(Order::Stop);
                }
                Wish::Pause => {
                    self.paused = true;
                    self.outbox.show_phase("paused");
                    self.outbox.send(WorkerEvent::Paused);
                }
                Wish::Resume => {
                    self.move_on();
                    self.outbox.send(WorkerEvent::Resumed);
                }
                Wish::StandStill => self.control.wait_while_paused(),
            }
        }
    }

    fn metrics(&mut self, points: Vec<MetricPoint>) -> Result<(), TrainerError> {
        self.outbox.metrics(points);
        Ok(())
    }

    fn progress(&mut self, progress: &Progress) {
        let known = self.shown.as_ref().is_some_and(|(step, phase)| {
            *phase == progress.phase && progress.step.saturating_sub(*step) < SHOW_EVERY_STEPS
        });
        if !known && !self.paused {
            self.shown = Some((progress.step, progress.phase.clone()));
            self.outbox.progress(progress);
        }
    }

    fn written(&mut self, checkpoint: CheckpointWritten) {
        self.outbox.send(WorkerEvent::CheckpointWritten(checkpoint));
    }
}
