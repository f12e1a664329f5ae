//! A fixed policy over past data, beside its baselines, as one report.
//!
//! Deterministic: equal inputs give equal bytes. Reports progress and can be stopped between two steps.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::step::Decider;
use crate::config::{BacktestConfig, FillRule, Segment, SessionConfig, StrategyConfig, Truth};
use crate::environment::{Action, Environment, MarketData, TaskData, build, prepare_segment};
use crate::error::EngineError;
use crate::evaluation::report::{BacktestReport, PolicyResult, Trade};
use crate::evaluation::thin;
use crate::market::MarketSeries;
use crate::metrics::max_drawdown::drawdown;
use crate::metrics::returns::total_return;
use crate::metrics::{Run, summary};
use crate::orders::Fill;
use crate::policies::network::Mlp;
use crate::policies::{self, BuyAndHold, DoNothing, EqualTurnover, Policy, Seat};

/// Layout of the report.
const FORMAT: u32 = 1;
/// Random runs of equal turnover.
pub const RANDOM_DRAWS: u32 = 100;
/// Runs whose steps are counted: agent, two rules, the draws, and the median draw once more.
const RUNS: u64 = RANDOM_DRAWS as u64 + 4;
/// Steps between two reports of progress.
const PROGRESS_STEPS: u64 = 256;
/// Fewer bars than this make annualised figures doubtful.
const BARS_FEW: usize = 100;

/// Everything a back-test depends on.
#[derive(Debug, Clone, Copy)]
pub struct BacktestInput<'a> {
    /// The strategy's version.
    pub strategy: &'a StrategyConfig,
    /// What to run.
    pub session: &'a BacktestConfig,
    /// The whole data, of the kind that the strategy's task runs on; it is cut here.
    pub data: &'a MarketSeries,
    /// Where the data comes from.
    pub source: Source<'a>,
    /// A trained model, where the policy is one.
    pub model: Option<Model<'a>>,
    /// Version of the program, for the report.
    pub build: &'a str,
}

/// Where bars come from, for the report.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Name of the data set.
    pub name: &'a str,
    /// SHA-256 of the snapshot.
    pub sha256: &'a str,
    /// Made by the synthetic market.
    pub synthetic: bool,
}

/// A trained model.
#[derive(Debug, Clone, Copy)]
pub struct Model<'a> {
    /// The model file.
    pub bytes: &'a [u8],
    /// Its SHA-256, for the report.
    pub sha256: &'a str,
}

/// Called now and then with the steps done and the steps in all; may stop the run.
pub type OnProgress<'a> = dyn FnMut(u64, u64) -> ControlFlow<()> + 'a;

