//! Deep Q-learning (Mnih et al. 2015, doi 10.1038/nature14236).
//!
//! In: replay sampled uniformly over everything stored, a target network, the clipped error of the paper (Huber, δ = 1),
//! ε-greedy exploration on a straight line, gradient clipping by norm, one update per `steps_per_update` steps after
//! a warm-up. Different from the paper, and why: the target follows softly (τ per update) instead of in jumps, which
//! needs no period to tune; Adam instead of RMSProp; rewards are scaled, not clipped, because their size is the
//! point of trading. A truncated episode (end of the data) bootstraps from its last state, a terminated one does not.
//! The reference system never updates its target network; that is an error and is not rebuilt here.
//!
//! Left out: double, dueling and distributional estimates, priorities, n-step returns (algorithms of their own).
//!
//! Logged, each the mean over [`REPORT_UPDATES`] updates:
//! - `loss`: should fall within the first epochs, then stay flat; a steady rise means the values run away;
//! - `q_mean`: value of the actions in the batch, in units of `reward_scale`; should settle near
//!   mean scaled reward / (1 − γ); far above it means overestimation;
//! - `gradient_norm`: before clipping; grows as the values grow, then stays flat; many times `gradient_norm_max` means
//!   that clipping alone decides the steps: lower the learning rate;
//! - `epsilon`: share of random actions at the newest step (not a mean).

use std::sync::Arc;

