//! The back-test report as one value: written by the worker, stored as a blob, shown as it is.
//!
//! Every number was computed by the engine from the named data. Undefined is absent (`null`), never NaN.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Segment, SessionConfig, StrategyConfig, Truth};

/// One back-test of one policy on one segment, beside its baselines, after costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BacktestReport {
    /// Layout of this document; 1.
    pub format: u32,
    /// Name of the data set.
    pub dataset: String,
    /// SHA-256 of the data snapshot, lower-case hexadecimal.
    pub dataset_sha256: String,
    /// Whether the data is synthetic. Shown wherever a number is shown.
    pub synthetic: bool,
    /// Accounting that was followed; `faithful` results are for verification only.
    pub truth: Truth,
    /// Warnings that belong beside every figure ("fills at the close just observed", …).
    pub remarks: Vec<String>,
    /// Segment that was run.
    pub segment: Segment,
    /// First and last bar of the segment, RFC 3339 UTC.
    pub from: String,
    /// Last bar of the segment.
    pub to: String,
    /// Bars per year by which figures were annualised.
    pub periods_per_year: f64,
    /// The policy under test.
    pub agent: PolicyResult,
    /// Baselines over the same bars with the same costs: `buy_and_hold`, `do_nothing`, `random` (equal turnover;
    /// the median of its draws).
    pub baselines: Vec<PolicyResult>,
    /// Share of random draws of equal turnover whose total return lies below the agent's, 0 to 1.
    pub random_percentile: Option<f64>,
    /// Close prices of the segment, on the equity's time axis.
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
    /// Every metric of `metrics::MetricName` that describes a finished run, by name. Absent value: not defined.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// Value of the account at each bar, quote currency.
    pub equity: Vec<f64>,
    /// Fall from the running peak at each bar, 0 to 1.
    pub drawdown: Vec<f64>,
    /// Position after each bar, units of the instrument.
    pub position: Vec<f64>,
    /// Fees and slippage paid, quote currency.
    pub costs: f64,
    /// Every fill. For `random` empty.
    pub trades: Vec<Trade>,
    /// Orders that the risk review refused.
    pub refusal_count: u32,
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
}
