//! Scalar environments: steps per second. Audited environments with and without their observation, the fast accounts,
//! and order books replayed. The peer that the ratios are against is `peers/environment_loop.py`.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a benchmark")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::config::{
    AlgorithmicTradingConfig, DividendRule, EnvironmentConfig, FeatureSet, HighFrequencyConfig,
    MatchingConfig, OffsetUnit, OrderExecutionConfig, PortfolioConfig, RiskConfig, StrategyConfig,
    Truth,
};
use engine::environment::fast::{FastPortfolio, FastSingleAsset};
use engine::environment::{
    Action, BookData, Environment, ExecutionOnBook, HighFrequency, MarketData, PanelData,
    Portfolio, build,
};
use engine::features::{self, FeatureFrame};
use engine::market::{BarPanel, BookSeries, Join, synthetic};
use engine::rng::{Stream, StreamId};

/// Actions taken in turn.
const CYCLE: [usize; 7] = [2, 2, 1, 0, 2, 0, 1];
/// Instruments of the portfolio, as in the DJ30 set.
const ASSETS: usize = 29;

fn strategy(truth: Truth, limits: RiskConfig) -> StrategyConfig {
    StrategyConfig {
        environment: EnvironmentConfig::AlgorithmicTrading(AlgorithmicTradingConfig {
            truth,
            ..AlgorithmicTradingConfig::default()
        }),
        risk: limits,
        ..StrategyConfig::default()
    }
}

fn market(strategy: &StrategyConfig) -> Arc<MarketData> {
    let bars = synthetic::generate(1, 2030);
    let frame = features::frame(&bars, strategy.features.set);
    let rows = frame.warmup_rows..frame.rows;
    Arc::new(MarketData::new(&bars, &frame, rows).expect("a segment"))
}

/// Runs one episode with actions in turn.
fn episode(environment: &mut dyn Environment, observation: &mut [f32]) -> f64 {
    environment.reset();
    let (mut step, mut rewards) = (0_usize, 0.0);
    loop {
        if !observation.is_empty() {
            environment.observe(observation);
        }
        let result = environment.step(Action::Discrete(CYCLE[step % 7]));
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
        let strategy = strategy(truth, limits);
        let mut environment = build(&strategy, market(&strategy)).expect("an environment");
        let mut observation = vec![0.0; environment.observation_len()];
        group.throughput(Throughput::Elements(environment.steps_per_episode() as u64));
        group.bench_function(name, |b| b.iter(|| episode(environment.as_mut(), &mut observation)));
        group.bench_function(format!("{name}_unseen"), |b| {
            b.iter(|| episode(environment.as_mut(), &mut []));
        });
    }
    let strategy = strategy(Truth::Corrected, RiskConfig::default());
    let data = market(&strategy);
    let steps = data.rows() - 5;
    let mut account = FastSingleAsset::new(&strategy, data).expect("an account");
    group.throughput(Throughput::Elements(steps as u64));
    group.bench_function("fast_unseen", |b| {
        b.iter(|| {
            account.reset_at(0).expect("the start");
            (0..steps).map(|step| account.step(CYCLE[step % 7]).reward).sum::<f64>()
        });
    });
    group.finish();
}

fn panel(set: Option<FeatureSet>) -> Arc<PanelData> {
    let series: Vec<_> = (0..ASSETS as u64)
        .map(|seed| {
            let mut one = synthetic::generate(seed, 1030);
            one.instrument = format!("I{seed}");
            one
        })
        .collect();
    let panel = BarPanel::join(&series, Join::Inner).expect("a panel");
    let frames: Vec<FeatureFrame> = series
        .iter()
        .map(|one| match set {
            Some(set) => features::frame(one, set),
            None => FeatureFrame {
                names: vec![],
                width: 0,
                rows: one.len(),
                warmup_rows: 0,
                values: vec![],
            },
        })
        .collect();
    PanelData::new(&panel, &frames, 30..1030, DividendRule::Adjusted).expect("data").shared()
}

/// Weights that move every instrument at every step.
fn weights() -> Vec<Vec<f64>> {
    let mut stream = Stream::new(1, StreamId::Exploration, 0);
    (0..64)
        .map(|_| {
            let raw: Vec<f64> = (0..=ASSETS).map(|_| stream.uniform()).collect();
            let sum: f64 = raw.iter().sum();
            raw.iter().map(|weight| weight / sum).collect()
        })
        .collect()
}

