//! Data of any kind as a line of rows that can be given another future, begun later, or made coarser. Computes nothing
//! from it and judges nothing.
//!
//! Another future has the same shape: as many rows at the same times, cells that are there where they were, and no
//! number behind the cut that stood there before.
//!
//! Source: learning.md section 10.2.

use std::ops::Range;

use crate::error::EngineError;
use crate::market::{BarPanel, BarSeries, BookSeries, MarketSeries};
use crate::rng::Stream;

/// Largest move of a bar of noise, as a share of the price before.
const BAR_MOVE_MAX: f64 = 0.2;
/// The same of a snapshot of an order book.
const BOOK_MOVE_MAX: f64 = 0.02;
/// Prices that walked out of here are led back.
const PRICES: Range<f64> = 1e-8..1e14;
/// So are prices that are so many times the one they came from, or one so many-th of it.
const WALK_MAX: f64 = 1e3;

/// Rows in time order whose future can be another one.
pub trait Timeline: Sized {
    /// Returns the number of rows.
    fn rows(&self) -> usize;

    /// Returns the same rows up to and with `cut` and another market behind it.
    #[must_use]
    fn other_future(&self, cut: usize, stream: &mut Stream) -> Self;

    /// Returns the rows from `first` on.
    ///
    /// # Errors
    /// Refuses a row that there is not.
    fn later(&self, first: usize) -> Result<Self, EngineError>;
}

impl Timeline for BarSeries {
    fn rows(&self) -> usize {
        self.len()
    }

    fn other_future(&self, cut: usize, stream: &mut Stream) -> Self {
        let mut other = self.clone();
        let mut walk = Walk::from(self.close.get(cut).copied(), BAR_MOVE_MAX);
        for bar in cut + 1..self.len() {
            let drawn = walk.bar(stream);
            other.open[bar] = drawn.open;
            other.close[bar] = drawn.close;
            other.high[bar] = drawn.high;
            other.low[bar] = drawn.low;
            other.adjusted_close[bar] = drawn.close;
            if let Some(volume) = other.volume.as_mut().and_then(|volume| volume.get_mut(bar)) {
                *volume = (*volume + 1.0) * drawn.factor;
            }
        }
        other
    }

    fn later(&self, first: usize) -> Result<Self, EngineError> {
        within(first, self.len())?;
        Ok(self.slice(first..self.len()))
    }
}

impl Timeline for BarPanel {
    fn rows(&self) -> usize {
        self.time_ms.len()
    }

    /// Each instrument goes its own way from its last close; what an adjusted close had to the close it keeps, so that
    /// no dividend falls on the cut.
    fn other_future(&self, cut: usize, stream: &mut Stream) -> Self {
        let (mut other, width) = (self.clone(), self.width());
        for column in 0..width {
            let known = (0..=cut.min(self.rows().saturating_sub(1)))
                .rev()
                .map(|row| row * width + column)
                .find(|cell| self.present[*cell]);
            let ratio = known.map_or(1.0, |cell| self.adjusted_close[cell] / self.close[cell]);
            let mut walk = Walk::from(known.map(|cell| self.close[cell]), BAR_MOVE_MAX);
            for cell in (cut + 1..self.rows()).map(|row| row * width + column) {
                let drawn = walk.bar(stream);
                if !self.present[cell] {
                    continue;
                }
                other.open[cell] = drawn.open;
                other.close[cell] = drawn.close;
                other.high[cell] = drawn.high;
                other.low[cell] = drawn.low;
                other.adjusted_close[cell] = drawn.close * ratio;
                if let Some(volume) = other.volume.as_mut().and_then(|all| all.get_mut(cell)) {
                    // A volume that is not there stays so.
                    *volume = (*volume + 1.0) * drawn.factor;
                }
            }
        }
        other
    }

    fn later(&self, first: usize) -> Result<Self, EngineError> {
        within(first, self.rows())?;
        Ok(self.slice(first..self.rows()))
    }
}

impl Timeline for BookSeries {
    fn rows(&self) -> usize {
        self.len()
    }

