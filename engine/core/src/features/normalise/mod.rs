//! Scaling of features: fitted on the training segment only, then frozen and stored with the model.
//!
//! [`Normaliser`] moves and stretches each column; it is what strategies use and models store. Beside it stand one that
//! maps each column to a normal distribution ([`QuantileNormaliser`]), one that scales by the recent past alone
//! ([`rolling_z_score`]) and one per instrument of a panel ([`PanelNormaliser`]). Fitting passes over what is not defined, and
//! what is not defined stays so.

mod instruments;
mod quantiles;
mod recent;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use instruments::PanelNormaliser;
pub use quantiles::QuantileNormaliser;
pub use recent::rolling_z_score;

use super::FeatureFrame;
use super::rolling::number;
use crate::config::Normalisation;

/// A column that varies less than this, relative to its size, is constant but for rounding: dividing by its deviation
/// would blow the rounding up.
const RELATIVE_DEVIATION_MIN: f64 = 1e-12;
/// Ratios carry rounding of about 1e-16 around 0, where nothing is small relative to the mean.
const DEVIATION_MIN: f64 = 1e-14;

/// (x − centre) / scale, per column. The fields carry the names of the usual choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normaliser {
    /// Centre per column: the mean, the median, or the smallest value.
    pub mean: Vec<f64>,
    /// Scale per column: the standard deviation (of the population), the distance of the quartiles, or the range; 1 for
    /// a constant column.
    pub deviation: Vec<f64>,
}

impl Normaliser {
    /// Returns the one that changes nothing, for `width` columns.
    #[must_use]
    pub fn identity(width: usize) -> Self {
        Self { mean: vec![0.0; width], deviation: vec![1.0; width] }
    }

    /// Fits mean and deviation on `rows` of `frame` and on nothing else; rows of the warm-up and beyond the end are left
    /// out. Without any row it is the identity.
    #[must_use]
    pub fn fit(frame: &FeatureFrame, rows: Range<usize>) -> Self {
        Self::fit_as(Normalisation::ZScore, frame, rows)
    }

    /// Fits centre and scale as `how` says on `rows` of `frame` and on nothing else; rows of the warm-up and beyond the
    /// end are left out, and so is what is not defined. Without any value a column is left as it is.
    #[must_use]
    pub fn fit_as(how: Normalisation, frame: &FeatureFrame, rows: Range<usize>) -> Self {
        let mut fitted = Self::identity(frame.width);
        let rows = rows.start.max(frame.warmup_rows)..rows.end.min(frame.rows);
        for column in 0..frame.width {
            let cells = rows.clone().map(|row| frame.values[row * frame.width + column]);
            let cells: Vec<f64> = cells.filter(|cell| cell.is_finite()).collect();
            if let Some((centre, scale)) = fit_column(how, cells) {
                fitted.mean[column] = centre;
                fitted.deviation[column] = scale;
            }
        }
        fitted
    }

    /// Returns the number of columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.mean.len()
    }

    /// Scales every row of `frame`; undefined cells stay undefined.
    ///
    /// # Panics
    /// When the number of columns differs: a normaliser of another feature set would give wrong numbers silently.
    pub fn apply(&self, frame: &mut FeatureFrame) {
        assert_eq!(self.mean.len(), frame.width, "the normaliser is of another feature set");
        assert_eq!(self.deviation.len(), frame.width, "the normaliser is of another feature set");
        if frame.width == 0 {
            return;
        }
        for row in frame.values.chunks_exact_mut(frame.width) {
            for (cell, (mean, deviation)) in
                row.iter_mut().zip(self.mean.iter().zip(&self.deviation))
            {
                *cell = (*cell - mean) / deviation;
            }
        }
    }
}

/// Returns centre and scale of a column's values; absent where there is none, or nothing is to be scaled.
pub(super) fn fit_column(how: Normalisation, mut cells: Vec<f64>) -> Option<(f64, f64)> {
    if cells.is_empty() {
        return None;
    }
    let count = number(cells.len());
    let (centre, size, scale) = match how {
        Normalisation::None => return None,
        Normalisation::ZScore => {
            let mean = cells.iter().sum::<f64>() / count;
            let variance =
                cells.iter().map(|cell| (cell - mean) * (cell - mean)).sum::<f64>() / count;
            (mean, mean, variance.sqrt())
        }
        Normalisation::Robust => {
            cells.sort_unstable_by(f64::total_cmp);
            let median = quantiles::at(&cells, 0.5);
            (median, median, quantiles::at(&cells, 0.75) - quantiles::at(&cells, 0.25))
        }
        Normalisation::MinMax => {
            let least = cells.iter().copied().fold(f64::INFINITY, f64::min);
            let most = cells.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (least, least, most - least)
        }
    };
    let varies = (RELATIVE_DEVIATION_MIN * size.abs()).max(DEVIATION_MIN) < scale;
    Some((centre, if varies { scale } else { 1.0 }))
}

/// Cuts every defined value to at most `limit` away from 0. For normalised features: no single value then outweighs all
/// others.
///
/// # Panics
/// When the limit is not above 0.
pub fn clip(frame: &mut FeatureFrame, limit: f64) {
    assert!(0.0 < limit, "a limit above 0 is needed, found {limit}");
    for cell in &mut frame.values {
        *cell = cut(*cell, Some(limit));
    }
}

/// Returns `value` at most `limit` away from 0; what is not defined stays so.
fn cut(value: f64, limit: Option<f64>) -> f64 {
    match limit.map(f64::abs) {
        Some(limit) if limit < value => limit,
        Some(limit) if value < -limit => -limit,
        Some(_) | None => value,
    }
}

#[cfg(test)]
mod tests;
