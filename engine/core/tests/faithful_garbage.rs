//! Whatever a table, a policy or an option holds: a replay answers with figures or a refusal, never with a panic.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod reference;

use engine::environment::faithful::{ReplayEnvironment, ReplayOptions, eteo_column_names};
use engine::market::parse::reference::ReferenceTable;
use proptest::prelude::*;
use reference::with;

/// Prices as they should be, and cells as they should not.
fn any_cell() -> impl Strategy<Value = f64> {
    prop_oneof![
        12 => 0.5_f64..2.0,
        1 => prop::sample::select(vec![
            0.0, -0.0, -1.0, 1e-300, 1e300, f64::MAX, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY,
            f64::NEG_INFINITY,
        ]),
    ]
}

/// A table of `rows` with every column that any environment trades with; `cells` are used in turn.
fn table(rows: usize, tickers: usize, cells: &[f64], repeat: usize) -> ReferenceTable {
    let mut names = eteo_column_names();
    names.extend(["close", "open", "label"].map(str::to_owned));
    for side in ["bid", "ask"] {
        for level in 1..=5 {
            names.extend([format!("{side}{level}_price"), format!("{side}{level}_size")]);
        }
    }
    let mut table = ReferenceTable {
        index: (0..rows).map(|row| i64::try_from(row / tickers).unwrap()).collect(),
        ..ReferenceTable::default()
    };
    for (column, name) in names.into_iter().enumerate() {
        let cell = |row: usize| cells[(column * repeat + row) % cells.len()];
        table.columns.insert(name, (0..rows).map(cell).collect());
    }
    let tickers = (0..rows).map(|row| format!("T{}", row % tickers)).collect();
    table.text.insert("tic".to_owned(), tickers);
    table
}

fn any_policy() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "constant:0",
        "constant:2",
        "constant:0.3",
        "constant:-7",
        "cycle:2,1,0",
        "mod:3",
        "mod:11",
        "logits:0",
        "logits:1000",
        "logits:ramp",
        "logits:1,2,3",
        "weights:1,0",
        "weights:5,-5,1",
        "weights:0,0",
        "uniform",
        "average_holding",
        "nothing",
        "blind_bid",
        "twap",
        "at_once",
        "oracle",
        "order:1/9@ask0",
        "order:-1@bid0",
        "order:1e9@mid*2",
        "order:1@1e-9",
    ])
}

fn any_options() -> impl Strategy<Value = ReplayOptions> {
    (
        prop::option::of(any_cell()),
        prop::option::of(any_cell()),
        prop::option::of(0_usize..9),
        prop::option::of(0_usize..9),
        prop::option::of(0_usize..9),
    )
        .prop_map(|(initial_amount, cost_rate, window, forward, start)| ReplayOptions {
            initial_amount,
            cost_rate,
            window,
            forward,
            start,
            ..ReplayOptions::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_makes_a_replay_panic(
        size in (1_usize..40, 1_usize..4, 1_usize..50),
        cells in prop::collection::vec(any_cell(), 1..60),
        policy in any_policy(),
        options in any_options(),
        plain in any::<bool>(),
    ) {
        let (rows, tickers, repeat) = size;
        let table = table(rows, tickers, &cells, repeat);
        for environment in ReplayEnvironment::ALL {
            let options = if plain { ReplayOptions::default() } else { options.clone() };
            // Options that it does not have would be refused before anything is computed.
            let own = |option: &str| environment.options().iter().any(|own| own.as_str() == option);
            let options = ReplayOptions {
                initial_amount: options.initial_amount.filter(|_| own("initial-amount")),
                cost_rate: options.cost_rate.filter(|_| own("cost-rate")),
                window: options.window.filter(|_| own("window")),
                forward: options.forward.filter(|_| own("forward")),
                start: options.start.filter(|_| own("start")),
                ..options
            };
            match with(environment, &table, policy, &options) {
                Ok(found) => prop_assert!(found.calls > 0 && !found.assets.is_empty()),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}
