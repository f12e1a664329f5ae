//! Back-tests of portfolios: target weights at every bar, decided from the past alone.

use std::sync::Arc;

use super::assemble::{Axis, Named, Played};
use super::course::{Clock, Course, Traded, check_equity, ranked};
use super::hindsight::best_constant;
use super::replay::ReplayWeights;
use super::{BacktestInput, RANDOM_DRAWS, Scope, fills_at_close};
use crate::config::PortfolioConfig;
use crate::environment::{Action, ActionSpace, Environment, PanelData, build};
use crate::error::EngineError;
use crate::features::FeatureFrame;
use crate::market::BarPanel;
use crate::policies::relatives::Seen;
use crate::policies::rules::{
    EqualTurnover, HoldEqual, PortfolioView, StayInCash, Uniform, turnover,
};
use crate::policies::{Past, VectorPolicy, VectorSeat, VectorView, Weighted, build_vector};

/// Runs counted beside the draws: agent, three rules, the median draw once more, and hindsight.
const RUNS: u64 = RANDOM_DRAWS as u64 + 6;
/// A target share of cash above this is meant.
const CASH_MEANT: f64 = 1e-6;
/// What a random portfolio must move less than the agent, so that rounding of weights does not shut out the portfolios
/// that move just as much.
const TURNOVER_ROUNDING: f64 = 1e-9;
/// Value of the index at its first bar.
const INDEX_START: f64 = 100.0;

