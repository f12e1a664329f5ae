//! Labelling of an index of 5 536 days (needs `TM_TEST_DATA`) and of a synthetic second-level book of a million rows.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a benchmark")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a benchmark reads files and says what it skips"
)]

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::config::labelling::LabellingPreset;
use engine::config::{LabellingConfig, Truth};
use engine::labelling::{Series, label};
use engine::market::parse::reference;
use engine::rng::{Stream, StreamId};

fn preset(name: &str, truth: Truth) -> LabellingConfig {
    LabellingConfig { truth, ..LabellingPreset::of(name).expect("a preset").config() }
}

fn index() -> Option<Vec<f64>> {
    let folder = std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let bytes = std::fs::read(folder.join("portfolio_management/dj30/DJI.csv")).ok()?;
    let table = reference::parse(bytes.as_slice(), "DJI.csv").expect("a table");
    Some(table.columns["adjcp"].clone())
}

/// A random walk by the second, about 80 % of volatility a year.
fn book(rows: usize) -> Vec<f64> {
    let mut stream = Stream::new(1, StreamId::Synthesis, 0);
    let mut price = 60_000.0;
    (0..rows)
        .map(|_| {
            price *= 1.0 + 1.4e-4 * stream.normal();
            price
        })
        .collect()
}

fn labelling(c: &mut Criterion) {
    let mut group = c.benchmark_group("labelling");
    let mut measure = |name: &str, values: &[f64], config: &LabellingConfig| {
        let series = Series { ticker: "T", values, order: None };
        group.throughput(Throughput::Elements(values.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| label(black_box(&series), config).expect("labels"))
        });
    };
    match index() {
        Some(values) => {
            measure("dji_5536_faithful", &values, &preset("dji", Truth::Faithful));
            measure("dji_5536_corrected", &values, &preset("dji", Truth::Corrected));
        }
        None => eprintln!("SKIPPED: dji: set TM_TEST_DATA to the folder of the reference's data"),
    }
    let values = book(1_000_000);
    measure("book_1000000_server_second", &values, &preset("server_second", Truth::Corrected));
    measure("book_1000000_hft", &values, &preset("hft", Truth::Corrected));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    targets = labelling
}
criterion_main!(benches);
