//! The sealed final segment of a strategy: how many of the newest rows nothing reads until they are opened. Seals nothing
//! itself.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::validate::finite;

/// Share that is suggested for new strategies.
pub const SHARE_SUGGESTED: f64 = 0.15;
/// Largest share: something has to be left to learn from.
pub const SHARE_MAX: f64 = 0.9;

/// The newest rows of every data set, which trainings, back-tests and evaluations of the strategy do not see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct SealConfig {
    /// Share of the rows that is sealed, rounded up; 0 seals nothing. Later versions may seal more, never less.
    #[garde(range(min = 0.0, max = SHARE_MAX), custom(finite))]
    pub share: f64,
}

impl SealConfig {
    /// Returns what is suggested for a new strategy.
    #[must_use]
    pub fn suggested() -> Self {
        Self { share: SHARE_SUGGESTED }
    }

    /// Whether anything is sealed.
    #[must_use]
    pub fn seals(&self) -> bool {
        0.0 < self.share
    }

    /// Whether nothing is; then a document is written as it was before there were seals.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        !self.seals()
    }
}
