//! A data set's immutable snapshot: bars as Parquet bytes, and the manifest that describes them.
//!
//! Equal bars give equal bytes and therefore one hash: plain encoding, no compression, no dictionary, no statistics,
//! no time of writing. Addressed by SHA-256 of the bytes. Other kinds of data have layouts of their own in `kinds`.

mod describe;
mod kinds;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::reader::FileReader;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bar::{BarSeries, show_time};
use super::error::{DataError, DataErrorKind, Fault};
use super::parse::parquet::{drain, guarded, open};
use super::quality;
use crate::digest::sha256;

pub use describe::{SnapshotManifest, describe};
pub use kinds::{Stored, decode_any, encode_any, is_snapshot};

/// Layout of the snapshot, in its metadata. A change of layout is a new name.
const FORMAT: &str = "tm-bars-1";
/// Bars per row group.
const GROUP_BARS: usize = 1 << 20;
const PRICES: [&str; 5] = ["open", "high", "low", "close", "adjusted_close"];
/// How errors call the file.
const FILE: &str = "snapshot";

/// What a snapshot holds and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Layout of the snapshot.
    pub format: String,
    /// What its rows are: `bars`.
    pub kind: String,
    /// The instrument.
    pub instrument: String,
    /// Columns of the snapshot.
    pub columns: Vec<String>,
    /// Bars.
    pub rows: u32,
    /// First bar, RFC 3339 UTC.
    pub from: String,
    /// Last bar, RFC 3339 UTC.
    pub to: String,
    /// Usual distance of two bars, seconds.
    pub interval_seconds: f64,
    /// SHA-256 of the snapshot, lower-case hexadecimal.
    pub sha256: String,
    /// Size of the snapshot.
    pub size_bytes: u64,
    /// Where it came from (file name, `synthetic seed 7`).
    pub source: String,
    /// Made by the synthetic market. Shown wherever a number is shown.
    pub synthetic: bool,
    /// Things a reader should know (gaps, outliers); not errors.
    pub warnings: Vec<String>,
}

/// Describes a series and the snapshot that [`encode`] made of it.
#[must_use]
pub fn manifest(series: &BarSeries, snapshot: &[u8], source: &str, synthetic: bool) -> Manifest {
    let time = |time: Option<&i64>| time.map(|time| show_time(*time)).unwrap_or_default();
    Manifest {
        format: FORMAT.to_owned(),
        kind: "bars".to_owned(),
        instrument: series.instrument.clone(),
        columns: columns(series.volume.is_some()),
        rows: u32::try_from(series.len()).unwrap_or(u32::MAX),
        from: time(series.time_ms.first()),
        to: time(series.time_ms.last()),
        interval_seconds: series.interval_seconds,
        sha256: sha256(snapshot),
        size_bytes: snapshot.len() as u64,
        source: source.to_owned(),
        synthetic,
        warnings: quality::inspect(series),
    }
}

/// Returns the series as Parquet. Equal series give equal bytes.
///
/// # Errors
/// Refuses a series that [`BarSeries::validate`] refuses.
pub fn encode(series: &BarSeries) -> Result<Vec<u8>, DataError> {
    series.validate()?;
    write(series).map_err(|error| {
        let fault = Fault::new(
            "to write the snapshot",
            error.to_string(),
            "This is a fault of the program; report it",
        );
        DataError::new(FILE, DataErrorKind::Snapshot, fault)
    })
}

fn columns(has_volume: bool) -> Vec<String> {
    let names = ["time_ms"].into_iter().chain(PRICES).chain(has_volume.then_some("volume"));
    names.map(str::to_owned).collect()
}

