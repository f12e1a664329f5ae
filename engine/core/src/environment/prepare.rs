//! Bars become segments an environment can run on; configuration becomes an environment.

use std::ops::Range;
use std::sync::Arc;

use super::faithful::AlgorithmicTrading;
use super::length::segments;
use super::{Environment, MarketData, SingleAsset};
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
    let EnvironmentConfig::AlgorithmicTrading(config) = &strategy.environment;
    let splits =
        segments(strategy, split_config, bars.len()).map_err(|error| refused(error.to_string()))?;
    let ahead = looks_ahead_of(&strategy.features)?;
    if config.truth == Truth::Corrected && !ahead.is_empty() {
        return Err(refused(format!(
            "wanted features that see the past only; found {}, which the reference computes from the end of the series. \
             Choose the corrected form, or a faithful environment",
            ahead.join(", ")
        )));
    }
    let mut features = frame_of(bars, &strategy.features)?;
    if bars.len() <= features.warmup_rows {
        return Err(refused(never_defined(&features)));
    }
    // What was not defined at the start for longer than its window belongs to no segment.
    let warm = |rows: Range<usize>| rows.start.max(features.warmup_rows)..rows.end;
    let splits =
        Splits { train: warm(splits.train), valid: warm(splits.valid), test: warm(splits.test) };
    let normaliser = choose(strategy, config.truth, &features, splits.train.clone(), normaliser)?;
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

/// Builds the environment a strategy asks for, at the start of an episode.
///
/// # Errors
/// Refuses data that is too short for it.
pub fn build(
    strategy: &StrategyConfig,
    market: Arc<MarketData>,
) -> Result<Box<dyn Environment>, EngineError> {
    let EnvironmentConfig::AlgorithmicTrading(config) = &strategy.environment;
    Ok(match config.truth {
        Truth::Corrected => Box::new(SingleAsset::new(strategy, market)?),
        Truth::Faithful => Box::new(AlgorithmicTrading::from_strategy(strategy, market)?),
    })
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

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "preparing the data", detail }
}
