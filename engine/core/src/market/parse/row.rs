//! One row of any table → one checked bar, or the fault with its place. Knows nothing of the rows before but how they
//! wrote their times and numbers.

use super::mapping::{CsvMapping, Header, Roles, shorten};
use super::number::Numbers;
use super::time::{self, OffsetWatch, Stamp, Written};
use crate::market::bar::{self, Bar};
use crate::market::error::{DataError, DataErrorKind, Fault};

/// What a table holds in one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Text(&'a str),
    Number(f64),
    Whole(i64),
    TimeMs(i64),
    Missing,
}

impl Cell<'_> {
    /// Whether the vendor had nothing to write.
    fn is_empty(&self) -> bool {
        match self {
            Self::Missing => true,
            Self::Text(text) => {
                let text = text.trim();
                text.is_empty() || text.eq_ignore_ascii_case("null")
            }
            Self::Number(_) | Self::Whole(_) | Self::TimeMs(_) => false,
        }
    }
}

/// Reads the cells of one column after the other row.
pub(super) struct Cells<'a> {
    pub(super) header: &'a Header<'a>,
    numbers: Numbers,
    /// How the first row wrote its time: the others must do the same.
    written: Option<Written>,
    offsets: OffsetWatch,
}

impl<'a> Cells<'a> {
    /// Returns a reader that has seen no row.
    pub(super) fn new(header: &'a Header<'a>, decimal_comma: bool) -> Self {
        let numbers = Numbers::new(decimal_comma);
        Self { header, numbers, written: None, offsets: OffsetWatch::default() }
    }

    /// Reads the time in one or two cells, written as in the rows before.
    ///
    /// # Errors
    /// Refuses what is no time, another unit than that of the first row, and offsets that no rule of summer time writes.
    pub(super) fn time(
        &mut self,
        line: u64,
        column: usize,
        found: Cell<'_>,
        clock: Option<Cell<'_>>,
    ) -> Result<Stamp, DataError> {
        let time = match (found, clock) {
            (Cell::Text(date), Some(Cell::Text(clock))) => time::parse_pair(date, clock),
            (Cell::Text(text), _) => time::parse(text),
            (Cell::Number(number), _) => time::from_fraction(number),
            (Cell::Whole(number), _) => time::from_number(number),
            (Cell::TimeMs(time), _) => time::calendar(time),
            (Cell::Missing, _) => None,
        };
        let wanted = "a time such as 2021-01-31, 2021-01-31 23:59:59, 2021-01-31T23:59:59Z or seconds or milliseconds \
                      since 1970";
        let mut stamp = time.ok_or_else(|| self.cell_error(line, column, &found, wanted))?;
        self.hold_unit(line, column, stamp.written, &found)?;
        self.offsets.take(stamp).map_err(|(wanted, seen)| {
            let fault = Fault::new(
                format!("{wanted}, as in the rows before"),
                format!("{seen} ('{}')", shown(&found)),
                "Write all times of a file in one time zone, best in UTC",
            );
            self.error(line, column, DataErrorKind::Time, fault)
        })?;
        let tells_clock =
            clock.is_some() || matches!(found, Cell::Text(text) if text.contains(':'));
        if let Some(clock) = self.header.clock
            && tells_clock
            && stamp.written == Written::Calendar
            && stamp.offset_minutes.is_none()
        {
            stamp.time_us = clock
                .utc_us(stamp.time_us)
                .map_err(|fault| self.error(line, column, DataErrorKind::Time, fault))?;
        }
        Ok(stamp)
    }

