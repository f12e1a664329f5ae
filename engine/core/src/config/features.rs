//! Which features are computed and how they are normalised.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the agent sees of the market.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct FeaturesConfig {
    /// The named set of features.
    #[garde(skip)]
    pub set: FeatureSet,
    /// How raw features are scaled. Always fitted on the training segment only.
    #[garde(skip)]
    pub normalisation: Normalisation,
}

/// A named, ordered list of features.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeatureSet {
    /// high, low, open, close, adjcp, zopen, zhigh, zlow, zadjcp, zclose, zd_5, zd_10, zd_15, zd_20, zd_25, zd_30.
    #[default]
    Classic16,
    /// The sixteen without the five raw prices.
    Classic11,
}

/// How features are scaled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// (x − mean) / standard deviation of the training segment.
    #[default]
    ZScore,
    /// As computed. What `faithful` environments use whatever is written here.
    None,
}
