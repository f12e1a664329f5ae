//! Bars of several instruments on one time axis: what portfolios are traded on.
//!
//! Columns are flat and row by row: the value of instrument `i` at time `t` is at `t · N + i`, so that one day of all
//! instruments is contiguous. A cell without a bar is absent by the mask; nobody reads its numbers, which are NaN so
//! that a reader who does it all the same is found out.

use std::ops::Range;

use super::bar::{Bar, BarSeries, check, interval_seconds};
use super::error::{DataError, DataErrorKind, Fault};

/// Most cells (times × instruments) of a panel: about 1 GB of numbers.
pub const CELLS_MAX: usize = 20_000_000;

/// Which times a panel joined from several series has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// Times at which every instrument has a bar.
    Inner,
    /// Times at which any instrument has a bar; the others are absent there.
    Outer,
}

/// Bars of several instruments. Every column has one value per time and instrument.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BarPanel {
    /// Names of the instruments, each once, in the order of the columns.
    pub instruments: Vec<String>,
    /// Usual distance between two times (their median), in seconds; 0 for fewer than two.
    pub interval_seconds: f64,
    /// Times, milliseconds since 1970 UTC, strictly increasing.
    pub time_ms: Vec<i64>,
    /// `[T · N]` whether there is a bar.
    pub present: Vec<bool>,
    /// `[T · N]` first prices, quote currency.
    pub open: Vec<f64>,
    /// `[T · N]` highest prices.
    pub high: Vec<f64>,
    /// `[T · N]` lowest prices.
    pub low: Vec<f64>,
    /// `[T · N]` last prices.
    pub close: Vec<f64>,
    /// `[T · N]` last prices adjusted for splits and dividends.
    pub adjusted_close: Vec<f64>,
    /// `[T · N]` what was traded, in the source's unit; absent where no instrument has any.
    pub volume: Option<Vec<f64>>,
}

impl BarPanel {
    /// Joins one series per instrument, in the order given.
    ///
    /// # Errors
    /// Refuses no series, a name given twice, a series that is not valid, a join that leaves no time, and one with more
    /// than [`CELLS_MAX`] cells.
    pub fn join(series: &[BarSeries], join: Join) -> Result<Self, DataError> {
        let mut names: Vec<&str> = series.iter().map(|one| one.instrument.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let fault = Fault::new(
                "each instrument once",
                format!("{} twice", pair[0]),
                "Rename one of the two or leave it out",
            );
            return Err(DataError::new(pair[0], DataErrorKind::Instrument, fault));
        }
        for one in series {
            one.validate()?;
        }
        let time_ms = times(series, join);
        if time_ms.is_empty() {
            let fault = Fault::new(
                "at least one time that all instruments share",
                "none",
                "Import instruments that traded at the same times, or join them with gaps",
            );
            return Err(DataError::new("panel", DataErrorKind::Empty, fault));
        }
        if CELLS_MAX / series.len() < time_ms.len() {
            let fault = Fault::new(
                format!("at most {CELLS_MAX} cells"),
                format!("{} times of {} instruments", time_ms.len(), series.len()),
                "Keep the times that all instruments share, or import fewer instruments or a shorter span",
            );
            return Err(DataError::new("panel", DataErrorKind::TooLarge, fault));
        }
        let mut panel = Self::absent(series, time_ms);
        for (column, one) in series.iter().enumerate() {
            let mut row = 0;
            for bar in one.bars() {
                while panel.time_ms.get(row).is_some_and(|time| *time < bar.time_ms) {
                    row += 1;
                }
                if panel.time_ms.get(row) == Some(&bar.time_ms) {
                    panel.put(row, column, &bar);
                }
            }
        }
        Ok(panel)
    }

    fn absent(series: &[BarSeries], time_ms: Vec<i64>) -> Self {
        let cells = time_ms.len() * series.len();
        let nothing = || vec![f64::NAN; cells];
        let has_volume = series.iter().any(|one| one.volume.is_some());
        Self {
            instruments: series.iter().map(|one| one.instrument.clone()).collect(),
            interval_seconds: interval_seconds(&time_ms),
            time_ms,
            present: vec![false; cells],
            open: nothing(),
            high: nothing(),
            low: nothing(),
            close: nothing(),
            adjusted_close: nothing(),
            volume: has_volume.then(nothing),
        }
    }

