//! Scalar environments: steps per second, observation included.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a benchmark")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::config::{
    AlgorithmicTradingConfig, EnvironmentConfig, RiskConfig, StrategyConfig, Truth,
};
use engine::environment::{Action, Environment, MarketData, build};
use engine::features;
use engine::market::synthetic;

fn environment(truth: Truth, limits: RiskConfig) -> Box<dyn Environment> {
    let strategy = StrategyConfig {
        environment: EnvironmentConfig::AlgorithmicTrading(AlgorithmicTradingConfig {
            truth,
            ..AlgorithmicTradingConfig::default()
        }),
        risk: limits,
        ..StrategyConfig::default()
    };
    let bars = synthetic::generate(1, 2030);
    let frame = features::frame(&bars, strategy.features.set);
    let market = MarketData::new(&bars, &frame, frame.warmup_rows..frame.rows).expect("a segment");
    build(&strategy, Arc::new(market)).expect("an environment")
}

/// Runs one episode with actions in turn.
fn episode(environment: &mut dyn Environment, observation: &mut [f32]) -> f64 {
    environment.reset();
    let (mut step, mut rewards) = (0_usize, 0.0);
    loop {
        environment.observe(observation);
        let result = environment.step(Action::Discrete([2, 2, 1, 0, 2, 0, 1][step % 7]));
        rewards += result.reward;
        step += 1;
        if result.ended() {
            return black_box(rewards);
        }
    }
}

fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("environment_step");
    let limited = RiskConfig { max_position: Some(1e9), max_notional: Some(1e9) };
    for (name, truth, limits) in [
        ("corrected", Truth::Corrected, RiskConfig::default()),
        ("corrected_with_limits", Truth::Corrected, limited),
        ("faithful", Truth::Faithful, RiskConfig::default()),
    ] {
        let mut environment = environment(truth, limits);
        let mut observation = vec![0.0; environment.observation_len()];
        group.throughput(Throughput::Elements(environment.steps_per_episode() as u64));
        group.bench_function(name, |b| b.iter(|| episode(environment.as_mut(), &mut observation)));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(std::time::Duration::from_secs(3));
    targets = steps
}
criterion_main!(benches);
