//! The back-test report as one value: written by the worker, stored as a blob, shown as it is.
//!
//! Every number was computed by the engine from the named data. Undefined is absent (`null`), never NaN.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::seal::SealMark;
use crate::config::{Segment, SessionConfig, StrategyConfig, Truth};

/// One back-test of one policy on one segment, beside its baselines, after costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BacktestReport {
    /// Layout of this document; 1.
    pub format: u32,
    /// The task, as the strategy's `environment` names it.
    #[serde(default = "first_task")]
    pub task: String,
    /// Name of the data set.
    pub dataset: String,
    /// SHA-256 of the data snapshot, lower-case hexadecimal.
    pub dataset_sha256: String,
    /// Whether the data is synthetic. Shown wherever a number is shown.
    pub synthetic: bool,
    /// The instruments, in the order of the data; empty in reports of the first versions.
    #[serde(default)]
    pub instruments: Vec<String>,
    /// Accounting that was followed; `faithful` results are for verification only.
    pub truth: Truth,
    /// Warnings that belong beside every figure ("fills at the close just observed", …).
    pub remarks: Vec<String>,
    /// Segment that was run.
    pub segment: Segment,
    /// Whether rows were sealed, and whether anybody had seen them.
    #[serde(default)]
    pub seal: SealMark,
    /// First and last bar of the segment, RFC 3339 UTC.
    pub from: String,
    /// Last bar of the segment.
    pub to: String,
    /// Bars per year by which figures were annualised.
    pub periods_per_year: f64,
    /// The policy under test.
    pub agent: PolicyResult,
    /// Baselines over the same bars with the same costs, by task. Most have `buy_and_hold`, `do_nothing` and `random` (equal
    /// turnover; the median of its draws), portfolios `uniform` besides, executions `at_once` and `twap`. Names that begin
    /// with `hindsight_` know the future.
    pub baselines: Vec<PolicyResult>,
    /// Share of random draws of equal turnover whose total return lies below the agent's, 0 to 1.
    pub random_percentile: Option<f64>,
    /// What `prices` are: `close`, `midpoint` (best bid and ask), or `equal_weight_index` (the mean instrument of a
    /// portfolio, bought anew at every bar, 100 at the first one).
    #[serde(default = "first_price_name")]
    pub price_name: String,
    /// Prices of the segment, on the equity's time axis.
    pub prices: Vec<f64>,
    /// Time axis of `prices` and of every equity curve, milliseconds since 1970 UTC.
    pub times_ms: Vec<f64>,
    /// The strategy as run.
    pub strategy: StrategyConfig,
    /// The session as run.
    pub session: SessionConfig,
    /// SHA-256 of the model, where one was used.
    pub model_sha256: Option<String>,
    /// Version of the program that computed this.
    pub build: String,
}

/// One policy's run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyResult {
    /// `agent` or the baseline's name.
    pub name: String,
    /// Every metric of `metrics::MetricName` that describes a finished run, by name. Absent value: not defined; for an
    /// execution none is, its figures stand in `execution`.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// Value of the account at each bar, quote currency.
    pub equity: Vec<f64>,
    /// Fall from the running peak at each bar, 0 to 1.
    pub drawdown: Vec<f64>,
    /// Position after each bar, units of the instrument; of a portfolio the share of the account that is invested.
    pub position: Vec<f64>,
    /// Fees and slippage paid, quote currency.
    pub costs: f64,
    /// Every fill; empty for `random`, `uniform` and hindsight.
    pub trades: Vec<Trade>,
    /// Orders that were refused, by the risk review or before it.
    pub refusal_count: u32,
    /// Shares of the account, where there are several instruments.
    #[serde(default)]
    pub weights: Option<WeightCourse>,
    /// How the order was executed, where the task is to execute one.
    #[serde(default)]
    pub execution: Option<ExecutionSummary>,
}

/// Shares of the account over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WeightCourse {
    /// Name of each column: `cash`, at most 15 instruments (those with the largest mean weights, in the order of the data),
    /// and `others` for the rest together, where there is one.
    pub names: Vec<String>,
    /// One row per entry of the time axis, one share per name, 0 to 1, rounded to a tenth of a basis point.
    pub rows: Vec<Vec<f64>>,
}

/// How orders of an execution task went. Means are over the tasks, each of which counts alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutionSummary {
    /// `buy` or `sell`.
    pub side: String,
    /// Tasks, one after the other.
    pub tasks: u32,
    /// Units to execute, of all tasks together.
    pub amount: f64,
    /// Units executed.
    pub executed: f64,
    /// Units that could not be executed even at the end.
    pub left: f64,
    /// Mean price at the first decision: close, or middle of the book; quote currency per unit.
    pub arrival_price: f64,
    /// Average price of what was executed, fees excluded; absent where nothing was.
    pub average_price: Option<f64>,
    /// Mean over the traded rows of the price a taker would have had.
    pub twap: Option<f64>,
    /// Mean price weighted by the market's traded units; absent where the data has none.
    pub vwap: Option<f64>,
    /// The headline: mean cost against the arrival price, fees included, basis points of the arrival value.
    pub shortfall_bps: f64,
    /// Deviation of that cost between tasks; absent below two.
    pub shortfall_deviation_bps: Option<f64>,
    /// How much better the average price was than the TWAP, basis points, fees excluded.
    pub better_than_twap_bps: Option<f64>,
    /// Fees and slippage paid, basis points of the arrival value.
    pub cost_bps: f64,
}

/// One fill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trade {
    /// Milliseconds since 1970 UTC.
    pub time_ms: f64,
    /// Index into `times_ms`.
    pub index: u32,
    /// `buy` or `sell`.
    pub side: String,
    /// Units of the instrument, positive.
    pub quantity: f64,
    /// Price paid or received before fees, quote currency.
    pub price: f64,
    /// Fee, quote currency.
    pub fee: f64,
    /// Position afterwards.
    pub position: f64,
    /// The instrument, where there are several.
    #[serde(default)]
    pub instrument: Option<String>,
}

/// The only task of reports that do not name theirs.
fn first_task() -> String {
    "algorithmic_trading".to_owned()
}

/// The only prices of reports that do not name theirs.
fn first_price_name() -> String {
    "close".to_owned()
}