/// Runs the policy and its baselines over the chosen segment.
///
/// # Errors
/// Refuses data, policies and models that do not fit; ends with `Cancelled` when progress says so.
pub fn run(
    input: &BacktestInput<'_>,
    progress: &mut OnProgress<'_>,
) -> Result<BacktestReport, EngineError> {
    let normaliser = match &input.model {
        None => None,
        Some(model) => Mlp::from_safetensors(model.bytes)
            .map_err(|error| EngineError::Refused { what: "model", detail: error.to_string() })?
            .normaliser()
            .cloned(),
    };
    let session = input.session;
    let data = prepare_segment(
        input.strategy,
        input.data,
        &session.split,
        session.segment,
        normaliser.as_ref(),
    )?;
    let TaskData::Bars(market) = data else {
        return Err(EngineError::Refused {
            what: "back-test",
            detail: format!("{} was found, bars of one instrument were wanted", data.kind()),
        });
    };
    let environment = build(input.strategy, Arc::clone(&market))?;
    if environment.action_count() == 0 {
        return Err(EngineError::Refused {
            what: "back-test",
            detail: format!(
                "the policies of a back-test choose from a list of actions, but the task {} takes a vector of numbers; \
                 choose another task",
                input.strategy.environment.task()
            ),
        });
    }
    let seat = Seat {
        observation_len: environment.observation_len(),
        action_count: environment.action_count(),
        seed: input.session.seed,
    };
    let model = input.model.as_ref().map(|model| model.bytes);
    let policy = policies::build(&input.strategy.agent, &seat, model)?;
    let of = RUNS * environment.steps_per_episode() as u64;
    let truth = truth(input.strategy);
    let mut runner =
        Runner { environment, seat, truth, at_close: fills_at_close(input), done: 0, of, progress };
    let agent = runner.run(policy)?;
    let buy_and_hold = runner.run(Box::new(BuyAndHold::new(&seat)))?;
    let do_nothing = runner.run(Box::new(DoNothing::new(&seat)))?;
    let (random, random_percentile) = runner.random(&agent)?;
    let axis = Axis::of(&market, &do_nothing);
    let remarks = remarks(input, axis.bars.len(), &agent, random_percentile);
    let result = |name: &str, run: &Outcome, trades: bool| axis.result(name, run, trades);
    let mut report = BacktestReport {
        format: FORMAT,
        dataset: input.source.name.to_owned(),
        dataset_sha256: input.source.sha256.to_owned(),
        synthetic: input.source.synthetic,
        truth,
        remarks,
        segment: input.session.segment,
        from: axis.time(0)?,
        to: axis.time(axis.bars.len() - 1)?,
        periods_per_year: market.periods_per_year(),
        agent: result("agent", &agent, true),
        baselines: vec![
            result("buy_and_hold", &buy_and_hold, true),
            result("do_nothing", &do_nothing, true),
            result("random", &random, false),
        ],
        random_percentile,
        prices: axis.bars.iter().map(|bar| market.close()[*bar].get()).collect(),
        times_ms: axis.bars.iter().map(|bar| market.time_ms()[*bar] as f64).collect(),
        strategy: input.strategy.clone(),
        session: SessionConfig::Backtest(input.session.clone()),
        model_sha256: input.model.as_ref().map(|model| model.sha256.to_owned()),
        build: input.build.to_owned(),
    };
    thin::bound(&mut report);
    Ok(report)
}

fn truth(strategy: &StrategyConfig) -> Truth {
    strategy.environment.truth()
}

/// Whether orders are filled at the close on which they were decided.
fn fills_at_close(input: &BacktestInput<'_>) -> bool {
    truth(input.strategy) == Truth::Faithful || input.strategy.matching.fill == FillRule::SameClose
}

/// What one policy did.
struct Outcome {
    /// Bar of each entry of `equity` and `position`.
    bars: Vec<usize>,
    equity: Vec<f64>,
    position: Vec<f64>,
    /// Position in `bars` at which each fill happened, the fill, and the position afterwards.
    fills: Vec<(usize, Fill, f64)>,
    /// Lots traded in each step.
    lots: Vec<i64>,
    costs: f64,
    refusal_count: u32,
    cut_count: u32,
    ruined: bool,
}

struct Runner<'a, 'b> {
    environment: Box<dyn Environment>,
    seat: Seat,
    truth: Truth,
    at_close: bool,
    done: u64,
    of: u64,
    progress: &'a mut OnProgress<'b>,
}

impl Runner<'_, '_> {
    /// Runs one policy over one episode.
    fn run(&mut self, policy: Box<dyn Policy>) -> Result<Outcome, EngineError> {
        self.environment.reset();
        let begun = self.done;
        let mut decider = Decider::new(policy, self.seat.observation_len);
        let account = self.environment.snapshot();
        let mut outcome = Outcome {
            bars: vec![account.bar_index],
            equity: vec![account.equity],
            position: vec![account.position],
            fills: Vec::new(),
            lots: Vec::new(),
            costs: 0.0,
            refusal_count: 0,
            cut_count: 0,
            ruined: false,
        };
        loop {
            let environment = &mut self.environment;
            let action = decider.action(|out| environment.observe(out))?;
            let result = environment.step(Action::Discrete(action));
            self.note(&mut outcome)?;
            self.tick()?;
            if result.ended() {
                // The reference terminates at the end of its data.
                outcome.ruined = result.terminated && self.truth == Truth::Corrected;
                break;
            }
        }
        // A run that was ruined early counts as whole.
        self.done = begun + self.environment.steps_per_episode() as u64;
        Ok(outcome)
    }

