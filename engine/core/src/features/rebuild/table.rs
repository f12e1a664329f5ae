//! A rebuilt table: the reference's columns in memory and as CSV. Equal tables give equal bytes.

use crate::market::bar::show_time;
use crate::market::calendar::civil::DAY_MS;

/// One segment, a row per day (or bar) and instrument.
#[derive(Debug, Clone, PartialEq)]
pub struct RebuiltTable {
    /// The segment.
    pub name: String,
    /// Names of the columns of numbers: raw prices and features.
    pub columns: Vec<String>,
    /// Number of the time within the segment, from 0, the same for all instruments.
    pub day: Vec<i64>,
    /// Times, milliseconds since 1970 UTC.
    pub time_ms: Vec<i64>,
    /// Instruments.
    pub ticker: Vec<String>,
    /// `[rows, columns]`, row by row; absent where a window is not full.
    pub cells: Vec<Option<f64>>,
}

/// One row.
pub(super) struct Row<'a> {
    pub(super) day: i64,
    pub(super) time_ms: i64,
    pub(super) ticker: &'a str,
    /// NaN where nothing is defined.
    pub(super) cells: &'a [f64],
}

impl RebuiltTable {
    pub(super) fn new(name: &str, columns: &[String]) -> Self {
        Self {
            name: name.to_owned(),
            columns: columns.to_vec(),
            day: Vec::new(),
            time_ms: Vec::new(),
            ticker: Vec::new(),
            cells: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, row: &Row<'_>) {
        self.day.push(row.day);
        self.time_ms.push(row.time_ms);
        self.ticker.push(row.ticker.to_owned());
        self.cells.extend(row.cells.iter().map(|cell| Some(*cell).filter(|cell| !cell.is_nan())));
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.day.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.day.is_empty()
    }

    /// Returns a column by name; absent where there is none of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<Vec<Option<f64>>> {
        let position = self.columns.iter().position(|column| column == name)?;
        Some(self.cells.iter().skip(position).step_by(self.columns.len()).copied().collect())
    }

    /// Returns the table as CSV: the day's number without a name, `date`, `tic`, then the columns. Numbers are written
    /// with as many digits as bring them back; undefined ones are empty cells. Dates at midnight have no time of day.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = format!(",date,tic,{}\n", self.columns.join(","));
        let width = self.columns.len();
        for row in 0..self.len() {
            let time = show_time(self.time_ms[row]);
            let date = if self.time_ms[row].rem_euclid(DAY_MS) == 0 {
                time.chars().take(10).collect()
            } else {
                time.replace('T', " ").trim_end_matches('Z').to_owned()
            };
            text.push_str(&format!("{},{date},{}", self.day[row], self.ticker[row]));
            for cell in &self.cells[row * width..(row + 1) * width] {
                text.push(',');
                if let Some(value) = cell {
                    text.push_str(&value.to_string());
                }
            }
            text.push('\n');
        }
        text
    }
}
