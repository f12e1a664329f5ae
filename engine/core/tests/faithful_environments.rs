//! The reference's published figures of the algorithmic-trading environment, and its stored network's decisions.
//!
//! Needs the reference's files (`TM_TEST_DATA`, default `../shared/data`); says so and skips where they are absent.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests read files and say what they skip"
)]

use std::path::PathBuf;
use std::sync::Arc;

use engine::config::FeatureSet;
use engine::environment::faithful::{
    AlgorithmicDetails, AlgorithmicTrading, AssetRecursion, Constants, ReplayDetails,
    ReplayEnvironment, ReplayOptions, ReplayOutput, ReplayPolicy, replay, replay_with,
};
use engine::environment::{Environment, MarketData};
use engine::features;
use engine::market::parse::reference::{self, ReferenceTable};
use engine::policies::network::{Activation, Dense, Mlp};
use engine::policies::{Greedy, Policy, Seat};
use safetensors::tensor::{Dtype, TensorView};

const TEST: &str = "algorithmic_trading/BTC/test.csv";
const VALID: &str = "algorithmic_trading/BTC/valid.csv";
const TRAIN: &str = "algorithmic_trading/BTC/train.csv";
const PD_TEST: &str = "order_execution/PD_BTC/test.csv";
const NETWORK: &str = "weights/old_at_dqn_best_model.json";

/// Returns the bytes of a data file, or says that it is skipped.
fn data(path: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = folder.join(path);
    let bytes = std::fs::read(&file).ok();
    if bytes.is_none() {
        eprintln!(
            "SKIPPED: {} is absent; set TM_TEST_DATA to the folder of the reference's data",
            file.display()
        );
    }
    bytes
}

fn table(path: &str) -> Option<ReferenceTable> {
    let bytes = data(path)?;
    Some(reference::parse(bytes.as_slice(), path).expect("the file is in the reference's layout"))
}

fn run(path: &str, policy: &str, options: &ReplayOptions) -> Option<ReplayOutput> {
    let table = table(path)?;
    let policy: ReplayPolicy = policy.parse().expect("a policy");
    Some(replay(ReplayEnvironment::AlgorithmicTrading, &table, &policy, options).expect("a replay"))
}

fn details(found: &ReplayOutput) -> AlgorithmicDetails {
    let ReplayDetails::AlgorithmicTrading(details) = &found.details else {
        panic!("not of algorithmic trading: {:?}", found.details);
    };
    *details
}

/// Equal to 1e-6 relative, or to half a unit of the last printed digit where that is larger.
#[track_caller]
fn equals(found: f64, printed: f64, half_unit: f64, what: &str) {
    let tolerance = (1e-6 * printed.abs()).max(half_unit);
    assert!((found - printed).abs() <= tolerance, "{what}: found {found}, published {printed}");
}

struct Row {
    file: &'static str,
    policy: &'static str,
    calls: usize,
    holding: f64,
    /// Reward sum, final assets, total return, Sharpe, volatility, maximum drawdown, Calmar, Sortino.
    figures: [f64; 8],
}

/// Half a unit of the last printed digit of each figure.
const HALF_UNITS: [f64; 8] = [5e-7, 5e-7, 5e-7, 5e-7, 5e-9, 5e-7, 5e-7, 5e-7];

