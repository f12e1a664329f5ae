//! Files in, whatever wrote them: dialects told apart, panels, trades, order books; every fault named with its place.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "real files are read, or said to be missing"
)]

use std::path::PathBuf;

use engine::market::parse::{
    Certainty, CsvMapping, DataKind, Dialect, ImportOptions, Imported, MarketSeries, detect,
    import, panel,
};
use engine::market::zone::{ClockChange, NamedZone};
use engine::market::{
    Aggressor, BarPanel, BarSeries, BookSeries, DataError, DataErrorKind, Join, TradeSeries,
};

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

fn read(text: &str) -> Result<Imported, DataError> {
    import(text.as_bytes(), "file.csv", &ImportOptions::default())
}

fn refused(text: &str) -> DataError {
    read(text).expect_err("should be refused")
}

fn bars(text: &str) -> BarSeries {
    let data = read(text).unwrap_or_else(|error| panic!("{error}")).data;
    let MarketSeries::Bars(bars) = data else { panic!("{:?}", data.kind()) };
    bars
}

fn trades(text: &str) -> TradeSeries {
    let data = read(text).unwrap_or_else(|error| panic!("{error}")).data;
    let MarketSeries::Trades(trades) = data else { panic!("{:?}", data.kind()) };
    trades
}

fn book(text: &str) -> BookSeries {
    let data = read(text).unwrap_or_else(|error| panic!("{error}")).data;
    let MarketSeries::Book(book) = data else { panic!("{:?}", data.kind()) };
    book
}

const KLINE: &str = "1577923200000,10,12,9,11,100,1577926799999,1100,42,50,550,0";
const KLINE_US: &str = "1577923200000000,10,12,9,11,100,1577926799999999,1100,42,50,550,0";
const DAY_MS: i64 = 1_577_923_200_000;

/// A file of one bar and what it should be taken for.
type Case = (Dialect, Certainty, String);

fn vendors() -> [Case; 8] {
    let kline_header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,\
                        taker_buy_volume,taker_buy_quote_volume,ignore";
    [
        (
            Dialect::Yahoo,
            Certainty::Certain,
            "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,10,12,9,11,10.5,100\n".into(),
        ),
        (Dialect::BinanceKlines, Certainty::Certain, format!("{KLINE}\n")),
        (Dialect::BinanceKlines, Certainty::Certain, format!("{KLINE_US}\n")),
        (Dialect::BinanceKlines, Certainty::Certain, format!("{kline_header}\n{KLINE}\n")),
        (
            Dialect::Stooq,
            Certainty::Likely,
            "Date,Open,High,Low,Close,Volume\n2020-01-02,10,12,9,11,100\n".into(),
        ),
        (
            Dialect::StooqText,
            Certainty::Certain,
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n\
             A.US,D,20200102,000000,10,12,9,11,100,0\n"
                .into(),
        ),
        (
            Dialect::CryptoHistory,
            Certainty::Certain,
            "SNo,Name,Symbol,Date,High,Low,Open,Close,Volume,Marketcap\n\
             1,Bitcoin,BTC,2020-01-02 00:00:00,12,9,10,11,100,5\n"
                .into(),
        ),
        (
            Dialect::MetaTrader,
            Certainty::Certain,
            "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n\
             2020.01.02\t00:00:00\t10\t12\t9\t11\t100\t0\t3\n"
                .into(),
        ),
    ]
}

