//! Back-tests of order execution: the same task again and again, one after the other, through one segment.
//!
//! Each task begins where the one before had to end, with an account of its own. Curves go on from one task to the next
//! by what each gained or lost; after the last order of a task its values are carried on to its end.

use super::assemble::{Axis, Named, Played};
use super::course::{Clock, Course, Traded, check_equity};
use super::{BacktestInput, fills_at_close};
use crate::config::agents::RuleConfig;
use crate::config::policy::TwapConfig;
use crate::config::{ExecutionConfig, ExecutionSide, OrderExecutionConfig};
use crate::environment::{Action, ActionSpace, Environment, ExecutionReport, TaskData, build};
use crate::error::EngineError;
use crate::evaluation::report::ExecutionSummary;
use crate::market::MarketSeries;
use crate::policies::execution::{ExecutionSeat, ExecutionView, Scheduled};
use crate::policies::{Past, VectorPolicy, VectorSeat, VectorView, build_vector};

/// Agent and two baselines.
const RUNS: u64 = 3;
const BASIS_POINTS: f64 = 1e4;

/// Runs execution tasks over one segment.
pub(super) fn run(
    input: &BacktestInput<'_>,
    config: &OrderExecutionConfig,
    data: &TaskData,
    clock: &mut Clock<'_, '_>,
) -> Result<Played, EngineError> {
    let environment = build(input.strategy, data.clone())?;
    let space = environment.action_space();
    let horizon = config.horizon_steps as usize;
    let seat = ExecutionSeat { horizon_steps: horizon, bounds: bounds(&space) };
    let seed = input.session.seed;
    let vector_seat = VectorSeat::Execution { seat: seat.clone(), seed };
    let policy = build_vector(&input.strategy.agent, &vector_seat, input.model_bytes())?;
    let rows = Rows::of(data)?;
    let tasks = (rows.times_ms.len() - config.window_steps as usize) / horizon;
    clock.expect(RUNS, tasks * horizon);
    let past = Market::of(input.data, rows.times_ms[0])?;
    let at_close = fills_at_close(input);
    let mut runner = Runner { environment, space, config, past, tasks, at_close, clock };
    let agent = runner.run(policy)?;
    let at_once = ExecutionConfig::AtOnce(RuleConfig {});
    let at_once = runner.run(Box::new(Scheduled::new(&at_once, &seat)?))?;
    let every_step = ExecutionConfig::Twap(TwapConfig { slices: config.horizon_steps });
    let twap = runner.run(Box::new(Scheduled::new(&every_step, &seat)?))?;
    runner.clock.end()?;
    let kept = agent.rows.clone();
    let axis = Axis {
        times_ms: kept.iter().map(|row| rows.times_ms[*row]).collect(),
        prices: kept.iter().map(|row| rows.prices[*row]).collect(),
        rows: kept,
        price_name: rows.price_name,
        instruments: input.data.instruments(),
        periods_per_year: rows.periods_per_year,
    };
    let many = format!(
        "{tasks} {} of {horizon} steps, one after the other, each with an account of its own; shortfalls are means over \
         them. What was left at the end of one was executed then.",
        if tasks == 1 { "task" } else { "tasks" }
    );
    Ok(Played {
        axis,
        agent,
        baselines: vec![Named::shown("at_once", at_once), Named::shown("twap", twap)],
        random_percentile: None,
        remarks: vec![many],
    })
}

/// Returns the bounds of each number of an action.
pub(in crate::session) fn bounds(space: &ActionSpace) -> Vec<[f64; 2]> {
    match space {
        ActionSpace::Box { low, high } => {
            low.iter().zip(high).map(|(low, high)| [*low, *high]).collect()
        }
        ActionSpace::Discrete(_) | ActionSpace::Simplex { .. } => Vec::new(),
    }
}

/// The rows of a segment.
struct Rows {
    times_ms: Vec<i64>,
    prices: Vec<f64>,
    price_name: &'static str,
    periods_per_year: f64,
}

