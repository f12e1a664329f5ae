//! What may vary between corrected replays, and the strategy that follows: the reference's sizes and rates by default,
//! then a configuration where one is given, then single options. Touches no data but its number of rows and its closes.

use serde_json::{Value, json};

use super::policy::listed;
use super::{ReplayEnvironment, refused};
use crate::config::{
    AgentConfig, AlgorithmicTradingConfig, EnvironmentConfig, ExecutionSide, FeaturesConfig,
    FillRule, HighFrequencyConfig, MatchingConfig, OrderExecutionConfig, PortfolioConfig,
    StrategyConfig, Truth, agents::RuleConfig, validate,
};
use crate::environment::faithful::ReplayTask;
use crate::error::EngineError;

/// Most lots that may be held: the account's money is the limit, as in the reference.
const POSITION_LIMIT_LOTS: u32 = 10_000;
/// Largest distance of an order's price from the middle where the policy names prices: the whole price.
const OFFSET_MAX_BPS: f64 = 10_000.0;

/// What may vary. What is absent is as the reference has it, as far as a sound environment can.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CorrectedOptions {
    /// What is observed beside the account. Absent: nothing, so that no row is lost to windows that fill.
    pub features: Option<FeaturesConfig>,
    /// Cash at the start.
    pub initial_amount: Option<f64>,
    /// Fee per traded value.
    pub cost_rate: Option<f64>,
    /// Slippage, basis points; bars only.
    pub slippage_bps: Option<f64>,
    /// When orders are filled.
    pub fill: Option<FillRule>,
    /// Rows looked back on: B, L, T or the stack.
    pub window: Option<usize>,
    /// Rows the reference's reward looks ahead, F: the last F + 1 rows are left out then, as it leaves them out.
    pub forward: Option<usize>,
    /// Most lots per order, V.
    pub max_volume: Option<u32>,
    /// Whether positions below zero are allowed.
    pub allow_short: Option<bool>,
    /// First row.
    pub start: Option<usize>,
    /// Most rows.
    pub episode_length: Option<usize>,
    /// Seed of policies that draw.
    pub seed: u32,
    /// `environment`, `matching`, `risk` and `features` as in a strategy, or the environment alone; what it leaves out
    /// stays as it is.
    pub config: Option<Value>,
}

/// An option of corrected replays. Named as on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorrectedOption {
    /// What is observed.
    Features,
    /// Cash at the start.
    InitialAmount,
    /// Fee per traded value.
    CostRate,
    /// Slippage.
    SlippageBps,
    /// When orders are filled.
    Fill,
    /// Rows looked back on.
    Window,
    /// Rows left out at the end.
    Forward,
    /// Most lots per order.
    MaxVolume,
    /// Positions below zero.
    AllowShort,
    /// First row.
    Start,
    /// Most rows.
    EpisodeLength,
}

impl CorrectedOption {
    /// Returns the option's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Features => "features",
            Self::InitialAmount => "initial-amount",
            Self::CostRate => "cost-rate",
            Self::SlippageBps => "slippage-bps",
            Self::Fill => "fill",
            Self::Window => "window",
            Self::Forward => "forward",
            Self::MaxVolume => "max-volume",
            Self::AllowShort => "allow-short",
            Self::Start => "start",
            Self::EpisodeLength => "episode-length",
        }
    }

    /// Returns the options of an environment. Seed and configuration belong to every one.
    #[must_use]
    pub fn of(environment: ReplayEnvironment) -> &'static [Self] {
        use CorrectedOption::{
            AllowShort, CostRate, EpisodeLength, Features, Fill, Forward, InitialAmount, MaxVolume,
            SlippageBps, Start, Window,
        };
        match environment {
            ReplayEnvironment::AlgorithmicTrading => &[
                Features,
                InitialAmount,
                CostRate,
                SlippageBps,
                Fill,
                Window,
                Forward,
                MaxVolume,
                AllowShort,
                Start,
                EpisodeLength,
            ],
            ReplayEnvironment::Portfolio
            | ReplayEnvironment::PortfolioSarl
            | ReplayEnvironment::PortfolioEiie
            | ReplayEnvironment::PortfolioDeepTrader
            | ReplayEnvironment::PortfolioImitator
            | ReplayEnvironment::ExecutionPd => &[
                Features,
                InitialAmount,
                CostRate,
                SlippageBps,
                Fill,
                Window,
                Start,
                EpisodeLength,
            ],
            ReplayEnvironment::ExecutionEteo => {
                &[Features, InitialAmount, CostRate, Fill, Window, Start, EpisodeLength]
            }
            ReplayEnvironment::Hft => {
                &[Features, InitialAmount, CostRate, Fill, Window, AllowShort, Start, EpisodeLength]
            }
        }
    }
}

