//! CSV in: the dialects of vendors, and every fault named with its place.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "real files are read, or said to be missing"
)]

use std::path::PathBuf;

use engine::market::parse::csv::{CsvMapping, parse};
use engine::market::parse::reference;
use engine::market::{BarSeries, DataError, DataErrorKind, quality, synthetic};
use proptest::prelude::*;

fn root() -> PathBuf {
    std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    )
}

fn from_data(path: &str, mapping: &CsvMapping) -> Option<Result<BarSeries, DataError>> {
    let file = root().join(path);
    if !file.exists() {
        eprintln!("SKIPPED {} is not there; set TM_TEST_DATA", file.display());
        return None;
    }
    Some(parse(std::fs::File::open(&file).unwrap(), &file.to_string_lossy(), mapping))
}

fn read(text: &str) -> Result<BarSeries, DataError> {
    parse(text.as_bytes(), "bars.csv", &CsvMapping::default())
}

fn refused(text: &str) -> DataError {
    read(text).expect_err("should be refused")
}

fn bars(header: &str, rows: &[&str]) -> String {
    format!("{header}\n{}\n", rows.join("\n"))
}

const HEADER: &str = "date,open,high,low,close";

#[test]
fn reads_the_reference_file() {
    let Some(bars) = from_data("algorithmic_trading/BTC/data.csv", &CsvMapping::default()) else {
        return;
    };
    let bars = bars.unwrap();
    bars.validate().unwrap();
    assert_eq!(
        (bars.len(), bars.instrument.as_str(), bars.interval_seconds),
        (2990, "BTC", 86_400.0)
    );
    assert_eq!(bars.time_ms[0], 1_367_279_999_000, "2013-04-29 23:59:59 UTC");
    assert_eq!(
        (bars.high[0], bars.low[0], bars.open[0]),
        (147.488_006_591_796_88, 134.0, 134.444_000_244_140_62)
    );
    assert_eq!(bars.adjusted_close, bars.close);
    assert!(bars.volume.is_none());
}

#[test]
fn reads_every_file_of_bars_in_the_catalogue() {
    let stock = CsvMapping { instrument: Some("AAPL".to_owned()), ..CsvMapping::default() };
    let any = CsvMapping::default();
    let cases = [
        ("algorithmic_trading/BTC/train.csv", &any, 900, "BTC"),
        ("algorithmic_trading/BTC/valid.csv", &any, 200, "BTC"),
        ("algorithmic_trading/BTC/test.csv", &any, 425, "BTC"),
        ("algorithmic_trading/BTC/labelled_test.csv", &any, 425, "BTC"),
        ("order_execution/PD_BTC/train.csv", &any, 2392, "BTC"),
        ("raw/crypto/coin_Bitcoin.csv", &any, 2991, "BTC"),
        ("raw/crypto/coin_Dogecoin.csv", &any, 2760, "DOGE"),
        ("raw/dj30/AAPL.csv", &any, 2517, "AAPL"),
        ("portfolio_management/dj30/DJI.csv", &any, 5536, "DJI"),
        ("portfolio_management/dj30/test.csv", &stock, 252, "AAPL"),
        ("portfolio_management/dj30/valid.csv", &stock, 253, "AAPL"),
    ];
    for (path, mapping, rows, instrument) in cases {
        let Some(bars) = from_data(path, mapping) else {
            return;
        };
        let bars = bars.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((bars.len(), bars.instrument.as_str()), (rows, instrument), "{path}");
    }
}

