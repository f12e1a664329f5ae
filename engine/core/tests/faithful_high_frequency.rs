//! The reference's high-frequency trading, for which no figure is published with data: books made by hand, and the
//! oracle against every sequence of actions.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(clippy::float_cmp, reason = "exactness is what is tested")]

mod reference;

use std::sync::Arc;

use engine::environment::faithful::{
    FaithfulEnvironment, FeatureChoice, HftDetails, HftSetup, HftTable, HighFrequency,
    ReplayDetails, ReplayEnvironment, ReplayOptions, ReplayOutput, SliceFamily, slices,
};
use engine::market::parse::reference::ReferenceTable;
use proptest::prelude::*;
use reference::{csv, near, run, table, with};

const FEE: f64 = 0.000_05;

/// Price and size of five levels, best first.
type Levels = [(f64, f64); 5];
/// Bids and asks of one row.
type Row = (Levels, Levels);

/// Levels one apart from `best` on (bids down, asks up), each of `size`.
fn side(best: f64, step: f64, size: f64) -> Levels {
    [0.0, 1.0, 2.0, 3.0, 4.0].map(|level| (best + level * step, size))
}

fn book(rows: &[Row]) -> ReferenceTable {
    let mut text = String::new();
    for side in ["bid", "ask"] {
        for level in 1..=5 {
            text.push_str(&format!(",{side}{level}_price,{side}{level}_size"));
        }
    }
    text.push('\n');
    for (index, (bids, asks)) in rows.iter().enumerate() {
        text.push_str(&index.to_string());
        for (price, size) in bids.iter().chain(asks) {
            text.push_str(&format!(",{price},{size}"));
        }
        text.push('\n');
    }
    csv(&text)
}

fn environment(rows: &[Row], setup: HftSetup) -> HighFrequency {
    let none = FeatureChoice::Named(Vec::new());
    let table = Arc::new(HftTable::from_table(&book(rows), &none).unwrap());
    HighFrequency::new(table, setup).unwrap()
}

fn details(found: &ReplayOutput) -> &HftDetails {
    let ReplayDetails::HighFrequency(details) = &found.details else {
        panic!("not of high-frequency trading: {:?}", found.details);
    };
    details
}

fn three_rows() -> Vec<Row> {
    vec![
        (side(100.0, -1.0, 0.004), side(101.0, 1.0, 0.004)),
        (side(110.0, -1.0, 0.006), side(111.0, 1.0, 0.004)),
        (side(105.0, -1.0, 0.006), side(106.0, 1.0, 0.004)),
    ]
}

#[test]
fn walks_the_book_of_the_present_row_and_values_at_the_next_best_bid() {
    let found = run(ReplayEnvironment::Hft, &book(&three_rows()), "cycle:10,0").unwrap();
    // 0.004 at 101 and 102, 0.002 at 103.
    let cost = (0.404 + 0.408 + 0.206) * (1.0 + FEE);
    // 0.006 at 110, 0.004 at 109.
    let proceeds = (0.66 + 0.436) * (1.0 - FEE);
    assert_eq!(found.calls, 2);
    near(found.first_rewards[0], 110.0 * 0.01 - cost);
    near(found.first_rewards[1], proceeds - 110.0 * 0.01);
    near(found.final_assets, proceeds - cost);
    near(found.reward_sum, proceeds - cost);
    let details = details(&found);
    near(details.required_money, cost);
    near(details.fees, 1.018 * FEE + 1.096 * FEE);
    near(details.profit_margin, (proceeds - cost) / cost);
    assert_eq!((details.holding, details.actions.as_slice()), (0.0, &[10, 0][..]));
    assert_eq!(found.assets.len(), 3);
    near(found.assets[2], proceeds);
    near(found.metrics.total_return, proceeds / (cost + 1e-10) - 1.0);
}

