//! The reference's own files rebuilt: features of a panel against its stocks, and its way of filling the first rows.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "real files are read, or said to be missing"
)]

use std::path::PathBuf;

use engine::config::{FeatureSet, FeaturesConfig};
use engine::features::panel::fill_across;
use engine::features::{Pipeline, panel_frame};
use engine::market::parse::csv::CsvMapping;
use engine::market::parse::{csv, reference};
use engine::market::{BarPanel, BarSeries, Join};

const TICKERS: [&str; 29] = [
    "AAPL", "AMGN", "AXP", "BA", "CAT", "CRM", "CSCO", "CVX", "DIS", "GS", "HD", "HON", "IBM",
    "INTC", "JNJ", "JPM", "KO", "MCD", "MMM", "MRK", "MSFT", "NKE", "PG", "TRV", "UNH", "V", "VZ",
    "WBA", "WMT",
];

fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = root.join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("SKIPPED: {} is not there; set TM_TEST_DATA", file.display());
    None
}

/// Undefined values included.
fn columns(bars: &BarSeries, set: FeatureSet) -> (Vec<String>, Vec<Vec<Option<f64>>>) {
    let mut pipeline = Pipeline::new(set);
    let names = pipeline.names();
    let mut columns = vec![Vec::with_capacity(bars.len()); names.len()];
    for bar in bars.bars() {
        let mut row = Vec::new();
        pipeline.update_raw(&bar, &mut row);
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    (names, columns)
}

#[test]
fn filled_as_the_reference_fills_the_first_rows_are_those_of_its_file() {
    let Some(path) = data("algorithmic_trading/BTC/data.csv") else { return };
    let bytes = std::fs::read(path).unwrap();
    let bars = csv::parse(&bytes[..], "data.csv", &CsvMapping::default()).unwrap();
    let table = reference::parse(&bytes[..], "data.csv").unwrap();
    let (names, columns) = columns(&bars, FeatureSet::Classic11);
    for (name, column) in names.iter().zip(&columns) {
        let filled = fill_across(std::slice::from_ref(column)).swap_remove(0);
        for (row, (found, wanted)) in filled.iter().zip(table.column(name).unwrap()).enumerate() {
            assert!((found - wanted).abs() <= 1e-12, "{name} at {row}: {found}, not {wanted}");
        }
    }
    // The golden figures of §12.9.
    let first = |name: &str| {
        let place = names.iter().position(|known| known == name).unwrap();
        fill_across(&columns[place..=place]).swap_remove(0)
    };
    assert!(
        first("zd_30")[..30].iter().all(|value| (value + 0.066_352_461_782_844_8).abs() < 1e-15)
    );
    assert!(
        first("zclose")[..2].iter().all(|value| (value + 0.038_328_445_713_746_3).abs() < 1e-15)
    );
}

#[test]
fn a_later_ticker_begins_with_the_end_of_the_one_before() {
    let Some(path) = data("algorithmic_trading/BTC/data.csv") else { return };
    let bars =
        csv::parse(&std::fs::read(path).unwrap()[..], "data.csv", &CsvMapping::default()).unwrap();
    let halves = [bars.slice(0..1000), bars.slice(1000..2000)];
    let parts: Vec<Vec<Option<f64>>> = halves
        .iter()
        .map(|half| columns(half, FeatureSet::Classic11).1.pop().expect("zd_30"))
        .collect();
    let filled = fill_across(&parts);
    assert!(filled[1][..29].iter().all(|value| value.to_bits() == filled[0][999].to_bits()));
    assert_eq!(Some(filled[1][29]), parts[1][29]);
}

#[test]
fn a_panel_of_raw_prices_rebuilds_the_features_of_29_stocks() {
    let mut series = Vec::new();
    for ticker in TICKERS {
        let Some(path) = data(&format!("raw/dj30/{ticker}.csv")) else { return };
        let file = std::fs::File::open(path).unwrap();
        let mut bars = csv::parse(file, ticker, &CsvMapping::default()).unwrap();
        bars.instrument = ticker.to_owned();
        series.push(bars);
    }
    let panel = BarPanel::join(&series, Join::Inner).unwrap();
    let config = FeaturesConfig { set: FeatureSet::Classic11, ..FeaturesConfig::default() };
    let frame = panel_frame(&panel, &config).unwrap();
    let mut held = 0;
    for (file, first_ms, days) in
        [("valid.csv", 1_577_923_200_000, 253), ("test.csv", 1_609_718_400_000, 252)]
    {
        let Some(path) = data(&format!("portfolio_management/dj30/{file}")) else { return };
        let table = reference::parse(std::fs::File::open(path).unwrap(), file).unwrap();
        let start = panel.time_ms.iter().position(|time| *time == first_ms).expect("the first day");
        assert_eq!(table.len(), days * 29);
        for (column, name) in frame.names.iter().enumerate() {
            // Dividends paid after the reference's download have moved the adjusted closes since.
            let tolerance = match name.as_str() {
                "zopen" | "zhigh" | "zlow" | "zclose" => 5e-16,
                "zadjcp" => 2.5e-2,
                _ => 5e-7,
            };
            for (row, wanted) in table.column(name).unwrap().iter().enumerate() {
                let instrument = row % 29;
                assert_eq!(table.text["tic"][row], TICKERS[instrument]);
                let found = frame.cell(start + row / 29, instrument, column).unwrap();
                assert!(
                    (found - wanted).abs() <= tolerance,
                    "{name} of {file} row {row}: {found}, not {wanted}"
                );
                held += 1;
            }
        }
    }
    assert_eq!(held, (7337 + 7308) * 11);
}
