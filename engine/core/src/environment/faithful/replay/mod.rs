//! Runs a fixed policy through one of the reference's environments and returns the reference's figures.
//!
//! [`replay`] is the only match over environments; what policies mean in each family stands in the files beside it.

mod algorithmic;
mod catalogue;
mod execution;
mod high_frequency;
mod portfolios;

use serde::Serialize;

pub use self::algorithmic::{AlgorithmicDetails, replay_with};
pub use self::catalogue::{ReplayEnvironment, ReplayOption, ReplayTask};
pub use self::execution::{EteoDetails, PdDetails};
pub use self::high_frequency::HftDetails;
pub use self::portfolios::PortfolioDetails;
pub(crate) use self::portfolios::{counted, ramp};
use super::{FaithfulEnvironment, FeatureChoice, ReplayPolicy};
use crate::config::FeatureSet;
use crate::error::EngineError;
use crate::features;
use crate::market::parse::reference::ReferenceTable;
use crate::metrics::faithful::{FaithfulMetrics, metrics};

/// Rewards that are shown one by one.
const FIRST_REWARDS: usize = 3;

/// What may vary between replays. What is absent is as the reference has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReplayOptions {
    /// Columns of the observation; all must be there. Absent: the environment's own where all are there, else none.
    pub features: Option<Vec<String>>,
    /// Amount or cash at the start.
    pub initial_amount: Option<f64>,
    /// Cost rate c.
    pub cost_rate: Option<f64>,
    /// Rows looked back on: B, L, T or the stack.
    pub window: Option<usize>,
    /// Rows the reward looks ahead, F.
    pub forward: Option<usize>,
    /// Most units per order, V.
    pub max_volume: Option<u32>,
    /// The earlier release's asset curve, which no fee reaches.
    pub earlier_release: bool,
    /// First row of a training episode.
    pub start: Option<usize>,
    /// Rows of a training episode.
    pub episode_length: Option<usize>,
}

impl ReplayOptions {
    /// Returns the options of the earlier release: same trades, asset curve without fees.
    #[must_use]
    pub fn earlier_release() -> Self {
        Self { earlier_release: true, ..Self::default() }
    }

    fn choice(&self, default: &[&str]) -> FeatureChoice {
        self.features.clone().map_or_else(
            || FeatureChoice::WhereComplete(default.iter().map(|s| (*s).to_owned()).collect()),
            FeatureChoice::Named,
        )
    }

    /// Returns the options that are given.
    fn given(&self) -> Vec<ReplayOption> {
        let all = [
            (self.features.is_some(), ReplayOption::Features),
            (self.initial_amount.is_some(), ReplayOption::InitialAmount),
            (self.cost_rate.is_some(), ReplayOption::CostRate),
            (self.window.is_some(), ReplayOption::Window),
            (self.forward.is_some(), ReplayOption::Forward),
            (self.max_volume.is_some(), ReplayOption::MaxVolume),
            (self.earlier_release, ReplayOption::EarlierRelease),
            (self.start.is_some(), ReplayOption::Start),
            (self.episode_length.is_some(), ReplayOption::EpisodeLength),
        ];
        all.into_iter().filter(|(given, _)| *given).map(|(_, option)| option).collect()
    }
}

/// The reference's figures of one replay. Numbers its formulas leave undefined are NaN, `null` in JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplayOutput {
    /// The environment.
    pub environment: ReplayEnvironment,
    /// Calls of `step`, the terminal one included.
    pub calls: usize,
    /// Sum of all rewards, the terminal one included.
    pub reward_sum: f64,
    /// Value at the end. PD: money; ETEO: cash left; high-frequency trading: final balance.
    pub final_assets: f64,
    /// The reference's metrics of the asset curve.
    #[serde(flatten)]
    pub metrics: FaithfulMetrics,
    /// Rewards of the first three calls.
    pub first_rewards: Vec<f64>,
    /// Shape of the observation, slowest index first.
    pub observation_shape: Vec<usize>,
    /// What only this environment has.
    #[serde(flatten)]
    pub details: ReplayDetails,
    /// The asset curve, initial value first.
    pub assets: Vec<f64>,
    /// The recorded returns, 0 first; in currency in algorithmic and high-frequency trading.
    pub returns: Vec<f64>,
}

/// What only one environment has.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ReplayDetails {
    /// Algorithmic trading.
    AlgorithmicTrading(AlgorithmicDetails),
    /// The five portfolio environments.
    Portfolio(PortfolioDetails),
    /// ETEO.
    Eteo(EteoDetails),
    /// PD.
    Pd(PdDetails),
    /// High-frequency trading.
    HighFrequency(HftDetails),
}

