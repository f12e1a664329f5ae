//! Corrected replays of order execution, on bars and on an order book.

use super::course::{Chosen, Payouts, play};
use super::data::Prepared;
use super::outcome::{CorrectedDetails, CorrectedReplay, ExecutionDetails, outcome};
use super::{CorrectedPolicy, ReplayEnvironment, foreign, refused};
use crate::config::policy::TwapConfig;
use crate::config::{
    EnvironmentConfig, ExecutionConfig, ExecutionSide, OffsetUnit, OrderExecutionConfig,
};
use crate::environment::faithful::{OrderPrice, ReplayPolicy, Side};
use crate::environment::{BookData, Environment, TaskData, build};
use crate::error::EngineError;
use crate::policies::execution::{ExecutionSeat, ExecutionView, Scheduled};
use crate::policies::{Past, VectorPolicy, VectorSeat, VectorView, build_vector};
use crate::session::backtest::execution::{Market, bounds};

/// Basis points of the whole.
const BASIS_POINTS: f64 = 1e4;
/// Nothing pays dividends here.
const NOTHING: Payouts<'static> = Payouts { per_unit: &|_| None, before_fills: true };

/// What a policy does.
enum Plan {
    /// Shares of the amount in turn; on a book as far through it as an order may go.
    Shares(Vec<f64>),
    /// The same limit order in every step.
    Order { share: f64, price: OrderPrice },
    /// Decided from the past.
    Decided(Box<dyn VectorPolicy>),
}

/// Replays an execution.
pub(super) fn run(
    name: ReplayEnvironment,
    prepared: &Prepared<'_>,
    policy: &CorrectedPolicy,
    seed: u32,
) -> Result<CorrectedReplay, EngineError> {
    let EnvironmentConfig::OrderExecution(config) = &prepared.strategy.environment else {
        return Err(refused("order execution is wanted".to_owned()));
    };
    let mut environment = build(&prepared.strategy, prepared.data.clone())?;
    let seat = ExecutionSeat {
        horizon_steps: config.horizon_steps as usize,
        bounds: bounds(&environment.action_space()),
    };
    let plan = match policy {
        CorrectedPolicy::Fixed(fixed) => fixed_plan(name, fixed, config)?,
        CorrectedPolicy::Rule(rule) => {
            let seat = VectorSeat::Execution { seat: seat.clone(), seed };
            Plan::Decided(build_vector(&rule.agent(name)?, &seat, None)?)
        }
    };
    let every_step = ExecutionConfig::Twap(TwapConfig { slices: config.horizon_steps });
    let benchmark = Plan::Decided(Box::new(Scheduled::new(&every_step, &seat)?));
    execute(environment.as_mut(), prepared, config, benchmark)?;
    let twap = environment.snapshot().cash;
    environment.reset();
    let begun = environment.snapshot().cash;
    let course = execute(environment.as_mut(), prepared, config, plan)?;
    let Some(report) = environment.execution() else {
        let detail = "an execution ended without a report".to_owned();
        return Err(EngineError::Invariant { what: "replay", detail });
    };
    let cash_left = environment.snapshot().cash;
    let details = CorrectedDetails::Execution(ExecutionDetails {
        cash_left,
        money: cash_left - begun,
        twap,
        mean_price: report.twap,
        order_left: report.left,
        executed: report.executed,
        arrival_price: report.arrival_price,
        average_price: report.average_price,
        shortfall_bps: report.shortfall_bps,
        vwap: report.vwap,
        better_than_twap_bps: report.better_than_twap_bps,
    });
    outcome(name, prepared, environment.as_ref(), course, details)
}

/// Plays one task.
fn execute(
    environment: &mut dyn Environment,
    prepared: &Prepared<'_>,
    config: &OrderExecutionConfig,
    mut plan: Plan,
) -> Result<super::course::Course, EngineError> {
    let begins = prepared.times().first().copied().unwrap_or(i64::MIN);
    let market = Market::of(&prepared.whole, begins)?;
    let bounds = bounds(&environment.action_space());
    play(environment, &NOTHING, &mut |environment, call| {
        Ok(Chosen::Numbers(match &mut plan {
            Plan::Shares(shares) => {
                let mut action: Vec<f64> = bounds.iter().map(|[_, high]| *high).collect();
                action[0] = shares[call % shares.len()];
                action
            }
            Plan::Order { share, price } => {
                let TaskData::Book(book) = &prepared.data else {
                    return Err(refused("limit orders need an order book".to_owned()));
                };
                let row = environment.snapshot().bar_index;
                vec![*share, offset(book, row, *price, config)?]
            }
            Plan::Decided(policy) => decide(environment, (&market, config), policy.as_mut(), call)?,
        }))
    })
}

