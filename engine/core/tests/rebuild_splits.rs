//! The published splits, computed anew from raw files, against the published files.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "real files are read, or said to be missing"
)]

use std::path::PathBuf;

use engine::digest::sha256;
use engine::features::rebuild::{
    Cut, RawFile, RebuiltTable, WarmUp, bitcoin, dow_30, exchange_rates, intraday_50,
};
use engine::market::parse::reference::{self, ReferenceTable};

const TICKERS: &str = "AAPL AMGN AXP BA CAT CRM CSCO CVX DIS DOW GS HD HON IBM INTC JNJ JPM KO MCD MMM MRK MSFT NKE \
                       PG TRV UNH V VZ WBA WMT";

fn data(path: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = root.join(path);
    if !file.exists() {
        eprintln!("SKIPPED: {} is not there; set TM_TEST_DATA", file.display());
        return None;
    }
    Some(std::fs::read(file).unwrap())
}

fn published(path: &str) -> Option<ReferenceTable> {
    data(path).map(|bytes| reference::parse(&bytes[..], path).unwrap())
}

/// Largest distance of a rebuilt column from the published one.
fn distance(ours: &RebuiltTable, theirs: &ReferenceTable, name: &str) -> f64 {
    let (ours, theirs) = (ours.column(name).unwrap(), theirs.column(name).unwrap());
    assert_eq!(ours.len(), theirs.len(), "{name}");
    let distances = ours.iter().zip(theirs).map(|(our, their)| (our.unwrap() - their).abs());
    distances.fold(0.0, f64::max)
}

fn holds(ours: &RebuiltTable, theirs: &ReferenceTable, names: &[&str], tolerance: f64) {
    for name in names {
        let found = distance(ours, theirs, name);
        assert!(found <= tolerance, "{} {name}: {found:e} is more than {tolerance:e}", ours.name);
    }
}

const PRICES: [&str; 4] = ["open", "high", "low", "close"];
const AVERAGES: [&str; 6] = ["zd_5", "zd_10", "zd_15", "zd_20", "zd_25", "zd_30"];

fn raw_stocks() -> Option<Vec<(String, Vec<u8>)>> {
    TICKERS
        .split_whitespace()
        .map(|name| Some((format!("{name}.csv"), data(&format!("raw/dj30/{name}.csv"))?)))
        .collect()
}

#[test]
fn the_stocks_are_those_of_the_published_valid_and_test_split() {
    let Some(raw) = raw_stocks() else { return };
    let files: Vec<RawFile<'_>> = raw.iter().map(|(name, bytes)| RawFile { name, bytes }).collect();
    let rebuilt = dow_30(&files, WarmUp::Undefined).unwrap();
    assert_eq!((rebuilt.instruments.len(), rebuilt.inputs.len()), (29, 30));
    assert_eq!(rebuilt.left_out, [("DOW".to_owned(), "704 days only".to_owned())]);
    assert_eq!(
        rebuilt.inputs[0].sha256,
        "5f415684377e3b4e1b3ac1bbe91bcb93d543f25dcc015221831cd62a7de2024a"
    );
    let rows: Vec<u64> = rebuilt.outputs.iter().map(|output| output.rows).collect();
    assert_eq!(rows, [58_348, 7337, 7308]);
    for (table, output) in rebuilt.tables.iter().zip(&rebuilt.outputs) {
        assert_eq!(sha256(table.to_csv().as_bytes()), output.sha256);
    }
    for table in &rebuilt.tables[1..] {
        let path = format!("portfolio_management/dj30/{}.csv", table.name);
        let Some(theirs) = published(&path) else { return };
        assert_eq!(table.ticker, theirs.text["tic"], "{path}");
        assert_eq!(table.day, theirs.index, "{path}");
        holds(table, &theirs, &PRICES, 6e-14);
        holds(table, &theirs, &["zopen", "zhigh", "zlow", "zclose"], 5e-16);
        holds(table, &theirs, &AVERAGES, 5e-7);
        // Later dividends re-base the adjusted close: this is as far as it goes.
        holds(table, &theirs, &["adjcp"], 3.92);
        holds(table, &theirs, &["zadjcp"], 2.45e-2);
        assert!(1.0 < distance(table, &theirs, "adjcp"), "downloaded at another time");
    }
    let train = &rebuilt.tables[0];
    assert_eq!((train.day[0], train.day[58_347], train.ticker[28].as_str()), (0, 2011, "WMT"));
    let undefined = train.column("zd_30").unwrap().iter().filter(|cell| cell.is_none()).count();
    assert_eq!(undefined, 29 * 29, "nothing is filled in");
    // The table is read again as it was written.
    let text = train.to_csv();
    assert!(text.starts_with(",date,tic,high,low,open,close,adjcp,zopen"), "{}", &text[..80]);
    assert!(text.contains("\n0,2012-01-03,AAPL,"));
}

