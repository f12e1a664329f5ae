//! Features that can be chosen one by one, each with its parameters.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Truth;
use super::validate::finite;

/// One entry of a list of features: one column, or several that are computed together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum FeatureItem {
    /// The set of the same name.
    Classic16(#[garde(dive)] Plain),
    /// The set of the same name.
    Classic11(#[garde(dive)] Plain),
    /// Shapes of bars and figures of windows of 5, 10, 20, 30 and 60 bars.
    Alpha158(#[garde(dive)] Alpha158Config),
    /// A formula over prices and volume, for example `Ref($close, 5) / $close - 1`.
    Expression(#[garde(dive)] ExpressionConfig),
    /// Return of the close over a window.
    SimpleReturn(#[garde(dive)] OneBar),
    /// Logarithmic return of the close over a window.
    LogReturn(#[garde(dive)] OneBar),
    /// Mean of the close.
    Sma(#[garde(dive)] TwentyBars),
    /// Exponential average of the close.
    Ema(#[garde(dive)] TwentyBars),
    /// Linearly weighted mean of the close.
    Wma(#[garde(dive)] TwentyBars),
    /// Double exponential average of the close.
    Dema(#[garde(dive)] TwentyBars),
    /// Kaufman's adaptive average of the close.
    Kama(#[garde(dive)] TwentyBars),
    /// Difference of two exponential averages, its signal, and what lies between.
    Macd(#[garde(dive)] MacdConfig),
    /// Relative strength index.
    Rsi(#[garde(dive)] FourteenBars),
    /// Stochastic oscillator, k and d.
    Stochastic(#[garde(dive)] StochasticConfig),
    /// Williams' %R.
    WilliamsR(#[garde(dive)] FourteenBars),
    /// Commodity channel index.
    Cci(#[garde(dive)] TwentyBars),
    /// Change of the close over a window, in per cent.
    Roc(#[garde(dive)] FourteenBars),
    /// Change of the close over a window, in the quote currency.
    Momentum(#[garde(dive)] FourteenBars),
    /// Directional movement: adx, +di and −di.
    Adx(#[garde(dive)] FourteenBars),
    /// Average true range.
    Atr(#[garde(dive)] FourteenBars),
    /// Bollinger's bands, place and width.
    Bollinger(#[garde(dive)] BandsConfig),
    /// Donchian's channel.
    Donchian(#[garde(dive)] TwentyBars),
    /// Keltner's channel.
    Keltner(#[garde(dive)] BandsConfig),
    /// Realised volatility per bar.
    Volatility(#[garde(dive)] VolatilityConfig),
    /// On-balance volume. Needs volume.
    Obv(#[garde(dive)] Plain),
    /// Volume-weighted mean price of a window. Needs volume.
    Vwap(#[garde(dive)] TwentyBars),
    /// Volume-weighted mean price since the day began (UTC). Needs volume.
    VwapSession(#[garde(dive)] Plain),
    /// Money flow index. Needs volume.
    Mfi(#[garde(dive)] FourteenBars),
    /// Chaikin's money flow. Needs volume.
    ChaikinMoneyFlow(#[garde(dive)] TwentyBars),
    /// Accumulation/distribution line and Chaikin's oscillator. Needs volume.
    Chaikin(#[garde(dive)] ChaikinConfig),
    /// Body, shadows and gap of the bar.
    Candle(#[garde(dive)] Plain),
    /// Weekday, day of the month and month, as numbers (UTC).
    Calendar(#[garde(dive)] Plain),
    /// Weekday, day of the month and month, as points on a circle (UTC).
    CalendarCycle(#[garde(dive)] Plain),
}

/// Nothing to set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Plain {}

/// Which form of the Alpha158-style set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Alpha158Config {
    /// Whether the features that need volume are among them.
    #[garde(skip)]
    pub volume: bool,
    /// `corrected` (default), or `faithful`: the reference's arithmetic with its look-ahead, for verification.
    #[garde(skip)]
    pub truth: Truth,
}

impl Default for Alpha158Config {
    fn default() -> Self {
        Self { volume: true, truth: Truth::Corrected }
    }
}

/// A formula.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct ExpressionConfig {
    /// The formula. Read when data is prepared; a mistake is told with its position.
    #[garde(skip)]
    pub text: String,
    /// Name of the column; empty means the formula itself.
    #[garde(skip)]
    pub column: String,
}

impl Default for ExpressionConfig {
    fn default() -> Self {
        Self { text: "Ref($close, 5) / $close - 1".to_owned(), column: String::new() }
    }
}

/// A window that is one bar unless told otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct OneBar {
    /// Bars.
    #[garde(range(min = 1, max = 5000))]
    pub window: u32,
}

impl Default for OneBar {
    fn default() -> Self {
        Self { window: 1 }
    }
}

/// A window that is fourteen bars unless told otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct FourteenBars {
    /// Bars.
    #[garde(range(min = 1, max = 5000))]
    pub window: u32,
}

impl Default for FourteenBars {
    fn default() -> Self {
        Self { window: 14 }
    }
}

/// A window that is twenty bars unless told otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct TwentyBars {
    /// Bars.
    #[garde(range(min = 1, max = 5000))]
    pub window: u32,
}

impl Default for TwentyBars {
    fn default() -> Self {
        Self { window: 20 }
    }
}

/// Windows of the moving average convergence/divergence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct MacdConfig {
    /// Bars of the fast average; more than `slow` counts as `slow`.
    #[garde(range(min = 1, max = 5000))]
    pub fast: u32,
    /// Bars of the slow average.
    #[garde(range(min = 1, max = 5000))]
    pub slow: u32,
    /// Values of the signal's average.
    #[garde(range(min = 1, max = 5000))]
    pub signal: u32,
}

impl Default for MacdConfig {
    fn default() -> Self {
        Self { fast: 12, slow: 26, signal: 9 }
    }
}

/// Windows of the stochastic oscillator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct StochasticConfig {
    /// Bars of the range.
    #[garde(range(min = 1, max = 5000))]
    pub window: u32,
    /// Values averaged into k.
    #[garde(range(min = 1, max = 5000))]
    pub smooth: u32,
    /// Values of k averaged into d.
    #[garde(range(min = 1, max = 5000))]
    pub signal: u32,
}

impl Default for StochasticConfig {
    fn default() -> Self {
        Self { window: 14, smooth: 3, signal: 3 }
    }
}

/// Window and width of bands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct BandsConfig {
    /// Bars.
    #[garde(range(min = 1, max = 5000))]
    pub window: u32,
    /// Distance of each band from the middle, in deviations (Bollinger) or average true ranges (Keltner).
    #[garde(range(min = 0.01, max = 100.0), custom(finite))]
    pub width: f64,
}

impl Default for BandsConfig {
    fn default() -> Self {
        Self { window: 20, width: 2.0 }
    }
}

/// Estimator and window of realised volatility.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct VolatilityConfig {
    /// What is read of each bar.
    #[garde(skip)]
    pub estimator: VolatilityEstimator,
    /// Bars.
    #[garde(range(min = 2, max = 5000))]
    pub window: u32,
}

impl Default for VolatilityConfig {
    fn default() -> Self {
        Self { estimator: VolatilityEstimator::CloseToClose, window: 20 }
    }
}

/// How realised volatility is estimated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VolatilityEstimator {
    /// Deviation of logarithmic returns.
    #[default]
    CloseToClose,
    /// From high and low.
    Parkinson,
    /// From all four prices, without drift.
    GarmanKlass,
    /// From all four prices, whatever the drift.
    RogersSatchell,
    /// From all four prices and the gap between bars.
    YangZhang,
}

impl VolatilityEstimator {
    /// Returns the word by which it is configured.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CloseToClose => "close_to_close",
            Self::Parkinson => "parkinson",
            Self::GarmanKlass => "garman_klass",
            Self::RogersSatchell => "rogers_satchell",
            Self::YangZhang => "yang_zhang",
        }
    }
}

/// Windows of Chaikin's oscillator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct ChaikinConfig {
    /// Bars of the fast average.
    #[garde(range(min = 1, max = 5000))]
    pub fast: u32,
    /// Bars of the slow average.
    #[garde(range(min = 1, max = 5000))]
    pub slow: u32,
}

impl Default for ChaikinConfig {
    fn default() -> Self {
        Self { fast: 3, slow: 10 }
    }
}
