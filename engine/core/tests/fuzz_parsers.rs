//! Every parser and the snapshot reader against mutated files: an error or valid data, never a panic, never more memory
//! than the limits allow. How long, from where and which target alone: `fuzz/mod.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod fuzz;

use bytes::Bytes;
use engine::market::parse::trades::{self, TradeMapping};
use engine::market::parse::{
    CsvMapping, Dialect, ImportOptions, csv, depth, detect, import, panel, parquet, reference, wide,
};
use engine::market::snapshot::{Stored, decode, decode_any, encode_any};
use engine::market::{
    Aggressor, BarPanel, BookSeries, Join, MarketSeries, Provenance, TradeSeries, synthetic,
};
use fuzz::{Target, hunt};

/// Words that parsers look for.
const WORDS: [&str; 44] = [
    "null",
    "NaN",
    "inf",
    "-inf",
    "1e308",
    "1e-308",
    "-1",
    "0",
    "99999999999999999999",
    "1577923200000",
    "1577923200000000",
    "2020-01-02",
    "2020-02-30",
    "2023.01.31",
    "20200102",
    "00:00",
    "25:61",
    "true",
    "false",
    "buy",
    "\"",
    "\"\"",
    ",",
    ";",
    "\t",
    "|",
    "\r\n",
    "\n",
    "\r",
    "\u{feff}",
    "\0",
    "[",
    "]",
    "{",
    "}",
    "\u{e9}",
    "+05:00",
    "Z",
    " UTC",
    "1,5",
    "<DATE>",
    "PAR1",
    "\u{1f}\u{8b}",
    "bids",
];

fn bars_text() -> String {
    let mut text = "date,open,high,low,close,adj close,volume\n".to_owned();
    for bar in synthetic::generate(1, 8).bars() {
        let time = engine::market::bar::show_time(bar.time_ms);
        text += &format!(
            "{time},{},{},{},{},{},1\n",
            bar.open, bar.high, bar.low, bar.close, bar.close
        );
    }
    text
}

fn corpus() -> Vec<Vec<u8>> {
    let texts = [
        bars_text(),
        bars_text().replace(',', ";").replace('.', ","),
        "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,10,12,9,11,10.5,100\n2020-01-03,null,null,null,null,null,null\n".to_owned(),
        "1577923200000,10,12,9,11,100,1577926799999,1100,42,50,550,0\n1577923260000,10,12,9,11,100,1577926799999,1100,42,50,550,0\n".to_owned(),
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\nA.US,D,20200102,000000,10,12,9,11,100,0\n".to_owned(),
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n2020.01.02\t00:00:00\t10\t12\t9\t11\t100\t0\t3\n".to_owned(),
        "2020.01.02,00:00,10,12,9,11,100\n2020.01.03,00:00,10,12,9,11,100\n".to_owned(),
        "tic,date,open,high,low,close,volume\nB,2020-01-01,1,1,1,1,5\nA,2020-01-01,2,2,2,2,6\nB,2020-01-02,3,3,3,3,7\n".to_owned(),
        "7,10.5,2,21,1577923200000,true,true\n8,10.6,1,10.6,1577923200001,false,true\n".to_owned(),
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n5,10.5,2,7,7,1577923200000,true\n".to_owned(),
        "timestamp;symbol;side;price;amount\n2020-01-02T00:00:00Z;X;sell;10,5;2\n2020-01-02T00:00:01Z;X;buy;10,6;1\n".to_owned(),
        "time,bid1_price,bid1_size,bid2_price,bid2_size,ask1_price,ask1_size,ask2_price,ask2_size\n2020-01-02,99,1,98,2,101,3,102,4\n".to_owned(),
        ",system_time,midpoint,spread,buys,sells,bids_distance_0,bids_notional_0,asks_distance_0,asks_notional_0\n0,2020-01-02 00:00:00.5+00:00,100,1,5,6,-0.01,3,0.01,4\n".to_owned(),
        "{\"E\":1577923200000,\"bids\":[[\"99\",\"1\"],[\"98\",\"2\"]],\"asks\":[[\"101\",\"3\"],[\"102\",\"4\"]]}\n{\"stream\":\"x\",\"data\":{\"bids\":[[99,1],[98,2]],\"asks\":[[101,3],[102,4]]},\"ts\":1577923200001}\n".to_owned(),
        ",Time Serie,A/US$,B/US$\n0,2020-01-01,1.5,ND\n1,2020-01-02,1.6,7\n".to_owned(),
        "timestamp,percentage,depth,notional\n2023-01-01 00:00:00,-5,100.0,1000.0\n".to_owned(),
    ];
    let mut corpus: Vec<Vec<u8>> = texts.map(String::into_bytes).into();
    corpus.extend(snapshots());
    corpus
}