#[test]
fn what_is_held_at_the_end_counts_at_the_best_bid() {
    let found = run(ReplayEnvironment::Hft, &book(&three_rows()), "blind_bid").unwrap();
    let cost = (0.404 + 0.408 + 0.206) * (1.0 + FEE);
    near(found.final_assets, 105.0 * 0.01 - cost);
    assert_eq!(details(&found).holding, 0.01);
    assert_eq!(run(ReplayEnvironment::Hft, &book(&three_rows()), "constant:10").unwrap(), found);
}

#[test]
fn without_a_trade_nothing_is_required_and_ratios_are_not_defined() {
    let found = run(ReplayEnvironment::Hft, &book(&three_rows()), "nothing").unwrap();
    assert_eq!((details(&found).required_money, found.final_assets), (0.0, 0.0));
    assert!(details(&found).required_money.is_sign_positive());
    assert_eq!(found.metrics.total_return, -1.0);
    assert!(found.metrics.sharpe.is_nan() && details(&found).profit_margin.is_nan());
}

#[test]
fn the_fifth_level_is_never_traded_and_the_remainder_is_left() {
    let thin: Vec<Row> =
        (0..4).map(|_| (side(100.0, -1.0, 0.001), side(101.0, 1.0, 0.001))).collect();
    let mut hft = environment(&thin, HftSetup::default());
    let step = hft.step(&[10.0]).unwrap();
    near(hft.position(), 0.004);
    near(step.reward, 0.4 - (101.0 + 102.0 + 103.0 + 104.0) * 0.001 * (1.0 + FEE));
    let step = hft.step(&[0.0]).unwrap();
    near(hft.position(), 0.0);
    near(step.reward, (100.0 + 99.0 + 98.0 + 97.0) * 0.001 * (1.0 - FEE) - 0.4);
}

#[test]
fn the_mask_counts_four_levels_and_rounds_up() {
    let of = |bid_size, ask_size, actions: &[f64]| {
        let rows: Vec<Row> =
            (0..5).map(|_| (side(100.0, -1.0, bid_size), side(101.0, 1.0, ask_size))).collect();
        let mut hft = environment(&rows, HftSetup::default());
        for action in actions {
            hft.step(&[*action]).unwrap();
        }
        let mask = hft.info()["avaliable_action"].clone();
        let allowed: Vec<usize> = (0..11).filter(|action| mask[*action] == 1.0).collect();
        (allowed.first().copied().unwrap(), allowed.last().copied().unwrap(), allowed.len())
    };
    // 4 · 0.000875 = 0.0035: up to 3.
    assert_eq!(of(1.0, 0.000_875, &[]), (0, 3, 4));
    assert_eq!(of(1.0, 1.0, &[]), (0, 10, 11));
    // 0.01 − 4 · 0.000625 = 0.0075: trunc(7.5) + 1.
    assert_eq!(of(0.000_625, 1.0, &[10.0]), (8, 10, 3));
    // Nothing can be sold: only the present holding and above, for trunc(5) + 1 is cut to the holding.
    assert_eq!(of(0.0, 1.0, &[5.0]), (5, 10, 6));
}

#[test]
fn info_names_the_last_action_and_what_hindsight_would_do() {
    let mut hft = environment(&three_rows(), HftSetup::default());
    assert_eq!(hft.info()["previous_action"], [0.0]);
    assert_eq!(hft.oracle(), [10, 0]);
    let chosen = |hft: &HighFrequency| hft.info()["DP_action"].iter().position(|flag| *flag == 1.0);
    assert_eq!(chosen(&hft), Some(10));
    hft.step(&[3.0]).unwrap();
    assert_eq!((hft.info()["previous_action"].as_slice(), chosen(&hft)), (&[3.0][..], Some(0)));
    assert!(hft.step(&[0.0]).unwrap().done);
    assert_eq!(chosen(&hft), None, "zeros after the terminal call");
}

