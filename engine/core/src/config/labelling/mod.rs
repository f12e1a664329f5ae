//! Market-dynamics labelling: how a series is cut into segments and how these are named. Reads both our spelling of
//! the fields and the reference system's own; does not label.

mod presets;
mod reference;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::presets::{LabellingPreset, PRESETS};
pub use self::reference::{LabellingFile, REFERENCE_NAMES, read_json, read_toml};
use super::Truth;
use super::rules::Broken;
use super::validate::{Violation, finite, finite_option};

/// How a series is cut into segments by its turning points, how neighbours are merged, and how segments are labelled.
///
/// Labels use hindsight: they tell regimes apart after the fact and are never an input of a strategy.
/// Source: TradeMaster 1.0.0, slice and merge; spec/trademaster.md section 7.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct LabellingConfig {
    /// Procedure: `corrected` (sound, default) or `faithful` (the reference system's, for verification).
    #[garde(skip)]
    pub truth: Truth,
    /// CSV file that is labelled. May be given on the command line instead.
    #[garde(skip)]
    #[schemars(extend("x-file-only" = true))]
    pub data: Option<String>,
    /// Portfolio file that takes its labels from the labelled series by date, for example the stocks of an index.
    #[garde(skip)]
    #[schemars(extend("x-file-only" = true))]
    pub portfolio: Option<String>,
    /// Name of this labelling; shown in outputs.
    #[garde(skip)]
    #[schemars(extend("x-file-only" = true))]
    pub name: Option<String>,
    /// Column that is labelled: a price. Of a data set: `open`, `high`, `low`, `close`, `adjcp` (adjusted close, else
    /// close), `price` of trades, `midpoint`, `bid1_price` or `ask1_price` of an order book.
    #[garde(skip)]
    pub indicator: String,
    /// Column of the times.
    #[garde(skip)]
    #[schemars(extend("x-file-only" = true))]
    pub time: String,
    /// Column that tells tickers apart; each is labelled on its own. Where the file has no such column the whole file
    /// is one ticker of this name.
    #[garde(skip)]
    #[schemars(extend("x-file-only" = true))]
    pub ticker: String,
    /// Strength of the low-pass filter: the cut-off period is the shortest segment length times this. Larger is
    /// smoother.
    #[garde(range(min = 0.01, max = 1000.0), custom(finite))]
    pub filter_strength: f64,
    /// Shortest segment in rows; it also sets the filter. Empty: every turning point counts, and the filter assumes 7.
    #[garde(range(min = 1, max = 1_000_000))]
    #[schemars(extend("default" = 12))]
    pub min_length: Option<u32>,
    /// Segments of this many rows or more are not merged into another.
    #[garde(range(min = 1, max = 100_000_000))]
    pub max_length: u32,
    /// Number of labels.
    #[garde(range(min = 2, max = 64))]
    pub label_count: u32,
    /// How segments get their labels.
    #[garde(skip)]
    pub method: LabellingMethod,
    /// Lower slope bound of the method `slope`, per cent of the segment's first value per row.
    #[garde(range(min = -1e6, max = 1e6), custom(finite))]
    pub slope_low: f64,
    /// Upper slope bound of the method `slope`, per cent of the segment's first value per row.
    #[garde(range(min = -1e6, max = 1e6), custom(finite))]
    pub slope_high: f64,
    /// What is measured between neighbouring segments.
    #[garde(skip)]
    pub merge_metric: MergeMetric,
    /// Neighbours closer than this are merged, as a share of the shorter one's mean. Empty: nothing is merged.
    #[garde(range(min = 0.0, max = 1e6), custom(finite_option))]
    #[schemars(extend("default" = 0.03))]
    pub merge_threshold: Option<f64>,
    /// Segments whose labels differ by more than this are not merged. Empty: labels do not matter to merging.
    #[garde(range(min = 0, max = 64))]
    #[schemars(extend("default" = 1))]
    pub merge_label_gap_max: Option<u32>,
    /// Seed of the method `dtw`, which starts from drawn segments. Others draw nothing.
    #[garde(skip)]
    pub seed: u32,
}

/// How segments get their labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabellingMethod {
    /// Equally many segments per label, from the steepest fall to the steepest rise.
    #[default]
    Quantile,
    /// By fixed bounds of the slope.
    Slope,
    /// By k-means under dynamic time warping; clusters are numbered by their mean slope.
    Dtw,
}

