//! What is sent to make a data set of a synthetic market or of another data set; files are sent as they are.

use actors::Steps;
use engine::ids::DatasetId;
use schemars::JsonSchema;
use serde::Deserialize;

/// A data set that is made and not sent: exactly one of `synthetic` and `from`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewDataset")]
pub(crate) struct NewDatasetDto {
    /// Name, unique.
    #[schemars(length(min = 1, max = 120))]
    pub(crate) name: String,
    /// The engine's seeded synthetic market, labelled synthetic wherever it is shown.
    #[serde(default)]
    pub(crate) synthetic: Option<SyntheticDto>,
    /// Another data set, changed.
    #[serde(default)]
    pub(crate) from: Option<DerivedDto>,
}

/// A data set made of another one that is only looked at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "InspectDataset")]
pub(crate) struct InspectDatasetDto {
    /// Another data set, changed.
    pub(crate) from: DerivedDto,
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

/// What is done to another data set, in the order of the fields; the words are those of the import's query.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DerivedDataset")]
pub(crate) struct DerivedDto {
    /// The data set.
    pub(crate) dataset_id: DatasetId,
    /// Instruments to keep; all where there is none.
    #[serde(default)]
    #[schemars(length(max = 10_000))]
    pub(crate) instruments: Vec<String>,
    /// First day or time to keep.
    #[serde(default)]
    pub(crate) from: Option<String>,
    /// Last day or time to keep.
    #[serde(default)]
    pub(crate) to: Option<String>,
    /// How prices are adjusted for `actions`: `backward`, `forward`, `backward_total`, `forward_total`.
    #[serde(default)]
    pub(crate) adjust: Option<String>,
    /// Corporate actions, as `AAPL@2020-08-31:split:4`.
    #[serde(default)]
    #[schemars(length(max = 10_000))]
    pub(crate) actions: Vec<String>,
    /// How long bars are made: `5m`, `1h`, `1d`, `ticks:1000`.
    #[serde(default)]
    pub(crate) resample: Option<String>,
    /// What is done where an instrument has no bar: `forward_fill:5`.
    #[serde(default)]
    pub(crate) missing: Option<String>,
    /// Calendar of `resample` and `missing`.
    #[serde(default)]
    pub(crate) calendar: Option<String>,
    /// That interpolated bars know the future is known and wanted.
    #[serde(default)]
    pub(crate) accept_look_ahead: bool,
}

impl DerivedDto {
    /// Returns the data set and what is done to it.
    pub(crate) fn into_steps(self) -> (DatasetId, Steps) {
        let Self {
            dataset_id,
            instruments,
            from,
            to,
            adjust,
            actions,
            resample,
            missing,
            calendar,
            accept_look_ahead,
        } = self;
        let steps = Steps {
            instruments,
            from,
            to,
            adjust,
            actions,
            resample,
            missing,
            calendar,
            accept_look_ahead,
        };
        (dataset_id, steps)
    }
}
