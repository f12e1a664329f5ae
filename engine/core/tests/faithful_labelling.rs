//! The reference's published labels: turning points after every stage, thresholds, labels, statistics, to the digit.
//!
//! Needs the reference's files (`TM_TEST_DATA`, default `../shared/data`); says so and skips where they are absent.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests read files and say what they skip"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use engine::config::labelling::{LabellingPreset, read_toml};
use engine::config::{LabellingConfig, Truth};
use engine::labelling::fast_dtw::Warp;
use engine::labelling::merge::distance;
use engine::labelling::statistics::COLUMNS;
use engine::labelling::{Labelling, Series, label};
use engine::market::parse::reference::{self, ReferenceTable};

const BTC: &str = "algorithmic_trading/BTC/test.csv";
const BTC_LABELLED: &str = "algorithmic_trading/BTC/labelled_test.csv";
const BTC_METRICS: &str = "algorithmic_trading/BTC/dynamics_metrics.csv";
const DJI: &str = "portfolio_management/dj30/DJI.csv";
const DJ30_LABELLED: &str = "portfolio_management/dj30/test_with_label.csv";

/// Returns a data file as a table, or says that it is skipped.
fn table(path: &str) -> Option<ReferenceTable> {
    let folder = std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = folder.join(path);
    let Ok(bytes) = std::fs::read(&file) else {
        eprintln!(
            "SKIPPED: {} is absent; set TM_TEST_DATA to the folder of the reference's data",
            file.display()
        );
        return None;
    };
    Some(reference::parse(bytes.as_slice(), path).expect("the file is in the reference's layout"))
}

fn preset(name: &str) -> LabellingConfig {
    let config = LabellingPreset::of(name).expect("a preset").config();
    LabellingConfig { truth: Truth::Faithful, ..config }
}

fn labelled(path: &str, config: &LabellingConfig) -> Option<Labelling> {
    let table = table(path)?;
    let values = table.column(&config.indicator).expect("the indicator");
    Some(label(&Series { ticker: "T", values, order: None }, config).expect("labels"))
}

#[track_caller]
fn near(found: &[f64], wanted: &[f64], tolerance: f64) {
    assert!(wanted.len() <= found.len(), "{found:?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() <= tolerance * wanted.abs(), "{found} {wanted}");
    }
}

/// Half a unit of the seventh digit of what is printed with seven.
const SEVEN_DIGITS: f64 = 1e-6;

#[test]
fn btc_has_the_published_turning_points_after_every_stage() {
    let Some(found) = labelled(BTC, &preset("btc")) else { return };
    assert_eq!(found.stages.raw.len() - 1, 41);
    let after_length_pass = [
        0, 33, 56, 74, 86, 101, 116, 132, 152, 175, 194, 213, 238, 255, 272, 289, 306, 326, 352,
        371, 385, 410, 425,
    ];
    assert_eq!(found.stages.after_length_pass, after_length_pass);
    let merged = [
        0, 33, 56, 74, 86, 101, 116, 132, 152, 213, 238, 255, 272, 289, 306, 326, 352, 371, 385,
        410, 425,
    ];
    assert_eq!(found.stages.rounds.len(), 2);
    assert_eq!(found.turning_points, merged);
}

#[test]
fn btc_has_the_published_slopes_thresholds_and_distance() {
    let Some(found) = labelled(BTC, &preset("btc")) else { return };
    let first = &found.stages.rounds[0];
    near(&first.thresholds, &[-0.381_434_646_6, 0.798_276_759_0], 1e-9);
    near(&found.thresholds, &[-0.437_605_410_2, 0.820_178_854_8], 1e-9);
    let start =
        engine::labelling::slope::normalised(&found.filtered, &found.stages.after_length_pass);
    let slopes = [1.318_297, -1.017_387, -0.851_905, -0.847_903, 0.275_772, 2.245_460];
    near(&start, &slopes, SEVEN_DIGITS);
    let points = &found.stages.after_length_pass;
    let segment = |i: usize| &found.filtered[points[i]..points[i + 1]];
    let apart = distance(&mut Warp::new(), segment(0), segment(1), 1, Truth::Faithful);
    near(&[apart], &[0.146_917_437_4], 1e-9);
}

