//! Market dynamics: a labelled table cut into the runs of one label, each a table of its own.
//! Source: TradeMaster 1.0.0, spec/trademaster.md section 2.1.
//!
//! Metrics over slices stand in `metrics::faithful`; scores against the rule baselines are elsewhere.

use std::collections::BTreeMap;

use super::columns::{numbers, refused};
use crate::error::EngineError;
use crate::market::parse::reference::ReferenceTable;

/// Whose rules decide which runs are too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SliceFamily {
    /// Algorithmic trading: runs of at most B + F + 2 rows are skipped.
    AlgorithmicTrading {
        /// Look-back B.
        backward: usize,
        /// Look-forward F.
        forward: usize,
    },
    /// Portfolio management: a day has the label of most of its rows; runs of at most `length_day` days are skipped.
    Portfolio {
        /// Days.
        length_day: usize,
    },
    /// Order execution: runs of fewer than 32 rows are skipped.
    OrderExecution,
    /// High-frequency trading: runs of at most stack + 2 rows are skipped.
    HighFrequency {
        /// Rows of the observation.
        stack: usize,
    },
}

/// One run of a label.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// The label.
    pub label: i64,
    /// Number of the run among all runs of its label, from 0; runs that were skipped count.
    pub number: usize,
    /// First row of the run in the labelled table; of a portfolio, the first day.
    pub first: usize,
    /// The run, its index restarted at 0.
    pub table: ReferenceTable,
}

impl SliceFamily {
    /// Whether a run of `length` rows (of a portfolio: days) is long enough.
    #[must_use]
    pub fn keeps(self, length: usize) -> bool {
        match self {
            Self::AlgorithmicTrading { backward, forward } => backward + forward + 2 < length,
            Self::Portfolio { length_day } => length_day < length,
            Self::OrderExecution => 32 <= length,
            Self::HighFrequency { stack } => stack + 2 < length,
        }
    }
}

/// Returns the slices of `label`, in the order of the table, which has a column `label`.
///
/// # Errors
/// Refuses a table without labels, and labels that are no numbers.
pub fn slices(
    table: &ReferenceTable,
    label: i64,
    family: SliceFamily,
) -> Result<Vec<Slice>, EngineError> {
    let labels = numbers(table, &["label"])?[0];
    // What a run is made of: rows, or in a portfolio the rows of one day.
    let units: Vec<Vec<usize>> = match family {
        SliceFamily::Portfolio { .. } => days(table)?,
        SliceFamily::AlgorithmicTrading { .. }
        | SliceFamily::OrderExecution
        | SliceFamily::HighFrequency { .. } => (0..table.len()).map(|row| vec![row]).collect(),
    };
    let wanted = label as f64;
    let has_label: Vec<bool> = units
        .iter()
        .map(|rows| majority(rows, labels).is_some_and(|found| found.total_cmp(&wanted).is_eq()))
        .collect();
    let mut found = Vec::new();
    for (number, (begin, end)) in runs(&has_label).into_iter().enumerate() {
        if family.keeps(end - begin) {
            let table = cut(table, &units[begin..end]);
            found.push(Slice { label, number, first: begin, table });
        }
    }
    Ok(found)
}

/// Returns the rows of each day, days in order.
fn days(table: &ReferenceTable) -> Result<Vec<Vec<usize>>, EngineError> {
    let mut rows_of_day: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (row, day) in table.index.iter().enumerate() {
        rows_of_day.entry(*day).or_default().push(row);
    }
    match (0_i64..).zip(rows_of_day.keys()).find(|(wanted, day)| wanted != *day) {
        None => Ok(rows_of_day.into_values().collect()),
        Some((wanted, day)) => Err(refused(format!(
            "wanted days numbered 0, 1, 2, … in the first column, found day {day} and no day {wanted}"
        ))),
    }
}

