//! How a series is cut by time into training, validation and test segments.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::validate::finite;

/// Fractions of the series, in time order: training first, then validation, then test (the rest).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// Share of the bars used for training.
    #[garde(range(min = 0.05, max = 0.9), custom(finite))]
    pub train: f64,
    /// Share of the bars used to choose the best model. What remains is the test segment.
    #[garde(range(min = 0.05, max = 0.9), custom(finite))]
    pub valid: f64,
    /// Bars dropped before each boundary, so that no window or label crosses it.
    #[garde(range(min = 0, max = 10_000))]
    pub purge_bars: u32,
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self { train: 0.7, valid: 0.15, purge_bars: 30 }
    }
}

/// One segment of a split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// What the agent learns from.
    Train,
    /// What the best model is chosen on.
    Valid,
    /// What the result is reported on.
    #[default]
    Test,
    /// The sealed rows; refused until they are opened.
    Sealed,
    /// Everything that is not sealed: for rules, and for models on data they were not trained on.
    Whole,
}
