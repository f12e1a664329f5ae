//! The text of a table: byte order mark, separator, header, rows of one length; and what is no text at all.
//!
//! Streams with bounded memory: at most [`BYTES_MAX`] bytes are read, and no row may be longer than
//! [`RECORD_BYTES_MAX`], so that a file without line ends is refused long before it fills the memory.

use std::io::{BufRead, BufReader, Chain, Cursor, Read, Take};

use super::mapping::Header;
use super::{BYTES_MAX, COLUMNS_MAX, RECORD_BYTES_MAX};
use crate::market::error::{DataError, DataErrorKind, Fault};
use crate::market::zone::LocalClock;

/// What is looked at to find the separator.
const HEADER_BYTES_MAX: u64 = 64 << 10;
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a table is written, where that is known beforehand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// What stands between two cells; found in the first line where absent.
    pub(super) separator: Option<u8>,
    /// Names of the columns, for files without a header line.
    pub(super) names: Option<Vec<String>>,
    /// Whether `1,5` is a number; absent: where cells are separated by semicolons.
    pub(super) decimal_comma: Option<bool>,
    /// Whether rows in which no price is given are passed over instead of refused.
    pub(super) skip_empty_rows: bool,
    /// Where times without a zone were written; absent: UTC.
    pub(super) clock: Option<LocalClock>,
}

/// A table's text, read up to [`BYTES_MAX`], and row by row up to [`RECORD_BYTES_MAX`].
struct Source<R> {
    text: Chain<Cursor<Vec<u8>>, Take<BufReader<R>>>,
    since_record: usize,
    is_over: bool,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if RECORD_BYTES_MAX < self.since_record {
            self.is_over = true;
            return Err(std::io::Error::other("a row without an end"));
        }
        let count = self.text.read(buffer)?;
        self.since_record += count;
        Ok(count)
    }
}

/// A table, row by row.
pub(super) struct Table<'f, R> {
    reader: csv::Reader<Source<R>>,
    file: &'f str,
    names: Vec<String>,
    header_line: Option<u64>,
    record: csv::StringRecord,
    decimal_comma: bool,
    clock: Option<LocalClock>,
}

impl<'f, R: Read> Table<'f, R> {
    /// Looks at the first line, finds the separator and reads the header.
    ///
    /// # Errors
    /// Refuses an empty file, bytes that are no text, numbers where names should be, and too many columns.
    pub(super) fn open(reader: R, file: &'f str, layout: &Layout) -> Result<Self, DataError> {
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
            return Err(empty(file));
        }
        let separator = layout.separator.unwrap_or_else(|| separator(&head));
        let mut builder = csv::ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(separator);
        let text = Cursor::new(head).chain(reader);
        let mut table = Self {
            reader: builder.from_reader(Source { text, since_record: 0, is_over: false }),
            file,
            names: layout.names.clone().unwrap_or_default(),
            header_line: None,
            record: csv::StringRecord::new(),
            decimal_comma: layout.decimal_comma.unwrap_or(separator == b';'),
            clock: layout.clock.clone(),
        };
        if layout.names.is_none() {
            table.read_header()?;
        }
        Ok(table)
    }

    /// Returns the names of the columns with their place.
    pub(super) fn header(&self) -> OwnedHeader<'f> {
        OwnedHeader {
            file: self.file,
            names: self.names.clone(),
            line: self.header_line,
            clock: self.clock.clone(),
        }
    }

    /// Whether `1,5` is a number here.
    pub(super) fn decimal_comma(&self) -> bool {
        self.decimal_comma
    }

    /// Goes to the next row of data and returns its line; absent at the end.
    ///
    /// # Errors
    /// Refuses when the reader fails, what is not UTF-8, text longer than is read, and a row with more or fewer cells
    /// than the header.
    pub(super) fn advance(&mut self) -> Result<Option<u64>, DataError> {
        let Some(line) = self.read_record()? else {
            return Ok(None);
        };
        let cells = self.record.len();
        if cells == self.names.len() {
            return Ok(Some(line));
        }
        let next = if cells < self.names.len() {
            "The file may be cut off, or a quote is not closed: export it again, or complete or remove the row"
        } else {
            "Put cells that contain the separator in quotes, and write numbers without thousands separators"
        };
        let wanted = format!("{} cells, as in the header", self.names.len());
        let fault = Fault::new(wanted, cells.to_string(), next);
        Err(DataError::new(self.file, DataErrorKind::Cell, fault).at_line(line))
    }

    /// Returns a cell of the row that [`advance`](Self::advance) went to.
    pub(super) fn cell(&self, column: usize) -> Option<&str> {
        self.record.get(column)
    }

    fn read_record(&mut self) -> Result<Option<u64>, DataError> {
        self.reader.get_mut().since_record = 0;
        let read = self.reader.read_record(&mut self.record);
        let source = self.reader.get_ref();
        if source.is_over {
            let found = if self.names.is_empty() { "a longer first line" } else { "a longer one" };
            let fault = Fault::new(
                format!("rows of at most {} KiB", RECORD_BYTES_MAX >> 10),
                found,
                "Check that the file has line ends and that every quote is closed",
            );
            let line = self.reader.position().line();
            return Err(DataError::new(self.file, DataErrorKind::TooLarge, fault).at_line(line));
        }
        if source.text.get_ref().1.limit() == 0 {
            let wanted = format!("at most {} MiB", BYTES_MAX >> 20);
            let fault = Fault::new(wanted, "more", "Import the file in parts");
            return Err(DataError::new(self.file, DataErrorKind::TooLarge, fault));
        }
        let more = read.map_err(|error| self.record_error(&error))?;
        let line = self.record.position().map_or(0, csv::Position::line);
        Ok(more.then_some(line))
    }

    fn record_error(&self, error: &csv::Error) -> DataError {
        let csv::ErrorKind::Utf8 { pos, err } = error.kind() else {
            return read_error(self.file, error);
        };
        let fault = Fault::new(
            "UTF-8 text",
            format!("bytes that are not UTF-8 in cell {}", err.field() + 1),
            "Save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8')",
        );
        let error = DataError::new(self.file, DataErrorKind::Unreadable, fault);
        match pos {
            Some(place) => error.at_line(place.line()),
            None => error,
        }
    }

    fn read_header(&mut self) -> Result<(), DataError> {
        let line = self.read_record()?.ok_or_else(|| empty(self.file))?;
        if COLUMNS_MAX < self.record.len() {
            let fault = Fault::new(
                format!("at most {COLUMNS_MAX} columns"),
                self.record.len().to_string(),
                "Export only the columns that are needed, or write one row per instrument and time",
            );
            return Err(DataError::new(self.file, DataErrorKind::TooLarge, fault).at_line(line));
        }
        let names: Vec<String> = self.record.iter().map(|name| name.trim().to_owned()).collect();
        if names.iter().all(|name| name.parse::<f64>().is_ok()) {
            let fault = Fault::new(
                "a header line with the names of the columns",
                "numbers",
                "Add a first line such as open_time,open,high,low,close,volume, in the order of the columns",
            );
            return Err(DataError::new(self.file, DataErrorKind::Columns, fault).at_line(line));
        }
        self.names = names;
        self.header_line = Some(line);
        Ok(())
    }
}