#[test]
fn names_the_instruments_when_none_was_chosen() {
    let Some(result) = from_data("portfolio_management/dj30/test.csv", &CsvMapping::default())
    else {
        return;
    };
    let error = result.expect_err("29 stocks");
    assert_eq!((error.kind, error.column.as_deref()), (DataErrorKind::Instrument, Some("tic")));
    assert!(error.to_string().contains("AAPL, AMGN, AXP"), "{error}");
    let text =
        bars("tic,date,open,high,low,close", &["A,2020-01-01,1,1,1,1", "B,2020-01-01,1,1,1,1"]);
    let other = CsvMapping { instrument: Some("C".to_owned()), ..CsvMapping::default() };
    let error = parse(text.as_bytes(), "bars.csv", &other).expect_err("no C");
    assert!(error.to_string().contains("rows of the instrument 'C'; found only A, B"), "{error}");
    let lower = CsvMapping { instrument: Some("b".to_owned()), ..CsvMapping::default() };
    assert_eq!(parse(text.as_bytes(), "bars.csv", &lower).unwrap().instrument, "B");
}

#[test]
fn reads_the_dialects_of_vendors() {
    let row = "10,12,9,11";
    let cases = [
        ("Yahoo", format!("Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,{row},10.5,100\n")),
        ("Stooq", format!("<TICKER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\nX,20200102,000000,{row},100\n")),
        ("Binance", format!("Open time,Open,High,Low,Close,Volume,Close time\n1577923200000,{row},100,1577926799999\n")),
        ("microseconds", format!("open_time,open,high,low,close,volume\n1577923200000000,{row},100\n")),
        ("seconds", format!("unix,open,high,low,close,volume\n1577923200,{row},100\n")),
        ("RFC 3339", format!("timestamp,open,high,low,close,volume\n2020-01-02T01:00:00+01:00,{row},100\n")),
        ("semicolons, quotes, CRLF, byte order mark", "\u{feff}\"Date\";\"OPEN\";\"High\";\"low\";\"Close\";\"Volume\"\r\n\"2020-01-02\";\"10\";\"12\";\"9\";\"11\";\"100\"\r\n".to_owned()),
        ("tabs, spaces, no last line end", "date\topen\thigh\tlow\tclose\tvolume\n 2020-01-02 \t 10 \t12\t9\t11\t1e2".to_owned()),
    ];
    for (vendor, text) in cases {
        let bars = read(&text).unwrap_or_else(|error| panic!("{vendor}: {error}"));
        assert_eq!(bars.time_ms, [1_577_923_200_000], "{vendor}");
        assert_eq!(
            (bars.open[0], bars.high[0], bars.low[0], bars.close[0]),
            (10.0, 12.0, 9.0, 11.0),
            "{vendor}"
        );
        assert_eq!(bars.volume, Some(vec![100.0]), "{vendor}");
        let adjusted = if vendor == "Yahoo" { 10.5 } else { 11.0 };
        assert_eq!(bars.adjusted_close, [adjusted], "{vendor}");
    }
}

#[test]
fn takes_the_columns_that_the_mapping_names() {
    let text = bars(
        "when,first,top,bottom,last price,ignored",
        &["2020-01-01,1,3,1,2,x", "2020-01-02,2,4,2,3,y"],
    );
    let mapping = CsvMapping {
        time: Some("When".to_owned()),
        open: Some("first".to_owned()),
        high: Some("TOP".to_owned()),
        low: Some("bottom".to_owned()),
        close: Some("last price".to_owned()),
        instrument: Some("X/Y".to_owned()),
        ..CsvMapping::default()
    };
    let bars = parse(text.as_bytes(), "a.csv", &mapping).unwrap();
    assert_eq!((bars.instrument.as_str(), bars.close), ("X/Y", vec![2.0, 3.0]));
    let wrong = CsvMapping { close: Some("last_price".to_owned()), ..mapping };
    let error = parse(text.as_bytes(), "a.csv", &wrong).expect_err("misspelt");
    assert!(error.to_string().contains("did you mean 'last price'?"), "{error}");
}

#[test]
fn a_file_without_instrument_is_named_after_itself() {
    let text = bars(HEADER, &["2020-01-01,1,1,1,1"]);
    assert_eq!(
        parse(text.as_bytes(), "/data/EURUSD.daily.csv", &CsvMapping::default())
            .unwrap()
            .instrument,
        "EURUSD"
    );
}

