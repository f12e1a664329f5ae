//! CSV → bars. Streams: rows are checked as they come, and nothing is returned unless all of them are good.

use std::io::Read;

use super::assemble::{Assembler, Cell};
pub use super::mapping::CsvMapping;
use super::mapping::Header;
use super::text;
use crate::market::bar::BarSeries;
use crate::market::error::{DataError, DataErrorKind, Fault};

/// Reads the bars of one instrument. Columns are bound by the header's names; the separator (comma, semicolon, tab,
/// bar) is found in the header; a byte order mark is passed over. `file_name` is used in errors, and as the
/// instrument's name where neither the file nor the mapping gives one.
///
/// # Errors
/// Refuses the first thing that is not good, with line and column; then nothing is imported.
pub fn parse(
    reader: impl Read,
    file_name: &str,
    mapping: &CsvMapping,
) -> Result<BarSeries, DataError> {
    let mut reader = text::open(reader, file_name)?;
    let (line, names) = read_header(&mut reader, file_name)?;
    let header = Header { file: file_name, names: &names, line: Some(line) };
    let mut assembler = Assembler::new(&header, mapping)?;
    while let Some((line, record)) = text::next_record(&mut reader, file_name)? {
        let record = text::as_text(record, file_name, line)?;
        refuse_uneven(&record, &names, file_name, line)?;
        assembler.row(line, |column| record.get(column).map_or(Cell::Missing, Cell::Text))?;
    }
    assembler.finish()
}

/// Reads the header: its line and names.
///
/// # Errors
/// Refuses numbers where names should be.
pub(super) fn read_header<R: Read>(
    reader: &mut csv::Reader<text::Source<R>>,
    file: &str,
) -> Result<(u64, Vec<String>), DataError> {
    let Some((line, record)) = text::next_record(reader, file)? else {
        let fault = Fault::new(
            "a header line and data",
            "an empty file",
            "Check that the export was complete",
        );
        return Err(DataError::new(file, DataErrorKind::Empty, fault));
    };
    let record = text::as_text(record, file, line)?;
    let names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
    if names.iter().all(|name| name.parse::<f64>().is_ok()) {
        let fault = Fault::new(
            "a header line with the names of the columns",
            "numbers",
            "Add a first line such as open_time,open,high,low,close,volume, in the order of the columns",
        );
        return Err(DataError::new(file, DataErrorKind::Columns, fault).at_line(line));
    }
    Ok((line, names))
}

/// Refuses a row with more or fewer cells than the header.
///
/// # Errors
/// See above.
pub(super) fn refuse_uneven(
    record: &csv::StringRecord,
    names: &[String],
    file: &str,
    line: u64,
) -> Result<(), DataError> {
    if record.len() == names.len() {
        return Ok(());
    }
    let next = if record.len() < names.len() {
        "The file may be cut off, or a quote is not closed: export it again, or complete or remove the row"
    } else {
        "Put cells that contain the separator in quotes, and write numbers without thousands separators"
    };
    let fault = Fault::new(
        format!("{} cells, as in the header", names.len()),
        record.len().to_string(),
        next,
    );
    Err(DataError::new(file, DataErrorKind::Cell, fault).at_line(line))
}
