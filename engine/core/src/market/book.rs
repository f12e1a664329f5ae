//! Order-book snapshots of one instrument: a fixed number of levels a side, in time order.

use std::ops::Range;

use super::bar::show_time;
use super::error::{DataError, DataErrorKind, Fault};

/// Most levels a side.
pub const LEVELS_MAX: usize = 50;

/// Snapshots of an order book. Price and size columns are `[T · L]`, row by row, level 0 nearest to the middle.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BookSeries {
    /// Name of the instrument.
    pub instrument: String,
    /// Levels a side, L.
    pub levels: usize,
    /// Times of the snapshots, milliseconds since 1970 UTC, strictly increasing.
    pub time_ms: Vec<i64>,
    /// Prices bid, falling from level to level.
    pub bid_price: Vec<f64>,
    /// Units bid, 0 or more.
    pub bid_size: Vec<f64>,
    /// Prices asked, rising from level to level.
    pub ask_price: Vec<f64>,
    /// Units asked, 0 or more.
    pub ask_size: Vec<f64>,
    /// Units bought by takers since the snapshot before, where the source tells.
    pub bought: Option<Vec<f64>>,
    /// Units sold by takers since the snapshot before, where the source tells.
    pub sold: Option<Vec<f64>>,
}

/// One side of one snapshot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Depth<'a> {
    /// Prices, level 0 first.
    pub price: &'a [f64],
    /// Units at them.
    pub size: &'a [f64],
}

impl BookSeries {
    /// Returns the number of snapshots.
    #[must_use]
    pub fn len(&self) -> usize {
        self.time_ms.len()
    }

