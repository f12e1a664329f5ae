//! Parameters of portfolio rules: what is looked back on, how risk is estimated, how often it is traded.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::online::OnlineConfig;
use crate::config::agents::RuleConfig;
use crate::config::validate::finite;

/// A rule that sets target weights from past relatives, chosen by `rule`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum PortfolioRuleConfig {
    /// Never trades: stays in cash.
    DoNothing(#[garde(dive)] RuleConfig),
    /// Buys equal shares once and holds.
    BuyAndHold(#[garde(dive)] RuleConfig),
    /// Equal weights, restored at every bar.
    Uniform(#[garde(dive)] RuleConfig),
    /// The assets that rose most.
    Momentum(#[garde(dive)] MomentumConfig),
    /// The assets that fell most.
    MeanReversion(#[garde(dive)] MeanReversionConfig),
    /// Each asset by itself: in when far below its own mean, out when back.
    ZScoreReversion(#[garde(dive)] ZScoreConfig),
    /// Least variance over a rolling window.
    MinVariance(#[garde(dive)] RollingConfig),
    /// Equal contributions to risk over a rolling window.
    RiskParity(#[garde(dive)] RollingConfig),
    /// Hierarchical risk parity over a rolling window.
    HierarchicalRiskParity(#[garde(dive)] RollingConfig),
    /// Mean against variance and trading over a rolling window.
    MeanVariance(#[garde(dive)] MeanVarianceConfig),
    /// A method of online portfolio selection, always fully invested.
    OnlineSelection(#[garde(dive)] SelectionRuleConfig),
}

impl Default for PortfolioRuleConfig {
    fn default() -> Self {
        Self::Uniform(RuleConfig {})
    }
}

impl PortfolioRuleConfig {
    /// Returns every rule with its defaults.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::DoNothing(RuleConfig {}),
            Self::BuyAndHold(RuleConfig {}),
            Self::Uniform(RuleConfig {}),
            Self::Momentum(MomentumConfig::default()),
            Self::MeanReversion(MeanReversionConfig::default()),
            Self::ZScoreReversion(ZScoreConfig::default()),
            Self::MinVariance(RollingConfig::default()),
            Self::RiskParity(RollingConfig::default()),
            Self::HierarchicalRiskParity(RollingConfig::default()),
            Self::MeanVariance(MeanVarianceConfig::default()),
            Self::OnlineSelection(SelectionRuleConfig::default()),
        ]
    }

    /// Returns the tag, as written in files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::DoNothing(_) => "do_nothing",
            Self::BuyAndHold(_) => "buy_and_hold",
            Self::Uniform(_) => "uniform",
            Self::Momentum(_) => "momentum",
            Self::MeanReversion(_) => "mean_reversion",
            Self::ZScoreReversion(_) => "z_score_reversion",
            Self::MinVariance(_) => "min_variance",
            Self::RiskParity(_) => "risk_parity",
            Self::HierarchicalRiskParity(_) => "hierarchical_risk_parity",
            Self::MeanVariance(_) => "mean_variance",
            Self::OnlineSelection(_) => "online_selection",
        }
    }
}

/// Follow what rose. Source: Jegadeesh and Titman 1993 (across assets); Moskowitz, Ooi and Pedersen 2012
/// (doi 10.1016/j.jfineco.2011.11.003; each asset against cash).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct MomentumConfig {
    /// Bars over which growth is measured.
    #[garde(range(min = 1, max = 5000))]
    pub window: u32,
    /// Newest bars left out of it.
    #[garde(range(min = 0, max = 500))]
    pub skip: u32,
    /// Share of the assets held, at least one asset.
    #[garde(range(min = 0.001, max = 1.0), custom(finite))]
    pub share: f64,
    /// Whether a chosen asset that fell is replaced by cash. With one asset this is the whole rule.
    #[garde(skip)]
    pub against_cash: bool,
}

impl Default for MomentumConfig {
    fn default() -> Self {
        Self { window: 60, skip: 0, share: 0.3, against_cash: true }
    }
}

/// Buy what fell. Source: De Bondt and Thaler 1985; short horizon: Lehmann 1990 (doi 10.2307/2937816).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct MeanReversionConfig {
    /// Bars over which growth is measured.
    #[garde(range(min = 1, max = 5000))]
    pub window: u32,
    /// Share of the assets held, at least one asset.
    #[garde(range(min = 0.001, max = 1.0), custom(finite))]
    pub share: f64,
}

impl Default for MeanReversionConfig {
    fn default() -> Self {
        Self { window: 5, share: 0.3 }
    }
}

/// Mean reversion of each asset against its own past, equal slots, the rest in cash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct ZScoreConfig {
    /// Prices in mean and deviation, the present one included.
    #[garde(range(min = 3, max = 5000))]
    pub window: u32,
    /// Deviations below the mean at which it is bought.
    #[garde(range(min = 0.0, max = 20.0), custom(finite))]
    pub entry: f64,
    /// Deviations below the mean at which it is sold again; below `entry`, negative beyond the mean.
    #[garde(range(min = -20.0, max = 20.0), custom(finite))]
    pub exit: f64,
}

impl Default for ZScoreConfig {
    fn default() -> Self {
        Self { window: 20, entry: 1.0, exit: 0.0 }
    }
}

/// How covariances are estimated.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate,
)]
#[serde(rename_all = "snake_case")]
pub enum EstimatorConfig {
    /// Of the sample.
    Sample,
    /// Shrunk towards equal variances without correlation (Ledoit and Wolf 2004, doi 10.1016/S0047-259X(03)00096-4).
    ShrunkIdentity,
    /// Shrunk towards one common correlation (Ledoit and Wolf 2004, doi 10.3905/jpm.2004.110).
    #[default]
    ShrunkConstantCorrelation,
}

/// What risk is estimated from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct CovarianceConfig {
    /// Bars looked back on.
    #[garde(range(min = 3, max = 5000))]
    pub window: u32,
    /// Estimator.
    #[garde(skip)]
    pub estimator: EstimatorConfig,
}

