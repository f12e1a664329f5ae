//! Hop 2: bars become features, one bar at a time, never looking ahead.
//!
//! The batch [`frame`] feeds the same streaming features that live trading feeds, so the two cannot differ.

pub mod normalise;
pub mod pipeline;
mod ratio;
pub mod rebuild;
pub mod window;

pub use normalise::Normaliser;
pub use pipeline::{FeatureFrame, Pipeline, frame, from_table, names, warmup_rows};

use crate::market::Bar;

/// One feature, fed bar by bar.
pub trait Feature: Send {
    /// Returns the column's name.
    fn name(&self) -> String;
    /// Takes the next bar and returns the value at it; absent while the feature is still filling its window.
    fn update(&mut self, bar: &Bar) -> Option<f64>;
}
