//! The figures of a corrected replay: named as in faithful replays where they mean the same. Decides nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::course::{Course, LedgerCheck};
use super::data::Prepared;
use super::{ReplayEnvironment, refused};
use crate::config::{EnvironmentConfig, MatchingConfig, RiskConfig};
use crate::environment::{Environment, TaskData};
use crate::error::EngineError;
use crate::metrics::Figure;
use crate::metrics::calmar::calmar;
use crate::metrics::max_drawdown::max_drawdown;
use crate::metrics::returns::{returns, total_return};
use crate::metrics::sharpe::sharpe;
use crate::metrics::sortino::sortino;
use crate::metrics::tear_sheet::{RunRecord, tear_sheet};
use crate::metrics::trades::TimedFill;
use crate::metrics::turnover::turnover;
use crate::metrics::volatility::volatility;
use crate::orders::Fill;

/// Everything that one corrected replay found. What is not defined is absent, `null` in JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CorrectedReplay {
    /// The environment.
    pub environment: ReplayEnvironment,
    /// Steps.
    pub calls: usize,
    /// Sum of the rewards: log returns, net of costs; of executions less the shortfall in basis points.
    pub reward_sum: f64,
    /// Value of the account at the end; `execution_eteo`: the cash left.
    pub final_assets: f64,
    /// Growth of the account.
    pub total_return: Option<f64>,
    /// Mean return per deviation, annualised by the times of the rows.
    pub sharpe: Option<f64>,
    /// Deviation of the returns, annualised.
    pub volatility: Option<f64>,
    /// Deepest fall from the running peak.
    pub max_drawdown: Option<f64>,
    /// Annual return per deepest fall.
    pub calmar: Option<f64>,
    /// Mean return per downside deviation, annualised.
    pub sortino: Option<f64>,
    /// Rewards of the first three calls.
    pub first_rewards: Vec<f64>,
    /// Shape of the observation.
    pub observation_shape: Vec<usize>,
    /// What only this environment has.
    #[serde(flatten)]
    pub details: CorrectedDetails,
    /// Fees paid, quote currency.
    pub fees: f64,
    /// What slippage cost, quote currency; contained in the prices of the fills.
    pub slippage: f64,
    /// Fills.
    pub fill_count: usize,
    /// Traded value per mean account and year.
    pub turnover: Option<f64>,
    /// Orders that were refused.
    pub refusal_count: u32,
    /// Orders that were made smaller.
    pub cut_count: u32,
    /// Rows per year, by the times of the file.
    pub periods_per_year: f64,
    /// Do the books balance?
    pub ledger: LedgerCheck,
    /// What is held at the end.
    pub positions: Vec<HeldPosition>,
    /// The tear sheet's figures (docs/metrics.md); empty for executions, whose account is not there to grow.
    pub metrics: BTreeMap<Figure, Option<f64>>,
    /// What a reader should know.
    pub remarks: Vec<String>,
    /// What it was run with.
    pub config: UsedConfig,
    /// The value of the account, initial value first.
    pub assets: Vec<f64>,
    /// Returns per step, 0 first.
    pub returns: Vec<f64>,
}

/// What a replay was run with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UsedConfig {
    /// The task and its constants.
    pub environment: EnvironmentConfig,
    /// Costs and fills.
    pub matching: MatchingConfig,
    /// Limits.
    pub risk: RiskConfig,
}

/// What is held of one instrument.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeldPosition {
    /// The instrument.
    pub instrument: String,
    /// Units, negative when short.
    pub quantity: f64,
    /// Price that values them, quote currency.
    pub price: f64,
    /// Their value, quote currency.
    pub value: f64,
}

/// What only one environment has.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum CorrectedDetails {
    /// Algorithmic trading.
    AlgorithmicTrading(TradingDetails),
    /// Portfolios.
    Portfolio(WeightDetails),
    /// Order execution.
    Execution(ExecutionDetails),
    /// High-frequency trading.
    HighFrequency(HoldingDetails),
}

/// What only algorithmic trading has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TradingDetails {
    /// Units held at the end.
    pub holding: f64,
    /// Cash at the end.
    pub cash: f64,
    /// Reward of the first call.
    pub first_reward: f64,
    /// Units of one lot.
    pub lot: f64,
    /// What the initial cash would be worth if all of it had been invested at the first fill, costs paid, fractions held.
    pub buy_and_hold_final: f64,
    /// Its growth, per cent.
    pub buy_and_hold_profit: f64,
}

/// What only portfolios have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightDetails {
    /// The tickers, in the order of the weights.
    pub tickers: Vec<String>,
    /// Features of the observation.
    pub features: Vec<String>,
    /// Shares of the account at the end, cash first.
    pub final_weights: Vec<f64>,
}

/// What only executions have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExecutionDetails {
    /// Cash at the end, as the reference's `execution_eteo` calls it.
    pub cash_left: f64,
    /// Cash gained or paid, as the reference's `execution_pd` calls it; below 0 what was paid.
    pub money: f64,
    /// Cash that equal parts in every step leave in the same environment.
    pub twap: f64,
    /// Mean price a taker would have had in the traded rows, quote currency per unit.
    pub mean_price: Option<f64>,
    /// Units not executed.
    pub order_left: f64,
    /// Units executed.
    pub executed: f64,
    /// Close or middle at the first decision.
    pub arrival_price: f64,
    /// Average price of what was executed, fees excluded.
    pub average_price: Option<f64>,
    /// Cost against the arrival price, fees included, basis points.
    pub shortfall_bps: f64,
    /// Mean price by the units the market traded.
    pub vwap: Option<f64>,
    /// How much better the average price is than the mean price, basis points.
    pub better_than_twap_bps: Option<f64>,
}

