//! Corrected replays of tasks whose actions come from a list: orders in lots, and target holdings on an order book.

use super::course::{Chosen, Course, Payouts, play};
use super::data::Prepared;
use super::outcome::{CorrectedDetails, CorrectedReplay, HoldingDetails, TradingDetails, outcome};
use super::{CorrectedPolicy, ReplayEnvironment, foreign, refused};
use crate::config::{EnvironmentConfig, FillRule};
use crate::environment::faithful::{ReplayPolicy, discrete};
use crate::environment::high_frequency::Grid;
use crate::environment::{BookData, Environment, MarketData, TaskData, build};
use crate::error::EngineError;
use crate::matching::slippage::slipped;
use crate::orders::Side;
use crate::policies::{self, HoldingSeat, Seat};
use crate::session::backtest::hindsight::best_holdings;
use crate::session::step::Decider;

/// Nothing pays dividends here.
const NOTHING: Payouts<'static> = Payouts { per_unit: &|_| None, before_fills: true };

/// Replays algorithmic trading.
pub(super) fn on_bars(
    prepared: &Prepared<'_>,
    policy: &CorrectedPolicy,
    seed: u32,
) -> Result<CorrectedReplay, EngineError> {
    let name = ReplayEnvironment::AlgorithmicTrading;
    let TaskData::Bars(market) = &prepared.data else {
        return Err(refused("bars of one instrument are wanted".to_owned()));
    };
    let mut environment = build(&prepared.strategy, prepared.data.clone())?;
    let count = environment.action_count();
    let first = environment.snapshot();
    let course = match policy {
        CorrectedPolicy::Fixed(fixed) => {
            let actions = discrete(name, fixed, count, (count / 2, count - 1), foreign)?;
            follow(environment.as_mut(), &actions)?
        }
        CorrectedPolicy::Rule(rule) => {
            let observation_len = environment.observation_len();
            let seat = Seat { observation_len, action_count: count, seed };
            let policy = policies::build(&rule.agent(name)?, &seat, None)?;
            decided(environment.as_mut(), Decider::new(policy, observation_len))?
        }
    };
    let account = environment.snapshot();
    let held = bought_and_held(prepared, market, first.bar_index)?;
    let details = CorrectedDetails::AlgorithmicTrading(TradingDetails {
        holding: account.position,
        cash: account.cash,
        first_reward: course.first_rewards.first().copied().unwrap_or(0.0),
        lot: account.lot,
        buy_and_hold_final: held,
        buy_and_hold_profit: 100.0 * (held / first.equity - 1.0),
    });
    outcome(name, prepared, environment.as_ref(), course, details)
}

/// Returns what the initial cash becomes when all of it is invested at the first fill.
fn bought_and_held(
    prepared: &Prepared<'_>,
    market: &MarketData,
    decided: usize,
) -> Result<f64, EngineError> {
    let EnvironmentConfig::AlgorithmicTrading(config) = &prepared.strategy.environment else {
        return Err(refused("algorithmic trading is wanted".to_owned()));
    };
    let costs = &prepared.strategy.matching;
    let reference = match costs.fill {
        FillRule::NextOpen => market.open().get(decided + 1),
        FillRule::SameClose => market.close().get(decided),
    };
    let (Some(reference), Some(last)) = (reference, market.close().last()) else {
        return Err(refused("there is no row to trade in".to_owned()));
    };
    let price = slipped(Side::Buy, *reference, costs.slippage_bps)
        .map_err(|error| refused(error.to_string()))?;
    Ok(config.initial_cash / (price.get() * (1.0 + costs.fee_rate)) * last.get())
}

/// Replays high-frequency trading.
pub(super) fn on_book(
    prepared: &Prepared<'_>,
    policy: &CorrectedPolicy,
    seed: u32,
) -> Result<CorrectedReplay, EngineError> {
    let name = ReplayEnvironment::Hft;
    let (TaskData::Book(book), EnvironmentConfig::HighFrequency(config)) =
        (&prepared.data, &prepared.strategy.environment)
    else {
        return Err(refused("an order book is wanted".to_owned()));
    };
    let mut environment = build(&prepared.strategy, prepared.data.clone())?;
    let grid = Grid::of(config);
    let (count, flat) = (grid.count(), grid.nearest(0.0));
    let first = environment.snapshot();
    let course = match policy {
        CorrectedPolicy::Fixed(ReplayPolicy::Oracle) => {
            let path = oracle(prepared, &grid, book, first.bar_index)?;
            follow(environment.as_mut(), &path)?
        }
        CorrectedPolicy::Fixed(fixed) => {
            let actions = discrete(name, fixed, count, (flat, count - 1), foreign)?;
            follow(environment.as_mut(), &actions)?
        }
        CorrectedPolicy::Rule(rule) => {
            let observation_len = environment.observation_len();
            let seat = HoldingSeat { observation_len, action_count: count, flat, seed };
            let policy = policies::build_holding(&rule.agent(name)?, &seat, None)?;
            decided(environment.as_mut(), Decider::new(policy, observation_len))?
        }
    };
    let account = environment.snapshot();
    let required_money = first.cash - course.cash_min;
    let final_balance = account.equity - first.equity;
    let details = CorrectedDetails::HighFrequency(HoldingDetails {
        required_money,
        final_balance,
        profit_margin: (0.0 < required_money).then(|| final_balance / required_money),
        holding: account.position,
        actions: course.actions.clone(),
    });
    outcome(name, prepared, environment.as_ref(), course, details)
}

fn oracle(
    prepared: &Prepared<'_>,
    grid: &Grid,
    book: &BookData,
    start: usize,
) -> Result<Vec<usize>, EngineError> {
    best_holdings(&prepared.strategy.matching, grid, book, start).filter(|path| !path.is_empty()).ok_or_else(
        || {
            refused(
                "the best holdings in hindsight are not computed for so many rows; use --start and --episode-length"
                    .to_owned(),
            )
        },
    )
}

/// Plays actions in turn.
fn follow(environment: &mut dyn Environment, actions: &[usize]) -> Result<Course, EngineError> {
    play(environment, &NOTHING, &mut |_, call| Ok(Chosen::Index(actions[call % actions.len()])))
}

/// Plays what a rule decides.
fn decided(environment: &mut dyn Environment, mut decider: Decider) -> Result<Course, EngineError> {
    play(environment, &NOTHING, &mut |environment, _| {
        decider.action(|out| environment.observe(out)).map(Chosen::Index)
    })
}
