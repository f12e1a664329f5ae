//! Features of order books: who waits on which side, and what changed since the snapshot before.

use super::quotient;
use super::rolling::Sum;
use crate::market::BookSeries;
use crate::market::book::Depth;

/// One feature of a book, fed snapshot by snapshot.
pub trait BookFeature: Send {
    /// Returns the column's name.
    fn name(&self) -> String;
    /// Takes the snapshot at `row`, which follows the one taken before, and returns the value at it.
    fn update(&mut self, book: &BookSeries, row: usize) -> Option<f64>;
}

/// A side of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who wants to buy.
    Bid,
    /// Who wants to sell.
    Ask,
}

fn size(depth: Depth<'_>, levels: usize) -> f64 {
    depth.size.iter().take(levels).sum()
}

/// (bid − ask) / (bid + ask) of the units at one level, from 0; in [−1, 1]. Not defined where both are 0.
pub struct LevelImbalance(pub usize);

impl BookFeature for LevelImbalance {
    fn name(&self) -> String {
        format!("imbalance_level_{}", self.0 + 1)
    }

    fn update(&mut self, book: &BookSeries, row: usize) -> Option<f64> {
        let bid = *book.bids(row).size.get(self.0)?;
        let ask = *book.asks(row).size.get(self.0)?;
        quotient(bid - ask, bid + ask)
    }
}

/// (bid − ask) / (bid + ask) of the units at the best levels together.
pub struct Imbalance {
    /// Levels counted from the middle.
    pub levels: usize,
}

impl BookFeature for Imbalance {
    fn name(&self) -> String {
        format!("imbalance_{}", self.levels)
    }

    fn update(&mut self, book: &BookSeries, row: usize) -> Option<f64> {
        let bid = size(book.bids(row), self.levels);
        let ask = size(book.asks(row), self.levels);
        quotient(bid - ask, bid + ask)
    }
}

/// Mean of best bid and best ask, each weighted by the units on the other side.
///
/// Source: Stoikov 2018, "The micro-price", section 1 (there called the weighted mid-price).
pub struct Microprice;

impl BookFeature for Microprice {
    fn name(&self) -> String {
        "microprice".to_owned()
    }

    fn update(&mut self, book: &BookSeries, row: usize) -> Option<f64> {
        let (bids, asks) = (book.bids(row), book.asks(row));
        let (bid, ask) = (bids.size[0], asks.size[0]);
        let share = quotient(bid, bid + ask)?;
        Some(bids.price[0] + share * (asks.price[0] - bids.price[0]))
    }
}

/// Best ask − best bid, in the quote currency.
pub struct Spread;

impl BookFeature for Spread {
    fn name(&self) -> String {
        "spread".to_owned()
    }

    fn update(&mut self, book: &BookSeries, row: usize) -> Option<f64> {
        Some(book.asks(row).price[0] - book.bids(row).price[0])
    }
}

/// The spread relative to the middle, in basis points.
pub struct SpreadBps;

impl BookFeature for SpreadBps {
    fn name(&self) -> String {
        "spread_bps".to_owned()
    }

    fn update(&mut self, book: &BookSeries, row: usize) -> Option<f64> {
        Some(1e4 * (book.asks(row).price[0] - book.bids(row).price[0]) / book.mid(row))
    }
}

/// Units at the best levels of one side.
pub struct BookDepth {
    /// Whose.
    pub side: Side,
    /// Levels counted from the middle.
    pub levels: usize,
}

impl BookFeature for BookDepth {
    fn name(&self) -> String {
        match self.side {
            Side::Bid => format!("bid_depth_{}", self.levels),
            Side::Ask => format!("ask_depth_{}", self.levels),
        }
    }

    fn update(&mut self, book: &BookSeries, row: usize) -> Option<f64> {
        Some(match self.side {
            Side::Bid => size(book.bids(row), self.levels),
            Side::Ask => size(book.asks(row), self.levels),
        })
    }
}

/// Order-flow imbalance at the best prices, summed over a window of changes: units that came to bid or left ask, less
/// those that came to ask or left bid.
///
/// Source: Cont, Kukanov, Stoikov 2014, "The price impact of order book events", eq. 4 and 5.
pub struct OrderFlowImbalance {
    window: usize,
    sum: Sum,
    /// Best bid and its units, best ask and its units.
    previous: Option<[f64; 4]>,
}

