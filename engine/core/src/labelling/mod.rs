//! Market dynamics: a series is cut at its turning points, similar neighbours are merged, segments are labelled.
//!
//! Route: indicator → filter → turning points → merge rounds → labels → slices and statistics. Labels use hindsight:
//! the filter runs backwards too, and quantiles see the whole series. They judge a strategy by regime and are never an
//! input of one. Source: TradeMaster 1.0.0, slice and merge; spec/trademaster.md section 7.

pub mod assign;
pub mod clusters;
pub mod fast_dtw;
pub mod filter;
pub mod merge;
pub mod slices;
pub mod slope;
pub mod statistics;
pub mod turning_points;

use std::ops::ControlFlow;

use serde::Serialize;

use self::merge::{Measure, MergeRules, Merger, ROUNDS_MAX};
pub use self::slices::{LabelSlices, Slice};
pub use self::statistics::LabelStatistics;
use crate::config::{LabellingConfig, LabellingMethod, MergeMetric, Truth};
use crate::error::EngineError;

/// One ticker's indicator.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// Name, for outputs.
    pub ticker: &'a str,
    /// The indicator in file order, one value per row.
    pub values: &'a [f64],
    /// Anything that increases with time, one per row: checked in `corrected` mode where it is given.
    pub order: Option<&'a [i128]>,
}

/// How far a labelling is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Merge round, from 1; 0 before and after.
    pub round: u32,
    /// Segments visited in this round.
    pub segments_done: usize,
    /// Segments at its start.
    pub segments: usize,
}

/// A labelled series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Labelling {
    /// Name of the series.
    pub ticker: String,
    /// Procedure that was followed.
    pub truth: Truth,
    /// Always true: labels know the future. Never an input of a strategy.
    pub hindsight: bool,
    /// Rows.
    pub row_count: usize,
    /// Final boundaries: 0, first rows of later segments, number of rows.
    pub turning_points: Vec<usize>,
    /// Boundaries on the way.
    pub stages: Stages,
    /// Slope of each final segment, per cent of its first filtered value per row.
    pub slopes: Vec<f64>,
    /// Bounds between labels, one fewer than labels; none for the method `dtw`.
    pub thresholds: Vec<f64>,
    /// Label of each final segment; 0 is the steepest fall.
    pub segment_labels: Vec<u32>,
    /// Label of each row.
    pub labels: Vec<u32>,
    /// The indicator after the filter.
    pub filtered: Vec<f64>,
    /// Change of the indicator to the row before, 0 in the first row.
    pub pct_return: Vec<f64>,
    /// Change of the filtered indicator to the row before, 0 in the first row.
    pub pct_return_filtered: Vec<f64>,
    /// Slices of each label that occurs.
    pub slices: Vec<LabelSlices>,
    /// Statistics of each label that occurs.
    pub metrics: Vec<LabelStatistics>,
}

/// Boundaries after every stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stages {
    /// All turning points.
    pub raw: Vec<usize>,
    /// Those that are far enough apart.
    pub after_length_pass: Vec<usize>,
    /// Merge rounds; in the last one nothing changed, unless it is the last that is allowed.
    pub rounds: Vec<Round>,
}

/// One merge round.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Round {
    /// Number, from 1.
    pub number: u32,
    /// Bounds between labels at its start; none without a limit on labels.
    pub thresholds: Vec<f64>,
    /// Labels at its start; none without a limit on labels.
    pub labels: Vec<u32>,
    /// What was merged, in order.
    pub mergers: Vec<Merger>,
    /// Boundaries at its end.
    pub turning_points: Vec<usize>,
}

/// Labels a series.
///
/// # Errors
/// See [`label_with`].
pub fn label(series: &Series<'_>, config: &LabellingConfig) -> Result<Labelling, EngineError> {
    label_with(series, config, &mut |_| ControlFlow::Continue(()))
}

/// Labels a series and tells `progress` about every few segments; it may ask to stop. Takes time in proportion to the
/// rows, and at most [`ROUNDS_MAX`] merge rounds.
///
/// # Errors
/// Refuses 15 rows or fewer, values that are not finite, and in `corrected` mode also times that do not increase, values
/// of 0 or below and a series that never changes; ends with `Cancelled` when `progress` says so.
pub fn label_with(
    series: &Series<'_>,
    config: &LabellingConfig,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Labelling, EngineError> {
    check(series, config.truth)?;
    let filtered = filter::zero_phase(series.values, 2.0 / config.period())?;
    let change = turning_points::changes(&filtered);
    refuse_undefined(&change)?;
    let raw = turning_points::raw(&change);
    let min_length = config.min_length.map(|rows| rows as usize);
    let after_length_pass = turning_points::length_pass(&raw, min_length);
    let cut = Cut { filtered: &filtered, change: &change, config };
    let rounds = cut.merge(&after_length_pass, progress)?;
    let points =
        rounds.last().map_or(&after_length_pass, |round: &Round| &round.turning_points).clone();
    let Named { slopes, thresholds, labels: segment_labels } = cut.named(&points)?;
    let labels = per_row(&points, &segment_labels);
    let slices = slices::slices(&labels, config.truth);
    let metrics = statistics::statistics(series.values, &slices);
    Ok(Labelling {
        ticker: series.ticker.to_owned(),
        truth: config.truth,
        hindsight: true,
        row_count: series.values.len(),
        turning_points: points,
        stages: Stages { raw, after_length_pass, rounds },
        slopes,
        thresholds,
        segment_labels,
        labels,
        pct_return: turning_points::changes(series.values),
        pct_return_filtered: change,
        filtered,
        slices,
        metrics,
    })
}

/// Returns the label of each row. Shapes: `points` `[segments + 1]`, `segment_labels` `[segments]`.
#[must_use]
pub fn per_row(points: &[usize], segment_labels: &[u32]) -> Vec<u32> {
    let mut labels = Vec::with_capacity(points.last().copied().unwrap_or_default());
    for (ends, label) in points.windows(2).zip(segment_labels) {
        labels.resize(ends[1], *label);
    }
    labels
}

/// What segments are cut from.
struct Cut<'a> {
    filtered: &'a [f64],
    change: &'a [f64],
    config: &'a LabellingConfig,
}