    /// Writes one bar; a volume that the bar lacks stays NaN.
    ///
    /// # Panics
    /// When there is no such cell.
    pub fn put(&mut self, row: usize, column: usize, bar: &Bar) {
        let cell = self.cell(row, column);
        self.present[cell] = true;
        self.open[cell] = bar.open;
        self.high[cell] = bar.high;
        self.low[cell] = bar.low;
        self.close[cell] = bar.close;
        self.adjusted_close[cell] = bar.adjusted_close;
        if let Some(volume) = &mut self.volume {
            volume[cell] = bar.volume.unwrap_or(f64::NAN);
        }
    }

    /// Returns the number of times, T.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.time_ms.len()
    }

    /// Returns the number of instruments, N.
    #[must_use]
    pub fn width(&self) -> usize {
        self.instruments.len()
    }

    fn cell(&self, row: usize, column: usize) -> usize {
        assert!(
            row < self.rows() && column < self.width(),
            "there is no cell {row}, {column} of {} times and {} instruments",
            self.rows(),
            self.width()
        );
        row * self.width() + column
    }

    /// Returns the bar of an instrument at a time; absent where it has none.
    #[must_use]
    pub fn bar(&self, row: usize, column: usize) -> Option<Bar> {
        let cell = self.cell(row, column);
        self.present[cell].then(|| Bar {
            time_ms: self.time_ms[row],
            open: self.open[cell],
            high: self.high[cell],
            low: self.low[cell],
            close: self.close[cell],
            adjusted_close: self.adjusted_close[cell],
            volume: self
                .volume
                .as_ref()
                .map(|volume| volume[cell])
                .filter(|value| value.is_finite()),
        })
    }

    /// Whether every instrument has a bar at every time.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.present.iter().all(|present| *present)
    }

    /// Returns a contiguous part; what lies beyond the end is left out. Every instrument stays, also one that has no bar
    /// there.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.rows());
        let range = range.start.min(end)..end;
        let cells = range.start * self.width()..range.end * self.width();
        let part = |values: &[f64]| values[cells.clone()].to_vec();
        Self {
            instruments: self.instruments.clone(),
            interval_seconds: self.interval_seconds,
            time_ms: self.time_ms[range].to_vec(),
            present: self.present[cells.clone()].to_vec(),
            open: part(&self.open),
            high: part(&self.high),
            low: part(&self.low),
            close: part(&self.close),
            adjusted_close: part(&self.adjusted_close),
            volume: self.volume.as_deref().map(part),
        }
    }

    /// Returns the bars of one instrument, absent ones left out. Without volume where any of its bars has none.
    #[must_use]
    pub fn series(&self, column: usize) -> BarSeries {
        let bars: Vec<Bar> = (0..self.rows()).filter_map(|row| self.bar(row, column)).collect();
        let all_volumes = !bars.is_empty() && bars.iter().all(|bar| bar.volume.is_some());
        let mut series = BarSeries {
            instrument: self.instruments[column].clone(),
            volume: all_volumes.then(Vec::new),
            ..BarSeries::default()
        };
        for bar in &bars {
            series.push(bar);
        }
        series.interval_seconds = interval_seconds(&series.time_ms);
        series
    }

    /// Checks everything the rest of the engine relies on: names unique, columns of one length, times strictly
    /// increasing, every bar that is there sound in itself, at least one bar at each time.
    ///
    /// # Errors
    /// Refuses with the row (from 1) and the column of the first fault.
    pub fn validate(&self) -> Result<(), DataError> {
        let cells = self.rows() * self.width();
        let lengths = [
            self.present.len(),
            self.open.len(),
            self.high.len(),
            self.low.len(),
            self.close.len(),
            self.adjusted_close.len(),
            self.volume.as_ref().map_or(cells, Vec::len),
        ];
        if cells == 0 || lengths.iter().any(|length| *length != cells) {
            let wanted = format!("{cells} cells per column, and at least one");
            let fault = Fault::new(wanted, format!("{lengths:?}"), "Import the source again");
            return Err(DataError::new("panel", DataErrorKind::Columns, fault));
        }
        for row in 0..self.rows() {
            self.validate_row(row)?;
        }
        Ok(())
    }

    fn validate_row(&self, row: usize) -> Result<(), DataError> {
        let previous = row.checked_sub(1).map(|before| self.time_ms[before]);
        let mut any = false;
        for (column, name) in self.instruments.iter().enumerate() {
            let Some(bar) = self.bar(row, column) else { continue };
            any = true;
            check(&bar, previous).map_err(|fault| {
                DataError::new(name, fault.kind, fault.fault)
                    .at_line(row as u64 + 1)
                    .in_column(fault.field)
            })?;
        }
        if any {
            return Ok(());
        }
        let fault = Fault::new("a bar of any instrument", "none", "Leave the time out");
        Err(DataError::new("panel", DataErrorKind::Empty, fault).at_line(row as u64 + 1))
    }
}

