//! Corrected replays of portfolios: what each policy's weights are. Weights have cash first; the reference's
//! environments without cash give theirs without it.

use super::course::{Chosen, Payouts, play};
use super::data::Prepared;
use super::outcome::{CorrectedDetails, CorrectedReplay, WeightDetails, outcome};
use super::{CorrectedPolicy, ReplayEnvironment, foreign, refused};
use crate::config::{EnvironmentConfig, FillRule};
use crate::environment::action::softmax;
use crate::environment::faithful::{ReplayPolicy, Spread, counted, ramp};
use crate::environment::{Environment, PanelData, TaskData, build};
use crate::error::EngineError;
use crate::market::MarketSeries;
use crate::policies::rules::{HoldEqual, PortfolioView};
use crate::policies::{Past, VectorPolicy, VectorSeat, VectorView, Weighted, build_vector};
use crate::session::backtest::portfolio::{History, growth, shares};

/// Whether an environment's weights begin with cash.
fn has_cash(name: ReplayEnvironment) -> bool {
    !matches!(name, ReplayEnvironment::PortfolioDeepTrader | ReplayEnvironment::PortfolioImitator)
}

/// What a policy does.
enum Plan {
    /// The same weights in every step, cash first.
    Same(Vec<f64>),
    /// Decided from the past.
    Decided(Box<dyn VectorPolicy>),
}

/// Replays a portfolio.
pub(super) fn run(
    name: ReplayEnvironment,
    prepared: &Prepared<'_>,
    policy: &CorrectedPolicy,
    seed: u32,
) -> Result<CorrectedReplay, EngineError> {
    let (
        TaskData::Panel(segment),
        EnvironmentConfig::Portfolio(config),
        MarketSeries::Panel(panel),
    ) = (&prepared.data, &prepared.strategy.environment, prepared.whole.as_ref())
    else {
        return Err(refused("a panel of several instruments is wanted".to_owned()));
    };
    let mut environment = build(&prepared.strategy, prepared.data.clone())?;
    let history = History::of(panel, segment, config)?;
    let periods_before = history.offset + config.window_bars as usize - 1;
    let assets = segment.assets();
    let mut plan = match policy {
        CorrectedPolicy::Fixed(fixed) => fixed_plan(name, fixed, segment)?,
        CorrectedPolicy::Rule(rule) => {
            let seat = VectorSeat::Portfolio { assets, periods_before, seed };
            Plan::Decided(build_vector(&rule.agent(name)?, &seat, None)?)
        }
    };
    let per_unit = |row: usize| segment.dividend(row).map(<[f64]>::to_vec);
    let before_fills = prepared.strategy.matching.fill == FillRule::NextOpen;
    let payouts = Payouts { per_unit: &per_unit, before_fills };
    let mut seat = Standing { held: vec![0.0; assets + 1], equity: None };
    let course = play(environment.as_mut(), &payouts, &mut |environment, _| match &mut plan {
        Plan::Same(weights) => Ok(Chosen::Numbers(weights.clone())),
        Plan::Decided(policy) => seat.decide(environment, &history, policy.as_mut()),
    })?;
    let mut final_weights = vec![0.0; assets + 1];
    shares(environment.as_ref(), &mut final_weights);
    let details = CorrectedDetails::Portfolio(WeightDetails {
        tickers: segment.instruments().to_vec(),
        features: prepared.features.clone(),
        final_weights,
    });
    outcome(name, prepared, environment.as_ref(), course, details)
}

/// What a rule is told beside the past.
struct Standing {
    held: Vec<f64>,
    equity: Option<f64>,
}

impl Standing {
    fn decide(
        &mut self,
        environment: &dyn Environment,
        history: &History,
        policy: &mut dyn VectorPolicy,
    ) -> Result<Chosen, EngineError> {
        shares(environment, &mut self.held);
        let account = environment.snapshot();
        let growth_net = self.equity.and_then(|before| growth(before, account.equity));
        self.equity = Some(account.equity);
        let seen = history.seen(account.bar_index);
        let past = PortfolioView { seen, holdings: &self.held, growth_net };
        let mut target = vec![0.0; self.held.len()];
        let mut observation =
            vec![
                0.0_f32;
                if policy.reads_observation() { environment.observation_len() } else { 0 }
            ];
        if policy.reads_observation() {
            environment.observe(&mut observation);
        }
        let view = VectorView { observation: &observation, past: Past::Portfolio(past) };
        policy.decide(&view, &mut target)?;
        Ok(Chosen::Numbers(target))
    }
}

/// Returns what a fixed policy means for the instruments.
fn fixed_plan(
    name: ReplayEnvironment,
    policy: &ReplayPolicy,
    panel: &PanelData,
) -> Result<Plan, EngineError> {
    let (assets, cash) = (panel.assets(), has_cash(name));
    let len = assets + usize::from(cash);
    let check = |numbers: &[f64]| counted(name, panel.instruments(), cash, numbers);
    let by_softmax = |logits: &[f64]| {
        let mut weights = vec![0.0; logits.len()];
        softmax(logits, &mut weights);
        weights
    };
    let weights = match policy {
        ReplayPolicy::Logits(Spread::Same(logit)) => by_softmax(&vec![*logit; len]),
        ReplayPolicy::Logits(Spread::Ramp) => by_softmax(&ramp(len)),
        ReplayPolicy::Logits(Spread::Each(logits)) => by_softmax(&check(logits)?),
        ReplayPolicy::Weights(weights) => positive(name, check(weights)?)?,
        ReplayPolicy::Uniform => vec![1.0 / len as f64; len],
        ReplayPolicy::AverageHolding => {
            return Ok(Plan::Decided(Box::new(Weighted::new(Box::new(HoldEqual)))));
        }
        // Weights of nothing mean cash alone.
        ReplayPolicy::Nothing => vec![0.0; len],
        ReplayPolicy::Constant(_)
        | ReplayPolicy::Cycle(_)
        | ReplayPolicy::Modulo(_)
        | ReplayPolicy::Order { .. }
        | ReplayPolicy::BlindBid
        | ReplayPolicy::Twap
        | ReplayPolicy::AtOnce
        | ReplayPolicy::Oracle => return Err(foreign(name)),
    };
    let mut all = if cash { Vec::new() } else { vec![0.0] };
    all.extend(weights);
    Ok(Plan::Same(all))
}

/// Refuses shorts: a corrected portfolio has none.
fn positive(name: ReplayEnvironment, weights: Vec<f64>) -> Result<Vec<f64>, EngineError> {
    match weights.iter().find(|weight| **weight < 0.0) {
        None => Ok(weights),
        Some(weight) => Err(refused(format!(
            "the corrected {name} holds nothing short, found the weight {weight}; use weights of 0 or more, or --mode \
             faithful"
        ))),
    }
}