/// Segments with their names.
struct Named {
    slopes: Vec<f64>,
    thresholds: Vec<f64>,
    labels: Vec<u32>,
}

impl Cut<'_> {
    /// Returns slopes, bounds between labels, and labels of the segments between `points`.
    fn named(&self, points: &[usize]) -> Result<Named, EngineError> {
        let slopes = slope::normalised(self.filtered, points);
        let thresholds = assign::thresholds(&slopes, self.config)?;
        let labels = match self.config.method {
            LabellingMethod::Quantile | LabellingMethod::Slope => {
                slopes.iter().map(|slope| assign::label_of(*slope, &thresholds)).collect()
            }
            LabellingMethod::Dtw => {
                let segments: Vec<&[f64]> =
                    points.windows(2).map(|ends| &self.change[ends[0]..ends[1]]).collect();
                clusters::cluster(&segments, &slopes, self.config.label_count, self.config.seed)
            }
        };
        Ok(Named { slopes, thresholds, labels })
    }

    /// Runs the merge rounds.
    fn merge(
        &self,
        points: &[usize],
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Vec<Round>, EngineError> {
        let MergeMetric::DtwDistance = self.config.merge_metric;
        let mut rounds: Vec<Round> = Vec::new();
        let Some(threshold) = self.config.merge_threshold else {
            return Ok(rounds);
        };
        let rules = MergeRules {
            truth: self.config.truth,
            max_length: self.config.max_length as usize,
            threshold,
            gap_max: self.config.merge_label_gap_max,
        };
        let mut measure = Measure::new();
        for number in 1..=ROUNDS_MAX {
            let points = rounds.last().map_or(points, |round| &round.turning_points);
            let (thresholds, labels) = match rules.gap_max {
                Some(_) => {
                    let named = self.named(points)?;
                    (named.thresholds, named.labels)
                }
                None => (Vec::new(), Vec::new()),
            };
            let segments = points.len().saturating_sub(1);
            let mut tell =
                |segments_done| progress(Progress { round: number, segments_done, segments });
            let task = (self.filtered, points, rules.gap_max.map(|_| labels.as_slice()));
            let Some((mergers, turning_points)) =
                merge::round(task, &rules, number, &mut measure, &mut tell)
            else {
                return Err(EngineError::Cancelled);
            };
            let is_last = mergers.is_empty();
            rounds.push(Round { number, thresholds, labels, mergers, turning_points });
            if is_last {
                break;
            }
        }
        Ok(rounds)
    }
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "labelling", detail }
}

fn check(series: &Series<'_>, truth: Truth) -> Result<(), EngineError> {
    let (ticker, values) = (series.ticker, series.values);
    if let Some(row) = values.iter().position(|value| !value.is_finite()) {
        return Err(refused(format!(
            "wanted a finite number in every row of {ticker}; found {} in row {row}. Fill or remove it",
            values[row]
        )));
    }
    if truth == Truth::Faithful {
        return Ok(());
    }
    if let Some(row) = values.iter().position(|value| *value <= 0.0) {
        return Err(refused(format!(
            "wanted a price above 0 in every row of {ticker}, because slopes are shares of it; found {} in row {row}. \
             Choose another column",
            values[row]
        )));
    }
    let is_flat = values.windows(2).all(|pair| (pair[0] - pair[1]).abs() <= 0.0);
    if filter::PADDING < values.len() && is_flat {
        return Err(refused(format!(
            "wanted a series that moves; found the same value in all {} rows of {ticker}. There are no regimes to label",
            values.len()
        )));
    }
    let Some(order) = series.order else { return Ok(()) };
    if order.len() != values.len() {
        let (times, rows) = (order.len(), values.len());
        return Err(refused(format!("wanted one time per row; found {times} for {rows} rows")));
    }
    if let Some(row) = order.windows(2).position(|pair| pair[1] <= pair[0]) {
        let how =
            if order[row] == order[row + 1] { "the same time as" } else { "an earlier time than" };
        return Err(refused(format!(
            "wanted times that increase from row to row; found in row {} of {ticker} {how} in the row before. Sort the \
             file by time and remove repeated rows, or use truth = \"faithful\", which takes rows as they come",
            row + 1
        )));
    }
    Ok(())
}

/// The filter can pass through 0 where the indicator does; what follows is not defined there.
fn refuse_undefined(change: &[f64]) -> Result<(), EngineError> {
    match change.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(row) => Err(refused(format!(
            "wanted a filtered indicator that is never 0; found 0 in row {}. Choose an indicator above 0",
            row.saturating_sub(1)
        ))),
    }
}

#[cfg(test)]
mod tests;
