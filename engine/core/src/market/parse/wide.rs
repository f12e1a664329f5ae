//! Wide tables: one row per time and one column of numbers per instrument (rates, yields, index levels). Some cells may
//! be missing.

use std::io::Read;

use super::mapping::plain;
use super::row::{Cell, Cells};
use super::text::{self, Layout, Table};
use super::{INSTRUMENTS_MAX, ROWS_MAX};
use crate::market::bar::{IMPORT_PRICE_MAX, IMPORT_PRICE_MIN, show_time};
use crate::market::error::{DataError, DataErrorKind, Fault};

/// A wide table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WideTable {
    /// Times, milliseconds since 1970 UTC, strictly increasing.
    pub time_ms: Vec<i64>,
    /// Names of the instruments, in the order of the columns.
    pub names: Vec<String>,
    /// `[instruments][times]`; absent where the vendor has no value.
    pub values: Vec<Vec<Option<f64>>>,
}

const TIME: [&str; 6] = ["date", "time", "timestamp", "datetime", "timeserie", "observationdate"];

/// Reads a wide table. Empty cells and the words in `missing` are absent values; a first column without a name is an
/// index and passed over.
///
/// # Errors
/// Refuses the first thing that is not good, with line and column; then nothing is imported.
pub fn parse(reader: impl Read, file_name: &str, missing: &[&str]) -> Result<WideTable, DataError> {
    let mut table = Table::open(reader, file_name, &Layout::default())?;
    let header = table.header();
    let names: Vec<String> = header.names.iter().map(|name| plain(name)).collect();
    let Some(time) = names.iter().position(|name| TIME.contains(&name.as_str())) else {
        let wanted = format!("a column for the time, named like {}", TIME[..4].join(", "));
        let fault = Fault::new(wanted, "none", "Rename the column of the time");
        return Err(DataError::new(file_name, DataErrorKind::Columns, fault).at_line(1));
    };
    let columns: Vec<usize> = (0..names.len())
        .filter(|column| *column != time && !(*column == 0 && names[0].is_empty()))
        .collect();
    if !(1..=INSTRUMENTS_MAX).contains(&columns.len()) {
        let wanted = format!("1 to {INSTRUMENTS_MAX} columns of values");
        let fault = Fault::new(wanted, columns.len().to_string(), "Check the file");
        return Err(DataError::new(file_name, DataErrorKind::Columns, fault).at_line(1));
    }
    let mut wide = WideTable {
        names: columns.iter().map(|column| header.names[*column].clone()).collect(),
        values: vec![Vec::new(); columns.len()],
        ..WideTable::default()
    };
    let header = header.view();
    let mut cells = Cells::new(&header, table.decimal_comma());
    while let Some(line) = table.advance()? {
        if ROWS_MAX / columns.len() <= wide.time_ms.len() {
            return Err(text::too_many_rows(file_name, line));
        }
        let cell = |column: usize| table.cell(column).map_or(Cell::Missing, Cell::Text);
        let now = cells.time(line, time, cell(time), None)?.time_ms();
        if let Some(before) = wide.time_ms.last().filter(|before| now <= **before) {
            let wanted = format!("a time after {}", show_time(*before));
            let fault = Fault::new(wanted, show_time(now), "Sort the rows by time");
            return Err(cells.error(line, time, DataErrorKind::Time, fault));
        }
        wide.time_ms.push(now);
        for (values, column) in wide.values.iter_mut().zip(&columns) {
            let written = table.cell(*column).unwrap_or_default().trim();
            if written.is_empty() || missing.iter().any(|word| word.eq_ignore_ascii_case(written)) {
                values.push(None);
                continue;
            }
            let value = cells.number(line, *column, &cell(*column))?;
            if !(IMPORT_PRICE_MIN..=IMPORT_PRICE_MAX).contains(&value) {
                let wanted = format!("a value from {IMPORT_PRICE_MIN:e} to {IMPORT_PRICE_MAX:e}");
                let fault = Fault::new(wanted, format!("{value:e}"), "Correct or empty the cell");
                return Err(cells.error(line, *column, DataErrorKind::Bar, fault));
            }
            values.push(Some(value));
        }
    }
    if wide.time_ms.is_empty() {
        return Err(text::header_only(file_name));
    }
    Ok(wide)
}