#[test]
fn btc_has_the_published_labels_and_filtered_values_in_every_row() {
    let Some(found) = labelled(BTC, &preset("btc")) else { return };
    assert_eq!(found.segment_labels, [2, 0, 0, 0, 1, 2, 0, 2, 1, 0, 0, 2, 0, 1, 1, 1, 2, 1, 2, 2]);
    near(&found.filtered, &[7_453.580_640_841_361, 7_198.437_346_207_542], 1e-12);
    let rows: Vec<usize> = found.slices.iter().map(|one| one.row_count).collect();
    assert_eq!(rows, [128, 153, 144]);
    let slices: Vec<usize> = found.slices.iter().map(|one| one.slices.len()).collect();
    assert_eq!(slices, [4, 4, 6]);
    let Some(published) = table(BTC_LABELLED) else { return };
    let labels: Vec<f64> = found.labels.iter().map(|label| f64::from(*label)).collect();
    assert_eq!(labels.len(), 425);
    assert_eq!(published.column("label").unwrap(), labels);
    near(&found.filtered, published.column("key_indicator_filtered").unwrap(), 1e-9);
    for (found, name) in
        [(&found.pct_return, "pct_return"), (&found.pct_return_filtered, "pct_return_filtered")]
    {
        for (found, wanted) in found.iter().zip(published.column(name).unwrap()) {
            assert!((found - wanted).abs() < 1e-11, "{name}: {found} {wanted}");
        }
    }
}

#[test]
fn btc_has_the_published_statistics() {
    let Some(found) = labelled(BTC, &preset("btc")) else { return };
    let Some(published) = table(BTC_METRICS) else { return };
    assert_eq!(published.index, [0, 1, 2]);
    for (row, statistics) in found.metrics.iter().enumerate() {
        for (name, value) in COLUMNS.iter().zip(statistics.values) {
            near(&[value.unwrap()], &[published.column(name).unwrap()[row]], 1e-12);
        }
    }
}

#[test]
fn dji_has_the_published_segments_and_rows_per_label() {
    let Some(found) = labelled(DJI, &preset("dji")) else { return };
    assert_eq!(found.turning_points.len() - 1, 269);
    assert_eq!(found.stages.rounds.len(), 2);
    assert_eq!(found.turning_points.iter().sum::<usize>(), 736_069);
    let first = [0, 19, 39, 59, 75, 88, 101, 122, 136, 172, 185, 202];
    assert_eq!(found.turning_points[..12], first);
    let last = [5316, 5335, 5358, 5371, 5390, 5414, 5427, 5444, 5465, 5499, 5515, 5536];
    assert_eq!(found.turning_points[258..], last);
    let rows: Vec<usize> = found.slices.iter().map(|one| one.row_count).collect();
    assert_eq!(rows, [1737, 1809, 1990]);
}

#[test]
fn the_stocks_take_the_published_labels_from_the_index_by_date() {
    let Some(found) = labelled(DJI, &preset("dj30")) else { return };
    let (Some(index), Some(stocks)) = (table(DJI), table(DJ30_LABELLED)) else { return };
    let by_date: BTreeMap<&String, u32> =
        index.text["date"].iter().zip(found.labels.iter().copied()).collect();
    let mut days: BTreeSet<(&String, u32)> = BTreeSet::new();
    for (date, wanted) in stocks.text["date"].iter().zip(stocks.column("label").unwrap()) {
        let label = by_date[date];
        assert!((f64::from(label) - wanted).abs() < 1e-12, "{date}");
        days.insert((date, label));
    }
    assert_eq!(days.len(), 252);
    let count = |label: u32| days.iter().filter(|(_, own)| *own == label).count();
    assert_eq!([count(0), count(1), count(2)], [37, 139, 76]);
}

#[test]
fn the_reference_spelling_gives_the_same_labels_as_the_preset() {
    let text = r#"
        data_path = "data/algorithmic_trading/BTC/test.csv"
        filter_strength = 1
        slope_interval = [-0.5, 0.5]
        dynamic_number = 3
        max_length_expectation = 120
        key_indicator = "adjcp"
        timestamp = "date"
        tic = "tic"
        labeling_method = "quantile"
        min_length_limit = 12
        merging_metric = "DTW_distance"
        merging_threshold = 0.03
        merging_dynamic_constraint = 1
    "#;
    let config = read_toml(text).expect("a configuration").config;
    let (Some(found), Some(wanted)) = (labelled(BTC, &config), labelled(BTC, &preset("btc")))
    else {
        return;
    };
    assert_eq!(found, wanted);
}

#[test]
fn corrected_mode_keeps_the_last_rows_and_gives_equal_lengths_a_distance() {
    let corrected = LabellingConfig { truth: Truth::Corrected, ..preset("btc") };
    let Some(found) = labelled(BTC, &corrected) else { return };
    for of_label in &found.slices {
        let rows: usize = of_label.slices.iter().map(engine::labelling::Slice::len).sum();
        assert_eq!(rows, of_label.row_count);
    }
    assert_eq!(found.labels.len(), 425);
}
