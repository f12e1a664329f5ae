//! One segment of an order book: depth to trade against and normalised features to look at. Shared, never changed.
//!
//! Features are `[T, K]`, row by row, so that the window an agent looks at is one contiguous piece.

use std::ops::Range;
use std::sync::Arc;

use super::market_data::{PRICE_MAX, PRICE_MIN, periods_per_year};
use crate::error::EngineError;
use crate::features::FeatureFrame;
use crate::market::BookSeries;
use crate::num::narrow;

/// Largest displayed size: keeps every amount far inside the range of `f64`.
const SIZE_MAX: f64 = 1e15;

/// The snapshots and features of one segment.
#[derive(Debug, Clone, PartialEq)]
pub struct BookData {
    book: BookSeries,
    names: Vec<String>,
    features: Vec<f32>,
    periods_per_year: f64,
}

impl BookData {
    /// Takes the snapshots and (normalised) features of `rows`.
    ///
    /// # Errors
    /// Refuses a book that is not valid, rows that do not exist or whose features are not defined, prices below 1e-9 or
    /// above 1e15, sizes above 1e15, and features that are not finite in single precision.
    pub fn new(
        book: &BookSeries,
        frame: &FeatureFrame,
        rows: Range<usize>,
    ) -> Result<Self, EngineError> {
        book.validate().map_err(|error| refused(error.to_string()))?;
        if book.len() < rows.end
            || rows.is_empty()
            || frame.rows != book.len()
            || rows.start < frame.warmup_rows
        {
            return Err(refused(format!(
                "rows {}..{} were wanted of {} snapshots and {} rows of features with {} rows of warm-up",
                rows.start,
                rows.end,
                book.len(),
                frame.rows,
                frame.warmup_rows
            )));
        }
        let cut = book.slice(rows.clone());
        let mut prices = cut.bid_price.iter().chain(&cut.ask_price);
        let mut sizes = cut.bid_size.iter().chain(&cut.ask_size);
        let flows = [&cut.bought, &cut.sold];
        let fits = prices.all(|price| (PRICE_MIN..=PRICE_MAX).contains(price))
            && sizes.all(|size| *size <= SIZE_MAX)
            && flows.into_iter().flatten().flatten().all(|units| (0.0..=SIZE_MAX).contains(units));
        if !fits {
            return Err(refused(
                "prices must lie within 1e-9 and 1e15, sizes and traded units within 0 and 1e15; correct the data or \
                 its units"
                    .to_owned(),
            ));
        }
        let mut features = Vec::with_capacity(frame.width * rows.len());
        for row in rows {
            for (column, name) in frame.names.iter().enumerate() {
                let value = frame.row(row).and_then(|cells| cells.get(column).copied());
                let single = narrow(value.unwrap_or(f64::NAN));
                if !single.is_finite() {
                    return Err(refused(format!(
                        "feature {name} of row {row} must be finite in single precision, found {value:?}"
                    )));
                }
                features.push(single);
            }
        }
        let periods_per_year = periods_per_year(&book.time_ms);
        Ok(Self { book: cut, names: frame.names.clone(), features, periods_per_year })
    }

    /// Returns the snapshots.
    #[must_use]
    pub fn book(&self) -> &BookSeries {
        &self.book
    }

    /// Returns the number of snapshots.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.book.len()
    }

    /// Returns the features' names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the features `[W, K]` of some rows, oldest first.
    ///
    /// # Panics
    /// When there are no such rows.
    #[must_use]
    pub fn window(&self, rows: Range<usize>) -> &[f32] {
        let width = self.names.len();
        &self.features[rows.start * width..rows.end * width]
    }

    /// Returns how many snapshots a year has, from the times of the whole series.
    #[must_use]
    pub fn periods_per_year(&self) -> f64 {
        self.periods_per_year
    }

    /// Returns a name for each number of a window: `mid[-1]` is the middle one snapshot ago.
    #[must_use]
    pub fn window_names(&self, window: usize) -> Vec<String> {
        let aged = |age: usize| {
            let age = if age == 0 { "0".to_owned() } else { format!("-{age}") };
            self.names.iter().map(move |name| format!("{name}[{age}]"))
        };
        (0..window).rev().flat_map(aged).collect()
    }

    /// Returns the same data shared.
    #[must_use]
    pub fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }
}

/// Returns what a snapshot itself tells: per level and side the distance from the middle in basis points and the share
/// of all displayed units, and the change of the middle since the snapshot before in basis points.
///
/// Names: `bid1_distance_bps`, `bid1_share`, … outwards, then `ask…`, then `mid_change_bps`. Warm-up: one row.
#[must_use]
pub fn depth_features(book: &BookSeries) -> FeatureFrame {
    let mut names = Vec::new();
    for side in ["bid", "ask"] {
        for level in 1..=book.levels {
            names.push(format!("{side}{level}_distance_bps"));
            names.push(format!("{side}{level}_share"));
        }
    }
    names.push("mid_change_bps".to_owned());
    let mut values = Vec::with_capacity(book.len() * names.len());
    for row in 0..book.len() {
        let mid = book.mid(row);
        let sides = [book.bids(row), book.asks(row)];
        let all: f64 = sides.iter().flat_map(|side| side.size).sum();
        for side in sides {
            for (price, size) in side.price.iter().zip(side.size) {
                values.push((price / mid - 1.0) * 1e4);
                values.push(if all > 0.0 { size / all } else { 0.0 });
            }
        }
        values.push(if row == 0 { f64::NAN } else { (mid / book.mid(row - 1) - 1.0) * 1e4 });
    }
    FeatureFrame { width: names.len(), names, rows: book.len(), warmup_rows: 1, values }
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "book data", detail }
}
