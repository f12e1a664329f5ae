//! Environments, one variant each.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Truth;
use super::validate::finite;

/// The task an agent is trained and tested on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum EnvironmentConfig {
    /// Trading one instrument bar by bar.
    AlgorithmicTrading(#[garde(dive)] AlgorithmicTradingConfig),
    /// Trading many instruments by target weights, bar by bar.
    Portfolio(#[garde(dive)] PortfolioConfig),
    /// Executing a given amount in a given time, on bars or on an order book.
    OrderExecution(#[garde(dive)] OrderExecutionConfig),
    /// Trading one instrument on its order book, snapshot by snapshot.
    HighFrequency(#[garde(dive)] HighFrequencyConfig),
}

impl EnvironmentConfig {
    /// Returns the defaults of `task`; absent where there is none of that name.
    #[must_use]
    pub fn of(task: &str) -> Option<Self> {
        match task {
            "algorithmic_trading" => {
                Some(Self::AlgorithmicTrading(AlgorithmicTradingConfig::default()))
            }
            "portfolio" => Some(Self::Portfolio(PortfolioConfig::default())),
            "order_execution" => Some(Self::OrderExecution(OrderExecutionConfig::default())),
            "high_frequency" => Some(Self::HighFrequency(HighFrequencyConfig::default())),
            _ => None,
        }
    }

    /// Returns the tag, as written in files.
    #[must_use]
    pub fn task(&self) -> &'static str {
        match self {
            Self::AlgorithmicTrading(_) => "algorithmic_trading",
            Self::Portfolio(_) => "portfolio",
            Self::OrderExecution(_) => "order_execution",
            Self::HighFrequency(_) => "high_frequency",
        }
    }

    /// Returns whose accounting it follows; only algorithmic trading has a choice.
    #[must_use]
    pub fn truth(&self) -> Truth {
        match self {
            Self::AlgorithmicTrading(config) => config.truth,
            Self::Portfolio(_) | Self::OrderExecution(_) | Self::HighFrequency(_) => {
                Truth::Corrected
            }
        }
    }
}

impl Default for EnvironmentConfig {
    fn default() -> Self {
        Self::AlgorithmicTrading(AlgorithmicTradingConfig::default())
    }
}

/// Trading one instrument: each bar the agent buys, holds or sells whole lots.
///
/// Source: TradeMaster 1.0.0, environment `algorithmic_trading`; constants are its defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct AlgorithmicTradingConfig {
    /// Accounting: `corrected` (sound, default) or `faithful` (the reference system's, for verification).
    #[garde(skip)]
    pub truth: Truth,
    /// Cash at the start, in the instrument's quote currency.
    #[garde(range(min = 1.0, max = 1e12), custom(finite))]
    pub initial_cash: f64,
    /// Bars the agent looks back.
    #[garde(range(min = 1, max = 1000))]
    pub backward_bars: u32,
    /// Bars the reference's reward looks ahead. Used in `faithful` mode only.
    #[garde(range(min = 1, max = 1000))]
    pub forward_bars: u32,
    /// Weight of the future price in the reference's reward. Used in `faithful` mode only.
    #[garde(range(min = 0.0, max = 10.0), custom(finite))]
    pub future_weight: f64,
    /// Most lots per order; the agent chooses among −max … +max lots.
    #[garde(range(min = 1, max = 100))]
    pub max_volume: u32,
    /// Size of one lot as a share of the initial cash at the first price of an episode. Used in `corrected` mode;
    /// in `faithful` mode one lot is one unit of the instrument.
    #[garde(range(min = 0.0001, max = 1.0), custom(finite))]
    pub lot_share: f64,
    /// Largest absolute position, in lots. Used in `corrected` mode only.
    #[garde(range(min = 1, max = 10000))]
    pub position_limit_lots: u32,
    /// Whether positions below zero are allowed. Used in `corrected` mode only.
    #[garde(skip)]
    pub allow_short: bool,
}

impl Default for AlgorithmicTradingConfig {
    fn default() -> Self {
        Self {
            truth: Truth::Corrected,
            initial_cash: 100_000.0,
            backward_bars: 5,
            forward_bars: 5,
            future_weight: 0.2,
            max_volume: 1,
            lot_share: 0.1,
            position_limit_lots: 10,
            allow_short: false,
        }
    }
}

/// Trading a portfolio: each bar the agent says which share of the account each instrument shall have.
///
/// Source: TradeMaster 1.0.0, environments `portfolio_management`, corrected; amounts are its defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct PortfolioConfig {
    /// Cash at the start, in the common quote currency of the instruments.
    #[garde(range(min = 1.0, max = 1e12), custom(finite))]
    pub initial_cash: f64,
    /// Bars the agent looks back.
    #[garde(range(min = 1, max = 1000))]
    pub window_bars: u32,
    /// Whether fractions of a unit can be held, or whole lots only.
    #[garde(skip)]
    pub units: PortfolioUnits,
    /// Units of one lot. Used with `whole_lots` only.
    #[garde(range(min = 0.000000001, max = 1e9), custom(finite))]
    pub lot_units: f64,
    /// How dividends reach the account.
    #[garde(skip)]
    pub dividends: DividendRule,
    /// Bars in a row without a price after which an instrument counts as delisted: what is held of it is closed at its
    /// last price.
    #[garde(range(min = 1, max = 100_000))]
    pub absent_bars_max: u32,
}

