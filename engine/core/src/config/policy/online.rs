//! Parameters of online portfolio selection. Which methods there are, their published defaults, and which of them look
//! ahead: those are another type.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::agents::RuleConfig;
use crate::config::validate::finite;

/// A method that decides period by period from what it has seen, chosen by `method`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum OnlineConfig {
    /// Buys equal shares once and never trades again.
    Market(#[garde(dive)] RuleConfig),
    /// Constant rebalanced portfolio; uniform unless weights are given.
    Crp(#[garde(dive)] CrpConfig),
    /// Universal portfolio (Cover 1991).
    Universal(#[garde(dive)] UniversalConfig),
    /// Exponentiated gradient (Helmbold et al. 1998).
    Eg(#[garde(dive)] EgConfig),
    /// Online Newton step (Agarwal et al. 2006).
    Ons(#[garde(dive)] OnsConfig),
    /// Anti-correlation (Borodin et al. 2004).
    Anticor(#[garde(dive)] AnticorConfig),
    /// Passive-aggressive mean reversion (Li et al. 2012).
    Pamr(#[garde(dive)] PamrConfig),
    /// Passive-aggressive mean reversion whose steps have an upper limit.
    Pamr1(#[garde(dive)] PamrSlackConfig),
    /// Passive-aggressive mean reversion whose steps are damped.
    Pamr2(#[garde(dive)] PamrSlackConfig),
    /// Confidence-weighted mean reversion, standard deviation form (Li et al. 2013).
    CwmrSd(#[garde(dive)] CwmrConfig),
    /// Confidence-weighted mean reversion, variance form (Li et al. 2011).
    CwmrVar(#[garde(dive)] CwmrConfig),
    /// Moving-average reversion by a simple average (Li and Hoi 2012).
    Olmar1(#[garde(dive)] Olmar1Config),
    /// Moving-average reversion by an exponential average (Li and Hoi 2012).
    Olmar2(#[garde(dive)] Olmar2Config),
    /// Robust median reversion (Huang et al. 2013).
    Rmr(#[garde(dive)] RmrConfig),
    /// Correlation-driven experts, all weighted by their wealth (Li et al. 2011).
    CornU(#[garde(dive)] CornUniformConfig),
    /// Correlation-driven experts, only the wealthiest few (Li et al. 2011).
    CornK(#[garde(dive)] CornExpertsConfig),
}

impl Default for OnlineConfig {
    fn default() -> Self {
        Self::Crp(CrpConfig::default())
    }
}

impl OnlineConfig {
    /// Returns every method with its defaults, benchmarks first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::Market(RuleConfig {}),
            Self::Crp(CrpConfig::default()),
            Self::Universal(UniversalConfig::default()),
            Self::Eg(EgConfig::default()),
            Self::Ons(OnsConfig::default()),
            Self::Anticor(AnticorConfig::default()),
            Self::Pamr(PamrConfig::default()),
            Self::Pamr1(PamrSlackConfig::default()),
            Self::Pamr2(PamrSlackConfig::default()),
            Self::CwmrSd(CwmrConfig::default()),
            Self::CwmrVar(CwmrConfig::default()),
            Self::Olmar1(Olmar1Config::default()),
            Self::Olmar2(Olmar2Config::default()),
            Self::Rmr(RmrConfig::default()),
            Self::CornU(CornUniformConfig::default()),
            Self::CornK(CornExpertsConfig::default()),
        ]
    }

    /// Returns the tag, as written in files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Market(_) => "market",
            Self::Crp(_) => "crp",
            Self::Universal(_) => "universal",
            Self::Eg(_) => "eg",
            Self::Ons(_) => "ons",
            Self::Anticor(_) => "anticor",
            Self::Pamr(_) => "pamr",
            Self::Pamr1(_) => "pamr1",
            Self::Pamr2(_) => "pamr2",
            Self::CwmrSd(_) => "cwmr_sd",
            Self::CwmrVar(_) => "cwmr_var",
            Self::Olmar1(_) => "olmar1",
            Self::Olmar2(_) => "olmar2",
            Self::Rmr(_) => "rmr",
            Self::CornU(_) => "corn_u",
            Self::CornK(_) => "corn_k",
        }
    }

    /// Returns one line for people: what it does, and who described it.
    #[must_use]
    pub fn about(&self) -> &'static str {
        match self {
            Self::Market(_) => "equal shares bought once and held",
            Self::Crp(_) => "constant rebalanced portfolio, uniform by default",
            Self::Universal(_) => "wealth-weighted mean of all rebalanced portfolios (Cover 1991)",
            Self::Eg(_) => "exponentiated gradient (Helmbold et al. 1998)",
            Self::Ons(_) => "online Newton step (Agarwal et al. 2006)",
            Self::Anticor(_) => "anti-correlation (Borodin et al. 2004)",
            Self::Pamr(_) => "passive-aggressive mean reversion (Li et al. 2012)",
            Self::Pamr1(_) => "the same, steps capped (Li et al. 2012)",
            Self::Pamr2(_) => "the same, steps damped (Li et al. 2012)",
            Self::CwmrSd(_) => "confidence-weighted mean reversion, deviation (Li et al. 2013)",
            Self::CwmrVar(_) => "confidence-weighted mean reversion, variance (Li et al. 2011)",
            Self::Olmar1(_) => "moving-average reversion, simple (Li and Hoi 2012)",
            Self::Olmar2(_) => "moving-average reversion, exponential (Li and Hoi 2012)",
            Self::Rmr(_) => "robust median reversion (Huang et al. 2013)",
            Self::CornU(_) => "correlation-driven, all experts (Li et al. 2011)",
            Self::CornK(_) => "correlation-driven, best experts (Li et al. 2011)",
        }
    }
}

/// A comparison that knows the whole future. It is a type of its own, so that nothing that trades can be built from it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HindsightMethod {
    /// Everything in the one asset that grows most.
    BestStock,
    /// The best constant rebalanced portfolio.
    Bcrp,
}

impl HindsightMethod {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::BestStock, Self::Bcrp];

    /// Returns the name, as written on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BestStock => "best_stock",
            Self::Bcrp => "bcrp",
        }
    }

    /// Returns one line for people.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::BestStock => "the asset that grew most, known beforehand",
            Self::Bcrp => "the best constant rebalanced portfolio, known beforehand",
        }
    }

    /// Returns the method of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// Constant rebalanced portfolio.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct CrpConfig {
    /// Weight of each asset, summing to 1; empty for equal weights.
    #[garde(length(max = 10_000), inner(range(min = 0.0, max = 1.0), custom(finite)))]
    pub weights: Vec<f64>,
}

/// Universal portfolio with the uniform prior. Two assets are computed exactly; more by sampled portfolios.
///
/// Source: Cover 1991 (doi 10.1111/j.1467-9965.1991.tb00002.x).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct UniversalConfig {
    /// Portfolios drawn from the prior where there are more than two assets.
    #[garde(range(min = 100, max = 1_000_000))]
    pub samples: u32,
    /// Seed of the draw.
    #[garde(skip)]
    pub seed: u32,
}

impl Default for UniversalConfig {
    fn default() -> Self {
        Self { samples: 10_000, seed: 0 }
    }
}

/// Exponentiated gradient. Source: Helmbold et al. 1998 (doi 10.1111/1467-9965.00058) with their 0.05.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct EgConfig {
    /// Learning rate.
    #[garde(range(min = 0.0, max = 1e3), custom(finite))]
    pub eta: f64,
}

impl Default for EgConfig {
    fn default() -> Self {
        Self { eta: 0.05 }
    }
}

/// Online Newton step. Source: Agarwal et al. 2006 (doi 10.1145/1143844.1143846) with their 0, 1 and 1/8.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct OnsConfig {
    /// Share of the uniform portfolio mixed in.
    #[garde(range(min = 0.0, max = 1.0), custom(finite))]
    pub eta: f64,
    /// Curvature; smaller steps harder.
    #[garde(range(min = 1e-6, max = 1e6), custom(finite))]
    pub beta: f64,
    /// Step size.
    #[garde(range(min = 1e-9, max = 1e6), custom(finite))]
    pub delta: f64,
}

impl Default for OnsConfig {
    fn default() -> Self {
        Self { eta: 0.0, beta: 1.0, delta: 0.125 }
    }
}

/// Anti-correlation. Source: Borodin et al. 2004 (doi 10.1613/jair.1336), whose averages use windows up to 30.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct AnticorConfig {
    /// Periods of each of the two windows that are compared.
    #[garde(range(min = 2, max = 1000))]
    pub window: u32,
}

