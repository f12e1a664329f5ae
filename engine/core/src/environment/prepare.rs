//! Bars become segments an environment can run on; configuration becomes an environment.

use std::ops::Range;
use std::sync::Arc;

use super::faithful::AlgorithmicTrading;
use super::{Environment, MarketData, SingleAsset};
use crate::config::{EnvironmentConfig, Normalisation, SplitConfig, StrategyConfig, Truth};
use crate::error::EngineError;
use crate::features::{FeatureFrame, Normaliser, frame};
use crate::market::{BarSeries, split};

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
    let window = config.backward_bars as usize;
    let lookback = match config.truth {
        Truth::Corrected => window,
        Truth::Faithful => window + config.forward_bars as usize,
    };
    let mut features = frame(bars, strategy.features.set);
    let splits =
        split(bars.len(), split_config, lookback).map_err(|error| refused(error.to_string()))?;
    let train = splits.train.start.max(features.warmup_rows)..splits.train.end;
    let normaliser = choose(strategy, config.truth, &features, train.clone(), normaliser)?;
    normaliser.apply(&mut features);
    let segment = |name: &str, rows: Range<usize>| {
        let rows = rows.start.max(features.warmup_rows)..rows.end;
        if rows.len() < lookback + 2 {
            return Err(refused(format!(
                "the {name} segment has {} bars after the {} bars in which features warm up, but needs {}; import \
                 more bars or change the split",
                rows.len(),
                features.warmup_rows,
                lookback + 2
            )));
        }
        MarketData::new(bars, &features, rows).map(Arc::new)
    };
    Ok(Prepared {
        train: segment("training", train)?,
        valid: segment("validation", splits.valid)?,
        test: segment("test", splits.test)?,
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
        (Truth::Faithful, Normalisation::ZScore | Normalisation::None)
        | (Truth::Corrected, Normalisation::None) => Normaliser::identity(features.width),
        (Truth::Corrected, Normalisation::ZScore) => Normaliser::fit(features, train),
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

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "preparing the data", detail }
}