impl Rows {
    fn of(data: &TaskData) -> Result<Self, EngineError> {
        match data {
            TaskData::Bars(market) => Ok(Self {
                times_ms: market.time_ms().to_vec(),
                prices: market.close().iter().map(|price| price.get()).collect(),
                price_name: "close",
                periods_per_year: market.periods_per_year(),
            }),
            TaskData::Book(book) => Ok(Self {
                times_ms: book.book().time_ms.clone(),
                prices: (0..book.rows()).map(|row| book.book().mid(row)).collect(),
                price_name: "midpoint",
                periods_per_year: book.periods_per_year(),
            }),
            TaskData::Panel(_) => Err(no_market()),
        }
    }
}

/// What the market told in all rows of the data, those before the segment included.
pub(in crate::session) struct Market<'a> {
    times_ms: &'a [i64],
    traded: Option<Vec<f64>>,
    /// Row at which the segment begins.
    offset: usize,
}

impl<'a> Market<'a> {
    /// Takes the whole data and the time at which the segment begins.
    ///
    /// # Errors
    /// Refuses panels and single trades.
    pub(in crate::session) fn of(data: &'a MarketSeries, begins: i64) -> Result<Self, EngineError> {
        let (times_ms, traded) = match data {
            MarketSeries::Bars(bars) => (&bars.time_ms, bars.volume.clone()),
            MarketSeries::Book(book) => {
                let flows = book.bought.as_ref().zip(book.sold.as_ref());
                let both = |(bought, sold): (&Vec<f64>, &Vec<f64>)| {
                    bought.iter().zip(sold).map(|(bought, sold)| bought + sold).collect()
                };
                (&book.time_ms, flows.map(both))
            }
            MarketSeries::Panel(_) | MarketSeries::Trades(_) => return Err(no_market()),
        };
        let offset = times_ms.partition_point(|time| *time < begins);
        Ok(Self { times_ms, traded, offset })
    }

    /// Returns what is known at a row of the segment.
    pub(in crate::session) fn seen(&self, row: usize) -> (&[i64], Option<&[f64]>) {
        let over = self.offset + row + 1;
        (&self.times_ms[..over], self.traded.as_ref().map(|units| &units[..over]))
    }
}

fn no_market() -> EngineError {
    EngineError::Refused {
        what: "back-test",
        detail:
            "an order is executed on bars of one instrument or on an order book; choose other data"
                .to_owned(),
    }
}

struct Runner<'r, 'a, 'b> {
    environment: Box<dyn Environment>,
    space: ActionSpace,
    config: &'r OrderExecutionConfig,
    past: Market<'r>,
    tasks: usize,
    at_close: bool,
    clock: &'r mut Clock<'a, 'b>,
}

