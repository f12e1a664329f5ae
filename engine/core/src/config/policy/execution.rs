//! Parameters of execution schedules: how a given amount is spread over a given number of slices.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::agents::RuleConfig;
use crate::config::validate::finite;

/// How an order is spread over time, chosen by `schedule`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(tag = "schedule", rename_all = "snake_case")]
pub enum ExecutionConfig {
    /// Equal amounts in equal times.
    Twap(#[garde(dive)] TwapConfig),
    /// Amounts in proportion to the volume of past days.
    Vwap(#[garde(dive)] VwapConfig),
    /// Cost against risk in closed form (Almgren and Chriss 2000).
    AlmgrenChriss(#[garde(dive)] AlmgrenChrissConfig),
    /// Everything in the first slice.
    AtOnce(#[garde(dive)] RuleConfig),
}

impl Default for ExecutionConfig {
    fn default() -> Self {
        Self::Twap(TwapConfig::default())
    }
}

impl ExecutionConfig {
    /// Returns every schedule with its defaults.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::Twap(TwapConfig::default()),
            Self::Vwap(VwapConfig::default()),
            Self::AlmgrenChriss(AlmgrenChrissConfig::default()),
            Self::AtOnce(RuleConfig {}),
        ]
    }

    /// Returns the tag, as written in files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Twap(_) => "twap",
            Self::Vwap(_) => "vwap",
            Self::AlmgrenChriss(_) => "almgren_chriss",
            Self::AtOnce(_) => "at_once",
        }
    }
}

/// Equal slices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct TwapConfig {
    /// Number of slices.
    #[garde(range(min = 1, max = 100_000))]
    pub slices: u32,
}

impl Default for TwapConfig {
    fn default() -> Self {
        Self { slices: 10 }
    }
}

/// Slices after the volume of past days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct VwapConfig {
    /// Most past days whose volume is averaged, the newest first.
    #[garde(range(min = 1, max = 5000))]
    pub days: u32,
}

impl Default for VwapConfig {
    fn default() -> Self {
        Self { days: 20 }
    }
}

/// Linear impact, one instrument. Defaults are the worked example of Almgren and Chriss 2000 (doi 10.21314/JOR.2001.041),
/// table 1: a day is 1, a share 50 USD, 5 million shares traded a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct AlmgrenChrissConfig {
    /// Number of slices.
    #[garde(range(min = 1, max = 100_000))]
    pub slices: u32,
    /// Time until everything is traded, days.
    #[garde(range(min = 1e-6, max = 1e4), custom(finite))]
    pub horizon_days: f64,
    /// Standard deviation of the price over a day, quote currency per unit.
    #[garde(range(min = 0.0, max = 1e9), custom(finite))]
    pub volatility: f64,
    /// Permanent impact γ: price change per unit traded.
    #[garde(range(min = 0.0, max = 1e9), custom(finite))]
    pub permanent_impact: f64,
    /// Temporary impact η: price change per unit traded a day.
    #[garde(range(min = 0.0, max = 1e9), custom(finite))]
    pub temporary_impact: f64,
    /// Fixed cost ε of trading one unit: half the spread and fees.
    #[garde(range(min = 0.0, max = 1e9), custom(finite))]
    pub fixed_cost: f64,
    /// Risk aversion λ, per unit of quote currency.
    #[garde(range(min = 0.0, max = 1e9), custom(finite))]
    pub risk_aversion: f64,
}

impl Default for AlmgrenChrissConfig {
    fn default() -> Self {
        Self {
            slices: 5,
            horizon_days: 5.0,
            volatility: 0.95,
            permanent_impact: 2.5e-7,
            temporary_impact: 2.5e-6,
            fixed_cost: 0.0625,
            risk_aversion: 1e-6,
        }
    }
}
