//! The statistics of trust on sizes that occur: overfitting, data snooping, tear sheet.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use engine::evaluation::bootstrap::Resampling;
use engine::evaluation::overfitting::{BLOCKS, Score, cscv};
use engine::evaluation::snooping::Resampled;
use engine::metrics::tear_sheet::{RunRecord, tear_sheet};
use engine::rng::{Stream, StreamId};

const DAYS: usize = 2_500;
const DAY: i64 = 86_400_000;

fn noise(series: u32) -> Vec<Vec<f64>> {
    (0..series)
        .map(|member| {
            let mut stream = Stream::new(1, StreamId::Synthesis, member);
            (0..DAYS).map(|_| 0.01 * stream.normal()).collect()
        })
        .collect()
}

fn evaluation(c: &mut Criterion) {
    let mut group = c.benchmark_group("evaluation");
    let trials = noise(100);
    group.bench_function("overfitting_12870_splits_100_trials_2500_days", |b| {
        b.iter(|| cscv(black_box(&trials), BLOCKS, Score::Sharpe).expect("a matrix"));
    });
    let plan = Resampling::of(DAYS, 1_000, 1);
    group.bench_function("snooping_1000_resamples_100_candidates_2500_days", |b| {
        b.iter(|| {
            let drawn = Resampled::draw(black_box(&trials), &plan).expect("a matrix");
            (drawn.superior_ability(), drawn.step_m(0.05))
        });
    });
    let wealth = |returns: &[f64]| -> Vec<f64> {
        returns
            .iter()
            .scan(100.0, |value, growth| {
                *value *= 1.0 + growth;
                Some(*value)
            })
            .collect()
    };
    let (equity, market) = (wealth(&trials[0]), wealth(&trials[1]));
    let times: Vec<i64> = (0..DAYS).map(|day| i64::try_from(day).expect("small") * DAY).collect();
    let run = RunRecord {
        times_ms: &times,
        equity: &equity,
        position: &market,
        prices: &market,
        volume: &market,
        fills: &[],
        periods_per_year: 252.0,
        risk_free: 0.02,
    };
    group.bench_function("tear_sheet_2500_days", |b| {
        b.iter(|| tear_sheet(black_box(&run), Some(&market)));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(std::time::Duration::from_secs(5));
    targets = evaluation
}
criterion_main!(benches);
