//! Panels and order books become segments an environment can run on. Bars of one instrument are prepared next door.

use std::ops::Range;
use std::sync::Arc;

use super::length::{cut, lookback};
use super::prepare::refuse_look_ahead;
use super::{BookData, PanelData, depth_features};
use crate::config::{EnvironmentConfig, SplitConfig, StrategyConfig};
use crate::error::EngineError;
use crate::features::{self, FeatureFrame, Normaliser, frame_of};
use crate::market::{BarPanel, BookSeries, Splits};

/// The three segments of a panel and what they were normalised with.
#[derive(Debug, Clone)]
pub struct PreparedPanel {
    /// One scale per feature, fitted on all instruments of the training segment together, or the one that was given.
    pub normaliser: Normaliser,
    /// What the agent learns from.
    pub train: Arc<PanelData>,
    /// What the best model is chosen on.
    pub valid: Arc<PanelData>,
    /// What the result is reported on.
    pub test: Arc<PanelData>,
}

/// The three segments of an order book and what they were normalised with.
#[derive(Debug, Clone)]
pub struct PreparedBook {
    /// Fitted on the training segment, or the one that was given.
    pub normaliser: Normaliser,
    /// What the agent learns from.
    pub train: Arc<BookData>,
    /// What the best model is chosen on.
    pub valid: Arc<BookData>,
    /// What the result is reported on.
    pub test: Arc<BookData>,
}

/// Computes each instrument's features from its own bars alone (each causal), cuts by time, and normalises by the
/// training segment. One scale per feature serves all instruments, so that what differs between them stays different.
///
/// # Errors
/// Refuses strategies of another task, panels that are not valid, segments that are too short, and a normaliser of
/// another feature set.
pub fn prepare_panel(
    strategy: &StrategyConfig,
    panel: &BarPanel,
    split: &SplitConfig,
    normaliser: Option<&Normaliser>,
) -> Result<PreparedPanel, EngineError> {
    let EnvironmentConfig::Portfolio(config) = &strategy.environment else {
        return Err(refused(format!(
            "a panel was given, but the task is {}; choose the task portfolio or other data",
            strategy.environment.task()
        )));
    };
    panel.validate().map_err(|error| refused(error.to_string()))?;
    refuse_look_ahead(strategy)?;
    let warmup = features::warmup_rows_of(&strategy.features)?;
    let splits = cut(panel.rows(), split, lookback(strategy), warmup).map_err(refused)?;
    let mut frames: Vec<FeatureFrame> = (0..panel.width())
        .map(|column| frame_of(&panel.series(column), &strategy.features))
        .collect::<Result<_, _>>()?;
    let normaliser = match normaliser {
        Some(given) => given.clone(),
        None => fitted(strategy, &pooled(panel, &frames, splits.train.clone())),
    };
    fits(&normaliser, frames.first().map_or(0, |frame| frame.width))?;
    frames.iter_mut().for_each(|frame| normaliser.apply(frame));
    let segment = |rows: Range<usize>| {
        PanelData::new(panel, &frames, rows, config.dividends).map(PanelData::shared)
    };
    let Splits { train, valid, test } = splits;
    Ok(PreparedPanel {
        train: segment(train)?,
        valid: segment(valid)?,
        test: segment(test)?,
        normaliser,
    })
}

/// Takes what each snapshot tells ([`depth_features`]), cuts by time, and normalises by the training segment.
///
/// # Errors
/// Refuses strategies of tasks that do not run on an order book, books that are not valid, segments that are too short,
/// and a normaliser of another book.
pub fn prepare_book(
    strategy: &StrategyConfig,
    book: &BookSeries,
    split: &SplitConfig,
    normaliser: Option<&Normaliser>,
) -> Result<PreparedBook, EngineError> {
    match &strategy.environment {
        EnvironmentConfig::OrderExecution(_) | EnvironmentConfig::HighFrequency(_) => {}
        EnvironmentConfig::AlgorithmicTrading(_) | EnvironmentConfig::Portfolio(_) => {
            return Err(refused(format!(
                "an order book was given, but the task is {}; choose the task order_execution or high_frequency, or \
                 other data",
                strategy.environment.task()
            )));
        }
    }
    book.validate().map_err(|error| refused(error.to_string()))?;
    let mut frame = depth_features(book);
    let Splits { train, valid, test } =
        cut(book.len(), split, lookback(strategy), frame.warmup_rows).map_err(refused)?;
    let normaliser = match normaliser {
        Some(given) => given.clone(),
        None => Normaliser::fit_as(strategy.features.normalisation, &frame, train.clone()),
    };
    fits(&normaliser, frame.width)?;
    normaliser.apply(&mut frame);
    let segment = |rows: Range<usize>| BookData::new(book, &frame, rows).map(BookData::shared);
    Ok(PreparedBook {
        train: segment(train)?,
        valid: segment(valid)?,
        test: segment(test)?,
        normaliser,
    })
}

/// All cells of all instruments in some rows of a panel, one below the other.
pub(crate) fn pooled(
    panel: &BarPanel,
    frames: &[FeatureFrame],
    rows: Range<usize>,
) -> FeatureFrame {
    let mut pool = FeatureFrame {
        names: frames.first().map(|frame| frame.names.clone()).unwrap_or_default(),
        width: frames.first().map_or(0, |frame| frame.width),
        rows: 0,
        warmup_rows: 0,
        values: Vec::new(),
    };
    for (column, frame) in frames.iter().enumerate() {
        let mut bars = 0;
        for row in 0..rows.end {
            if !panel.present[row * panel.width() + column] {
                continue;
            }
            if rows.start <= row
                && let Some(cells) = frame.row(bars)
            {
                pool.values.extend_from_slice(cells);
                pool.rows += 1;
            }
            bars += 1;
        }
    }
    pool
}

fn fitted(strategy: &StrategyConfig, pool: &FeatureFrame) -> Normaliser {
    Normaliser::fit_as(strategy.features.normalisation, pool, 0..pool.rows)
}

fn fits(normaliser: &Normaliser, width: usize) -> Result<(), EngineError> {
    if [normaliser.mean.len(), normaliser.deviation.len()] == [width; 2] {
        return Ok(());
    }
    Err(refused(format!(
        "the model's normaliser has {} columns, the features have {width}; use the strategy version the model was \
         trained with",
        normaliser.mean.len()
    )))
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "preparing the data", detail }
}
