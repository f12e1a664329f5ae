//! Order books as vendors write them → one checked series of snapshots.

pub mod distances;
pub mod json;
pub mod levels;

use super::ROWS_MAX;
use crate::market::book::BookSeries;
use crate::market::error::{DataError, DataErrorKind, Fault};

/// Most cells of price and size that one file may hold: about 800 MB.
const CELLS_MAX: usize = 100_000_000;

/// One level of one side.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Level {
    price: f64,
    size: f64,
}

/// Takes snapshots in file order.
struct Snapshots<'f> {
    file: &'f str,
    series: BookSeries,
}

/// One snapshot before it is taken.
struct Snapshot<'s> {
    time_ms: i64,
    bids: &'s [Level],
    asks: &'s [Level],
    bought: Option<f64>,
    sold: Option<f64>,
}

impl<'f> Snapshots<'f> {
    fn new(file: &'f str, instrument: String, levels: usize, has_flow: bool) -> Self {
        let flow = || has_flow.then(Vec::new);
        let series = BookSeries {
            instrument,
            levels,
            bought: flow(),
            sold: flow(),
            ..BookSeries::default()
        };
        Self { file, series }
    }

    /// Takes one snapshot with as many levels a side as the series has.
    fn push(&mut self, line: u64, snapshot: &Snapshot<'_>) -> Result<(), DataError> {
        let rows = self.series.len();
        if ROWS_MAX <= rows || CELLS_MAX <= rows * self.series.levels * 4 {
            let fault = Fault::new(
                format!("at most {ROWS_MAX} snapshots and {CELLS_MAX} numbers"),
                "more",
                "Import the file in parts, or record fewer levels",
            );
            return Err(DataError::new(self.file, DataErrorKind::TooLarge, fault).at_line(line));
        }
        let series = &mut self.series;
        series.time_ms.push(snapshot.time_ms);
        series.bid_price.extend(snapshot.bids.iter().map(|level| level.price));
        series.bid_size.extend(snapshot.bids.iter().map(|level| level.size));
        series.ask_price.extend(snapshot.asks.iter().map(|level| level.price));
        series.ask_size.extend(snapshot.asks.iter().map(|level| level.size));
        for (flow, value) in
            [(&mut series.bought, snapshot.bought), (&mut series.sold, snapshot.sold)]
        {
            if let Some(flow) = flow {
                flow.push(value.unwrap_or(0.0));
            }
        }
        series.check_row(rows).map_err(|(column, kind, fault)| {
            DataError::new(self.file, kind, fault).at_line(line).in_column(&column)
        })
    }

    fn finish(self) -> Result<BookSeries, DataError> {
        if self.series.is_empty() {
            return Err(super::text::header_only(self.file));
        }
        Ok(self.series)
    }
}
