//! Which features are computed and how they are normalised.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::feature_list::FeatureItem;

/// What the agent sees of the market.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct FeaturesConfig {
    /// The named set of features. Not used where a list is given.
    #[garde(skip)]
    pub set: FeatureSet,
    /// How raw features are scaled. Always fitted on the training segment only.
    #[garde(skip)]
    pub normalisation: Normalisation,
    /// Features one by one, in order, instead of the set. Empty means the set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("default" = serde_json::json!([])))]
    #[garde(length(min = 0, max = 256), dive)]
    pub list: Vec<FeatureItem>,
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
    /// 157 features of bars and of windows of 5, 10, 20, 30 and 60 bars. Needs volume.
    Alpha158,
    /// The 117 of them that need no volume.
    Alpha158Price,
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
    /// (x − median) / distance of the quartiles of the training segment: outliers do not set the scale.
    Robust,
    /// (x − smallest) / (largest − smallest) of the training segment.
    MinMax,
}
