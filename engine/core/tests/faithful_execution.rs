//! The reference's order execution: published figures, cases done by hand, and tables that do not fit.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(clippy::float_cmp, reason = "exactness is what is tested")]

mod reference;

use std::sync::Arc;

use engine::environment::faithful::{
    Eteo, EteoBook, EteoDetails, FaithfulEnvironment, FeatureChoice, Pd, PdDetails, PdTable,
    ReplayDetails, ReplayEnvironment, ReplayOptions, ReplayOutput, Side, eteo_column_names,
};
use engine::market::parse::reference::ReferenceTable;
use reference::{csv, equals, near, run, table, with};

const BOOK: &str = "order_execution/BTC/test.csv";
const DAILY: &str = "order_execution/PD_BTC/test.csv";

fn eteo_details(found: &ReplayOutput) -> EteoDetails {
    let ReplayDetails::Eteo(details) = found.details else { panic!("{:?}", found.details) };
    details
}

fn pd_details(found: &ReplayOutput) -> PdDetails {
    let ReplayDetails::Pd(details) = found.details else { panic!("{:?}", found.details) };
    details
}

#[test]
fn eteo_reproduces_every_published_figure() {
    let Some(table) = table(BOOK) else { return };
    for (policy, cash_left, portfolio) in [
        ("nothing", 44_920.363_750, [100_000.0, 0.0, 0.0, 0.0]),
        ("order:1/600@1", 44_920.363_750, [99_999.95, 0.05, 0.0, 0.0]),
        ("order:1/599@ask0*1.0001", 40_101.802_762, [43_412.098_096, 0.0, 0.939_899_833_1, 0.0]),
    ] {
        let found = run(ReplayEnvironment::ExecutionEteo, &table, policy).unwrap();
        let details = eteo_details(&found);
        assert_eq!((found.calls, found.reward_sum), (598, 1.0), "{policy}");
        equals(details.twap, 39_814.366_548, 5e-7, policy);
        equals(found.final_assets, cash_left, 5e-7, policy);
        equals(details.cash_left, cash_left, 5e-7, policy);
        for (found, printed) in details.portfolio.into_iter().zip(portfolio) {
            equals(found, printed, 5e-9, policy);
        }
    }
}

#[test]
fn the_first_state_of_eteo_is_the_published_one() {
    let Some(table) = table(BOOK) else { return };
    let book = Arc::new(EteoBook::from_table(&table).unwrap());
    let state = Eteo::new(book, 100_000.0).unwrap().observe();
    let published = [
        5.647_319_759_779_905e-07,
        1.630_601_664_497_796_5e-08,
        8.967_532_075_829_053e-07,
        7.338_484_569_148_915e-07,
        -1.345_602_670_862_499_5e-13,
    ];
    for (found, printed) in state.iter().zip(published) {
        assert!((found - printed).abs() <= 1e-12 * printed.abs(), "{found} {printed}");
    }
    assert_eq!((state.len(), state[154], state[155]), (156, 600.0 / 3_600.0, 1.0));
}

#[test]
fn pd_reproduces_every_published_figure() {
    let Some(table) = table(DAILY) else { return };
    for (policy, calls, reward_sum, money, mean_price) in [
        ("at_once", 1, 0.022_549_35, 10_938.271_289, 10_938.271_289),
        ("twap", 279, 0.586_834_21, 35_143.756_465, 35_143.756_465),
        ("nothing", 279, 0.0, 31_637.780_055, 35_143.756_465),
        ("constant:0.01", 100, 0.273_131_21, 15_816.439_179, 15_816.439_179),
    ] {
        let found = run(ReplayEnvironment::ExecutionPd, &table, policy).unwrap();
        assert_eq!(found.calls, calls, "{policy}");
        equals(found.reward_sum, reward_sum, 5e-9, policy);
        equals(found.final_assets, money, 5e-7, policy);
        equals(pd_details(&found).mean_price, mean_price, 5e-7, policy);
    }
}