/// Replays a fixed policy on a table in the reference's layout. Only the columns that the environment trades with are
/// required; the observation's are used where they are there, for fixed policies do not look at them.
///
/// # Errors
/// Refuses missing columns, too few rows, and policies and options that the environment does not have.
pub fn replay(
    environment: ReplayEnvironment,
    table: &ReferenceTable,
    policy: &ReplayPolicy,
    options: &ReplayOptions,
) -> Result<ReplayOutput, EngineError> {
    let foreign: Vec<&str> = options
        .given()
        .into_iter()
        .filter(|option| !environment.options().contains(option))
        .map(ReplayOption::as_str)
        .collect();
    if !foreign.is_empty() {
        let own: Vec<&str> =
            environment.options().iter().copied().map(ReplayOption::as_str).collect();
        return Err(refused(format!(
            "{environment} has no option {}; it has {}",
            foreign.join(", "),
            if own.is_empty() { "none".to_owned() } else { own.join(", ") }
        )));
    }
    match environment {
        ReplayEnvironment::AlgorithmicTrading => algorithmic::run(table, policy, options),
        ReplayEnvironment::Portfolio => portfolios::base(table, policy, options),
        ReplayEnvironment::PortfolioSarl => portfolios::sarl(table, policy, options),
        ReplayEnvironment::PortfolioEiie => portfolios::eiie(table, policy, options),
        ReplayEnvironment::PortfolioDeepTrader => portfolios::deep_trader(table, policy, options),
        ReplayEnvironment::PortfolioImitator => portfolios::imitator(table, policy, options),
        ReplayEnvironment::ExecutionEteo => execution::eteo(table, policy, options),
        ReplayEnvironment::ExecutionPd => execution::pd(table, policy, options),
        ReplayEnvironment::Hft => high_frequency::run(table, policy, options),
    }
}

/// What one episode brought.
struct Episode {
    calls: usize,
    reward_sum: f64,
    first_rewards: Vec<f64>,
}

/// Plays the episode that has been begun to its end.
fn play<E: FaithfulEnvironment>(
    environment: &mut E,
    mut decide: impl FnMut(&E, usize) -> Vec<f64>,
) -> Result<Episode, EngineError> {
    let mut episode = Episode { calls: 0, reward_sum: 0.0, first_rewards: Vec::new() };
    loop {
        let action = decide(environment, episode.calls);
        let step = environment.step(&action)?;
        episode.calls += 1;
        episode.reward_sum += step.reward;
        if episode.first_rewards.len() < FIRST_REWARDS {
            episode.first_rewards.push(step.reward);
        }
        if step.done {
            return Ok(episode);
        }
    }
}

/// Puts the figures together.
fn output<E: FaithfulEnvironment>(
    environment: (ReplayEnvironment, &E),
    episode: Episode,
    final_assets: f64,
    details: ReplayDetails,
) -> ReplayOutput {
    let (name, environment) = environment;
    let (assets, returns) = (environment.assets(), environment.returns());
    ReplayOutput {
        environment: name,
        calls: episode.calls,
        reward_sum: episode.reward_sum,
        final_assets,
        metrics: metrics(&assets, &returns, name.periods_per_year()),
        first_rewards: episode.first_rewards,
        observation_shape: environment.observation_shape(),
        details,
        assets,
        returns,
    }
}

/// Returns the policy as actions by the number of the call, for environments with actions 0 … `count` − 1; `foreign` says
/// what is taken instead of a policy that is not.
pub(crate) fn discrete(
    environment: ReplayEnvironment,
    policy: &ReplayPolicy,
    count: usize,
    rules: (usize, usize),
    foreign: fn(ReplayEnvironment) -> EngineError,
) -> Result<Vec<usize>, EngineError> {
    let (nothing, blind_bid) = rules;
    let index = |value: f64| {
        (0..count).find(|index| (*index as f64).total_cmp(&value).is_eq()).ok_or_else(|| {
            refused(format!(
                "the policy takes action {value}, {environment} has the whole numbers 0 to {}",
                count - 1
            ))
        })
    };
    match policy {
        ReplayPolicy::Constant(action) => Ok(vec![index(*action)?]),
        ReplayPolicy::Cycle(actions) => actions.iter().map(|action| index(*action)).collect(),
        ReplayPolicy::Modulo(modulus) => {
            (0..*modulus).take(count + 1).map(|action| index(action as f64)).collect()
        }
        ReplayPolicy::Nothing => Ok(vec![nothing]),
        ReplayPolicy::BlindBid => Ok(vec![blind_bid]),
        ReplayPolicy::Logits(_)
        | ReplayPolicy::Weights(_)
        | ReplayPolicy::Order { .. }
        | ReplayPolicy::Uniform
        | ReplayPolicy::AverageHolding
        | ReplayPolicy::Twap
        | ReplayPolicy::AtOnce
        | ReplayPolicy::Oracle => Err(foreign(environment)),
    }
}

/// Returns the refusal of a policy that an environment does not take.
fn foreign(environment: ReplayEnvironment) -> EngineError {
    refused(format!(
        "{environment} does not take this policy; it takes {}",
        environment.policies().join(", ")
    ))
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "replay", detail }
}

/// Returns the classic 16 features, or without the five prices.
fn classic(set: FeatureSet) -> Vec<String> {
    features::names(set)
}
