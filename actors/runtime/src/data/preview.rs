//! Rows of any kind of data as text, cell by cell: what a person looks at first. Pure.

use engine::market::bar::show_time;
use engine::market::parse::MarketSeries;
use engine::market::{Aggressor, Bar, BarPanel, BookSeries};

use crate::views::PreviewView;

/// Most levels of an order book that are shown.
const LEVELS_SHOWN: usize = 10;

type Row = Vec<Option<String>>;

/// Returns the first and the last `count` rows; short data is all in `first`.
pub(crate) fn preview(data: &MarketSeries, count: usize) -> PreviewView {
    let table = Table::of(data);
    let all = table.len();
    let last_from = all.saturating_sub(count).max(count.min(all));
    PreviewView {
        rows: u64::try_from(all).unwrap_or(u64::MAX),
        columns: table.columns(),
        first: (0..count.min(all)).map(|row| table.row(row)).collect(),
        last: (last_from..all).map(|row| table.row(row)).collect(),
        first_row_of_last: u64::try_from(last_from).unwrap_or(u64::MAX),
    }
}

/// Data seen as a table.
struct Table<'a> {
    data: &'a MarketSeries,
    /// Of a panel: the cells with a bar, in order.
    cells: Vec<usize>,
}

impl<'a> Table<'a> {
    fn of(data: &'a MarketSeries) -> Self {
        let cells = match data {
            MarketSeries::Panel(panel) => {
                (0..panel.present.len()).filter(|cell| panel.present[*cell]).collect()
            }
            MarketSeries::Bars(_) | MarketSeries::Trades(_) | MarketSeries::Book(_) => Vec::new(),
        };
        Self { data, cells }
    }

    fn len(&self) -> usize {
        self.data.rows()
    }

    fn columns(&self) -> Vec<String> {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        match self.data {
            MarketSeries::Bars(_) => {
                own(&["time", "open", "high", "low", "close", "adjusted_close", "volume"])
            }
            MarketSeries::Panel(_) => own(&[
                "time",
                "instrument",
                "open",
                "high",
                "low",
                "close",
                "adjusted_close",
                "volume",
            ]),
            MarketSeries::Trades(_) => own(&["time", "price", "quantity", "aggressor"]),
            MarketSeries::Book(book) => {
                let mut names = vec!["time".to_owned()];
                for level in 1..=book.levels.min(LEVELS_SHOWN) {
                    for part in ["bid", "ask"] {
                        names.push(format!("{part}{level}_price"));
                        names.push(format!("{part}{level}_size"));
                    }
                }
                names
            }
        }
    }

    fn row(&self, row: usize) -> Row {
        match self.data {
            MarketSeries::Bars(bars) => {
                bars.bar(row).map_or_else(Vec::new, |bar| of_bar(&bar, None))
            }
            MarketSeries::Panel(panel) => of_cell(panel, self.cells[row]),
            MarketSeries::Trades(trades) => {
                let side = match trades.aggressor[row] {
                    Aggressor::Buyer => Some("buyer".to_owned()),
                    Aggressor::Seller => Some("seller".to_owned()),
                    Aggressor::Unknown => None,
                };
                let time = jiff::Timestamp::from_microsecond(trades.time_us[row]);
                vec![
                    time.ok().map(|time| time.to_string()),
                    Some(trades.price[row].to_string()),
                    Some(trades.quantity[row].to_string()),
                    side,
                ]
            }
            MarketSeries::Book(book) => of_book(book, row),
        }
    }
}

fn of_cell(panel: &BarPanel, cell: usize) -> Row {
    let (row, column) = (cell / panel.width(), cell % panel.width());
    let name = panel.instruments[column].as_str();
    panel.bar(row, column).map_or_else(Vec::new, |bar| of_bar(&bar, Some(name)))
}

fn of_bar(bar: &Bar, instrument: Option<&str>) -> Row {
    let mut row = vec![Some(show_time(bar.time_ms))];
    row.extend(instrument.map(|name| Some(name.to_owned())));
    let prices = [bar.open, bar.high, bar.low, bar.close, bar.adjusted_close];
    row.extend(prices.map(|price| Some(price.to_string())));
    row.push(bar.volume.map(|volume| volume.to_string()));
    row
}

fn of_book(book: &BookSeries, row: usize) -> Row {
    let (bids, asks) = (book.bids(row), book.asks(row));
    let mut cells = vec![Some(show_time(book.time_ms[row]))];
    for level in 0..book.levels.min(LEVELS_SHOWN) {
        for side in [bids, asks] {
            cells.push(Some(side.price[level].to_string()));
            cells.push(Some(side.size[level].to_string()));
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use engine::market::{Join, synthetic};

    use super::*;

    #[test]
    fn first_and_last_never_overlap_and_short_data_is_all_in_first() {
        let bars = |rows: usize| MarketSeries::Bars(synthetic::generate(1, 200).slice(0..rows));
        for (rows, first, last) in [(3, 3, 0), (5, 5, 0), (7, 5, 2), (100, 5, 5)] {
            let view = preview(&bars(rows), 5);
            assert_eq!((view.first.len(), view.last.len()), (first, last), "{rows}");
            assert_eq!(view.rows, u64::try_from(rows).unwrap());
            assert_eq!(usize::try_from(view.first_row_of_last).unwrap() + last, rows);
            assert!(view.first.iter().all(|row| row.len() == view.columns.len()));
        }
    }

    #[test]
    fn a_panel_shows_one_row_per_bar_that_is_there() {
        let mut one = synthetic::generate(1, 200).slice(0..3);
        "A".clone_into(&mut one.instrument);
        let mut other = synthetic::generate(2, 200).slice(1..3);
        "B".clone_into(&mut other.instrument);
        let panel = BarPanel::join(&[one.clone(), other], Join::Outer).unwrap();
        let view = preview(&MarketSeries::Panel(panel), 10);
        let names: Vec<&str> = view.first.iter().map(|row| row[1].as_deref().unwrap()).collect();
        assert_eq!(names, ["A", "A", "B", "A", "B"]);
        assert_eq!(view.first[0][2], Some(one.open[0].to_string()));
    }
}
