//! One column of numbers over time, per ticker, in file order: what is labelled. Times are kept as they are written.

use std::collections::BTreeMap;
use std::io::Read;

use super::rows::{Row, Rows};
use super::time;
use crate::market::error::{DataError, DataErrorKind, Fault};

/// Which columns are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesColumns<'a> {
    /// The numbers.
    pub indicator: &'a str,
    /// The times, in whatever form.
    pub time: &'a str,
    /// What tells tickers apart. Where there is no such column, the name of the only one.
    pub ticker: &'a str,
}

/// Many short texts in one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    joined: String,
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        self.joined.push_str(text);
        self.ends.push(self.joined.len());
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns one; empty where there is none.
    #[must_use]
    pub fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(index).copied().unwrap_or_default();
        self.joined.get(start.unwrap_or_default()..end).unwrap_or_default()
    }
}

/// The rows of one ticker.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TickerSeries {
    /// Its name.
    pub ticker: String,
    /// The indicator, row by row.
    pub values: Vec<f64>,
    /// The times as written.
    pub times: Texts,
    /// A number per row that grows with the time; absent where a time could not be read, or numbers and dates are
    /// mixed.
    pub order: Option<Vec<i128>>,
    /// Row of the file that each row is, from 0; absent where the file holds this ticker alone.
    pub file_rows: Option<Vec<usize>>,
}

/// One ticker while it is read.
#[derive(Default)]
struct Growing {
    series: TickerSeries,
    order: Vec<(bool, i128)>,
    is_ordered: bool,
    rows: Vec<usize>,
}

/// Reads the series of each ticker, in the order in which they first occur.
///
/// # Errors
/// Refuses a table without these columns, without rows, and cells of the indicator that are no finite numbers, with
/// line and column.
pub fn parse(
    reader: impl Read,
    file: &str,
    columns: &SeriesColumns<'_>,
) -> Result<Vec<TickerSeries>, DataError> {
    let mut rows = Rows::open(reader, file)?;
    let (indicator, time) = (rows.column(columns.indicator)?, rows.column(columns.time)?);
    let ticker = rows.column(columns.ticker).ok();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut growing: Vec<Growing> = Vec::new();
    let mut number = 0;
    while let Some(row) = rows.next_row()? {
        let name = ticker.map_or(columns.ticker, |column| row.cell(column));
        let place = places.get(name).copied().unwrap_or_else(|| {
            places.insert(name.to_owned(), growing.len());
            let series = TickerSeries { ticker: name.to_owned(), ..TickerSeries::default() };
            growing.push(Growing { series, is_ordered: true, ..Growing::default() });
            growing.len() - 1
        });
        let value = value(&row, indicator, (file, columns.indicator))?;
        growing[place].push(value, row.cell(time), number);
        number += 1;
    }
    if growing.is_empty() {
        let fault = Fault::new(
            "at least one row of data",
            "the header only",
            "Check that the export was complete",
        );
        return Err(DataError::new(file, DataErrorKind::Empty, fault));
    }
    let is_alone = growing.len() == 1;
    Ok(growing.into_iter().map(|one| one.finish(is_alone)).collect())
}

impl Growing {
    fn push(&mut self, value: f64, time: &str, row: usize) {
        self.series.values.push(value);
        self.series.times.push(time);
        self.rows.push(row);
        if self.is_ordered {
            let key = time::order_key(time);
            let is_alike =
                |key: &(bool, i128)| self.order.last().is_none_or(|last| last.0 == key.0);
            match key.filter(is_alike) {
                Some(key) => self.order.push(key),
                None => {
                    self.is_ordered = false;
                    self.order = Vec::new();
                }
            }
        }
    }

    fn finish(self, is_alone: bool) -> TickerSeries {
        let keys = || self.order.iter().map(|(_, key)| *key).collect();
        TickerSeries {
            order: self.is_ordered.then(keys),
            file_rows: (!is_alone).then_some(self.rows),
            ..self.series
        }
    }
}

fn value(row: &Row, column: usize, (file, name): (&str, &str)) -> Result<f64, DataError> {
    let cell = row.cell(column);
    match cell.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) | Err(_) => {
            let found =
                if cell.is_empty() { "an empty cell".to_owned() } else { format!("'{cell}'") };
            let fault = Fault::new("a finite number", found, "Fill or remove the row");
            let error = DataError::new(file, DataErrorKind::Cell, fault);
            Err(error.at_line(row.line).in_column(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: SeriesColumns<'static> =
        SeriesColumns { indicator: "x", time: "date", ticker: "tic" };

    #[test]
    fn tickers_are_parted_and_keep_their_rows() {
        let text = "date,tic,x\n2020-01-01,B,1\n2020-01-01,A B,2\n2020-01-02,B,3\n";
        let found = parse(text.as_bytes(), "t.csv", &COLUMNS).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].ticker.as_str(), found[1].ticker.as_str()), ("B", "A B"));
        assert_eq!(found[0].values, [1.0, 3.0]);
        assert_eq!(found[0].file_rows, Some(vec![0, 2]));
        assert_eq!((found[0].times.get(0), found[0].times.get(1)), ("2020-01-01", "2020-01-02"));
        assert_eq!((found[0].times.len(), found[0].times.get(2)), (2, ""));
        let order = found[0].order.as_ref().unwrap();
        assert!(order[0] < order[1]);
    }

    #[test]
    fn without_the_column_the_file_is_one_ticker_of_that_name() {
        let named = SeriesColumns { ticker: "BTC", ..COLUMNS };
        let found = parse("date,x\nMonday,1\nTuesday,2\n".as_bytes(), "t.csv", &named).unwrap();
        assert_eq!(
            (found[0].ticker.as_str(), &found[0].file_rows, &found[0].order),
            ("BTC", &None, &None)
        );
        let found = parse("date,x\n2020-01-01,1\n7,2\n".as_bytes(), "t.csv", &named).unwrap();
        assert_eq!(found[0].order, None);
    }

    #[test]
    fn says_where_a_cell_is_no_number() {
        for cell in ["", "nan", "inf", "x"] {
            let text = format!("date,tic,x\n1,A,1\n2,A,{cell}\n");
            let error = parse(text.as_bytes(), "t.csv", &COLUMNS).unwrap_err().to_string();
            assert!(error.contains("line 3, column 'x'"), "{error}");
        }
        assert!(parse("date,tic,y\n1,A,1\n".as_bytes(), "t.csv", &COLUMNS).is_err());
        assert!(parse("date,tic,x\n".as_bytes(), "t.csv", &COLUMNS).is_err());
    }
}