    /// The middle walks at random; every gap between levels is drawn anew from half to one and a half times its own.
    fn other_future(&self, cut: usize, stream: &mut Stream) -> Self {
        let (mut other, levels) = (self.clone(), self.levels);
        let mut walk = Walk::from((cut < self.len()).then(|| self.mid(cut)), BOOK_MOVE_MAX);
        for row in cut + 1..self.len() {
            let (mid, drawn) = (self.mid(row), walk.bar(stream));
            let own = row * levels..(row + 1) * levels;
            for (before, now) in [
                (&self.bid_price[own.clone()], &mut other.bid_price[own.clone()]),
                (&self.ask_price[own.clone()], &mut other.ask_price[own.clone()]),
            ] {
                let (mut inner, mut price) = (mid, drawn.close);
                for (old, new) in before.iter().zip(now) {
                    // Of one sign on either side: bids fall and asks rise as before.
                    price *= (old / inner).powf(0.5 + stream.uniform());
                    (inner, *new) = (*old, price);
                }
            }
            for size in [&mut other.bid_size[own.clone()], &mut other.ask_size[own]] {
                size.iter_mut().for_each(|units| *units = redrawn(*units, stream));
            }
            for flow in [other.bought.as_mut(), other.sold.as_mut()].into_iter().flatten() {
                flow[row] = redrawn(flow[row], stream);
            }
        }
        other
    }

    fn later(&self, first: usize) -> Result<Self, EngineError> {
        within(first, self.len())?;
        Ok(self.slice(first..self.len()))
    }
}

impl Timeline for MarketSeries {
    /// Of a panel its times, not its cells.
    fn rows(&self) -> usize {
        match self {
            Self::Bars(bars) => bars.len(),
            Self::Panel(panel) => panel.time_ms.len(),
            Self::Book(book) => book.len(),
            Self::Trades(trades) => trades.len(),
        }
    }

    /// Single trades, on which no task runs, stay as they are.
    fn other_future(&self, cut: usize, stream: &mut Stream) -> Self {
        match self {
            Self::Bars(bars) => Self::Bars(bars.other_future(cut, stream)),
            Self::Panel(panel) => Self::Panel(panel.other_future(cut, stream)),
            Self::Book(book) => Self::Book(book.other_future(cut, stream)),
            Self::Trades(trades) => Self::Trades(trades.clone()),
        }
    }

    fn later(&self, first: usize) -> Result<Self, EngineError> {
        Ok(match self {
            Self::Bars(bars) => Self::Bars(bars.later(first)?),
            Self::Panel(panel) => Self::Panel(panel.later(first)?),
            Self::Book(book) => Self::Book(book.later(first)?),
            Self::Trades(_) => return Err(no_trades()),
        })
    }
}

/// Returns the data with every `factor` rows joined to one, stamped with the time of the last; a remainder at the
/// beginning is left out, so that both end alike. Of an order book the last snapshot of each is kept, with what was
/// traded in all of them.
///
/// # Errors
/// Refuses a factor below 2, data that has fewer rows, a panel with gaps, and single trades.
pub fn coarser(data: &MarketSeries, factor: usize) -> Result<MarketSeries, EngineError> {
    let rows = Timeline::rows(data);
    if factor < 2 || rows < factor {
        return Err(refused(format!(
            "wanted a factor of at least 2 and as many rows, found {factor} and {rows}"
        )));
    }
    let groups: Vec<Range<usize>> = (0..rows / factor)
        .map(|number| rows % factor + number * factor)
        .map(|first| first..first + factor)
        .collect();
    Ok(match data {
        MarketSeries::Bars(bars) => MarketSeries::Bars(coarser_bars(bars, &groups)),
        MarketSeries::Panel(panel) => {
            if !panel.is_complete() {
                return Err(refused(
                    "wanted a bar of every instrument at every time, found gaps; join the panel on shared times"
                        .to_owned(),
                ));
            }
            let series: Vec<BarSeries> = (0..panel.width())
                .map(|column| coarser_bars(&panel.series(column), &groups))
                .collect();
            let joined = BarPanel::join(&series, crate::market::Join::Inner);
            MarketSeries::Panel(joined.map_err(|error| refused(error.to_string()))?)
        }
        MarketSeries::Book(book) => MarketSeries::Book(coarser_book(book, &groups)),
        MarketSeries::Trades(_) => return Err(no_trades()),
    })
}

