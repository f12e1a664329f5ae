//! The head of a text table: byte order mark, separator, and what is no text at all.

use std::io::{BufRead, BufReader, Chain, Cursor, Read, Take};

use super::BYTES_MAX;
use crate::market::error::{DataError, DataErrorKind, Fault};

/// Longest header line.
const HEADER_BYTES_MAX: u64 = 64 << 10;
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A table's text with its separator, read up to [`BYTES_MAX`].
pub(super) type Source<R> = Chain<Cursor<Vec<u8>>, Take<BufReader<R>>>;

/// Looks at the first line and returns a CSV reader over the whole text.
///
/// # Errors
/// Refuses an empty file and bytes that are no text.
pub(super) fn open<R: Read>(reader: R, file: &str) -> Result<csv::Reader<Source<R>>, DataError> {
    let mut reader = BufReader::new(reader).take(HEADER_BYTES_MAX);
    let mut head = Vec::new();
    reader.read_until(b'\n', &mut head).map_err(|error| read_error(file, &error))?;
    reader.set_limit(BYTES_MAX);
    if let Some(rest) = head.strip_prefix(b"\xef\xbb\xbf") {
        head = rest.to_vec();
    }
    refuse_other_formats(&head, file)?;
    if head.iter().all(u8::is_ascii_whitespace)
        && reader.fill_buf().map_err(|e| read_error(file, &e))?.is_empty()
    {
        let fault = Fault::new(
            "a header line and data",
            "an empty file",
            "Check that the export was complete",
        );
        return Err(DataError::new(file, DataErrorKind::Empty, fault));
    }
    let first_line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let count = |separator: u8| first_line.iter().filter(|byte| **byte == separator).count();
    // The first of equals: a comma where there is no separator at all.
    let separator =
        SEPARATORS.into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(b',');
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(separator);
    Ok(builder.from_reader(Cursor::new(head).chain(reader)))
}

/// Whether the text was cut at [`BYTES_MAX`].
pub(super) fn is_cut<R: Read>(reader: &csv::Reader<Source<R>>) -> bool {
    reader.get_ref().get_ref().1.limit() == 0
}

/// Returns the cells of a record as text.
///
/// # Errors
/// Refuses what is not UTF-8.
pub(super) fn as_text(
    record: csv::ByteRecord,
    file: &str,
    line: u64,
) -> Result<csv::StringRecord, DataError> {
    csv::StringRecord::from_byte_record(record).map_err(|error| {
        let column = error.utf8_error().field() + 1;
        let fault = Fault::new(
            "UTF-8 text",
            format!("bytes that are not UTF-8 in cell {column}"),
            "Save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8')",
        );
        DataError::new(file, DataErrorKind::Unreadable, fault).at_line(line)
    })
}

/// Reads the next record with its line; absent at the end.
///
/// # Errors
/// Refuses when the reader fails or the text is longer than is read.
pub(super) fn next_record<R: Read>(
    reader: &mut csv::Reader<Source<R>>,
    file: &str,
) -> Result<Option<(u64, csv::ByteRecord)>, DataError> {
    let mut record = csv::ByteRecord::new();
    let more = reader.read_byte_record(&mut record).map_err(|error| read_error(file, &error))?;
    if is_cut(reader) {
        let fault = Fault::new(
            format!("at most {} MiB", BYTES_MAX >> 20),
            "more",
            "Import the file in parts",
        );
        return Err(DataError::new(file, DataErrorKind::TooLarge, fault));
    }
    let line = record.position().map_or(0, csv::Position::line);
    Ok(more.then_some((line, record)))
}

fn read_error(file: &str, error: &dyn std::fmt::Display) -> DataError {
    let fault =
        Fault::new("a readable file", format!("an error while reading ({error})"), "Try again");
    DataError::new(file, DataErrorKind::Unreadable, fault)
}

fn refuse_other_formats(head: &[u8], file: &str) -> Result<(), DataError> {
    let known: [(&[u8], &str, &str); 7] = [
        (b"PAR1", "a Parquet file", "Import it as format=parquet"),
        (b"PK\x03\x04", "a ZIP archive or spreadsheet", "Unpack it, or save the sheet as CSV"),
        (b"\x1f\x8b", "a gzip archive", "Unpack it first"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive", "Unpack it first"),
        (b"\xff\xfe", "UTF-16 text", "Save the file as UTF-8"),
        (b"\xfe\xff", "UTF-16 text", "Save the file as UTF-8"),
        (b"%PDF", "a PDF", "Export the table as CSV"),
    ];
    let named = known.iter().find(|(magic, _, _)| head.starts_with(magic));
    let (found, next) = match named {
        Some((_, found, next)) => (*found, *next),
        None if head.contains(&0) => ("binary data", "Check that the right file was chosen"),
        None => return Ok(()),
    };
    Err(DataError::new(file, DataErrorKind::Unreadable, Fault::new("CSV text", found, next)))
}