fn snapshots() -> Vec<Vec<u8>> {
    let bars = synthetic::generate(1, 8);
    let mut other = bars.slice(2..8);
    other.instrument = "B".to_owned();
    let trades = TradeSeries {
        instrument: "X".to_owned(),
        time_us: vec![1, 1, 2],
        price: vec![10.0, 11.0, 10.5],
        quantity: vec![1.0, 0.5, 2.0],
        aggressor: vec![Aggressor::Buyer, Aggressor::Seller, Aggressor::Unknown],
    };
    let book = BookSeries {
        instrument: "X".to_owned(),
        levels: 2,
        time_ms: vec![0, 1000],
        bid_price: vec![99.0, 98.0, 100.0, 99.0],
        bid_size: vec![1.0, 2.0, 0.0, 1.0],
        ask_price: vec![101.0, 102.0, 101.0, 103.0],
        ask_size: vec![1.0; 4],
        bought: None,
        sold: Some(vec![0.0, 3.0]),
    };
    let panel = BarPanel::join(&[bars.clone(), other], Join::Outer).unwrap();
    let all = [
        MarketSeries::Bars(bars),
        MarketSeries::Panel(panel),
        MarketSeries::Trades(trades),
        MarketSeries::Book(book),
    ];
    all.map(|data| encode_any(&Stored::new(data, Provenance::default())).unwrap()).into()
}

/// What is valid must be valid; what is refused must say something.
fn check(result: Result<MarketSeries, engine::market::DataError>) {
    match result {
        Ok(data) => data.validate().expect("imported data is valid"),
        Err(error) => {
            assert!(!error.next.is_empty() && !error.wanted.is_empty(), "{error}");
            assert!(error.to_string().len() < 4000, "{error}");
        }
    }
}

const TARGETS: [(&str, Target); 13] = [
    ("import", |bytes| check(import(bytes, "f", &ImportOptions::default()).map(|read| read.data))),
    ("import with a dialect", |bytes| {
        let dialect = Some(Dialect::ALL[bytes.len() % Dialect::ALL.len()]);
        let options = ImportOptions { dialect, ..ImportOptions::default() };
        check(import(bytes, "f", &options).map(|read| read.data));
    }),
    ("detect", |bytes| assert!(!detect(bytes).reason.is_empty())),
    ("csv", |bytes| check(csv::parse(bytes, "f", &CsvMapping::default()).map(MarketSeries::Bars))),
    ("panel", |bytes| {
        let read = panel::parse(bytes, "f", &CsvMapping::default(), Join::Outer);
        check(read.map(MarketSeries::Panel));
    }),
    ("trades", |bytes| {
        check(trades::parse(bytes, "f", &TradeMapping::default()).map(MarketSeries::Trades));
    }),
    ("book by level", |bytes| check(depth::levels::parse(bytes, "f").map(MarketSeries::Book))),
    ("book by distance", |bytes| {
        check(depth::distances::parse(bytes, "f").map(MarketSeries::Book))
    }),
    ("book as JSON", |bytes| check(depth::json::parse(bytes, "f").map(MarketSeries::Book))),
    ("wide and reference", |bytes| {
        if let Ok(table) = wide::parse(bytes, "f", &["ND"]) {
            assert!(table.values.iter().all(|column| column.len() == table.time_ms.len()));
        }
        drop(reference::parse(bytes, "f"));
    }),
    ("parquet", |bytes| {
        let bytes = Bytes::copy_from_slice(bytes);
        check(parquet::parse(bytes.clone(), "f", &CsvMapping::default()).map(MarketSeries::Bars));
        let read = panel::parse_parquet(bytes, "f", &CsvMapping::default(), Join::Outer);
        check(read.map(MarketSeries::Panel));
    }),
    ("snapshot of bars", |bytes| {
        check(decode(Bytes::copy_from_slice(bytes)).map(MarketSeries::Bars));
    }),
    ("snapshot of any kind", |bytes| {
        check(decode_any(Bytes::copy_from_slice(bytes)).map(|stored| stored.data));
    }),
];

#[test]
fn mutated_files_give_valid_data_or_an_error() {
    hunt(&corpus(), &WORDS, &TARGETS);
}
