//! Rows of any table → one checked series, or the first fault with its place.

use std::collections::BTreeSet;

use super::mapping::{CsvMapping, Header, Roles, shorten};
use super::time::{Stamp, Written};
use super::{ROWS_MAX, time};
use crate::market::bar::{self, Bar, BarSeries};
use crate::market::error::{DataError, DataErrorKind, Fault};

/// Most instrument names that an error lists.
const NAMES_SHOWN: usize = 40;

/// What a table holds in one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Text(&'a str),
    Number(f64),
    Whole(i64),
    TimeMs(i64),
    Missing,
}

/// Takes rows in file order.
pub(super) struct Assembler<'a> {
    header: &'a Header<'a>,
    mapping: &'a CsvMapping,
    roles: Roles,
    series: BarSeries,
    /// Every instrument seen, where the file names them.
    instruments: BTreeSet<String>,
    /// How the first row wrote its time: the others must do the same.
    written: Option<Written>,
}

impl<'a> Assembler<'a> {
    /// Binds the columns.
    ///
    /// # Errors
    /// Refuses a header in which a needed column is absent.
    pub(super) fn new(header: &'a Header<'a>, mapping: &'a CsvMapping) -> Result<Self, DataError> {
        let roles = header.bind(mapping)?;
        let volume = roles.volume.map(|_| Vec::new());
        let series = BarSeries { volume, ..BarSeries::default() };
        Ok(Self { header, mapping, roles, series, instruments: BTreeSet::new(), written: None })
    }

    /// Returns which columns are read at all.
    pub(super) fn roles(&self) -> &Roles {
        &self.roles
    }

