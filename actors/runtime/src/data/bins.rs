//! A chart of any kind of data: neighbours become one bar. Pure and deterministic.

use engine::config::Violation;
use engine::market::parse::{DataKind, MarketSeries};
use engine::market::{BarPanel, BarSeries, BookSeries, TradeSeries};

use super::import::names;
use crate::views::BarsView;

/// Most bins of one answer.
pub(crate) const BINS_MAX: u32 = 5_000;

/// Returns the whole of one instrument in at most `bins` bars (at least 1): first open, highest high, lowest low, last
/// close, summed volume, time of the first; of trades their prices, of an order book the middle with best prices. Of a
/// panel the first instrument where none is named.
///
/// # Errors
/// Refuses an instrument that is not there.
pub(crate) fn chart(
    data: &MarketSeries,
    bins: u32,
    instrument: Option<&str>,
) -> Result<BarsView, Violation> {
    let all = data.instruments();
    let column = match instrument {
        None => 0,
        Some(name) => {
            all.iter().position(|other| other == name).ok_or_else(|| unknown(name, &all))?
        }
    };
    let view = match data {
        MarketSeries::Bars(series) => bars(series, bins),
        MarketSeries::Panel(panel) => bars(&of_panel(panel, column), bins),
        MarketSeries::Trades(trades) => of_trades(trades, bins),
        MarketSeries::Book(book) => of_book(book, bins),
    };
    let shown = all.get(column).cloned().unwrap_or_default();
    Ok(BarsView { kind: data.kind(), instrument: shown, instruments: names(&all), ..view })
}

fn unknown(name: &str, all: &[String]) -> Violation {
    let shown: String = name.chars().take(60).collect();
    let detail = format!("there is no instrument '{shown}' in this data set");
    Violation::new("/instrument", "not_allowed", detail)
        .with("allowed", names(all))
        .with("got", shown)
}

fn of_panel(panel: &BarPanel, column: usize) -> BarSeries {
    if column < panel.width() { panel.series(column) } else { BarSeries::default() }
}

/// How rows are put together.
struct Bins {
    rows: usize,
    stride: usize,
}

impl Bins {
    fn new(rows: usize, bins: u32) -> Self {
        let bins = usize::try_from(bins.clamp(1, BINS_MAX)).unwrap_or(1);
        Self { rows, stride: rows.div_ceil(bins).max(1) }
    }

    fn stride(&self) -> u32 {
        u32::try_from(self.stride).unwrap_or(u32::MAX)
    }

    /// Makes one value of each bin's first and last row.
    fn each<T>(&self, mut make: impl FnMut(usize, usize) -> T) -> Vec<T> {
        (0..self.rows)
            .step_by(self.stride)
            .map(|first| make(first, (first + self.stride).min(self.rows) - 1))
            .collect()
    }

    fn fold(&self, values: &[f64], pick: fn(f64, f64) -> f64, first: f64) -> Vec<f64> {
        self.each(|from, to| values[from..=to].iter().copied().fold(first, pick))
    }
}

fn blank(stride: u32) -> BarsView {
    BarsView {
        stride,
        kind: DataKind::Bars,
        instrument: String::new(),
        instruments: Vec::new(),
        times_ms: Vec::new(),
        open: Vec::new(),
        high: Vec::new(),
        low: Vec::new(),
        close: Vec::new(),
        volume: None,
        bid: None,
        ask: None,
        spread: None,
    }
}

fn bars(series: &BarSeries, bins: u32) -> BarsView {
    let bins = Bins::new(series.len(), bins);
    BarsView {
        times_ms: bins.each(|first, _| milliseconds(series.time_ms[first])),
        open: bins.each(|first, _| series.open[first]),
        high: bins.fold(&series.high, f64::max, f64::NEG_INFINITY),
        low: bins.fold(&series.low, f64::min, f64::INFINITY),
        close: bins.each(|_, last| series.close[last]),
        volume: series
            .volume
            .as_ref()
            .map(|volume| bins.fold(volume, |sum, value| sum + value, 0.0)),
        ..blank(bins.stride())
    }
}

fn of_trades(trades: &TradeSeries, bins: u32) -> BarsView {
    let bins = Bins::new(trades.len(), bins);
    BarsView {
        times_ms: bins.each(|first, _| milliseconds(trades.time_us[first].div_euclid(1000))),
        volume: Some(bins.fold(&trades.quantity, |sum, value| sum + value, 0.0)),
        ..prices(&trades.price, &bins)
    }
}