fn others() -> [Case; 8] {
    [
(
            Dialect::MetaTrader,
            Certainty::Certain,
            "<DATE>;<OPEN>;<HIGH>;<LOW>;<CLOSE>;<TICKVOL>\r\n2020.01.02;10;12;9;11;100\r\n".into(),
        ),
(Dialect::MetaTrader, Certainty::Certain, "2020.01.02,00:00,10,12,9,11,100\n".into()),
(
            Dialect::Futures,
            Certainty::Certain,
            "datetime, open, high, low, close, volume, hold, symbol\n\
             2020-01-02 00:00:00,10,12,9,11,100,7,RB0\n"
                .into(),
        ),
(
            Dialect::IntradayPanel,
            Certainty::Likely,
            "date,open,high,low,close,adjclose,volume,tic\n2020-01-02 00:00:00,10,12,9,11,11,100,A\n"
                .into(),
        ),
(
            Dialect::FeatureTable,
            Certainty::Certain,
            ",date,open,high,low,close,adjcp,volume,tic,zopen,zclose\n\
             0,2020-01-02,10,12,9,11,11,100,A,0.1,0.2\n"
                .into(),
        ),
(
            Dialect::Bars,
            Certainty::Likely,
            "when;o;close;high;low;open;volume\n".to_owned()
                + "x;1;1;1;1;1;1\n",
        ),
(
            Dialect::Bars,
            Certainty::Likely,
            "\u{feff}\"time\";\"open\";\"high\";\"low\";\"close\";\"volume\"\r\n\
             \"2020-01-02\";\"10,0\";\"12,0\";\"9,0\";\"11,0\";\"100\"\r\n"
                .into(),
        ),
(
            Dialect::Bars,
            Certainty::Likely,
            "time|open|high|low|close|volume\n2020-01-02T01:00:00+01:00|10|12|9|11|100\n".into(),
        ),
    ]
}

#[test]
fn tells_the_dialects_of_bars_apart_and_reads_them() {
    for (dialect, certainty, text) in vendors().into_iter().chain(others()) {
        let found = detect(text.as_bytes());
        assert_eq!((found.dialect, found.certainty), (dialect, certainty), "{text}");
        assert_eq!(found.name, dialect.name());
        if text.starts_with("when") {
            assert_eq!(refused(&text).kind, DataErrorKind::Columns);
            continue;
        }
        let bars = bars(&text);
        assert_eq!(bars.time_ms, [DAY_MS], "{text}");
        let prices = (bars.open[0], bars.high[0], bars.low[0], bars.close[0]);
        assert_eq!(prices, (10.0, 12.0, 9.0, 11.0), "{text}");
        assert_eq!(bars.volume, Some(vec![100.0]), "{text}");
    }
}

#[test]
fn every_dialect_has_a_name_of_its_own() {
    let mut names: Vec<&str> = Dialect::ALL.iter().map(|dialect| dialect.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Dialect::ALL.len());
    for dialect in Dialect::ALL {
        let word = serde_json::to_value(dialect).unwrap();
        assert_eq!(serde_json::from_value::<Dialect>(word).unwrap(), dialect);
    }
}

#[test]
fn rows_of_null_are_passed_over_where_the_vendor_writes_them_and_told() {
    let text = "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,10,12,9,11,11,1\n\
                2020-01-03,null,null,null,null,null,null\n2020-01-06,10,12,9,11,11,1\n";
    let imported = read(text).unwrap();
    assert_eq!(imported.notes, ["1 rows without any price were passed over"]);
    let MarketSeries::Bars(bars) = imported.data else { panic!("bars") };
    assert_eq!(bars.len(), 2);
    let half = text.replace("null,null,null,null,null,null", "10,null,9,11,11,1");
    let error = refused(&half);
    assert_eq!((error.line, error.column.as_deref()), (Some(3), Some("High")), "{error}");
    let strict = ImportOptions { skip_empty_rows: Some(false), ..ImportOptions::default() };
    assert_eq!(import(text.as_bytes(), "f", &strict).unwrap_err().line, Some(3));
    let nothing =
        "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-03,null,null,null,null,null,null\n";
    assert_eq!(refused(nothing).kind, DataErrorKind::Empty);
}

