//! The reference system's missing data splits, computed anew from raw files: classic features over the whole history of
//! each instrument, then cut by the calendar. Every input and output has its hash.
//!
//! Source: `trademaster.md` §5.1 and §5.4. No files here: bytes in, tables out.

mod sources;
mod table;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::sources::{bitcoin, dow_30, exchange_rates, hashes, intraday_50};
pub use self::table::RebuiltTable;
use self::table::Row;
use super::frame;
use crate::config::FeatureSet;
use crate::digest::sha256;
use crate::error::EngineError;
use crate::market::calendar::civil::{day_number, day_of};
use crate::market::{BarSeries, DataError};

/// A raw file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawFile<'a> {
    /// Its name; where the file does not name its instrument, the instrument's.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// What stands in the rows in which a feature's window is not full yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WarmUp {
    /// Nothing: an empty cell.
    #[default]
    Undefined,
    /// What the reference system writes: all instruments one after the other, filled forwards and then backwards. The
    /// first instrument's first rows know its future, and each later one's hold the last values of the one before.
    /// For comparison with published files only.
    Faithful,
}

/// A segment by its days, both included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cut {
    /// `train`, `valid`, `test` or another name.
    pub name: String,
    /// First day as year, month, day.
    pub first: [i64; 3],
    /// Last day.
    pub last: [i64; 3],
}

impl Cut {
    /// Returns the segment `name` from `first` to `last`.
    #[must_use]
    pub fn new(name: &str, first: [i64; 3], last: [i64; 3]) -> Self {
        Self { name: name.to_owned(), first, last }
    }

    fn holds(&self, time_ms: i64) -> bool {
        let number = |[year, month, day]: [i64; 3]| day_number(year, month, day);
        (number(self.first)..=number(self.last)).contains(&day_of(time_ms))
    }
}

/// Name and SHA-256 of a file that went in or came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hashed {
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// Rows, for tables that came out; 0 for files that went in.
    pub rows: u64,
}

/// What a rebuild returns.
#[derive(Debug, Clone, PartialEq)]
pub struct Rebuilt {
    /// One table per segment, in the order of the cuts.
    pub tables: Vec<RebuiltTable>,
    /// The instruments that are in them, in the order of their rows.
    pub instruments: Vec<String>,
    /// The instruments that were left out, with the reason.
    pub left_out: Vec<(String, String)>,
    /// The files that went in.
    pub inputs: Vec<Hashed>,
    /// The tables as CSV, in the order of `tables`.
    pub outputs: Vec<Hashed>,
}

/// Computes the tables of complete series: every instrument has a bar at every time.
///
/// # Errors
/// Refuses series of different times, a segment without rows, and no series.
fn rebuild(
    series: &[BarSeries],
    cuts: &[Cut],
    warm_up: WarmUp,
    files: &[RawFile<'_>],
) -> Result<Rebuilt, EngineError> {
    let refused = |detail: String| EngineError::Refused { what: "rebuild", detail };
    let Some(first) = series.first() else {
        return Err(refused(
            "wanted at least one instrument; found none. Name the raw files".into(),
        ));
    };
    if let Some(other) = series.iter().find(|one| one.time_ms != first.time_ms) {
        return Err(refused(format!(
            "wanted the same {} times for every instrument; found {} of {}. Leave it out or complete it",
            first.len(),
            other.len(),
            other.instrument
        )));
    }
    let names: Vec<String> = super::names(FeatureSet::Classic16);
    let cells = features(series, names.len(), warm_up);
    let mut tables = Vec::new();
    for cut in cuts {
        let rows: Vec<usize> =
            (0..first.len()).filter(|row| cut.holds(first.time_ms[*row])).collect();
        if rows.is_empty() {
            let found =
                format!("wanted days of the segment '{}'; found none. Give a later file", cut.name);
            return Err(refused(found));
        }
        let mut table = RebuiltTable::new(&cut.name, &names);
        for (day, row) in (0_i64..).zip(rows) {
            for (one, cells) in series.iter().zip(&cells) {
                let cells = &cells[row * names.len()..(row + 1) * names.len()];
                let row = Row { day, time_ms: first.time_ms[row], ticker: &one.instrument, cells };
                table.push(&row);
            }
        }
        tables.push(table);
    }
    let outputs = tables
        .iter()
        .map(|table| Hashed {
            name: format!("{}.csv", table.name),
            sha256: sha256(table.to_csv().as_bytes()),
            rows: table.len() as u64,
        })
        .collect();
    Ok(Rebuilt {
        tables,
        instruments: series.iter().map(|one| one.instrument.clone()).collect(),
        left_out: Vec::new(),
        inputs: files.iter().map(hashed).collect(),
        outputs,
    })
}

fn hashed(file: &RawFile<'_>) -> Hashed {
    Hashed { name: file.name.to_owned(), sha256: sha256(file.bytes), rows: 0 }
}

/// Returns the features of each series, row by row; NaN where a window is not full.
fn features(series: &[BarSeries], width: usize, warm_up: WarmUp) -> Vec<Vec<f64>> {
    let mut cells: Vec<Vec<f64>> =
        series.iter().map(|one| frame(one, FeatureSet::Classic16).values).collect();
    if warm_up == WarmUp::Undefined {
        return cells;
    }
    for column in 0..width {
        let mut last = None;
        // Forwards through all instruments, then backwards: the leak is the reference's.
        for cell in cells.iter_mut().flat_map(|rows| rows.iter_mut().skip(column).step_by(width)) {
            if cell.is_nan() {
                *cell = last.unwrap_or(f64::NAN);
            }
            last = Some(*cell).filter(|value| !value.is_nan());
        }
        let mut next = f64::NAN;
        for rows in cells.iter_mut().rev() {
            for cell in rows.iter_mut().skip(column).step_by(width).rev() {
                if cell.is_nan() {
                    *cell = next;
                }
                next = *cell;
            }
        }
    }
    cells
}

fn unreadable(error: DataError) -> EngineError {
    EngineError::Refused { what: "rebuild", detail: error.to_string() }
}
