//! Bars become segments an environment can run on; configuration becomes an environment.

use std::ops::Range;
use std::sync::Arc;

use super::faithful::AlgorithmicTrading;
use super::kinds::needed;
use super::length::segments;
use super::{
    BookData, Environment, ExecutionOnBars, ExecutionOnBook, HighFrequency, MarketData, PanelData,
    Portfolio, SingleAsset,
};
use crate::config::{EnvironmentConfig, SplitConfig, StrategyConfig, Truth};
use crate::error::EngineError;
use crate::features::{FeatureFrame, Normaliser, frame_of, looks_ahead_of};
use crate::market::{BarSeries, Splits};

/// The three segments and what they were normalised with.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Fitted on the training segment, or the one that was given; the identity in `faithful` mode.
    pub normaliser: Normaliser,
    /// What the agent learns from.
    pub train: Arc<MarketData>,
    /// What the best model is chosen on.
    pub valid: Arc<MarketData>,
    /// What the result is reported on.
    pub test: Arc<MarketData>,
}

/// Computes features over the whole series (each causal), cuts by time, and normalises by the training segment alone,
/// or by `normaliser` where a trained model brings its own.
///
/// # Errors
/// Refuses bars that are not valid, segments that are too short, and a normaliser of another feature set.
pub fn prepare(
    strategy: &StrategyConfig,
    bars: &BarSeries,
    split_config: &SplitConfig,
    normaliser: Option<&Normaliser>,
) -> Result<Prepared, EngineError> {
    bars.validate().map_err(|error| refused(error.to_string()))?;
    let splits =
        segments(strategy, split_config, bars.len()).map_err(|error| refused(error.to_string()))?;
    let truth = strategy.environment.truth();
    if truth == Truth::Corrected {
        refuse_look_ahead(strategy)?;
    }
    let mut features = frame_of(bars, &strategy.features)?;
    if bars.len() <= features.warmup_rows {
        return Err(refused(never_defined(&features)));
    }
    // What was not defined at the start for longer than its window belongs to no segment.
    let warm = |rows: Range<usize>| rows.start.max(features.warmup_rows)..rows.end;
    let splits =
        Splits { train: warm(splits.train), valid: warm(splits.valid), test: warm(splits.test) };
    let normaliser = choose(strategy, truth, &features, splits.train.clone(), normaliser)?;
    normaliser.apply(&mut features);
    let segment = |rows: Range<usize>| MarketData::new(bars, &features, rows).map(Arc::new);
    Ok(Prepared {
        train: segment(splits.train)?,
        valid: segment(splits.valid)?,
        test: segment(splits.test)?,
        normaliser,
    })
}

fn choose(
    strategy: &StrategyConfig,
    truth: Truth,
    features: &FeatureFrame,
    train: Range<usize>,
    given: Option<&Normaliser>,
) -> Result<Normaliser, EngineError> {
    if let Some(given) = given {
        let widths = [given.mean.len(), given.deviation.len()];
        if widths != [features.width; 2] {
            return Err(refused(format!(
                "the model's normaliser has {} columns, the strategy's features have {}; use the strategy version the \
                 model was trained with",
                given.mean.len(),
                features.width
            )));
        }
        return Ok(given.clone());
    }
    Ok(match (truth, strategy.features.normalisation) {
        (Truth::Faithful, _) => Normaliser::identity(features.width),
        (Truth::Corrected, how) => Normaliser::fit_as(how, features, train),
    })
}

/// Prepared data of one segment, of the kind that its task needs.
#[derive(Debug, Clone)]
pub enum TaskData {
    /// Bars of one instrument.
    Bars(Arc<MarketData>),
    /// Bars of several instruments.
    Panel(Arc<PanelData>),
    /// An order book.
    Book(Arc<BookData>),
}

impl TaskData {
    /// Returns what it is, in words.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bars(_) => "bars of one instrument",
            Self::Panel(_) => "a panel of several instruments",
            Self::Book(_) => "an order book",
        }
    }
}

impl From<Arc<MarketData>> for TaskData {
    fn from(data: Arc<MarketData>) -> Self {
        Self::Bars(data)
    }
}

impl From<Arc<PanelData>> for TaskData {
    fn from(data: Arc<PanelData>) -> Self {
        Self::Panel(data)
    }
}

impl From<Arc<BookData>> for TaskData {
    fn from(data: Arc<BookData>) -> Self {
        Self::Book(data)
    }
}

/// Builds the environment a strategy asks for, at the start of an episode.
///
/// # Errors
/// Refuses data of a kind that the task does not run on, and data that is too short for it.
pub fn build(
    strategy: &StrategyConfig,
    data: impl Into<TaskData>,
) -> Result<Box<dyn Environment>, EngineError> {
    let (costs, limits) = (&strategy.matching, &strategy.risk);
    Ok(match (&strategy.environment, data.into()) {
        (EnvironmentConfig::AlgorithmicTrading(config), TaskData::Bars(market)) => {
            match config.truth {
                Truth::Corrected => Box::new(SingleAsset::new(strategy, market)?),
                Truth::Faithful => Box::new(AlgorithmicTrading::from_strategy(strategy, market)?),
            }
        }
        (EnvironmentConfig::Portfolio(config), TaskData::Panel(panel)) => {
            Box::new(Portfolio::new(config, costs, limits, panel)?)
        }
        (EnvironmentConfig::OrderExecution(config), TaskData::Bars(market)) => {
            Box::new(ExecutionOnBars::new(config, costs, limits, market)?)
        }
        (EnvironmentConfig::OrderExecution(config), TaskData::Book(book)) => {
            Box::new(ExecutionOnBook::new(config, costs, limits, book)?)
        }
        (EnvironmentConfig::HighFrequency(config), TaskData::Book(book)) => {
            Box::new(HighFrequency::new(config, costs, limits, book)?)
        }
        (environment, data) => return Err(misfit(environment, &data)),
    })
}

/// Refuses features that look ahead.
pub(super) fn refuse_look_ahead(strategy: &StrategyConfig) -> Result<(), EngineError> {
    let ahead = looks_ahead_of(&strategy.features)?;
    if ahead.is_empty() {
        return Ok(());
    }
    Err(refused(format!(
        "wanted features that see the past only; found {}, which the reference computes from the end of the series. \
         Choose the corrected form, or a faithful environment",
        ahead.join(", ")
    )))
}

fn never_defined(features: &FeatureFrame) -> String {
    let last = features.rows.saturating_sub(1) * features.width;
    let column = features.values.iter().skip(last).position(|value| value.is_nan());
    let name =
        column.and_then(|column| features.names.get(column)).map_or("a feature", |name| name);
    format!(
        "wanted features that are defined on this data; found none for {name} in {} bars. Choose a set without volume \
         where the data has none, or leave the feature out",
        features.rows
    )
}

/// Refuses a task on data of another kind.
fn misfit(environment: &EnvironmentConfig, data: &TaskData) -> EngineError {
    EngineError::Refused {
        what: "environment",
        detail: format!(
            "the task {} needs {}, found {}; choose other data or another task",
            environment.task(),
            needed(environment),
            data.kind()
        ),
    }
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "preparing the data", detail }
}
