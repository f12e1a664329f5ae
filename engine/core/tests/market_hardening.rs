//! Files that should not be: cut, foreign, endless, hostile. Refused with a place and a way out, within the limits.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::io::Read;
use std::sync::Arc;

use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use bytes::Bytes;
use engine::market::DataErrorKind::{Bar, Cell, Time};
use engine::market::parse::trades::{self, TradeMapping};
use engine::market::parse::{
    BYTES_MAX, COLUMNS_MAX, CsvMapping, ImportOptions, RECORD_BYTES_MAX, csv, depth, import,
    import_parquet, panel, parquet, reference, wide,
};
use engine::market::snapshot::{Stored, decode, decode_any, encode, encode_any};
use engine::market::{
    BarPanel, DataError, DataErrorKind, Join, MarketSeries, Provenance, synthetic,
};

/// Makes lines on the fly and counts what was taken.
struct Endless<F> {
    make: F,
    line: Vec<u8>,
    at: usize,
    next: u64,
    taken: u64,
    end: u64,
}

impl<F: Fn(u64) -> Vec<u8>> Endless<F> {
    fn new(first: &str, end: u64, make: F) -> Self {
        Self { make, line: first.as_bytes().to_vec(), at: 0, next: 0, taken: 0, end }
    }
}

impl<F: Fn(u64) -> Vec<u8>> Read for Endless<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.end <= self.taken {
            return Ok(0);
        }
        if self.at == self.line.len() {
            self.line = (self.make)(self.next);
            self.at = 0;
            self.next += 1;
        }
        let count = buffer.len().min(self.line.len() - self.at);
        buffer[..count].copy_from_slice(&self.line[self.at..self.at + count]);
        self.at += count;
        self.taken += count as u64;
        Ok(count)
    }
}

const HEADER: &str = "date,open,high,low,close\n";
const TEN_GB: u64 = 10 << 30;

/// Every parser of text, as one that imports or refuses.
type Parser = fn(&[u8]) -> Option<DataError>;
const PARSERS: [(&str, Parser); 8] = [
    ("import", |bytes| import(bytes, "f", &ImportOptions::default()).err()),
    ("csv", |bytes| csv::parse(bytes, "f", &CsvMapping::default()).err()),
    ("panel", |bytes| panel::parse(bytes, "f", &CsvMapping::default(), Join::Outer).err()),
    ("trades", |bytes| trades::parse(bytes, "f", &TradeMapping::default()).err()),
    ("levels", |bytes| depth::levels::parse(bytes, "f").err()),
    ("distances", |bytes| depth::distances::parse(bytes, "f").err()),
    ("reference", |bytes| reference::parse(bytes, "f").err()),
    ("wide", |bytes| wide::parse(bytes, "f", &[]).err()),
];

#[test]
fn what_is_no_table_is_refused_by_every_parser_and_named() {
    let wide_text: Vec<u8> = HEADER.bytes().flat_map(|byte| [byte, 0]).collect();
    let parquet = encode(&synthetic::generate(1, 3)).unwrap();
    let cases: [(&[u8], &str); 11] = [
        (b"", "empty file"),
        (b"\x1f\x8b\x08\0rest", "gzip"),
        (b"BZh91AY", "bzip2"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"\x28\xb5\x2f\xfdrest", "zstd"),
        (b"\xff\xfed\0a\0t\0", "UTF-16"),
        (b"\xfe\xff\0d\0a\0t", "UTF-16"),
        (&wide_text, "UTF-16"),
        (b"\x7fELF\x02\x01\0\0", "binary"),
        (b"%PDF-1.7\n", "PDF"),
        (&parquet, "Parquet"),
    ];
    for (bytes, word) in cases {
        for (name, parser) in PARSERS {
            let error = parser(bytes).unwrap_or_else(|| panic!("{name} takes {word}"));
            assert!(error.to_string().contains(word), "{name}: {error}");
        }
    }
    let json = depth::json::parse(&b"\x1f\x8b\x08\0rest"[..], "f").unwrap_err();
    assert!(json.to_string().contains("gzip"), "{json}");
    assert_eq!(depth::json::parse(&b""[..], "f").unwrap_err().kind, DataErrorKind::Empty);
}

/// A good file and rows that no file may have.
struct Case {
    good: &'static str,
    rows: &'static [(&'static str, DataErrorKind, Option<&'static str>)],
}