impl CorrectedOptions {
    /// Passes options that the environment has.
    pub(super) fn check(&self, environment: ReplayEnvironment) -> Result<(), EngineError> {
        let all = [
            (self.features.is_some(), CorrectedOption::Features),
            (self.initial_amount.is_some(), CorrectedOption::InitialAmount),
            (self.cost_rate.is_some(), CorrectedOption::CostRate),
            (self.slippage_bps.is_some(), CorrectedOption::SlippageBps),
            (self.fill.is_some(), CorrectedOption::Fill),
            (self.window.is_some(), CorrectedOption::Window),
            (self.forward.is_some(), CorrectedOption::Forward),
            (self.max_volume.is_some(), CorrectedOption::MaxVolume),
            (self.allow_short.is_some(), CorrectedOption::AllowShort),
            (self.start.is_some(), CorrectedOption::Start),
            (self.episode_length.is_some(), CorrectedOption::EpisodeLength),
        ];
        let own = CorrectedOption::of(environment);
        let foreign: Vec<&str> = all
            .into_iter()
            .filter(|(given, option)| *given && !own.contains(option))
            .map(|(_, option)| option.as_str())
            .collect();
        if foreign.is_empty() {
            return Ok(());
        }
        Err(refused(format!(
            "{environment} has no option {} in corrected mode; it has {}",
            foreign.join(", "),
            own.iter().copied().map(CorrectedOption::as_str).collect::<Vec<_>>().join(", ")
        )))
    }
}

/// A strategy that is complete but for what depends on the data.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) strategy: StrategyConfig,
    /// Whether features are computed.
    pub(super) observed: bool,
    lot_is_given: bool,
    horizon_is_given: bool,
}

/// Puts defaults, configuration and options together.
pub(super) fn setup(
    environment: ReplayEnvironment,
    options: &CorrectedOptions,
    names_prices: bool,
) -> Result<Setup, EngineError> {
    options.check(environment)?;
    let patch = patch(options.config.as_ref())?;
    let given = |pointer: &str| patch.pointer(pointer).is_some();
    let mut value = serde_json::to_value(base(environment, options.window, names_prices)?)
        .map_err(|error| refused(error.to_string()))?;
    let task = value["environment"]["task"].clone();
    if let Some(other) = patch.pointer("/environment/task").filter(|other| **other != task) {
        return Err(refused(format!(
            "{environment} is the task {task}, the configuration is one of the task {other}; choose another of the two"
        )));
    }
    merge(&mut value, &patch);
    set(&mut value, environment, options);
    let mut strategy = validate::strategy(&value)
        .map_err(|violations| refused(format!("configuration: {}", listed(&violations))))?;
    if strategy.environment.truth() == Truth::Faithful {
        return Err(refused(
            "the configuration asks for truth = faithful; use --mode faithful for that".to_owned(),
        ));
    }
    if let Some(features) = &options.features {
        strategy.features = features.clone();
    }
    Ok(Setup {
        strategy,
        observed: options.features.is_some() || given("/features"),
        lot_is_given: given("/environment/lot_share"),
        horizon_is_given: given("/environment/horizon_steps"),
    })
}

impl Setup {
    /// Sets what depends on the data: one lot is one unit, and an execution may take all rows the reference takes.
    ///
    /// `closes` are those of the rows that are replayed; empty where there is no single instrument.
    pub(super) fn fit(
        mut self,
        environment: ReplayEnvironment,
        rows: usize,
        closes: &[f64],
    ) -> Result<StrategyConfig, EngineError> {
        match &mut self.strategy.environment {
            EnvironmentConfig::AlgorithmicTrading(config) => {
                let first = (config.backward_bars as usize).saturating_sub(1);
                if let (false, Some(price)) = (self.lot_is_given, closes.get(first)) {
                    config.lot_share = price / config.initial_cash;
                }
            }
            EnvironmentConfig::OrderExecution(config) if !self.horizon_is_given => {
                let window = config.window_steps as usize;
                // ETEO ends before the last row, PD leaves out as many rows as it looks back on.
                let is_pd = environment == ReplayEnvironment::ExecutionPd;
                let unused = if is_pd { window } else { 1 };
                let Some(horizon) = rows.checked_sub(window + unused).filter(|steps| 0 < *steps)
                else {
                    return Err(refused(format!(
                        "{environment} needs at least {} rows to look back {window}, found {rows}; use more data or a \
                         smaller window",
                        window + unused + 1
                    )));
                };
                config.horizon_steps = u32::try_from(horizon).map_err(|_| {
                    refused(format!("{horizon} steps are more than can be counted"))
                })?;
            }
            EnvironmentConfig::OrderExecution(_)
            | EnvironmentConfig::Portfolio(_)
            | EnvironmentConfig::HighFrequency(_) => {}
        }
        Ok(self.strategy)
    }
}

