//! A portfolio that takes its labels from an index, by date: days, and slices of consecutive days.

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine::config::Truth;
use engine::labelling::slices::{LabelSlices, slices};
use engine::market::parse::rows::Rows;

use super::input::{Input, Stoppable, name_of, open, refused};
use super::{Labelled, Stop};
use crate::error::CliError;

/// The days of a portfolio.
pub(super) struct Portfolio {
    /// Its file.
    pub(super) path: PathBuf,
    /// Day of each row of the file; absent for rows without a label.
    pub(super) day_of_row: Vec<Option<usize>>,
    /// Label of each day.
    pub(super) labels: Vec<u32>,
    /// Slices in days.
    pub(super) slices: Vec<LabelSlices>,
    /// Rows whose date the index does not have.
    pub(super) unlabelled_rows: usize,
}

impl Portfolio {
    /// Returns how many days bear each label.
    pub(super) fn days_per_label(&self, label_count: u32) -> Vec<usize> {
        let mut days = vec![0; label_count as usize];
        for one in &self.slices {
            if let Some(count) = days.get_mut(one.label as usize) {
                *count = one.row_count;
            }
        }
        days
    }
}

/// Labels the configured portfolio; absent where none is configured.
pub(super) fn of(
    input: &Input,
    tickers: &[Labelled],
    stop: &Stop,
) -> Result<Option<Portfolio>, CliError> {
    let Some(path) = &input.portfolio else { return Ok(None) };
    let [index] = tickers else {
        return Err(CliError::Usage(format!(
            "wanted one index whose labels the portfolio takes; found {} tickers in {}. Give the index a file of its own",
            tickers.len(),
            input.data.display()
        )));
    };
    let by_date: BTreeMap<&str, u32> = (0..index.series.times.len())
        .map(|row| index.series.times.get(row))
        .zip(index.labelling.labels.iter().copied())
        .collect();
    let mut portfolio = Portfolio {
        path: path.clone(),
        day_of_row: Vec::new(),
        labels: Vec::new(),
        slices: Vec::new(),
        unlabelled_rows: 0,
    };
    let name = name_of(path);
    let (file, _) = open(path)?;
    let mut rows =
        Rows::open(Stoppable { inner: file, stop }, &name).map_err(|error| refused(&error))?;
    let time = rows.column(&input.config.time).map_err(|error| refused(&error))?;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    while let Some(row) = rows.next_row().map_err(|error| refused(&error))? {
        let date = row.cell(time);
        let Some(label) = by_date.get(date) else {
            if input.config.truth == Truth::Corrected {
                return Err(CliError::Failed(format!(
                    "{name}, line {}: wanted a date that {} has; found '{date}'. Use an index that covers the portfolio",
                    row.line,
                    input.data.display()
                )));
            }
            portfolio.unlabelled_rows += 1;
            portfolio.day_of_row.push(None);
            continue;
        };
        let newest = portfolio.labels.len();
        let day = seen.get(date).copied().unwrap_or_else(|| {
            seen.insert(date.to_owned(), newest);
            portfolio.labels.push(*label);
            newest
        });
        if day + 1 < portfolio.labels.len() {
            return Err(CliError::Failed(format!(
                "{name}, line {}: wanted the rows of a day together; found '{date}' again after another day. Sort the \
                 file by date",
                row.line
            )));
        }
        portfolio.day_of_row.push(Some(day));
    }
    stop.check()?;
    portfolio.slices = slices(&portfolio.labels, input.config.truth);
    Ok(Some(portfolio))
}
