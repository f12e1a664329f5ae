//! The classic features: equal to their formulas, to the reference's files, to themselves bar by bar, and blind to
//! the future.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "real files are read, or said to be missing"
)]

use std::path::PathBuf;

use engine::config::FeatureSet;
use engine::features::{FeatureFrame, Normaliser, Pipeline, frame, from_table, names};
use engine::market::parse::csv::CsvMapping;
use engine::market::parse::{csv, reference};
use engine::market::{BarSeries, synthetic};
use proptest::prelude::*;

fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = root.join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("SKIPPED {} is not there; set TM_TEST_DATA", file.display());
    None
}

fn column(frame: &FeatureFrame, name: &str) -> Vec<f64> {
    let position = frame.names.iter().position(|known| known == name).expect("a known name");
    frame.values.iter().skip(position).step_by(frame.width).copied().collect()
}

#[test]
fn names_are_those_of_the_reference_in_its_order() {
    let all = [
        "high", "low", "open", "close", "adjcp", "zopen", "zhigh", "zlow", "zadjcp", "zclose",
        "zd_5", "zd_10", "zd_15", "zd_20", "zd_25", "zd_30",
    ];
    assert_eq!(names(FeatureSet::Classic16), all);
    assert_eq!(names(FeatureSet::Classic11), all[5..]);
}

#[test]
fn values_follow_the_formulas() {
    let mut bars = synthetic::generate(5, 40);
    bars.adjusted_close
        .iter_mut()
        .enumerate()
        .for_each(|(index, price)| *price *= 0.5 + index as f64 / 80.0);
    let frame = frame(&bars, FeatureSet::Classic16);
    assert_eq!((frame.rows, frame.width, frame.warmup_rows), (40, 16, 29));
    for t in 29..40 {
        let close = bars.close[t];
        let mean = |k: usize| bars.adjusted_close[t + 1 - k..=t].iter().sum::<f64>() / k as f64;
        let adjusted = bars.adjusted_close[t];
        let wanted = [
            bars.high[t],
            bars.low[t],
            bars.open[t],
            close,
            adjusted,
            bars.open[t] / close - 1.0,
            bars.high[t] / close - 1.0,
            bars.low[t] / close - 1.0,
            adjusted / close - 1.0,
            close / bars.close[t - 1] - 1.0,
            mean(5) / adjusted - 1.0,
            mean(10) / adjusted - 1.0,
            mean(15) / adjusted - 1.0,
            mean(20) / adjusted - 1.0,
            mean(25) / adjusted - 1.0,
            mean(30) / adjusted - 1.0,
        ];
        for (got, wanted) in frame.row(t).expect("warm").iter().zip(wanted) {
            assert!((got - wanted).abs() <= 1e-12, "row {t}: {got} is not {wanted}");
        }
    }
}

#[test]
fn rows_of_the_warm_up_are_not_defined() {
    let bars = synthetic::generate(1, 35);
    let frame = frame(&bars, FeatureSet::Classic11);
    assert_eq!(frame.warmup_rows, 29);
    assert!(frame.row(28).is_none());
    assert!(frame.row(29).is_some_and(|row| row.iter().all(|cell| cell.is_finite())));
    assert!(frame.row(35).is_none());
    assert!(frame.values[28 * 11 + 10].is_nan(), "zd_30 of row 28");
    assert!(frame.values[0].is_finite(), "zopen is defined from the first bar");
}

#[test]
fn a_series_shorter_than_the_warm_up_has_no_rows() {
    for rows in [0, 1, 29] {
        let frame = frame(&synthetic::generate(1, rows), FeatureSet::Classic16);
        assert_eq!(frame.warmup_rows, rows);
        assert!((0..40).all(|row| frame.row(row).is_none()));
    }
}