use engine::config::agents::DqnConfig;
use engine::metrics::MetricName;
use engine::rng::{Stream, StreamId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tch::{Device, Kind, Reduction, Tensor, no_grad_guard};

use super::{Agent, Curve, Outcome, Shape};
use crate::data::Lens;
use crate::error::TrainerError;
use crate::model::{Layer, layers};
use crate::nets::dense::{Dense, parameter_count};
use crate::optimiser::Adam;
use crate::schedule;
use crate::storage::replay::{Batch, Replay};
use crate::weights::{Container, DataType, Wanted};

/// Updates between two points of the curves.
pub const REPORT_UPDATES: u32 = 100;

/// A DQN agent.
pub struct Dqn {
    config: DqnConfig,
    shape: Shape,
    seed: u64,
    online: Dense,
    target: Dense,
    optimiser: Adam,
    replay: Replay,
    batch: Batch,
    lens: Arc<dyn Lens>,
    exploration: Stream,
    sampling: Stream,
    step_count: u64,
    /// Sums of loss, value and gradient norm since the last report.
    sums: Tensor,
    update_count: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counters {
    exploration: u64,
    sampling: u64,
    step_count: u64,
    optimiser_step_count: u64,
    replay_cursor: usize,
    sums: [f32; 3],
    update_count: u32,
}

// ── Network ──────────────────────────────────────────────────────────────────────────────────────────────────────

fn sizes(config: &DqnConfig, shape: Shape) -> Vec<usize> {
    let mut sizes = vec![shape.observation];
    sizes.extend(config.hidden.iter().map(|width| *width as usize));
    sizes.push(shape.actions);
    sizes
}

/// Returns the memory terms of a session: replay, parameters with their copies, one batch.
#[must_use]
pub fn memory_terms(config: &DqnConfig, shape: Shape) -> Vec<(&'static str, u64)> {
    let sizes = sizes(config, shape);
    let widths: usize = sizes.iter().sum();
    vec![
        // While a checkpoint is written: the ring, its arrays in the container, the file's bytes.
        ("replay_capacity", 3 * Replay::bytes(shape.key, config.replay_capacity as usize)),
        // online, target, two moments, gradient twice, one operand of the update
        ("hidden", 7 * 4 * parameter_count(&sizes) as u64),
        (
            "batch_size",
            u64::from(config.batch_size) * 4 * (4 * widths as u64 + 2 * shape.observation as u64),
        ),
    ]
}

impl Dqn {
    /// Returns a fresh agent.
    ///
    /// # Errors
    /// libtorch has no memory.
    pub fn new(
        config: &DqnConfig,
        shape: Shape,
        lens: Arc<dyn Lens>,
        seed: u32,
    ) -> Result<Self, TrainerError> {
        let seed = u64::from(seed);
        let sizes = sizes(config, shape);
        let mut online = Dense::new(&sizes, &mut Stream::new(seed, StreamId::Initialisation, 0))?;
        let target = Dense::with_values(&sizes, &online.values()?)?;
        let optimiser = Adam::new(online.flat(), config.learning_rate)?;
        Ok(Self {
            shape,
            seed,
            online,
            target,
            optimiser,
            replay: Replay::new(shape.key, config.replay_capacity as usize),
            batch: Batch::default(),
            lens,
            exploration: Stream::new(seed, StreamId::Exploration, 0),
            sampling: Stream::new(seed, StreamId::ReplaySampling, 0),
            step_count: 0,
            sums: Tensor::f_zeros([3], (Kind::Float, Device::Cpu))?,
            update_count: 0,
            config: config.clone(),
        })
    }

    fn epsilon(&self) -> f64 {
        let line = &self.config.epsilon;
        schedule::linear(line.start, line.end, u64::from(line.decay_steps), self.step_count)
    }

    /// Returns the observations of `keys` as `[batch, observation]`; zeros where `continues` says that nothing follows
    /// (an absent entry says that something does).
    fn rows(&self, keys: &[f32], continues: &[f32]) -> Result<Tensor, TrainerError> {
        let width = self.shape.observation;
        let mut values = vec![0.0; keys.len() / self.shape.key * width];
        for (row, (key, out)) in
            keys.chunks_exact(self.shape.key).zip(values.chunks_exact_mut(width)).enumerate()
        {
            if continues.get(row).is_none_or(|continues| *continues > 0.5) {
                self.lens.expand(key, out);
            }
        }
        Ok(Tensor::f_from_slice(&values)?.f_view([-1, i64::try_from(width).unwrap_or(i64::MAX)])?)
    }

    // ── Update ───────────────────────────────────────────────────────────────────────────────────────────────────

    /// Learns from one batch.
    fn update(&mut self) -> Result<(), TrainerError> {
        self.replay.sample(&mut self.sampling, self.config.batch_size as usize, &mut self.batch);
        let wanted = self.targets()?;
        let actions = Tensor::f_from_slice(&self.batch.actions)?.f_unsqueeze(1)?;
        let values = self
            .online
            .forward(&self.rows(&self.batch.keys, &[])?)?
            .f_gather(1, &actions, false)?
            .f_squeeze_dim(1)?;
        let loss = values.f_smooth_l1_loss(&wanted, Reduction::Mean, 1.0)?;
        let gradients = Tensor::f_run_backward(&[&loss], self.online.leaves(), false, false)?;

        let _guard = no_grad_guard();
        let flat: Result<Vec<Tensor>, _> =
            gradients.iter().map(|gradient| gradient.f_reshape([-1])).collect();
        let mut gradient = Tensor::f_cat(&flat?, 0)?;
        let norm = gradient.f_norm()?;
        let factor =
            norm.f_add_scalar(1e-6)?.f_reciprocal()?.f_mul_scalar(self.config.gradient_norm_max)?;
        let gradient = gradient.f_mul_(&factor.f_clamp_max(1.0)?)?;
        self.optimiser.step(self.online.flat(), &gradient)?;
        self.target.approach(&self.online, self.config.target_tau)?;

        // Summed where the tensors live and read once per report: no waiting for the device in between.
        let measures = Tensor::f_stack(&[loss.f_detach()?, values.f_mean(Kind::Float)?, norm], 0)?;
        drop(self.sums.f_add_(&measures)?);
        self.update_count += 1;
        Ok(())
    }

    /// Returns `r + γ·max Q'(s')` for the batch; `r` alone after a terminated step.
    fn targets(&self) -> Result<Tensor, TrainerError> {
        let _guard = no_grad_guard();
        let rewards = Tensor::f_from_slice(&self.batch.rewards)?;
        let continues = Tensor::f_from_slice(&self.batch.continues)?;
        let best = self
            .target
            .forward(&self.rows(&self.batch.successors, &self.batch.continues)?)?
            .f_amax([1], false)?;
        Ok(rewards.f_addcmul(&best, &continues.f_mul_scalar(self.config.gamma)?)?)
    }

    // ── Metrics ──────────────────────────────────────────────────────────────────────────────────────────────────

    fn report(&mut self) -> Result<Curve, TrainerError> {
        if self.update_count < REPORT_UPDATES {
            return Ok(Vec::new());
        }
        let [loss, value, norm] =
            self.measured()?.map(|sum| f64::from(sum) / f64::from(self.update_count));
        drop(self.sums.f_zero_()?);
        self.update_count = 0;
        Ok(vec![
            (MetricName::Loss, Some(loss)),
            (MetricName::QMean, Some(value)),
            (MetricName::Epsilon, Some(self.epsilon())),
            (MetricName::GradientNorm, Some(norm)),
        ])
    }

    /// Returns the sums since the last report, after a look at whether learning still makes sense.
    fn measured(&self) -> Result<[f32; 3], TrainerError> {
        let mut sums = [0.0_f32; 3];
        self.sums.f_copy_data(&mut sums, 3)?;
        if sums.iter().all(|sum| sum.is_finite())
            && self.online.is_finite()?
            && self.target.is_finite()?
        {
            return Ok(sums);
        }
        Err(TrainerError::Diverged(format!(
            "loss, value or gradient norm is not finite before environment step {} (sums {sums:?}): learning has \
             diverged. Lower learning_rate or reward_scale, or look for extreme values in the data",
            self.step_count
        )))
    }
}

impl Agent for Dqn {
    // ── Collect ──────────────────────────────────────────────────────────────────────────────────────────────────

    fn begin(&mut self, key: &[f32]) {
        self.replay.begin(key);
    }

    fn act(&mut self) -> Result<usize, TrainerError> {
        let action_count = u32::try_from(self.shape.actions).unwrap_or(u32::MAX);
        if self.exploration.uniform() < self.epsilon() {
            return Ok(self.exploration.below(action_count) as usize);
        }
        let _guard = no_grad_guard();
        let best =
            self.online.forward(&self.rows(self.replay.current(), &[])?)?.f_argmax(1, false)?;
        Ok(usize::try_from(best.f_int64_value(&[0])?).unwrap_or(0))
    }

    fn learn(&mut self, outcome: Outcome<'_>) -> Result<Curve, TrainerError> {
        #[expect(clippy::cast_possible_truncation, reason = "learning is single precision")]
        let reward = (outcome.reward * self.config.reward_scale) as f32;
        let action = u32::try_from(outcome.action).unwrap_or(u32::MAX);
        self.replay.finish(action, reward, outcome.end, outcome.next);
        self.step_count += 1;
        let due = self.step_count >= u64::from(self.config.warmup_steps)
            && self.step_count.is_multiple_of(u64::from(self.config.steps_per_update));
        if due {
            self.update()?;
        }
        self.report()
    }

    fn layers(&self) -> Result<Vec<Layer>, TrainerError> {
        self.measured()?;
        let sizes: Vec<usize> = self.online.sizes().collect();
        Ok(layers(&sizes, &self.online.values()?))
    }

    // ── State ────────────────────────────────────────────────────────────────────────────────────────────────────

    fn save(&self, container: &mut Container) -> Result<Value, TrainerError> {
        let sums = self.measured()?;
        let (mean, square, optimiser_step_count) = self.optimiser.state()?;
        let parameters = [mean.len()];
        container.put_f32("online.parameters", &parameters, &self.online.values()?);
        container.put_f32("target.parameters", &parameters, &self.target.values()?);
        container.put_f32("optimiser.m", &parameters, &mean);
        container.put_f32("optimiser.v", &parameters, &square);
        let replay_cursor = self.replay.save(container);
        Ok(json!(Counters {
            exploration: self.exploration.position(),
            sampling: self.sampling.position(),
            step_count: self.step_count,
            optimiser_step_count,
            replay_cursor,
            sums,
            update_count: self.update_count,
        }))
    }

    fn wanted(&self) -> Vec<Wanted> {
        let parameters = [Some(parameter_count(&sizes(&self.config, self.shape)))];
        let mut wanted = self.replay.wanted();
        for name in ["online.parameters", "target.parameters", "optimiser.m", "optimiser.v"] {
            wanted.push(Wanted::new(name, DataType::F32, &parameters));
        }
        wanted
    }

    fn load(&mut self, container: &Container, counters: &Value) -> Result<(), TrainerError> {
        let counters = Counters::deserialize(counters).map_err(|error| {
            TrainerError::BadCheckpoint(format!(
                "the agent's counters cannot be read: {error}; resume from an older file"
            ))
        })?;
        self.replay.load(
            container,
            counters.replay_cursor,
            self.shape.actions,
            self.lens.as_ref(),
        )?;
        self.online.set_values(&container.f32("online.parameters")?)?;
        self.target.set_values(&container.f32("target.parameters")?)?;
        let (mean, square) = (container.f32("optimiser.m")?, container.f32("optimiser.v")?);
        self.optimiser.restore(&mean, &square, counters.optimiser_step_count)?;
        self.exploration = Stream::at(self.seed, StreamId::Exploration, 0, counters.exploration);
        self.sampling = Stream::at(self.seed, StreamId::ReplaySampling, 0, counters.sampling);
        self.step_count = counters.step_count;
        let _guard = no_grad_guard();
        self.sums = Tensor::f_from_slice(&counters.sums)?;
        self.update_count = counters.update_count;
        Ok(())
    }
}
