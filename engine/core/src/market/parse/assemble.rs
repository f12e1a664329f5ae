//! Rows of any table → the checked series of one instrument, or the first fault with its place.

use std::collections::BTreeSet;

use super::mapping::{CsvMapping, Header, Roles, shorten};
pub(super) use super::row::Cell;
use super::row::{BarRows, stem};
use super::{ROWS_MAX, text};
use crate::market::bar::{self, BarSeries};
use crate::market::error::{DataError, DataErrorKind, Fault};

/// Most instrument names that an error lists.
const NAMES_SHOWN: usize = 40;

/// Takes the rows of a table in file order.
pub(super) trait TakeRows {
    /// Returns which columns are read at all.
    fn roles(&self) -> &Roles;

    /// Takes one row.
    ///
    /// # Errors
    /// Refuses the first row that is not good.
    fn row<'c>(&mut self, line: u64, cell: impl Fn(usize) -> Cell<'c>) -> Result<(), DataError>;
}

/// Takes the rows of one instrument and passes over those of others.
pub(super) struct Assembler<'a> {
    rows: BarRows<'a>,
    mapping: &'a CsvMapping,
    series: BarSeries,
    /// Every instrument seen, where the file names them.
    instruments: BTreeSet<String>,
}

impl TakeRows for Assembler<'_> {
    fn roles(&self) -> &Roles {
        &self.rows.roles
    }

    fn row<'c>(&mut self, line: u64, cell: impl Fn(usize) -> Cell<'c>) -> Result<(), DataError> {
        if let Some(column) = self.rows.roles.instrument
            && !self.is_wanted(&cell(column), line, column)?
        {
            return Ok(());
        }
        if self.series.len() >= ROWS_MAX {
            return Err(text::too_many_rows(self.rows.cells.header.file, line));
        }
        let previous = self.series.time_ms.last().copied();
        if let Some(bar) = self.rows.bar(line, previous, &cell)? {
            self.series.push(&bar);
        }
        Ok(())
    }
}

impl<'a> Assembler<'a> {
    /// Binds the columns.
    ///
    /// # Errors
    /// Refuses a header in which a needed column is absent.
    pub(super) fn new(
        header: &'a Header<'a>,
        mapping: &'a CsvMapping,
        decimal_comma: bool,
    ) -> Result<Self, DataError> {
        let rows = BarRows::new(header, mapping, decimal_comma)?;
        let volume = rows.roles.volume.map(|_| Vec::new());
        let series = BarSeries { volume, ..BarSeries::default() };
        Ok(Self { rows, mapping, series, instruments: BTreeSet::new() })
    }

    /// Returns the series.
    ///
    /// # Errors
    /// Refuses several instruments where none was chosen, an instrument that is not there, and no rows.
    pub(super) fn finish(mut self) -> Result<BarSeries, DataError> {
        self.refuse_wrong_instrument()?;
        let file = self.rows.cells.header.file;
        if self.series.is_empty() {
            return Err(text::header_only(file));
        }
        let found = self.instruments.iter().find(|name| self.mapping_allows(name)).cloned();
        self.series.instrument =
            found.or_else(|| self.mapping.instrument.clone()).unwrap_or_else(|| stem(file));
        self.series.interval_seconds = bar::interval_seconds(&self.series.time_ms);
        Ok(self.series)
    }

    /// Notes the row's instrument; whether its row is to be read.
    fn is_wanted(&mut self, cell: &Cell<'_>, line: u64, column: usize) -> Result<bool, DataError> {
        let name = self.rows.cells.name(line, column, cell)?;
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
        let (Some(column), Some(first)) = (self.rows.roles.instrument, self.instruments.first())
        else {
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
        let header = self.rows.cells.header;
        let error = DataError::new(header.file, DataErrorKind::Instrument, fault);
        Err(error.in_column(&header.names[column]))
    }
}

fn shorten_list(names: &[&str]) -> String {
    names.iter().map(|name| shorten(name)).collect::<Vec<_>>().join(", ")
}