/// Runs a portfolio over one segment.
pub(super) fn run(
    input: &BacktestInput<'_>,
    (config, scope): (&PortfolioConfig, Scope<'_>),
    (panel, segment): (&BarPanel, &Arc<PanelData>),
    clock: &mut Clock<'_, '_>,
) -> Result<Played, EngineError> {
    let environment = build(input.strategy, Arc::clone(segment))?;
    let history = History::of(panel, segment, config)?;
    let first = history.offset + config.window_bars as usize - 1;
    let seat = VectorSeat::Portfolio {
        assets: segment.assets(),
        periods_before: first,
        seed: input.session.seed,
    };
    let policy = match scope {
        Scope::Everyone | Scope::Agent => {
            build_vector(&input.strategy.agent, &seat, input.model_bytes())?
        }
        Scope::Replay(decisions) => {
            Box::new(Weighted::new(Box::new(ReplayWeights::new(decisions))))
        }
    };
    clock.expect(RUNS, environment.steps_per_episode());
    let (space, at_close) = (environment.action_space(), fills_at_close(input));
    let mut runner = Runner { environment, space, history, at_close, clock };
    let agent = runner.run(policy)?;
    if scope != Scope::Everyone {
        let axis = axis(&runner.history, segment, agent.rows.clone());
        return Ok(Played::alone(axis, agent));
    }
    let uniform = runner.run(Box::new(Weighted::new(Box::new(Uniform))))?;
    let buy_and_hold = runner.run(Box::new(Weighted::new(Box::new(HoldEqual))))?;
    let do_nothing = runner.run(Box::new(Weighted::new(Box::new(StayInCash))))?;
    let mut moved = vec![0.0; first];
    moved.extend(agent.turnover.iter().map(|share| share * (1.0 - TURNOVER_ROUNDING)));
    let draw = |number| -> Box<dyn VectorPolicy> {
        let seed = u64::from(input.session.seed);
        let policy = EqualTurnover::new(moved.clone(), agent.wants_cash, seed, number);
        Box::new(Weighted::new(Box::new(policy)))
    };
    let (median, below) = ranked(RANDOM_DRAWS, &agent, |number| runner.run(draw(number)))?;
    let random = runner.run(draw(median))?;
    let best = best_constant(segment.instruments(), runner.history.periods(first, segment.rows()));
    let hindsight = match best {
        Some(constant) => Some(runner.run(Box::new(Weighted::new(Box::new(constant))))?),
        None => None,
    };
    runner.clock.end()?;
    let axis = axis(&runner.history, segment, do_nothing.rows.clone());
    let traded = !agent.fills.is_empty();
    let mut baselines = vec![
        Named::bare("uniform", uniform),
        Named::shown("buy_and_hold", buy_and_hold),
        Named::shown("do_nothing", do_nothing),
        Named::bare("random", random),
    ];
    let mut remarks = Vec::new();
    match hindsight {
        Some(run) => baselines.push(Named::bare("hindsight_bcrp", run)),
        None => remarks.push(
            "The best constant weights in hindsight are left out: there are too many instruments or bars, or none were \
             found."
                .to_owned(),
        ),
    }
    let random_percentile = traded.then_some(below);
    Ok(Played { axis, agent, baselines, random_percentile, remarks })
}

/// Prices of the whole panel, as far back as it goes, on the terms of the segment.
pub(in crate::session) struct History {
    /// Prices and dividends of all rows.
    whole: PanelData,
    /// `[(rows − 1) · N]` what one unit of money in each instrument became in each period: prices and dividends. An
    /// instrument that has no price yet stands still.
    relatives: Vec<f64>,
    /// Row of the panel at which the segment begins.
    pub(in crate::session) offset: usize,
}

impl History {
    /// Takes the whole panel and a segment of it.
    ///
    /// # Errors
    /// Refuses what [`PanelData::new`] refuses.
    pub(in crate::session) fn of(
        panel: &BarPanel,
        segment: &PanelData,
        config: &PortfolioConfig,
    ) -> Result<Self, EngineError> {
        let frames: Vec<FeatureFrame> = (0..panel.width())
            .map(|column| FeatureFrame {
                names: Vec::new(),
                width: 0,
                rows: (0..panel.rows())
                    .filter(|row| panel.present[row * panel.width() + column])
                    .count(),
                warmup_rows: 0,
                values: Vec::new(),
            })
            .collect();
        let whole = PanelData::new(panel, &frames, 0..panel.rows(), config.dividends)?;
        let mut relatives = Vec::with_capacity(panel.rows().saturating_sub(1) * panel.width());
        for row in 1..whole.rows() {
            let (before, now) = (whole.close(row - 1), whole.close(row));
            let paid = whole.dividend(row);
            for column in 0..whole.assets() {
                let worth = now[column] + paid.map_or(0.0, |paid| paid[column]);
                let known = 0.0 < before[column];
                relatives.push(if known { worth / before[column] } else { 1.0 });
            }
        }
        let begins = segment.time_ms().first().copied();
        let offset = panel.time_ms.iter().position(|time| Some(*time) == begins);
        let offset = offset.ok_or_else(|| EngineError::Invariant {
            what: "back-test",
            detail: "the segment's first bar is none of the panel's".to_owned(),
        })?;
        Ok(Self { whole, relatives, offset })
    }

    /// Returns the relatives of every period that is over at a row of the segment.
    pub(in crate::session) fn seen(&self, row: usize) -> Seen<'_> {
        let width = self.whole.assets();
        Seen::new(width, &self.relatives[..(self.offset + row) * width])
    }

    /// Returns the relatives from period `first` of the panel to the end of a segment of `rows` rows.
    fn periods(&self, first: usize, rows: usize) -> &[f64] {
        let width = self.whole.assets();
        &self.relatives[first * width..(self.offset + rows - 1) * width]
    }

    /// Returns what the mean instrument with a price became in the period that ends at a row of the segment.
    fn mean_relative(&self, row: usize) -> f64 {
        let (width, at) = (self.whole.assets(), self.offset + row);
        let before = self.whole.close(at - 1);
        let period = &self.relatives[(at - 1) * width..at * width];
        let (mut sum, mut count) = (0.0, 0.0);
        for (relative, price) in period.iter().zip(before) {
            if 0.0 < *price {
                sum += relative;
                count += 1.0;
            }
        }
        if 0.0 < count { sum / count } else { 1.0 }
    }
}

