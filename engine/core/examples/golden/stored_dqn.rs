//! Section 12.2: the stored DQN decides on PD_BTC/test.csv.

use std::sync::Arc;

use engine::config::FeatureSet;
use engine::environment::MarketData;
use engine::environment::faithful::{
    AlgorithmicTrading, AssetRecursion, Constants, ReplayDetails, replay_with,
};
use engine::features;
use engine::policies::network::{Activation, Dense, Mlp};

use crate::files::{Files, tensor};
use crate::rows::Rows;

/// Recursion of the assets, then final assets, total return, Sharpe, volatility and drawdown as printed.
const PUBLISHED: [(AssetRecursion, &str, [&str; 5]); 2] = [
    (
        AssetRecursion::EarlierFeeFree,
        "earlier release",
        ["325430.3930840099", "2.254304", "1.869948", ".04248176", ".499504"],
    ),
    (
        AssetRecursion::Release1,
        "release 1.0.0",
        ["325332.916000391", "2.253329", "1.869136", ".04249664", ".499589"],
    ),
];

pub(crate) fn rows(files: &Files, rows: &mut Rows) {
    rows.about("stored DQN");
    let Some(document) = files.json("weights/old_at_dqn_best_model.json", rows) else { return };
    let Some(table) = files.table("order_execution/PD_BTC/test.csv", rows) else { return };
    let names = features::names(FeatureSet::Classic16);
    let layer = |name: &str, activation| {
        let part = |part| tensor(&document, &format!("{name}.{part}"));
        Dense::new(activation, &part("weight"), &part("bias"))
    };
    let layers = [
        layer("fc1", Activation::Relu),
        layer("fc2", Activation::Sigmoid),
        layer("out", Activation::None),
    ];
    let network = layers.into_iter().collect::<Result<Vec<_>, _>>().and_then(Mlp::from_layers);
    let market = MarketData::from_reference(&table.columns, &names).map(Arc::new);
    let (mut network, market) = match (network, market) {
        (Ok(network), Ok(market)) => (network, market),
        (Err(error), _) => return rows.fail("all", &error.to_string()),
        (_, Err(error)) => return rows.fail("all", &error.to_string()),
    };
    for (recursion, name, printed) in PUBLISHED {
        rows.about(&format!("stored DQN, {name}"));
        let constants = Constants { recursion, ..Constants::default() };
        match AlgorithmicTrading::new(Arc::clone(&market), constants) {
            Ok(mut environment) => episode(&mut environment, &mut network, printed, rows),
            Err(error) => rows.fail("all", &error.to_string()),
        }
    }
}

fn episode(
    environment: &mut AlgorithmicTrading,
    network: &mut Mlp,
    printed: [&str; 5],
    rows: &mut Rows,
) {
    let (mut first, mut bought) = (Vec::new(), 0);
    let found = replay_with(environment, &mut |observation, call| {
        let values = network.forward(observation);
        if call == 0 {
            first = values.to_vec();
        }
        let best = (0..values.len()).max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap_or(0);
        // The terminal call decides nothing.
        bought += usize::from(best == 2 && call < 288);
        best
    });
    for (position, printed) in ["2.228522", ".726307", "7.641845"].into_iter().enumerate() {
        let got = first.get(position).copied().map_or(f64::NAN, f64::from);
        rows.within(&format!("first Q value {position}"), printed, got, 1e-4);
    }
    rows.count("decisions to buy", 288, bought);
    rows.count("assets", 289, found.assets.len());
    let figures = [
        ("final assets", found.final_assets),
        ("total return", found.metrics.total_return),
        ("Sharpe", found.metrics.sharpe),
        ("volatility", found.metrics.volatility),
        ("maximum drawdown", found.metrics.max_drawdown),
    ];
    for ((quantity, got), printed) in figures.into_iter().zip(printed) {
        rows.figure(quantity, printed, got);
    }
    rows.count("calls", 289, found.calls);
    rows.figure("reward sum", "453379.125157", found.reward_sum);
    if let ReplayDetails::AlgorithmicTrading(details) = found.details {
        rows.within("holding", "9", details.holding, 1e-9);
        rows.figure("cash", "2522.9163809809743", details.cash);
    }
}
