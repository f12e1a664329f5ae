//! Which kind of data each task runs on, and one segment of whatever kind there is. The rules of each kind stand in
//! [`super::prepare`], [`super::prepare_panel`] and [`super::prepare_book`].

use super::sealed::prepare_sealed;
use super::whole::prepare_whole;
use super::{TaskData, prepare, prepare_book, prepare_panel};
use crate::config::{EnvironmentConfig, Segment, SplitConfig, StrategyConfig};
use crate::error::EngineError;
use crate::features::Normaliser;
use crate::market::{DataKind, MarketSeries};

/// Returns the kinds of data a task runs on; no task runs on single trades.
#[must_use]
pub fn data_kinds(environment: &EnvironmentConfig) -> &'static [DataKind] {
    match environment {
        EnvironmentConfig::AlgorithmicTrading(_) => &[DataKind::Bars],
        EnvironmentConfig::Portfolio(_) => &[DataKind::Panel],
        EnvironmentConfig::OrderExecution(_) => &[DataKind::Bars, DataKind::Book],
        EnvironmentConfig::HighFrequency(_) => &[DataKind::Book],
    }
}

/// Returns what a task needs, in words.
pub(super) fn needed(environment: &EnvironmentConfig) -> &'static str {
    match environment {
        EnvironmentConfig::AlgorithmicTrading(_) => words(DataKind::Bars),
        EnvironmentConfig::Portfolio(_) => words(DataKind::Panel),
        EnvironmentConfig::OrderExecution(_) => "bars of one instrument or an order book",
        EnvironmentConfig::HighFrequency(_) => words(DataKind::Book),
    }
}

fn words(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Bars => "bars of one instrument",
        DataKind::Panel => "a panel of several instruments",
        DataKind::Trades => "single trades",
        DataKind::Book => "an order book",
    }
}

/// Passes data of a kind that a task runs on.
///
/// # Errors
/// Says which kind is needed and which was found.
pub fn check_kind(environment: &EnvironmentConfig, kind: DataKind) -> Result<(), EngineError> {
    if data_kinds(environment).contains(&kind) {
        return Ok(());
    }
    Err(EngineError::Refused {
        what: "environment",
        detail: format!(
            "the task {} needs {}, found {}; choose other data or another task",
            environment.task(),
            needed(environment),
            words(kind)
        ),
    })
}

/// Prepares data of any kind for a strategy's task and returns one segment of it.
///
/// # Errors
/// Refuses data of a kind that the task does not run on, and whatever the preparation of its kind refuses.
pub fn prepare_segment(
    strategy: &StrategyConfig,
    data: &MarketSeries,
    split: &SplitConfig,
    segment: Segment,
    normaliser: Option<&Normaliser>,
) -> Result<TaskData, EngineError> {
    match segment {
        Segment::Sealed => prepare_sealed(strategy, data, split, normaliser),
        Segment::Whole => {
            check_kind(&strategy.environment, data.kind())?;
            prepare_whole(strategy, data, normaliser)
        }
        Segment::Train | Segment::Valid | Segment::Test => {
            prepare_unsealed(strategy, data, split, segment, normaliser)
        }
    }
}

/// Prepares one of the three segments that the data is split into.
pub(super) fn prepare_unsealed(
    strategy: &StrategyConfig,
    data: &MarketSeries,
    split: &SplitConfig,
    segment: Segment,
    normaliser: Option<&Normaliser>,
) -> Result<TaskData, EngineError> {
    check_kind(&strategy.environment, data.kind())?;
    Ok(match data {
        MarketSeries::Bars(bars) => {
            let all = prepare(strategy, bars, split, normaliser)?;
            TaskData::Bars(choose(segment, [all.train, all.valid, all.test]))
        }
        MarketSeries::Panel(panel) => {
            let all = prepare_panel(strategy, panel, split, normaliser)?;
            TaskData::Panel(choose(segment, [all.train, all.valid, all.test]))
        }
        MarketSeries::Book(book) => {
            let all = prepare_book(strategy, book, split, normaliser)?;
            TaskData::Book(choose(segment, [all.train, all.valid, all.test]))
        }
        MarketSeries::Trades(_) => {
            let detail = "no task runs on single trades; sample them into bars first".to_owned();
            return Err(EngineError::Refused { what: "preparing the data", detail });
        }
    })
}

fn choose<T>(segment: Segment, [train, valid, test]: [T; 3]) -> T {
    match segment {
        Segment::Train => train,
        Segment::Valid => valid,
        // Sealed rows are made the last segment before they are prepared; all rows are no segment of a split.
        Segment::Test | Segment::Sealed | Segment::Whole => test,
    }
}
