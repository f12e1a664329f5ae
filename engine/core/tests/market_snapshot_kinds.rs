//! Snapshots of panels, trades and order books: equal data, equal bytes; back to the bit; the damaged refused.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use bytes::Bytes;
use engine::digest::sha256;
use engine::market::parse::panel::parse_parquet;
use engine::market::parse::{Certainty, CsvMapping, ImportOptions, import_parquet};
use engine::market::snapshot::{Stored, decode_any, describe, encode, encode_any};
use engine::market::{
    Aggressor, BarPanel, BookSeries, DataErrorKind, DataKind, Join, MarketSeries, Provenance,
    TradeSeries, Transformation, synthetic,
};
use engine::rng::{Stream, StreamId};
use proptest::prelude::*;

fn provenance() -> Provenance {
    Provenance {
        source: "a.csv".to_owned(),
        licence: Some("CC0 1.0".to_owned()),
        source_sha256: Some(sha256(b"a")),
        transformations: vec![Transformation::new("align", "none")],
    }
}

fn panel(seed: u64, rows: usize) -> BarPanel {
    let mut series = [synthetic::generate(seed, rows + 2), synthetic::generate(seed + 1, rows + 2)];
    for (one, name) in series.iter_mut().zip(["A", "B \u{e9}\""]) {
        one.instrument = name.to_owned();
    }
    let mut late = series[1].slice(1..rows + 2);
    late.volume = None;
    BarPanel::join(&[series[0].slice(0..rows + 1), late], Join::Outer).unwrap()
}

fn trades(seed: u64, rows: usize) -> TradeSeries {
    let mut stream = Stream::new(seed, StreamId::Synthesis, 0);
    let mut trades = TradeSeries { instrument: "BTC".to_owned(), ..TradeSeries::default() };
    let mut time = 1_577_923_200_000_000_i64;
    for _ in 0..rows {
        time += i64::from(stream.below(3));
        trades.time_us.push(time);
        trades.price.push(1.0 + stream.uniform());
        trades.quantity.push(0.1 + stream.uniform());
        trades.aggressor.push(
            [Aggressor::Buyer, Aggressor::Seller, Aggressor::Unknown][stream.below(3) as usize],
        );
    }
    trades
}