#[test]
fn equals_the_columns_of_the_reference_after_the_warm_up() {
    let Some(path) = data("algorithmic_trading/BTC/data.csv") else {
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    let bars = csv::parse(&bytes[..], "data.csv", &CsvMapping::default()).unwrap();
    let table = reference::parse(&bytes[..], "data.csv").unwrap();
    assert_eq!(
        (bars.len(), bars.instrument.as_str(), bars.interval_seconds),
        (2990, "BTC", 86_400.0)
    );
    let ours = frame(&bars, FeatureSet::Classic16);
    let theirs = from_table(&table, FeatureSet::Classic16).unwrap();
    for name in &ours.names {
        let pairs = column(&ours, name).into_iter().zip(column(&theirs, name)).enumerate();
        for (row, (got, wanted)) in pairs.skip(ours.warmup_rows) {
            assert!((got - wanted).abs() <= 1e-9, "{name} row {row}: {got} is not {wanted}");
        }
    }
    // What the reference fills backwards (spec 12.9) is not defined here.
    let zd_30 = column(&theirs, "zd_30");
    assert!(zd_30[..30].iter().all(|value| (value + 0.066_352_461_782_844_8).abs() < 1e-15));
    assert!((column(&ours, "zd_30")[29] - zd_30[29]).abs() < 1e-12);
}

#[test]
fn rebuilds_the_stocks_features_from_raw_prices() {
    let (Some(raw), Some(valid)) =
        (data("raw/dj30/AAPL.csv"), data("portfolio_management/dj30/valid.csv"))
    else {
        return;
    };
    let bars =
        csv::parse(std::fs::File::open(raw).unwrap(), "AAPL.csv", &CsvMapping::default()).unwrap();
    let ours = frame(&bars, FeatureSet::Classic11);
    let table = reference::parse(std::fs::File::open(valid).unwrap(), "valid.csv").unwrap();
    let start =
        bars.time_ms.iter().position(|time| *time == 1_577_923_200_000).expect("2020-01-02");
    let (zclose, zd_30) = (column(&ours, "zclose"), column(&ours, "zd_30"));
    let mut day = start;
    for (row, ticker) in
        table.text["tic"].iter().enumerate().filter(|(_, ticker)| *ticker == "AAPL")
    {
        assert_eq!(ticker, "AAPL");
        assert!((zclose[day] - table.columns["zclose"][row]).abs() <= 1e-15, "zclose row {row}");
        assert!((zd_30[day] - table.columns["zd_30"][row]).abs() <= 5e-7, "zd_30 row {row}");
        day += 1;
    }
    assert_eq!(day - start, 253);
}

#[test]
fn a_normaliser_is_fitted_on_its_rows_only() {
    let bars = synthetic::generate(9, 200);
    let mut scaled = frame(&bars, FeatureSet::Classic11);
    let mut other = scaled.clone();
    other.values[120 * 11..].iter_mut().for_each(|cell| *cell = 1e9);
    let fitted = Normaliser::fit(&scaled, 0..120);
    assert_eq!(fitted, Normaliser::fit(&other, 0..120), "what comes after is not seen");
    assert_eq!(fitted.width(), 11);
    fitted.apply(&mut scaled);
    for name in ["zopen", "zclose", "zd_30"] {
        let train = &column(&scaled, name)[29..120];
        let mean = train.iter().sum::<f64>() / train.len() as f64;
        let variance =
            train.iter().map(|cell| (cell - mean).powi(2)).sum::<f64>() / train.len() as f64;
        assert!(mean.abs() < 1e-9 && (variance - 1.0).abs() < 1e-9, "{name}: {mean} {variance}");
    }
    // adjcp = close: the column is constant and stays 0 instead of becoming rounding noise or NaN.
    assert!(column(&scaled, "zadjcp")[29..].iter().all(|cell| cell.abs() <= 0.0));
    let text = serde_json::to_string(&fitted).unwrap();
    assert_eq!(serde_json::from_str::<Normaliser>(&text).unwrap(), fitted);
}

#[test]
fn without_rows_a_normaliser_changes_nothing() {
    let mut frame = frame(&synthetic::generate(2, 60), FeatureSet::Classic16);
    let before: Vec<u64> = frame.values.iter().map(|cell| cell.to_bits()).collect();
    let fitted = Normaliser::fit(&frame, 0..10);
    assert_eq!(fitted, Normaliser::identity(16));
    fitted.apply(&mut frame);
    assert_eq!(
        before[29 * 16..],
        frame.values.iter().map(|cell| cell.to_bits()).collect::<Vec<_>>()[29 * 16..]
    );
}

fn overwrite(bars: &BarSeries, from: usize, noise: u64) -> BarSeries {
    let mut other = bars.slice(0..from);
    let future = synthetic::generate(noise, bars.len());
    for index in from..bars.len() {
        let mut bar = future.bar(index).expect("as long");
        bar.adjusted_close *= 0.9;
        other.push(&bar);
    }
    other
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_future_does_not_touch_the_past(seed: u64, noise: u64, cut in 0_usize..150) {
        let bars = synthetic::generate(seed, 150);
        let (whole, changed) = (frame(&bars, FeatureSet::Classic16), frame(&overwrite(&bars, cut, noise), FeatureSet::Classic16));
        let bits = |frame: &FeatureFrame| frame.values[..cut * 16].iter().map(|cell| cell.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&whole), bits(&changed));
    }

    #[test]
    fn bar_by_bar_equals_the_whole(seed: u64, rows in 0_usize..120) {
        let bars = synthetic::generate(seed, rows);
        let whole = frame(&bars, FeatureSet::Classic16);
        let mut pipeline = Pipeline::new(FeatureSet::Classic16);
        let mut row = Vec::new();
        for (index, bar) in bars.bars().enumerate() {
            row.clear();
            pipeline.update(&bar, &mut row);
            let streamed: Option<Vec<f64>> = row.iter().copied().collect();
            prop_assert_eq!(streamed.is_some(), whole.row(index).is_some());
            for (got, wanted) in streamed.unwrap_or_default().iter().zip(whole.row(index).unwrap_or_default()) {
                prop_assert!((got - wanted).abs() <= 1e-12);
            }
        }
    }

    #[test]
    fn an_earlier_start_changes_nothing_after_the_warm_up(seed: u64, start in 0_usize..60) {
        let bars = synthetic::generate(seed, 150);
        let whole = frame(&bars, FeatureSet::Classic16);
        let late = frame(&bars.slice(start..150), FeatureSet::Classic16);
        for index in 29..late.rows {
            prop_assert_eq!(late.row(index), whole.row(index + start));
        }
    }
}