/// Returns the reference's constants in the terms of the corrected environments.
fn base(
    environment: ReplayEnvironment,
    window: Option<usize>,
    names_prices: bool,
) -> Result<StrategyConfig, EngineError> {
    let steps = |default: usize, beyond: usize| {
        let window = window.unwrap_or(default).saturating_add(beyond);
        u32::try_from(window).map_err(|_| refused(format!("a window of {window} rows is too long")))
    };
    let portfolio = |default: usize, beyond: usize, initial_cash: f64| {
        let window_bars = steps(default, beyond)?;
        let config = PortfolioConfig { initial_cash, window_bars, ..PortfolioConfig::default() };
        Ok::<_, EngineError>(EnvironmentConfig::Portfolio(config))
    };
    let (task, fee_rate) = match environment {
        ReplayEnvironment::AlgorithmicTrading => {
            let config = AlgorithmicTradingConfig {
                backward_bars: steps(5, 0)?,
                position_limit_lots: POSITION_LIMIT_LOTS,
                allow_short: true,
                ..AlgorithmicTradingConfig::default()
            };
            (EnvironmentConfig::AlgorithmicTrading(config), 0.001)
        }
        ReplayEnvironment::Portfolio => (portfolio(1, 0, 100_000.0)?, 0.001),
        // The reference looks at the L days before the one on which it decides.
        ReplayEnvironment::PortfolioSarl => (portfolio(5, 1, 10_000.0)?, 0.001),
        ReplayEnvironment::PortfolioEiie | ReplayEnvironment::PortfolioDeepTrader => {
            (portfolio(10, 0, 100_000.0)?, 0.001)
        }
        ReplayEnvironment::PortfolioImitator => (portfolio(1, 0, 100_000.0)?, 0.0001),
        ReplayEnvironment::ExecutionEteo => {
            let default = OrderExecutionConfig::default();
            let config = OrderExecutionConfig {
                side: ExecutionSide::Buy,
                window_steps: steps(1, 0)?,
                offset_max: if names_prices { OFFSET_MAX_BPS } else { default.offset_max },
                ..default
            };
            (EnvironmentConfig::OrderExecution(config), 0.0)
        }
        ReplayEnvironment::ExecutionPd => {
            let config = OrderExecutionConfig {
                side: ExecutionSide::Sell,
                window_steps: steps(10, 0)?,
                initial_cash: 0.0,
                ..OrderExecutionConfig::default()
            };
            (EnvironmentConfig::OrderExecution(config), 0.0)
        }
        ReplayEnvironment::Hft => {
            let config = HighFrequencyConfig {
                window_snapshots: steps(1, 0)?,
                ..HighFrequencyConfig::default()
            };
            (EnvironmentConfig::HighFrequency(config), 0.000_05)
        }
    };
    Ok(StrategyConfig {
        environment: task,
        agent: AgentConfig::DoNothing(RuleConfig {}),
        matching: MatchingConfig { fee_rate, ..MatchingConfig::default() },
        ..StrategyConfig::default()
    })
}

/// Returns what a configuration changes. The policy decides, so that an agent in it is not looked at.
fn patch(config: Option<&Value>) -> Result<Value, EngineError> {
    let Some(config) = config else { return Ok(json!({})) };
    let Value::Object(fields) = config else {
        return Err(refused(format!(
            "a configuration is an object with environment, matching, risk or features, found {config}"
        )));
    };
    if fields.contains_key("task") {
        return Ok(json!({ "environment": config }));
    }
    let mut fields = fields.clone();
    fields.remove("agent");
    Ok(Value::Object(fields))
}

/// Writes what `patch` has over `value`, object by object.
fn merge(value: &mut Value, patch: &Value) {
    match (value, patch) {
        (Value::Object(fields), Value::Object(changes)) => {
            for (key, change) in changes {
                merge(fields.entry(key.as_str()).or_insert(Value::Null), change);
            }
        }
        (value, patch) => *value = patch.clone(),
    }
}

/// Writes single options over everything else.
fn set(value: &mut Value, environment: ReplayEnvironment, options: &CorrectedOptions) {
    let mut put = |section: &str, key: &str, option: Option<Value>| {
        if let Some(option) = option {
            value[section][key] = option;
        }
    };
    put("environment", "initial_cash", options.initial_amount.map(number));
    put("environment", "max_volume", options.max_volume.map(Value::from));
    put("environment", "allow_short", options.allow_short.map(Value::from));
    put("matching", "fee_rate", options.cost_rate.map(number));
    put("matching", "slippage_bps", options.slippage_bps.map(number));
    put("matching", "fill", options.fill.map(|fill| json!(fill)));
    let key = match environment.task() {
        ReplayTask::Trading => "backward_bars",
        ReplayTask::Portfolio => "window_bars",
        ReplayTask::Execution => "window_steps",
        ReplayTask::HighFrequency => "window_snapshots",
    };
    let beyond = usize::from(environment == ReplayEnvironment::PortfolioSarl);
    put("environment", key, options.window.map(|rows| Value::from(rows.saturating_add(beyond))));
}

/// A number that is not finite has no JSON; a word in its place is refused with its name.
fn number(number: f64) -> Value {
    if number.is_finite() { Value::from(number) } else { Value::from(number.to_string()) }
}
