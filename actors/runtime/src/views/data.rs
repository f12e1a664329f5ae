//! Data sets as the world is shown them: what they are, their charts, their quality, their rows, who uses them.

use engine::config::{SessionKind, Violation};
use engine::ids::{DatasetId, SessionId};
use engine::market::Transformation;
use engine::market::parse::{DataKind, Detection};
use engine::market::quality::{Check, SegmentRole, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SessionState;

/// A data set and its snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DatasetView {
    /// Identifier.
    pub id: DatasetId,
    /// Name, unique.
    pub name: String,
    /// `bars`, `panel`, `trades` or `book`.
    pub kind: String,
    /// Instrument, as written in the file or given at import; of several their number.
    pub instrument: String,
    /// Names of the instruments, at most 200.
    #[serde(default)]
    pub instruments: Vec<String>,
    /// How many instruments there are.
    #[serde(default)]
    pub instrument_count: u32,
    /// Usual distance of two bars, seconds; 0 for trades and order books.
    pub interval_seconds: f64,
    /// Bars of all instruments, trades or order books.
    pub rows: u64,
    /// First row, RFC 3339 UTC.
    pub from: String,
    /// Last row, RFC 3339 UTC.
    pub to: String,
    /// SHA-256 of the snapshot, lower-case hexadecimal.
    pub sha256: String,
    /// Size of the snapshot.
    pub size_bytes: u64,
    /// Where it came from (file name, `synthetic seed 7`).
    pub source: String,
    /// Made by the engine's synthetic market.
    pub synthetic: bool,
    /// Columns of the snapshot.
    pub columns: Vec<String>,
    /// Things a reader should know (gaps, outliers); not errors.
    pub warnings: Vec<String>,
    /// How the file was written (`yahoo`, `binance_klines`, …); absent where there was none.
    #[serde(default)]
    pub dialect: Option<String>,
    /// Levels a side of an order book.
    #[serde(default)]
    pub levels: Option<u32>,
    /// What was noted while reading.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Cells that an alignment filled.
    #[serde(default)]
    pub filled: u64,
    /// Whether a value may depend on what came after it: results on it are not tradable.
    #[serde(default)]
    pub looks_ahead: bool,
    /// What was done between source and snapshot, in order.
    #[serde(default)]
    pub transformations: Vec<Transformation>,
    /// Snapshot that it was made of; absent where it came from outside.
    #[serde(default)]
    pub parent_sha256: Option<String>,
    /// RFC 3339 UTC.
    pub created_at: String,
    /// Counts changes; `ETag`.
    pub revision: u64,
}

/// Binned rows for a chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BarsView {
    /// Rows per returned bar.
    pub stride: u32,
    /// What the rows are.
    pub kind: DataKind,
    /// The instrument that is shown.
    pub instrument: String,
    /// The instruments to choose from, at most 200.
    pub instruments: Vec<String>,
    /// Milliseconds since 1970 UTC.
    pub times_ms: Vec<f64>,
    /// Quote currency; of an order book the middle between best bid and best ask.
    pub open: Vec<f64>,
    /// Quote currency.
    pub high: Vec<f64>,
    /// Quote currency.
    pub low: Vec<f64>,
    /// Quote currency.
    pub close: Vec<f64>,
    /// Units; absent where the source had none.
    pub volume: Option<Vec<f64>>,
    /// Best bid at the end of each bin; order books only.
    pub bid: Option<Vec<f64>>,
    /// Best ask at the end of each bin; order books only.
    pub ask: Option<Vec<f64>>,
    /// Mean difference of best ask and best bid, quote currency; order books only.
    pub spread: Option<Vec<f64>>,
}

/// What there is to know about data before relying on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QualityView {
    /// The data set; absent for a file.
    pub dataset_id: Option<DatasetId>,
    /// Its snapshot; absent for a file.
    pub sha256: Option<String>,
    /// What rows are.
    pub kind: DataKind,
    /// Number of instruments.
    pub instrument_count: u64,
    /// Number of rows.
    pub rows: u64,
    /// First time, RFC 3339 UTC.
    pub from: Option<String>,
    /// Last time, RFC 3339 UTC.
    pub to: Option<String>,
    /// Usual distance of two bars, seconds; absent for trades and order books.
    pub interval_seconds: Option<f64>,
    /// 100 without findings, less what each takes away; at least 0.
    pub score: f64,
    /// The gravest severity; absent without findings.
    pub worst: Option<Severity>,
    /// The calendar that the data was compared with; absent without one.
    pub calendar: Option<String>,
    /// What was found, the gravest first.
    pub findings: Vec<FindingView>,
    /// The segments that were checked; none without a split.
    pub segments: Vec<SegmentView>,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingView {
    /// What was looked at.
    pub code: Check,
    /// How much it matters.
    pub severity: Severity,
    /// How many rows are concerned; 0 where it is the data as a whole.
    pub count: u64,
    /// What was found, in one sentence.
    pub detail: String,
    /// The first rows concerned, at most 20.
    pub examples: Vec<ExampleView>,
    /// The instruments concerned, at most 40; none where it is all.
    pub instruments: Vec<String>,
}