    /// Notes the account after a step.
    fn note(&self, outcome: &mut Outcome) -> Result<(), EngineError> {
        let account = self.environment.snapshot();
        if !account.equity.is_finite() {
            return Err(EngineError::Refused {
                what: "back-test",
                detail: format!(
                    "the account's value is not defined from bar {} on: the reference's arithmetic divided nothing by \
                     nothing; use truth = \"corrected\"",
                    account.bar_index
                ),
            });
        }
        let before = outcome.bars.len() - 1;
        if outcome.bars.last() != Some(&account.bar_index) {
            outcome.bars.push(account.bar_index);
            outcome.equity.push(account.equity);
            outcome.position.push(account.position);
        }
        if let Some(fill) = account.last_fill {
            let index = if self.at_close { before } else { outcome.bars.len() - 1 };
            outcome.fills.push((index, fill, account.position));
        }
        outcome
            .lots
            .push(account.last_fill.map_or(0, |fill| whole(fill.quantity.get() / account.lot)));
        outcome.costs = account.costs;
        (outcome.refusal_count, outcome.cut_count) = (account.refusal_count, account.cut_count);
        Ok(())
    }

    fn tick(&mut self) -> Result<(), EngineError> {
        self.done += 1;
        if self.done.is_multiple_of(PROGRESS_STEPS)
            && (self.progress)(self.done, self.of).is_break()
        {
            return Err(EngineError::Cancelled);
        }
        Ok(())
    }

    /// Runs the draws of equal turnover and returns the median one and the share that did worse than the agent.
    fn random(&mut self, agent: &Outcome) -> Result<(Outcome, Option<f64>), EngineError> {
        let growth = |run: &Outcome| total_return(&run.equity).unwrap_or(f64::NEG_INFINITY);
        let mut draws = Vec::new();
        for draw in 0..RANDOM_DRAWS {
            let policy = EqualTurnover::draw(&agent.lots, &self.seat, draw);
            draws.push((growth(&self.run(Box::new(policy))?), draw));
        }
        draws.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
        let median = draws.get(draws.len() / 2).map_or(0, |(_, draw)| *draw);
        let random = self.run(Box::new(EqualTurnover::draw(&agent.lots, &self.seat, median)))?;
        if (self.progress)(self.of, self.of).is_break() {
            return Err(EngineError::Cancelled);
        }
        let below = draws.iter().filter(|(found, _)| *found < growth(agent)).count();
        let traded = agent.lots.iter().any(|lots| *lots != 0);
        Ok((random, traded.then(|| below as f64 / f64::from(RANDOM_DRAWS))))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a fill is a whole number of lots, far below 2^53"
)]
fn whole(lots: f64) -> i64 {
    lots.round() as i64
}

/// The bars that every curve of the report is drawn over.
struct Axis<'a> {
    market: &'a MarketData,
    bars: Vec<usize>,
}

impl<'a> Axis<'a> {
    /// Takes the bars of a run that was not ruined.
    fn of(market: &'a MarketData, whole: &Outcome) -> Self {
        Self { market, bars: whole.bars.clone() }
    }

    fn time(&self, index: usize) -> Result<String, EngineError> {
        let millisecond = self.market.time_ms()[self.bars[index]];
        jiff::Timestamp::from_millisecond(millisecond)
            .map(|time| format!("{time:.3}"))
            .map_err(|error| EngineError::Refused { what: "back-test", detail: error.to_string() })
    }

