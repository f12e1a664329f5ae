//! Replays of the five portfolio environments: what each policy's weights are.

use std::sync::Arc;

use serde::Serialize;

use super::super::interface::softmax;
use super::super::{
    DeepTrader, Eiie, FaithfulEnvironment, ImitatorSetup, Indifferent, InvestorImitator, Panel,
    Portfolio, PortfolioSetup, ReplayPolicy, Sarl, SarlSetup, Spread, Undecided, WeightAction,
    WindowSetup,
};
use super::{
    ReplayDetails, ReplayEnvironment, ReplayOptions, ReplayOutput, classic, foreign, output, play,
    refused,
};
use crate::config::FeatureSet;
use crate::error::EngineError;
use crate::market::parse::reference::ReferenceTable;

/// What only portfolio environments have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PortfolioDetails {
    /// The tickers, in the order of the weights.
    pub tickers: Vec<String>,
    /// Columns of the observation.
    pub features: Vec<String>,
    /// Weights after the last prices moved them; cash first where there is cash.
    pub final_weights: Vec<f64>,
}

/// What a policy does in every call.
enum Plan {
    Logits(Vec<f64>),
    Weights(Vec<f64>),
    /// These at first, afterwards what they drifted to.
    Hold(Vec<f64>),
}

impl Plan {
    fn kind(&self) -> WeightAction {
        match self {
            Self::Logits(_) => WeightAction::Logits,
            Self::Weights(_) | Self::Hold(_) => WeightAction::Weights,
        }
    }

    /// Returns the action as weights, for environments that take no logits. The softmax is the one of the agents'
    /// networks, which subtracts the largest logit.
    fn into_weights(self) -> Self {
        match self {
            Self::Logits(logits) => {
                let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let shifted: Vec<f64> = logits.iter().map(|logit| logit - largest).collect();
                Self::Weights(softmax(&shifted))
            }
            Self::Weights(_) | Self::Hold(_) => self,
        }
    }

    fn action(&self, environment: &impl FaithfulEnvironment, call: usize) -> Vec<f64> {
        match self {
            Self::Logits(numbers) | Self::Weights(numbers) => numbers.clone(),
            Self::Hold(first) if call == 0 => first.clone(),
            Self::Hold(_) => environment.info().remove("weights_brandnew").unwrap_or_default(),
        }
    }
}

/// Returns what a policy means for `panel`, whose weights begin with cash where there is cash.
fn plan(
    environment: ReplayEnvironment,
    policy: &ReplayPolicy,
    panel: &Panel,
    cash: bool,
) -> Result<Plan, EngineError> {
    let tickers = panel.tickers().len();
    let len = tickers + usize::from(cash);
    let check = |numbers: &[f64]| counted(environment, panel.tickers(), cash, numbers);
    match policy {
        ReplayPolicy::Logits(Spread::Same(logit)) => Ok(Plan::Logits(vec![*logit; len])),
        ReplayPolicy::Logits(Spread::Ramp) => Ok(Plan::Logits(ramp(len))),
        ReplayPolicy::Logits(Spread::Each(logits)) => Ok(Plan::Logits(check(logits)?)),
        ReplayPolicy::Weights(weights) => Ok(Plan::Weights(check(weights)?)),
        ReplayPolicy::Uniform => Ok(Plan::Weights(vec![1.0 / len as f64; len])),
        ReplayPolicy::AverageHolding => {
            let mut weights = vec![1.0 / tickers as f64; len];
            if cash {
                weights[0] = 0.0;
            }
            Ok(Plan::Hold(weights))
        }
        ReplayPolicy::Nothing if environment != ReplayEnvironment::PortfolioDeepTrader => {
            let mut weights = vec![0.0; len];
            if cash {
                weights[0] = 1.0;
            }
            Ok(Plan::Weights(weights))
        }
        ReplayPolicy::Nothing
        | ReplayPolicy::Constant(_)
        | ReplayPolicy::Cycle(_)
        | ReplayPolicy::Modulo(_)
        | ReplayPolicy::Order { .. }
        | ReplayPolicy::BlindBid
        | ReplayPolicy::Twap
        | ReplayPolicy::AtOnce
        | ReplayPolicy::Oracle => Err(foreign(environment)),
    }
}

/// Passes as many numbers as there are weights: one per ticker, and one before them where there is cash.
pub(crate) fn counted(
    environment: ReplayEnvironment,
    tickers: &[String],
    cash: bool,
    numbers: &[f64],
) -> Result<Vec<f64>, EngineError> {
    let len = tickers.len() + usize::from(cash);
    if numbers.len() == len {
        return Ok(numbers.to_vec());
    }
    Err(refused(format!(
        "{environment} needs {len} numbers here ({}{} tickers: {}, …), found {}",
        if cash { "cash first, then " } else { "no cash, " },
        tickers.len(),
        tickers.iter().take(3).cloned().collect::<Vec<_>>().join(", "),
        numbers.len()
    )))
}

/// Returns `len` numbers from −1 to 1 in equal steps.
pub(crate) fn ramp(len: usize) -> Vec<f64> {
    let step = 2.0 / (len.max(2) - 1) as f64;
    let mut numbers: Vec<f64> = (0..len).map(|index| index as f64 * step - 1.0).collect();
    if let (true, Some(last)) = (len > 1, numbers.last_mut()) {
        *last = 1.0;
    }
    numbers
}

