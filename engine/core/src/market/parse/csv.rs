//! CSV → bars. Streams: rows are checked as they come, and nothing is returned unless all of them are good.

use std::io::Read;

use super::assemble::{Assembler, Cell, TakeRows};
pub use super::mapping::CsvMapping;
use super::text::{Layout, Table};
use crate::market::bar::BarSeries;
use crate::market::error::DataError;

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
    let mut table = Table::open(reader, file_name, &Layout::default())?;
    let header = table.header();
    let header = header.view();
    let mut assembler = Assembler::new(&header, mapping, table.decimal_comma())?;
    feed(&mut table, &mut assembler)?;
    assembler.finish()
}

/// Gives every row of `table` to `taker`.
///
/// # Errors
/// Refuses the first row that is not good.
pub(super) fn feed<R: Read>(
    table: &mut Table<'_, R>,
    taker: &mut impl TakeRows,
) -> Result<(), DataError> {
    while let Some(line) = table.advance()? {
        taker.row(line, |column| table.cell(column).map_or(Cell::Missing, Cell::Text))?;
    }
    Ok(())
}