fn axis(history: &History, segment: &PanelData, rows: Vec<usize>) -> Axis {
    let mut index = INDEX_START;
    let mut prices = vec![index];
    for row in rows.iter().skip(1) {
        index *= history.mean_relative(*row);
        prices.push(index);
    }
    Axis {
        times_ms: rows.iter().map(|row| segment.time_ms()[*row]).collect(),
        prices,
        rows,
        price_name: "equal_weight_index",
        instruments: segment.instruments().to_vec(),
        periods_per_year: segment.periods_per_year(),
    }
}

struct Runner<'r, 'a, 'b> {
    environment: Box<dyn Environment>,
    space: ActionSpace,
    history: History,
    at_close: bool,
    clock: &'r mut Clock<'a, 'b>,
}

impl Runner<'_, '_, '_> {
    /// Runs one policy over one episode.
    fn run(&mut self, mut policy: Box<dyn VectorPolicy>) -> Result<Course, EngineError> {
        self.environment.reset();
        let (begun, width) = (self.clock.begun(), self.space.dimensions());
        let reads = policy.reads_observation();
        let mut observation =
            vec![0.0_f32; if reads { self.environment.observation_len() } else { 0 }];
        let (mut held, mut target) = (vec![0.0; width], vec![0.0; width]);
        let mut growth_net = None;
        shares(self.environment.as_ref(), &mut held);
        let account = self.environment.snapshot();
        let mut course = Course::begin(account.bar_index, account.equity, 1.0 - held[0]);
        course.weights.extend_from_slice(&held);
        loop {
            let before = self.environment.snapshot();
            if reads {
                self.environment.observe(&mut observation);
            }
            let past = PortfolioView {
                seen: self.history.seen(before.bar_index),
                holdings: &held,
                growth_net,
            };
            let view = VectorView { observation: &observation, past: Past::Portfolio(past) };
            policy.decide(&view, &mut target)?;
            self.space.check(Action::Vector(&target))?;
            course.decisions.targets.extend_from_slice(&target);
            course.turnover.push(turnover(&target, &held));
            course.wants_cash |= CASH_MEANT < target[0];
            let result = self.environment.step(Action::Vector(&target));
            shares(self.environment.as_ref(), &mut held);
            self.note(&mut course, &held)?;
            growth_net = growth(before.equity, self.environment.equity());
            self.clock.tick()?;
            if result.ended() {
                course.ruined = result.terminated;
                break;
            }
        }
        course.remarks = self.environment.remarks();
        self.clock.whole(begun, self.environment.steps_per_episode());
        Ok(course)
    }

    /// Notes the account after a step.
    fn note(&self, course: &mut Course, held: &[f64]) -> Result<(), EngineError> {
        let account = self.environment.snapshot();
        check_equity(account.equity, account.bar_index)?;
        let before = course.rows.len() - 1;
        course.note(account.bar_index, account.equity, 1.0 - held[0]);
        course.weights.extend_from_slice(held);
        let index = if self.at_close { before } else { course.rows.len() - 1 };
        let holdings = self.environment.holdings();
        for (instrument, fill) in self.environment.last_fills() {
            let position = holdings.get(instrument).map_or(0.0, |holding| holding.quantity);
            course.fills.push(Traded { index, instrument, fill, position });
        }
        course.costs = account.costs;
        (course.refusal_count, course.cut_count) = (account.refusal_count, account.cut_count);
        Ok(())
    }
}

/// Writes the share of the account in cash and in each instrument: 0 or more, adding up to 1.
pub(in crate::session) fn shares(environment: &dyn Environment, held: &mut [f64]) {
    let account = environment.snapshot();
    held[0] = account.cash.max(0.0);
    for (slot, holding) in held[1..].iter_mut().zip(environment.holdings()) {
        *slot = holding.value.max(0.0);
    }
    let sum: f64 = held.iter().sum();
    if 0.0 < sum && sum.is_finite() {
        held.iter_mut().for_each(|share| *share /= sum);
    } else {
        held.fill(0.0);
        held[0] = 1.0;
    }
}

/// Returns what the account grew by; absent where that is no growth.
pub(in crate::session) fn growth(before: f64, now: f64) -> Option<f64> {
    Some(now / before).filter(|growth| growth.is_finite() && 0.0 < *growth)
}
