//! Collect → update → evaluate → choose → checkpoint, until all epochs are done or the node says stop.
//!
//! One epoch is one pass over the training segment. After each the greedy policy runs over the whole validation segment
//! in the native runtime (the code that will trade it), and the model with the best total return there is kept; the
//! first one counts in any case. Metric points come in a fixed order and carry no time, so equal runs give equal bytes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::config::{AgentConfig, TrainingConfig};
use engine::environment::{Action, Environment};
use engine::features::normalise::Normaliser;
use engine::metrics::MetricName;
use engine::metrics::max_drawdown::max_drawdown;
use engine::metrics::returns::{returns, total_return};
use engine::metrics::sharpe::sharpe;
use engine::policies::{self, Seat};
use engine::session::protocol::{CheckpointWritten, MetricPoint, Progress, WorkerResult};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::agents::{self, Agent, Curve, Outcome, Shape};
use crate::checkpoint::{self, Header, Identity};
use crate::data::Lens;
use crate::error::TrainerError;
use crate::storage::replay::End;
use crate::weights::{Container, Wanted};
use crate::{files, model};

/// Name of the trained model in the session's directory.
pub const MODEL_FILE: &str = "model.safetensors";

/// Age below which the last checkpoint stands for an epoch's end, too: an epoch may take milliseconds, a checkpoint
/// takes disk writes here and at the node. Only how often files are written depends on it, never what is learnt.
const EPOCH_CHECKPOINT_AGE: Duration = Duration::from_secs(1);

/// What is trained, on what, and where its files go.
pub struct Task {
    /// The training segment.
    pub train: Box<dyn Environment>,
    /// The validation segment.
    pub valid: Box<dyn Environment>,
    /// How the training segment's observations are kept.
    pub lens: Arc<dyn Lens>,
    /// Fitted on the training segment; goes into the model.
    pub normaliser: Normaliser,
    /// Bars per year, for the Sharpe ratio.
    pub periods_per_year: f64,
    /// The algorithm.
    pub agent: AgentConfig,
    /// How long, from which seed.
    pub training: TrainingConfig,
    /// What checkpoints belong to.
    pub identity: Identity,
    /// The session's own directory.
    pub work_dir: PathBuf,
}

/// What the loop is told between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Go on.
    Continue,
    /// Write a checkpoint.
    Checkpoint,
    /// Write a checkpoint and end.
    Stop,
}

/// Who runs the loop: the worker's channel, or a test.
pub trait Host {
    /// Says what to do next; waits here while paused.
    ///
    /// # Errors
    /// The session must end at once.
    fn order(&mut self) -> Result<Order, TrainerError>;

    /// Takes metric points, in order.
    ///
    /// # Errors
    /// The session must end at once.
    fn metrics(&mut self, points: Vec<MetricPoint>) -> Result<(), TrainerError>;

    /// Takes how far the loop is. Cheap: called at every step.
    fn progress(&mut self, progress: &Progress);

    /// Takes note of a durable checkpoint.
    fn written(&mut self, checkpoint: CheckpointWritten);
}

