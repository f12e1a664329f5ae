//! What is wrong with a file or a series: where, what was wanted, what was found, what to do next.

use std::fmt;

use crate::error::{Coded, ErrorCode};

/// What kind of fault was found in data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataErrorKind {
    /// The bytes are not of the format at all.
    Unreadable,
    /// More rows or bytes than are read.
    TooLarge,
    /// Nothing to import.
    Empty,
    /// A needed column is absent, or named twice.
    Columns,
    /// Several instruments, and none was chosen.
    Instrument,
    /// A cell is not what its column holds.
    Cell,
    /// Times do not increase.
    Time,
    /// A bar contradicts itself: price not above 0, high below low, open or close outside.
    Bar,
    /// A stored snapshot is not what was written.
    Snapshot,
}

/// Data that cannot be imported. Nothing was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataError {
    /// Name of the file, or of the instrument where there is no file.
    pub file: String,
    /// Line in the file, from 1; in Parquet the row, from 1.
    pub line: Option<u64>,
    /// Name of the column as the file spells it.
    pub column: Option<String>,
    /// What kind of fault.
    pub kind: DataErrorKind,
    /// What was wanted.
    pub wanted: Box<str>,
    /// What was found.
    pub found: Box<str>,
    /// What to do next.
    pub next: Box<str>,
}

impl DataError {
    /// Returns an error about the whole of `file`.
    #[must_use]
    pub fn new(file: &str, kind: DataErrorKind, fault: Fault) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            column: None,
            kind,
            wanted: fault.wanted.into(),
            found: fault.found.into(),
            next: fault.next.into(),
        }
    }

    /// Adds the line, from 1.
    #[must_use]
    pub fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// Adds the column.
    #[must_use]
    pub fn in_column(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }
}

/// The three sentences of an error, without the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What was wanted.
    pub wanted: String,
    /// What was found.
    pub found: String,
    /// What to do next.
    pub next: String,
}

impl Fault {
    /// Returns the three sentences as one value.
    pub(crate) fn new(
        wanted: impl Into<String>,
        found: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self { wanted: wanted.into(), found: found.into(), next: next.into() }
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column '{column}'")?;
        }
        write!(f, ": wanted {}; found {}. {}.", self.wanted, self.found, self.next)
    }
}

impl std::error::Error for DataError {}

impl Coded for DataError {
    fn code(&self) -> ErrorCode {
        match self.kind {
            DataErrorKind::TooLarge => ErrorCode::TooLarge,
            DataErrorKind::Snapshot => ErrorCode::Internal,
            DataErrorKind::Unreadable
            | DataErrorKind::Empty
            | DataErrorKind::Columns
            | DataErrorKind::Instrument
            | DataErrorKind::Cell
            | DataErrorKind::Time
            | DataErrorKind::Bar => ErrorCode::ValidationFailed,
        }
    }
}