#[test]
fn training_episodes_begin_and_end_where_they_should() {
    let rows: Vec<Row> = (0..10).map(|_| (side(100.0, -1.0, 1.0), side(101.0, 1.0, 1.0))).collect();
    let of = |window, start, episode_length| {
        let options = ReplayOptions { window, start, episode_length, ..ReplayOptions::default() };
        with(ReplayEnvironment::Hft, &book(&rows), "nothing", &options).map(|found| found.calls)
    };
    assert_eq!(of(None, None, None), Ok(9));
    assert_eq!(of(Some(3), None, None), Ok(7));
    // Days 3, 4 and 5 = 2 + 4 − 1.
    assert_eq!(of(None, Some(2), Some(4)), Ok(3));
    assert_eq!(of(None, Some(2), Some(400)), Ok(7));
    assert_eq!(of(None, Some(8), None), Ok(1));
    assert!(of(None, Some(9), None).is_err());
    assert!(of(Some(0), None, None).is_err());
    assert!(of(Some(10), None, None).is_err());
    assert!(of(None, None, Some(0)).is_err());
}

#[test]
fn the_oracle_replayed_takes_the_listed_actions_and_bounds_the_others() {
    let rows: Vec<Row> = [100.0, 104.0, 101.0, 107.0, 103.0, 103.0]
        .map(|mid| (side(mid - 0.5, -1.0, 0.02), side(mid + 0.5, 1.0, 0.02)))
        .to_vec();
    let found = run(ReplayEnvironment::Hft, &book(&rows), "oracle").unwrap();
    assert_eq!(details(&found).actions, [10, 0, 10, 0, 0]);
    for policy in ["nothing", "blind_bid", "mod:11", "constant:5", "cycle:0,10"] {
        let other = run(ReplayEnvironment::Hft, &book(&rows), policy).unwrap();
        assert!(other.final_assets <= found.final_assets, "{policy}");
    }
    let stacked = ReplayOptions { window: Some(2), ..ReplayOptions::default() };
    let later = with(ReplayEnvironment::Hft, &book(&rows), "oracle", &stacked).unwrap();
    assert_eq!(details(&later).actions, [0, 10, 0, 0]);
}

#[test]
fn observations_are_the_last_rows_of_the_named_columns() {
    let mut table = book(&three_rows());
    table.columns.insert("kup".to_owned(), vec![7.0, 8.0, 9.0]);
    let features = FeatureChoice::Named(vec!["kup".to_owned(), "bid1_size".to_owned()]);
    let table = Arc::new(HftTable::from_table(&table, &features).unwrap());
    let setup = HftSetup { stack: 2, ..HftSetup::default() };
    let mut hft = HighFrequency::new(table, setup).unwrap();
    assert_eq!(hft.observation_shape(), [2, 2]);
    assert_eq!(hft.observe(), [7.0, 0.004, 8.0, 0.006]);
    assert_eq!(hft.observation_names(), ["kup t-2", "bid1_size t-2", "kup t-1", "bid1_size t-1"]);
    hft.step(&[1.0]).unwrap();
    assert_eq!(hft.observe(), [8.0, 0.006, 9.0, 0.006]);
}

#[test]
fn refuses_what_does_not_fit() {
    let whole = book(&three_rows());
    let refusal = |table: &ReferenceTable, policy: &str| {
        run(ReplayEnvironment::Hft, table, policy).unwrap_err().to_string()
    };
    for policy in ["constant:11", "constant:0.5", "cycle:1,-1", "mod:12"] {
        assert!(refusal(&whole, policy).contains("0 to 10"), "{policy}");
    }
    assert!(refusal(&whole, "twap").contains("oracle"));
    let mut thin = whole.clone();
    thin.columns.remove("ask5_size");
    assert!(refusal(&thin, "nothing").contains("ask5_size"));
    let mut damaged = whole.clone();
    damaged.columns.get_mut("bid2_size").unwrap()[1] = f64::NAN;
    assert!(refusal(&damaged, "nothing").contains("line 3, column 'bid2_size'"));
    let mut negative = whole.clone();
    negative.columns.get_mut("bid2_size").unwrap()[1] = -1.0;
    assert!(refusal(&negative, "nothing").contains("at least 0"));
    assert!(refusal(&book(&three_rows()[..1]), "nothing").contains("at least 2 rows"));
}