fn panel(
    table: &ReferenceTable,
    options: &ReplayOptions,
    set: FeatureSet,
) -> Result<Arc<Panel>, EngineError> {
    let default = classic(set);
    let wanted: Vec<&str> = default.iter().map(String::as_str).collect();
    Panel::from_table(table, &options.choice(&wanted)).map(Arc::new)
}

fn finish<E: FaithfulEnvironment>(
    name: ReplayEnvironment,
    environment: &mut E,
    panel: &Panel,
    decide: impl FnMut(&E, usize) -> Vec<f64>,
) -> Result<ReplayOutput, EngineError> {
    let episode = play(environment, decide)?;
    let details = ReplayDetails::Portfolio(PortfolioDetails {
        tickers: panel.tickers().to_vec(),
        features: panel.names().to_vec(),
        final_weights: environment.info().remove("weights_brandnew").unwrap_or_default(),
    });
    let final_assets = environment.assets().last().copied().unwrap_or(f64::NAN);
    Ok(output((name, &*environment), episode, final_assets, details))
}

pub(super) fn base(
    table: &ReferenceTable,
    policy: &ReplayPolicy,
    options: &ReplayOptions,
) -> Result<ReplayOutput, EngineError> {
    let name = ReplayEnvironment::Portfolio;
    let panel = panel(table, options, FeatureSet::Classic11)?;
    let plan = plan(name, policy, &panel, true)?;
    let default = PortfolioSetup::default();
    let setup = PortfolioSetup {
        initial_amount: options.initial_amount.unwrap_or(default.initial_amount),
        cost_rate: options.cost_rate.unwrap_or(default.cost_rate),
        action: plan.kind(),
    };
    let mut environment = Portfolio::new(Arc::clone(&panel), setup)?;
    finish(name, &mut environment, &panel, |environment, call| plan.action(environment, call))
}

pub(super) fn sarl(
    table: &ReferenceTable,
    policy: &ReplayPolicy,
    options: &ReplayOptions,
) -> Result<ReplayOutput, EngineError> {
    let name = ReplayEnvironment::PortfolioSarl;
    let panel = panel(table, options, FeatureSet::Classic16)?;
    let plan = plan(name, policy, &panel, true)?;
    let default = SarlSetup::default();
    let setup = SarlSetup {
        initial_amount: options.initial_amount.unwrap_or(default.initial_amount),
        cost_rate: options.cost_rate.unwrap_or(default.cost_rate),
        length_day: options.window.unwrap_or(default.length_day),
        action: plan.kind(),
    };
    // Fixed policies do not look at predictions, so any predictor gives the same figures.
    let mut environment = Sarl::new(Arc::clone(&panel), setup, Arc::new(Undecided))?;
    finish(name, &mut environment, &panel, |environment, call| plan.action(environment, call))
}

fn window_setup(options: &ReplayOptions) -> WindowSetup {
    let default = WindowSetup::default();
    WindowSetup {
        initial_amount: options.initial_amount.unwrap_or(default.initial_amount),
        cost_rate: options.cost_rate.unwrap_or(default.cost_rate),
        time_steps: options.window.unwrap_or(default.time_steps),
    }
}

pub(super) fn eiie(
    table: &ReferenceTable,
    policy: &ReplayPolicy,
    options: &ReplayOptions,
) -> Result<ReplayOutput, EngineError> {
    let name = ReplayEnvironment::PortfolioEiie;
    let panel = panel(table, options, FeatureSet::Classic11)?;
    let plan = plan(name, policy, &panel, true)?.into_weights();
    let mut environment = Eiie::new(Arc::clone(&panel), window_setup(options))?;
    finish(name, &mut environment, &panel, |environment, call| plan.action(environment, call))
}

pub(super) fn deep_trader(
    table: &ReferenceTable,
    policy: &ReplayPolicy,
    options: &ReplayOptions,
) -> Result<ReplayOutput, EngineError> {
    let name = ReplayEnvironment::PortfolioDeepTrader;
    let panel = panel(table, options, FeatureSet::Classic11)?;
    let plan = plan(name, policy, &panel, false)?.into_weights();
    let mut environment = DeepTrader::new(Arc::clone(&panel), window_setup(options))?;
    finish(name, &mut environment, &panel, |environment, call| plan.action(environment, call))
}

pub(super) fn imitator(
    table: &ReferenceTable,
    policy: &ReplayPolicy,
    options: &ReplayOptions,
) -> Result<ReplayOutput, EngineError> {
    let name = ReplayEnvironment::PortfolioImitator;
    let panel = panel(table, options, FeatureSet::Classic16)?;
    let plan = plan(name, policy, &panel, false)?.into_weights();
    let default = ImitatorSetup::default();
    let setup = ImitatorSetup {
        initial_amount: options.initial_amount.unwrap_or(default.initial_amount),
        cost_rate: options.cost_rate.unwrap_or(default.cost_rate),
    };
    let mut environment = InvestorImitator::new(Arc::clone(&panel), setup, Arc::new(Indifferent))?;
    finish(name, &mut environment, &panel, |environment, call| plan.action(environment, call))
}