fn coarser_bars(bars: &BarSeries, groups: &[Range<usize>]) -> BarSeries {
    let mut joined =
        BarSeries { volume: bars.volume.as_ref().map(|_| Vec::new()), ..bars.slice(0..0) };
    for rows in groups {
        let last = rows.end - 1;
        joined.time_ms.push(bars.time_ms[last]);
        joined.open.push(bars.open[rows.start]);
        joined.high.push(bars.high[rows.clone()].iter().copied().fold(f64::MIN, f64::max));
        joined.low.push(bars.low[rows.clone()].iter().copied().fold(f64::MAX, f64::min));
        joined.close.push(bars.close[last]);
        joined.adjusted_close.push(bars.adjusted_close[last]);
        if let (Some(volume), Some(all)) = (&mut joined.volume, &bars.volume) {
            volume.push(all[rows.clone()].iter().sum());
        }
    }
    joined.interval_seconds = crate::market::bar::interval_seconds(&joined.time_ms);
    joined
}

fn coarser_book(book: &BookSeries, groups: &[Range<usize>]) -> BookSeries {
    let last = |cells: &[f64]| -> Vec<f64> {
        groups
            .iter()
            .flat_map(|rows| &cells[(rows.end - 1) * book.levels..rows.end * book.levels])
            .copied()
            .collect()
    };
    let flow = |values: &Vec<f64>| {
        groups.iter().map(|rows| values[rows.clone()].iter().sum::<f64>()).collect::<Vec<f64>>()
    };
    BookSeries {
        instrument: book.instrument.clone(),
        levels: book.levels,
        time_ms: groups.iter().map(|rows| book.time_ms[rows.end - 1]).collect(),
        bid_price: last(&book.bid_price),
        bid_size: last(&book.bid_size),
        ask_price: last(&book.ask_price),
        ask_size: last(&book.ask_size),
        bought: book.bought.as_ref().map(flow),
        sold: book.sold.as_ref().map(flow),
    }
}

/// One bar of noise.
struct Drawn {
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    /// Factor on what was traded.
    factor: f64,
}

/// A price that walks at random and stays within sight of where it began: an environment refuses prices that lie further
/// apart than any market's.
struct Walk {
    price: f64,
    move_max: f64,
    within: Range<f64>,
}

impl Walk {
    fn from(price: Option<f64>, move_max: f64) -> Self {
        let price = price.unwrap_or(1.0);
        Self { price, move_max, within: price / WALK_MAX..price * WALK_MAX }
    }

    fn bar(&mut self, stream: &mut Stream) -> Drawn {
        let mut moved = || self.price * (1.0 + self.move_max * (2.0 * stream.uniform() - 1.0));
        let (open, close) = (moved(), moved());
        let stretch = 1.0 + 0.1 * stream.uniform();
        let factor = 0.1 + 3.0 * stream.uniform();
        // a market that wandered off is led back, so that prices stay within what is believed
        if PRICES.contains(&close) && self.within.contains(&close) {
            self.price = close;
        }
        let (high, low) = (open.max(close) * stretch, open.min(close) / stretch);
        Drawn { open, high, low, close, factor }
    }
}

/// Draws an amount anew; nothing becomes something.
fn redrawn(units: f64, stream: &mut Stream) -> f64 {
    let factor = 0.1 + 3.0 * stream.uniform();
    if 0.0 < units { units * factor } else { factor }
}

fn within(first: usize, rows: usize) -> Result<(), EngineError> {
    if first < rows {
        return Ok(());
    }
    Err(refused(format!("wanted a row below {rows}, found {first}")))
}

fn no_trades() -> EngineError {
    refused("no task runs on single trades; sample them into bars".to_owned())
}