#[test]
fn the_shipped_labels_cut_into_the_published_number_of_slices() {
    let Some(table) = table("algorithmic_trading/BTC/labelled_test.csv") else { return };
    let count =
        |label| slices(&table, label, SliceFamily::HighFrequency { stack: 1 }).unwrap().len();
    assert_eq!([count(0), count(1), count(2)], [4, 4, 6]);
    let rows: usize = (0..3)
        .flat_map(|label| slices(&table, label, SliceFamily::HighFrequency { stack: 1 }).unwrap())
        .map(|slice| slice.table.len())
        .sum();
    assert_eq!(rows, 425, "every row is in one slice");
}

/// What a walk brings, written down once more: level by level, from the definition.
fn walk(levels: &Levels, quantity: f64, penalty: f64) -> f64 {
    let (mut left, mut value) = (quantity, 0.0);
    for (level, (price, size)) in levels.iter().enumerate() {
        if left < *size || level == 4 {
            return if level == 4 && left > 0.0 { value + penalty } else { value + price * left };
        }
        left -= size;
        value += price * size;
    }
    value
}

fn moved(row: &Row, from: usize, to: usize) -> f64 {
    let units = |steps: usize| steps as f64 / 10.0 * 0.01;
    if from > to {
        walk(&row.0, units(from - to), -1e12) * (1.0 - FEE)
    } else {
        -(walk(&row.1, units(to - from), 1e12) * (1.0 + FEE))
    }
}

fn total(rows: &[Row], actions: &[usize]) -> f64 {
    let mut holding = 0;
    rows.iter()
        .zip(actions.iter().copied().chain([0]))
        .map(|(row, action)| {
            let brought = moved(row, holding, action);
            holding = action;
            brought
        })
        .sum()
}

/// Tries every sequence of holdings.
fn best_of_all(rows: &[Row]) -> f64 {
    let count = 11_usize.pow(u32::try_from(rows.len() - 1).unwrap());
    (0..count)
        .map(|mut code| {
            let actions: Vec<usize> = (1..rows.len())
                .map(|_| {
                    let action = code % 11;
                    code /= 11;
                    action
                })
                .collect();
            total(rows, &actions)
        })
        .fold(f64::NEG_INFINITY, f64::max)
}

fn any_row() -> impl Strategy<Value = Row> {
    (90.0_f64..110.0, 0.01_f64..1.0, 0.000_5_f64..0.006).prop_map(|(mid, spread, size)| {
        (side(mid - spread, -0.5, size), side(mid + spread, 0.5, size))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_sequence_of_actions_beats_the_oracle(rows in prop::collection::vec(any_row(), 2..6)) {
        let hft = environment(&rows, HftSetup::default());
        prop_assert_eq!(hft.oracle().len(), rows.len() - 1);
        let (found, best) = (total(&rows, hft.oracle()), best_of_all(&rows));
        prop_assert!((found - best).abs() <= 1e-9 * best.abs().max(1.0), "{} {}", found, best);
    }

    /// All rewards together are all money in and out plus what is left at the best bid.
    #[test]
    fn rewards_add_up_to_the_final_balance(
        rows in prop::collection::vec(any_row(), 2..30),
        actions in prop::collection::vec(0_usize..11, 1..8),
    ) {
        let policy = actions.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let found = run(ReplayEnvironment::Hft, &book(&rows), &format!("cycle:{policy}")).unwrap();
        prop_assert!((found.reward_sum - found.final_assets).abs() < 1e-9);
        prop_assert!(details(&found).required_money >= 0.0);
        let holding = details(&found).holding;
        prop_assert!((0.0..=0.01).contains(&holding), "{}", holding);
        prop_assert_eq!(found.calls, rows.len() - 1);
    }
}