/// A book of `midpoints`: level i stands (i + 1) hundredths away as the file's fraction, so one ten-thousandth after
/// the reference's factor; at every level rests `notional` and `cancelled` was cancelled.
fn book(midpoints: &[f64], notional: f64, cancelled: f64) -> ReferenceTable {
    let rows = midpoints.len();
    let index = (0_i64..).take(rows).collect();
    let mut table = ReferenceTable { index, ..ReferenceTable::default() };
    for name in eteo_column_names() {
        let level: f64 =
            name.rsplit('_').next().and_then(|level| level.parse().ok()).unwrap_or(0.0);
        let cell = match name.as_str() {
            "midpoint" => None,
            name if name.starts_with("bids_distance") => Some(-0.01 * (level + 1.0)),
            name if name.starts_with("asks_distance") => Some(0.01 * (level + 1.0)),
            name if name.contains("_cancel_") => Some(cancelled),
            name if name.contains("_limit_") || name.contains("_market_") => Some(0.0),
            name if name.contains("_notional_") => Some(notional),
            _ => Some(1.0),
        };
        let column = cell.map_or_else(|| midpoints.to_vec(), |cell| vec![cell; rows]);
        table.columns.insert(name, column);
    }
    table
}

fn small(midpoints: &[f64], notional: f64, cancelled: f64) -> Eteo {
    let table = book(midpoints, notional, cancelled);
    Eteo::new(Arc::new(EteoBook::from_table(&table).unwrap()), 1_000.0).unwrap()
}

#[test]
fn a_crossing_order_fills_whole_at_its_own_price() {
    let mut eteo = small(&[100.0; 6], 0.25, 0.0);
    eteo.step(&[2.0, 150.0]).unwrap();
    let account = eteo.portfolio();
    assert_eq!((account.free_cash, account.free_btc), (700.0, 2.0));
    // And a sale below the best bid likewise.
    eteo.step(&[-0.5, 20.0]).unwrap();
    assert_eq!((eteo.portfolio().free_cash, eteo.portfolio().free_btc), (710.0, 1.5));
}

#[test]
fn an_order_at_the_best_price_fills_with_what_rests_there_and_keeps_the_rest() {
    let mut eteo = small(&[100.0; 6], 0.25, 0.0);
    let ask = eteo.book().price(0, Side::Asks, 0);
    near(ask, 100.0 * 1.000_1);
    eteo.step(&[1.0, ask]).unwrap();
    near(eteo.portfolio().free_btc, 0.25);
    near(eteo.portfolio().locked_cash, 0.75 * ask);
    eteo.step(&[0.0, 0.0]).unwrap();
    near(eteo.portfolio().free_btc, 0.5);
    near(eteo.portfolio().free_cash + eteo.portfolio().locked_cash, 1_000.0 - 0.5 * ask);
}

/// Sells 1.5 at the best ask; then both best prices are that price. Returns the BTC that are still locked one and two
/// rows later.
fn locked_after_waiting(cancelled: f64) -> (f64, f64) {
    let midpoints = [100.0; 6];
    let price = 100.0 * (1.0 + 0.01 * 0.01);
    let mut table = book(&midpoints, 3.0, cancelled);
    for row in 2..6 {
        table.columns.get_mut("midpoint").unwrap()[row] = price;
        table.columns.get_mut("asks_distance_0").unwrap()[row] = 0.0;
        table.columns.get_mut("bids_distance_0").unwrap()[row] = 0.0;
    }
    let mut eteo = Eteo::new(Arc::new(EteoBook::from_table(&table).unwrap()), 1_000.0).unwrap();
    eteo.step(&[2.0, 200.0]).unwrap();
    eteo.step(&[-1.5, eteo.book().price(1, Side::Asks, 0)]).unwrap();
    let first = eteo.portfolio().locked_btc;
    eteo.step(&[0.0, 0.0]).unwrap();
    (first, eteo.portfolio().locked_btc)
}

#[test]
fn a_sell_order_waits_for_its_queue_and_cancellations_shorten_it() {
    // A queue of 3, of which 1 is cancelled: 3 - 2 fill, the rest stands first.
    assert_eq!(locked_after_waiting(1.0), (0.5, 0.0));
    // Everything before it is cancelled: 1.5 fill.
    assert_eq!(locked_after_waiting(5.0), (0.0, 0.0));
    // Nothing is cancelled: nothing fills while the level stands, for the queue is as long as what is wanted.
    assert_eq!(locked_after_waiting(0.0).0, 1.5);
}

#[test]
fn locked_coins_are_still_held() {
    let mut eteo = small(&[100.0; 8], 3.0, 1.0);
    eteo.step(&[1.0, 200.0]).unwrap();
    let ask = eteo.book().price(1, Side::Asks, 0);
    eteo.step(&[-1.0, ask]).unwrap();
    assert_eq!((eteo.portfolio().free_btc, eteo.portfolio().locked_btc), (0.0, 1.0));
    assert_eq!(eteo.observe()[155], 0.0);
}