const FAULTS: [Case; 4] = [
    Case {
        good: "tic,date,open,high,low,close\nA,2020-01-02,10,12,9,11\n",
        rows: &[
            ("A,2020-01-03,10,12", Cell, None),
            ("A,2020-01-03,NaN,12,9,11", Bar, Some("open")),
            ("A,2020-01-03,10,inf,9,11", Bar, Some("high")),
            ("A,2020-01-03,10,12,-9,11", Bar, Some("low")),
            ("A,2020-01-02,10,12,9,11", Time, Some("date")),
            ("A,2020-01-01,10,12,9,11", Time, Some("date")),
            ("A,2020-01-03T00:00:00+01:00,10,12,9,11", Time, Some("date")),
            ("A,1577923200,10,12,9,11", Time, Some("date")),
            (",2020-01-03,10,12,9,11", Cell, Some("tic")),
            ("A,2020-01-03,10,12,9,\0", Cell, Some("close")),
        ],
    },
    Case {
        good: "time,price,qty,is_buyer_maker\n1577923200000,10,1,true\n",
        rows: &[
            ("1577923200001,10", Cell, None),
            ("1577923200001,NaN,1,true", Bar, Some("price")),
            ("1577923200001,10,inf,true", Bar, Some("qty")),
            ("1577923200001,-10,1,true", Bar, Some("price")),
            ("1577923199999,10,1,true", Time, Some("time")),
            ("1577923200,10,1,true", Time, Some("time")),
            ("1577923200001,10,1,maybe", Cell, Some("is_buyer_maker")),
        ],
    },
    Case {
        good: "time,bid1_price,bid1_size,ask1_price,ask1_size\n2020-01-02,99,1,101,1\n",
        rows: &[
            ("2020-01-03,99,1", Cell, None),
            ("2020-01-03,NaN,1,101,1", Bar, Some("bid1_price")),
            ("2020-01-03,99,inf,101,1", Bar, Some("bid1_size")),
            ("2020-01-03,99,1,-101,1", Bar, Some("ask1_price")),
            ("2020-01-02,99,1,101,1", Time, Some("time")),
            ("2020-01-01,99,1,101,1", Time, Some("time")),
        ],
    },
    Case {
        good: ",system_time,midpoint,bids_distance_0,bids_notional_0,asks_distance_0,asks_notional_0\n\
                   0,2020-01-02,100,-0.01,3,0.01,4\n",
        rows: &[
            ("1,2020-01-03,100,-0.01", Cell, None),
            ("1,2020-01-03,NaN,-0.01,3,0.01,4", Bar, Some("bid1_price")),
            ("1,2020-01-03,100,-0.01,-3,0.01,4", Bar, Some("bid1_size")),
            ("1,2020-01-03,100,-1.01,3,0.01,4", Bar, Some("bid1_price")),
            ("1,2020-01-03,100,0.02,3,0.01,4", Bar, Some("ask1_price")),
            ("1,2020-01-02,100,-0.01,3,0.01,4", Time, Some("time")),
        ],
    },
];

#[test]
fn each_fault_of_a_row_is_named_with_line_and_column_in_every_kind() {
    for Case { good, rows } in FAULTS {
        assert!(import(good.as_bytes(), "f", &ImportOptions::default()).is_ok(), "{good}");
        for (row, kind, column) in rows {
            let text = format!("{good}{row}\n");
            let error = import(text.as_bytes(), "f", &ImportOptions::default())
                .expect_err(&format!("{row} is taken"));
            assert_eq!(
                (error.kind, error.line, error.column.as_deref()),
                (*kind, Some(3), *column),
                "{row}: {error}"
            );
            assert!(!error.next.is_empty());
        }
        let header_only = &good[..good.find('\n').unwrap() + 1];
        let error = import(header_only.as_bytes(), "f", &ImportOptions::default()).unwrap_err();
        assert_eq!(error.kind, DataErrorKind::Empty, "{error}");
    }
}

#[test]
fn a_hundred_thousand_columns_are_refused() {
    let names: Vec<String> = (0..100_000).map(|column| format!("c{column}")).collect();
    let text = format!("{}\n1\n", names.join(","));
    for (name, parser) in PARSERS {
        let error = parser(text.as_bytes()).unwrap();
        assert_eq!((error.kind, error.line), (DataErrorKind::TooLarge, Some(1)), "{name}: {error}");
        assert!(error.to_string().contains("4096 columns; found 100000"), "{error}");
    }
    assert_eq!(COLUMNS_MAX, 4096);
}

