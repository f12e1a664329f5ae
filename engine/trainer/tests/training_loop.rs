//! The loop over a toy market: when checkpoints are written, and what an account without a value does to it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use engine::config::agents::{DqnConfig, EpsilonConfig};
use engine::config::{AgentConfig, SplitConfig, TrainingConfig};
use engine::environment::{AccountSnapshot, Action, ActionSpace, Environment, StepResult};
use engine::error::EngineError;
use engine::features::Normaliser;
use engine::session::protocol::{CheckpointWritten, MetricPoint, Progress};
use trainer::TrainerError;
use trainer::checkpoint::Identity;
use trainer::data::WholeLens;
use trainer::train::{Host, Order, Task, Training};

/// Steps of one pass: an epoch takes milliseconds.
const STEPS: usize = 20;

/// A market of one number; `worthless` loses the account's value after the first step.
struct Toy {
    names: Vec<String>,
    at: usize,
    worthless: bool,
}

impl Toy {
    fn boxed(worthless: bool) -> Box<dyn Environment> {
        Box::new(Self { names: vec!["bar".to_owned(), "cash".to_owned()], at: 0, worthless })
    }
}

impl Environment for Toy {
    fn observation_names(&self) -> &[String] {
        &self.names
    }

    fn action_space(&self) -> ActionSpace {
        ActionSpace::Discrete(3)
    }

    fn steps_per_episode(&self) -> usize {
        STEPS
    }

    fn reset(&mut self) {
        self.at = 0;
    }

    fn reset_at(&mut self, offset: usize) -> Result<(), EngineError> {
        self.at = offset;
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "a few steps")]
    fn observe(&self, out: &mut [f32]) {
        let cash = if self.worthless && self.at > 0 { f32::NAN } else { 1.0 };
        out.copy_from_slice(&[self.at as f32 / STEPS as f32, cash]);
    }

    fn step(&mut self, _: Action<'_>) -> StepResult {
        self.at += 1;
        StepResult { reward: 0.1, terminated: false, truncated: self.at == STEPS }
    }

    fn equity(&self) -> f64 {
        if self.worthless && self.at > 0 { f64::NAN } else { 100.0 }
    }

    fn snapshot(&self) -> AccountSnapshot {
        AccountSnapshot {
            bar_index: self.at,
            equity: self.equity(),
            cash: 100.0,
            position: 0.0,
            lot: 1.0,
            costs: 0.0,
            refusal_count: 0,
            cut_count: 0,
            last_fill: None,
        }
    }

    fn save(&self) -> Vec<u8> {
        vec![u8::try_from(self.at).unwrap()]
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        self.at = bytes[0].into();
        Ok(())
    }
}

/// Gives the loop an order at chosen calls and keeps what it announces.
struct Script {
    work_dir: std::path::PathBuf,
    calls: usize,
    orders: Vec<(usize, Order)>,
    written: Vec<CheckpointWritten>,
}

impl Script {
    fn new(work_dir: &Path, orders: &[(usize, Order)]) -> Self {
        Self {
            work_dir: work_dir.to_owned(),
            calls: 0,
            orders: orders.to_vec(),
            written: Vec::new(),
        }
    }
}

impl Host for Script {
    fn order(&mut self) -> Result<Order, TrainerError> {
        self.calls += 1;
        let given = self.orders.iter().find(|(call, _)| *call == self.calls);
        Ok(given.map_or(Order::Continue, |(_, order)| *order))
    }

    fn metrics(&mut self, _: Vec<MetricPoint>) -> Result<(), TrainerError> {
        Ok(())
    }

    fn progress(&mut self, _: &Progress) {}

    fn written(&mut self, checkpoint: CheckpointWritten) {
        assert!(self.work_dir.join(&checkpoint.file).is_file(), "{checkpoint:?}");
        self.written.push(checkpoint);
    }
}

fn training(work_dir: &Path, epochs: u32, worthless: bool) -> Training {
    let dqn = DqnConfig {
        hidden: vec![4],
        batch_size: 8,
        replay_capacity: 100,
        warmup_steps: 16,
        epsilon: EpsilonConfig { decay_steps: 100, ..EpsilonConfig::default() },
        ..DqnConfig::default()
    };
    Training::new(Task {
        train: Toy::boxed(false),
        valid: Toy::boxed(worthless),
        lens: Arc::new(WholeLens { len: 2 }),
        normaliser: Normaliser::identity(1),
        periods_per_year: 252.0,
        agent: AgentConfig::Dqn(dqn),
        training: TrainingConfig { epochs, seed: 1, ..TrainingConfig::default() },
        identity: Identity {
            config_hash: "c".to_owned(),
            dataset_sha256: "d".to_owned(),
            seed: 1,
            split: SplitConfig::default(),
        },
        work_dir: work_dir.to_owned(),
    })
    .unwrap()
}

#[test]
fn epochs_of_milliseconds_share_a_checkpoint_and_the_last_one_is_always_written() {
    let directory = tempfile::tempdir().unwrap();
    let epochs = 200;
    let mut host = Script::new(directory.path(), &[]);
    let started = Instant::now();
    training(directory.path(), epochs, false).run(&mut host).unwrap();
    // Not a limit on time: however long it took, at most one a second, beside the first and the last.
    let most = usize::try_from(started.elapsed().as_secs()).unwrap() + 2;
    let found = host.written.len();
    assert!(found <= most, "{found} checkpoints, {most} at most");
    assert!(found >= 2, "the first epoch's and the last one's");
    let last = host.written.last().unwrap();
    assert_eq!((last.epoch_index, last.step), (epochs, u64::from(epochs) * STEPS as u64));
}

#[test]
fn a_checkpoint_on_command_and_one_before_a_stop_are_written_however_young_the_last_one_is() {
    let directory = tempfile::tempdir().unwrap();
    let orders = [(25, Order::Checkpoint), (27, Order::Checkpoint), (30, Order::Stop)];
    let mut host = Script::new(directory.path(), &orders);
    training(directory.path(), 1_000, false).run(&mut host).unwrap();
    let steps: Vec<u64> = host.written.iter().map(|written| written.step).collect();
    // an order takes the place of a step
    assert_eq!(steps, [20, 24, 25, 27]);
}

#[test]
fn an_account_without_a_value_in_validation_ends_training_with_a_sentence_and_is_not_retried() {
    let directory = tempfile::tempdir().unwrap();
    let mut host = Script::new(directory.path(), &[]);
    let error = training(directory.path(), 3, true).run(&mut host).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("NaN") && text.contains("validation"), "{text}");
    assert!(!error.is_restartable(), "{text}");
}
