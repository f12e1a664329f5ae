//! Observations by reference: a replay slot holds a short key, and the observation is gathered again when it is learnt
//! from. Prices do not depend on what we do, so the bar's index and the account's two numbers say everything.
//!
//! With 16 features over 5 bars a slot takes 12 bytes instead of 328; a checkpoint shrinks with it.

use std::sync::Arc;

use engine::config::{EnvironmentConfig, StrategyConfig};
use engine::environment::observation::{self, AccountObservation};
use engine::environment::{Environment, MarketData};

use crate::error::TrainerError;

/// Indices are kept as single-precision numbers, exact up to here.
const BARS_MAX: usize = 1 << 24;

/// Turns what an environment shows into a key, and a key into the observation, bit by bit.
pub trait Lens: Send + Sync {
    /// Returns how many numbers a key has.
    fn key_len(&self) -> usize;

    /// Writes the key of what `environment` shows now, which is `observation`.
    fn key(&self, environment: &dyn Environment, observation: &[f32], key: &mut [f32]);

    /// Whether a key read from a file is one that [`expand`](Self::expand) takes.
    fn accepts(&self, key: &[f32]) -> bool;

    /// Writes the observation of a key that is accepted.
    fn expand(&self, key: &[f32], observation: &mut [f32]);
}

/// The lens of trading one instrument: `[bar index, cash, position]`.
#[derive(Debug, Clone)]
pub struct BarLens {
    market: Arc<MarketData>,
    window: usize,
}

impl BarLens {
    /// Returns the lens for an environment built from the same strategy and market.
    ///
    /// # Errors
    /// The segment has more bars than an index can tell apart.
    pub fn new(strategy: &StrategyConfig, market: Arc<MarketData>) -> Result<Self, TrainerError> {
        let EnvironmentConfig::AlgorithmicTrading(config) = &strategy.environment else {
            return Err(TrainerError::BadSpec(format!(
                "training learns the task algorithmic_trading, found {}: back-test a rule on it, or choose \
                 algorithmic_trading",
                strategy.environment.task()
            )));
        };
        let rows = market.close().len();
        if rows > BARS_MAX {
            return Err(TrainerError::BadSpec(format!(
                "the training segment has {rows} bars, {BARS_MAX} can be learnt from: take a part of the data"
            )));
        }
        Ok(Self { market, window: config.backward_bars as usize })
    }
}

impl Lens for BarLens {
    fn key_len(&self) -> usize {
        3
    }

    #[expect(clippy::cast_precision_loss, reason = "indices stay below 2^24")]
    fn key(&self, environment: &dyn Environment, observation: &[f32], key: &mut [f32]) {
        let account = &observation[observation.len() - 2..];
        key.copy_from_slice(&[environment.snapshot().bar_index as f32, account[0], account[1]]);
    }

    #[expect(clippy::cast_precision_loss, reason = "indices stay below 2^24")]
    fn accepts(&self, key: &[f32]) -> bool {
        let [row, cash, position] = *key else { return false };
        // the first bar with a whole window to the last one; NaN is in no range
        let seen = self.window.saturating_sub(1) as f32..self.market.rows() as f32;
        seen.contains(&row) && row.fract() == 0.0 && cash.is_finite() && position.is_finite()
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index was written"
    )]
    fn expand(&self, key: &[f32], observation: &mut [f32]) {
        let account = AccountObservation { cash: key[1], position: key[2] };
        observation::observe(&self.market, key[0] as usize, self.window, account, observation);
    }
}

/// The lens that keeps whole observations, for environments without bars.
#[derive(Debug, Clone, Copy)]
pub struct WholeLens {
    /// Numbers per observation.
    pub len: usize,
}

impl Lens for WholeLens {
    fn key_len(&self) -> usize {
        self.len
    }

    fn key(&self, _: &dyn Environment, observation: &[f32], key: &mut [f32]) {
        key.copy_from_slice(observation);
    }

    fn accepts(&self, key: &[f32]) -> bool {
        key.len() == self.len && key.iter().all(|value| value.is_finite())
    }

    fn expand(&self, key: &[f32], observation: &mut [f32]) {
        observation.copy_from_slice(key);
    }
}

#[cfg(test)]
mod tests {
    use engine::config::{SplitConfig, Truth};
    use engine::environment::{Action, build, prepare};
    use engine::market::synthetic;
    use engine::rng::{Stream, StreamId};

    use super::*;

    #[test]
    fn a_key_gives_back_the_observation_bit_by_bit_in_both_modes_of_truth() {
        for truth in [Truth::Corrected, Truth::Faithful] {
            let mut strategy = StrategyConfig::default();
            let EnvironmentConfig::AlgorithmicTrading(config) = &mut strategy.environment else {
                panic!("the default is algorithmic trading");
            };
            config.truth = truth;
            let market =
                prepare(&strategy, &synthetic::generate(3, 600), &SplitConfig::default(), None)
                    .unwrap()
                    .train;
            let mut environment = build(&strategy, Arc::clone(&market)).unwrap();
            let lens = BarLens::new(&strategy, market).unwrap();
            let mut draws = Stream::new(1, StreamId::Exploration, 0);
            let (mut seen, mut again) = (
                vec![0.0; environment.observation_len()],
                vec![0.0; environment.observation_len()],
            );
            loop {
                environment.observe(&mut seen);
                let mut key = [0.0; 3];
                lens.key(environment.as_ref(), &seen, &mut key);
                assert!(lens.accepts(&key), "{truth:?}: {key:?}");
                lens.expand(&key, &mut again);
                let bits =
                    |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&seen), bits(&again), "{truth:?}");
                let actions = u32::try_from(environment.action_count()).unwrap();
                if environment.step(Action::Discrete(draws.below(actions) as usize)).ended() {
                    break;
                }
            }
        }
    }
    #[test]
    fn a_key_outside_the_data_is_not_accepted() {
        let strategy = StrategyConfig::default();
        let bars = synthetic::generate(3, 600);
        let market = prepare(&strategy, &bars, &SplitConfig::default(), None).unwrap().train;
        let rows = u16::try_from(market.rows()).unwrap();
        let lens = BarLens::new(&strategy, market).unwrap();
        let (first, last) =
            (f32::from(u16::try_from(lens.window).unwrap() - 1), f32::from(rows - 1));
        for row in [first, last] {
            let mut observation = vec![0.0; lens.market.width() * lens.window + 2];
            assert!(lens.accepts(&[row, 1.0, 0.0]), "{row}");
            lens.expand(&[row, 1.0, 0.0], &mut observation);
        }
        for row in [first - 1.0, last + 1.0, first + 0.5, -1.0, 1e30, f32::NAN, f32::INFINITY] {
            assert!(!lens.accepts(&[row, 1.0, 0.0]), "{row}");
        }
        assert!(!lens.accepts(&[last, f32::NAN, 0.0]) && !lens.accepts(&[last, 1.0]));
    }
}