fn portfolio(c: &mut Criterion) {
    let mut group = c.benchmark_group("portfolio_step_29_assets");
    let (config, costs) = (PortfolioConfig::default(), MatchingConfig::default());
    let limits = RiskConfig::default();
    let weights = weights();
    for (name, set) in
        [("audited_unseen", None), ("audited_11_features", Some(FeatureSet::Classic11))]
    {
        let mut environment = Portfolio::new(&config, &costs, &limits, panel(set)).expect("data");
        let steps = environment.steps_per_episode();
        let mut seen = vec![0.0; environment.observation_len()];
        group.throughput(Throughput::Elements(steps as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                environment.reset();
                let mut rewards = 0.0;
                for step in 0..steps {
                    if set.is_some() {
                        environment.observe(&mut seen);
                    }
                    rewards += environment.step(Action::Vector(&weights[step % 64])).reward;
                }
                black_box(rewards)
            });
        });
    }
    let mut account = FastPortfolio::new(&config, &costs, &limits, panel(None)).expect("data");
    let steps = 1000 - config.window_bars as usize;
    group.bench_function("fast_unseen", |b| {
        b.iter(|| {
            account.reset_at(0).expect("the start");
            (0..steps).map(|step| account.step(&weights[step % 64]).reward).sum::<f64>()
        });
    });
    group.finish();
}

/// A book of five levels that wanders.
fn book(rows: usize) -> Arc<BookData> {
    let mut stream = Stream::new(1, StreamId::Synthesis, 0);
    let mut series = BookSeries {
        instrument: "BENCH".to_owned(),
        levels: 5,
        bought: Some(Vec::new()),
        sold: Some(Vec::new()),
        ..BookSeries::default()
    };
    let mut middle = 20_000.0;
    for row in 0..rows {
        series.time_ms.push(row as i64 * 1000);
        middle += f64::from(stream.below(5)) - 2.0;
        for level in 0..5_u32 {
            series.bid_price.push((middle - 1.0 - f64::from(level)) * 0.5);
            series.ask_price.push((middle + 1.0 + f64::from(level)) * 0.5);
            series.bid_size.push(3.0 * stream.uniform());
            series.ask_size.push(3.0 * stream.uniform());
        }
        for flow in [&mut series.bought, &mut series.sold] {
            flow.as_mut().expect("flows").push(stream.uniform());
        }
    }
    let frame = FeatureFrame { names: vec![], width: 0, rows, warmup_rows: 0, values: vec![] };
    BookData::new(&series, &frame, 0..rows).expect("a book").shared()
}

/// One event is one snapshot of two sides with five levels each.
fn books(c: &mut Criterion) {
    const ROWS: u32 = 10_000;
    let steps = ROWS as usize;
    let mut group = c.benchmark_group("book_replay_5_levels");
    group.throughput(Throughput::Elements(u64::from(ROWS) - 1));
    let (costs, limits) = (MatchingConfig::default(), RiskConfig::default());
    let config = HighFrequencyConfig {
        initial_cash: 1e6,
        max_holding: 5.0,
        ..HighFrequencyConfig::default()
    };
    let mut trader = HighFrequency::new(&config, &costs, &limits, book(steps)).expect("a book");
    for (name, every) in [("holding", usize::MAX), ("trading_each_10th", 10), ("trading_each", 1)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                trader.reset();
                let mut action = 0;
                for step in 1..steps {
                    if step % every == 0 {
                        action = (action + 3) % 11;
                    }
                    trader.step(Action::Discrete(action));
                }
                black_box(trader.equity())
            });
        });
    }
    let config = OrderExecutionConfig {
        amount: 1e6,
        horizon_steps: ROWS - 1,
        window_steps: 1,
        tick_size: 0.5,
        offset_unit: OffsetUnit::Ticks,
        time_in_force_steps: 10,
        ..OrderExecutionConfig::default()
    };
    let mut executor = ExecutionOnBook::new(&config, &costs, &limits, book(steps)).expect("a book");
    group.bench_function("resting_order_each_10th", |b| {
        b.iter(|| {
            executor.reset();
            for step in 1..steps {
                let share = if step % 10 == 1 { 1e-6 } else { 0.0 };
                executor.step(Action::Vector(&[share, -2.0]));
            }
            black_box(executor.equity())
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(2));
    targets = steps, portfolio, books
}
criterion_main!(benches);