impl Default for AnticorConfig {
    fn default() -> Self {
        Self { window: 30 }
    }
}

/// Passive-aggressive mean reversion. Source: Li et al. 2012 (doi 10.1007/s10994-012-5281-z) with their 0.5.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct PamrConfig {
    /// Growth per period above which it expects a fall back.
    #[garde(range(min = 0.0, max = 10.0), custom(finite))]
    pub epsilon: f64,
}

impl Default for PamrConfig {
    fn default() -> Self {
        Self { epsilon: 0.5 }
    }
}

/// Passive-aggressive mean reversion with slack. Source: Li et al. 2012 with their 0.5 and 500.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct PamrSlackConfig {
    /// Growth per period above which it expects a fall back.
    #[garde(range(min = 0.0, max = 10.0), custom(finite))]
    pub epsilon: f64,
    /// Aggressiveness: `pamr1` caps the step at it, `pamr2` damps the step by its inverse.
    #[garde(range(min = 1e-6, max = 1e12), custom(finite))]
    pub aggressiveness: f64,
}

impl Default for PamrSlackConfig {
    fn default() -> Self {
        Self { epsilon: 0.5, aggressiveness: 500.0 }
    }
}

/// Confidence-weighted mean reversion. Source: Li et al. 2013 (doi 10.1145/2435209.2435213) with their 2 and 0.5.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct CwmrConfig {
    /// Quantile of the standard normal at the wanted confidence.
    #[garde(range(min = 0.0, max = 100.0), custom(finite))]
    pub phi: f64,
    /// Growth per period above which it expects a fall back.
    #[garde(range(min = 0.0, max = 10.0), custom(finite))]
    pub epsilon: f64,
}

