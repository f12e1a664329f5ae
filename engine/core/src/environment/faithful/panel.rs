//! Panels: a table whose index is the day number, repeated once per ticker, as days × tickers.

use std::collections::BTreeMap;

use super::columns::{FIRST_LINE, FeatureChoice, above_zero, numbers, refused};
use crate::error::EngineError;
use crate::market::parse::reference::ReferenceTable;

/// Closes and features by day and ticker. Never changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    tickers: Vec<String>,
    names: Vec<String>,
    days: usize,
    /// `[day, ticker]`.
    close: Vec<f64>,
    /// `[feature, day, ticker]`.
    features: Vec<f64>,
}

impl Panel {
    /// Reads a panel: day d is all rows with index d, in file order. Times are not looked at; tickers may be numbers
    /// or hold spaces.
    ///
    /// # Errors
    /// Refuses missing columns, closes that are no prices, days that are not numbered from 0 without gaps, and days
    /// that do not hold the tickers of day 0 in the same order.
    pub fn from_table(
        table: &ReferenceTable,
        features: &FeatureChoice,
    ) -> Result<Self, EngineError> {
        let cells = numbers(table, &["close"])?[0];
        above_zero(cells, "close")?;
        let row_tickers = tickers(table)?;
        let names = features.resolve(table)?;
        let mut rows_of_day: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (row, day) in table.index.iter().enumerate() {
            rows_of_day.entry(*day).or_default().push(row);
        }
        check_days(&rows_of_day, &row_tickers)?;
        let order: Vec<usize> = rows_of_day.values().flatten().copied().collect();
        let first = rows_of_day.values().next().cloned().unwrap_or_default();
        let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut flat = Vec::with_capacity(order.len() * names.len());
        for column in numbers(table, &wanted)? {
            flat.extend(order.iter().map(|row| column[*row]));
        }
        Ok(Self {
            tickers: first.iter().map(|row| row_tickers[*row].clone()).collect(),
            days: rows_of_day.len(),
            close: order.iter().map(|row| cells[*row]).collect(),
            features: flat,
            names,
        })
    }

    /// Returns the tickers, in the order of every day.
    #[must_use]
    pub fn tickers(&self) -> &[String] {
        &self.tickers
    }

    /// Returns the features' names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the number of days.
    #[must_use]
    pub fn days(&self) -> usize {
        self.days
    }

    /// Returns the closes of one day, by ticker.
    ///
    /// # Panics
    /// When there is no such day.
    #[must_use]
    pub fn close(&self, day: usize) -> &[f64] {
        let width = self.tickers.len();
        &self.close[day * width..(day + 1) * width]
    }

    /// Returns one feature of one day, by ticker.
    ///
    /// # Panics
    /// When there is no such feature or day.
    #[must_use]
    pub fn feature(&self, feature: usize, day: usize) -> &[f64] {
        let width = self.tickers.len();
        let begin = (feature * self.days + day) * width;
        &self.features[begin..begin + width]
    }
}

fn tickers(table: &ReferenceTable) -> Result<Vec<String>, EngineError> {
    if let Some(names) = table.text.get("tic") {
        return Ok(names.clone());
    }
    match table.columns.get("tic") {
        Some(numbers) => Ok(numbers.iter().map(ToString::to_string).collect()),
        None => Err(refused(
            "the column tic is missing: it names the ticker of each row; the first column is the day's number"
                .to_owned(),
        )),
    }
}

fn check_days(
    rows_of_day: &BTreeMap<i64, Vec<usize>>,
    row_tickers: &[String],
) -> Result<(), EngineError> {
    let Some(first) = rows_of_day.values().next() else {
        return Err(refused("wanted at least one day, found none".to_owned()));
    };
    for (wanted, (day, rows)) in (0_i64..).zip(rows_of_day) {
        let line = |position: usize| rows.get(position).map_or(0, |row| row + FIRST_LINE);
        if *day != wanted {
            return Err(refused(format!(
                "wanted days numbered 0, 1, 2, … in the first column, found day {day} (line {}) and no day {wanted}",
                line(0)
            )));
        }
        if rows.len() != first.len() {
            return Err(refused(format!(
                "wanted the {} tickers of day 0 on every day, found {} on day {day} (line {} on); the first column \
                 must be the number of the day, repeated once per ticker",
                first.len(),
                rows.len(),
                line(0)
            )));
        }
        let other = first.iter().zip(rows).position(|(a, b)| row_tickers[*a] != row_tickers[*b]);
        if let Some(position) = other {
            return Err(refused(format!(
                "line {}, column 'tic': wanted {} in place {position} of day {day}, as on day 0, found {}",
                line(position),
                row_tickers[first[position]],
                row_tickers[rows[position]]
            )));
        }
    }
    Ok(())
}