/// Returns the label of most rows, of several the one met first.
fn majority(rows: &[usize], labels: &[f64]) -> Option<f64> {
    let mut counts: Vec<(f64, usize)> = Vec::new();
    for row in rows {
        match counts.iter_mut().find(|(label, _)| label.total_cmp(&labels[*row]).is_eq()) {
            Some((_, count)) => *count += 1,
            None => counts.push((labels[*row], 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    counts.iter().find(|(_, count)| *count == most).map(|(label, _)| *label)
}

/// Returns begin and end of each run of what is true.
fn runs(flags: &[bool]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut begin = None;
    for (position, flag) in flags.iter().copied().chain([false]).enumerate() {
        match (flag, begin) {
            (true, None) => begin = Some(position),
            (false, Some(first)) => {
                found.push((first, position));
                begin = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    found
}

/// Returns the rows of some units as a table, the index counting units from 0.
fn cut(table: &ReferenceTable, units: &[Vec<usize>]) -> ReferenceTable {
    let rows: Vec<usize> = units.iter().flatten().copied().collect();
    let index =
        (0_i64..).zip(units).flat_map(|(number, rows)| rows.iter().map(move |_| number)).collect();
    let pick = |values: &Vec<f64>| rows.iter().map(|row| values[*row]).collect();
    let pick_text = |values: &Vec<String>| rows.iter().map(|row| values[*row].clone()).collect();
    ReferenceTable {
        index,
        columns: table.columns.iter().map(|(name, values)| (name.clone(), pick(values))).collect(),
        text: table.text.iter().map(|(name, values)| (name.clone(), pick_text(values))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(labels: &[f64]) -> ReferenceTable {
        let mut table = ReferenceTable {
            index: (100_i64..).take(labels.len()).collect(),
            ..ReferenceTable::default()
        };
        table.columns.insert("label".to_owned(), labels.to_vec());
        let closes = (0..labels.len()).map(|row| row as f64 + 1.0).collect();
        table.columns.insert("close".to_owned(), closes);
        table
    }

    #[test]
    fn cuts_the_runs_of_one_label_and_restarts_their_index() {
        let labels = [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let family = SliceFamily::HighFrequency { stack: 1 };
        let found = slices(&labelled(&labels), 1, family).unwrap();
        let places: Vec<_> = found.iter().map(|s| (s.number, s.first, s.table.len())).collect();
        // Of runs of 4, 1 and 5 rows the second is skipped: at most stack + 2.
        assert_eq!(places, [(0, 0, 4), (2, 7, 5)]);
        assert_eq!(found[1].table.index, [0, 1, 2, 3, 4]);
        assert_eq!(found[1].table.columns["close"], [8.0, 9.0, 10.0, 11.0, 12.0]);
        assert!(slices(&labelled(&labels), 7, family).unwrap().is_empty());
    }

    #[test]
    fn keeps_what_is_longer_than_the_familys_limit() {
        let trading = SliceFamily::AlgorithmicTrading { backward: 5, forward: 5 };
        assert!(!trading.keeps(12) && trading.keeps(13));
        assert!(!SliceFamily::OrderExecution.keeps(31) && SliceFamily::OrderExecution.keeps(32));
        let portfolio = SliceFamily::Portfolio { length_day: 10 };
        assert!(!portfolio.keeps(10) && portfolio.keeps(11));
        let second = SliceFamily::HighFrequency { stack: 1 };
        assert!(!second.keeps(3) && second.keeps(4));
    }

    #[test]
    fn a_day_has_the_label_of_most_of_its_rows() {
        let mut table = labelled(&[0.0, 2.0, 2.0, 2.0, 2.0, 0.0, 0.0, 2.0, 0.0]);
        table.index = vec![0, 0, 0, 1, 1, 1, 2, 2, 2];
        let found = slices(&table, 2, SliceFamily::Portfolio { length_day: 1 }).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].first, found[0].table.len()), (0, 6));
        assert_eq!(found[0].table.index, [0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn refuses_a_table_without_labels() {
        let mut table = labelled(&[1.0]);
        table.columns.remove("label");
        let refusal = slices(&table, 1, SliceFamily::OrderExecution).unwrap_err();
        assert!(refusal.to_string().contains("label"), "{refusal}");
    }
}
