//! A table row by row, every cell as it is written: for copies with further columns. Nothing is kept in memory.

use std::io::Read;

use super::ROWS_MAX;
use super::text::{self, Layout, Table};
use crate::market::error::{DataError, DataErrorKind, Fault};

/// A table that is being read.
pub struct Rows<'f, R> {
    table: Table<'f, R>,
    file: &'f str,
    names: Vec<String>,
    row_count: usize,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Line in the file, from 1.
    pub line: u64,
    cells: Vec<String>,
}

impl Row {
    /// Returns a cell, without the blanks around it; empty where there is none.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |cell| cell.trim())
    }

    /// Returns every cell as it is written.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(String::as_str)
    }
}

impl<'f, R: Read> Rows<'f, R> {
    /// Reads the header.
    ///
    /// # Errors
    /// Refuses what is no table.
    pub fn open(reader: R, file: &'f str) -> Result<Self, DataError> {
        let table = Table::open(reader, file, &Layout::default())?;
        let names = table.header().names;
        Ok(Self { table, file, names, row_count: 0 })
    }

    /// Returns the names of the columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the position of a column.
    ///
    /// # Errors
    /// Refuses a name that is not there, listing those that are.
    pub fn column(&self, name: &str) -> Result<usize, DataError> {
        self.names.iter().position(|known| known == name).ok_or_else(|| {
            let fault = Fault::new(
                format!("a column '{name}'"),
                format!("only {}", self.names.join(", ")),
                "Name one of these",
            );
            DataError::new(self.file, DataErrorKind::Columns, fault)
        })
    }

    /// Reads the next row; absent at the end.
    ///
    /// # Errors
    /// Refuses rows of another length than the header, text that is not UTF-8 and more rows than are read.
    pub fn next_row(&mut self) -> Result<Option<Row>, DataError> {
        let Some(line) = self.table.advance()? else {
            return Ok(None);
        };
        self.row_count += 1;
        if ROWS_MAX < self.row_count {
            return Err(text::too_many_rows(self.file, line));
        }
        let cell = |column| self.table.cell(column).unwrap_or_default().to_owned();
        Ok(Some(Row { line, cells: (0..self.names.len()).map(cell).collect() }))
    }
}

/// Returns a cell as it must be written: in quotes where it holds a separator, a quote or a line end.
#[must_use]
pub fn written(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_as_they_are_written() {
        let text = "date,note,x\n2020-01-01,\"a, \"\"b\"\"\", 1.50\n";
        let mut rows = Rows::open(text.as_bytes(), "t.csv").unwrap();
        assert_eq!(rows.column("x"), Ok(2));
        assert!(rows.column("y").unwrap_err().to_string().contains("date, note, x"));
        let row = rows.next_row().unwrap().unwrap();
        assert_eq!((row.line, row.cell(2)), (2, "1.50"));
        let copy: Vec<String> = row.cells().map(written).collect();
        assert_eq!(copy.join(","), "2020-01-01,\"a, \"\"b\"\"\", 1.50");
        assert_eq!(rows.next_row(), Ok(None));
    }
}