fn book(seed: u64, rows: usize, levels: usize) -> BookSeries {
    let mut stream = Stream::new(seed, StreamId::Synthesis, 0);
    let mut book = BookSeries {
        instrument: "BTC".to_owned(),
        levels,
        bought: Some(Vec::new()),
        ..BookSeries::default()
    };
    for row in 0..rows {
        book.time_ms.push(1_577_923_200_000 + row as i64);
        book.bought.as_mut().unwrap().push(stream.uniform());
        let mid = 100.0 + stream.uniform();
        for level in 0..levels {
            book.bid_price.push(mid - 0.01 - level as f64);
            book.ask_price.push(mid + 0.01 + level as f64);
            book.bid_size.push(stream.uniform());
            book.ask_size.push(0.0);
        }
    }
    book
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Equality that knows NaN in absent cells.
fn same(left: &MarketSeries, right: &MarketSeries) -> bool {
    let (MarketSeries::Panel(left), MarketSeries::Panel(right)) = (left, right) else {
        return left == right;
    };
    let columns = |panel: &BarPanel| {
        [&panel.open, &panel.high, &panel.low, &panel.close, &panel.adjusted_close]
            .map(|column| bits(column))
    };
    (&left.instruments, &left.time_ms, &left.present)
        == (&right.instruments, &right.time_ms, &right.present)
        && left.interval_seconds.to_bits() == right.interval_seconds.to_bits()
        && columns(left) == columns(right)
        && left.volume.as_deref().map(bits) == right.volume.as_deref().map(bits)
}

fn all(seed: u64, rows: usize) -> [MarketSeries; 4] {
    [
        MarketSeries::Bars(synthetic::generate(seed, rows)),
        MarketSeries::Panel(panel(seed, rows)),
        MarketSeries::Trades(trades(seed, rows)),
        MarketSeries::Book(book(seed, rows, 3)),
    ]
}

#[test]
fn every_kind_comes_back_with_where_it_comes_from() {
    for data in all(7, 300) {
        let kind = data.kind();
        let stored = Stored::new(data, provenance());
        let bytes = encode_any(&stored).unwrap();
        assert_eq!(bytes, encode_any(&stored.clone()).unwrap(), "{kind:?}");
        let back = decode_any(Bytes::from(bytes.clone())).unwrap();
        assert!(same(&back.data, &stored.data), "{kind:?}");
        if kind == DataKind::Bars {
            assert_eq!(back.provenance, None);
        } else {
            assert_eq!(back.provenance, stored.provenance);
        }
        let manifest = describe(&stored, &bytes, true);
        assert_eq!((manifest.kind, manifest.rows), (kind, stored.data.rows() as u64));
        assert_eq!(manifest.sha256, sha256(&bytes));
        assert_eq!(manifest.provenance, provenance());
        assert!(!manifest.looks_ahead && manifest.synthetic);
        let text = serde_json::to_string(&manifest).unwrap();
        assert_eq!(
            serde_json::from_str::<engine::market::snapshot::SnapshotManifest>(&text).unwrap(),
            manifest
        );
    }
}

#[test]
fn bars_of_one_instrument_keep_their_bytes() {
    let bars = synthetic::generate(3, 50);
    let stored = Stored::new(MarketSeries::Bars(bars.clone()), provenance());
    assert_eq!(encode_any(&stored).unwrap(), encode(&bars).unwrap());
}

#[test]
fn a_panel_can_be_imported_from_its_parquet() {
    let panel = panel(5, 40);
    let stored = Stored::new(MarketSeries::Panel(panel.clone()), provenance());
    let bytes = Bytes::from(encode_any(&stored).unwrap());
    let mapping = CsvMapping { volume: Some("close".to_owned()), ..CsvMapping::default() };
    let read = parse_parquet(bytes.clone(), "p.parquet", &mapping, Join::Outer).unwrap();
    let wanted = BarPanel { volume: Some(panel.close.clone()), ..panel };
    assert!(same(&MarketSeries::Panel(read), &MarketSeries::Panel(wanted)));
    // As a snapshot it is taken whole, absent volumes included.
    let imported = import_parquet(bytes.clone(), "p.parquet", &ImportOptions::default()).unwrap();
    assert!(same(&imported.data, &stored.data));
    assert_eq!(imported.detection.certainty, Certainty::Certain);
    let options = ImportOptions { mapping, ..ImportOptions::default() };
    let mapped = import_parquet(bytes.clone(), "p.parquet", &options).unwrap();
    assert_eq!(mapped.data.kind(), DataKind::Panel);
    // One of the two has no volume: such cells are missing.
    let error = parse_parquet(bytes, "p.parquet", &CsvMapping::default(), Join::Outer).unwrap_err();
    assert_eq!((error.kind, error.column.as_deref()), (DataErrorKind::Cell, Some("volume")));
}

#[test]
fn filled_cells_stay_marked() {
    let panel = panel(3, 20);
    let filled: Vec<bool> =
        (0..panel.present.len()).map(|cell| panel.present[cell] && cell % 5 == 0).collect();
    let count = filled.iter().filter(|filled| **filled).count() as u64;
    let mut stored = Stored::new(MarketSeries::Panel(panel), provenance());
    stored.filled = Some(filled);
    let bytes = encode_any(&stored).unwrap();
    assert_eq!(decode_any(Bytes::from(bytes.clone())).unwrap().filled, stored.filled);
    let manifest = describe(&stored, &bytes, false);
    assert_eq!((manifest.filled, manifest.columns.last().unwrap().as_str()), (count, "filled"));
    stored.filled = Some(vec![true]);
    assert_eq!(encode_any(&stored).unwrap_err().kind, DataErrorKind::Columns);
}

#[test]
fn the_layouts_do_not_move() {
    // Hashes are stored and address files: a change here is a new format name.
    let bars = |name: &str, first: f64, volume| engine::market::BarSeries {
        instrument: name.to_owned(),
        interval_seconds: 60.0,
        time_ms: vec![0, 60_000],
        open: vec![first, 2.0],
        high: vec![2.0, 3.0],
        low: vec![1.0, 2.0],
        close: vec![2.0, 3.0],
        adjusted_close: vec![2.0, 3.0],
        volume,
    };
    let series = [bars("A", 1.0, Some(vec![1.0, 2.0])), bars("B", 1.5, None).slice(1..2)];
    let panel = BarPanel::join(&series, Join::Outer).unwrap();
    let data = [
        MarketSeries::Panel(panel),
        MarketSeries::Trades(trades(1, 3)),
        MarketSeries::Book(book(1, 3, 3)),
    ];
    let hashes = data.map(|data| {
        sha256(&encode_any(&Stored::new(data, Provenance::default())).unwrap())[..16].to_owned()
    });
    assert_eq!(hashes, ["6af54dcff79c5632", "18a4203012d0142c", "cfedaa1a44b7b332"]);
}

#[test]
fn what_is_not_valid_is_not_stored() {
    let mut broken = trades(1, 5);
    broken.price[2] = f64::NAN;
    let stored = Stored::new(MarketSeries::Trades(broken), provenance());
    assert_eq!(encode_any(&stored).unwrap_err().line, Some(3));
    let mut crossed = book(1, 5, 2);
    crossed.ask_price[2] = 1.0;
    let stored = Stored::new(MarketSeries::Book(crossed), provenance());
    assert!(encode_any(&stored).is_err());
}

#[test]
fn foreign_and_cut_files_are_refused() {
    for bytes in [b"".to_vec(), b"PAR1".to_vec(), b"date,open\n".to_vec(), vec![0; 64]] {
        assert_eq!(decode_any(Bytes::from(bytes)).unwrap_err().kind, DataErrorKind::Snapshot);
    }
    for data in all(7, 20) {
        let bytes = encode_any(&Stored::new(data, provenance())).unwrap();
        for length in [1, bytes.len() / 2, bytes.len() - 1] {
            let cut = Bytes::from(bytes[..length].to_vec());
            assert_eq!(decode_any(cut).unwrap_err().kind, DataErrorKind::Snapshot);
        }
    }
}

proptest! {
    #[test]
    fn every_kind_comes_back_to_the_bit(seed: u64, rows in 1_usize..40) {
        for data in all(seed >> 1, rows) {
            let stored = Stored::new(data, provenance());
            let back = decode_any(Bytes::from(encode_any(&stored).unwrap())).unwrap();
            prop_assert!(same(&back.data, &stored.data));
        }
    }

    #[test]
    fn a_damaged_snapshot_gives_good_data_or_an_error(
        seed: u64,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for data in all(seed >> 1, 6) {
            let mut bytes = encode_any(&Stored::new(data, provenance())).unwrap();
            for (index, byte) in &damage {
                let position = index.index(bytes.len());
                bytes[position] = *byte;
            }
            if let Ok(stored) = decode_any(Bytes::from(bytes)) {
                prop_assert!(stored.data.validate().is_ok());
            }
        }
    }
}