    /// Takes one row. Rows of other instruments are passed over.
    ///
    /// # Errors
    /// Refuses the first row that is not a good bar.
    pub(super) fn row<'c>(
        &mut self,
        line: u64,
        cell: impl Fn(usize) -> Cell<'c>,
    ) -> Result<(), DataError> {
        if let Some(column) = self.roles.instrument
            && !self.is_wanted(&cell(column), line, column)?
        {
            return Ok(());
        }
        if self.series.len() >= ROWS_MAX {
            let fault = Fault::new(
                format!("at most {ROWS_MAX} rows"),
                "more",
                "Use longer bars or a shorter span, in several data sets",
            );
            return Err(
                DataError::new(self.header.file, DataErrorKind::TooLarge, fault).at_line(line)
            );
        }
        let stamp = self.time(line, &cell)?;
        self.hold_unit(line, stamp.written, &cell(self.roles.time))?;
        let bar = self.bar(line, stamp.time_ms, &cell)?;
        let previous = self.series.time_ms.last().copied();
        bar::check(&bar, previous).and_then(|()| bar::check_import(&bar)).map_err(|fault| {
            DataError::new(self.header.file, fault.kind, fault.fault)
                .at_line(line)
                .in_column(&self.header.names[self.column_of(fault.field)])
        })?;
        self.series.push(&bar);
        Ok(())
    }

    /// Returns the series.
    ///
    /// # Errors
    /// Refuses several instruments where none was chosen, an instrument that is not there, and no rows.
    pub(super) fn finish(mut self) -> Result<BarSeries, DataError> {
        self.refuse_wrong_instrument()?;
        if self.series.is_empty() {
            let fault = Fault::new(
                "at least one row of data",
                "the header only",
                "Check that the export was complete",
            );
            return Err(DataError::new(self.header.file, DataErrorKind::Empty, fault));
        }
        let found = self.instruments.iter().find(|name| self.mapping_allows(name)).cloned();
        self.series.instrument =
            found.or_else(|| self.mapping.instrument.clone()).unwrap_or_else(|| self.stem());
        self.series.interval_seconds = bar::interval_seconds(&self.series.time_ms);
        Ok(self.series)
    }

    /// Notes the row's instrument; whether its row is to be read.
    fn is_wanted(&mut self, cell: &Cell<'_>, line: u64, column: usize) -> Result<bool, DataError> {
        let name = match cell {
            Cell::Text(text) if !text.trim().is_empty() => text.trim().to_owned(),
            Cell::Whole(number) => number.to_string(),
            Cell::Text(_) | Cell::Number(_) | Cell::TimeMs(_) | Cell::Missing => {
                return Err(self.cell_error(line, column, cell, "the name of the instrument"));
            }
        };
        let wanted = self.mapping_allows(&name);
        if self.instruments.len() <= NAMES_SHOWN && !self.instruments.contains(&name) {
            self.instruments.insert(name);
        }
        // With several instruments and none chosen, the rest is read for the names only.
        Ok(wanted && (self.mapping.instrument.is_some() || self.instruments.len() == 1))
    }

    fn mapping_allows(&self, name: &str) -> bool {
        self.mapping
            .instrument
            .as_ref()
            .is_none_or(|wanted| wanted.trim().eq_ignore_ascii_case(name))
    }

    fn refuse_wrong_instrument(&self) -> Result<(), DataError> {
        let (Some(column), Some(first)) = (self.roles.instrument, self.instruments.first()) else {
            return Ok(());
        };
        let shown: Vec<&str> =
            self.instruments.iter().take(NAMES_SHOWN).map(String::as_str).collect();
        let more = if NAMES_SHOWN < self.instruments.len() { " …" } else { "" };
        let found = format!("{}{more}", shorten_list(&shown));
        let fault = match &self.mapping.instrument {
            None if self.instruments.len() == 1 => return Ok(()),
            None => Fault::new(
                "one instrument",
                format!("several: {found}"),
                format!("Choose one, for example instrument={}", shorten(first)),
            ),
            Some(_) if !self.series.is_empty() => return Ok(()),
            Some(wanted) => Fault::new(
                format!("rows of the instrument '{}'", shorten(wanted)),
                format!("only {found}"),
                "Choose one of these",
            ),
        };
        let error = DataError::new(self.header.file, DataErrorKind::Instrument, fault);
        Err(error.in_column(&self.header.names[column]))
    }

    /// Refuses a time that is written otherwise than that of the first row.
    fn hold_unit(&mut self, line: u64, written: Written, cell: &Cell<'_>) -> Result<(), DataError> {
        let first = *self.written.get_or_insert(written);
        if first == written {
            return Ok(());
        }
        let shown = match cell {
            Cell::Text(text) => shorten(text.trim()),
            Cell::Number(number) => number.to_string(),
            Cell::Whole(number) => number.to_string(),
            Cell::TimeMs(time) => bar::show_time(*time),
            Cell::Missing => String::new(),
        };
        let fault = Fault::new(
            format!("{}, as in the first row", first.words()),
            format!("'{shown}', which reads as {}", written.words()),
            "Write every time of a file in the same unit",
        );
        Err(DataError::new(self.header.file, DataErrorKind::Time, fault)
            .at_line(line)
            .in_column(&self.header.names[self.roles.time]))
    }

    fn bar<'c>(
        &self,
        line: u64,
        time_ms: i64,
        cell: &impl Fn(usize) -> Cell<'c>,
    ) -> Result<Bar, DataError> {
        let number = |column: usize| self.number(line, column, &cell(column));
        let roles = &self.roles;
        let close = number(roles.close)?;
        Ok(Bar {
            time_ms,
            open: number(roles.open)?,
            high: number(roles.high)?,
            low: number(roles.low)?,
            close,
            adjusted_close: roles.adjusted_close.map_or(Ok(close), number)?,
            volume: roles.volume.map(number).transpose()?,
        })
    }

    fn time<'c>(&self, line: u64, cell: &impl Fn(usize) -> Cell<'c>) -> Result<Stamp, DataError> {
        let found = cell(self.roles.time);
        let clock = self.roles.clock.map(cell);
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
        time.ok_or_else(|| self.cell_error(line, self.roles.time, &found, wanted))
    }

    fn number(&self, line: u64, column: usize, cell: &Cell<'_>) -> Result<f64, DataError> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "prices and volumes written as whole numbers"
        )]
        let number = match cell {
            Cell::Text(text) => text.trim().parse::<f64>().ok(),
            Cell::Number(number) => Some(*number),
            Cell::Whole(number) => Some(*number as f64),
            Cell::TimeMs(_) | Cell::Missing => None,
        };
        number.ok_or_else(|| self.cell_error(line, column, cell, "a number such as 134.25"))
    }

    fn cell_error(&self, line: u64, column: usize, cell: &Cell<'_>, wanted: &str) -> DataError {
        let (found, next) = match cell {
            Cell::Missing => ("nothing".to_owned(), "Fill in the value or remove the row"),
            Cell::Text(text) if text.trim().is_empty() => {
                ("an empty cell".to_owned(), "Fill in the value or remove the row")
            }
            Cell::Text(text) if text.trim().eq_ignore_ascii_case("null") => {
                ("'null'".to_owned(), "Remove the row: the vendor has no value for it")
            }
            Cell::Text(text) => (
                format!("'{}'", shorten(text)),
                "Write numbers with a decimal point and without thousands separators or units, and times as \
                 YYYY-MM-DD HH:MM:SS; or map another column",
            ),
            Cell::Number(number) => (number.to_string(), "Map another column"),
            Cell::Whole(number) => (number.to_string(), "Map another column"),
            Cell::TimeMs(time) => (bar::show_time(*time), "Map another column"),
        };
        DataError::new(self.header.file, DataErrorKind::Cell, Fault::new(wanted, found, next))
            .at_line(line)
            .in_column(&self.header.names[column])
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

    fn stem(&self) -> String {
        let name = self.header.file.rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = name.split('.').next().unwrap_or_default();
        if stem.is_empty() { "unnamed".to_owned() } else { stem.to_owned() }
    }
}

fn shorten_list(names: &[&str]) -> String {
    names.iter().map(|name| shorten(name)).collect::<Vec<_>>().join(", ")
}