const PUBLISHED: [Row; 6] = [
    Row {
        file: TEST,
        policy: "constant:2",
        calls: 415,
        holding: 13.0,
        figures: [
            31_819.259_737,
            113_625.212_622,
            0.136_252,
            0.408_500,
            0.032_860_51,
            0.667_120,
            20_572.522_485,
            0.326_080,
        ],
    },
    Row {
        file: TEST,
        policy: "constant:0",
        calls: 415,
        holding: -13.0,
        figures: [
            -31_819.259_737,
            -111_878.404_291,
            -2.118_784,
            0.348_877,
            0.180_144_95,
            2.272_826,
            -6_038.448_250,
            -0.328_027,
        ],
    },
    Row {
        file: TEST,
        policy: "cycle:2,1,0",
        calls: 415,
        holding: 0.0,
        figures: [
            3_337.592_551,
            99_900.286_548,
            -0.000_997,
            -0.008_044,
            0.001_746_71,
            0.058_936,
            25_989.719_707,
            0.467_196,
        ],
    },
    Row {
        file: TEST,
        policy: "cycle:2,0",
        calls: 415,
        holding: 0.0,
        figures: [
            4_227.053_348,
            100_476.939_021,
            0.004_769,
            0.129_387,
            0.001_558_90,
            0.056_720,
            51_505.227_874,
            1.008_591,
        ],
    },
    Row {
        file: VALID,
        policy: "constant:2",
        calls: 190,
        holding: 10.0,
        figures: [
            -21_781.931_326,
            93_753.190_861,
            -0.062_468,
            0.015_864,
            0.027_389_66,
            0.354_971,
            -17_317.324_192,
            -0.308_403,
        ],
    },
    Row {
        file: TRAIN,
        policy: "constant:2",
        calls: 890,
        holding: 181.0,
        figures: [
            13_989.633_374,
            104_697.245_839,
            0.046_972,
            0.273_715,
            0.030_645_14,
            0.717_818,
            6_683.054_974,
            0.087_634,
        ],
    },
];

#[test]
fn algorithmic_trading_reproduces_every_published_figure() {
    for row in &PUBLISHED {
        let Some(found) = run(row.file, row.policy, &ReplayOptions::default()) else { return };
        let what = |figure: &str| format!("{} {} {figure}", row.file, row.policy);
        assert_eq!(found.calls, row.calls, "{}", what("calls"));
        equals(details(&found).holding, row.holding, 1e-12, &what("holding"));
        let figures = [
            ("reward sum", found.reward_sum),
            ("final assets", found.final_assets),
            ("total return", found.metrics.total_return),
            ("Sharpe", found.metrics.sharpe),
            ("volatility", found.metrics.volatility),
            ("maximum drawdown", found.metrics.max_drawdown),
            ("Calmar", found.metrics.calmar),
            ("Sortino", found.metrics.sortino),
        ];
        for (((name, value), printed), half_unit) in
            figures.into_iter().zip(row.figures).zip(HALF_UNITS)
        {
            equals(value, printed, half_unit, &what(name));
        }
    }
}

#[test]
fn holding_gives_zeros() {
    let Some(found) = run(TEST, "constant:1", &ReplayOptions::default()) else { return };
    assert_eq!(found.calls, 415);
    let zeros = [
        found.reward_sum,
        details(&found).holding,
        found.final_assets - 100_000.0,
        found.metrics.sharpe,
        found.metrics.volatility,
        found.metrics.max_drawdown,
        found.metrics.calmar,
        found.metrics.sortino,
    ];
    assert!(zeros.iter().all(|value| value.abs() < 1e-9), "{zeros:?}");
}

#[test]
fn first_rewards_variances_and_the_buy_and_hold_curve_are_the_published_ones() {
    let published = [
        (TEST, 308.062_207, 0.003_211_513_49, 127_415.191_8),
        (VALID, -750.126_268, 0.000_346_649_236, 81_950.493_0),
        (TRAIN, -11.908_008, 0.005_892_852_55, 99_356.055_0),
    ];
    for (file, reward, variance, buy_and_hold) in published {
        let Some(found) = run(file, "constant:2", &ReplayOptions::default()) else { return };
        equals(details(&found).first_reward, reward, 5e-7, file);
        equals(details(&found).first_volidality, variance, 5e-13, file);
        equals(details(&found).buy_and_hold_final, buy_and_hold, 5e-5, file);
    }
}

#[test]
fn cash_after_buying_always_is_the_published_one() {
    let Some(test) = run(TEST, "constant:2", &ReplayOptions::default()) else { return };
    equals(details(&test).cash, 873.404_165_884_634_5, 1e-9, "test");
    let Some(valid) = run(VALID, "constant:2", &ReplayOptions::default()) else { return };
    equals(details(&valid).cash, 336.139_172_963, 5e-10, "valid");
}

