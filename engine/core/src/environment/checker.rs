//! Tries an environment out and says what is wrong with it and how to mend it: for our own and for anybody else's.
//!
//! Runs whole episodes with random and with extreme actions. Changes nothing but the environment's state, which is
//! reset at the end. A panic of the environment is not caught: it is a finding of its own.

use std::collections::BTreeSet;

use super::{Action, ActionSpace, Environment, RewardUnit, StepResult};
use crate::rng::{Stream, StreamId};

/// Observations beyond this are not fit for networks.
const OBSERVATION_MAX: f32 = 1e7;
/// Sums of rewards and of holdings may be off by this share: rounding over an episode.
const TOLERANCE: f64 = 1e-9;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which check failed, for example `determinism`.
    pub check: &'static str,
    /// What was wanted, what was found, and how to mend it.
    pub message: String,
}

/// Checks an environment: shapes, finite numbers and ranges, resets, determinism, saving and loading, rewards against
/// the account, actions at the edges of the space, and what happens after the end. Nothing found means nothing wrong.
///
/// # Panics
/// When the environment does.
#[must_use]
pub fn check_environment(environment: &mut dyn Environment, seed: u64) -> Vec<Finding> {
    let mut checker = Checker { environment, seed, findings: Vec::new() };
    if checker.shapes() {
        checker.resets();
        checker.episode();
        checker.determinism();
        checker.saving();
        checker.edges();
        checker.environment.reset();
    }
    checker.findings
}

struct Checker<'a> {
    environment: &'a mut dyn Environment,
    seed: u64,
    findings: Vec<Finding>,
}

/// An action that owns its numbers.
enum Owned {
    Index(usize),
    Numbers(Vec<f64>),
}

impl Owned {
    fn borrowed(&self) -> Action<'_> {
        match self {
            Self::Index(index) => Action::Discrete(*index),
            Self::Numbers(numbers) => Action::Vector(numbers),
        }
    }
}