#[test]
fn a_line_without_end_is_refused_before_it_fills_the_memory() {
    // As the first line, as a row, and as a quote that is never closed.
    let quote = format!("{HEADER}\"");
    let cases: [(&str, &[u8]); 3] = [("", b"x"), (HEADER, b"1"), (&quote, b"a\nb")];
    for (first, piece) in cases {
        let mut source = Endless::new(first, TEN_GB, |_| piece.repeat(10 << 10));
        let error = csv::parse(&mut source, "f", &CsvMapping::default()).unwrap_err();
        assert_eq!(error.kind, DataErrorKind::TooLarge, "{error}");
        assert!(error.to_string().contains("1024 KiB"), "{error}");
        assert!(source.taken < 3 << 20, "{} bytes were read", source.taken);
    }
    let mut json = Endless::new("", TEN_GB, |_| b"[".repeat(10 << 10));
    assert_eq!(depth::json::parse(&mut json, "f").unwrap_err().kind, DataErrorKind::TooLarge);
    assert!(json.taken < 3 << 20);
    assert_eq!(RECORD_BYTES_MAX, 1 << 20);
}

#[test]
fn ten_gigabytes_are_refused_at_the_limit_of_rows_and_of_bytes() {
    let row = |index: u64| format!("{},1,1,1,1\n", 1_000_000_000 + index * 60).into_bytes();
    let mut rows = Endless::new(HEADER, TEN_GB, row);
    let error = csv::parse(&mut rows, "f", &CsvMapping::default()).unwrap_err();
    assert_eq!((error.kind, error.line), (DataErrorKind::TooLarge, Some(5_000_002)), "{error}");
    assert!(error.to_string().contains("5000000 rows") && !error.next.is_empty(), "{error}");
    assert!(rows.taken < 200 << 20);
    // Few rows with much in them that nobody asked for.
    let wide = "x".repeat(900 << 10);
    let row = |index: u64| format!("{},1,1,1,1,{wide}\n", 1_000_000_000 + index * 60).into_bytes();
    let mut bytes = Endless::new("date,open,high,low,close,note\n", TEN_GB, row);
    let error = import(&mut bytes, "f", &ImportOptions::default()).unwrap_err();
    assert_eq!(error.kind, DataErrorKind::TooLarge, "{error}");
    assert!(error.to_string().contains("2048 MiB"), "{error}");
    assert!(bytes.taken < BYTES_MAX + (4 << 20), "{} bytes were read", bytes.taken);
}

#[test]
fn json_that_nests_deeply_is_refused() {
    let deep = "[".repeat(500_000);
    for line in [
        deep.clone(),
        format!("{{\"bids\":{deep}"),
        format!("{{\"E\":1577923200000,\"x\":{deep}"),
        "{\"data\":".repeat(100_000),
        format!("{{\"E\":{deep}"),
    ] {
        let error = depth::json::parse(line.as_bytes(), "f").unwrap_err();
        assert_eq!((error.kind, error.line), (DataErrorKind::Cell, Some(1)));
        assert!(error.to_string().len() < 400);
    }
}

