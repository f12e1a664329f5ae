//! Runs a fixed policy through a faithful environment and returns the reference's figures.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use super::{AlgorithmicTrading, AssetRecursion, Constants, ReplayPolicy};
use crate::config::FeatureSet;
use crate::environment::{Action, Environment, MarketData};
use crate::error::EngineError;
use crate::features;
use crate::metrics::faithful::{FaithfulMetrics, PERIODS, metrics};

/// Environments that can be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayEnvironment {
    /// One instrument.
    AlgorithmicTrading,
}

impl FromStr for ReplayEnvironment {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        match text {
            "algorithmic_trading" => Ok(Self::AlgorithmicTrading),
            _ => Err(EngineError::Refused {
                what: "replay",
                detail: format!(
                    "there is no environment '{}'; there is: algorithmic_trading",
                    text.chars().take(80).collect::<String>()
                ),
            }),
        }
    }
}

/// What may vary between replays of one environment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ReplayOptions {
    /// Cash, fee, window and the rest of what the reference fixes.
    pub constants: Constants,
}

impl ReplayOptions {
    /// Returns the options of the earlier release: same trades, asset curve without fees.
    #[must_use]
    pub fn earlier_release() -> Self {
        Self {
            constants: Constants {
                recursion: AssetRecursion::EarlierFeeFree,
                ..Constants::default()
            },
        }
    }
}

/// The reference's figures of one replay. Numbers its formulas leave undefined are NaN, `null` in JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplayOutput {
    /// Calls of `step`, the terminal one included.
    pub calls: usize,
    /// Sum of all rewards, the terminal repetition included.
    pub reward_sum: f64,
    /// Value at the end.
    pub final_assets: f64,
    /// The reference's metrics.
    #[serde(flatten)]
    pub metrics: FaithfulMetrics,
    /// Units held at the end.
    pub holding: f64,
    /// Cash at the end.
    pub cash: f64,
    /// Reward of the first call.
    pub first_reward: f64,
    /// `info.volidality` after the first call.
    pub first_volidality: f64,
    /// Last value of the reference's buy-and-hold curve.
    pub buy_and_hold_final: f64,
    /// The asset curve, initial value first.
    pub assets: Vec<f64>,
}

/// Replays a fixed policy on a table in the reference's layout (columns by name).
///
/// # Errors
/// Refuses missing columns, too few rows, and policies that take actions the environment does not have.
pub fn replay(
    environment: ReplayEnvironment,
    columns: &BTreeMap<String, Vec<f64>>,
    policy: &ReplayPolicy,
    options: &ReplayOptions,
) -> Result<ReplayOutput, EngineError> {
    match environment {
        ReplayEnvironment::AlgorithmicTrading => {
            let names = features::names(FeatureSet::Classic16);
            let market = Arc::new(MarketData::from_reference(columns, &names)?);
            let mut environment = AlgorithmicTrading::new(market, options.constants)?;
            if environment.action_count() <= policy.largest() {
                return Err(EngineError::Refused {
                    what: "replay",
                    detail: format!(
                        "the policy takes action {}, the environment has 0 to {}",
                        policy.largest(),
                        environment.action_count() - 1
                    ),
                });
            }
            Ok(replay_with(&mut environment, &mut |_, call| policy.action(call)))
        }
    }
}

/// Replays whoever decides, from the observation and the number of the call, over one whole episode.
///
/// # Panics
/// When an action is taken that does not exist.
pub fn replay_with(
    environment: &mut AlgorithmicTrading,
    decide: &mut dyn FnMut(&[f32], usize) -> usize,
) -> ReplayOutput {
    environment.reset();
    let mut observation = vec![0.0_f32; environment.observation_len()];
    let (mut assets, mut recorded) = (vec![environment.equity()], vec![0.0]);
    let (mut calls, mut reward_sum) = (0, 0.0);
    let (mut first_reward, mut first_volidality) = (f64::NAN, f64::NAN);
    loop {
        environment.observe(&mut observation);
        let result = environment.step(Action::Discrete(decide(&observation, calls)));
        reward_sum += result.reward;
        calls += 1;
        if calls == 1 {
            (first_reward, first_volidality) = (result.reward, environment.volidality());
        }
        if result.ended() {
            break;
        }
        assets.push(environment.equity());
        recorded.push(environment.daily_return());
    }
    let account = environment.snapshot();
    ReplayOutput {
        calls,
        reward_sum,
        final_assets: environment.equity(),
        metrics: metrics(&assets, &recorded, PERIODS),
        holding: account.position,
        cash: account.cash,
        first_reward,
        first_volidality,
        buy_and_hold_final: environment.buy_and_hold_assets(),
        assets,
    }
}