fn refused(detail: String) -> EngineError {
    EngineError::Refused { what: "rows of the data", detail }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::market::{Join, synthetic};
    use crate::rng::StreamId;

    #[test]
    fn another_future_stays_within_what_an_environment_takes() {
        for price in [1e-5, 60_000.0, 1e8, 1e13] {
            let mut bars = synthetic::generate(1, 10_000);
            let factor = price / bars.close[0];
            for column in [
                &mut bars.open,
                &mut bars.high,
                &mut bars.low,
                &mut bars.close,
                &mut bars.adjusted_close,
            ] {
                column.iter_mut().for_each(|value| *value *= factor);
            }
            let mut stream = Stream::new(5, StreamId::Synthesis, 0);
            let other = bars.other_future(0, &mut stream);
            other.validate().unwrap();
            let ends = |values: &[f64]| {
                values.iter().copied().fold((f64::MAX, 0.0_f64), |(low, high), value| {
                    (low.min(value), high.max(value))
                })
            };
            let (low, high) = (ends(&other.low).0, ends(&other.high).1);
            assert!(high / low < 1e8 && 1e-9 < low && high < 1e15, "{price}: {low} to {high}");
        }
    }

    fn panel(rows: usize) -> BarPanel {
        let series: Vec<BarSeries> = (0..3)
            .map(|seed| {
                let mut one = synthetic::generate(seed, rows);
                one.instrument = format!("S{seed}");
                // The second is listed late, and pays.
                if seed == 1 {
                    one.adjusted_close.iter_mut().for_each(|price| *price *= 0.5);
                    return one.slice(rows / 4..rows);
                }
                one
            })
            .collect();
        BarPanel::join(&series, Join::Outer).unwrap()
    }

    fn book(rows: u32) -> BookSeries {
        let mut book = BookSeries {
            instrument: "B".to_owned(),
            levels: 2,
            time_ms: (0..i64::from(rows)).map(|row| row * 1_000).collect(),
            bid_price: Vec::new(),
            bid_size: vec![1.0; 2 * rows as usize],
            ask_price: Vec::new(),
            ask_size: vec![0.0; 2 * rows as usize],
            bought: Some(vec![0.0; rows as usize]),
            sold: Some(vec![2.0; rows as usize]),
        };
        for row in 0..rows {
            let mid = 100.0 + f64::from(row % 7);
            book.bid_price.extend([mid - 0.5, mid - 60.0]);
            book.ask_price.extend([mid + 0.5, mid + 60.0]);
        }
        book
    }

    fn stream(seed: u64) -> Stream {
        Stream::new(seed, StreamId::Synthesis, 0)
    }

    #[test]
    fn three_bars_joined_are_one_and_a_remainder_is_left_out_in_front() {
        let bars = synthetic::generate(1, 10);
        let found = coarser(&MarketSeries::Bars(bars.clone()), 3).unwrap();
        let MarketSeries::Bars(found) = found else { panic!("bars stay bars") };
        found.validate().unwrap();
        assert_eq!(found.time_ms, [bars.time_ms[3], bars.time_ms[6], bars.time_ms[9]]);
        assert_eq!(found.open[0].to_bits(), bars.open[1].to_bits());
        assert_eq!(found.close[2].to_bits(), bars.close[9].to_bits());
        assert_eq!(
            found.high[1].to_bits(),
            bars.high[4..7].iter().copied().fold(0.0, f64::max).to_bits()
        );
        assert!((found.interval_seconds - 3.0 * bars.interval_seconds).abs() < 1e-9);
    }

    #[test]
    fn a_panel_has_as_many_rows_as_times_and_is_joined_by_them() {
        let one = synthetic::generate(1, 21);
        let mut other = synthetic::generate(2, 21);
        other.instrument = "OTHER".to_owned();
        let data = MarketSeries::Panel(BarPanel::join(&[one, other], Join::Inner).unwrap());
        assert_eq!(Timeline::rows(&data), 21);
        let MarketSeries::Panel(found) = coarser(&data, 5).unwrap() else {
            panic!("a panel stays a panel")
        };
        found.validate().unwrap();
        let MarketSeries::Panel(panel) = data else { panic!("made above") };
        assert_eq!((found.rows(), found.width()), (4, 2));
        assert_eq!(found.time_ms, [5, 10, 15, 20].map(|row| panel.time_ms[row]));
    }

    #[test]
    fn coarser_books_keep_the_last_snapshot_and_all_that_was_traded() {
        let MarketSeries::Book(found) = coarser(&MarketSeries::Book(book(9)), 4).unwrap() else {
            panic!("a book stays a book")
        };
        found.validate().unwrap();
        assert_eq!(found.time_ms, [4_000, 8_000]);
        assert_eq!(found.sold, Some(vec![8.0, 8.0]));
        assert_eq!(found.bid_price[..2], book(9).bid_price[8..10]);
    }

    #[test]
    fn refuses_factors_and_panels_that_cannot_be_joined() {
        let bars = MarketSeries::Bars(synthetic::generate(1, 10));
        assert!(coarser(&bars, 1).is_err() && coarser(&bars, 11).is_err());
        let error = coarser(&MarketSeries::Panel(panel(40)), 2).unwrap_err().to_string();
        assert!(error.contains("found gaps"), "{error}");
        assert!(bars.later(10).is_err());
    }

    #[test]
    fn no_dividend_falls_on_the_cut() {
        let panel = panel(40);
        let other = panel.other_future(20, &mut stream(3));
        for cell in (0..40).map(|row| row * 3 + 1).filter(|cell| panel.present[*cell]) {
            assert!((other.adjusted_close[cell] / other.close[cell] - 0.5).abs() < 1e-9);
        }
    }

    proptest! {
        #[test]
        fn another_future_of_a_panel_has_its_shape_and_its_past(cut in 0_usize..60, seed in any::<u64>()) {
            let panel = panel(60);
            let other = panel.other_future(cut, &mut stream(seed));
            other.validate().unwrap();
            prop_assert_eq!(&other.present, &panel.present);
            let past = (cut + 1) * 3;
            for (before, after) in [(&panel.close, &other.close), (&panel.open, &other.open)] {
                let same = |cell: usize| before[cell].to_bits() == after[cell].to_bits();
                prop_assert!((0..past).all(same));
                prop_assert!((past..180).filter(|cell| panel.present[*cell]).all(|cell| !same(cell)));
            }
        }

        #[test]
        fn another_future_of_a_book_is_a_book_with_its_past(cut in 0_usize..30, seed in any::<u64>()) {
            let book = book(30);
            let other = book.other_future(cut, &mut stream(seed));
            other.validate().unwrap();
            prop_assert_eq!(other.later(0).unwrap(), other.clone());
            let past = (cut + 1) * 2;
            prop_assert_eq!(&other.bid_price[..past], &book.bid_price[..past]);
            for (before, after) in [
                (&book.bid_price, &other.bid_price), (&book.ask_price, &other.ask_price),
                (&book.bid_size, &other.bid_size), (&book.ask_size, &other.ask_size),
            ] {
                prop_assert!((past..60).all(|cell| before[cell].to_bits() != after[cell].to_bits()));
            }
            let sold = (&book.sold.unwrap()[cut + 1..], &other.sold.unwrap()[cut + 1..]);
            prop_assert!(sold.0.iter().zip(sold.1).all(|(before, after)| before.to_bits() != after.to_bits()));
        }

        #[test]
        fn what_begins_later_is_the_rest(first in 0_usize..20) {
            let (panel, book) = (panel(20), book(20));
            let later = panel.later(first).unwrap();
            prop_assert_eq!(&later.time_ms[..], &panel.time_ms[first..]);
            prop_assert_eq!(&later.present[..], &panel.present[first * 3..]);
            let later = book.later(first).unwrap();
            later.validate().unwrap();
            prop_assert_eq!(&later.ask_price[..], &book.ask_price[first * 2..]);
        }
    }
}