#[test]
fn an_order_rests_thirty_steps_and_empty_ones_push_it_out() {
    let mut eteo = small(&[100.0; 40], 1.0, 0.0);
    eteo.step(&[1.0, 10.0]).unwrap();
    for _ in 0..29 {
        eteo.step(&[0.0, 0.0]).unwrap();
        assert_eq!(eteo.portfolio().locked_cash, 10.0);
    }
    eteo.step(&[0.0, 0.0]).unwrap();
    assert_eq!((eteo.portfolio().free_cash, eteo.portfolio().locked_cash), (1_000.0, 0.0));
}

#[test]
fn orders_are_cut_to_free_balances() {
    let mut eteo = small(&[100.0; 6], 1.0, 0.0);
    eteo.step(&[1_000.0, 50.0]).unwrap();
    let account = eteo.portfolio();
    assert_eq!((account.free_cash, account.locked_cash), (0.0, 1_000.0));
    // Nothing is left to sell: an order of size 0.
    eteo.step(&[-5.0, 10.0]).unwrap();
    assert_eq!(eteo.portfolio().locked_btc, 0.0);
}

#[test]
fn the_end_settles_the_leftover_and_compares_with_the_benchmark() {
    let mut eteo = small(&[100.0, 102.0, 101.0, 99.0], 1.0, 0.0);
    assert!(!eteo.step(&[0.0, 0.0]).unwrap().done);
    let last = eteo.step(&[0.0, 0.0]).unwrap();
    assert!(last.done);
    let result = eteo.result().unwrap();
    // Row 2 is the last but one; its ask stands over all rows.
    near(result.cash_left, 1_000.0 - 101.0 * 1.000_1);
    near(result.twap, 1_000.0 - (100.0 + 102.0 + 101.0 + 99.0) / 4.0 * 1.000_1);
    assert_eq!(last.reward, 0.0);
    let mut greedy = small(&[100.0, 102.0, 101.0, 99.0], 1.0, 0.0);
    greedy.step(&[2.0, 103.0]).unwrap();
    greedy.step(&[0.0, 0.0]).unwrap();
    // One too many is sold at the best bid.
    near(greedy.result().unwrap().cash_left, 1_000.0 - 206.0 + 101.0 * 0.999_9);
}

#[test]
fn the_value_history_survives_a_reset_and_grows_twice_per_step() {
    let mut eteo = small(&[100.0; 6], 1.0, 0.0);
    eteo.step(&[0.0, 0.0]).unwrap();
    eteo.step(&[0.0, 0.0]).unwrap();
    eteo.reset();
    assert_eq!(eteo.value_history().len(), 5);
    eteo.step(&[0.0, 0.0]).unwrap();
    assert_eq!(eteo.value_history().len(), 7);
    assert_eq!((eteo.assets().len(), eteo.info()["portfolio"].len()), (2, 4));
}

#[test]
fn levels_are_named_in_policies() {
    let table = book(&[100.0; 5], 1.0, 0.0);
    let options = ReplayOptions { initial_amount: Some(1_000.0), ..ReplayOptions::default() };
    let of = |policy: &str| {
        let found = with(ReplayEnvironment::ExecutionEteo, &table, policy, &options).unwrap();
        eteo_details(&found).portfolio
    };
    // Two of three orders cross; three calls.
    near(of("order:1@ask1")[2], 3.0);
    near(of("order:1@mid*1.01")[0], 1_000.0 - 3.0 * 101.0);
    near(of("order:1@bid14")[1], 3.0 * 100.0 * (1.0 - 0.01 * 0.15));
}

#[test]
fn eteo_refuses_what_does_not_fit() {
    let mut table = book(&[100.0; 5], 1.0, 0.0);
    let refusal = |table: &ReferenceTable, policy: &str| {
        run(ReplayEnvironment::ExecutionEteo, table, policy).unwrap_err().to_string()
    };
    assert!(refusal(&table, "twap").contains("order:VOLUME@PRICE"));
    table.columns.remove("asks_notional_7");
    table.columns.remove("spread");
    let text = refusal(&table, "nothing");
    assert!(text.contains("asks_notional_7") && text.contains("spread"), "{text}");
    assert!(EteoBook::from_table(&book(&[100.0; 2], 1.0, 0.0)).is_err());
    let mut eteo = small(&[100.0; 5], 1.0, 0.0);
    for action in [&[1.0][..], &[1.0, 0.0], &[1.0, -5.0], &[f64::NAN, 1.0], &[1.0, f64::INFINITY]] {
        assert!(eteo.step(action).is_err(), "{action:?}");
    }
    assert_eq!(eteo.row(), 0, "a refused order moves nothing");
}

