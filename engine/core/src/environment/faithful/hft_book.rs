//! The 5-level book of high-frequency trading and the walk through it.
//!
//! Quirks kept: level 5 only ends the walk, nothing is traded there; what the four levels above cannot fill is left.

use super::columns::{above_zero, numbers, refused};
use crate::error::EngineError;
use crate::market::parse::reference::ReferenceTable;

/// Levels a side in the file.
pub const HFT_LEVELS: usize = 5;

/// One side of one row: price and size of each level, best first.
pub(super) type Levels = [(f64, f64); HFT_LEVELS];

/// The book, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct HftBook {
    pub(super) bids: Vec<Levels>,
    pub(super) asks: Vec<Levels>,
}

/// What a walk through one side came to, before fees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Walked {
    /// Σ price · size.
    pub(super) value: f64,
    /// Units traded.
    pub(super) traded: f64,
    /// Whether the book was too thin.
    pub(super) short: bool,
}

/// Walks `quantity` units through one side.
pub(super) fn walk(levels: &Levels, quantity: f64) -> Walked {
    let (mut left, mut value) = (quantity, 0.0);
    for (price, size) in &levels[..HFT_LEVELS - 1] {
        if left < *size {
            return Walked { value: value + price * left, traded: quantity, short: false };
        }
        left -= size;
        value += price * size;
    }
    if left > 0.0 {
        return Walked { value, traded: quantity - left, short: true };
    }
    Walked { value: value + levels[HFT_LEVELS - 1].0 * left, traded: quantity, short: false }
}

/// Returns the size of the levels at which something is traded.
pub(super) fn depth(levels: &Levels) -> f64 {
    levels[..HFT_LEVELS - 1].iter().map(|(_, size)| size).sum()
}

impl HftBook {
    /// Reads `{bid,ask}{1..5}_{price,size}`.
    ///
    /// # Errors
    /// Refuses missing columns, prices not above 0, sizes below 0, and fewer than two rows.
    pub fn from_table(table: &ReferenceTable) -> Result<Self, EngineError> {
        if table.len() < 2 {
            return Err(refused(format!(
                "wanted at least 2 rows of the book, found {}",
                table.len()
            )));
        }
        Ok(Self { bids: side(table, "bid")?, asks: side(table, "ask")? })
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.bids.len()
    }

    /// Returns what `position` units are worth: always at the best bid.
    #[must_use]
    pub fn value(&self, row: usize, position: f64) -> f64 {
        self.bids[row][0].0 * position
    }
}

fn side(table: &ReferenceTable, side: &str) -> Result<Vec<Levels>, EngineError> {
    let names: Vec<String> = (1..=HFT_LEVELS)
        .flat_map(|level| [format!("{side}{level}_price"), format!("{side}{level}_size")])
        .collect();
    let columns = numbers(table, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
    for (name, column) in names.iter().zip(&columns) {
        if name.ends_with("price") {
            above_zero(column, name)?;
        } else if let Some(row) = column.iter().position(|size| *size < 0.0) {
            return Err(refused(format!(
                "line {}, column '{name}': wanted a size of at least 0, found {}",
                row + super::columns::FIRST_LINE,
                column[row]
            )));
        }
    }
    Ok((0..table.len())
        .map(|row| {
            let mut levels = [(0.0, 0.0); HFT_LEVELS];
            for (level, place) in levels.iter_mut().enumerate() {
                *place = (columns[2 * level][row], columns[2 * level + 1][row]);
            }
            levels
        })
        .collect())
}
