//! A table row by row, every cell as it is written: for copies with further columns. Nothing is kept in memory.

use std::io::Read;

use super::csv::{read_header, refuse_uneven};
use super::{ROWS_MAX, text};
use crate::market::error::{DataError, DataErrorKind, Fault};

/// A table that is being read.
pub struct Rows<R> {
    reader: csv::Reader<text::Source<R>>,
    file: String,
    names: Vec<String>,
    row_count: usize,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Line in the file, from 1.
    pub line: u64,
    record: csv::StringRecord,
}

impl Row {
    /// Returns a cell, without the blanks around it; empty where there is none.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default().trim()
    }

    /// Returns every cell as it is written.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        self.record.iter()
    }
}

impl<R: Read> Rows<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// Refuses what is no table.
    pub fn open(reader: R, file: &str) -> Result<Self, DataError> {
        let mut reader = text::open(reader, file)?;
        let (_, names) = read_header(&mut reader, file)?;
        Ok(Self { reader, file: file.to_owned(), names, row_count: 0 })
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
            DataError::new(&self.file, DataErrorKind::Columns, fault)
        })
    }

    /// Reads the next row; absent at the end.
    ///
    /// # Errors
    /// Refuses rows of another length than the header, text that is not UTF-8 and more rows than are read.
    pub fn next_row(&mut self) -> Result<Option<Row>, DataError> {
        let Some((line, record)) = text::next_record(&mut self.reader, &self.file)? else {
            return Ok(None);
        };
        let record = text::as_text(record, &self.file, line)?;
        refuse_uneven(&record, &self.names, &self.file, line)?;
        self.row_count += 1;
        if ROWS_MAX < self.row_count {
            let fault =
                Fault::new(format!("at most {ROWS_MAX} rows"), "more", "Label the file in parts");
            let error = DataError::new(&self.file, DataErrorKind::TooLarge, fault);
            return Err(error.at_line(line));
        }
        Ok(Some(Row { line, record }))
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