/// One tensor of the stored network.
fn tensor(network: &serde_json::Value, name: &str) -> (Vec<usize>, Vec<f32>) {
    let tensors = network["tensors"].as_array().expect("tensors");
    let found = tensors.iter().find(|tensor| tensor["name"] == name).expect(name);
    let shape =
        found["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let values =
        found["values"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap() as f32).collect();
    (shape, values)
}

/// The stored network as a model file in our layout.
fn model_file(network: &serde_json::Value) -> Vec<u8> {
    let parts = [("fc1", 0), ("fc2", 1), ("out", 2)];
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for (name, index) in parts {
        for part in ["weight", "bias"] {
            let (shape, values) = tensor(network, &format!("{name}.{part}"));
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.push((format!("layers.{index}.{part}"), shape, bytes));
        }
    }
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (name, TensorView::new(Dtype::F32, shape.clone(), bytes).expect("a tensor"))
    });
    let metadata = [("format", "tm-mlp-1"), ("activations", "relu,sigmoid,none")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    safetensors::serialize(views, Some(metadata.into_iter().collect())).expect("a model file")
}

/// The network and the environment of the published run.
fn stored_agent() -> Option<(Mlp, Vec<u8>, Arc<MarketData>)> {
    let network: serde_json::Value = serde_json::from_slice(&data(NETWORK)?).expect("JSON");
    let table = table(PD_TEST)?;
    let names = features::names(FeatureSet::Classic16);
    let market = Arc::new(MarketData::from_reference(&table.columns, &names).expect("columns"));
    let layer = |name: &str, activation| {
        let (_, weight) = tensor(&network, &format!("{name}.weight"));
        let (_, bias) = tensor(&network, &format!("{name}.bias"));
        Dense::new(activation, &weight, &bias).expect("a layer")
    };
    let layers = vec![
        layer("fc1", Activation::Relu),
        layer("fc2", Activation::Sigmoid),
        layer("out", Activation::None),
    ];
    Some((Mlp::from_layers(layers).expect("layers that fit"), model_file(&network), market))
}

#[test]
fn the_stored_network_values_the_first_state_as_published() {
    let Some((mut network, file, market)) = stored_agent() else { return };
    let environment = AlgorithmicTrading::new(market, Constants::default()).unwrap();
    let mut observation = vec![0.0; environment.observation_len()];
    environment.observe(&mut observation);
    let values = network.forward(&observation).to_vec();
    for (found, published) in values.iter().zip([2.228_522_f32, 0.726_307, 7.641_845]) {
        assert!((found - published).abs() < 1e-4, "{values:?}");
    }
    let mut loaded = Mlp::from_safetensors(&file).expect("the model file");
    assert_eq!(
        loaded.forward(&observation),
        values,
        "the file and the layers are the same network"
    );
}

#[test]
fn the_stored_network_buys_in_every_one_of_288_decisions() {
    let Some((_, file, market)) = stored_agent() else { return };
    for (recursion, assets, total_return, sharpe, volatility, drawdown) in [
        (
            AssetRecursion::Release1,
            325_332.916_000_391,
            2.253_329,
            1.869_136,
            0.042_496_64,
            0.499_589,
        ),
        (
            AssetRecursion::EarlierFeeFree,
            325_430.393_084_009_9,
            2.254_304,
            1.869_948,
            0.042_481_76,
            0.499_504,
        ),
    ] {
        let mut environment = AlgorithmicTrading::new(
            Arc::clone(&market),
            Constants { recursion, ..Constants::default() },
        )
        .unwrap();
        let seat = Seat {
            observation_len: environment.observation_len(),
            action_count: environment.action_count(),
            seed: 0,
        };
        let mut agent = Greedy::from_model(&file, &seat).expect("the model fits");
        let mut actions = Vec::new();
        let found = replay_with(&mut environment, &mut |observation, _| {
            actions.push(agent.act(observation));
            *actions.last().unwrap()
        });
        assert_eq!((found.calls, found.assets.len()), (289, 289));
        assert_eq!(actions[..288], [2; 288]);
        equals(details(&found).holding, 9.0, 1e-12, "holding");
        equals(details(&found).cash, 2_522.916_380_980_974_3, 1e-9, "cash");
        equals(found.reward_sum, 453_379.125_157, 5e-7, "reward sum");
        equals(found.final_assets, assets, 5e-9, "final assets");
        equals(found.metrics.total_return, total_return, 5e-7, "total return");
        equals(found.metrics.sharpe, sharpe, 5e-7, "Sharpe");
        equals(found.metrics.volatility, volatility, 5e-9, "volatility");
        equals(found.metrics.max_drawdown, drawdown, 5e-7, "maximum drawdown");
    }
}

