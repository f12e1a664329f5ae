//! Replays of algorithmic trading.

use std::sync::Arc;

use serde::Serialize;

use super::super::columns::{above_zero, numbers};
use super::super::{AlgorithmicTrading, AssetRecursion, Constants, ReplayPolicy};
use super::{
    FIRST_REWARDS, ReplayDetails, ReplayEnvironment, ReplayOptions, ReplayOutput, classic,
    discrete, foreign, refused,
};
use crate::config::FeatureSet;
use crate::environment::{Action, Environment, MarketData};
use crate::error::EngineError;
use crate::market::parse::reference::ReferenceTable;
use crate::metrics::faithful::{PERIODS, metrics};

/// What only algorithmic trading has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AlgorithmicDetails {
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
    /// Its growth, per cent.
    pub buy_and_hold_profit: f64,
}

pub(super) fn run(
    table: &ReferenceTable,
    policy: &ReplayPolicy,
    options: &ReplayOptions,
) -> Result<ReplayOutput, EngineError> {
    let default = Constants::default();
    let constants = Constants {
        cash: options.initial_amount.unwrap_or(default.cash),
        fee_rate: options.cost_rate.unwrap_or(default.fee_rate),
        max_volume: options.max_volume.unwrap_or(default.max_volume),
        backward: options.window.unwrap_or(default.backward),
        forward: options.forward.unwrap_or(default.forward),
        recursion: if options.earlier_release {
            AssetRecursion::EarlierFeeFree
        } else {
            AssetRecursion::Release1
        },
        ..default
    };
    let sound = constants.cash > 0.0 && constants.cash.is_finite();
    if !sound || !(0.0..1.0).contains(&constants.fee_rate) {
        return Err(refused(format!(
            "the cash at the start must be above 0 and the cost rate from 0 to below 1, found {} and {}",
            constants.cash, constants.fee_rate
        )));
    }
    let market = Arc::new(market(table, options)?);
    let mut environment = AlgorithmicTrading::new(market, constants)?;
    let count = environment.action_count();
    let rules = (count / 2, count - 1);
    let actions = discrete(ReplayEnvironment::AlgorithmicTrading, policy, count, rules, foreign)?;
    Ok(replay_with(&mut environment, &mut |_, call| actions[call % actions.len()]))
}

/// Takes closes and, where they are all there, the features.
fn market(table: &ReferenceTable, options: &ReplayOptions) -> Result<MarketData, EngineError> {
    let default = classic(FeatureSet::Classic16);
    let wanted: Vec<&str> = default.iter().map(String::as_str).collect();
    let choice = options.choice(&wanted);
    if !table.columns.contains_key("close") && !table.text.contains_key("close") {
        // Names everything that is missing, not only what is needed.
        MarketData::from_reference_closes(&table.columns, &default)?;
    }
    above_zero(numbers(table, &["close"])?[0], "close")?;
    let names = choice.resolve(table)?;
    // A file may hold opens that are no prices, 0 or none: this environment does not trade at them.
    MarketData::from_reference_closes(&table.columns, &names)
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
    let (mut calls, mut reward_sum, mut first_rewards) = (0, 0.0, Vec::new());
    let mut first_volidality = f64::NAN;
    loop {
        environment.observe(&mut observation);
        let result = environment.step(Action::Discrete(decide(&observation, calls)));
        reward_sum += result.reward;
        calls += 1;
        if calls == 1 {
            first_volidality = environment.volidality();
        }
        if first_rewards.len() < FIRST_REWARDS {
            first_rewards.push(result.reward);
        }
        if result.ended() {
            break;
        }
        assets.push(environment.equity());
        recorded.push(environment.daily_return());
    }
    let account = environment.snapshot();
    let buy_and_hold_final = environment.buy_and_hold_assets();
    ReplayOutput {
        environment: ReplayEnvironment::AlgorithmicTrading,
        calls,
        reward_sum,
        final_assets: environment.equity(),
        metrics: metrics(&assets, &recorded, PERIODS),
        observation_shape: vec![environment.observation_len()],
        details: ReplayDetails::AlgorithmicTrading(AlgorithmicDetails {
            holding: account.position,
            cash: account.cash,
            first_reward: first_rewards.first().copied().unwrap_or(f64::NAN),
            first_volidality,
            buy_and_hold_final,
            buy_and_hold_profit: 100.0 * (buy_and_hold_final / environment.constants().cash - 1.0),
        }),
        first_rewards,
        assets,
        returns: recorded,
    }
}