/// A Parquet table of one row: a time, a name and doubles, with metadata.
fn parquet_of(columns: usize, pairs: &[(&str, String)], name: &str) -> Bytes {
    let doubles: String =
        (0..columns).map(|column| format!("required double c{column}; ")).collect();
    let schema = format!(
        "message rows {{ required int64 time_ms (TIMESTAMP(MILLIS,true)); required binary instrument (STRING); {doubles} }}"
    );
    let pairs = pairs.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone()));
    let properties =
        WriterProperties::builder().set_key_value_metadata(Some(pairs.collect())).build();
    let mut bytes = Vec::new();
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[0], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&[ByteArray::from(name)], None, None).unwrap();
    column.close().unwrap();
    while let Some(mut column) = group.next_column().unwrap() {
        column.typed::<DoubleType>().write_batch(&[1.0], None, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    Bytes::from(bytes)
}

/// A name of a megabyte that stands in the file once and in every row: copied, it would fill any memory.
#[test]
fn a_long_text_that_is_repeated_in_every_row_is_refused_and_not_copied() {
    let schema = "message rows { required int64 time_ms (TIMESTAMP(MILLIS,true)); required binary tic (STRING);
        required double open; required double high; required double low; required double close; }";
    let rows: usize = 2_000;
    let mut bytes = Vec::new();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties =
        Arc::new(WriterProperties::builder().set_dictionary_page_size_limit(8 << 20).build());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let times: Vec<i64> = (0..rows as i64).map(|row| 1_600_000_000_000 + row * 1000).collect();
    column.typed::<Int64Type>().write_batch(&times, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let name = ByteArray::from("A".repeat(1 << 20).into_bytes());
    for _ in 0..rows / 1000 {
        column.typed::<ByteArrayType>().write_batch(&vec![name.clone(); 1000], None, None).unwrap();
    }
    column.close().unwrap();
    while let Some(mut column) = group.next_column().unwrap() {
        column.typed::<DoubleType>().write_batch(&vec![1.0; rows], None, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    let error = import_parquet(Bytes::from(bytes), "f", &ImportOptions::default()).unwrap_err();
    assert!(
        (error.kind == Cell && error.wanted.contains("256 bytes"))
            || error.kind == DataErrorKind::TooLarge,
        "{error}"
    );
}

#[test]
fn parquet_with_hostile_metadata_is_refused() {
    let good = encode(&synthetic::generate(1, 50)).unwrap();
    let end = good.len();
    let mut cases = vec![b"PAR1PAR1".to_vec(), [b"PAR1".as_slice(), &[255; 4], b"PAR1"].concat()];
    for length in [0_u32, 1, u32::MAX, u32::try_from(end).unwrap(), 1 << 31] {
        let mut bytes = good.clone();
        bytes[end - 8..end - 4].copy_from_slice(&length.to_le_bytes());
        cases.push(bytes);
    }
    // The footer says anything at all.
    for byte in [0_u8, 0x15, 0x7f, 0x80, 0xff] {
        let mut bytes = good.clone();
        bytes[end - 200..end - 8].fill(byte);
        cases.push(bytes);
    }
    for bytes in cases {
        let bytes = Bytes::from(bytes);
        assert!(parquet::parse(bytes.clone(), "f", &CsvMapping::default()).is_err());
        assert!(
            panel::parse_parquet(bytes.clone(), "f", &CsvMapping::default(), Join::Outer).is_err()
        );
        assert!(decode(bytes.clone()).is_err());
        assert_eq!(decode_any(bytes).unwrap_err().kind, DataErrorKind::Snapshot);
    }
    let wide = parquet_of(5000, &[], "A");
    let error = parquet::parse(wide.clone(), "f", &CsvMapping::default()).unwrap_err();
    assert_eq!(error.kind, DataErrorKind::TooLarge, "{error}");
    assert!(decode_any(wide).is_err());
}

#[test]
fn snapshots_that_claim_what_cannot_be_are_refused() {
    let formats = ["tm-bars-1", "tm-panel-1", "tm-trades-1", "tm-book-1", "tm-panel-2", ""];
    for format in formats {
        let pairs = [("format", format.to_owned()), ("levels", "99999999".to_owned())];
        let error = decode_any(parquet_of(5, &pairs, "A")).unwrap_err();
        assert_eq!(error.kind, DataErrorKind::Snapshot, "{format}: {error}");
    }
    let bars = synthetic::generate(1, 3);
    let mut other = bars.clone();
    other.instrument = "B".to_owned();
    let panel = MarketSeries::Panel(BarPanel::join(&[bars, other], Join::Outer).unwrap());
    let bytes = encode_any(&Stored::new(panel, Provenance::default())).unwrap();
    // The name of an instrument that is not in the list, and a list that is none.
    for (from, to) in [("\"B\"", "\"C\""), ("[\"SYN", "{\"SYN"), ("\"B\"]", "\"B\",")] {
        let text = bytes.clone();
        let at = (0..text.len() - from.len())
            .rfind(|at| text[*at..].starts_with(from.as_bytes()))
            .expect("the list is in the metadata");
        let mut changed = text;
        changed[at..at + from.len()].copy_from_slice(to.as_bytes());
        let error = decode_any(Bytes::from(changed)).unwrap_err();
        assert_eq!(error.kind, DataErrorKind::Snapshot, "{from} → {to}: {error}");
    }
    // A list so long that its panel would fill the memory.
    let names: Vec<String> = (0..1_000_000).map(|name| format!("\"{name}\"")).collect();
    let pairs = [
        ("format", "tm-panel-1".to_owned()),
        ("instruments", format!("[{}]", names.join(","))),
        ("interval_seconds", "60".to_owned()),
    ];
    assert!(decode_any(parquet_of(5, &pairs, "1")).is_err());
}