    /// Writes a run down; after a ruin its last value is carried on.
    fn result(&self, name: &str, run: &Outcome, trades: bool) -> PolicyResult {
        let mut equity = run.equity.clone();
        let mut position = run.position.clone();
        let last = equity.last().copied().unwrap_or(0.0);
        equity.resize(self.bars.len(), last);
        position.resize(self.bars.len(), 0.0);
        let fills: Vec<Fill> = run.fills.iter().map(|(_, fill, _)| *fill).collect();
        let measured = summary(&Run {
            equity: &equity,
            fills: &fills,
            periods_per_year: self.market.periods_per_year(),
        });
        let metrics: BTreeMap<String, Option<f64>> =
            measured.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect();
        PolicyResult {
            name: name.to_owned(),
            metrics,
            drawdown: drawdown(&equity),
            equity,
            position,
            costs: run.costs,
            trades: if trades { self.trades(run) } else { Vec::new() },
            refusal_count: run.refusal_count,
        }
    }

    fn trades(&self, run: &Outcome) -> Vec<Trade> {
        run.fills
            .iter()
            .map(|(index, fill, position)| Trade {
                time_ms: self.market.time_ms()[self.bars[*index]] as f64,
                index: u32::try_from(*index).unwrap_or(u32::MAX),
                side: fill.side().as_str().to_owned(),
                quantity: fill.quantity.get().abs(),
                price: fill.price.get(),
                fee: fill.fee.get(),
                position: *position,
            })
            .collect()
    }
}

/// Says what a model may have learned of the segment it is run on.
fn seen_in_training(input: &BacktestInput<'_>) -> Option<String> {
    input.model.as_ref()?;
    let purpose = match input.session.segment {
        Segment::Train => "training",
        Segment::Valid => "choosing the model",
        Segment::Test => return None,
    };
    Some(format!(
        "On the data the model was trained on, these bars were used for {purpose}: the result is no test of it."
    ))
}

/// Says what belongs beside every figure.
fn remarks(
    input: &BacktestInput<'_>,
    bar_count: usize,
    agent: &Outcome,
    random_percentile: Option<f64>,
) -> Vec<String> {
    let mut remarks = Vec::new();
    let costs = &input.strategy.matching;
    let faithful = truth(input.strategy) == Truth::Faithful;
    if input.source.synthetic {
        remarks.push("The data is synthetic: it says nothing about any market.".to_owned());
    }
    if faithful {
        remarks.push(
            "Faithful accounting of the reference system, errors and look-ahead included, for verification only: \
             trades at the close just observed; slippage, lots, position limit and risk limits are not applied. \
             Features were computed by the engine, not read from the reference's files."
                .to_owned(),
        );
    } else if costs.fill == FillRule::SameClose {
        remarks.push(
            "Orders are filled at the close just observed, which nobody can do: the result is optimistic.".to_owned(),
        );
    }
    remarks.extend(seen_in_training(input));
    if costs.fee_rate == 0.0 || (costs.slippage_bps == 0.0 && !faithful) {
        let free = match (costs.fee_rate == 0.0, costs.slippage_bps == 0.0 && !faithful) {
            (true, true) => "Neither fees nor slippage are",
            (true, false) => "No fees are",
            (false, _) => "No slippage is",
        };
        remarks.push(format!("{free} charged: the strategy's `matching` says so."));
    }
    if bar_count < BARS_FEW {
        remarks.push(format!(
            "The run has only {bar_count} bars: annualised figures and ratios are unreliable."
        ));
    }
    if random_percentile.is_none() {
        remarks.push(
            "The agent never traded: a random policy of equal turnover does nothing, too."
                .to_owned(),
        );
    }
    if agent.ruined {
        remarks.push(format!(
            "The agent's account was ruined after {} of {} bars; its last value is carried on.",
            agent.bars.len() - 1,
            bar_count
        ));
    }
    if agent.refusal_count > 0 {
        remarks.push(format!(
            "The risk review refused {} of the agent's orders.",
            agent.refusal_count
        ));
    }
    if agent.cut_count > 0 {
        remarks.push(format!(
            "{} of the agent's orders were made smaller or dropped to keep the position limit or the funds.",
            agent.cut_count
        ));
    }
    remarks
}
