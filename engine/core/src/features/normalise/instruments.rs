//! One normaliser per instrument of a panel.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Normaliser, fit_column};
use crate::config::Normalisation;
use crate::error::EngineError;
use crate::features::PanelFrame;

/// Centre and scale per instrument and column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelNormaliser {
    /// Names of the instruments it was fitted on, in order.
    pub instruments: Vec<String>,
    /// One per instrument.
    pub each: Vec<Normaliser>,
}

impl PanelNormaliser {
    /// Fits on `rows` of `frame` and on nothing else, each instrument on its own values; what is not defined is passed
    /// over.
    #[must_use]
    pub fn fit(how: Normalisation, frame: &PanelFrame, rows: Range<usize>) -> Self {
        let width = frame.names.len();
        let rows = rows.start..rows.end.min(frame.rows);
        let fit = |instrument: usize| {
            let mut fitted = Normaliser::identity(width);
            for column in 0..width {
                let cells = rows.clone().filter_map(|row| frame.cell(row, instrument, column));
                if let Some((centre, scale)) = fit_column(how, cells.collect()) {
                    fitted.mean[column] = centre;
                    fitted.deviation[column] = scale;
                }
            }
            fitted
        };
        Self {
            instruments: frame.instruments.clone(),
            each: (0..frame.instruments.len()).map(fit).collect(),
        }
    }

    /// Scales every value of `frame`; undefined ones stay undefined.
    ///
    /// # Errors
    /// Refuses a frame of other instruments or of another number of columns; nothing was changed.
    pub fn apply(&self, frame: &mut PanelFrame) -> Result<(), EngineError> {
        let width = frame.names.len();
        let fits = self.instruments == frame.instruments
            && self.each.len() == frame.instruments.len()
            && self.each.iter().all(|each| [each.mean.len(), each.deviation.len()] == [width; 2]);
        if !fits {
            return Err(EngineError::Refused {
                what: "normalising a panel",
                detail: format!(
                    "wanted the instruments {} with as many columns as in training; found {} with {width} columns. Use the \
                     panel that the model was trained with",
                    self.instruments.join(", "),
                    frame.instruments.join(", ")
                ),
            });
        }
        for time in frame.values.chunks_exact_mut((self.each.len() * width).max(1)) {
            for (cells, each) in time.chunks_exact_mut(width.max(1)).zip(&self.each) {
                for (cell, (mean, deviation)) in
                    cells.iter_mut().zip(each.mean.iter().zip(&each.deviation))
                {
                    *cell = (*cell - mean) / deviation;
                }
            }
        }
        Ok(())
    }
}