impl Runner<'_, '_, '_> {
    /// Runs one policy over every task.
    fn run(&mut self, mut policy: Box<dyn VectorPolicy>) -> Result<Course, EngineError> {
        let horizon = self.config.horizon_steps as usize;
        let begun = self.clock.begun();
        self.environment.reset();
        let account = self.environment.snapshot();
        let mut course = Course::begin(account.bar_index, account.equity, account.position);
        let mut tally = Tally::default();
        for task in 0..self.tasks {
            self.environment.reset_at(task * horizon)?;
            self.execute(policy.as_mut(), &mut course)?;
            let account = self.environment.snapshot();
            course.costs += account.costs;
            course.refusal_count += account.refusal_count;
            course.cut_count += account.cut_count;
            if let Some(report) = self.environment.execution() {
                tally.add(&report, account.costs, self.config.amount);
            }
            self.clock.whole(begun, (task + 1) * horizon);
        }
        course.execution = tally.summary(self.config);
        Ok(course)
    }

    /// Runs one policy over one task.
    fn execute(
        &mut self,
        policy: &mut dyn VectorPolicy,
        course: &mut Course,
    ) -> Result<(), EngineError> {
        let horizon = self.config.horizon_steps as usize;
        let reads = policy.reads_observation();
        let mut observation =
            vec![0.0_f32; if reads { self.environment.observation_len() } else { 0 }];
        let mut action = vec![0.0; self.space.dimensions()];
        let start = self.environment.snapshot();
        let carried = course.equity.last().copied().unwrap_or(0.0) - start.equity;
        for step in 0..horizon {
            if reads {
                self.environment.observe(&mut observation);
            }
            let (time_ms, traded) = self.past.seen(start.bar_index + step);
            let stands = self.environment.execution();
            let share = |units: f64| units / self.config.amount;
            let past = ExecutionView {
                step,
                executed: stands.as_ref().map_or(0.0, |report| share(report.executed)),
                resting: stands.as_ref().map_or(0.0, |report| share(report.resting)),
                time_ms,
                traded,
            };
            let view = VectorView { observation: &observation, past: Past::Execution(past) };
            policy.decide(&view, &mut action)?;
            self.space.check(Action::Vector(&action))?;
            let ended = self.environment.step(Action::Vector(&action)).ended();
            self.note(course, carried)?;
            self.clock.tick()?;
            if ended {
                break;
            }
        }
        // What is done early stands still until the next task begins.
        let account = self.environment.snapshot();
        for row in account.bar_index + 1..=start.bar_index + horizon {
            course.note(row, account.equity + carried, account.position);
        }
        Ok(())
    }

    fn note(&self, course: &mut Course, carried: f64) -> Result<(), EngineError> {
        let account = self.environment.snapshot();
        check_equity(account.equity, account.bar_index)?;
        let before = course.rows.len() - 1;
        course.note(account.bar_index, account.equity + carried, account.position);
        if let Some(fill) = account.last_fill {
            let index = if self.at_close { before } else { course.rows.len() - 1 };
            course.fills.push(Traded { index, instrument: 0, fill, position: account.position });
        }
        Ok(())
    }
}

/// Sums over the tasks of one policy.
#[derive(Debug, Default)]
struct Tally {
    reports: Vec<ExecutionReport>,
    costs: f64,
    arrival_value: f64,
}

impl Tally {
    fn add(&mut self, report: &ExecutionReport, costs: f64, amount: f64) {
        self.reports.push(report.clone());
        self.costs += costs;
        self.arrival_value += amount * report.arrival_price;
    }

    /// Returns the summary; absent without tasks.
    fn summary(&self, config: &OrderExecutionConfig) -> Option<ExecutionSummary> {
        let count = self.reports.len() as f64;
        let mean = |value: fn(&ExecutionReport) -> f64| {
            self.reports.iter().map(value).sum::<f64>() / count
        };
        let shortfalls: Vec<f64> = self.reports.iter().map(|report| report.shortfall_bps).collect();
        let executed: f64 = self.reports.iter().map(|report| report.executed).sum();
        let value: f64 = self
            .reports
            .iter()
            .filter_map(|report| Some(report.average_price? * report.executed))
            .sum();
        (!self.reports.is_empty()).then(|| ExecutionSummary {
            side: match config.side {
                ExecutionSide::Buy => "buy".to_owned(),
                ExecutionSide::Sell => "sell".to_owned(),
            },
            tasks: u32::try_from(self.reports.len()).unwrap_or(u32::MAX),
            amount: config.amount * count,
            executed,
            left: self.reports.iter().map(|report| report.left).sum(),
            arrival_price: mean(|report| report.arrival_price),
            average_price: (0.0 < executed).then(|| value / executed),
            twap: self.mean_of(|report| report.twap),
            vwap: self.mean_of(|report| report.vwap),
            shortfall_bps: mean(|report| report.shortfall_bps),
            shortfall_deviation_bps: crate::metrics::sample_deviation(&shortfalls),
            better_than_twap_bps: self.mean_of(|report| report.better_than_twap_bps),
            cost_bps: self.costs / self.arrival_value * BASIS_POINTS,
        })
    }

    /// Returns the mean of what is defined in every task; absent where it is not in one.
    fn mean_of(&self, value: fn(&ExecutionReport) -> Option<f64>) -> Option<f64> {
        let all: Option<Vec<f64>> = self.reports.iter().map(value).collect();
        crate::metrics::mean(&all?)
    }
}