/// What is measured between neighbouring segments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MergeMetric {
    /// Approximate dynamic time warping of the shorter segment along the longer one.
    #[default]
    DtwDistance,
}

impl Default for LabellingConfig {
    fn default() -> Self {
        Self {
            truth: Truth::Corrected,
            data: None,
            portfolio: None,
            name: None,
            indicator: "adjcp".to_owned(),
            time: "date".to_owned(),
            ticker: "tic".to_owned(),
            filter_strength: 1.0,
            min_length: Some(12),
            max_length: 120,
            label_count: 3,
            method: LabellingMethod::Quantile,
            slope_low: -0.5,
            slope_high: 0.5,
            merge_metric: MergeMetric::DtwDistance,
            merge_threshold: Some(0.03),
            merge_label_gap_max: Some(1),
            seed: 0,
        }
    }
}

/// Shortest period in rows on which the filter is defined; at 2 it would be the whole band.
pub const PERIOD_MIN: f64 = 2.0;
/// Longest period in rows: beyond it the coefficients of the filter differ from 1 by less than their rounding.
pub const PERIOD_MAX: f64 = 2000.0;
/// Rows that the reference takes as the shortest segment, for the filter only, where none is given.
const PERIOD_WITHOUT_LENGTH: u32 = 7;

impl LabellingConfig {
    /// Returns the cut-off period of the filter in rows; 2 / period is the cut-off in units of half the sampling rate.
    #[must_use]
    pub fn period(&self) -> f64 {
        f64::from(self.min_length.unwrap_or(PERIOD_WITHOUT_LENGTH)) * self.filter_strength
    }
}

/// Rules across fields.
pub(super) fn rules(config: &LabellingConfig) -> Vec<Broken> {
    let mut broken = Vec::new();
    let period = config.period();
    let good = PERIOD_MIN < period && period <= PERIOD_MAX;
    if !good {
        let detail = format!(
            "wanted filter_strength × min_length above {PERIOD_MIN} and at most {PERIOD_MAX}, because it is the \
             filter's period in rows; found {period}. Change one of the two"
        );
        let violation = Violation::new("/filter_strength", "out_of_range", detail)
            .with("min", PERIOD_MIN)
            .with("max", PERIOD_MAX)
            .with("got", period);
        broken.push(Broken { violation, fields: ["/filter_strength", "/min_length"] });
    }
    if config.method == LabellingMethod::Slope && config.truth == Truth::Faithful {
        broken.extend(reference_cannot(config));
    }
    broken
}

/// What names files, which a session does not read: its data is a data set of the platform.
pub(super) fn file_only(config: &LabellingConfig) -> Vec<Broken> {
    let named = [("/data", &config.data), ("/portfolio", &config.portfolio)];
    let given = named.into_iter().filter_map(|(field, path)| Some((field, path.as_ref()?)));
    given
        .map(|(field, path)| {
            let detail = format!(
                "wanted nothing, because a session labels the data set it names; found '{path}'. Leave it out, or use \
                 `tm label run` for files"
            );
            let violation = Violation::new(field, "not_allowed", detail)
                .with("allowed", serde_json::json!([]))
                .with("got", path.as_str());
            Broken { violation, fields: [field, field] }
        })
        .collect()
}

/// What the reference system cannot do with the method `slope`.
fn reference_cannot(config: &LabellingConfig) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut refuse = |field: &'static str, got: serde_json::Value, what: &str| {
        let detail = format!(
            "wanted what the reference system can do; found the method 'slope' with {what}, on which it fails. Use \
             truth = \"corrected\", where it works"
        );
        let violation = Violation::new(field, "not_allowed", detail)
            .with("allowed", serde_json::json!([]))
            .with("got", got);
        broken.push(Broken { violation, fields: ["/truth", field] });
    };
    // The middle is the one threshold that was meant; exactly 0 is the one case that does not divide by zero.
    let low = config.slope_low.min(config.slope_high).min(0.0);
    let high = config.slope_low.max(config.slope_high).max(0.0);
    if config.label_count == 2 && (low + high).abs() > 0.0 {
        refuse("/label_count", 2.into(), "two labels");
    }
    if config.merge_threshold.is_some() && config.merge_label_gap_max.is_some() {
        refuse(
            "/merge_label_gap_max",
            config.merge_label_gap_max.into(),
            "a limit on the labels of merged segments",
        );
    }
    broken
}
