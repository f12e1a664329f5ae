//! Section 12.8: the labeller on BTC/test.csv and DJI.csv, stage by stage and row by row.

use std::collections::{BTreeMap, BTreeSet};

use engine::config::labelling::LabellingPreset;
use engine::config::{LabellingConfig, Truth};
use engine::labelling::fast_dtw::Warp;
use engine::labelling::merge::distance;
use engine::labelling::slope::normalised;
use engine::labelling::statistics::COLUMNS;
use engine::labelling::{Labelling, Series, label};
use engine::market::parse::reference::ReferenceTable;

use crate::files::Files;
use crate::rows::Rows;

const BTC: &str = "algorithmic_trading/BTC/test.csv";
const BTC_LABELLED: &str = "algorithmic_trading/BTC/labelled_test.csv";
const BTC_METRICS: &str = "algorithmic_trading/BTC/dynamics_metrics.csv";
const DJI: &str = "portfolio_management/dj30/DJI.csv";
const DJ30_LABELLED: &str = "portfolio_management/dj30/test_with_label.csv";

/// Boundaries after the length pass; the second list after merging.
const LENGTH_PASS: [usize; 23] = [
    0, 33, 56, 74, 86, 101, 116, 132, 152, 175, 194, 213, 238, 255, 272, 289, 306, 326, 352, 371,
    385, 410, 425,
];
const MERGED: [usize; 21] = [
    0, 33, 56, 74, 86, 101, 116, 132, 152, 213, 238, 255, 272, 289, 306, 326, 352, 371, 385, 410,
    425,
];
const LABELS: [u32; 20] = [2, 0, 0, 0, 1, 2, 0, 2, 1, 0, 0, 2, 0, 1, 1, 1, 2, 1, 2, 2];
const SLOPES: [&str; 6] = ["1.318297", "-1.017387", "-.851905", "-.847903", ".275772", "2.245460"];
const DJI_FIRST: [usize; 12] = [0, 19, 39, 59, 75, 88, 101, 122, 136, 172, 185, 202];
const DJI_LAST: [usize; 12] =
    [5316, 5335, 5358, 5371, 5390, 5414, 5427, 5444, 5465, 5499, 5515, 5536];

pub(crate) fn rows(files: &Files, rows: &mut Rows) {
    rows.about("labelling BTC");
    if let Some(found) = labelled(files, BTC, "btc", rows) {
        stages(&found, rows);
        every_row(files, &found, rows);
        statistics(files, &found, rows);
    }
    rows.about("labelling DJI");
    if let Some(found) = labelled(files, DJI, "dji", rows) {
        index(&found, rows);
    }
    rows.about("labelling dj30 by its index");
    if let Some(found) = labelled(files, DJI, "dj30", rows) {
        by_date(files, &found, rows);
    }
}

fn labelled(files: &Files, path: &str, preset: &str, rows: &mut Rows) -> Option<Labelling> {
    let table = files.table(path, rows)?;
    let Some(preset) = LabellingPreset::of(preset) else {
        rows.fail("all", "the preset is absent");
        return None;
    };
    let config = LabellingConfig { truth: Truth::Faithful, ..preset.config() };
    let Ok(values) = table.column(&config.indicator) else {
        rows.fail("all", "the column is absent");
        return None;
    };
    let found = label(&Series { ticker: "T", values, order: None }, &config);
    if let Err(error) = &found {
        rows.fail("all", &error.to_string());
    }
    found.ok()
}

fn stages(found: &Labelling, rows: &mut Rows) {
    rows.count("raw segments", 41, found.stages.raw.len().saturating_sub(1));
    let passed = &found.stages.after_length_pass;
    rows.count("segments after the length pass", 22, passed.len().saturating_sub(1));
    rows.count("boundaries after it that differ", 0, apart(passed, &LENGTH_PASS));
    for ((place, wanted), got) in (0..).zip(SLOPES).zip(normalised(&found.filtered, passed)) {
        rows.figure(&format!("slope {place}: {wanted}"), wanted, got);
    }
    rows.count("merge rounds", 2, found.stages.rounds.len());
    let first = found.stages.rounds.first().map(|round| round.thresholds.as_slice());
    thresholds("first round", ["-.3814346466", ".7982767590"], first.unwrap_or_default(), rows);
    if let [a, b, c, ..] = passed.as_slice() {
        let (left, right) = (&found.filtered[*a..*b], &found.filtered[*b..*c]);
        let got = distance(&mut Warp::new(), left, right, 1, Truth::Faithful);
        rows.figure("distance of the first two segments", ".1469174374", got);
    }
    rows.count("segments", 20, found.turning_points.len().saturating_sub(1));
    rows.count("boundaries that differ", 0, apart(&found.turning_points, &MERGED));
    thresholds("final", ["-.4376054102", ".8201788548"], &found.thresholds, rows);
    rows.count("labels of segments that differ", 0, apart(&found.segment_labels, &LABELS));
    let filtered = ["7453.580640841361", "7198.437346207542"];
    for ((place, wanted), got) in (0..).zip(filtered).zip(&found.filtered) {
        rows.within(&format!("filtered value {place}"), wanted, *got, 1e-9 * got.abs());
    }
    per_label(found, ["128", "153", "144"], rows);
    for ((label, wanted), of) in (0..).zip([4, 4, 6]).zip(&found.slices) {
        rows.count(&format!("slices of label {label}"), wanted, of.slices.len());
    }
}