fn of_book(book: &BookSeries, bins: u32) -> BarsView {
    let bins = Bins::new(book.len(), bins);
    let mids: Vec<f64> = (0..book.len()).map(|row| book.mid(row)).collect();
    let best = |row: usize| [book.bids(row).price[0], book.asks(row).price[0]];
    BarsView {
        times_ms: bins.each(|first, _| milliseconds(book.time_ms[first])),
        bid: Some(bins.each(|_, last| best(last)[0])),
        ask: Some(bins.each(|_, last| best(last)[1])),
        spread: Some(bins.each(|first, last| {
            let widths = (first..=last).map(|row| best(row)[1] - best(row)[0]);
            widths.sum::<f64>() / count(last + 1 - first)
        })),
        ..prices(&mids, &bins)
    }
}

fn prices(values: &[f64], bins: &Bins) -> BarsView {
    BarsView {
        open: bins.each(|first, _| values[first]),
        high: bins.fold(values, f64::max, f64::NEG_INFINITY),
        low: bins.fold(values, f64::min, f64::INFINITY),
        close: bins.each(|_, last| values[last]),
        ..blank(bins.stride())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of any date of trading are below 2^53"
)]
fn milliseconds(time_ms: i64) -> f64 {
    time_ms as f64
}

#[expect(clippy::cast_precision_loss, reason = "rows in memory are far below 2^53")]
fn count(rows: usize) -> f64 {
    rows as f64
}

#[cfg(test)]
mod tests {
    use engine::market::{Aggressor, Join, synthetic};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_bars_of_two() {
        let series = synthetic::generate(7, 1_000).slice(0..5);
        let view = bars(&series, 3);
        assert_eq!(view.stride, 2);
        assert_eq!(view.open, [series.open[0], series.open[2], series.open[4]]);
        assert_eq!(view.close, [series.close[1], series.close[3], series.close[4]]);
        assert_eq!(view.high[0].to_bits(), series.high[0].max(series.high[1]).to_bits());
        assert_eq!(view.low[2].to_bits(), series.low[4].to_bits());
    }

    #[test]
    fn of_a_panel_the_named_instrument_is_shown_and_else_the_first() {
        let mut one = synthetic::generate(1, 100);
        "A".clone_into(&mut one.instrument);
        let mut other = synthetic::generate(2, 100);
        "B".clone_into(&mut other.instrument);
        let panel = BarPanel::join(&[one.clone(), other.clone()], Join::Outer).unwrap();
        let data = MarketSeries::Panel(panel);
        let first = chart(&data, 500, None).unwrap();
        assert_eq!((first.instrument.as_str(), &first.close), ("A", &one.close));
        assert_eq!(first.instruments, ["A", "B"]);
        assert_eq!(chart(&data, 500, Some("B")).unwrap().close, other.close);
        let refused = chart(&data, 500, Some("C")).unwrap_err();
        assert_eq!(refused.params["allowed"], serde_json::json!(["A", "B"]));
    }

    #[test]
    fn trades_become_bars_and_books_show_best_prices_and_spread() {
        let trades = TradeSeries {
            instrument: "T".to_owned(),
            time_us: vec![1_000, 2_000, 3_000],
            price: vec![2.0, 5.0, 3.0],
            quantity: vec![1.0, 2.0, 4.0],
            aggressor: vec![Aggressor::Unknown; 3],
        };
        let view = chart(&MarketSeries::Trades(trades), 2, None).unwrap();
        assert_eq!((view.open, view.high), (vec![2.0, 3.0], vec![5.0, 3.0]));
        assert_eq!((view.close, view.volume), (vec![5.0, 3.0], Some(vec![3.0, 4.0])));
        let book = BookSeries {
            instrument: "B".to_owned(),
            levels: 1,
            time_ms: vec![0, 1, 2],
            bid_price: vec![9.0, 10.0, 11.0],
            bid_size: vec![1.0; 3],
            ask_price: vec![11.0, 11.0, 13.0],
            ask_size: vec![1.0; 3],
            bought: None,
            sold: None,
        };
        let view = chart(&MarketSeries::Book(book), 2, Some("B")).unwrap();
        assert_eq!((view.bid, view.ask), (Some(vec![10.0, 11.0]), Some(vec![11.0, 13.0])));
        assert_eq!(view.spread, Some(vec![1.5, 2.0]));
        assert_eq!((view.open, view.close), (vec![10.0, 12.0], vec![10.5, 12.0]));
        assert_eq!(view.volume, None);
    }

    proptest! {
        #[test]
        fn never_more_than_asked_and_nothing_is_lost(rows in 1_usize..400, bins in 0_u32..600) {
            let series = synthetic::generate(1, 400).slice(0..rows);
            let view = bars(&series, bins);
            prop_assert!(view.open.len() <= usize::try_from(bins.max(1)).unwrap());
            prop_assert_eq!(view.close.last(), series.close.last());
            let highest = |values: &[f64]| values.iter().copied().fold(f64::MIN, f64::max).to_bits();
            prop_assert_eq!(highest(&view.high), highest(&series.high));
        }
    }
}
