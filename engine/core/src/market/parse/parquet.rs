//! Parquet → bars, bound by column names as CSV is.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use parquet::basic::{Compression, ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::assemble::{Assembler, Cell, TakeRows};
use super::mapping::{CsvMapping, Header, Roles, shorten};
use super::panel::Collector;
use super::{BYTES_MAX, COLUMNS_MAX, ROWS_MAX};
use crate::market::bar::BarSeries;
use crate::market::error::{DataError, DataErrorKind, Fault};

const MS_PER_DAY: i64 = 86_400_000;
/// Longest text of a cell: a time or the name of an instrument.
const TEXT_BYTES_MAX: usize = 256;
/// Most bytes that a file may say it holds when it is unpacked.
const UNPACKED_BYTES_MAX: i64 = 4 << 30;

/// Reads the bars of one instrument from a flat Parquet table, uncompressed or compressed with Snappy.
///
/// # Errors
/// Refuses the first thing that is not good, with row (from 1) and column; then nothing is imported.
pub fn parse(bytes: Bytes, file_name: &str, mapping: &CsvMapping) -> Result<BarSeries, DataError> {
    refuse_size(&bytes, file_name)?;
    guarded(file_name, || {
        let source = Source::open(bytes, file_name)?;
        let header = source.header();
        let mut assembler = Assembler::new(&header, mapping, false)?;
        source.feed(&mut assembler)?;
        assembler.finish()
    })
}

/// Reads the bars of every instrument, in the order in which the file names them first.
///
/// # Errors
/// As [`parse`] does.
pub(super) fn parse_many(
    bytes: Bytes,
    file_name: &str,
    mapping: &CsvMapping,
) -> Result<Vec<BarSeries>, DataError> {
    refuse_size(&bytes, file_name)?;
    guarded(file_name, || {
        let source = Source::open(bytes, file_name)?;
        let header = source.header();
        let mut collector = Collector::new(&header, mapping, false)?;
        source.feed(&mut collector)?;
        collector.finish()
    })
}

fn refuse_size(bytes: &Bytes, file: &str) -> Result<(), DataError> {
    if bytes.len() as u64 <= BYTES_MAX {
        return Ok(());
    }
    let wanted = format!("at most {} MiB", BYTES_MAX >> 20);
    let fault = Fault::new(wanted, "more", "Import the file in parts");
    Err(DataError::new(file, DataErrorKind::TooLarge, fault))
}

/// Runs `read` over untrusted bytes. The decoder has panics for malformed pages; here each is an error.
///
/// # Errors
/// Returns the error of `read`, or one about a malformed file.
pub(crate) fn guarded<T>(
    file: &str,
    read: impl FnOnce() -> Result<T, DataError>,
) -> Result<T, DataError> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(unreadable(file, "its pages contradict each other")))
}

/// An opened table.
struct Source<'f> {
    reader: SerializedFileReader<Bytes>,
    names: Vec<String>,
    file: &'f str,
}

impl<'f> Source<'f> {
    fn open(bytes: Bytes, file: &'f str) -> Result<Self, DataError> {
        let reader = open(bytes, file)?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let names = schema.columns().iter().map(|column| column.path().string()).collect();
        Ok(Self { reader, names, file })
    }

    fn header(&self) -> Header<'_> {
        Header { file: self.file, names: &self.names, line: None, clock: None }
    }

    /// Gives every row to `taker`.
    fn feed(&self, taker: &mut impl TakeRows) -> Result<(), DataError> {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let wanted = positions(taker.roles());
        let mut row = 0_u64;
        for group in 0..self.reader.num_row_groups() {
            let mut columns: Vec<Option<Column>> = (0..self.names.len()).map(|_| None).collect();
            let group_reader = self
                .reader
                .get_row_group(group)
                .map_err(|error| decode_error(self.file, &error))?;
            let row_count = group_reader.metadata().num_rows();
            for position in &wanted {
                let descriptor = schema.column(*position);
                let column = group_reader
                    .get_column_reader(*position)
                    .map_err(|error| decode_error(self.file, &error))?;
                columns[*position] = Some(Column::read(column, &descriptor, self.file)?);
            }
            let row_count = usize::try_from(row_count).unwrap_or(usize::MAX);
            if columns.iter().flatten().any(|column| column.len() != row_count) {
                return Err(unreadable(self.file, "its columns differ in length"));
            }
            for index in 0..row_count {
                row += 1;
                taker.row(row, |position| {
                    columns[position].as_ref().map_or(Cell::Missing, |column| column.cell(index))
                })?;
            }
        }
        Ok(())
    }
}