impl Default for CwmrConfig {
    fn default() -> Self {
        Self { phi: 2.0, epsilon: 0.5 }
    }
}

/// Moving-average reversion, simple average. Source: Li and Hoi 2012 (arXiv 1206.4626) with their 5 and 10.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Olmar1Config {
    /// Prices in the average, the present one included.
    #[garde(range(min = 1, max = 1000))]
    pub window: u32,
    /// Growth that is expected of the next period.
    #[garde(range(min = 0.0, max = 1e6), custom(finite))]
    pub epsilon: f64,
}

impl Default for Olmar1Config {
    fn default() -> Self {
        Self { window: 5, epsilon: 10.0 }
    }
}

/// Moving-average reversion, exponential average. Source: Li and Hoi 2012 (arXiv 1206.4626) with their 0.5 and 10.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Olmar2Config {
    /// Weight of the present price in the average.
    #[garde(range(min = 0.0, max = 1.0), custom(finite))]
    pub alpha: f64,
    /// Growth that is expected of the next period.
    #[garde(range(min = 0.0, max = 1e6), custom(finite))]
    pub epsilon: f64,
}

impl Default for Olmar2Config {
    fn default() -> Self {
        Self { alpha: 0.5, epsilon: 10.0 }
    }
}

/// Robust median reversion. Source: Huang et al. 2013 (IJCAI-13, pages 2006 to 2012) with their 5, 5, 200 and 0.001.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct RmrConfig {
    /// Prices in the median, the present one included.
    #[garde(range(min = 1, max = 1000))]
    pub window: u32,
    /// Growth that is expected of the next period.
    #[garde(range(min = 0.0, max = 1e6), custom(finite))]
    pub epsilon: f64,
    /// Most iterations of the median.
    #[garde(range(min = 1, max = 100_000))]
    pub iterations_max: u32,
    /// The median stands when an iteration moves it by less than this share of itself (sums of absolute values).
    #[garde(range(min = 0.0, max = 0.1), custom(finite))]
    pub tolerance: f64,
}

impl Default for RmrConfig {
    fn default() -> Self {
        Self { window: 5, epsilon: 5.0, iterations_max: 200, tolerance: 1e-3 }
    }
}

/// Correlation-driven experts, all of them. Source: Li et al. 2011 (doi 10.1145/1961189.1961193) with 5 and 0.1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct CornUniformConfig {
    /// One expert for each window of 1 to this many periods.
    #[garde(range(min = 1, max = 50))]
    pub window_max: u32,
    /// Least correlation of a past window that counts as similar.
    #[garde(range(min = -1.0, max = 1.0), custom(finite))]
    pub rho: f64,
}

impl Default for CornUniformConfig {
    fn default() -> Self {
        Self { window_max: 5, rho: 0.1 }
    }
}

/// Correlation-driven experts, the best few. Source: Li et al. 2011 with 5 windows, 10 levels, 5 kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct CornExpertsConfig {
    /// Windows of 1 to this many periods.
    #[garde(range(min = 1, max = 50))]
    pub window_max: u32,
    /// Levels of least correlation: 0, 1/levels, … (levels − 1)/levels.
    #[garde(range(min = 1, max = 100))]
    pub levels: u32,
    /// Wealthiest experts that are followed.
    #[garde(range(min = 1, max = 5000))]
    pub kept: u32,
}

impl Default for CornExpertsConfig {
    fn default() -> Self {
        Self { window_max: 5, levels: 10, kept: 5 }
    }
}