impl Default for PortfolioConfig {
    fn default() -> Self {
        Self {
            initial_cash: 100_000.0,
            window_bars: 10,
            units: PortfolioUnits::Fractional,
            lot_units: 1.0,
            dividends: DividendRule::Adjusted,
            absent_bars_max: 20,
        }
    }
}

/// What can be held of an instrument.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PortfolioUnits {
    /// Any fraction of a unit.
    #[default]
    Fractional,
    /// Whole lots only; what a lot is too large for stays in cash.
    WholeLots,
}

/// How dividends reach the account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DividendRule {
    /// Prices are adjusted for them: a dividend is reinvested on the day it is paid.
    #[default]
    Adjusted,
    /// Prices are those of the market; what was held over the night is paid in cash.
    Explicit,
    /// Prices are those of the market and dividends are lost.
    None,
}

/// High-frequency trading on an order book: at each snapshot the agent says what it wants to hold.
///
/// Source: TradeMaster 1.0.0, environment `high_frequency_trading`, corrected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct HighFrequencyConfig {
    /// Cash at the start, in the instrument's quote currency.
    #[garde(range(min = 0.01, max = 1e12), custom(finite))]
    pub initial_cash: f64,
    /// Snapshots the agent looks back.
    #[garde(range(min = 1, max = 1000))]
    pub window_snapshots: u32,
    /// Largest holding, in units of the instrument.
    #[garde(range(min = 0.000000001, max = 1e9), custom(finite))]
    pub max_holding: f64,
    /// Steps between holding nothing and the largest holding; each is an action.
    #[garde(range(min = 1, max = 1000))]
    pub holding_steps: u32,
    /// Whether holdings below zero are allowed; they add as many actions again.
    #[garde(skip)]
    pub allow_short: bool,
}

impl Default for HighFrequencyConfig {
    fn default() -> Self {
        Self {
            initial_cash: 1000.0,
            window_snapshots: 1,
            max_holding: 0.01,
            holding_steps: 10,
            allow_short: false,
        }
    }
}

/// Executing an order: a given amount in a given time, on bars or on an order book, whichever the data is.
///
/// Source: TradeMaster 1.0.0, environments `order_execution` of PD and ETEO, corrected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct OrderExecutionConfig {
    /// Whether to buy or to sell.
    #[garde(skip)]
    pub side: ExecutionSide,
    /// Units to execute.
    #[garde(range(min = 0.000000001, max = 1e12), custom(finite))]
    pub amount: f64,
    /// Bars or snapshots in which to do it.
    #[garde(range(min = 1, max = 1_000_000))]
    pub horizon_steps: u32,
    /// Bars or snapshots the agent looks back.
    #[garde(range(min = 1, max = 1000))]
    pub window_steps: u32,
    /// Cash at the start beside what is to be sold, in the instrument's quote currency. A purchase is paid from it.
    #[garde(range(min = 0.0, max = 1e15), custom(finite))]
    pub initial_cash: f64,
    /// Smallest step of a price. Used on an order book only.
    #[garde(range(min = 0.000000000001, max = 1e6), custom(finite))]
    pub tick_size: f64,
    /// Unit of the price action. Used on an order book only.
    #[garde(skip)]
    pub offset_unit: OffsetUnit,
    /// Largest distance of an order's price from the middle, either way. Used on an order book only.
    #[garde(range(min = 0.0, max = 10_000.0), custom(finite))]
    pub offset_max: f64,
    /// Snapshots an order rests before it is taken back. Used on an order book only.
    #[garde(range(min = 1, max = 100_000))]
    pub time_in_force_steps: u32,
    /// Which cancellations move a resting order up. Used on an order book only.
    #[garde(skip)]
    pub queue: QueueModel,
}

impl Default for OrderExecutionConfig {
    fn default() -> Self {
        Self {
            side: ExecutionSide::Sell,
            amount: 1.0,
            horizon_steps: 30,
            window_steps: 10,
            initial_cash: 100_000.0,
            tick_size: 0.01,
            offset_unit: OffsetUnit::BasisPoints,
            offset_max: 20.0,
            time_in_force_steps: 30,
            queue: QueueModel::RiskAverse,
        }
    }
}

/// What an execution task does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionSide {
    /// Acquires the amount.
    Buy,
    /// Disposes of the amount, which is held at the start.
    #[default]
    Sell,
}

/// In what the distance of an order's price from the middle is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OffsetUnit {
    /// Smallest price steps.
    Ticks,
    /// Ten-thousandths of the middle.
    #[default]
    BasisPoints,
}

/// Which share of the cancellations at a price happens before a resting order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueueModel {
    /// None: only trades move the order up, and it never stands behind more than is displayed.
    #[default]
    RiskAverse,
    /// By the logarithms of what stands before and behind it.
    Logarithmic,
    /// By the squares of what stands before and behind it.
    Square,
}