#[test]
fn names_line_column_wanted_found_and_next_step() {
    let good = "2020-01-01,10,12,9,11";
    let cases: [(&str, DataErrorKind, &str, &str); 16] = [
        ("2020-01-02,x,12,9,11", DataErrorKind::Cell, "open", "'x'"),
        ("2020-01-02,10,,9,11", DataErrorKind::Cell, "high", "an empty cell"),
        ("2020-01-02,10,null,9,11", DataErrorKind::Cell, "high", "'null'"),
        ("2020-01-02,10,12,9,NaN", DataErrorKind::Bar, "close", "NaN"),
        ("2020-01-02,10,inf,9,11", DataErrorKind::Bar, "high", "inf"),
        ("2020-01-02,10,1e999,9,11", DataErrorKind::Bar, "high", "inf"),
        ("2020-01-02,0,12,9,11", DataErrorKind::Bar, "open", "found 0"),
        ("2020-01-02,10,12,-9,11", DataErrorKind::Bar, "low", "-9"),
        ("2020-01-02,10,8,9,11", DataErrorKind::Bar, "high", "at least the low (9)"),
        ("2020-01-02,13,12,9,11", DataErrorKind::Bar, "open", "between low (9) and high (12)"),
        ("2020-01-02,10,12,9,8.9", DataErrorKind::Bar, "close", "8.9"),
        ("2019-12-31,10,12,9,11", DataErrorKind::Time, "date", "an earlier time"),
        ("2020-01-01,10,12,9,11", DataErrorKind::Time, "date", "the same time again"),
        ("02.01.2020,10,12,9,11", DataErrorKind::Cell, "date", "'02.01.2020'"),
        ("9999-01-01,10,12,9,11", DataErrorKind::Cell, "date", "9999"),
        ("2020-01-02,\"1,000.5\",1200,9,11", DataErrorKind::Cell, "open", "1,000.5"),
    ];
    for (row, kind, column, found) in cases {
        let error = refused(&bars(HEADER, &[good, row]));
        assert_eq!(
            (error.kind, error.line, error.column.as_deref()),
            (kind, Some(3), Some(column)),
            "{row}: {error}"
        );
        let text = error.to_string();
        assert!(
            text.starts_with("bars.csv, line 3, column '")
                && text.contains("wanted ")
                && text.contains(found),
            "{text}"
        );
        assert!(!error.next.is_empty());
    }
}

#[test]
fn numbers_that_no_market_has_are_refused_with_their_place() {
    let header = "date,open,high,low,close,volume";
    let good = "2020-01-01,10,12,9,11,5";
    for (row, column, found) in [
        ("2020-01-02,1e308,1e308,1e308,1e308,5", "open", "1e308"),
        ("2020-01-02,10,1e13,9,11,5", "high", "1e13"),
        ("2020-01-02,10,12,5e-324,11,5", "low", "5e-324"),
        ("2020-01-02,1e-10,1e-10,1e-10,1e-10,5", "open", "1e-10"),
        ("2020-01-02,10,12,9,11,1e19", "volume", "1e19"),
        ("2020-01-02,10,12,9,11,5e-324", "volume", "5e-324"),
    ] {
        let error = refused(&bars(header, &[good, row]));
        assert_eq!(
            (error.kind, error.line, error.column.as_deref()),
            (DataErrorKind::Bar, Some(3), Some(column)),
            "{row}: {error}"
        );
        assert!(error.to_string().contains(found), "{error}");
    }
    let edges = [
        "2020-01-01,1e-9,1e-9,1e-9,1e-9,0",
        "2020-01-02,1e12,1e12,1e12,1e12,1e18",
        "2020-01-03,10,12,9,11,1e-18",
    ];
    assert!(read(&bars(header, &edges)).is_ok());
}