/// Returns the sorted times of a join.
fn times(series: &[BarSeries], join: Join) -> Vec<i64> {
    let mut all: Vec<i64> = series.iter().flat_map(|one| one.time_ms.iter().copied()).collect();
    all.sort_unstable();
    let wanted = match join {
        Join::Inner => series.len(),
        Join::Outer => 1,
    };
    // The times of one series differ, so that equal neighbours are as many as there are series with that time.
    all.chunk_by(|left, right| left == right)
        .filter(|run| wanted <= run.len())
        .filter_map(|run| run.first().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, times: &[i64]) -> BarSeries {
        let mut series = BarSeries { instrument: name.to_owned(), ..BarSeries::default() };
        for time in times {
            let price = 100.0 + *time as f64;
            series.push(&Bar {
                time_ms: *time,
                open: price,
                high: price + 1.0,
                low: price - 1.0,
                close: price,
                adjusted_close: price,
                volume: None,
            });
        }
        series
    }

    #[test]
    fn an_inner_join_keeps_common_times_and_an_outer_one_marks_what_is_absent() {
        let both = [series("A", &[1, 2, 4]), series("B", &[2, 3, 4, 5])];
        let inner = BarPanel::join(&both, Join::Inner).unwrap();
        assert_eq!(inner.time_ms, [2, 4]);
        assert!(inner.is_complete());
        let outer = BarPanel::join(&both, Join::Outer).unwrap();
        assert_eq!(outer.time_ms, [1, 2, 3, 4, 5]);
        assert_eq!(outer.bar(2, 0), None);
        assert_eq!(outer.bar(2, 1).map(|bar| bar.close), Some(103.0));
        outer.validate().unwrap();
        // What goes in comes out again.
        assert_eq!(outer.series(0).time_ms, both[0].time_ms);
        assert_eq!(outer.series(1).close, both[1].close);
    }

    #[test]
    fn refuses_a_name_twice_nothing_in_common_and_nothing_at_all() {
        let refused = |series: &[BarSeries], join| BarPanel::join(series, join).unwrap_err().kind;
        let twice = [series("A", &[1]), series("A", &[1])];
        assert_eq!(refused(&twice, Join::Outer), DataErrorKind::Instrument);
        let apart = [series("A", &[1]), series("B", &[2])];
        assert_eq!(refused(&apart, Join::Inner), DataErrorKind::Empty);
        assert_eq!(refused(&[], Join::Outer), DataErrorKind::Empty);
    }

    #[test]
    fn names_the_instrument_and_row_of_a_broken_bar() {
        let mut panel =
            BarPanel::join(&[series("A", &[1, 2]), series("B", &[1, 2])], Join::Inner).unwrap();
        panel.low[3] = f64::NAN;
        let error = panel.validate().unwrap_err();
        assert_eq!((error.file.as_str(), error.line), ("B", Some(2)));
        assert_eq!(error.column.as_deref(), Some("low"));
    }
}
