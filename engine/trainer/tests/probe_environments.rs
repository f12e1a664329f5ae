//! Tiny tasks with known answers that every learner must solve within a fixed budget of steps. Each isolates one fault.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::sync::Arc;

use engine::config::AgentConfig;
use engine::config::agents::{DqnConfig, EpsilonConfig};
use engine::features::Normaliser;
use engine::policies::network::Mlp;
use trainer::agents::{Agent, Outcome, Shape, build};
use trainer::data::WholeLens;
use trainer::model::export;
use trainer::storage::replay::End;

/// What a step of a task brings: next state, reward, end.
type Step = (usize, f64, End);

/// A task of a few states, each shown as one-hot.
struct Task {
    states: usize,
    actions: usize,
    step: fn(state: usize, action: usize, draw: u32) -> Step,
}

impl Task {
    fn observation(&self, state: usize) -> Vec<f32> {
        (0..self.states).map(|at| if at == state { 1.0 } else { 0.0 }).collect()
    }

    /// Learns for `steps` steps; returns the action values of each state.
    fn learn(&self, config: DqnConfig, steps: u32) -> Vec<Vec<f32>> {
        let shape = Shape { observation: self.states, key: self.states, actions: self.actions };
        let lens = Arc::new(WholeLens { len: self.states });
        let mut agent = build(&AgentConfig::Dqn(config), shape, lens, 3).unwrap();
        let mut state = 0;
        agent.begin(&self.observation(state));
        for draw in 0..steps {
            let action = agent.act().unwrap();
            let (next, reward, end) = (self.step)(state, action, draw);
            agent.learn(Outcome { action, reward, end, next: &self.observation(next) }).unwrap();
            state = next;
            if end != End::No {
                state = 0;
                agent.begin(&self.observation(state));
            }
        }
        self.values(agent.as_ref())
    }

    fn values(&self, agent: &dyn Agent) -> Vec<Vec<f32>> {
        let bytes = export(&agent.layers().unwrap(), &Normaliser::identity(1), "dqn");
        let mut network = Mlp::from_safetensors(&bytes).unwrap();
        (0..self.states).map(|state| network.forward(&self.observation(state)).to_vec()).collect()
    }
}

fn config() -> DqnConfig {
    DqnConfig {
        hidden: vec![32],
        gamma: 0.5,
        learning_rate: 3e-3,
        batch_size: 32,
        replay_capacity: 2_000,
        warmup_steps: 64,
        steps_per_update: 1,
        target_tau: 0.05,
        gradient_norm_max: 10.0,
        reward_scale: 1.0,
        epsilon: EpsilonConfig { start: 1.0, end: 0.2, decay_steps: 1_000 },
    }
}

fn near(found: f32, wanted: f32, what: &str) {
    assert!((found - wanted).abs() < 0.05, "{what}: wanted {wanted}, found {found}");
}

#[test]
fn value_one_state_one_reward() {
    let task = Task { states: 1, actions: 1, step: |_, _, _| (0, 1.0, End::Terminated) };
    near(task.learn(config(), 600)[0][0], 1.0, "the reward itself, for nothing follows");
}

#[test]
fn bootstrapping_a_truncated_end_counts_what_would_follow() {
    let task = Task { states: 1, actions: 1, step: |_, _, _| (0, 1.0, End::Truncated) };
    near(task.learn(config(), 1_200)[0][0], 2.0, "1 / (1 − 0.5)");
}

#[test]
fn discounting_a_reward_two_steps_away() {
    let task = Task {
        states: 3,
        actions: 1,
        step: |state, _, _| match state {
            0 => (1, 0.0, End::No),
            1 => (2, 0.0, End::No),
            _ => (2, 1.0, End::Terminated),
        },
    };
    let values = task.learn(config(), 1_500);
    near(values[2][0], 1.0, "at the reward");
    near(values[1][0], 0.5, "one step before");
    near(values[0][0], 0.25, "two steps before");
}

#[test]
fn seeing_the_right_action_depends_on_the_state() {
    let task = Task {
        states: 2,
        actions: 2,
        step: |state, action, draw| {
            let reward = if state == action { 1.0 } else { -1.0 };
            (
                usize::from(draw % 3 == 0),
                reward,
                if draw % 7 == 0 { End::Terminated } else { End::No },
            )
        },
    };
    let values = task.learn(DqnConfig { gamma: 0.0, ..config() }, 1_500);
    for (state, row) in values.iter().enumerate() {
        for (action, value) in row.iter().enumerate() {
            near(*value, if state == action { 1.0 } else { -1.0 }, "action value");
        }
    }
}

#[test]
fn exploration_finds_a_reward_behind_a_small_bait() {
    // Staying pays a little at once; four steps to the right pay a hundred times as much.
    let task = Task {
        states: 5,
        actions: 2,
        step: |state, action, _| match (state, action) {
            (_, 0) => (0, 0.01, End::Terminated),
            (4, _) => (4, 1.0, End::Terminated),
            (state, _) => (state + 1, 0.0, End::No),
        },
    };
    let config = DqnConfig {
        gamma: 0.9,
        epsilon: EpsilonConfig { start: 1.0, end: 0.5, decay_steps: 3_000 },
        ..config()
    };
    let values = task.learn(config, 3_000);
    for (state, row) in values.iter().enumerate() {
        assert!(row[1] > row[0], "state {state}: {row:?}");
    }
    near(values[4][1], 1.0, "the last step");
    assert!((values[0][1] - 0.9_f32.powi(4)).abs() < 0.1, "{:?}", values[0]);
}

#[test]
fn scaled_rewards_scale_the_values() {
    let task = Task { states: 1, actions: 1, step: |_, _, _| (0, 0.01, End::Terminated) };
    near(task.learn(DqnConfig { reward_scale: 100.0, ..config() }, 600)[0][0], 1.0, "0.01 × 100");
}
