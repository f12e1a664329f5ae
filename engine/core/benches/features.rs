//! Features: Alpha158 over ten years of 29 instruments, the same as formulas, and indicators bar by bar.
//!
//! The peer that does the first job in pandas is `peers/alpha158_pandas.py`.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::config::{FeatureSet, FeaturesConfig};
use engine::features::expression::{PanelFormulas, Program};
use engine::features::{Pipeline, frame};
use engine::market::{BarSeries, synthetic};

const INSTRUMENTS: u64 = 29;
const DAYS: usize = 2517;

fn market() -> Vec<BarSeries> {
    (0..INSTRUMENTS).map(|seed| synthetic::generate(seed, DAYS)).collect()
}

fn sets(c: &mut Criterion) {
    let market = market();
    let mut group = c.benchmark_group("features_29_instruments_10_years");
    group.sample_size(10);
    group.throughput(Throughput::Elements(INSTRUMENTS * DAYS as u64));
    for (name, set) in [("alpha158", FeatureSet::Alpha158), ("classic11", FeatureSet::Classic11)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                for series in &market {
                    black_box(frame(series, set));
                }
            });
        });
    }
    group.finish();
}

fn indicators(c: &mut Criterion) {
    let bars: Vec<_> = synthetic::generate(1, 10_000).bars().collect();
    let mut group = c.benchmark_group("features_bar_by_bar");
    group.sample_size(20);
    group.throughput(Throughput::Elements(bars.len() as u64));
    for name in ["rsi", "macd", "atr", "bollinger", "adx"] {
        let list = serde_json::from_value(serde_json::json!([{ "name": name }])).expect("a list");
        let config = FeaturesConfig { list, ..FeaturesConfig::default() };
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut pipeline = Pipeline::from_config(&config).expect("a pipeline");
                let mut row = Vec::with_capacity(8);
                for bar in &bars {
                    row.clear();
                    pipeline.update(bar, &mut row);
                    black_box(&row);
                }
            });
        });
    }
    group.finish();
}

/// Ten formulas that have most of their parts in common, read into one program and one by one.
fn formulas(c: &mut Criterion) {
    let bars: Vec<_> = synthetic::generate(1, 2517).bars().collect();
    let texts: Vec<String> = (1..=10)
        .map(|lag| format!("Ref(Corr($close, Log($volume + 1), 20) * Rank($close, 60), {lag})"))
        .collect();
    let mut group = c.benchmark_group("features_formulas");
    group.sample_size(20);
    group.throughput(Throughput::Elements(bars.len() as u64));
    let run = |programs: &[Program]| {
        for program in programs {
            let mut formulas = PanelFormulas::new(program.clone(), 1);
            for bar in &bars {
                formulas.update(&[Some(*bar)]);
                black_box(formulas.value(0, 0));
            }
        }
    };
    let together = [Program::new(texts.iter().map(String::as_str)).expect("formulas")];
    let apart: Vec<Program> =
        texts.iter().map(|text| Program::new([text.as_str()]).expect("a formula")).collect();
    group.bench_function("shared", |b| b.iter(|| run(&together)));
    group.bench_function("one_by_one", |b| b.iter(|| run(&apart)));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(std::time::Duration::from_secs(3));
    targets = sets, indicators, formulas
}
criterion_main!(benches);