#[test]
fn a_replay_as_json_carries_the_fields_that_clients_rely_on() {
    let Some(found) = run(TEST, "mod:3", &ReplayOptions::default()) else { return };
    let json = serde_json::to_value(&found).unwrap();
    for field in [
        "calls",
        "reward_sum",
        "final_assets",
        "total_return",
        "sharpe",
        "volatility",
        "max_drawdown",
        "calmar",
        "sortino",
    ] {
        assert!(json[field].is_number(), "{field}");
    }
}

#[test]
fn the_earlier_release_is_an_option_of_replays() {
    let Some(found) = run(PD_TEST, "blind_bid", &ReplayOptions::earlier_release()) else { return };
    equals(found.final_assets, 325_430.393_084_009_9, 5e-9, "final assets");
}

#[test]
fn rule_baselines_are_the_first_and_the_middle_action() {
    let options = ReplayOptions::default();
    let Some(nothing) = run(TEST, "nothing", &options) else { return };
    assert_eq!(run(TEST, "constant:1", &options).unwrap(), nothing);
    assert_eq!(run(TEST, "constant:2", &options), run(TEST, "blind_bid", &options));
}

#[test]
fn needs_no_column_but_close() {
    let Some(whole) = table(TEST) else { return };
    let mut thin = ReferenceTable { index: whole.index.clone(), ..ReferenceTable::default() };
    thin.columns.insert("close".to_owned(), whole.columns["close"].clone());
    let policy: ReplayPolicy = "constant:2".parse().unwrap();
    let of = |table: &ReferenceTable, options: &ReplayOptions| {
        replay(ReplayEnvironment::AlgorithmicTrading, table, &policy, options)
    };
    let (whole, found) =
        (of(&whole, &ReplayOptions::default()).unwrap(), of(&thin, &ReplayOptions::default()));
    let found = found.unwrap();
    assert_eq!((found.observation_shape, found.assets), (vec![2], whole.assets));
    let named = ReplayOptions {
        features: Some(vec!["close".to_owned(), "zd_5".to_owned()]),
        ..ReplayOptions::default()
    };
    assert!(of(&thin, &named).unwrap_err().to_string().contains("zd_5"));
}

/// Forty rows of closes and what else is given.
fn closes_and(name: &str, value: f64) -> ReferenceTable {
    let mut table = ReferenceTable { index: (0..40).collect(), ..ReferenceTable::default() };
    let closes: Vec<f64> = (0..40_i32).map(|row| 100.0 + f64::from(row % 7)).collect();
    let mut others = closes.clone();
    others[5] = value;
    table.columns.insert("close".to_owned(), closes);
    table.columns.insert(name.to_owned(), others);
    table
}

#[test]
fn opens_that_are_no_prices_do_not_matter() {
    let policy: ReplayPolicy = "cycle:2,1,0".parse().unwrap();
    let of = |table: &ReferenceTable| {
        let options = ReplayOptions::default();
        replay(ReplayEnvironment::AlgorithmicTrading, table, &policy, &options).unwrap()
    };
    let thin = of(&closes_and("note", 1.0));
    for value in [0.0, -5.0, f64::NAN, 1e300] {
        assert_eq!(of(&closes_and("open", value)).assets, thin.assets, "{value}");
    }
}

