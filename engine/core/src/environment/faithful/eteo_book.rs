//! ETEO's order book: 15 levels a side, one row per minute, and the 154 columns of the state.

use super::columns::{numbers, refused};
use crate::error::EngineError;
use crate::market::parse::reference::ReferenceTable;

/// Levels a side.
pub const LEVELS: usize = 15;
/// Columns before the levels.
const HEAD: [&str; 4] = ["midpoint", "spread", "buys", "sells"];
/// Columns of each level, in the order of the state.
const KINDS: [&str; 5] =
    ["distance", "notional", "cancel_notional", "limit_notional", "market_notional"];

/// Which side of the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Where others buy.
    Bids,
    /// Where others sell.
    Asks,
}

/// The book, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct EteoBook {
    names: Vec<String>,
    rows: usize,
    /// `[row, column]`.
    cells: Vec<f64>,
}

/// Returns the 154 columns in the order of the state.
#[must_use]
pub fn column_names() -> Vec<String> {
    let mut names: Vec<String> = HEAD.iter().map(|name| (*name).to_owned()).collect();
    for side in ["bids", "asks"] {
        for kind in KINDS {
            names.extend((0..LEVELS).map(|level| format!("{side}_{kind}_{level}")));
        }
    }
    names
}

impl EteoBook {
    /// Reads the 154 columns.
    ///
    /// # Errors
    /// Refuses missing columns, numbers that are not finite, and fewer than three rows.
    pub fn from_table(table: &ReferenceTable) -> Result<Self, EngineError> {
        let names = column_names();
        let columns = numbers(table, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
        let rows = table.len();
        if rows < 3 {
            return Err(refused(format!("wanted at least 3 rows of the book, found {rows}")));
        }
        let cells =
            (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
        Ok(Self { names, rows, cells })
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the names of the 154 columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    fn row(&self, row: usize) -> &[f64] {
        let width = self.names.len();
        &self.cells[row * width..(row + 1) * width]
    }

    /// Returns the price in the middle.
    #[must_use]
    pub fn midpoint(&self, row: usize) -> f64 {
        self.row(row)[0]
    }

    fn cell(&self, row: usize, side: Side, kind: usize, level: usize) -> f64 {
        let side_offset = match side {
            Side::Bids => 0,
            Side::Asks => KINDS.len() * LEVELS,
        };
        self.row(row)[HEAD.len() + side_offset + kind * LEVELS + level]
    }

    /// Returns the distance of a level as the file holds it.
    pub(super) fn distance(&self, row: usize, side: Side, level: usize) -> f64 {
        self.cell(row, side, 0, level)
    }

    /// Returns the price of a level: the file's fraction is taken for per cent, as the reference does.
    #[must_use]
    pub fn price(&self, row: usize, side: Side, level: usize) -> f64 {
        self.midpoint(row) * (1.0 + 0.01 * self.distance(row, side, level))
    }

    /// Returns the amount that rests at a level.
    #[must_use]
    pub fn notional(&self, row: usize, side: Side, level: usize) -> f64 {
        self.cell(row, side, 1, level)
    }

    /// Returns the amount that was cancelled at a level.
    #[must_use]
    pub fn cancelled(&self, row: usize, side: Side, level: usize) -> f64 {
        self.cell(row, side, 2, level)
    }

    /// Returns the level whose price is exactly `price`.
    #[expect(clippy::float_cmp, reason = "the reference compares prices for equality")]
    pub(super) fn level_at(&self, row: usize, side: Side, price: f64) -> Option<usize> {
        (0..LEVELS).find(|level| self.price(row, side, *level) == price)
    }

    /// Returns the row as the agent sees it: midpoint, buys and sells divided by buys + sells, then everything divided
    /// by the largest.
    #[must_use]
    pub fn normalised(&self, row: usize) -> Vec<f64> {
        let mut cells = self.row(row).to_vec();
        let traded = cells[2] + cells[3];
        for column in [0, 2, 3] {
            cells[column] /= traded;
        }
        let largest = cells.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        cells.iter().map(|cell| cell / largest).collect()
    }
}