#[test]
fn what_the_reference_fills_leaks_from_one_stock_into_the_next() {
    let Some(raw) = raw_stocks() else { return };
    let files: Vec<RawFile<'_>> =
        raw.iter().take(2).map(|(name, bytes)| RawFile { name, bytes }).collect();
    let faithful = dow_30(&files, WarmUp::Faithful).unwrap();
    let train = &faithful.tables[0];
    let zd_30 = train.column("zd_30").unwrap();
    assert!(zd_30.iter().all(Option::is_some));
    assert_eq!(zd_30[0], zd_30[29 * 2], "the first stock knows its future");
    let test = &faithful.tables[2];
    let last_of_first = test.column("zd_30").unwrap()[test.len() - 2];
    assert_eq!(zd_30[1], last_of_first, "the second begins with the end of the first");
}

#[test]
fn bitcoin_is_the_published_table_in_every_row() {
    let Some(raw) = data("raw/crypto/coin_Bitcoin.csv") else { return };
    let file = RawFile { name: "coin_Bitcoin.csv", bytes: &raw };
    let rebuilt = bitcoin(file, WarmUp::Faithful).unwrap();
    let paths = ["data", "train", "valid", "test"]
        .map(|name| format!("algorithmic_trading/BTC/{name}.csv"));
    for (table, path) in rebuilt.tables.iter().zip(paths) {
        let Some(theirs) = published(&path) else { return };
        holds(table, &theirs, &PRICES, 3e-13);
        holds(table, &theirs, &["adjcp"], 3e-13);
        holds(table, &theirs, &["zopen", "zhigh", "zlow", "zadjcp", "zclose"], 1e-15);
        holds(table, &theirs, &AVERAGES, 1e-15);
    }
    let honest = bitcoin(file, WarmUp::Undefined).unwrap();
    assert_eq!(honest.tables[0].column("zd_30").unwrap()[28], None);
    assert_eq!(honest.tables[1], {
        // No window of a later segment is affected.
        let mut train = rebuilt.tables[1].clone();
        train.name = "train".to_owned();
        train
    });
}

/// Rates of three currencies for 60 days, with a hole.
fn rates() -> String {
    let mut text = ",Time Serie,A/US$,B/US$,C/US$\n".to_owned();
    for day in 0..60_i64 {
        let date = engine::market::bar::show_time(1_577_836_800_000 + day * 86_400_000);
        let second =
            if day == 7 { "ND".to_owned() } else { format!("{}", 2.0 + day as f64 / 64.0) };
        text += &format!("{day},{},1.5,{second},{}\n", &date[..10], 100 + day);
    }
    text
}

#[test]
fn exchange_rates_keep_the_days_that_all_currencies_have() {
    let text = rates();
    let file = RawFile { name: "rates.csv", bytes: text.as_bytes() };
    let cuts = [
        Cut::new("train", [2020, 1, 1], [2020, 2, 9]),
        Cut::new("test", [2020, 2, 10], [2020, 2, 29]),
    ];
    let rebuilt = exchange_rates(file, &cuts, WarmUp::Faithful).unwrap();
    assert_eq!(rebuilt.instruments, ["A/US$", "B/US$", "C/US$"]);
    let train = &rebuilt.tables[0];
    // 40 days less the first and the one with a hole.
    assert_eq!((train.len(), train.time_ms[0]), (38 * 3, 1_577_836_800_000 + 86_400_000));
    assert_eq!(train.column("close").unwrap()[2], Some(1.0 / 101.0));
    assert_eq!(train.column("zopen").unwrap()[5], Some(0.0));
    let wrong = text.replace("1.5,2,", "1.5,x,");
    let error = exchange_rates(
        RawFile { name: "rates.csv", bytes: wrong.as_bytes() },
        &cuts,
        WarmUp::Undefined,
    );
    assert!(error.unwrap_err().to_string().contains("line 2, column 'B/US$'"));
    let none = [Cut::new("late", [2021, 1, 1], [2021, 2, 1])];
    assert!(exchange_rates(file, &none, WarmUp::Undefined).is_err());
}

#[test]
fn stocks_with_holes_are_left_out_of_the_intraday_set() {
    let mut text = "date,tic,open,high,low,close,adjclose,volume\n".to_owned();
    for day in ["2016-06-01", "2019-10-28", "2020-03-30"] {
        for hour in ["09:30:00", "10:30:00", "11:30:00"] {
            for tic in ["B", "A", "C"] {
                if !(tic == "C" && day == "2019-10-28" && hour == "10:30:00") {
                    text += &format!("{day} {hour},{tic},1,2,0.5,1.5,1.5,100000\n");
                }
            }
        }
    }
    let file = RawFile { name: "sse.csv", bytes: text.as_bytes() };
    let rebuilt = intraday_50(file, WarmUp::Undefined).unwrap();
    assert_eq!(rebuilt.instruments, ["A", "B"]);
    assert_eq!(rebuilt.left_out, [("C".to_owned(), "8 of 9 bars".to_owned())]);
    let rows: Vec<u64> = rebuilt.outputs.iter().map(|output| output.rows).collect();
    assert_eq!(rows, [6, 6, 6]);
    assert!(rebuilt.tables[1].to_csv().contains("\n0,2019-10-28 09:30:00,A,"));
}