/// What only high-frequency trading has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HoldingDetails {
    /// Capital that was needed at the worst moment: what the cash fell below the start.
    pub required_money: f64,
    /// All money in and out plus what is held at the price it could be closed for.
    pub final_balance: f64,
    /// Final balance per required money; absent when nothing was paid.
    pub profit_margin: Option<f64>,
    /// Units held at the end.
    pub holding: f64,
    /// The action of every call.
    pub actions: Vec<usize>,
}

/// Puts the figures together.
pub(super) fn outcome(
    name: ReplayEnvironment,
    prepared: &Prepared<'_>,
    environment: &dyn Environment,
    course: Course,
    details: CorrectedDetails,
) -> Result<CorrectedReplay, EngineError> {
    let axis = Axis::of(&prepared.data, &course.rows);
    let fills: Vec<Fill> = course.fills.iter().map(|(_, _, fill)| *fill).collect();
    let per_bar = returns(&course.assets).unwrap_or_default();
    let year = axis.periods_per_year;
    let final_assets = match (name, &details) {
        (ReplayEnvironment::ExecutionEteo, CorrectedDetails::Execution(found)) => found.cash_left,
        _ => environment.equity(),
    };
    if !final_assets.is_finite() {
        return Err(refused("the account's value is not defined at the end".to_owned()));
    }
    let account = environment.snapshot();
    let strategy = &prepared.strategy;
    let mut recorded = vec![0.0];
    recorded.extend(&per_bar);
    Ok(CorrectedReplay {
        environment: name,
        calls: course.calls,
        reward_sum: course.reward_sum,
        final_assets,
        total_return: total_return(&course.assets),
        sharpe: sharpe(&per_bar, year),
        volatility: volatility(&per_bar, year),
        max_drawdown: max_drawdown(&course.assets),
        calmar: calmar(&course.assets, year),
        sortino: sortino(&per_bar, year),
        first_rewards: course.first_rewards.clone(),
        observation_shape: vec![environment.observation_len()],
        details,
        fees: fills.iter().fold(0.0, |sum, fill| sum + fill.fee.get()),
        slippage: fills.iter().fold(0.0, |sum, fill| sum + fill.slippage.get()),
        fill_count: fills.len(),
        turnover: turnover(&fills, &course.assets, year),
        refusal_count: account.refusal_count,
        cut_count: account.cut_count,
        periods_per_year: year,
        ledger: course.ledger,
        positions: positions(environment, &prepared.instruments)?,
        metrics: figures(&axis, &course, environment.execution().is_some()),
        remarks: super::remarks::remarks(name, prepared, environment, &course),
        config: UsedConfig {
            environment: strategy.environment.clone(),
            matching: strategy.matching.clone(),
            risk: strategy.risk.clone(),
        },
        returns: recorded,
        assets: course.assets,
    })
}

/// What the rows of a course are.
struct Axis {
    times_ms: Vec<i64>,
    /// Empty where there are several instruments.
    prices: Vec<f64>,
    periods_per_year: f64,
}

impl Axis {
    fn of(data: &TaskData, rows: &[usize]) -> Self {
        let pick = |times: &[i64]| rows.iter().map(|row| times[*row]).collect();
        match data {
            TaskData::Bars(bars) => Self {
                times_ms: pick(bars.time_ms()),
                prices: rows.iter().map(|row| bars.close()[*row].get()).collect(),
                periods_per_year: bars.periods_per_year(),
            },
            TaskData::Panel(panel) => Self {
                times_ms: pick(panel.time_ms()),
                prices: Vec::new(),
                periods_per_year: panel.periods_per_year(),
            },
            TaskData::Book(book) => Self {
                times_ms: pick(&book.book().time_ms),
                prices: rows.iter().map(|row| book.book().mid(*row)).collect(),
                periods_per_year: book.periods_per_year(),
            },
        }
    }
}

fn figures(axis: &Axis, course: &Course, is_execution: bool) -> BTreeMap<Figure, Option<f64>> {
    if is_execution {
        return BTreeMap::new();
    }
    let one = !axis.prices.is_empty();
    // Trades of several instruments cannot be matched with each other.
    let fills: Vec<TimedFill> = course
        .fills
        .iter()
        .filter(|_| one)
        .map(|(bar, _, fill)| TimedFill { bar: *bar, fill: *fill })
        .collect();
    let run = RunRecord {
        times_ms: &axis.times_ms,
        equity: &course.assets,
        position: if one { &course.position } else { &[] },
        prices: &axis.prices,
        volume: &[],
        fills: &fills,
        periods_per_year: axis.periods_per_year,
        risk_free: 0.0,
    };
    let mut figures = tear_sheet(&run, one.then_some(axis.prices.as_slice())).figures;
    if !one {
        let all: Vec<Fill> = course.fills.iter().map(|(_, _, fill)| *fill).collect();
        figures.insert(Figure::Turnover, turnover(&all, &course.assets, axis.periods_per_year));
        let unknown = [Figure::TradeCount, Figure::CostShare, Figure::CostRate];
        figures.extend(unknown.map(|figure| (figure, None)));
    }
    figures
}

fn positions(
    environment: &dyn Environment,
    instruments: &[String],
) -> Result<Vec<HeldPosition>, EngineError> {
    let holdings = environment.holdings();
    if holdings.len() != instruments.len() {
        return Err(EngineError::Invariant {
            what: "replay",
            detail: format!("{} holdings of {} instruments", holdings.len(), instruments.len()),
        });
    }
    let held = holdings.iter().zip(instruments).filter(|(holding, _)| holding.quantity != 0.0);
    Ok(held
        .map(|(holding, instrument)| HeldPosition {
            instrument: instrument.clone(),
            quantity: holding.quantity,
            price: holding.value / holding.quantity,
            value: holding.value,
        })
        .collect())
}