impl OrderFlowImbalance {
    /// Returns the sum over `window` changes.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, sum: Sum::new(window), previous: None }
    }
}

impl BookFeature for OrderFlowImbalance {
    fn name(&self) -> String {
        format!("order_flow_imbalance_{}", self.window)
    }

    fn update(&mut self, book: &BookSeries, row: usize) -> Option<f64> {
        let (bids, asks) = (book.bids(row), book.asks(row));
        let now = [bids.price[0], bids.size[0], asks.price[0], asks.size[0]];
        let before = self.previous.replace(now)?;
        let counted = |holds: bool, units: f64| if holds { units } else { 0.0 };
        let bid = counted(before[0] <= now[0], now[1]) - counted(now[0] <= before[0], before[1]);
        let ask = counted(now[2] <= before[2], now[3]) - counted(before[2] <= now[2], before[3]);
        self.sum.update(bid - ask)
    }
}

/// Returns the values of every snapshot, row by row: `[T, features]`. Row t depends on snapshots up to t only.
#[must_use]
pub fn book_frame(
    book: &BookSeries,
    features: &mut [Box<dyn BookFeature>],
) -> Vec<Vec<Option<f64>>> {
    (0..book.len())
        .map(|row| features.iter_mut().map(|feature| feature.update(book, row)).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> BookSeries {
        BookSeries {
            instrument: "BTC".to_owned(),
            levels: 2,
            time_ms: vec![0, 1, 2],
            bid_price: vec![99.0, 98.0, 99.0, 98.0, 98.0, 97.0],
            bid_size: vec![3.0, 2.0, 5.0, 1.0, 4.0, 0.0],
            ask_price: vec![101.0, 102.0, 100.0, 102.0, 100.0, 103.0],
            ask_size: vec![1.0, 2.0, 2.0, 2.0, 0.0, 0.0],
            bought: None,
            sold: None,
        }
    }

    #[test]
    fn books_that_are_done_by_hand() {
        let mut features: Vec<Box<dyn BookFeature>> = vec![
            Box::new(LevelImbalance(0)),
            Box::new(Imbalance { levels: 2 }),
            Box::new(Microprice),
            Box::new(Spread),
            Box::new(SpreadBps),
            Box::new(BookDepth { side: Side::Bid, levels: 2 }),
            Box::new(BookDepth { side: Side::Ask, levels: 1 }),
            Box::new(OrderFlowImbalance::new(1)),
            Box::new(LevelImbalance(7)),
        ];
        let frame = book_frame(&book(), &mut features);
        assert_eq!(
            frame[0],
            [
                Some(0.5),
                Some(0.25),
                Some(100.5),
                Some(2.0),
                Some(200.0),
                Some(5.0),
                Some(1.0),
                None,
                None
            ]
        );
        // The bid grew from 3 to 5 at the same price; the ask came closer with 2 units: 2 − 2.
        assert_eq!(frame[1][7], Some(0.0));
        // The bid left 5 units behind; the ask went from 2 to 0 at the same price: −5 + 2.
        assert_eq!(frame[2][7], Some(-3.0));
        assert_eq!(frame[2][2], Some(100.0), "nobody asks: the price is at the ask");
        let names: Vec<String> = features.iter().map(|feature| feature.name()).collect();
        assert_eq!(names[0], "imbalance_level_1");
    }

    #[test]
    fn a_book_without_units_has_no_imbalance() {
        let mut empty = book();
        empty.bid_size = vec![0.0; 6];
        empty.ask_size = vec![0.0; 6];
        assert_eq!(Imbalance { levels: 2 }.update(&empty, 0), None);
        assert_eq!(Microprice.update(&empty, 0), None);
    }

    #[test]
    fn later_snapshots_do_not_touch_earlier_values() {
        let mut changed = book();
        changed.ask_size[4] = 100.0;
        let mut values = [&book(), &changed].map(|book| {
            let mut flow: Vec<Box<dyn BookFeature>> = vec![Box::new(OrderFlowImbalance::new(1))];
            book_frame(book, &mut flow)
        });
        assert_ne!(values[0].pop(), values[1].pop());
        assert_eq!(values[0], values[1]);
    }
}