    /// Whether there is no snapshot.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.time_ms.is_empty()
    }

    /// Returns a contiguous part; what lies beyond the end is left out.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.len());
        let range = range.start.min(end)..end;
        let cells = range.start * self.levels..range.end * self.levels;
        let flow = |units: &Option<Vec<f64>>| units.as_ref().map(|all| all[range.clone()].to_vec());
        Self {
            instrument: self.instrument.clone(),
            levels: self.levels,
            time_ms: self.time_ms[range.clone()].to_vec(),
            bid_price: self.bid_price[cells.clone()].to_vec(),
            bid_size: self.bid_size[cells.clone()].to_vec(),
            ask_price: self.ask_price[cells.clone()].to_vec(),
            ask_size: self.ask_size[cells].to_vec(),
            bought: flow(&self.bought),
            sold: flow(&self.sold),
        }
    }

    /// Returns the bid side of a snapshot.
    ///
    /// # Panics
    /// When there is no such snapshot.
    #[must_use]
    pub fn bids(&self, row: usize) -> Depth<'_> {
        let levels = row * self.levels..(row + 1) * self.levels;
        Depth { price: &self.bid_price[levels.clone()], size: &self.bid_size[levels] }
    }

    /// Returns the ask side of a snapshot.
    ///
    /// # Panics
    /// When there is no such snapshot.
    #[must_use]
    pub fn asks(&self, row: usize) -> Depth<'_> {
        let levels = row * self.levels..(row + 1) * self.levels;
        Depth { price: &self.ask_price[levels.clone()], size: &self.ask_size[levels] }
    }

    /// Returns the middle between best bid and best ask.
    ///
    /// # Panics
    /// When there is no such snapshot.
    #[must_use]
    pub fn mid(&self, row: usize) -> f64 {
        f64::midpoint(self.bids(row).price[0], self.asks(row).price[0])
    }

    /// Checks everything the rest of the engine relies on: columns of one length, times strictly increasing, prices
    /// above 0 and ordered, best bid below best ask, sizes 0 or more.
    ///
    /// # Errors
    /// Refuses with the row (from 1) and the column of the first fault.
    pub fn validate(&self) -> Result<(), DataError> {
        self.validate_shape()?;
        for row in 0..self.len() {
            self.check_row(row).map_err(|(column, kind, fault)| {
                DataError::new(&self.instrument, kind, fault)
                    .at_line(row as u64 + 1)
                    .in_column(&column)
            })?;
        }
        Ok(())
    }

    fn validate_shape(&self) -> Result<(), DataError> {
        let cells = self.len() * self.levels;
        let sides = [&self.bid_price, &self.bid_size, &self.ask_price, &self.ask_size];
        let flows = [&self.bought, &self.sold];
        let equal = sides.iter().all(|column| column.len() == cells)
            && flows.iter().all(|flow| flow.as_ref().is_none_or(|flow| flow.len() == self.len()));
        if equal && (1..=LEVELS_MAX).contains(&self.levels) && !self.is_empty() {
            return Ok(());
        }
        let fault = Fault::new(
            format!("1 to {LEVELS_MAX} levels, at least one snapshot, columns of equal length"),
            format!("{} levels, {} snapshots", self.levels, self.len()),
            "Import the source again",
        );
        Err(DataError::new(&self.instrument, DataErrorKind::Columns, fault))
    }

    /// Checks one snapshot by itself and against the time of the one before it.
    ///
    /// # Errors
    /// Returns the column and the fault.
    pub(crate) fn check_row(&self, row: usize) -> Result<(), (String, DataErrorKind, Fault)> {
        if let Some(before) = row.checked_sub(1).map(|before| self.time_ms[before])
            && self.time_ms[row] <= before
        {
            let fault = Fault::new(
                format!("a time after {}", show_time(before)),
                show_time(self.time_ms[row]),
                "Sort the snapshots by time and remove repeated ones",
            );
            return Err(("time".to_owned(), DataErrorKind::Time, fault));
        }
        let (bids, asks) = (self.bids(row), self.asks(row));
        // Away from the middle: bids fall, asks rise. Seen as prices times this sign, both rise.
        for (side, sign, depth) in [("bid", -1.0, bids), ("ask", 1.0, asks)] {
            for level in 0..self.levels {
                let (price, size) = (depth.price[level], depth.size[level]);
                let farther = level == 0 || sign * depth.price[level - 1] < sign * price;
                if !(price.is_finite() && 0.0 < price && farther) {
                    let fault = Fault::new(
                        "a finite price above 0, farther from the middle than the level before",
                        price.to_string(),
                        "Correct or remove the snapshot",
                    );
                    return Err((format!("{side}{}_price", level + 1), DataErrorKind::Bar, fault));
                }
                if !(size.is_finite() && 0.0 <= size) {
                    let fault = Fault::new(
                        "a finite size of 0 or more",
                        size.to_string(),
                        "Correct or remove the snapshot",
                    );
                    return Err((format!("{side}{}_size", level + 1), DataErrorKind::Bar, fault));
                }
            }
        }
        if bids.price[0] < asks.price[0] {
            return Ok(());
        }
        let fault = Fault::new(
            format!("a best ask above the best bid ({})", bids.price[0]),
            asks.price[0].to_string(),
            "Remove the snapshot: a crossed book is a fault of the recording",
        );
        Err(("ask1_price".to_owned(), DataErrorKind::Bar, fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> BookSeries {
        BookSeries {
            instrument: "BTC".to_owned(),
            levels: 2,
            time_ms: vec![0, 1000],
            bid_price: vec![99.0, 98.0, 100.0, 99.0],
            bid_size: vec![1.0, 2.0, 0.0, 1.0],
            ask_price: vec![101.0, 102.0, 101.0, 103.0],
            ask_size: vec![1.0; 4],
            bought: None,
            sold: Some(vec![0.0, 3.0]),
        }
    }

    #[test]
    fn shows_the_levels_of_a_snapshot() {
        let book = book();
        book.validate().unwrap();
        assert_eq!(book.bids(1), Depth { price: &[100.0, 99.0], size: &[0.0, 1.0] });
        assert_eq!((book.mid(0), book.mid(1)), (100.0, 100.5));
    }

    #[test]
    fn names_row_and_column_of_what_no_book_can_be() {
        type Change = fn(&mut BookSeries);
        let cases: [(Change, &str); 6] = [
            (|book| book.time_ms[1] = 0, "time"),
            (|book| book.bid_price[3] = 100.0, "bid2_price"),
            (|book| book.ask_price[3] = f64::NAN, "ask2_price"),
            (|book| book.bid_size[2] = -1.0, "bid1_size"),
            (|book| book.ask_price[2] = 100.0, "ask1_price"),
            (|book| book.ask_size[2] = f64::INFINITY, "ask1_size"),
        ];
        for (change, column) in cases {
            let mut broken = book();
            change(&mut broken);
            let error = broken.validate().unwrap_err();
            assert_eq!((error.line, error.column.as_deref()), (Some(2), Some(column)));
        }
        let mut short = book();
        short.ask_size.pop();
        assert_eq!(short.validate().unwrap_err().kind, DataErrorKind::Columns);
    }
}
