//! Snapshots: equal bars, equal bytes; Parquet of others; the synthetic market; warnings.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::sync::Arc;

use bytes::Bytes;
use engine::digest::sha256;
use engine::market::parse::csv::CsvMapping;
use engine::market::parse::parquet::parse;
use engine::market::snapshot::{decode, encode, manifest};
use engine::market::{BarSeries, DataErrorKind, quality, synthetic};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

fn no_volume(seed: u64, rows: usize) -> BarSeries {
    BarSeries { volume: None, ..synthetic::generate(seed, rows) }
}

#[test]
fn equal_bars_give_equal_bytes_and_come_back() {
    for bars in [synthetic::generate(7, 500), no_volume(7, 500), synthetic::generate(7, 1)] {
        let bytes = encode(&bars).unwrap();
        assert_eq!(bytes, encode(&bars.clone()).unwrap());
        assert_eq!(decode(Bytes::from(bytes)).unwrap(), bars);
    }
    assert_ne!(
        encode(&synthetic::generate(7, 500)).unwrap(),
        encode(&synthetic::generate(8, 500)).unwrap()
    );
}

#[test]
fn the_layout_of_a_snapshot_does_not_move() {
    // Hashes are stored and address files: a change here is a new format name.
    let bars = BarSeries {
        instrument: "X".to_owned(),
        interval_seconds: 60.0,
        time_ms: vec![0, 60_000],
        open: vec![1.0, 2.0],
        high: vec![2.0, 3.0],
        low: vec![1.0, 2.0],
        close: vec![2.0, 3.0],
        adjusted_close: vec![2.0, 3.0],
        volume: None,
    };
    assert_eq!(
        sha256(&encode(&bars).unwrap()),
        "86bba40ba2084b58b6e137ef045ac1a48736632bace14eb20b7402e734c2e64e"
    );
}

#[test]
fn a_manifest_describes_its_snapshot() {
    let bars = synthetic::generate(3, 300);
    let bytes = encode(&bars).unwrap();
    let manifest = manifest(&bars, &bytes, "synthetic seed 3", true);
    assert_eq!(
        (manifest.rows, manifest.size_bytes, manifest.synthetic),
        (300, bytes.len() as u64, true)
    );
    assert_eq!(
        (manifest.from.as_str(), manifest.interval_seconds),
        ("2015-01-01T23:59:59Z", 86_400.0)
    );
    assert_eq!(manifest.columns.join(","), "time_ms,open,high,low,close,adjusted_close,volume");
    assert_eq!(manifest.sha256, sha256(&bytes));
    let text = serde_json::to_string(&manifest).unwrap();
    assert_eq!(
        serde_json::from_str::<engine::market::snapshot::Manifest>(&text).unwrap(),
        manifest
    );
}

#[test]
fn bad_bars_are_not_stored() {
    let mut bars = synthetic::generate(1, 10);
    bars.close[4] = f64::NAN;
    let error = encode(&bars).expect_err("NaN");
    assert_eq!((error.line, error.column.as_deref()), (Some(5), Some("close")), "{error}");
    let mut bars = synthetic::generate(1, 10);
    bars.low.pop();
    assert_eq!(encode(&bars).expect_err("uneven").kind, DataErrorKind::Columns);
    assert_eq!(encode(&BarSeries::default()).expect_err("empty").kind, DataErrorKind::Empty);
    let mut bars = synthetic::generate(1, 10);
    bars.time_ms.swap(3, 4);
    assert_eq!(encode(&bars).expect_err("order").kind, DataErrorKind::Time);
}

#[test]
fn a_snapshot_can_be_imported_again() {
    let bars = synthetic::generate(2, 50);
    let bytes = Bytes::from(encode(&bars).unwrap());
    let mapping = CsvMapping { instrument: Some("SYNTHETIC".to_owned()), ..CsvMapping::default() };
    assert_eq!(parse(bytes, "a.parquet", &mapping).unwrap(), bars);
}

