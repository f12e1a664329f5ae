//! Builders shared by the integration tests of the simulation.

#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod books;
pub(crate) mod real;
pub(crate) mod runs;

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::config::{AlgorithmicTradingConfig, EnvironmentConfig, StrategyConfig, Truth};
use engine::environment::MarketData;
use engine::features::{self, Normaliser};
use engine::market::{Bar, BarSeries};
use engine::rng::{Stream, StreamId};
use safetensors::tensor::{Dtype, TensorView};

/// Prices without features, for accounting done by hand.
pub(crate) fn prices(open: &[f64], close: &[f64]) -> Arc<MarketData> {
    let columns: BTreeMap<String, Vec<f64>> =
        [("open".to_owned(), open.to_vec()), ("close".to_owned(), close.to_vec())].into();
    Arc::new(MarketData::from_reference(&columns, &[]).expect("prices"))
}

/// A whole series as one segment, raw features, warm-up left out.
pub(crate) fn whole(strategy: &StrategyConfig, bars: &BarSeries) -> Arc<MarketData> {
    let frame = features::frame(bars, strategy.features.set);
    Arc::new(MarketData::new(bars, &frame, frame.warmup_rows..frame.rows).expect("a segment"))
}

/// A strategy with changed environment fields.
pub(crate) fn strategy(change: impl FnOnce(&mut AlgorithmicTradingConfig)) -> StrategyConfig {
    let mut config = AlgorithmicTradingConfig::default();
    change(&mut config);
    StrategyConfig {
        environment: EnvironmentConfig::AlgorithmicTrading(config),
        ..StrategyConfig::default()
    }
}

pub(crate) fn config(strategy: &StrategyConfig) -> &AlgorithmicTradingConfig {
    let EnvironmentConfig::AlgorithmicTrading(config) = &strategy.environment else {
        panic!("the tests trade one instrument");
    };
    config
}

pub(crate) fn faithful() -> StrategyConfig {
    strategy(|config| config.truth = Truth::Faithful)
}

/// A policy in which every bit of an observation counts: its action is a hash of all of them.
pub(crate) struct EveryBit;

impl engine::policies::Policy for EveryBit {
    fn name(&self) -> &'static str {
        "every_bit"
    }

    fn act(&mut self, observation: &[f32]) -> usize {
        let mixed = observation.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, value| {
            (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0000_0100_0000_01b3)
        });
        ((mixed >> 32) % 3) as usize
    }
}

/// A seeded random stream for tests.
pub(crate) fn chance(seed: u64) -> Stream {
    Stream::new(seed, StreamId::Synthesis, 99)
}

/// Replaces every bar after `last` by noise that is still a valid series.
pub(crate) fn overwrite_after(bars: &BarSeries, last: usize, seed: u64) -> BarSeries {
    let mut changed = bars.slice(0..last + 1);
    let mut stream = chance(seed);
    for index in last + 1..bars.len() {
        let old = bars.bar(index).expect("a bar");
        let mut price = || old.close * (0.2 + 3.0 * stream.uniform());
        let (open, close) = (price(), price());
        changed.push(&Bar {
            time_ms: old.time_ms,
            open,
            close,
            high: open.max(close) * 1.3,
            low: open.min(close) * 0.7,
            adjusted_close: close,
            volume: old.volume.map(|volume| volume * 7.0 + 1.0),
        });
    }
    changed.validate().expect("noise is a valid series");
    changed
}

/// A model file with random weights: `sizes` from input to output, ReLU between.
#[allow(clippy::cast_possible_truncation, reason = "weights are single precision")]
pub(crate) fn model_file(sizes: &[usize], normaliser: Option<&Normaliser>, seed: u64) -> Vec<u8> {
    let mut stream = chance(seed);
    let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (layer, pair) in sizes.windows(2).enumerate() {
        let (inputs, outputs) = (pair[0], pair[1]);
        let mut draw = |count: usize, scale: f64| -> Vec<u8> {
            (0..count).flat_map(|_| ((stream.normal() * scale) as f32).to_le_bytes()).collect()
        };
        let scale = 1.0 / (inputs as f64).sqrt();
        tensors.push((
            format!("layers.{layer}.weight"),
            Dtype::F32,
            vec![outputs, inputs],
            draw(inputs * outputs, scale),
        ));
        tensors.push((
            format!("layers.{layer}.bias"),
            Dtype::F32,
            vec![outputs],
            draw(outputs, 0.1),
        ));
    }
    if let Some(normaliser) = normaliser {
        for (name, values) in [("mean", &normaliser.mean), ("deviation", &normaliser.deviation)] {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.push((format!("normaliser.{name}"), Dtype::F64, vec![values.len()], bytes));
        }
    }
    let mut activations = vec!["relu"; sizes.len() - 2];
    activations.push("none");
    write_model(&tensors, &[("format", "tm-mlp-1"), ("activations", &activations.join(","))])
}

/// Writes any tensors and metadata.
pub(crate) fn write_model(
    tensors: &[(String, Dtype, Vec<usize>, Vec<u8>)],
    metadata: &[(&str, &str)],
) -> Vec<u8> {
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        (name, TensorView::new(*dtype, shape.clone(), bytes).expect("a tensor"))
    });
    let metadata =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    safetensors::serialize(views, Some(metadata)).expect("a model file")
}
