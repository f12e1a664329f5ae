//! The reference system's CSV layouts with every column kept as it is: features, labels and order books included.
//!
//! For comparison with its published figures; trading data goes through `csv`.

use std::collections::BTreeMap;
use std::io::Read;

use super::ROWS_MAX;
use super::text::{self, Layout, Table};
use crate::market::error::{DataError, DataErrorKind, Fault};

/// A table as written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReferenceTable {
    /// The file's row index: its first column where that holds whole numbers, else 0, 1, …. Where the header calls it
    /// something else than nothing, `Unnamed…`, `index` or `SNo`, it is a column, too.
    pub index: Vec<i64>,
    /// Columns in which every cell is a number.
    pub columns: BTreeMap<String, Vec<f64>>,
    /// All other columns.
    pub text: BTreeMap<String, Vec<String>>,
}

impl ReferenceTable {
    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Returns a column of numbers by name.
    ///
    /// # Errors
    /// Refuses a name that is not there, listing those that are.
    pub fn column(&self, name: &str) -> Result<&[f64], DataError> {
        self.columns.get(name).map(Vec::as_slice).ok_or_else(|| {
            let known: Vec<&str> = self.columns.keys().map(String::as_str).collect();
            let fault = Fault::new(
                "a column of numbers",
                format!("only {}", known.join(", ")),
                "Use one of these",
            );
            DataError::new("reference table", DataErrorKind::Columns, fault).in_column(name)
        })
    }
}

/// Reads a table whole.
///
/// # Errors
/// Refuses what is no table: not text, uneven rows, a name twice, no rows.
pub fn parse(reader: impl Read, file_name: &str) -> Result<ReferenceTable, DataError> {
    let mut table = Table::open(reader, file_name, &Layout::default())?;
    let header = table.header();
    let names = &header.names;
    refuse_repeated(names, file_name, header.view().line.unwrap_or(1))?;
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); names.len()];
    let mut row_count = 0_usize;
    while let Some(line) = table.advance()? {
        row_count += 1;
        if ROWS_MAX < row_count {
            return Err(text::too_many_rows(file_name, line));
        }
        for (position, column) in cells.iter_mut().enumerate() {
            column.push(table.cell(position).unwrap_or_default().trim().to_owned());
        }
    }
    if row_count == 0 {
        return Err(text::header_only(file_name));
    }
    Ok(sort_columns(names, cells, row_count))
}

fn sort_columns(names: &[String], cells: Vec<Vec<String>>, row_count: usize) -> ReferenceTable {
    let mut table = ReferenceTable::default();
    for (position, (name, column)) in names.iter().zip(cells).enumerate() {
        if position == 0
            && let Some(index) = column.iter().map(|cell| whole(cell)).collect()
        {
            table.index = index;
            let is_index_only = name.is_empty()
                || name.starts_with("Unnamed")
                || name.eq_ignore_ascii_case("index")
                || name == "SNo";
            if is_index_only {
                continue;
            }
        }
        match column.iter().map(|cell| cell.parse()).collect::<Result<Vec<f64>, _>>() {
            Ok(numbers) => drop(table.columns.insert(name.clone(), numbers)),
            Err(_) => drop(table.text.insert(name.clone(), column)),
        }
    }
    if table.index.is_empty() {
        table.index = (0_i64..).take(row_count).collect();
    }
    table
}

/// Returns a whole number, also one written `7.0` or `7e0`.
fn whole(cell: &str) -> Option<i64> {
    if let Ok(number) = cell.parse() {
        return Some(number);
    }
    let number: f64 = cell.parse().ok()?;
    if number.fract() == 0.0 { format!("{number:.0}").parse().ok() } else { None }
}

fn refuse_repeated(names: &[String], file: &str, line: u64) -> Result<(), DataError> {
    let repeated = (1..names.len()).find(|position| names[..*position].contains(&names[*position]));
    let Some(position) = repeated else {
        return Ok(());
    };
    let found = format!("'{}' twice", names[position]);
    let fault = Fault::new("each column named once", found, "Rename one of them");
    Err(DataError::new(file, DataErrorKind::Columns, fault).at_line(line))
}