/// One row that a finding concerns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExampleView {
    /// Row of the instrument, from 0.
    pub row: u64,
    /// Its time, RFC 3339 UTC.
    pub time: Option<String>,
    /// The instrument, where there are several.
    pub instrument: Option<String>,
}

/// One segment of a split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentView {
    /// What it is used for.
    pub role: SegmentRole,
    /// First time, RFC 3339 UTC.
    pub from: String,
    /// Last time, RFC 3339 UTC.
    pub to: String,
    /// Rows in it.
    pub rows: u64,
}

/// The first and the last rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PreviewView {
    /// All rows.
    pub rows: u64,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The first rows, cell by cell as text; absent cells are `null`.
    pub first: Vec<Vec<Option<String>>>,
    /// The last rows; none of them is among the first.
    pub last: Vec<Vec<Option<String>>>,
    /// Row of the first of `last`, from 0.
    pub first_row_of_last: u64,
}

/// Who uses a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConsumersView {
    /// Sessions that refer to it, ended ones included.
    pub session_count: u64,
    /// The newest of them, at most 100.
    pub sessions: Vec<ConsumerView>,
    /// Data sets made of the same snapshot.
    pub datasets: Vec<DerivedView>,
    /// Data sets that hold the snapshot it was made of; none where it came from outside, or where all were removed.
    #[serde(default)]
    pub made_of: Vec<DerivedView>,
}

/// Whether a data set is still what was imported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VerificationView {
    /// SHA-256 of the snapshot as it was imported.
    pub sha256: String,
    /// Its size as it was imported.
    pub size_bytes: u64,
    /// Its rows as they were imported.
    pub rows: u64,
    /// Whether all is well.
    pub ok: bool,
    /// What was found.
    pub found: VerifiedAs,
    /// The same in one sentence.
    pub detail: String,
    /// How to repair it; empty where all is well.
    pub next: String,
}

/// What a check of a snapshot finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifiedAs {
    /// Hash, size, kind and rows are those of the catalogue, and every value can be read.
    Good,
    /// It is on no node that can be reached.
    Missing,
    /// Its hash is another one: the file was changed or the disk is failing.
    Damaged,
    /// Its hash is right and it cannot be decoded.
    Unreadable,
    /// It can be decoded and is not what the catalogue says.
    Different,
}

/// A session that uses a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConsumerView {
    /// Identifier.
    pub id: SessionId,
    /// Name.
    pub name: String,
    /// What it does.
    pub kind: SessionKind,
    /// Where it is in its life.
    pub state: SessionState,
    /// RFC 3339 UTC.
    pub created_at: String,
}

/// A data set made of another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DerivedView {
    /// Identifier.
    pub id: DatasetId,
    /// Name.
    pub name: String,
}

/// What an import of a file would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InspectionView {
    /// Name of the file.
    pub file: String,
    /// `csv`, `parquet`, or `dataset` where another data set is looked at.
    pub format: String,
    /// Whether it can be imported as it is.
    pub ok: bool,
    /// How it is written, as far as that could be told.
    pub detection: Option<Detection>,
    /// Its first rows as they stand in it; absent for Parquet and JSON lines.
    pub source: Option<SourceHeadView>,
    /// What would be stored; absent where it cannot be imported.
    pub data: Option<InspectedView>,
    /// What was noted while reading.
    pub notes: Vec<String>,
    /// Things a reader should know; not errors.
    pub warnings: Vec<String>,
    /// Why it cannot be imported.
    pub errors: Vec<Violation>,
}

/// The beginning of a file as it stands in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceHeadView {
    /// Names in the header; numbers from 1 where there is none.
    pub columns: Vec<String>,
    /// At most five rows.
    pub rows: Vec<Vec<String>>,
}

/// What an import would store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InspectedView {
    /// What rows are.
    pub kind: DataKind,
    /// Names of the instruments, at most 200.
    pub instruments: Vec<String>,
    /// How many there are.
    pub instrument_count: u64,
    /// Levels a side of an order book.
    pub levels: Option<u32>,
    /// Number of rows.
    pub rows: u64,
    /// First row, RFC 3339 UTC.
    pub from: String,
    /// Last row, RFC 3339 UTC.
    pub to: String,
    /// Usual distance of two bars, seconds; absent for trades and order books.
    pub interval_seconds: Option<f64>,
    /// Cells that an alignment would fill.
    pub filled: u64,
    /// Whether a value may depend on what came after it.
    pub looks_ahead: bool,
    /// What would be done to it, in order.
    pub transformations: Vec<Transformation>,
    /// Names of the columns of `head`.
    pub columns: Vec<String>,
    /// At most five rows, cell by cell as text; absent cells are `null`.
    pub head: Vec<Vec<Option<String>>>,
}
