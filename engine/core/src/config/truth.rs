//! The switch between reproducing the reference system and correcting it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which accounting an environment, metric or labeller follows.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// Reproduces the reference system's numbers, errors and look-ahead included. For verification only.
    Faithful,
    /// Sound accounting without look-ahead.
    #[default]
    Corrected,
}