fn decide(
    environment: &dyn Environment,
    (market, config): (&Market<'_>, &OrderExecutionConfig),
    policy: &mut dyn VectorPolicy,
    step: usize,
) -> Result<Vec<f64>, EngineError> {
    let (time_ms, traded) = market.seen(environment.snapshot().bar_index);
    let stands = environment.execution();
    let share = |units: f64| units / config.amount;
    let past = ExecutionView {
        step,
        executed: stands.as_ref().map_or(0.0, |report| share(report.executed)),
        resting: stands.as_ref().map_or(0.0, |report| share(report.resting)),
        time_ms,
        traded,
    };
    let mut observation = vec![0.0_f32; environment.observation_len()];
    environment.observe(&mut observation);
    let view = VectorView { observation: &observation, past: Past::Execution(past) };
    let mut action = vec![0.0; environment.action_space().dimensions()];
    policy.decide(&view, &mut action)?;
    Ok(action)
}

/// Returns what a fixed policy means for the task.
fn fixed_plan(
    name: ReplayEnvironment,
    policy: &ReplayPolicy,
    config: &OrderExecutionConfig,
) -> Result<Plan, EngineError> {
    let share = |amount: f64| {
        let share = amount / config.amount;
        if (0.0..=1.0).contains(&share) {
            return Ok(share);
        }
        Err(refused(format!(
            "a corrected execution trades 0 to {} units and none back, found {amount}; use --mode faithful for amounts \
             without bounds",
            config.amount
        )))
    };
    Ok(match policy {
        ReplayPolicy::Constant(amount) => Plan::Shares(vec![share(*amount)?]),
        ReplayPolicy::Cycle(amounts) => {
            Plan::Shares(amounts.iter().map(|amount| share(*amount)).collect::<Result<_, _>>()?)
        }
        ReplayPolicy::Twap => Plan::Shares(vec![1.0 / f64::from(config.horizon_steps)]),
        ReplayPolicy::AtOnce => Plan::Shares(vec![1.0]),
        ReplayPolicy::Nothing => Plan::Shares(vec![0.0]),
        ReplayPolicy::Order { volume, price } if name == ReplayEnvironment::ExecutionEteo => {
            let sign = match config.side {
                ExecutionSide::Buy => 1.0,
                ExecutionSide::Sell => -1.0,
            };
            if volume * sign < 0.0 {
                return Err(refused(format!(
                    "a corrected execution trades one way only, found the volume {volume}; turn its sign, or set \
                     environment.side in a configuration"
                )));
            }
            Plan::Order { share: share(volume * sign)?, price: *price }
        }
        ReplayPolicy::Order { .. }
        | ReplayPolicy::Modulo(_)
        | ReplayPolicy::Logits(_)
        | ReplayPolicy::Weights(_)
        | ReplayPolicy::Uniform
        | ReplayPolicy::AverageHolding
        | ReplayPolicy::BlindBid
        | ReplayPolicy::Oracle => return Err(foreign(name)),
    })
}

/// Returns how far from the middle an order's price lies, towards the other side, in the unit of the task; levels are
/// those of the row on which it is placed, at the book's true prices.
fn offset(
    book: &BookData,
    row: usize,
    price: OrderPrice,
    config: &OrderExecutionConfig,
) -> Result<f64, EngineError> {
    let mid = book.book().mid(row);
    let price = match price {
        OrderPrice::Fixed(price) => price,
        OrderPrice::Midpoint { factor } => factor * mid,
        OrderPrice::Level { side, level, factor } => {
            let depth = match side {
                Side::Bids => book.book().bids(row),
                Side::Asks => book.book().asks(row),
            };
            let Some(price) = depth.price.get(level) else {
                return Err(refused(format!(
                    "the book has {} levels a side, found level {level}; levels count from 0",
                    depth.price.len()
                )));
            };
            factor * price
        }
    };
    let distance = match config.side {
        ExecutionSide::Buy => price - mid,
        ExecutionSide::Sell => mid - price,
    };
    let offset = match config.offset_unit {
        OffsetUnit::Ticks => distance / config.tick_size,
        OffsetUnit::BasisPoints => distance / mid * BASIS_POINTS,
    };
    if offset.abs() <= config.offset_max {
        return Ok(offset);
    }
    Err(refused(format!(
        "row {row}: the price {price} lies {offset} from the middle {mid}, farther than offset_max = {}; use a price \
         nearer to it",
        config.offset_max
    )))
}