/// Opens a Parquet file and checks how much it claims to hold.
///
/// # Errors
/// Refuses what is no Parquet and what is too large.
pub(crate) fn open(bytes: Bytes, file: &str) -> Result<SerializedFileReader<Bytes>, DataError> {
    let reader = SerializedFileReader::new(bytes).map_err(|error| decode_error(file, &error))?;
    let rows: i64 = reader
        .metadata()
        .row_groups()
        .iter()
        .map(|group| group.num_rows().max(0))
        .fold(0, i64::saturating_add);
    refuse_compression(reader.metadata(), file)?;
    refuse_unpacked(reader.metadata(), file)?;
    let columns = reader.metadata().file_metadata().schema_descr().num_columns();
    if COLUMNS_MAX < columns {
        let next = "Export only the columns that are needed";
        let fault = Fault::new(format!("at most {COLUMNS_MAX} columns"), columns.to_string(), next);
        return Err(DataError::new(file, DataErrorKind::TooLarge, fault));
    }
    if usize::try_from(rows).is_ok_and(|rows| rows <= ROWS_MAX) {
        return Ok(reader);
    }
    let fault = Fault::new(
        format!("at most {ROWS_MAX} rows"),
        rows.to_string(),
        "Import the file in parts",
    );
    Err(DataError::new(file, DataErrorKind::TooLarge, fault))
}

/// Every compression is a library more; Snappy is what most programs write.
fn refuse_compression(metadata: &ParquetMetaData, file: &str) -> Result<(), DataError> {
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let compression = column.compression();
        if !matches!(compression, Compression::UNCOMPRESSED | Compression::SNAPPY) {
            let fault = Fault::new(
                "pages that are uncompressed or compressed with Snappy",
                compression.to_string(),
                "Write the file again with compression='snappy'",
            );
            let error = DataError::new(file, DataErrorKind::Unreadable, fault);
            return Err(error.in_column(&shorten(&column.column_path().string())));
        }
    }
    Ok(())
}

/// Refuses a file that says itself that it unpacks to more than is read.
fn refuse_unpacked(metadata: &ParquetMetaData, file: &str) -> Result<(), DataError> {
    let columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    let unpacked =
        columns.map(|column| column.uncompressed_size().max(0)).fold(0, i64::saturating_add);
    if unpacked <= UNPACKED_BYTES_MAX {
        return Ok(());
    }
    let fault = Fault::new(
        format!("at most {} MiB when unpacked", UNPACKED_BYTES_MAX >> 20),
        format!("{} MiB", unpacked >> 20),
        "Write only the columns that are needed, or import the file in parts",
    );
    Err(DataError::new(file, DataErrorKind::TooLarge, fault))
}

/// Refuses long text and what is no text. A value that stands once in the file may be repeated in every row: it is not
/// copied, and what is copied from it later is short.
fn texts(
    values: Vec<Option<ByteArray>>,
    descriptor: &ColumnDescriptor,
    file: &str,
) -> Result<Column, DataError> {
    for (index, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        let found = if TEXT_BYTES_MAX < value.len() {
            format!("one of {} bytes", value.len())
        } else if value.as_utf8().is_err() {
            "bytes that are not UTF-8".to_owned()
        } else {
            continue;
        };
        let fault = Fault::new(
            format!("text of at most {TEXT_BYTES_MAX} bytes"),
            found,
            "Map another column, or write this one as text",
        );
        let row = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
        let error = DataError::new(file, DataErrorKind::Cell, fault);
        return Err(error.at_line(row).in_column(&shorten(descriptor.name())));
    }
    Ok(Column::Texts(values))
}

fn positions(roles: &Roles) -> Vec<usize> {
    let needed = [roles.time, roles.open, roles.high, roles.low, roles.close];
    let optional = [roles.clock, roles.adjusted_close, roles.volume, roles.instrument];
    needed.into_iter().chain(optional.into_iter().flatten()).collect()
}

/// One column of one row group.
enum Column {
    Numbers(Vec<Option<f64>>),
    Wholes(Vec<Option<i64>>),
    Times(Vec<Option<i64>>),
    Texts(Vec<Option<ByteArray>>),
}

