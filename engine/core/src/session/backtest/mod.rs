//! A fixed policy over past data, beside its baselines, as one report: every task on the data it needs.
//!
//! Deterministic: equal inputs give equal bytes. Reports progress and can be stopped between two steps. [`run`] is the
//! only match over tasks; what a task's runs are stands in a file of its own.

mod assemble;
mod course;
pub(in crate::session) mod execution;
pub(in crate::session) mod hindsight;
mod listed;
pub(in crate::session) mod portfolio;
mod remarks;
mod replay;
mod track;

use std::ops::ControlFlow;

pub use assemble::WEIGHT_NAMES_MAX;
pub(crate) use course::Decisions;
pub(crate) use track::{Track, Tracks, agent_track, replayed_track, tracks};

use assemble::Played;
use course::Clock;

use crate::config::{
    BacktestConfig, EnvironmentConfig, FillRule, SessionConfig, StrategyConfig, Truth,
};
use crate::environment::{TaskData, prepare_segment};
use crate::error::EngineError;
use crate::evaluation::report::BacktestReport;
use crate::evaluation::seal::SealMark;
use crate::evaluation::thin;
use crate::features::Normaliser;
use crate::market::MarketSeries;
use crate::policies::network::Mlp;

/// Layout of the report.
const FORMAT: u32 = 1;
/// Random runs of equal turnover.
pub const RANDOM_DRAWS: u32 = 100;

/// Everything a back-test depends on.
#[derive(Debug, Clone, Copy)]
pub struct BacktestInput<'a> {
    /// The strategy's version.
    pub strategy: &'a StrategyConfig,
    /// What to run.
    pub session: &'a BacktestConfig,
    /// The whole data, of a kind that the strategy's task runs on; it is cut here.
    pub data: &'a MarketSeries,
    /// Where the data comes from.
    pub source: Source<'a>,
    /// A trained model, where the policy is one.
    pub model: Option<Model<'a>>,
    /// Version of the program, for the report.
    pub build: &'a str,
}

impl BacktestInput<'_> {
    fn model_bytes(&self) -> Option<&[u8]> {
        self.model.as_ref().map(|model| model.bytes)
    }
}

/// Where data comes from, for the report.
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
/// Refuses data of a kind that the task does not run on, and data, policies and models that do not fit; ends with
/// `Cancelled` when progress says so.
pub fn run(
    input: &BacktestInput<'_>,
    progress: &mut OnProgress<'_>,
) -> Result<BacktestReport, EngineError> {
    let played = play(input, Scope::Everyone, progress)?;
    report(input, &played)
}

/// Whose runs are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scope<'a> {
    /// The agent, its baselines and the random draws.
    Everyone,
    /// The agent alone.
    Agent,
    /// What was decided before, carried out again in the agent's place and alone.
    Replay(&'a Decisions),
}

/// Runs the policy, and its baselines where they are wanted.
fn play(
    input: &BacktestInput<'_>,
    scope: Scope<'_>,
    progress: &mut OnProgress<'_>,
) -> Result<Played, EngineError> {
    let normaliser = normaliser(input)?;
    let session = input.session;
    let data = prepare_segment(
        input.strategy,
        input.data,
        &session.split,
        session.segment,
        normaliser.as_ref(),
    )?;
    let mut clock = Clock::new(progress);
    Ok(match (&input.strategy.environment, input.data, &data) {
        (EnvironmentConfig::AlgorithmicTrading(_), _, TaskData::Bars(market)) => {
            listed::on_bars(input, market, scope, &mut clock)?
        }
        (EnvironmentConfig::HighFrequency(config), _, TaskData::Book(book)) => {
            listed::on_book(input, (config, scope), book, &mut clock)?
        }
        (
            EnvironmentConfig::Portfolio(config),
            MarketSeries::Panel(panel),
            TaskData::Panel(segment),
        ) => portfolio::run(input, (config, scope), (panel, segment), &mut clock)?,
        (EnvironmentConfig::OrderExecution(config), _, data) => {
            execution::run(input, config, data, &mut clock)?
        }
        (environment, _, data) => {
            return Err(EngineError::Invariant {
                what: "back-test",
                detail: format!("the task {} was given {}", environment.task(), data.kind()),
            });
        }
    })
}

/// Returns the normaliser that a model brings.
fn normaliser(input: &BacktestInput<'_>) -> Result<Option<Normaliser>, EngineError> {
    let Some(model) = &input.model else { return Ok(None) };
    let network = Mlp::from_safetensors(model.bytes)
        .map_err(|error| EngineError::Refused { what: "model", detail: error.to_string() })?;
    Ok(network.normaliser().cloned())
}

fn report(input: &BacktestInput<'_>, played: &Played) -> Result<BacktestReport, EngineError> {
    let axis = &played.axis;
    let mut report = BacktestReport {
        format: FORMAT,
        task: input.strategy.environment.task().to_owned(),
        dataset: input.source.name.to_owned(),
        dataset_sha256: input.source.sha256.to_owned(),
        synthetic: input.source.synthetic,
        instruments: axis.instruments.clone(),
        truth: input.strategy.environment.truth(),
        remarks: remarks::remarks(input, played),
        segment: input.session.segment,
        // Whoever knows the lineage says otherwise.
        seal: SealMark::None,
        from: axis.time(0)?,
        to: axis.time(axis.rows.len() - 1)?,
        periods_per_year: axis.periods_per_year,
        agent: axis.result("agent", &played.agent, true),
        baselines: played
            .baselines
            .iter()
            .map(|one| axis.result(one.name, &one.course, one.trades))
            .collect(),
        random_percentile: played.random_percentile,
        price_name: axis.price_name.to_owned(),
        prices: axis.prices.clone(),
        times_ms: axis.times_ms.iter().map(|time| *time as f64).collect(),
        strategy: input.strategy.clone(),
        session: SessionConfig::Backtest(input.session.clone()),
        model_sha256: input.model.as_ref().map(|model| model.sha256.to_owned()),
        build: input.build.to_owned(),
    };
    thin::bound(&mut report);
    Ok(report)
}

/// Whether orders are filled on what was just observed when they were decided.
fn fills_at_close(input: &BacktestInput<'_>) -> bool {
    input.strategy.environment.truth() == Truth::Faithful
        || input.strategy.matching.fill == FillRule::SameClose
}