/// Counters of the loop, kept in checkpoints.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    step: u64,
    epoch_index: u32,
    metric_count: u64,
    best: Option<Best>,
    /// Absent between two episodes.
    episode: Option<Episode>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Best {
    epoch_index: u32,
    score: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Episode {
    start: f64,
    peak: f64,
    drawdown: f64,
}

impl Episode {
    fn new(equity: f64) -> Self {
        Self { start: equity, peak: equity, drawdown: 0.0 }
    }

    fn note(&mut self, equity: f64) {
        self.peak = self.peak.max(equity);
        if self.peak > 0.0 {
            self.drawdown = self.drawdown.max(1.0 - equity / self.peak);
        }
    }
}

/// One training session.
pub struct Training {
    task: Task,
    agent: Box<dyn Agent>,
    state: State,
    best_model: Vec<u8>,
    observation: Vec<f32>,
    key: Vec<f32>,
    progress: Progress,
    last: Option<CheckpointWritten>,
    last_at: Instant,
}

impl Training {
    /// Prepares a fresh session.
    ///
    /// # Errors
    /// The strategy has nothing to learn, the two segments do not fit each other, or memory is exhausted.
    pub fn new(task: Task) -> Result<Self, TrainerError> {
        let shape = Shape {
            observation: task.train.observation_len(),
            key: task.lens.key_len(),
            actions: task.train.action_count(),
        };
        if shape.observation != task.valid.observation_len()
            || shape.actions != task.valid.action_count()
        {
            return Err(TrainerError::Internal(
                "training and validation environments have different shapes".to_owned(),
            ));
        }
        let agent = agents::build(&task.agent, shape, Arc::clone(&task.lens), task.training.seed)?;
        let step_count = task.train.steps_per_episode() as u64 * u64::from(task.training.epochs);
        let progress = Progress {
            step: 0,
            step_count,
            epoch_index: 0,
            epoch_count: task.training.epochs,
            phase: "collect".to_owned(),
            steps_per_second: 0.0,
        };
        Ok(Self {
            agent,
            state: State::default(),
            best_model: Vec::new(),
            observation: vec![0.0; shape.observation],
            key: vec![0.0; shape.key],
            progress,
            last: None,
            last_at: Instant::now(),
            task,
        })
    }

    /// Takes over a checkpoint's state.
    ///
    /// # Errors
    /// Damaged, or of another session; every difference is named.
    pub fn resume(&mut self, bytes: &[u8]) -> Result<(), TrainerError> {
        let mut wanted: Vec<Wanted> = self.agent.wanted();
        wanted.extend(checkpoint::wanted());
        let (container, header) = checkpoint::open(bytes, &self.task.identity, &wanted)?;
        let unreadable = |error: &dyn std::fmt::Display| {
            TrainerError::BadCheckpoint(format!(
                "the checkpoint's state cannot be read: {error}; resume from an older file"
            ))
        };
        let state: State =
            serde_json::from_value(header.state).map_err(|error| unreadable(&error))?;
        self.agent.load(&container, &header.agent)?;
        self.task.train.load(container.u8("environment")?).map_err(|error| unreadable(&error))?;
        self.best_model = container.u8("best.model")?.to_vec();
        if state.best.is_some() == self.best_model.is_empty() {
            return Err(unreadable(&"the best model is missing"));
        }
        self.state = state;
        Ok(())
    }

    /// Runs until done or stopped. Returns what was produced.
    ///
    /// # Errors
    /// The host says so, learning diverges, a file cannot be written, or libtorch fails.
    pub fn run(&mut self, host: &mut dyn Host) -> Result<WorkerResult, TrainerError> {
        let every = Duration::from_secs_f64(self.task.training.checkpoint_every_seconds);
        self.last_at = Instant::now();
        while self.state.epoch_index < self.task.training.epochs {
            self.show("collect", host);
            match host.order()? {
                Order::Continue if self.last_at.elapsed() < every => self.step(host)?,
                // Without a step: the loop may be paused, and looks for orders again.
                Order::Continue | Order::Checkpoint => self.write_checkpoint(host)?,
                Order::Stop => {
                    self.write_checkpoint(host)?;
                    return self.finish(true);
                }
            }
        }
        self.finish(false)
    }

    fn show(&mut self, phase: &str, host: &mut dyn Host) {
        self.progress.step = self.state.step;
        self.progress.epoch_index = self.state.epoch_index;
        if self.progress.phase != phase {
            phase.clone_into(&mut self.progress.phase);
        }
        host.progress(&self.progress);
    }

    // ── One step ─────────────────────────────────────────────────────────────────────────────────────────────────

    fn step(&mut self, host: &mut dyn Host) -> Result<(), TrainerError> {
        if self.state.episode.is_none() {
            self.task.train.reset();
            self.look();
            self.agent.begin(&self.key);
            self.state.episode = Some(Episode::new(self.task.train.equity()));
        }
        let action = self.agent.act()?;
        let result = self.task.train.step(Action::Discrete(action));
        self.look();
        self.state.step += 1;
        if !result.reward.is_finite() {
            return Err(TrainerError::Diverged(format!(
                "the environment's reward is {} at step {}: look for zero or extreme prices in the data",
                result.reward, self.state.step
            )));
        }
        let end = match (result.terminated, result.truncated) {
            (true, _) => End::Terminated,
            (false, true) => End::Truncated,
            (false, false) => End::No,
        };
        let equity = self.task.train.equity();
        if let Some(episode) = &mut self.state.episode {
            episode.note(equity);
        }
        let curve =
            self.agent.learn(Outcome { action, reward: result.reward, end, next: &self.key })?;
        if !curve.is_empty() {
            self.emit(curve, host)?;
        }
        if end == End::No {
            return Ok(());
        }
        self.finish_epoch(equity, host)
    }

    /// Takes the key of what the environment shows now.
    fn look(&mut self) {
        let environment = self.task.train.as_ref();
        environment.observe(&mut self.observation);
        self.task.lens.key(environment, &self.observation, &mut self.key);
    }

    fn emit(&mut self, values: Curve, host: &mut dyn Host) -> Result<(), TrainerError> {
        let step = self.state.step;
        let points: Vec<MetricPoint> = values
            .into_iter()
            .map(|(name, value)| MetricPoint {
                name: name.as_str().to_owned(),
                step,
                value: value.filter(|value| value.is_finite()),
            })
            .collect();
        self.state.metric_count += points.len() as u64;
        host.metrics(points)
    }

    // ── End of an epoch ──────────────────────────────────────────────────────────────────────────────────────────

    fn finish_epoch(&mut self, equity: f64, host: &mut dyn Host) -> Result<(), TrainerError> {
        let Some(episode) = self.state.episode.take() else { return Ok(()) };
        let episode_return = (episode.start > 0.0).then(|| equity / episode.start - 1.0);
        self.show("evaluate", host);
        let candidate = model::export(
            &self.agent.layers()?,
            &self.task.normaliser,
            self.task.agent.algorithm(),
        );
        let curve = self.evaluate(&candidate)?;
        let score = total_return(&curve);
        let ratio =
            returns(&curve).and_then(|returns| sharpe(&returns, self.task.periods_per_year));
        let values = vec![
            (MetricName::EpisodeReturn, episode_return),
            (MetricName::EpisodeDrawdown, Some(episode.drawdown)),
            (MetricName::ValidTotalReturn, score),
            (MetricName::ValidSharpe, ratio),
            (MetricName::ValidMaxDrawdown, max_drawdown(&curve)),
        ];
        self.emit(values, host)?;
        let better = match &self.state.best {
            None => true,
            Some(best) => score.is_some_and(|new| best.score.is_none_or(|old| new > old)),
        };
        if better {
            self.state.best = Some(Best { epoch_index: self.state.epoch_index, score });
            self.best_model = candidate;
        }
        self.state.epoch_index += 1;
        let more = self.state.epoch_index < self.task.training.epochs;
        if more && self.last.is_some() && self.last_at.elapsed() < EPOCH_CHECKPOINT_AGE {
            return Ok(());
        }
        self.write_checkpoint(host)
    }

    /// Returns the equity of the greedy policy over the validation segment, start included.
    fn evaluate(&mut self, candidate: &[u8]) -> Result<Vec<f64>, TrainerError> {
        let seat = Seat {
            observation_len: self.task.valid.observation_len(),
            action_count: self.task.valid.action_count(),
            seed: self.task.training.seed,
        };
        let mut policy =
            policies::build(&self.task.agent, &seat, Some(candidate)).map_err(|error| {
                TrainerError::Internal(format!(
                    "the native runtime refuses the model just exported: {error}"
                ))
            })?;
        let environment = &mut self.task.valid;
        let mut observation = vec![0.0; environment.observation_len()];
        environment.reset();
        let mut equity = vec![environment.equity()];
        loop {
            environment.observe(&mut observation);
            let action = policy.decide(&observation).map_err(|error| {
                TrainerError::Diverged(format!(
                    "the network decides on the validation segment by what is no number ({error}); lower the learning \
                     rate or clip gradients harder"
                ))
            })?;
            let result = environment.step(Action::Discrete(action));
            let value = environment.equity();
            if !value.is_finite() {
                return Err(worthless(value, equity.len()));
            }
            equity.push(value);
            if result.terminated || result.truncated {
                return Ok(equity);
            }
        }
    }

    // ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────

    fn write_checkpoint(&mut self, host: &mut dyn Host) -> Result<(), TrainerError> {
        self.last_at = Instant::now();
        let unchanged = self.last.as_ref().filter(|last| {
            last.step == self.state.step && last.metric_count == self.state.metric_count
        });
        if let Some(last) = unchanged {
            host.written(last.clone());
            return Ok(());
        }
        self.show("checkpoint", host);
        let mut container = Container::default();
        let agent = self.agent.save(&mut container)?;
        container.put_u8("environment", &self.task.train.save());
        container.put_u8("best.model", &self.best_model);
        let header = Header {
            format: checkpoint::FORMAT.to_owned(),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            identity: self.task.identity.clone(),
            state: json!(self.state),
            agent,
        };
        checkpoint::seal(&mut container, &header)?;
        let written = checkpoint::store(&self.task.work_dir, self.state.step, &container)?;
        let announced = CheckpointWritten {
            step: self.state.step,
            epoch_index: self.state.epoch_index,
            metric_count: self.state.metric_count,
            file: checkpoint::file_name(self.state.step),
            sha256: written.sha256,
            size_bytes: written.size_bytes,
        };
        self.last = Some(announced.clone());
        host.written(announced);
        Ok(())
    }

    /// Writes the best model; where no epoch was finished, the model as it stands.
    fn finish(&mut self, stopped: bool) -> Result<WorkerResult, TrainerError> {
        let (bytes, best) = match &self.state.best {
            Some(best) => (self.best_model.clone(), best.clone()),
            None => {
                let layers = self.agent.layers()?;
                let bytes =
                    model::export(&layers, &self.task.normaliser, self.task.agent.algorithm());
                (bytes, Best { epoch_index: self.state.epoch_index, score: None })
            }
        };
        let written = files::write(&self.task.work_dir, MODEL_FILE, &bytes)?;
        Ok(WorkerResult::Training {
            model_file: MODEL_FILE.to_owned(),
            model_sha256: written.sha256,
            best_epoch_index: best.epoch_index,
            best_score: best.score,
            stopped,
        })
    }
}

/// An account whose value is not a number: nothing can be decided or compared from there on.
fn worthless(value: f64, step: usize) -> TrainerError {
    TrainerError::Diverged(format!(
        "the account's value is {value} after step {step} of the validation segment. In 'faithful' mode this is the \
         reference's 0/0: the strategy held while its cash was used up to the last unit. Change initial_cash or \
         max_volume, or use 'corrected'; elsewhere look for extreme prices in the data"
    ))
}