impl Checker<'_> {
    fn find(&mut self, check: &'static str, message: String) {
        // One finding per check is enough to mend it.
        if self.findings.iter().all(|finding| finding.check != check) {
            self.findings.push(Finding { check, message });
        }
    }

    /// Returns whether the shapes allow the other checks.
    fn shapes(&mut self) -> bool {
        let names = self.environment.observation_names();
        let (count, distinct) = (names.len(), names.iter().collect::<BTreeSet<_>>().len());
        let stated = self.environment.observation_len();
        if count != stated || count == 0 {
            self.find(
                "observation_names",
                format!("wanted one name for each of the {stated} numbers and at least one, found {count}: return one \
                         name per number"),
            );
        }
        if distinct != count {
            self.find(
                "observation_names",
                format!("wanted {count} different names, found {distinct}: number or date those that repeat"),
            );
        }
        if self.environment.steps_per_episode() == 0 {
            self.find(
                "steps_per_episode",
                "wanted at least one step, found 0: refuse data that is too short when the environment is built"
                    .to_owned(),
            );
        }
        let sound = match self.environment.action_space() {
            ActionSpace::Discrete(count) => 0 < count,
            ActionSpace::Simplex { assets } => 0 < assets,
            ActionSpace::Box { low, high } => {
                !low.is_empty()
                    && low.len() == high.len()
                    && low
                        .iter()
                        .zip(&high)
                        .all(|(low, high)| low <= high && (high - low).is_finite())
            }
        };
        if !sound {
            self.find(
                "action_space",
                format!(
                    "wanted at least one action with finite, ordered bounds, found {:?}: correct action_space",
                    self.environment.action_space()
                ),
            );
        }
        if self.environment.action_count() != self.environment.action_space().count() {
            self.find(
                "action_space",
                "wanted action_count to agree with action_space: leave action_count to the trait"
                    .to_owned(),
            );
        }
        self.findings.is_empty()
    }

    fn resets(&mut self) {
        self.environment.reset();
        let fresh = self.environment.save();
        self.take(1);
        if self.environment.reset_at(usize::MAX / 2).is_ok() {
            self.find(
                "reset_at",
                "wanted a start far beyond the data to be refused, found it accepted: compare the offset with the data"
                    .to_owned(),
            );
        }
        if self.environment.reset_at(0).is_err() || self.environment.save() != fresh {
            self.find(
                "reset",
                "wanted reset_at(0) to be what reset is, found another state: write reset as reset_at(0) and begin \
                 every field anew"
                    .to_owned(),
            );
        }
        self.environment.reset();
        if self.environment.save() != fresh {
            self.find(
                "reset",
                "wanted two resets to give one state, found two: begin every field anew".to_owned(),
            );
        }
    }

    /// Draws an action of the space.
    fn draw(&self, stream: &mut Stream) -> Owned {
        match self.environment.action_space() {
            ActionSpace::Discrete(count) => {
                Owned::Index(stream.below(u32::try_from(count).unwrap_or(u32::MAX)) as usize)
            }
            ActionSpace::Simplex { assets } => {
                let raw: Vec<f64> = (0..=assets)
                    .map(|_| if stream.uniform() < 0.2 { 0.0 } else { stream.uniform() })
                    .collect();
                let sum: f64 = raw.iter().sum();
                let share = if sum > 0.0 { 1.0 / sum } else { 0.0 };
                Owned::Numbers(raw.iter().map(|weight| weight * share).collect())
            }
            ActionSpace::Box { low, high } => Owned::Numbers(
                low.iter()
                    .zip(&high)
                    .map(|(low, high)| (low + (high - low) * stream.uniform()).clamp(*low, *high))
                    .collect(),
            ),
        }
    }

    /// Steps `count` times with random actions and returns a digest of all that was seen and paid.
    fn take(&mut self, count: usize) -> u64 {
        let mut stream = Stream::new(self.seed, StreamId::Exploration, 0);
        let mut seen = vec![0.0; self.environment.observation_len()];
        let mut digest = 0xcbf2_9ce4_8422_2325_u64;
        let mut mix = |bits: u64| digest = (digest ^ bits).wrapping_mul(0x0000_0100_0000_01b3);
        for _ in 0..count {
            let action = self.draw(&mut stream);
            let result = self.environment.step(action.borrowed());
            self.environment.observe(&mut seen);
            mix(result.reward.to_bits());
            mix(u64::from(result.terminated) * 2 + u64::from(result.truncated));
            seen.iter().for_each(|value| mix(u64::from(value.to_bits())));
            if result.ended() {
                break;
            }
        }
        digest
    }

    /// One whole episode, and what follows it.
    fn episode(&mut self) {
        self.environment.reset();
        let steps = self.environment.steps_per_episode();
        let mut stream = Stream::new(self.seed, StreamId::Exploration, 1);
        let (start, mut rewards) = (self.environment.equity(), 0.0);
        self.look(0);
        for step in 1..=steps {
            let action = self.draw(&mut stream);
            let result = self.environment.step(action.borrowed());
            rewards += result.reward;
            self.look(step);
            if !result.reward.is_finite() {
                self.find("reward", format!(
                    "wanted a finite reward, found {} in step {step}: hold a total loss at a floor", result.reward
                ));
            }
            if result.ended() {
                self.rewards(start, rewards, result);
                self.after_the_end(result);
                return;
            }
        }
        self.find("end", format!(
            "wanted the episode to end within {steps} steps, found it going on: end it with the data"
        ));
    }

    /// Looks at observation and account.
    fn look(&mut self, step: usize) {
        let mut seen = vec![f32::NAN; self.environment.observation_len()];
        self.environment.observe(&mut seen);
        let unfit = |value: &f32| {
            let fits = value.abs() <= OBSERVATION_MAX;
            !fits
        };
        if let Some(index) = seen.iter().position(unfit) {
            let (name, value) = (self.environment.observation_names()[index].clone(), seen[index]);
            self.find("observation", format!(
                "wanted numbers within ±{OBSERVATION_MAX:e}, found {value} in {name} after {step} steps: write every \
                 number of the buffer and normalise it"
            ));
        }
        if self.environment.reward_unit() == RewardUnit::Reference {
            return;
        }
        let account = self.environment.snapshot();
        let held: f64 = self.environment.holdings().iter().map(|holding| holding.value).sum();
        let scale = account.equity.abs().max(account.cash.abs()).max(held.abs());
        let balanced = (account.cash + held - account.equity).abs() <= TOLERANCE * scale
            && account.equity.to_bits() == self.environment.equity().to_bits();
        if !balanced {
            self.find("account", format!(
                "wanted cash {} and holdings {held} to be the equity {} after {step} steps: value holdings at the \
                 prices of the account",
                account.cash, account.equity
            ));
        }
    }

    /// The sum of the rewards is what the account, or the task, tells.
    fn rewards(&mut self, start: f64, rewards: f64, last: StepResult) {
        let wanted = match self.environment.reward_unit() {
            // After a ruin the last reward is held at a floor.
            RewardUnit::LogReturn if last.terminated => return,
            RewardUnit::LogReturn => (self.environment.equity() / start).ln(),
            RewardUnit::ShortfallBasisPoints => match self.environment.execution() {
                Some(report) => -report.shortfall_bps,
                None => f64::NAN,
            },
            RewardUnit::Reference => return,
        };
        let agrees = (rewards - wanted).abs() <= TOLERANCE * wanted.abs().max(1.0);
        if !agrees {
            self.find("rewards", format!(
                "wanted the rewards to add up to {wanted}, found {rewards}: pay each step once, net of all costs"
            ));
        }
    }

    fn after_the_end(&mut self, last: StepResult) {
        let (state, equity) = (self.environment.save(), self.environment.equity());
        let mut stream = Stream::new(self.seed, StreamId::Exploration, 2);
        let action = self.draw(&mut stream);
        let again = self.environment.step(action.borrowed());
        let same = again == StepResult { reward: 0.0, ..last }
            && self.environment.save() == state
            && self.environment.equity().to_bits() == equity.to_bits();
        if !same {
            self.find("after_the_end", format!(
                "wanted a step after the end to change nothing and to pay 0, found {again:?} after {last:?}: return \
                 early once the episode has ended"
            ));
        }
    }

    fn determinism(&mut self) {
        let steps = self.environment.steps_per_episode();
        self.environment.reset();
        let first = self.take(steps);
        self.environment.reset();
        if self.take(steps) != first {
            self.find(
                "determinism",
                "wanted the same actions to give the same episode, found another: take randomness from a seeded stream \
                 that reset begins anew, and keep no state outside what reset begins"
                    .to_owned(),
            );
        }
    }

    fn saving(&mut self) {
        let half = self.environment.steps_per_episode() / 2;
        self.environment.reset();
        self.take(half);
        let saved = self.environment.save();
        let went_on = self.take(half);
        if self.environment.load(&saved).is_err() {
            self.find(
                "save",
                "wanted a saved state to be restored, found it refused: read what save writes"
                    .to_owned(),
            );
            return;
        }
        if self.environment.save() != saved || self.take(half) != went_on {
            self.find(
                "save",
                "wanted a restored state to go on as the saved one did, found a difference: save every field a step \
                 reads"
                    .to_owned(),
            );
        }
        let now = self.environment.save();
        let damaged = [&[][..], &saved[..saved.len().saturating_sub(1)], b"no state at all"];
        let refused = damaged.iter().all(|bytes| self.environment.load(bytes).is_err());
        if !refused || self.environment.save() != now {
            self.find(
                "load",
                "wanted damaged bytes to be refused without a change, found otherwise: read into a new state and put \
                 it in place when all of it was read"
                    .to_owned(),
            );
        }
    }

    /// Whole episodes with each extreme action.
    fn edges(&mut self) {
        let edges: Vec<Owned> = match self.environment.action_space() {
            ActionSpace::Discrete(count) => {
                [0, count / 2, count - 1].into_iter().map(Owned::Index).collect()
            }
            ActionSpace::Simplex { assets } => {
                let alone =
                    |at: usize| (0..=assets).map(move |index| f64::from(u8::from(index == at)));
                let even = vec![1.0 / (assets as f64 + 1.0); assets + 1];
                let mut edges: Vec<Vec<f64>> =
                    [0, 1, assets].into_iter().map(|at| alone(at).collect()).collect();
                edges.extend([even, vec![0.0; assets + 1]]);
                edges.into_iter().map(Owned::Numbers).collect()
            }
            ActionSpace::Box { low, high } => vec![Owned::Numbers(low), Owned::Numbers(high)],
        };
        let space = self.environment.action_space();
        for edge in edges {
            if let Err(error) = space.check(edge.borrowed()) {
                self.find(
                    "action_space",
                    format!("wanted the space to contain its edges: {error}"),
                );
                continue;
            }
            self.environment.reset();
            for step in 1..=self.environment.steps_per_episode() {
                let result = self.environment.step(edge.borrowed());
                self.look(step);
                if result.ended() {
                    break;
                }
            }
        }
    }
}