/// A header that outlives the table's next row.
pub(super) struct OwnedHeader<'f> {
    file: &'f str,
    pub(super) names: Vec<String>,
    line: Option<u64>,
    clock: Option<LocalClock>,
}

impl OwnedHeader<'_> {
    /// Returns it as the binding wants it.
    pub(super) fn view(&self) -> Header<'_> {
        Header { file: self.file, names: &self.names, line: self.line, clock: self.clock.as_ref() }
    }
}

/// Returns the sign that stands most often in the first line; a comma where there is none at all.
pub(super) fn separator(head: &[u8]) -> u8 {
    let first_line = head.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let count = |separator: u8| first_line.iter().filter(|byte| **byte == separator).count();
    // The first of equals.
    SEPARATORS.into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

fn empty(file: &str) -> DataError {
    let next = "Check that the export was complete";
    let fault = Fault::new("a header line and data", "an empty file", next);
    DataError::new(file, DataErrorKind::Empty, fault)
}

/// Returns the error about a file that has a header and nothing else.
pub(super) fn header_only(file: &str) -> DataError {
    let next = "Check that the export was complete";
    let fault = Fault::new("at least one row of data", "the header only", next);
    DataError::new(file, DataErrorKind::Empty, fault)
}

/// Returns the error about more rows than are read.
pub(super) fn too_many_rows(file: &str, line: u64) -> DataError {
    let fault = Fault::new(
        format!("at most {} rows", super::ROWS_MAX),
        "more",
        "Use longer bars or a shorter span, in several data sets",
    );
    DataError::new(file, DataErrorKind::TooLarge, fault).at_line(line)
}

pub(super) fn read_error(file: &str, error: &dyn std::fmt::Display) -> DataError {
    let fault =
        Fault::new("a readable file", format!("an error while reading ({error})"), "Try again");
    DataError::new(file, DataErrorKind::Unreadable, fault)
}

/// Refuses what is known to be no text.
///
/// # Errors
/// Names the format that was found, and what to do with it.
pub(super) fn refuse_other_formats(head: &[u8], file: &str) -> Result<(), DataError> {
    let known: [(&[u8], &str, &str); 8] = [
        (b"PAR1", "a Parquet file", "Import it as format=parquet"),
        (b"PK\x03\x04", "a ZIP archive or spreadsheet", "Unpack it, or save the sheet as CSV"),
        (b"\x1f\x8b", "a gzip archive", "Unpack it first"),
        (b"BZh", "a bzip2 archive", "Unpack it first"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive", "Unpack it first"),
        (b"\xff\xfe", "UTF-16 text", "Save the file as UTF-8"),
        (b"\xfe\xff", "UTF-16 text", "Save the file as UTF-8"),
        (b"%PDF", "a PDF", "Export the table as CSV"),
    ];
    let named = known.iter().find(|(magic, _, _)| head.starts_with(magic));
    let (found, next) = match named {
        Some((_, found, next)) => (*found, *next),
        None if head.contains(&0) && is_wide_text(head) => {
            ("UTF-16 text", "Save the file as UTF-8")
        }
        None if head.contains(&0) => ("binary data", "Check that the right file was chosen"),
        None => return Ok(()),
    };
    Err(DataError::new(file, DataErrorKind::Unreadable, Fault::new("CSV text", found, next)))
}

/// Whether every second byte is 0, as in UTF-16 without a mark.
fn is_wide_text(head: &[u8]) -> bool {
    let pairs = || head.chunks_exact(2).take(64);
    1 < pairs().count()
        && (pairs().all(|pair| pair[0] == 0 && pair[1] != 0)
            || pairs().all(|pair| pair[1] == 0 && pair[0] != 0))
}