#[test]
fn a_decimal_comma_needs_another_separator_and_company() {
    let quoted = "date,open,high,low,close\n2020-01-02,\"10,5\",12,9,11\n";
    let error = refused(quoted);
    assert_eq!((error.line, error.column.as_deref()), (Some(2), Some("open")));
    assert!(error.next.contains("semicolons"), "{error}");
    let good = "date;open;high;low;close\n2020-01-02;10,5;12;9;11,25\n";
    assert_eq!((bars(good).open[0], bars(good).close[0]), (10.5, 11.25));
    let mixed = "date;open;high;low;close\n2020-01-02;10,5;12;9;11.25\n";
    assert_eq!(refused(mixed).kind, DataErrorKind::Cell, "both marks in one file");
    let tabs = "date\topen\thigh\tlow\tclose\n2020-01-02\t10,5\t12\t9\t11\n";
    assert!(read(tabs).is_err());
    let allowed = ImportOptions { decimal_comma: Some(true), ..ImportOptions::default() };
    assert!(import(tabs.as_bytes(), "f", &allowed).is_ok());
}

#[test]
fn what_was_found_can_be_overruled() {
    let text = "1577923200000,10,12,9,11,100,1577926799999,1100,42,50,550,0\n";
    let options = ImportOptions { dialect: Some(Dialect::Bars), ..ImportOptions::default() };
    let error = import(text.as_bytes(), "f", &options).unwrap_err();
    assert_eq!(error.kind, DataErrorKind::Columns, "no header: {error}");
    let odd = "date;x,open,high,low,close\n2020-01-02;1,10,12,9,11\n";
    let comma: ImportOptions = serde_json::from_str(r#"{"separator": "comma"}"#).unwrap();
    assert!(import(odd.as_bytes(), "f", &comma).is_err(), "the time is not bound");
    let named = ImportOptions {
        mapping: CsvMapping { time: Some("date;x".to_owned()), ..CsvMapping::default() },
        ..comma
    };
    let error = import(odd.as_bytes(), "f", &named).unwrap_err();
    assert_eq!((error.line, error.column.as_deref()), (Some(2), Some("date;x")));
}

#[test]
fn times_of_different_zones_are_refused_and_summer_time_is_not() {
    let table = |times: &[&str]| {
        let rows: Vec<String> = times.iter().map(|time| format!("{time},1,1,1,1")).collect();
        format!("date,open,high,low,close\n{}\n", rows.join("\n"))
    };
    let mixed = refused(&table(&["2020-01-02T00:00:00Z", "2020-01-03T00:00:00+05:00"]));
    assert_eq!((mixed.kind, mixed.line), (DataErrorKind::Time, Some(3)), "{mixed}");
    assert!(mixed.to_string().contains("time zone"), "{mixed}");
    let half = refused(&table(&["2020-01-02T00:00:00Z", "2020-01-03T00:00:00"]));
    assert_eq!(half.kind, DataErrorKind::Time, "{half}");
    let summer = table(&["2020-03-06 00:00:00-05:00", "2020-03-09 00:00:00-04:00"]);
    assert_eq!(bars(&summer).time_ms[1] - bars(&summer).time_ms[0], (3 * 24 - 1) * 3_600_000);
}

#[test]
fn a_long_table_becomes_a_panel_in_any_order_of_rows() {
    let by_day = "tic,date,open,high,low,close,volume\nB,2020-01-01,1,1,1,1,5\nA,2020-01-01,2,2,2,2,6\n\
                  B,2020-01-02,3,3,3,3,7\nA,2020-01-03,4,4,4,4,8\n";
    let by_name = "tic,date,open,high,low,close,volume\nB,2020-01-01,1,1,1,1,5\nB,2020-01-02,3,3,3,3,7\n\
                   A,2020-01-01,2,2,2,2,6\nA,2020-01-03,4,4,4,4,8\n";
    let panel_of = |text: &str, join| {
        panel::parse(text.as_bytes(), "f.csv", &CsvMapping::default(), join).unwrap()
    };
    let outer = panel_of(by_day, Join::Outer);
    outer.validate().unwrap();
    assert_eq!(outer.instruments, ["B", "A"]);
    assert_eq!((outer.rows(), outer.bar(1, 1), outer.bar(2, 0)), (3, None, None));
    assert_eq!(outer.bar(2, 1).unwrap().volume, Some(8.0));
    let other = panel_of(by_name, Join::Outer);
    assert_eq!((other.present.clone(), other.series(0)), (outer.present.clone(), outer.series(0)));
    assert_eq!(panel_of(by_day, Join::Inner).rows(), 1);
    let chosen = CsvMapping { instrument: Some("a".to_owned()), ..CsvMapping::default() };
    let one = panel::parse(by_day.as_bytes(), "f.csv", &chosen, Join::Outer).unwrap();
    assert_eq!((one.instruments, one.time_ms.len()), (vec!["A".to_owned()], 2));
    let imported = read(by_day).unwrap();
    assert_eq!((imported.data.kind(), imported.detection.kind), (DataKind::Panel, DataKind::Panel));
    let twice = format!("{by_name}A,2020-01-03,4,4,4,4,8\n");
    let error = refused(&twice);
    assert_eq!((error.kind, error.line), (DataErrorKind::Time, Some(6)), "{error}");
    let absent = CsvMapping { instrument: Some("C".to_owned()), ..CsvMapping::default() };
    let error = panel::parse(by_day.as_bytes(), "f.csv", &absent, Join::Outer).unwrap_err();
    assert_eq!(error.kind, DataErrorKind::Instrument);
}

#[test]
fn reads_the_panels_and_the_book_of_the_catalogue() {
    let cases = [("test", 252), ("valid", 253)];
    for (split, days) in cases {
        let Some(bytes) = data(&format!("portfolio_management/dj30/{split}.csv")) else { return };
        let imported = import(&bytes[..], "test.csv", &ImportOptions::default()).unwrap();
        assert_eq!(imported.detection.dialect, Dialect::FeatureTable);
        let MarketSeries::Panel(panel) = imported.data else { panic!("a panel") };
        panel.validate().unwrap();
        assert_eq!((panel.rows(), panel.width(), panel.is_complete()), (days, 29, true));
        assert_eq!(
            (panel.instruments[0].as_str(), panel.instruments[28].as_str()),
            ("AAPL", "WMT")
        );
    }
    let Some(bytes) = data("order_execution/BTC/test.csv") else { return };
    let imported = import(&bytes[..], "BTC.csv", &ImportOptions::default()).unwrap();
    assert_eq!(imported.detection.dialect, Dialect::BookDistances);
    let MarketSeries::Book(book) = imported.data else { panic!("a book") };
    book.validate().unwrap();
    assert_eq!((book.len(), book.levels, book.instrument.as_str()), (600, 15, "BTC"));
    let table = engine::market::parse::reference::parse(&bytes[..], "t").unwrap();
    let (mid, spread) = (table.column("midpoint").unwrap(), table.column("spread").unwrap());
    let notional = table.column("asks_notional_3").unwrap();
    for row in 0..book.len() {
        assert!((book.mid(row) / mid[row] - 1.0).abs() < 1e-6, "row {row}");
        let width = book.asks(row).price[0] - book.bids(row).price[0];
        assert!((width - spread[row]).abs() < 1e-5, "row {row}");
        let asks = book.asks(row);
        assert!((asks.price[3] * asks.size[3] - notional[row]).abs() <= 1e-9 * notional[row]);
    }
    let empty = book.bid_size.iter().chain(&book.ask_size).filter(|size| **size == 0.0).count();
    assert_eq!(empty, 8, "empty levels of the file");
    assert!(book.bought.is_some_and(|bought| 0.0 < bought[0]));
}

#[test]
fn thirty_files_of_one_stock_each_join_to_one_panel() {
    let mut series = Vec::new();
    for name in ["AAPL", "DOW", "WMT"] {
        let Some(bytes) = data(&format!("raw/dj30/{name}.csv")) else { return };
        let imported = import(&bytes[..], &format!("{name}.csv"), &ImportOptions::default());
        let MarketSeries::Bars(bars) = imported.unwrap().data else { panic!("bars") };
        series.push(bars);
    }
    let outer = BarPanel::join(&series, Join::Outer).unwrap();
    assert_eq!((outer.rows(), outer.is_complete()), (2517, false));
    assert_eq!(BarPanel::join(&series, Join::Inner).unwrap().rows(), 704);
}

#[test]
fn a_panel_that_would_fill_the_memory_is_refused() {
    // Each instrument has times of its own, so that the panel is far larger than the file.
    let mut text = "tic,date,open,high,low,close\n".to_owned();
    for row in 0..9000_i64 {
        text += &format!("T{row},{},1,1,1,1\n", 1_577_923_200 + row * 60);
    }
    let error = refused(&text);
    assert_eq!(error.kind, DataErrorKind::TooLarge, "{error}");
    assert!(error.to_string().contains("9000 times of 9000 instruments"), "{error}");
}

#[test]
fn reads_the_trades_of_binance_in_every_form() {
    let day_us = DAY_MS * 1000;
    let cases = [
        (
            Dialect::BinanceTrades,
            "7,10.5,2,21,1577923200000,true,true\n8,10.6,1,10.6,1577923200001,False,True\n",
        ),
        (
            Dialect::BinanceTrades,
            "7,10.5,2,21,1577923200000000,true,true\n8,10.6,1,10.6,1577923200001000,false,true\n",
        ),
        (
            Dialect::BinanceTrades,
            "id,price,qty,quote_qty,time,is_buyer_maker\n7,10.5,2,21,1577923200000,true\n8,10.6,1,10.6,1577923200001,false\n",
        ),
        (
            Dialect::BinanceAggregateTrades,
            "5,10.5,2,7,7,1577923200000,True,True\n6,10.6,1,8,8,1577923200001,False,True\n",
        ),
        (
            Dialect::BinanceAggregateTrades,
            "5,10.5,2,7,7,1577923200000,true\n6,10.6,1,8,8,1577923200001,false\n",
        ),
        (
            Dialect::BinanceAggregateTrades,
            "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n\
             5,10.5,2,7,7,1577923200000,true\n6,10.6,1,8,8,1577923200001,false\n",
        ),
        (
            Dialect::Trades,
            "timestamp;symbol;side;price;amount\n2020-01-02T00:00:00Z;X;sell;10,5;2\n2020-01-02T00:00:00.001Z;X;buy;10,6;1\n",
        ),
    ];
    for (dialect, text) in cases {
        assert_eq!(detect(text.as_bytes()).dialect, dialect, "{text}");
        let trades = trades(text);
        trades.validate().unwrap();
        assert_eq!(trades.time_us, [day_us, day_us + 1000], "{text}");
        assert_eq!((trades.price[0], trades.quantity[1]), (10.5, 1.0), "{text}");
        assert_eq!(trades.aggressor, [Aggressor::Seller, Aggressor::Buyer], "{text}");
    }
}

#[test]
fn trades_of_several_instruments_need_one_chosen() {
    let text = "time,symbol,price,size\n1577923200,A,1,1\n1577923201,B,2,1\n1577923202,A,3,1\n";
    let error = refused(text);
    assert_eq!((error.kind, error.line), (DataErrorKind::Instrument, Some(3)), "{error}");
    let options: ImportOptions =
        serde_json::from_str(r#"{"trades": {"instrument": "a"}}"#).unwrap();
    let MarketSeries::Trades(trades) = import(text.as_bytes(), "f", &options).unwrap().data else {
        panic!("trades")
    };
    assert_eq!((trades.price.as_slice(), trades.instrument.as_str()), (&[1.0, 3.0][..], "A"));
    assert_eq!(trades.aggressor[0], Aggressor::Unknown);
    for (row, column) in [
        ("1577923199,A,1,1", "time"),
        ("1577923203,A,0,1", "price"),
        ("1577923203,A,1,-1", "size"),
        ("1577923203,A,NaN,1", "price"),
        ("1577923203,A,1,x", "size"),
    ] {
        let text = format!("time,symbol,price,size\n1577923200,A,1,1\n{row}\n");
        let error = refused(&text);
        assert_eq!((error.line, error.column.as_deref()), (Some(3), Some(column)), "{error}");
    }
}

#[test]
fn books_by_level_are_read_whatever_their_columns_are_called() {
    let cases = [
        "time,bid1_price,bid1_size,bid2_price,bid2_size,ask1_price,ask1_size,ask2_price,ask2_size\n\
         2020-01-02,99,1,98,2,101,3,102,4\n",
        "timestamp,bids[0].price,bids[0].amount,bids[1].price,bids[1].amount,asks[0].price,asks[0].amount,asks[1].price,asks[1].amount\n\
         1577923200000000,99,1,98,2,101,3,102,4\n",
        "ask_qty_1,ask_price_1,ask_qty_2,ask_price_2,bid_price_1,bid_qty_1,bid_price_2,bid_qty_2,Time\n\
         3,101,4,102,99,1,98,2,2020-01-02 00:00:00\n",
        "{\"E\":1577923200000,\"bids\":[[\"99\",\"1\"],[\"98\",\"2\"],[\"97\",\"2\"]],\"asks\":[[\"101\",\"3\"],[\"102\",\"4\"]]}\n",
        "{\"stream\":\"x\",\"data\":{\"lastUpdateId\":3,\"bids\":[[99,1],[98,2]],\"asks\":[[101,3],[102,4]]},\"ts\":1577923200000}\n\n",
    ];
    for text in cases {
        let book = book(text);
        book.validate().unwrap();
        assert_eq!((book.levels, book.time_ms.as_slice()), (2, &[DAY_MS][..]), "{text}");
        assert_eq!((book.bid_price, book.bid_size), (vec![99.0, 98.0], vec![1.0, 2.0]));
        assert_eq!((book.ask_price, book.ask_size), (vec![101.0, 102.0], vec![3.0, 4.0]));
    }
}

#[test]
fn what_is_no_book_is_refused_with_the_reason() {
    let percent = "timestamp,percentage,depth,notional\n2023-01-01 00:00:00,-5,100.0,1000.0\n";
    let error = refused(percent);
    assert!(error.to_string().contains("bookDepth") && error.next.contains("depth5"), "{error}");
    let header = "time,bid1_price,bid1_size,ask1_price,ask1_size\n2020-01-02,99,1,101,1\n";
    for (row, column) in [
        ("2020-01-03,102,1,101,1", "ask1_price"),
        ("2020-01-03,99,-1,101,1", "bid1_size"),
        ("2020-01-03,99,1,NaN,1", "ask1_price"),
        ("2020-01-02,99,1,101,1", "time"),
    ] {
        let error = refused(&format!("{header}{row}\n"));
        assert_eq!((error.line, error.column.as_deref()), (Some(3), Some(column)), "{error}");
    }
    let missing = "time,bid1_price,bid1_size,ask1_price,ask1_size,ask2_price,ask2_size\n";
    assert_eq!(refused(missing).kind, DataErrorKind::Columns);
    for (line, word) in [
        ("{\"bids\":[[1,1]],\"asks\":[[2,1]]}", "a time"),
        ("{\"E\":1577923200000,\"bids\":[[1,1]]}", "bids and asks"),
        ("{\"E\":1577923200000,\"bids\":[],\"asks\":[]}", "at least one level"),
        ("{\"E\":1577923200000,\"bids\":[[1,1],\"asks\":[]}", "what is no JSON"),
        ("[1,2]", "JSON of another form"),
    ] {
        let error = refused(&format!("{line}\n"));
        assert_eq!(error.line, Some(1), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn times_without_a_zone_are_those_of_the_zone_that_was_named_and_days_stay_days() {
    let text =
        "time,open,high,low,close\n2024-01-10 09:30:00,1,1,1,1\n2024-07-10 09:30:00,1,1,1,1\n";
    let read = |text: &str, zone: Option<&str>| {
        let zone = zone.map(|zone| NamedZone::parse(zone).unwrap());
        let options = ImportOptions { zone, ..ImportOptions::default() };
        let data = import(text.as_bytes(), "x.csv", &options).unwrap().data;
        let MarketSeries::Bars(bars) = data else { panic!("{data:?}") };
        bars.time_ms
    };
    let utc = read(text, None);
    let hours = |moved: Vec<i64>| {
        moved.iter().zip(&utc).map(|(moved, utc)| (moved - utc) / 3_600_000).collect::<Vec<i64>>()
    };
    assert_eq!(hours(read(text, Some("America/New_York"))), [5, 4], "winter and summer");
    assert_eq!(hours(read(text, Some("+08:00"))), [-8, -8]);
    let zoned = text.replace(":00,", ":00Z,");
    assert_eq!(read(&zoned, Some("America/New_York")), utc, "what names its zone keeps it");
    let days = "date,open,high,low,close\n2024-01-10,1,1,1,1\n2024-01-11,1,1,1,1\n";
    assert_eq!(read(days, Some("America/New_York")), read(days, None));
}

#[test]
fn a_time_near_a_change_of_the_clock_is_refused_with_its_row_unless_a_reading_is_chosen() {
    let text = "time,open,high,low,close\n2021-10-31 01:30:00,1,1,1,1\n2021-10-31 02:30:00,1,1,1,1\n\
                2021-10-31 03:30:00,1,1,1,1\n";
    let zone = Some(NamedZone::parse("Europe/Berlin").unwrap());
    let mut options = ImportOptions { zone, ..ImportOptions::default() };
    let error = import(text.as_bytes(), "x.csv", &options).unwrap_err();
    assert_eq!((error.line, error.column.as_deref()), (Some(3), Some("time")));
    assert_eq!(error.kind, DataErrorKind::Time);
    assert!(error.found.contains("2021-10-31T00:30:00Z or 2021-10-31T01:30:00Z"), "{error}");
    let mut seconds = |change| {
        options.clock_change = Some(change);
        let data = import(text.as_bytes(), "x.csv", &options).unwrap().data;
        let MarketSeries::Bars(bars) = data else { panic!("{data:?}") };
        bars.time_ms.windows(2).map(|pair| (pair[1] - pair[0]) / 1000).collect::<Vec<i64>>()
    };
    assert_eq!(seconds(ClockChange::Earlier), [3600, 7200]);
    assert_eq!(seconds(ClockChange::Later), [7200, 3600]);
    options.zone = Some(NamedZone::Name("Asia/Honkong".to_owned()));
    let error = import(text.as_bytes(), "x.csv", &options).unwrap_err();
    assert!(error.next.contains("Asia/Hong_Kong"), "{error}");
    // Trades and order books are read by the same clock.
    options = ImportOptions {
        zone: Some(NamedZone::parse("Asia/Tokyo").unwrap()),
        ..ImportOptions::default()
    };
    let trades = "time,price,quantity\n2024-01-10 09:00:00,1,1\n";
    let MarketSeries::Trades(trades) = import(trades.as_bytes(), "x.csv", &options).unwrap().data
    else {
        panic!()
    };
    assert_eq!(trades.time_us, [1_704_844_800_000_000]);
    let book = "{\"time\":\"2024-01-10 09:00:00\",\"bids\":[[1,1]],\"asks\":[[2,1]]}\n";
    let MarketSeries::Book(book) = import(book.as_bytes(), "x.csv", &options).unwrap().data else {
        panic!()
    };
    assert_eq!(book.time_ms, [1_704_844_800_000]);
}
