//! Tables with many instruments → one panel. Streams as the importer of one instrument does; rows may stand in any
//! order as long as the times of each instrument rise.

use std::collections::BTreeMap;
use std::io::Read;

use bytes::Bytes;

use super::assemble::{Cell, TakeRows};
use super::csv::feed;
use super::mapping::{CsvMapping, Header, Roles};
use super::row::{BarRows, stem};
use super::text::{self, Layout, Table};
use super::{INSTRUMENTS_MAX, ROWS_MAX, parquet};
use crate::market::bar::{self, BarSeries};
use crate::market::error::{DataError, DataErrorKind, Fault};
use crate::market::panel::{BarPanel, Join};

/// Reads a long CSV table with one row per time and instrument. The column that names the instrument is found as the
/// others are, or named by the mapping; `mapping.instrument` chooses one of several. A table without such a column is
/// one instrument.
///
/// # Errors
/// Refuses the first thing that is not good, with line and column, and a join that leaves no time.
pub fn parse(
    reader: impl Read,
    file_name: &str,
    mapping: &CsvMapping,
    join: Join,
) -> Result<BarPanel, DataError> {
    let (series, _) = read(reader, file_name, mapping, &Layout::default())?;
    BarPanel::join(&series, join)
}

/// Reads a Parquet table with one row per time and instrument.
///
/// # Errors
/// Refuses the first thing that is not good, with row (from 1) and column, and a join that leaves no time.
pub fn parse_parquet(
    bytes: Bytes,
    file_name: &str,
    mapping: &CsvMapping,
    join: Join,
) -> Result<BarPanel, DataError> {
    BarPanel::join(&parquet::parse_many(bytes, file_name, mapping)?, join)
}

/// Reads the series of every instrument in the order in which the file names them first, and how many rows without a
/// price were passed over.
///
/// # Errors
/// See [`parse`].
pub(super) fn read(
    reader: impl Read,
    file_name: &str,
    mapping: &CsvMapping,
    layout: &Layout,
) -> Result<(Vec<BarSeries>, u64), DataError> {
    let mut table = Table::open(reader, file_name, layout)?;
    let header = table.header();
    let header = header.view();
    let mut collector = Collector::new(&header, mapping, table.decimal_comma())?;
    collector.rows = collector.rows.skipping_empty_rows(layout.skip_empty_rows);
    feed(&mut table, &mut collector)?;
    let skipped = collector.rows.skipped;
    Ok((collector.finish()?, skipped))
}

/// Takes the rows of all instruments.
pub(super) struct Collector<'a> {
    rows: BarRows<'a>,
    mapping: &'a CsvMapping,
    series: Vec<BarSeries>,
    position: BTreeMap<String, usize>,
    row_count: usize,
    others: u64,
}

impl TakeRows for Collector<'_> {
    fn roles(&self) -> &Roles {
        &self.rows.roles
    }

    fn row<'c>(&mut self, line: u64, cell: impl Fn(usize) -> Cell<'c>) -> Result<(), DataError> {
        let Some(position) = self.position(line, &cell)? else {
            self.others += 1;
            return Ok(());
        };
        if ROWS_MAX <= self.row_count {
            return Err(text::too_many_rows(self.rows.cells.header.file, line));
        }
        let previous = self.series[position].time_ms.last().copied();
        if let Some(bar) = self.rows.bar(line, previous, &cell)? {
            self.series[position].push(&bar);
            self.row_count += 1;
        }
        Ok(())
    }
}

impl<'a> Collector<'a> {
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
        let position = BTreeMap::new();
        Ok(Self { rows, mapping, series: Vec::new(), position, row_count: 0, others: 0 })
    }

    /// Returns every series with at least one bar.
    ///
    /// # Errors
    /// Refuses no rows at all.
    pub(super) fn finish(mut self) -> Result<Vec<BarSeries>, DataError> {
        self.series.retain(|series| !series.is_empty());
        if self.series.is_empty() {
            return Err(self.nothing());
        }
        for series in &mut self.series {
            series.interval_seconds = bar::interval_seconds(&series.time_ms);
        }
        Ok(self.series)
    }

    fn nothing(&self) -> DataError {
        let file = self.rows.cells.header.file;
        let wanted = self.mapping.instrument.as_deref().unwrap_or_default();
        let (found, next) = match (self.rows.skipped, self.others) {
            (0, 0) => return text::header_only(file),
            (0, _) => {
                let fault = Fault::new(
                    format!("rows of the instrument '{wanted}'"),
                    "only others",
                    "Choose one that is there, or none to import all",
                );
                return DataError::new(file, DataErrorKind::Instrument, fault);
            }
            (skipped, _) => {
                (format!("{skipped} rows without one"), "Check that the export was complete")
            }
        };
        let fault = Fault::new("at least one row with prices", found, next);
        DataError::new(file, DataErrorKind::Empty, fault)
    }

    /// Returns which series the row belongs to; absent where it was not chosen.
    fn position<'c>(
        &mut self,
        line: u64,
        cell: &impl Fn(usize) -> Cell<'c>,
    ) -> Result<Option<usize>, DataError> {
        let wanted = self.mapping.instrument.as_deref().map(str::trim);
        let cell = self.rows.roles.instrument.map(|column| (column, cell(column)));
        let name = match cell {
            // Known names are not copied: this is done for every row.
            Some((_, Cell::Text(text))) if self.position.contains_key(text.trim()) => {
                return Ok(self.position.get(text.trim()).copied());
            }
            Some((column, cell)) => self.rows.cells.name(line, column, &cell)?,
            None => wanted.map_or_else(|| stem(self.rows.cells.header.file), str::to_owned),
        };
        if let Some(position) = self.position.get(&name) {
            return Ok(Some(*position));
        }
        if cell.is_some() && wanted.is_some_and(|wanted| !wanted.eq_ignore_ascii_case(&name)) {
            return Ok(None);
        }
        if INSTRUMENTS_MAX <= self.series.len() {
            let fault = Fault::new(
                format!("at most {INSTRUMENTS_MAX} instruments"),
                "more",
                "Check that the column of instruments is the right one, or import the file in parts",
            );
            let file = self.rows.cells.header.file;
            return Err(DataError::new(file, DataErrorKind::TooLarge, fault).at_line(line));
        }
        let volume = self.rows.roles.volume.map(|_| Vec::new());
        let position = self.series.len();
        self.series.push(BarSeries { instrument: name.clone(), volume, ..BarSeries::default() });
        self.position.insert(name, position);
        Ok(Some(position))
    }
}