fn write(series: &BarSeries) -> Result<Vec<u8>, ParquetError> {
    let volume = if series.volume.is_some() { "required double volume;" } else { "" };
    let prices: String = PRICES.iter().map(|name| format!("required double {name}; ")).collect();
    let schema = format!(
        "message bars {{ required int64 time_ms (TIMESTAMP(MILLIS,true)); {prices}{volume} }}"
    );
    let schema = Arc::new(parse_message_type(&schema)?);
    let pair = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(FORMAT.to_owned())
        .set_compression(Compression::UNCOMPRESSED)
        .set_encoding(Encoding::PLAIN)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_key_value_metadata(Some(vec![
            pair("format", FORMAT.to_owned()),
            pair("instrument", series.instrument.clone()),
            pair("interval_seconds", series.interval_seconds.to_string()),
        ]))
        .build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties))?;
    let mut start = 0;
    while start < series.len() {
        let end = series.len().min(start + GROUP_BARS);
        let mut group = writer.next_row_group()?;
        column::<Int64Type>(&mut group, &series.time_ms[start..end])?;
        for prices in
            [&series.open, &series.high, &series.low, &series.close, &series.adjusted_close]
        {
            column::<DoubleType>(&mut group, &prices[start..end])?;
        }
        if let Some(volume) = &series.volume {
            column::<DoubleType>(&mut group, &volume[start..end])?;
        }
        group.close()?;
        start = end;
    }
    writer.close()?;
    Ok(bytes)
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: &[T::T],
) -> Result<(), ParquetError> {
    let Some(mut writer) = group.next_column()? else {
        return Err(ParquetError::General("the schema has too few columns".to_owned()));
    };
    writer.typed::<T>().write_batch(values, None, None)?;
    writer.close()
}

/// Returns the series that [`encode`] wrote, checked again.
///
/// # Errors
/// Refuses bytes that are not such a snapshot.
pub fn decode(bytes: Bytes) -> Result<BarSeries, DataError> {
    guarded(FILE, || read(bytes))
        .map_err(|error| DataError { kind: DataErrorKind::Snapshot, ..error })
}

fn read(bytes: Bytes) -> Result<BarSeries, DataError> {
    let reader = open(bytes, FILE)?;
    let file = reader.metadata().file_metadata();
    let pairs = file.key_value_metadata().map(Vec::as_slice).unwrap_or_default();
    let pairs: BTreeMap<&str, &str> =
        pairs.iter().filter_map(|pair| Some((pair.key.as_str(), pair.value.as_deref()?))).collect();
    let stated = |key: &str| pairs.get(key).copied().unwrap_or_default();
    if stated("format") != FORMAT {
        return Err(broken(&format!("the format {FORMAT}"), &format!("'{}'", stated("format"))));
    }
    let schema = file.schema_descr();
    let names: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
    let has_volume = names.len() == columns(true).len();
    if names != columns(has_volume) {
        return Err(broken("the columns of a snapshot", &names.join(", ")));
    }
    let mut series = BarSeries {
        instrument: stated("instrument").to_owned(),
        interval_seconds: stated("interval_seconds").parse().unwrap_or(f64::NAN),
        volume: has_volume.then(Vec::new),
        ..BarSeries::default()
    };
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|error| fault_of(&error))?;
        for position in 0..names.len() {
            let column = group.get_column_reader(position).map_err(|error| fault_of(&error))?;
            append(&mut series, position, column, &schema.column(position))?;
        }
    }
    series.validate()?;
    Ok(series)
}

fn append(
    series: &mut BarSeries,
    position: usize,
    column: ColumnReader,
    descriptor: &parquet::schema::types::ColumnDescriptor,
) -> Result<(), DataError> {
    let absent = || broken("a value in every row", "a missing one");
    let ColumnReader::DoubleColumnReader(column) = column else {
        let ColumnReader::Int64ColumnReader(column) = column else {
            return Err(broken("whole numbers and doubles", "another type"));
        };
        if position != 0 {
            return Err(broken("doubles", "whole numbers"));
        }
        let times =
            drain(column, descriptor, |time: i64| time).map_err(|error| fault_of(&error))?;
        series.time_ms.extend(times.into_iter().collect::<Option<Vec<i64>>>().ok_or_else(absent)?);
        return Ok(());
    };
    let values = drain(column, descriptor, |value: f64| value).map_err(|error| fault_of(&error))?;
    let values = values.into_iter().collect::<Option<Vec<f64>>>().ok_or_else(absent)?;
    let target = match position {
        1 => Some(&mut series.open),
        2 => Some(&mut series.high),
        3 => Some(&mut series.low),
        4 => Some(&mut series.close),
        5 => Some(&mut series.adjusted_close),
        6 => series.volume.as_mut(),
        _ => None,
    };
    target.ok_or_else(|| broken("whole numbers", "doubles"))?.extend(values);
    Ok(())
}

fn fault_of(error: &ParquetError) -> DataError {
    broken("a readable snapshot", &error.to_string())
}

fn broken(wanted: &str, found: &str) -> DataError {
    let fault = Fault::new(
        wanted,
        found,
        "The stored file is damaged or of another program: import the data again",
    );
    DataError::new(FILE, DataErrorKind::Snapshot, fault)
}
