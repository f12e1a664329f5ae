//! Scaling of features: fitted on the training segment only, then frozen and stored with the model.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::FeatureFrame;

/// A column that varies less than this, relative to its size, is constant but for rounding: dividing by its deviation
/// would blow the rounding up.
const RELATIVE_DEVIATION_MIN: f64 = 1e-12;
/// Ratios carry rounding of about 1e-16 around 0, where nothing is small relative to the mean.
const DEVIATION_MIN: f64 = 1e-14;

/// (x − mean) / deviation, per column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normaliser {
    /// Mean per column.
    pub mean: Vec<f64>,
    /// Standard deviation per column (of the population); 1 for a constant column.
    pub deviation: Vec<f64>,
}

impl Normaliser {
    /// Returns the one that changes nothing, for `width` columns.
    #[must_use]
    pub fn identity(width: usize) -> Self {
        Self { mean: vec![0.0; width], deviation: vec![1.0; width] }
    }

    /// Fits on `rows` of `frame` and on nothing else; rows of the warm-up and beyond the end are left out. Without any
    /// row it is the identity.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "rows are far fewer than 2^53")]
    pub fn fit(frame: &FeatureFrame, rows: Range<usize>) -> Self {
        let mut fitted = Self::identity(frame.width);
        let rows = rows.start.max(frame.warmup_rows)..rows.end.min(frame.rows);
        if rows.is_empty() {
            return fitted;
        }
        let count = rows.len() as f64;
        for column in 0..frame.width {
            let cells = || rows.clone().map(|row| frame.values[row * frame.width + column]);
            let mean = cells().sum::<f64>() / count;
            let variance = cells().map(|cell| (cell - mean) * (cell - mean)).sum::<f64>() / count;
            let deviation = variance.sqrt();
            fitted.mean[column] = mean;
            if (RELATIVE_DEVIATION_MIN * mean.abs()).max(DEVIATION_MIN) < deviation {
                fitted.deviation[column] = deviation;
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
