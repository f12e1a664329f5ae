//! A part of a series of any kind: its rows, a range of them, and the newest that are sealed. Decides nothing about who
//! may read what.

use std::ops::Range;

use super::MarketSeries;
use crate::error::EngineError;

/// Returns the number of times of the data.
#[must_use]
pub fn rows(data: &MarketSeries) -> usize {
    match data {
        MarketSeries::Bars(bars) => bars.len(),
        MarketSeries::Panel(panel) => panel.rows(),
        MarketSeries::Trades(trades) => trades.len(),
        MarketSeries::Book(book) => book.len(),
    }
}

/// Returns the time of every row in milliseconds; none for single trades, which are no rows.
pub(crate) fn times_of(data: &MarketSeries) -> &[i64] {
    match data {
        MarketSeries::Bars(bars) => &bars.time_ms,
        MarketSeries::Panel(panel) => &panel.time_ms,
        MarketSeries::Trades(_) => &[],
        MarketSeries::Book(book) => &book.time_ms,
    }
}

/// Returns the rows of a range.
///
/// # Errors
/// Refuses single trades, on which no task runs, and a range that the data does not have.
pub fn part(data: &MarketSeries, range: Range<usize>) -> Result<MarketSeries, EngineError> {
    if range.end < range.start || rows(data) < range.end {
        return Err(refused(format!("wanted rows {range:?}, found {} rows", rows(data))));
    }
    Ok(match data {
        MarketSeries::Bars(bars) => MarketSeries::Bars(bars.slice(range)),
        MarketSeries::Panel(panel) => MarketSeries::Panel(panel.slice(range)),
        MarketSeries::Book(book) => MarketSeries::Book(book.slice(range)),
        MarketSeries::Trades(_) => {
            return Err(refused("no task runs on single trades; sample them into bars".to_owned()));
        }
    })
}

/// Returns the sealed rows: the last `share` of them, rounded up; none for a share that is not above 0.
///
/// Source: learning.md section 10.1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rows lie far below 2^53 and the share is at most 1"
)]
#[must_use]
pub fn sealed(rows: usize, share: f64) -> Range<usize> {
    let seals = 0.0 < share;
    if !seals {
        return rows..rows;
    }
    // 0.15 of 1,000 rows is 150 of them, though the product may lie a hair above.
    let count = (rows as f64 * share.min(1.0) - 1e-9).ceil().max(0.0) as usize;
    rows - count.min(rows)..rows
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "part of the data", detail }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::market::{BarPanel, BookSeries, Join, synthetic};

    #[test]
    fn the_last_share_is_sealed_rounded_up() {
        assert_eq!(sealed(1_000, 0.15), 850..1_000);
        assert_eq!(sealed(10, 0.15), 8..10);
        assert_eq!(sealed(0, 0.15), 0..0);
        for nothing in [0.0, -1.0, f64::NAN] {
            assert_eq!(sealed(10, nothing), 10..10);
        }
    }

    #[test]
    fn a_part_holds_the_rows_of_its_range_and_no_other() {
        let bars = synthetic::generate(1, 50);
        let data = MarketSeries::Bars(bars.clone());
        let MarketSeries::Bars(found) = part(&data, 10..20).unwrap() else { panic!("bars") };
        assert_eq!(found, bars.slice(10..20));
        let mut other = bars.clone();
        other.instrument = "OTHER".to_owned();
        let panel = BarPanel::join(&[bars.clone(), other], Join::Outer).unwrap();
        let expected = panel.series(1).slice(10..20);
        let found = part(&MarketSeries::Panel(panel), 10..20).unwrap();
        let MarketSeries::Panel(found) = found else { panic!("a panel") };
        assert_eq!((found.rows(), found.series(1)), (10, expected));
        assert!(part(&data, 10..51).is_err());
        assert_eq!(rows(&part(&data, 0..50).unwrap()), 50);
    }

    fn book(rows: usize) -> BookSeries {
        let column = |from: f64| (0..rows * 2).map(|cell| from + cell as f64).collect();
        BookSeries {
            instrument: "BOOK".to_owned(),
            levels: 2,
            time_ms: (0..rows as i64).collect(),
            bid_price: column(1.0),
            bid_size: column(2.0),
            ask_price: column(3.0),
            ask_size: column(4.0),
            bought: Some((0..rows).map(|row| row as f64).collect()),
            sold: None,
        }
    }

    #[test]
    fn a_part_of_a_book_keeps_levels_with_their_rows() {
        let found = book(50).slice(10..12);
        assert_eq!(found.time_ms, [10, 11]);
        assert_eq!(found.bid_price, [21.0, 22.0, 23.0, 24.0]);
        assert_eq!(found.ask_size, [24.0, 25.0, 26.0, 27.0]);
        assert_eq!((found.bought, found.sold), (Some(vec![10.0, 11.0]), None));
        assert_eq!(book(50).slice(49..60).time_ms, [49]);
        assert!(book(50).slice(60..70).is_empty());
        assert_eq!(book(5).slice(0..5), book(5));
    }

    proptest! {
        #[test]
        fn a_larger_share_never_seals_less(rows in 0_usize..10_000, one in 0.0..1.0_f64, other in 0.0..1.0_f64) {
            let (less, more) = (sealed(rows, one.min(other)), sealed(rows, one.max(other)));
            prop_assert!(more.start <= less.start && more.end == rows && less.end == rows);
        }
    }
}