    /// Reads a number.
    ///
    /// # Errors
    /// Refuses what is none.
    pub(super) fn number(
        &mut self,
        line: u64,
        column: usize,
        cell: &Cell<'_>,
    ) -> Result<f64, DataError> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "prices and volumes written as whole numbers"
        )]
        let number = match cell {
            Cell::Text(text) => self.numbers.read(text),
            Cell::Number(number) => Some(*number),
            Cell::Whole(number) => Some(*number as f64),
            Cell::TimeMs(_) | Cell::Missing => None,
        };
        number.ok_or_else(|| self.cell_error(line, column, cell, "a number such as 134.25"))
    }

    /// Reads a name.
    ///
    /// # Errors
    /// Refuses an empty cell.
    pub(super) fn name(
        &self,
        line: u64,
        column: usize,
        cell: &Cell<'_>,
    ) -> Result<String, DataError> {
        match cell {
            Cell::Text(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            Cell::Whole(number) => Ok(number.to_string()),
            Cell::Text(_) | Cell::Number(_) | Cell::TimeMs(_) | Cell::Missing => {
                Err(self.cell_error(line, column, cell, "the name of the instrument"))
            }
        }
    }

    /// Returns the error about a cell.
    pub(super) fn cell_error(
        &self,
        line: u64,
        column: usize,
        cell: &Cell<'_>,
        wanted: &str,
    ) -> DataError {
        let (found, next) = match cell {
            Cell::Missing => ("nothing".to_owned(), "Fill in the value or remove the row"),
            Cell::Text(text) if text.trim().is_empty() => {
                ("an empty cell".to_owned(), "Fill in the value or remove the row")
            }
            Cell::Text(text) if text.trim().eq_ignore_ascii_case("null") => {
                ("'null'".to_owned(), "Remove the row: the vendor has no value for it")
            }
            Cell::Text(text) if Numbers::is_decimal_comma(text) => (
                format!("'{}'", shorten(text)),
                "Write numbers with a decimal point and without thousands separators; decimal commas are read in \
                 files whose cells are separated by semicolons, if all numbers have them",
            ),
            Cell::Text(text) => (
                format!("'{}'", shorten(text)),
                "Write numbers with a decimal point and without thousands separators or units, and times as \
                 YYYY-MM-DD HH:MM:SS; or map another column",
            ),
            Cell::Number(_) | Cell::Whole(_) | Cell::TimeMs(_) => {
                (shown(cell), "Map another column")
            }
        };
        self.error(line, column, DataErrorKind::Cell, Fault::new(wanted, found, next))
    }

    /// Returns an error with its place.
    pub(super) fn error(
        &self,
        line: u64,
        column: usize,
        kind: DataErrorKind,
        fault: Fault,
    ) -> DataError {
        let name = self.header.names.get(column).map_or("", String::as_str);
        DataError::new(self.header.file, kind, fault).at_line(line).in_column(&shorten(name))
    }

    /// Refuses a time that is written otherwise than that of the first row.
    fn hold_unit(
        &mut self,
        line: u64,
        column: usize,
        written: Written,
        cell: &Cell<'_>,
    ) -> Result<(), DataError> {
        let first = *self.written.get_or_insert(written);
        if first == written {
            return Ok(());
        }
        let fault = Fault::new(
            format!("{}, as in the first row", first.words()),
            format!("'{}', which reads as {}", shown(cell), written.words()),
            "Write every time of a file in the same unit",
        );
        Err(self.error(line, column, DataErrorKind::Time, fault))
    }
}

/// Reads bars.
pub(super) struct BarRows<'a> {
    pub(super) cells: Cells<'a>,
    pub(super) roles: Roles,
    skip_empty_rows: bool,
    /// Rows passed over because no price was given.
    pub(super) skipped: u64,
}

impl<'a> BarRows<'a> {
    /// Binds the columns.
    ///
    /// # Errors
    /// Refuses a header in which a needed column is absent.
    pub(super) fn new(
        header: &'a Header<'a>,
        mapping: &CsvMapping,
        decimal_comma: bool,
    ) -> Result<Self, DataError> {
        let roles = header.bind(mapping)?;
        let cells = Cells::new(header, decimal_comma);
        Ok(Self { cells, roles, skip_empty_rows: false, skipped: 0 })
    }

    /// Passes over rows in which no price is given.
    pub(super) fn skipping_empty_rows(mut self, skip: bool) -> Self {
        self.skip_empty_rows = skip;
        self
    }

    /// Reads one row that must come after `previous_ms`; absent where it is passed over.
    ///
    /// # Errors
    /// Refuses a row that is not a good bar.
    pub(super) fn bar<'c>(
        &mut self,
        line: u64,
        previous_ms: Option<i64>,
        cell: &impl Fn(usize) -> Cell<'c>,
    ) -> Result<Option<Bar>, DataError> {
        let roles = &self.roles;
        let prices = [roles.open, roles.high, roles.low, roles.close];
        if self.skip_empty_rows && prices.iter().all(|column| cell(*column).is_empty()) {
            self.skipped += 1;
            return Ok(None);
        }
        let clock = roles.clock.map(cell);
        let stamp = self.cells.time(line, roles.time, cell(roles.time), clock)?;
        let cells = &mut self.cells;
        let mut number = |column: usize| cells.number(line, column, &cell(column));
        let close = number(roles.close)?;
        let bar = Bar {
            time_ms: stamp.time_ms(),
            open: number(roles.open)?,
            high: number(roles.high)?,
            low: number(roles.low)?,
            close,
            adjusted_close: roles.adjusted_close.map_or(Ok(close), &mut number)?,
            volume: roles.volume.map(&mut number).transpose()?,
        };
        bar::check(&bar, previous_ms).and_then(|()| bar::check_import(&bar)).map_err(|fault| {
            self.cells.error(line, self.column_of(fault.field), fault.kind, fault.fault)
        })?;
        Ok(Some(bar))
    }

    /// Returns the column that holds a field of [`Bar`].
    fn column_of(&self, field: &str) -> usize {
        let roles = &self.roles;
        match field {
            "open" => roles.open,
            "high" => roles.high,
            "low" => roles.low,
            "adjusted_close" => roles.adjusted_close.unwrap_or(roles.close),
            "volume" => roles.volume.unwrap_or(roles.close),
            "time" => roles.time,
            _ => roles.close,
        }
    }
}

fn shown(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => shorten(text.trim()),
        Cell::Number(number) => number.to_string(),
        Cell::Whole(number) => number.to_string(),
        Cell::TimeMs(time) => bar::show_time(*time),
        Cell::Missing => String::new(),
    }
}

/// Returns the name that a file gives to what is in it: its own, without folders and endings.
pub(super) fn stem(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    if stem.is_empty() { "unnamed".to_owned() } else { stem.to_owned() }
}