/// A table as pandas writes it: nullable columns, nanoseconds, floats.
fn foreign(times: &[i64], unit: &str, high: &[Option<f32>]) -> Bytes {
    let schema = format!(
        "message schema {{ optional int64 Date ({unit}); optional binary Symbol (STRING); optional double Open; \
         optional float High; optional double Low; optional double Close; }}"
    );
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, schema, Arc::new(WriterProperties::default()))
            .unwrap();
    let mut group = writer.next_row_group().unwrap();
    let here = vec![1_i16; times.len()];
    let tens = vec![10.0; times.len()];
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(times, Some(&here), None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let names = vec![ByteArray::from("ABC"); times.len()];
    column.typed::<ByteArrayType>().write_batch(&names, Some(&here), None).unwrap();
    column.close().unwrap();
    for position in 2..6 {
        let mut column = group.next_column().unwrap().unwrap();
        if position == 3 {
            let levels: Vec<i16> = high.iter().map(|value| i16::from(value.is_some())).collect();
            let values: Vec<f32> = high.iter().flatten().copied().collect();
            column.typed::<FloatType>().write_batch(&values, Some(&levels), None).unwrap();
        } else {
            column.typed::<DoubleType>().write_batch(&tens, Some(&here), None).unwrap();
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    Bytes::from(bytes)
}

#[test]
fn reads_the_parquet_of_others() {
    let day = 1_577_923_200_000_i64;
    for (unit, scale) in [
        ("TIMESTAMP(NANOS,true)", 1_000_000),
        ("TIMESTAMP(MICROS,false)", 1000),
        ("TIMESTAMP(MILLIS,true)", 1),
        ("INTEGER(64,true)", 1),
    ] {
        let times = [day * scale, (day + 60_000) * scale];
        let bars = parse(
            foreign(&times, unit, &[Some(12.0), Some(10.5)]),
            "a.parquet",
            &CsvMapping::default(),
        )
        .unwrap();
        assert_eq!(bars.time_ms, [day, day + 60_000], "{unit}");
        assert_eq!(
            (bars.instrument.as_str(), bars.interval_seconds, bars.high[1]),
            ("ABC", 60.0, 10.5)
        );
    }
}

#[test]
fn faults_in_parquet_are_named_by_row_and_column() {
    let times = [1_577_923_200_000, 1_577_923_260_000];
    let error = parse(
        foreign(&times, "TIMESTAMP(MILLIS,true)", &[Some(12.0), None]),
        "a.parquet",
        &CsvMapping::default(),
    );
    let error = error.expect_err("a missing value");
    assert_eq!(
        (error.kind, error.line, error.column.as_deref()),
        (DataErrorKind::Cell, Some(2), Some("High")),
        "{error}"
    );
    let error = parse(
        foreign(&times, "TIMESTAMP(MILLIS,true)", &[Some(12.0), Some(9.0)]),
        "a.parquet",
        &CsvMapping::default(),
    );
    assert_eq!(error.expect_err("high below low").line, Some(2));
    let mapping = CsvMapping { close: Some("Symbol".to_owned()), ..CsvMapping::default() };
    let error = parse(
        foreign(&times, "TIMESTAMP(MILLIS,true)", &[Some(12.0), Some(12.0)]),
        "a.parquet",
        &mapping,
    );
    assert!(error.expect_err("text").to_string().contains("'ABC'"));
    let error =
        parse(Bytes::from_static(b"date,open,high,low,close\n"), "a.csv", &CsvMapping::default());
    assert!(error.expect_err("CSV").to_string().contains("format=csv"));
}

#[test]
fn the_synthetic_market_is_good_data_and_looks_like_a_market() {
    let bars = synthetic::generate(42, 3000);
    bars.validate().unwrap();
    assert_eq!(
        (bars.len(), bars.instrument.as_str(), bars.interval_seconds),
        (3000, "SYNTHETIC", 86_400.0)
    );
    let returns: Vec<f64> = bars.close.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect();
    let deviation =
        (returns.iter().map(|value| value * value).sum::<f64>() / returns.len() as f64).sqrt();
    assert!((0.01..0.04).contains(&deviation), "daily volatility {deviation}");
    let squares: Vec<f64> = returns.iter().map(|value| value.abs()).collect();
    let mean = squares.iter().sum::<f64>() / squares.len() as f64;
    let covariance: f64 = squares.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    assert!(0.0 < covariance, "large moves follow large moves");
    let longer = synthetic::generate(42, 3500);
    assert_eq!(longer.slice(0..3000), bars);
    assert_ne!(synthetic::generate(43, 3000).close, bars.close);
    assert!(synthetic::generate(1, 0).is_empty());
}

#[test]
fn warnings_name_gaps_outliers_and_silence() {
    assert!(
        quality::inspect(&synthetic::generate(4, 400))
            .iter()
            .all(|warning| warning.contains("outlier"))
    );
    let mut bars = synthetic::generate(4, 400);
    bars.time_ms[200..].iter_mut().for_each(|time| *time += 3 * 86_400_000);
    for column in [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close] {
        column[300..].iter_mut().for_each(|price| *price *= 5.0);
    }
    if let Some(volume) = &mut bars.volume {
        volume[10..20].iter_mut().for_each(|value| *value = 0.0);
    }
    let text = quality::inspect(&bars).join("\n");
    for part in [
        "1 gap against the usual step of 1 d; the longest is 4 d after 2015-07-19T23:59:59Z",
        "outlier",
        "volume is 0 in 10 bars",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(quality::inspect(&synthetic::generate(1, 1)).join("").contains("only 1 bars"));
    assert!(quality::inspect(&BarSeries::default()).len() == 1);
}

proptest! {

    #[test]
    fn snapshots_come_back_to_the_bit(seed: u64, rows in 1_usize..200, with_volume: bool) {
        let bars = if with_volume { synthetic::generate(seed, rows) } else { no_volume(seed, rows) };
        prop_assert!(bars.validate().is_ok());
        prop_assert_eq!(decode(Bytes::from(encode(&bars).unwrap())).unwrap(), bars);
    }

    #[test]
    fn arbitrary_bytes_are_no_parquet(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), framed: bool) {
        if framed {
            bytes.splice(0..0, *b"PAR1");
            let length = u32::try_from(bytes.len() - 4).unwrap();
            bytes.extend(length.to_le_bytes());
            bytes.extend(b"PAR1");
        }
        prop_assert!(decode(Bytes::from(bytes.clone())).is_err());
        prop_assert!(parse(Bytes::from(bytes), "f", &CsvMapping::default()).is_err());
    }

    #[test]
    fn a_damaged_snapshot_gives_good_bars_or_an_error(
        seed: u64,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = encode(&synthetic::generate(seed, 8)).unwrap();
        for (index, byte) in damage {
            let position = index.index(bytes.len());
            bytes[position] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(bars) = decode(Bytes::from(bytes.clone())) {
            prop_assert!(bars.validate().is_ok());
        }
        if let Ok(bars) = parse(Bytes::from(bytes), "f", &CsvMapping::default()) {
            prop_assert!(bars.validate().is_ok());
        }
    }
}