fn thresholds(when: &str, wanted: [&str; 2], got: &[f64], rows: &mut Rows) {
    for ((place, wanted), got) in (0..).zip(wanted).zip(got) {
        rows.figure(&format!("{when} threshold {place}"), wanted, *got);
    }
}

fn per_label(found: &Labelling, wanted: [&str; 3], rows: &mut Rows) {
    for ((label, wanted), of) in (0..).zip(wanted).zip(&found.slices) {
        rows.within(&format!("rows of label {label}"), wanted, of.row_count as f64, 0.0);
    }
}

/// Returns how many places differ; what one list has more counts, too.
fn apart<T: PartialEq>(left: &[T], right: &[T]) -> usize {
    let differing = left.iter().zip(right).filter(|(left, right)| left != right).count();
    differing + left.len().abs_diff(right.len())
}

/// Returns the largest difference relative to what was wanted; infinite where a row is absent.
fn farthest(got: &[f64], wanted: &[f64]) -> f64 {
    if got.len() != wanted.len() {
        return f64::INFINITY;
    }
    let apart = got.iter().zip(wanted).map(|(got, wanted)| {
        if got.to_bits() == wanted.to_bits() { 0.0 } else { ((got - wanted) / wanted).abs() }
    });
    apart.fold(0.0, f64::max)
}

fn every_row(files: &Files, found: &Labelling, rows: &mut Rows) {
    let Some(published) = files.table(BTC_LABELLED, rows) else { return };
    let labels: Vec<f64> = found.labels.iter().map(|label| f64::from(*label)).collect();
    let wanted = published.column("label").unwrap_or_default();
    rows.count("labels of 425 rows that differ", 0, apart(&labels, wanted));
    let wanted = published.column("key_indicator_filtered").unwrap_or_default();
    let got = farthest(&found.filtered, wanted);
    rows.within("filtered column, largest relative difference", "0", got, 1e-9);
}

fn statistics(files: &Files, found: &Labelling, rows: &mut Rows) {
    let Some(published) = files.table(BTC_METRICS, rows) else { return };
    for (place, name) in COLUMNS.iter().enumerate() {
        let wanted = published.column(name).unwrap_or_default();
        let got: Vec<f64> =
            found.metrics.iter().map(|of| of.values[place].unwrap_or(f64::NAN)).collect();
        let quantity = format!("{name}, largest relative difference");
        rows.within(&quantity, "0", farthest(&got, wanted), 1e-12);
    }
}

fn index(found: &Labelling, rows: &mut Rows) {
    let points = &found.turning_points;
    rows.count("segments", 269, points.len().saturating_sub(1));
    rows.count("merge rounds", 2, found.stages.rounds.len());
    rows.count("sum of all boundaries", 736_069, points.iter().sum());
    let (first, last) = (points.get(..12), points.last_chunk::<12>());
    rows.count("first boundaries that differ", 0, apart(first.unwrap_or_default(), &DJI_FIRST));
    let last = last.map(<[usize; 12]>::as_slice).unwrap_or_default();
    rows.count("last boundaries that differ", 0, apart(last, &DJI_LAST));
    per_label(found, ["1737", "1809", "1990"], rows);
}

fn by_date(files: &Files, found: &Labelling, rows: &mut Rows) {
    let (Some(index), Some(stocks)) = (files.table(DJI, rows), files.table(DJ30_LABELLED, rows))
    else {
        return;
    };
    let dates = |table: &ReferenceTable| table.text.get("date").cloned().unwrap_or_default();
    let by_date: BTreeMap<String, u32> =
        dates(&index).into_iter().zip(found.labels.iter().copied()).collect();
    let mut differing = 0;
    let mut days = BTreeSet::new();
    let wanted = stocks.column("label").unwrap_or_default();
    for (date, wanted) in dates(&stocks).into_iter().zip(wanted) {
        let label = by_date.get(&date).copied();
        differing += usize::from(label.is_none_or(|label| (f64::from(label) - wanted).abs() > 0.0));
        days.extend(label.map(|label| (date, label)));
    }
    rows.count("labels of the stocks' rows that differ", 0, differing);
    rows.count("days", 252, days.len());
    for (label, wanted) in (0..).zip([37, 139, 76]) {
        let got = days.iter().filter(|(_, own)| *own == label).count();
        rows.count(&format!("days of label {label}"), wanted, got);
    }
}