impl Column {
    fn read(
        reader: ColumnReader,
        descriptor: &ColumnDescriptor,
        file: &str,
    ) -> Result<Self, DataError> {
        if descriptor.max_rep_level() > 0 {
            return Err(wrong_type(file, descriptor, "a list"));
        }
        let decode = |error: ParquetError| decode_error(file, &error).in_column(descriptor.name());
        match reader {
            ColumnReader::FloatColumnReader(reader) => Ok(Self::Numbers(
                drain(reader, descriptor, |value: f32| f64::from(value)).map_err(decode)?,
            )),
            ColumnReader::DoubleColumnReader(reader) => {
                Ok(Self::Numbers(drain(reader, descriptor, |value: f64| value).map_err(decode)?))
            }
            ColumnReader::Int32ColumnReader(reader) => {
                let values = drain(reader, descriptor, i64::from).map_err(decode)?;
                Self::of_integers(values, descriptor, file)
            }
            ColumnReader::Int64ColumnReader(reader) => {
                let values = drain(reader, descriptor, |value: i64| value).map_err(decode)?;
                Self::of_integers(values, descriptor, file)
            }
            ColumnReader::Int96ColumnReader(reader) => {
                let millis = |value: parquet::data_type::Int96| value.to_millis();
                Ok(Self::Times(drain(reader, descriptor, millis).map_err(decode)?))
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                let values = drain(reader, descriptor, |value: ByteArray| value).map_err(decode)?;
                texts(values, descriptor, file)
            }
            ColumnReader::BoolColumnReader(_) => {
                Err(wrong_type(file, descriptor, "true and false"))
            }
            ColumnReader::FixedLenByteArrayColumnReader(_) => {
                Err(wrong_type(file, descriptor, "bytes of fixed length (a decimal?)"))
            }
        }
    }

    /// Gives whole numbers the meaning that the schema states.
    fn of_integers(
        values: Vec<Option<i64>>,
        descriptor: &ColumnDescriptor,
        file: &str,
    ) -> Result<Self, DataError> {
        let scaled = |scale: fn(i64) -> i64| {
            Self::Times(values.iter().map(|value| value.map(scale)).collect())
        };
        let unit = if let Some(LogicalType::Timestamp(timestamp)) = descriptor.logical_type_ref() {
            Some(timestamp.unit)
        } else {
            None
        };
        match (unit, descriptor.converted_type()) {
            (Some(TimeUnit::MILLIS), _) | (None, ConvertedType::TIMESTAMP_MILLIS) => {
                Ok(Self::Times(values))
            }
            (Some(TimeUnit::MICROS), _) | (None, ConvertedType::TIMESTAMP_MICROS) => {
                Ok(scaled(|value| value.div_euclid(1000)))
            }
            (Some(TimeUnit::NANOS), _) => Ok(scaled(|value| value.div_euclid(1_000_000))),
            (None, ConvertedType::DATE) => Ok(scaled(|value| value.saturating_mul(MS_PER_DAY))),
            (None, ConvertedType::DECIMAL) => Err(wrong_type(file, descriptor, "decimals")),
            (None, _) => Ok(Self::Wholes(values)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Wholes(values) | Self::Times(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    fn cell(&self, index: usize) -> Cell<'_> {
        match self {
            Self::Numbers(values) => values[index].map_or(Cell::Missing, Cell::Number),
            Self::Wholes(values) => values[index].map_or(Cell::Missing, Cell::Whole),
            Self::Times(values) => values[index].map_or(Cell::Missing, Cell::TimeMs),
            Self::Texts(values) => {
                let text = values[index].as_ref().and_then(|value| value.as_utf8().ok());
                text.map_or(Cell::Missing, Cell::Text)
            }
        }
    }
}

/// Reads a flat column whole; an absent value is `None`.
pub(crate) fn drain<T: DataType, V>(
    mut reader: ColumnReaderImpl<T>,
    descriptor: &ColumnDescriptor,
    convert: impl Fn(T::T) -> V,
) -> Result<Vec<Option<V>>, ParquetError> {
    const BATCH: usize = 65_536;
    let present = descriptor.max_def_level();
    let mut column = Vec::new();
    loop {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let (records, _, _) = reader.read_records(BATCH, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Ok(column);
        }
        let mut values = values.into_iter().map(&convert);
        if present == 0 {
            column.extend(values.map(Some));
        } else {
            column.extend(
                levels.iter().map(|level| if *level == present { values.next() } else { None }),
            );
        }
        if ROWS_MAX < column.len() {
            return Err(ParquetError::General("more rows than the file states".to_owned()));
        }
    }
}

fn wrong_type(file: &str, descriptor: &ColumnDescriptor, found: &str) -> DataError {
    let fault = Fault::new(
        "numbers, times or text",
        found,
        "Convert the column to doubles, or map another one",
    );
    DataError::new(file, DataErrorKind::Cell, fault).in_column(descriptor.name())
}

fn decode_error(file: &str, error: &ParquetError) -> DataError {
    let text = error.to_string();
    let cut: String = text.chars().take(160).collect();
    unreadable(file, &cut)
}

fn unreadable(file: &str, why: &str) -> DataError {
    let fault = Fault::new(
        "a Parquet file",
        format!("one that cannot be read ({why})"),
        "Export the file again, or import it as format=csv if it is one",
    );
    DataError::new(file, DataErrorKind::Unreadable, fault)
}
