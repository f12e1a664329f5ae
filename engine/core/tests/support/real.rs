//! Real markets for tests: the stocks of the Dow Jones and ten hours of a book of 15 levels.
//!
//! Needs the reference's files (`TM_TEST_DATA`, default `../shared/data`); says so and gives nothing where they are absent.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may read files and says when it skips"
)]

use std::path::PathBuf;

use engine::market::parse::{CsvMapping, csv, reference};
use engine::market::{BarPanel, BarSeries, BookSeries, Join};

/// The stocks; DOW was listed late.
pub(crate) const STOCKS: [&str; 30] = [
    "AAPL", "AMGN", "AXP", "BA", "CAT", "CRM", "CSCO", "CVX", "DIS", "DOW", "GS", "HD", "HON",
    "IBM", "INTC", "JNJ", "JPM", "KO", "MCD", "MMM", "MRK", "MSFT", "NKE", "PG", "TRV", "UNH", "V",
    "VZ", "WBA", "WMT",
];

/// Returns the bytes of a data file, or says that it is skipped.
fn data(path: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = folder.join(path);
    let bytes = std::fs::read(&file).ok();
    if bytes.is_none() {
        eprintln!(
            "SKIPPED: {} is absent; set TM_TEST_DATA to the folder of the reference's data",
            file.display()
        );
    }
    bytes
}

/// All thirty stocks, at every time at which any was traded.
pub(crate) fn stocks() -> Option<BarPanel> {
    Some(BarPanel::join(&series(&STOCKS)?, Join::Outer).unwrap())
}

/// Bars of some stocks.
pub(crate) fn series(names: &[&str]) -> Option<Vec<BarSeries>> {
    let mut all = Vec::new();
    for name in names {
        let path = format!("raw/dj30/{name}.csv");
        let mapping = CsvMapping { instrument: Some((*name).to_owned()), ..CsvMapping::default() };
        let bytes = data(&path)?;
        let mut series = csv::parse(bytes.as_slice(), &path, &mapping).unwrap();
        (*name).clone_into(&mut series.instrument);
        all.push(series);
    }
    Some(all)
}

/// The reference's book: distances are shares of the middle, amounts are money.
pub(crate) fn book(levels: usize) -> Option<BookSeries> {
    let path = "order_execution/BTC/test.csv";
    let table = reference::parse(data(path)?.as_slice(), path).unwrap();
    let column = |name: &str| table.column(name).unwrap().to_vec();
    let mid = column("midpoint");
    let mut book = BookSeries {
        instrument: "BTC".to_owned(),
        levels,
        time_ms: (0..table.len()).map(|row| row as i64 * 60_000).collect(),
        bought: Some(column("buys").iter().zip(&mid).map(|(money, mid)| money / mid).collect()),
        sold: Some(column("sells").iter().zip(&mid).map(|(money, mid)| money / mid).collect()),
        ..BookSeries::default()
    };
    let of = |side: &str, what: &str| -> Vec<Vec<f64>> {
        (0..levels).map(|level| column(&format!("{side}_{what}_{level}"))).collect()
    };
    let sides = [
        (of("bids", "distance"), of("bids", "notional"), &mut book.bid_price, &mut book.bid_size),
        (of("asks", "distance"), of("asks", "notional"), &mut book.ask_price, &mut book.ask_size),
    ];
    for (distance, notional, price, size) in sides {
        for (row, mid) in mid.iter().enumerate() {
            for level in 0..levels {
                price.push(mid * (1.0 + distance[level][row]));
                size.push(notional[level][row] / price[price.len() - 1]);
            }
        }
    }
    book.validate().unwrap();
    Some(book)
}
