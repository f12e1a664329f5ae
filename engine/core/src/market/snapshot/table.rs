//! Columns ↔ Parquet bytes, the same bytes for the same columns: plain encoding, no compression, no dictionary, no
//! statistics, no time of writing. Knows nothing of what the columns mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::reader::FileReader;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::{broken, fault_of};
use crate::market::error::DataError;
use crate::market::parse::parquet::{drain, open};

/// Rows per row group.
const GROUP_ROWS: usize = 1 << 20;
/// Key of the names that text columns hold.
pub(super) const INSTRUMENTS: &str = "instruments";

/// What a column to be written holds, one value per row.
pub(super) enum Values<'a> {
    /// Milliseconds since 1970 UTC.
    TimesMs(&'a [i64]),
    /// Microseconds since 1970 UTC.
    TimesUs(&'a [i64]),
    Doubles(&'a [f64]),
    /// Doubles of which some are absent.
    Optional(&'a [Option<f64>]),
    Small(&'a [i32]),
    Flags(&'a [bool]),
    /// Positions in a list of names.
    Names(&'a [usize], &'a [String]),
}

impl Values<'_> {
    fn declaration(&self, name: &str) -> String {
        match self {
            Self::TimesMs(_) => format!("required int64 {name} (TIMESTAMP(MILLIS,true)); "),
            Self::TimesUs(_) => format!("required int64 {name} (TIMESTAMP(MICROS,true)); "),
            Self::Doubles(_) => format!("required double {name}; "),
            Self::Optional(_) => format!("optional double {name}; "),
            Self::Small(_) => format!("required int32 {name}; "),
            Self::Flags(_) => format!("required boolean {name}; "),
            Self::Names(..) => format!("required binary {name} (STRING); "),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::TimesMs(values) | Self::TimesUs(values) => values.len(),
            Self::Doubles(values) => values.len(),
            Self::Optional(values) => values.len(),
            Self::Small(values) => values.len(),
            Self::Flags(values) => values.len(),
            Self::Names(values, _) => values.len(),
        }
    }

    fn write(
        &self,
        rows: std::ops::Range<usize>,
        group: &mut Group<'_, '_>,
    ) -> Result<(), ParquetError> {
        match self {
            Self::TimesMs(values) | Self::TimesUs(values) => {
                column::<Int64Type>(group, &values[rows], None)
            }
            Self::Doubles(values) => column::<DoubleType>(group, &values[rows], None),
            Self::Optional(values) => {
                let values = &values[rows];
                let levels: Vec<i16> =
                    values.iter().map(|value| i16::from(value.is_some())).collect();
                let there: Vec<f64> = values.iter().flatten().copied().collect();
                column::<DoubleType>(group, &there, Some(&levels))
            }
            Self::Small(values) => column::<Int32Type>(group, &values[rows], None),
            Self::Flags(values) => column::<BoolType>(group, &values[rows], None),
            Self::Names(values, names) => {
                let names: Vec<ByteArray> =
                    names.iter().map(|name| ByteArray::from(name.as_bytes().to_vec())).collect();
                let values: Vec<ByteArray> =
                    values[rows].iter().filter_map(|index| names.get(*index).cloned()).collect();
                column::<ByteArrayType>(group, &values, None)
            }
        }
    }
}

type Group<'w, 'b> = SerializedRowGroupWriter<'w, &'b mut Vec<u8>>;

fn column<T: DataType>(
    group: &mut Group<'_, '_>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut writer) = group.next_column()? else {
        return Err(ParquetError::General("the schema has too few columns".to_owned()));
    };
    writer.typed::<T>().write_batch(values, levels, None)?;
    writer.close()
}

/// Returns the columns as Parquet, with `pairs` in the metadata in the order given.
///
/// # Errors
/// Tells when the library cannot write them.
pub(super) fn write(
    format: &str,
    pairs: &[(&str, String)],
    columns: &[(String, Values<'_>)],
) -> Result<Vec<u8>, ParquetError> {
    let declared: String = columns.iter().map(|(name, values)| values.declaration(name)).collect();
    let schema = Arc::new(parse_message_type(&format!("message rows {{ {declared} }}"))?);
    let pair = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    let metadata = std::iter::once(pair("format", format))
        .chain(pairs.iter().map(|(key, value)| pair(key, value)))
        .collect();
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(format.to_owned())
        .set_compression(Compression::UNCOMPRESSED)
        .set_encoding(Encoding::PLAIN)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_key_value_metadata(Some(metadata))
        .build();
    let rows = columns.first().map_or(0, |(_, values)| values.len());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties))?;
    for start in (0..rows).step_by(GROUP_ROWS) {
        let mut group = writer.next_row_group()?;
        for (_, values) in columns {
            values.write(start..rows.min(start + GROUP_ROWS), &mut group)?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(bytes)
}

/// A column that was read.
#[derive(Debug)]
pub(super) enum Loaded {
    /// Whole numbers; for text the position in the list of names.
    Wholes(Vec<i64>),
    Doubles(Vec<Option<f64>>),
    Flags(Vec<bool>),
}

/// A table that was read.
#[derive(Debug)]
pub(super) struct LoadedTable {
    pub(super) pairs: BTreeMap<String, String>,
    pub(super) names: Vec<String>,
    columns: BTreeMap<String, Loaded>,
}

/// Returns the format that a snapshot states.
///
/// # Errors
/// Refuses what is no Parquet.
pub(super) fn format_of(bytes: Bytes) -> Result<String, DataError> {
    let reader = open(bytes, super::FILE)?;
    let pairs = reader.metadata().file_metadata().key_value_metadata();
    let stated = pairs.into_iter().flatten().find(|pair| pair.key == "format");
    Ok(stated.and_then(|pair| pair.value.clone()).unwrap_or_default())
}

impl LoadedTable {
    /// Reads a table that states `format`.
    ///
    /// # Errors
    /// Refuses what is no such table.
    pub(super) fn read(bytes: Bytes, format: &str) -> Result<Self, DataError> {
        let reader = open(bytes, super::FILE)?;
        let file = reader.metadata().file_metadata();
        let pairs: BTreeMap<String, String> = file
            .key_value_metadata()
            .into_iter()
            .flatten()
            .filter_map(|pair| Some((pair.key.clone(), pair.value.clone()?)))
            .collect();
        let stated = pairs.get("format").map(String::as_str).unwrap_or_default();
        if stated != format {
            return Err(broken(&format!("the format {format}"), &format!("'{stated}'")));
        }
        let instruments: Vec<String> = pairs
            .get(INSTRUMENTS)
            .map_or(Ok(Vec::new()), |text| serde_json::from_str(text))
            .map_err(|error| broken("a list of instruments", &error.to_string()))?;
        let index: BTreeMap<&[u8], i64> =
            instruments.iter().map(String::as_bytes).zip(0_i64..).collect();
        let schema = file.schema_descr();
        let names: Vec<String> =
            schema.columns().iter().map(|column| column.path().string()).collect();
        let mut columns: BTreeMap<String, Loaded> = BTreeMap::new();
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).map_err(|error| fault_of(&error))?;
            for (position, name) in names.iter().enumerate() {
                let column = group.get_column_reader(position).map_err(|error| fault_of(&error))?;
                let descriptor = schema.column(position);
                if 0 < descriptor.max_rep_level() {
                    return Err(broken("one value in every row", "a list"));
                }
                let loaded = load(column, &descriptor, &index)?;
                match columns.get_mut(name) {
                    Some(before) => before.append(loaded)?,
                    None => drop(columns.insert(name.clone(), loaded)),
                }
            }
        }
        Ok(Self { pairs, names, columns })
    }

    /// Takes a column of whole numbers.
    ///
    /// # Errors
    /// Refuses when it is absent or of another type.
    pub(super) fn wholes(&mut self, name: &str) -> Result<Vec<i64>, DataError> {
        match self.columns.remove(name) {
            Some(Loaded::Wholes(values)) => Ok(values),
            Some(Loaded::Doubles(_) | Loaded::Flags(_)) | None => Err(other(name)),
        }
    }

    /// Takes a column of doubles, none of them absent.
    ///
    /// # Errors
    /// Refuses when it is absent or of another type.
    pub(super) fn doubles(&mut self, name: &str) -> Result<Vec<f64>, DataError> {
        let values = self.optional(name)?.into_iter().collect::<Option<Vec<f64>>>();
        values.ok_or_else(|| broken("a value in every row", &format!("a missing one in '{name}'")))
    }

    /// Takes a column of doubles.
    ///
    /// # Errors
    /// Refuses when it is absent or of another type.
    pub(super) fn optional(&mut self, name: &str) -> Result<Vec<Option<f64>>, DataError> {
        match self.columns.remove(name) {
            Some(Loaded::Doubles(values)) => Ok(values),
            Some(Loaded::Wholes(_) | Loaded::Flags(_)) | None => Err(other(name)),
        }
    }

    /// Takes a column of true and false.
    ///
    /// # Errors
    /// Refuses when it is absent or of another type.
    pub(super) fn flags(&mut self, name: &str) -> Result<Vec<bool>, DataError> {
        match self.columns.remove(name) {
            Some(Loaded::Flags(values)) => Ok(values),
            Some(Loaded::Wholes(_) | Loaded::Doubles(_)) | None => Err(other(name)),
        }
    }
}

fn other(name: &str) -> DataError {
    broken(&format!("the column '{name}'"), "none, or one of another type")
}

impl Loaded {
    fn append(&mut self, more: Self) -> Result<(), DataError> {
        match (self, more) {
            (Self::Wholes(values), Self::Wholes(more)) => values.extend(more),
            (Self::Doubles(values), Self::Doubles(more)) => values.extend(more),
            (Self::Flags(values), Self::Flags(more)) => values.extend(more),
            (Self::Wholes(_) | Self::Doubles(_) | Self::Flags(_), _) => {
                return Err(broken("one type per column", "two"));
            }
        }
        Ok(())
    }
}

fn load(
    column: ColumnReader,
    descriptor: &parquet::schema::types::ColumnDescriptor,
    index: &BTreeMap<&[u8], i64>,
) -> Result<Loaded, DataError> {
    let absent = || broken("a value in every row", "a missing one");
    let whole = |values: Result<Vec<Option<i64>>, ParquetError>| {
        let values = values.map_err(|error| fault_of(&error))?;
        Ok(Loaded::Wholes(values.into_iter().collect::<Option<Vec<i64>>>().ok_or_else(absent)?))
    };
    match column {
        ColumnReader::Int64ColumnReader(column) => whole(drain(column, descriptor, |value| value)),
        ColumnReader::Int32ColumnReader(column) => whole(drain(column, descriptor, i64::from)),
        ColumnReader::ByteArrayColumnReader(column) => {
            let position = |value: ByteArray| index.get(value.data()).copied().unwrap_or(-1);
            whole(drain(column, descriptor, position))
        }
        ColumnReader::DoubleColumnReader(column) => {
            let values = drain(column, descriptor, |value: f64| value);
            Ok(Loaded::Doubles(values.map_err(|error| fault_of(&error))?))
        }
        ColumnReader::BoolColumnReader(column) => {
            let values = drain(column, descriptor, |value: bool| value);
            let values = values.map_err(|error| fault_of(&error))?;
            Ok(Loaded::Flags(values.into_iter().collect::<Option<Vec<bool>>>().ok_or_else(absent)?))
        }
        ColumnReader::FloatColumnReader(_)
        | ColumnReader::Int96ColumnReader(_)
        | ColumnReader::FixedLenByteArrayColumnReader(_) => {
            Err(broken("whole numbers, doubles, text or flags", "another type"))
        }
    }
}