#[test]
fn the_first_row_settles_the_unit_of_time() {
    let row = |time: &str| format!("{time},10,12,9,11");
    let times =
        ["2020-01-01", "1577923200", "1577923200000", "1577923200000000", "1577923200000000000"];
    let later =
        ["2020-01-03", "1578009600", "1578009600000", "1578009600000000", "1578009600000000000"];
    for (unit, first) in times.into_iter().enumerate() {
        for (other, second) in later.into_iter().enumerate() {
            let same = unit == other;
            let found = read(&bars(HEADER, &[&row(first), &row(second)]));
            assert_eq!(found.is_ok(), same, "{first} {second} {found:?}");
            if let Err(error) = found {
                assert_eq!(
                    (error.kind, error.line, error.column.as_deref()),
                    (DataErrorKind::Time, Some(3), Some("date")),
                    "{error}"
                );
                assert!(error.to_string().contains("as in the first row"), "{error}");
            }
        }
    }
}

#[test]
fn jumps_of_the_close_are_told_and_not_refused() {
    let rows = ["2020-01-01,10,10,10,10", "2020-01-02,201,201,201,201", "2020-01-03,9,9,9,9"];
    let warnings = quality::inspect(&read(&bars(HEADER, &rows)).unwrap());
    let told = warnings.iter().find(|warning| warning.contains("jump")).expect("a warning");
    for part in ["2 jumps", "from 10 to 201", "2020-01-02"] {
        assert!(told.contains(part), "{told}");
    }
    let calm = ["2020-01-01,10,10,10,10", "2020-01-02,200,200,200,200"];
    let warnings = quality::inspect(&read(&bars(HEADER, &calm)).unwrap());
    assert!(!warnings.iter().any(|warning| warning.contains("jump")), "{warnings:?}");
}

#[test]
fn rounding_is_no_fault() {
    assert!(read(&bars(HEADER, &["2020-01-01,10,12,9,12.00000001"])).is_ok());
    assert!(read(&bars(HEADER, &["2020-01-01,10,12,9,12.001"])).is_err());
}

#[test]
fn refuses_uneven_rows() {
    for (row, found) in [
        ("2020-01-02,10,12,9", "found 4"),
        ("2020-01-02,10,12,9,11,1", "found 6"),
        ("\"2020-01-02,10,12", "found 1"),
    ] {
        let error = refused(&bars(HEADER, &["2020-01-01,10,12,9,11", row]));
        assert_eq!((error.kind, error.line), (DataErrorKind::Cell, Some(3)), "{error}");
        assert!(error.to_string().contains(found), "{error}");
    }
}

#[test]
fn refuses_headers_it_cannot_bind() {
    let error = refused(&bars("date,open,high,low,clsoe", &["2020-01-01,1,1,1,1"]));
    assert_eq!(error.kind, DataErrorKind::Columns);
    assert!(
        error.to_string().contains("is it 'clsoe'?")
            && error.to_string().contains("close=<column>"),
        "{error}"
    );
    let error = refused(&bars("date,open,Open,high,low,close", &["2020-01-01,1,1,1,1,1"]));
    assert!(error.to_string().contains("columns 2 and 3"), "{error}");
    let error = refused("1502942400000,4261.48,4313.62,4261.32,4308.83\n1502946000000,1,1,1,1\n");
    assert!(
        error.to_string().contains("header line") && error.to_string().contains("open_time,open"),
        "{error}"
    );
}