fn closes(values: &[f64]) -> ReferenceTable {
    let mut text = ",close\n".to_owned();
    for (row, value) in values.iter().enumerate() {
        text.push_str(&format!("{row},{value}\n"));
    }
    csv(&text)
}

fn pd(values: &[f64], length: usize) -> Pd {
    let none = FeatureChoice::Named(Vec::new());
    Pd::new(Arc::new(PdTable::from_table(&closes(values), &none).unwrap()), length).unwrap()
}

#[test]
fn pd_sells_at_the_new_close_and_sells_the_leftover_at_the_end() {
    let mut pd = pd(&[100.0, 110.0, 120.0, 130.0, 140.0], 1);
    assert_eq!(pd.step_count(), 3);
    near(pd.step(&[0.5]).unwrap().reward, 0.5 * (110.0 / 100.0 - 1.0));
    let second = pd.step(&[0.2]).unwrap();
    near(second.reward, 0.2 * (120.0 / 105.0 - 1.0));
    let last = pd.step(&[0.2]).unwrap();
    assert_eq!((last.done, last.reward), (true, second.reward), "the terminal call repeats");
    near(pd.money(), 55.0 + 24.0 + 0.3 * 130.0);
    near(pd.mean_price().unwrap(), 120.0);
    assert_eq!(pd.info()["private_state"], [0.0, 0.0]);
}

#[test]
fn pd_buys_with_negative_amounts_and_clips_nothing() {
    let values: Vec<f64> = (0..12).map(|row| 100.0 + f64::from(row)).collect();
    let mut pd = pd(&values, 1);
    pd.step(&[-0.5]).unwrap();
    near(pd.money(), -0.5 * 101.0);
    near(pd.order_left(), 1.5);
    let done = pd.step(&[2.0]).unwrap();
    assert!(done.done);
    near(pd.money(), -0.5 * 101.0 + 1.5 * 102.0);
    near(pd.order_left(), -0.5);
    assert!(pd.step(&[0.0]).unwrap().done, "and it stays done");
    assert_eq!(pd.assets().len(), 3);
}

#[test]
fn pd_shows_the_past_and_to_the_teacher_the_future() {
    let table = csv(",close,f\n0,1,10\n1,1,11\n2,1,12\n3,1,13\n4,1,14\n5,1,15\n");
    let features = FeatureChoice::Named(vec!["f".to_owned()]);
    let mut pd = Pd::new(Arc::new(PdTable::from_table(&table, &features).unwrap()), 2).unwrap();
    assert_eq!((pd.observation_shape(), pd.observe()), (vec![1, 2, 1], vec![10.0, 11.0]));
    assert_eq!(pd.info()["perfect_state"], [10.0, 11.0, 12.0, 13.0]);
    assert_eq!(pd.info()["private_state"], [1.0, 1.0, 1.0, 1.0]);
    assert_eq!(pd.observation_names(), ["f t-2", "f t-1"]);
    pd.step(&[0.25]).unwrap();
    assert_eq!(pd.observe(), [11.0, 12.0]);
    assert_eq!(pd.info()["private_state"], [1.0, 1.0, 0.5, 0.75]);
    pd.reset();
    assert_eq!((pd.money(), pd.order_left(), pd.mean_price()), (0.0, 1.0, None));
}

#[test]
fn pd_refuses_what_does_not_fit() {
    let refusal = |table: &ReferenceTable, policy: &str| {
        run(ReplayEnvironment::ExecutionPd, table, policy).unwrap_err().to_string()
    };
    assert!(refusal(&closes(&[1.0; 20]), "nothing").contains("at least 21 rows"));
    assert!(refusal(&closes(&[1.0; 40]), "oracle").contains("at_once"));
    assert!(refusal(&csv(",open\n0,1\n"), "nothing").contains("close"));
    assert!(refusal(&csv(",close\n0,1\n1,-1\n"), "nothing").contains("line 3, column 'close'"));
    let options = ReplayOptions { cost_rate: Some(0.1), ..ReplayOptions::default() };
    let refused = with(ReplayEnvironment::ExecutionPd, &closes(&[1.0; 40]), "nothing", &options);
    assert!(refused.unwrap_err().to_string().contains("no option cost-rate"));
}

#[test]
fn the_same_replay_twice_is_the_same() {
    let table = book(&[100.0, 101.0, 99.0, 100.5, 100.0], 1.0, 0.5);
    let of = || run(ReplayEnvironment::ExecutionEteo, &table, "order:1/4@ask0*1.01").unwrap();
    assert_eq!(of(), of());
}
