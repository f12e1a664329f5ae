//! What is sent to make a synthetic data set; files are sent as they are.

use schemars::JsonSchema;
use serde::Deserialize;

/// A data set of the engine's seeded synthetic market, labelled synthetic wherever it is shown.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewSyntheticDataset")]
pub(crate) struct NewDatasetDto {
    /// Name, unique.
    #[schemars(length(min = 1, max = 120))]
    pub(crate) name: String,
    /// What to generate.
    pub(crate) synthetic: SyntheticDto,
}

/// A synthetic market.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Synthetic")]
pub(crate) struct SyntheticDto {
    /// Equal seeds give equal bars.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    pub(crate) seed: u64,
    /// Bars.
    #[schemars(range(min = 100, max = 1_000_000))]
    pub(crate) rows: u32,
}
