//! Columns of a reference table, checked: what is missing is named at once, what is no number by line and column.

use crate::error::{EngineError, few};
use crate::market::parse::reference::ReferenceTable;

/// Line of a file's first row of data: the header is line 1.
pub(super) const FIRST_LINE: usize = 2;

/// Which columns become features of the observation. Fixed policies do not look at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeatureChoice {
    /// These; a table without one of them is refused.
    Named(Vec<String>),
    /// These when all of them are there and finite, else none.
    WhereComplete(Vec<String>),
}

impl FeatureChoice {
    /// Returns the names to be used with `table`.
    ///
    /// # Errors
    /// Refuses named columns that are missing, hold text, or hold what is not finite.
    pub fn resolve(&self, table: &ReferenceTable) -> Result<Vec<String>, EngineError> {
        match self {
            Self::Named(names) => {
                numbers(table, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
                Ok(names.clone())
            }
            Self::WhereComplete(names) => {
                let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
                Ok(if numbers(table, &wanted).is_ok() { names.clone() } else { Vec::new() })
            }
        }
    }
}

/// Returns columns of finite numbers, in the order asked for.
///
/// # Errors
/// Refuses when columns are missing (all are named), or a cell is no finite number (line and column are named).
pub(super) fn numbers<'a>(
    table: &'a ReferenceTable,
    names: &[&str],
) -> Result<Vec<&'a [f64]>, EngineError> {
    let missing: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| !table.columns.contains_key(*name) && !table.text.contains_key(*name))
        .collect();
    if !missing.is_empty() {
        let known = few(table.columns.keys().chain(table.text.keys()));
        return Err(refused(format!(
            "the columns {} are missing; found {known}",
            missing.join(", ")
        )));
    }
    names.iter().map(|name| finite(table, name)).collect()
}

fn finite<'a>(table: &'a ReferenceTable, name: &str) -> Result<&'a [f64], EngineError> {
    if let Some(cells) = table.text.get(name) {
        let row = cells.iter().position(|cell| cell.parse::<f64>().is_err()).unwrap_or(0);
        let cell: String = cells.get(row).map_or("", String::as_str).chars().take(40).collect();
        return Err(at(row, name, &format!("wanted a number, found '{cell}'")));
    }
    let values = table.columns.get(name).map_or(&[][..], Vec::as_slice);
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values),
        Some(row) => Err(at(row, name, &format!("wanted a finite number, found {}", values[row]))),
    }
}

/// Refuses a column in which a number is not above 0.
///
/// # Errors
/// See above; line and column are named.
pub(super) fn above_zero(values: &[f64], name: &str) -> Result<(), EngineError> {
    match values.iter().position(|value| *value <= 0.0) {
        None => Ok(()),
        Some(row) => Err(at(row, name, &format!("wanted a price above 0, found {}", values[row]))),
    }
}

fn at(row: usize, column: &str, fault: &str) -> EngineError {
    refused(format!("line {}, column '{column}': {fault}", row + FIRST_LINE))
}

/// Returns the refusal of a table.
pub(super) fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "reference table", detail }
}