impl Default for CovarianceConfig {
    fn default() -> Self {
        Self { window: 60, estimator: EstimatorConfig::default() }
    }
}

/// A portfolio from a rolling estimate of risk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct RollingConfig {
    /// What risk is estimated from.
    #[garde(dive)]
    pub covariance: CovarianceConfig,
    /// Bars between two decisions; holdings drift in between.
    #[garde(range(min = 1, max = 5000))]
    pub every: u32,
    /// Largest weight of one asset. Used by minimum variance only; raised to 1/assets where it is less.
    #[garde(range(min = 0.001, max = 1.0), custom(finite))]
    pub weight_max: f64,
}

impl Default for RollingConfig {
    fn default() -> Self {
        Self { covariance: CovarianceConfig::default(), every: 20, weight_max: 1.0 }
    }
}

/// Mean against variance and trading. Source: Markowitz 1952; the cost of trading is quadratic, as in Gârleanu and
/// Pedersen 2013 (doi 10.1111/jofi.12080).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct MeanVarianceConfig {
    /// What means and risk are estimated from.
    #[garde(dive)]
    pub covariance: CovarianceConfig,
    /// Bars between two decisions; holdings drift in between.
    #[garde(range(min = 1, max = 5000))]
    pub every: u32,
    /// Largest weight of one asset; raised to 1/assets where it is less.
    #[garde(range(min = 0.001, max = 1.0), custom(finite))]
    pub weight_max: f64,
    /// Aversion to variance.
    #[garde(range(min = 0.0, max = 1e9), custom(finite))]
    pub risk_aversion: f64,
    /// Weight of the squared distance to the present holdings, per bar.
    #[garde(range(min = 0.0, max = 1e9), custom(finite))]
    pub turnover_penalty: f64,
}

impl Default for MeanVarianceConfig {
    fn default() -> Self {
        Self {
            covariance: CovarianceConfig::default(),
            every: 20,
            weight_max: 1.0,
            risk_aversion: 5.0,
            turnover_penalty: 1e-3,
        }
    }
}

/// Online portfolio selection in the seat of a portfolio rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct SelectionRuleConfig {
    /// The method.
    #[garde(dive)]
    pub selection: OnlineConfig,
}