#[test]
fn refuses_what_is_no_table() {
    let parquet = engine::market::snapshot::encode(&synthetic::generate(1, 3)).unwrap();
    let cases: [(&[u8], DataErrorKind, &str); 9] = [
        (b"", DataErrorKind::Empty, "empty file"),
        (b"\n\n \n", DataErrorKind::Columns, "column"),
        (b"\xef\xbb\xbf", DataErrorKind::Empty, "empty file"),
        (b"date,open,high,low,close\n", DataErrorKind::Empty, "the header only"),
        (b"PK\x03\x04rest", DataErrorKind::Unreadable, "ZIP"),
        (b"\x1f\x8b\x08rest", DataErrorKind::Unreadable, "gzip"),
        (b"\xff\xfed\0a\0", DataErrorKind::Unreadable, "UTF-16"),
        (b"\x7fELF\0\0\0", DataErrorKind::Unreadable, "binary"),
        (&parquet, DataErrorKind::Unreadable, "format=parquet"),
    ];
    for (bytes, kind, word) in cases {
        let error = parse(bytes, "f", &CsvMapping::default()).expect_err("no table");
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    let mut latin = bars("name,date,open,high,low,close", &["ok,2020-01-01,1,1,1,1"]).into_bytes();
    latin.extend(b"caf\xe9,2020-01-02,1,1,1,1\n");
    let error = parse(&latin[..], "f", &CsvMapping::default()).expect_err("Latin-1");
    assert_eq!((error.kind, error.line), (DataErrorKind::Unreadable, Some(3)), "{error}");
    assert!(error.to_string().contains("UTF-8"), "{error}");
}

#[test]
fn a_failing_reader_is_an_error() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("disk gone"))
        }
    }
    let error = parse(Broken, "f", &CsvMapping::default()).expect_err("broken");
    assert!(error.to_string().contains("disk gone"), "{error}");
}

#[test]
fn errors_quote_little() {
    let long = "x".repeat(100_000);
    let error = refused(&bars(HEADER, &[&format!("2020-01-01,{long},1,1,1")]));
    assert!(error.to_string().len() < 600, "{}", error.to_string().len());
}

#[test]
fn the_reference_tables_keep_every_column() {
    let path = root().join("order_execution/BTC/test.csv");
    if !path.exists() {
        eprintln!("SKIPPED {} is not there; set TM_TEST_DATA", path.display());
        return;
    }
    let table = reference::parse(std::fs::File::open(path).unwrap(), "test.csv").unwrap();
    assert_eq!((table.len(), table.columns.len(), table.text.len()), (600, 154, 1));
    assert_eq!(table.index[599], 599);
    assert!(table.column("asks_distance_0").is_ok());
    assert!(table.column("nothing").expect_err("absent").to_string().contains("asks_distance_0"));
    let labelled =
        std::fs::File::open(root().join("algorithmic_trading/BTC/labelled_test.csv")).unwrap();
    let table = reference::parse(labelled, "labelled_test.csv").unwrap();
    assert_eq!(
        (table.index[0], table.columns["label"][0], table.text["tic"][0].as_str()),
        (1800, 2.0, "BTC")
    );
}

/// Writes bars as the importer reads them.
fn written(bars: &BarSeries) -> String {
    let mut text = "date,open,high,low,close,adj close,volume\n".to_owned();
    for bar in bars.bars() {
        let time = engine::market::bar::show_time(bar.time_ms);
        let volume = bar.volume.unwrap_or_default();
        text += &format!(
            "{time},{},{},{},{},{},{volume}\n",
            bar.open, bar.high, bar.low, bar.close, bar.adjusted_close
        );
    }
    text
}

proptest! {

    #[test]
    fn what_is_written_is_read_to_the_bit(seed: u64, rows in 1_usize..60) {
        let bars = synthetic::generate(seed, rows);
        let read = parse(written(&bars).as_bytes(), "SYNTHETIC.csv", &CsvMapping::default()).unwrap();
        prop_assert_eq!(read, bars);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(bars) = parse(&bytes[..], "f", &CsvMapping::default()) {
            prop_assert!(bars.validate().is_ok());
        }
        drop(reference::parse(&bytes[..], "f"));
    }

    #[test]
    fn a_damaged_file_gives_good_bars_or_an_error(
        seed: u64,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), "[0-9a-z,;\"\n\r.\u{e9}-]"), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = written(&synthetic::generate(seed, 12)).into_bytes();
        for (index, sign) in damage {
            let position = index.index(bytes.len());
            bytes.splice(position..=position, sign.bytes());
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Ok(bars) = parse(&bytes[..], "f", &CsvMapping::default()) {
            prop_assert!(bars.validate().is_ok());
        }
    }
}
