//! Hop 2: bars become features, one bar at a time, never looking ahead.
//!
//! The batch [`frame`] feeds the same streaming features that live trading feeds, so the two cannot differ.

pub mod alpha158;
pub mod calendar;
pub mod candle;
pub mod expression;
pub mod imbalance;
pub mod momentum;
pub mod moving_average;
pub mod normalise;
pub mod panel;
pub mod pipeline;
mod ratio;
pub mod rebuild;
pub mod returns;
pub mod rolling;
pub mod trend;
pub mod volatility;
pub mod volume;
pub mod window;

pub use normalise::Normaliser;
pub use panel::{CrossSection, PanelFrame, panel_frame};
pub use pipeline::{
    FeatureFrame, Pipeline, frame, frame_of, from_table, looks_ahead_of, names, names_of,
    warmup_rows, warmup_rows_of,
};

use crate::market::Bar;

/// One feature, fed bar by bar.
pub trait Feature: Send {
    /// Returns the column's name.
    fn name(&self) -> String;
    /// Takes the next bar and returns the value at it; absent while the feature is still filling its window.
    fn update(&mut self, bar: &Bar) -> Option<f64>;
}

/// Several features that share their work, fed bar by bar.
pub trait Block: Send {
    /// Returns the columns' names, in order.
    fn names(&self) -> Vec<String>;
    /// Takes the next bar and appends one value per column; absent where a value is not defined.
    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>);
    /// Returns the columns whose last value a batch writes into every row, as the reference system does: they look
    /// ahead. None but in `faithful` sets.
    fn looks_ahead(&self) -> Vec<usize> {
        Vec::new()
    }
}

impl<F: Feature> Block for F {
    fn names(&self) -> Vec<String> {
        vec![self.name()]
    }

    fn update(&mut self, bar: &Bar, row: &mut Vec<Option<f64>>) {
        row.push(Feature::update(self, bar));
    }
}

/// Returns a quotient where it is defined.
fn quotient(above: f64, below: f64) -> Option<f64> {
    Some(above / below).filter(|value| value.is_finite())
}