#[test]
fn a_price_that_is_none_is_named_by_line_and_column() {
    let policy: ReplayPolicy = "constant:2".parse().unwrap();
    for value in [0.0, -103.3] {
        let table = closes_and("close", value);
        let options = ReplayOptions::default();
        let refused = replay(ReplayEnvironment::AlgorithmicTrading, &table, &policy, &options);
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("line 7, column 'close': wanted a price above 0"), "{text}");
    }
}

#[test]
fn a_table_that_ends_with_the_first_call_has_the_terminal_call_alone() {
    let policy: ReplayPolicy = "constant:2".parse().unwrap();
    let of = |rows: usize| {
        let mut table = closes_and("note", 1.0);
        table.index.truncate(rows);
        table.columns.values_mut().for_each(|column| column.truncate(rows));
        let options = ReplayOptions::default();
        replay(ReplayEnvironment::AlgorithmicTrading, &table, &policy, &options)
    };
    let found = of(11).unwrap();
    assert_eq!((found.calls, found.reward_sum, found.final_assets), (1, 0.0, 100_000.0));
    let figures = serde_json::to_value(&found).unwrap();
    assert!(figures["sharpe"].is_null() && figures["volatility"].is_null(), "{figures}");
    assert!(of(10).unwrap_err().to_string().contains("at least 11 rows"));
}

#[test]
fn refuses_policies_and_tables_that_do_not_fit() {
    let policy: ReplayPolicy = "constant:3".parse().unwrap();
    let Some(table) = table(TEST) else { return };
    let run = |table: &ReferenceTable, policy: &ReplayPolicy| {
        let environment = ReplayEnvironment::AlgorithmicTrading;
        replay(environment, table, policy, &ReplayOptions::default()).unwrap_err().to_string()
    };
    assert!(run(&table, &policy).contains("action 3"));
    let uniform: ReplayPolicy = "uniform".parse().unwrap();
    assert!(run(&table, &uniform).contains("it takes constant:A"));
    let mut thin = table;
    thin.columns.remove("zd_10");
    thin.columns.remove("close");
    let policy: ReplayPolicy = "constant:2".parse().unwrap();
    let text = run(&thin, &policy);
    assert!(text.contains("zd_10") && text.contains("close"), "{text}");
}

#[test]
fn refuses_options_that_the_environment_does_not_have() {
    let table = ReferenceTable::default();
    let options = ReplayOptions { start: Some(1), ..ReplayOptions::default() };
    let policy: ReplayPolicy = "constant:2".parse().unwrap();
    let refused = replay(ReplayEnvironment::AlgorithmicTrading, &table, &policy, &options);
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("no option start") && text.contains("max-volume"), "{text}");
}

/// Buying at rising prices until cash runs out, then holding without cash, is 0 divided by 0 in the reference.
#[test]
fn nothing_divided_by_nothing_is_kept() {
    let mut table = ReferenceTable { index: (0..40).collect(), ..ReferenceTable::default() };
    let closes: Vec<f64> = (0..40).map(|_| 100_000.0 * (1.0 - 0.001)).collect();
    table.columns.insert("close".to_owned(), closes.clone());
    let policy: ReplayPolicy = "cycle:2,1".parse().unwrap();
    // One unit costs all the cash; `cash > cost` is false, so the cut to whole units buys one and leaves nothing.
    let options = ReplayOptions {
        initial_amount: Some(closes[0] / (1.0 - 0.001)),
        ..ReplayOptions::default()
    };
    let found = replay(ReplayEnvironment::AlgorithmicTrading, &table, &policy, &options).unwrap();
    assert!(found.final_assets.is_nan() && details(&found).holding.is_nan());
    assert!(serde_json::to_value(&found).unwrap()["final_assets"].is_null());
}
