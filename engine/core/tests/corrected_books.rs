//! The corrected tasks on order books and the execution tasks, by hand and under random books and actions.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

mod support;

use std::sync::Arc;

use engine::config::{
    ExecutionSide, FillRule, HighFrequencyConfig, MatchingConfig, OffsetUnit, OrderExecutionConfig,
    QueueModel, RiskConfig,
};
use engine::environment::order_execution::RefusalReason;
use engine::environment::{
    Action, BookData, Environment, ExecutionOnBars, ExecutionOnBook, HighFrequency,
};
use engine::features::FeatureFrame;
use engine::market::BookSeries;
use engine::rng::{Stream, StreamId};
use proptest::prelude::*;
use support::{books, prices};

fn near(found: f64, wanted: f64) {
    assert!(
        (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0),
        "found {found}, wanted {wanted}"
    );
}

fn costs(fee_rate: f64, fill: FillRule) -> MatchingConfig {
    MatchingConfig { fee_rate, slippage_bps: 0.0, fill }
}

/// A book without features: per row the best bid and ask; further levels lie 1 apart; every level shows 2 units.
fn still(best: &[(f64, f64)], levels: usize) -> BookSeries {
    let mut book = BookSeries {
        instrument: "TEST".to_owned(),
        levels,
        time_ms: (0..best.len()).map(|row| row as i64 * 1000).collect(),
        bought: Some(vec![0.0; best.len()]),
        sold: Some(vec![0.0; best.len()]),
        ..BookSeries::default()
    };
    for (bid, ask) in best {
        for level in 0..levels {
            book.bid_price.push(bid - level as f64);
            book.ask_price.push(ask + level as f64);
            book.bid_size.push(2.0);
            book.ask_size.push(2.0);
        }
    }
    book
}

fn plain(book: &BookSeries) -> Arc<BookData> {
    let frame = FeatureFrame {
        names: Vec::new(),
        width: 0,
        rows: book.len(),
        warmup_rows: 0,
        values: Vec::new(),
    };
    BookData::new(book, &frame, 0..book.len()).unwrap().shared()
}

fn high_frequency(book: &BookSeries, fee_rate: f64, allow_short: bool) -> HighFrequency {
    let config = HighFrequencyConfig {
        initial_cash: 10_000.0,
        max_holding: 6.0,
        holding_steps: 3,
        allow_short,
        ..HighFrequencyConfig::default()
    };
    let costs = costs(fee_rate, FillRule::NextOpen);
    HighFrequency::new(&config, &costs, &RiskConfig::default(), plain(book)).unwrap()
}

#[test]
fn a_high_frequency_episode_is_the_one_done_by_hand() {
    let book = still(&[(100.0, 101.0), (100.0, 101.0), (102.0, 103.0), (102.0, 103.0)], 3);
    let mut environment = high_frequency(&book, 0.01, false);
    // All six units on three levels: 2·(101 + 102 + 103), and a fee of 6.12; then valued at the bid of 100.
    let first = environment.step(Action::Discrete(3));
    near(environment.snapshot().cash, 10_000.0 - 612.0 - 6.12);
    near(environment.equity(), 10_000.0 - 612.0 - 6.12 + 600.0);
    near(first.reward, (environment.equity() / 10_000.0).ln());
    assert_eq!((environment.last_fills().len(), environment.unfilled()), (3, 0.0));
    // Two are kept; four are sold at 102 and 101.
    environment.step(Action::Discrete(1));
    near(environment.snapshot().position, 2.0);
    near(environment.snapshot().cash, 10_000.0 - 618.12 + (204.0 + 202.0) * 0.99);
    let last = environment.step(Action::Discrete(1));
    near(last.reward, 0.0);
    assert!(last.truncated);
}

#[test]
fn what_the_next_book_does_not_show_stays_unfilled_and_is_reported() {
    let mut book = still(&[(100.0, 101.0), (100.0, 101.0), (100.0, 101.0)], 3);
    // The second snapshot shows one unit in all.
    book.ask_size[3..6].copy_from_slice(&[0.0, 1.0, 0.0]);
    let mut environment = high_frequency(&book, 0.0, false);
    environment.step(Action::Discrete(3));
    near(environment.snapshot().position, 1.0);
    near(environment.unfilled(), 5.0);
    assert_eq!(environment.snapshot().cut_count, 1);
}

#[test]
fn a_holding_out_of_reach_is_refused_and_a_short_is_valued_at_the_ask() {
    let book = still(&[(100.0, 101.0), (100.0, 101.0), (100.0, 101.0)], 2);
    let mut environment = high_frequency(&book, 0.0, true);
    // Holdings −6, −4, … 6; the book shows four units either way.
    assert_eq!(environment.mask(), [false, true, true, true, true, true, false]);
    environment.step(Action::Discrete(0));
    assert_eq!((environment.snapshot().refusal_count, environment.snapshot().position), (1, 0.0));
    environment.step(Action::Discrete(2));
    near(environment.snapshot().position, -2.0);
    near(environment.equity(), 10_000.0 + 200.0 - 202.0);
}

fn execution(side: ExecutionSide) -> OrderExecutionConfig {
    OrderExecutionConfig {
        side,
        amount: 4.0,
        horizon_steps: 3,
        window_steps: 1,
        initial_cash: 1000.0,
        tick_size: 0.5,
        offset_unit: OffsetUnit::Ticks,
        ..OrderExecutionConfig::default()
    }
}

#[test]
fn an_execution_on_bars_is_the_one_done_by_hand() {
    let market = prices(&[100.0, 101.0, 99.0, 98.0], &[100.0, 100.0, 98.0, 97.0]);
    let costs = costs(0.001, FillRule::NextOpen);
    let limits = RiskConfig::default();
    let sell = execution(ExecutionSide::Sell);
    let mut environment = ExecutionOnBars::new(&sell, &costs, &limits, market).unwrap();
    // One of four at the open of 101: 1 better than on arrival, less the fee of 0.101, of 400 in all.
    let first = environment.step(Action::Vector(&[0.25]));
    near(first.reward, (1.0 - 0.101) / 400.0 * 1e4);
    environment.step(Action::Vector(&[0.0]));
    // One more at the open of 98, and the two that are left at the close of 97.
    let last = environment.step(Action::Vector(&[0.25]));
    near(last.reward, (-2.0 - 0.098 - 2.0 * 3.0 - 0.194) / 400.0 * 1e4);
    assert!(last.terminated && !last.truncated);
    let report = environment.execution().unwrap();
    near(report.shortfall_bps, -(first.reward + last.reward));
    near(report.average_price.unwrap(), (101.0 + 98.0 + 2.0 * 97.0) / 4.0);
    near(report.twap.unwrap(), (101.0 + 99.0 + 98.0) / 3.0);
    assert_eq!((report.left, report.vwap), (0.0, None));
    near(environment.snapshot().cash, 1000.0 + 393.0 * 0.999);
}

#[test]
fn a_share_is_cut_to_what_is_left_and_a_finished_task_ends() {
    let market = prices(&[100.0; 5], &[100.0; 5]);
    let costs = costs(0.0, FillRule::NextOpen);
    let buy = execution(ExecutionSide::Buy);
    let mut environment =
        ExecutionOnBars::new(&buy, &costs, &RiskConfig::default(), market).unwrap();
    environment.step(Action::Vector(&[0.75]));
    assert!(environment.step(Action::Vector(&[1.0])).terminated);
    near(environment.snapshot().position, 4.0);
    near(environment.snapshot().cash, 600.0);
}

fn on_book(config: &OrderExecutionConfig, book: &BookSeries) -> ExecutionOnBook {
    let costs = costs(0.0, FillRule::NextOpen);
    ExecutionOnBook::new(config, &costs, &RiskConfig::default(), plain(book)).unwrap()
}

#[test]
fn an_order_that_crosses_walks_the_book_at_book_prices() {
    let book = still(&[(100.0, 101.0); 5], 3);
    let mut environment = on_book(&execution(ExecutionSide::Buy), &book);
    // The middle is 100.5; 3 ticks of 0.5 above it is 102: two levels of two units.
    let result = environment.step(Action::Vector(&[0.75, 3.0]));
    let fills = environment.last_fills();
    assert_eq!(fills.len(), 2);
    near(fills[0].1.price.get(), 101.0);
    near(fills[1].1.price.get(), 102.0);
    near(fills[1].1.quantity.get(), 1.0);
    near(result.reward, -(2.0 * 0.5 + 1.5) / (4.0 * 100.5) * 1e4);
}

#[test]
fn a_resting_order_waits_its_turn_and_is_filled_at_its_own_price() {
    let mut book = still(&[(100.0, 101.0); 5], 3);
    // Takers sell 3 units before the third snapshot: 2 stood before us.
    book.sold = Some(vec![0.0, 0.0, 3.0, 0.0, 0.0]);
    let mut environment = on_book(&execution(ExecutionSide::Buy), &book);
    environment.step(Action::Vector(&[0.5, -1.0]));
    near(environment.resting_units(), 2.0);
    assert!(environment.last_fills().is_empty());
    environment.step(Action::Vector(&[0.0, 0.0]));
    let fills = environment.last_fills();
    assert_eq!(fills.len(), 1);
    near(fills[0].1.quantity.get(), 1.0);
    near(fills[0].1.price.get(), 100.0);
    near(environment.resting_units(), 1.0);
    // In the end the rest is taken back, and the three units left walk the book: 2 at 101, 1 at 102.
    let last = environment.step(Action::Vector(&[0.0, 0.0]));
    assert!(last.terminated);
    near(last.reward, -(2.0 * 0.5 + 1.5) / (4.0 * 100.5) * 1e4);
    let report = environment.execution().unwrap();
    assert_eq!(report.left, 0.0);
    near(report.twap.unwrap(), 101.0);
    near(report.vwap.unwrap(), 100.5);
}

#[test]
fn an_order_is_taken_back_after_its_time_in_force() {
    let book = still(&[(100.0, 101.0); 6], 3);
    let config = OrderExecutionConfig {
        time_in_force_steps: 1,
        horizon_steps: 4,
        ..execution(ExecutionSide::Sell)
    };
    let mut environment = on_book(&config, &book);
    environment.step(Action::Vector(&[0.5, -1.0]));
    near(environment.resting_units(), 2.0);
    environment.step(Action::Vector(&[0.0, 0.0]));
    near(environment.resting_units(), 0.0);
    near(environment.snapshot().position, 4.0);
}

#[test]
fn an_order_that_cannot_be_paid_is_refused_with_its_reason() {
    let book = still(&[(100.0, 101.0); 5], 3);
    let config = OrderExecutionConfig { initial_cash: 250.0, ..execution(ExecutionSide::Buy) };
    let mut environment = on_book(&config, &book);
    // Two units at 100 rest; two more cannot be paid beside them.
    environment.step(Action::Vector(&[0.5, -1.0]));
    environment.step(Action::Vector(&[0.5, -1.0]));
    assert_eq!(environment.snapshot().refusal_count, 1);
    assert_eq!(environment.execution().unwrap().last_refusal, Some(RefusalReason::Balance));
    // In the end 250 buy 2.x units; the rest counts at the last price shown.
    environment.step(Action::Vector(&[0.0, 0.0]));
    let report = environment.execution().unwrap();
    near(report.executed, 2.0 + 48.0 / 102.0);
    near(environment.snapshot().cash, 0.0);
}

#[test]
fn refuses_data_that_is_too_short_for_window_and_horizon() {
    let book = plain(&still(&[(100.0, 101.0); 3], 3));
    let costs = costs(0.0, FillRule::NextOpen);
    let config = execution(ExecutionSide::Buy);
    assert!(ExecutionOnBook::new(&config, &costs, &RiskConfig::default(), book).is_err());
    let market = prices(&[100.0; 5], &[100.0; 5]);
    let mut bars = ExecutionOnBars::new(&config, &costs, &RiskConfig::default(), market).unwrap();
    assert!(bars.reset_at(2).is_err());
    bars.reset_at(1).unwrap();
}

#[derive(Debug, Clone)]
struct Case {
    seed: u64,
    levels: usize,
    buy: bool,
    short: bool,
    fee_rate: f64,
    fill: FillRule,
    queue: QueueModel,
}

fn cases() -> impl Strategy<Value = Case> {
    let fill = prop_oneof![Just(FillRule::NextOpen), Just(FillRule::SameClose)];
    let queue = prop_oneof![
        Just(QueueModel::RiskAverse),
        Just(QueueModel::Logarithmic),
        Just(QueueModel::Square)
    ];
    (0..10_000_u64, 1..16_usize, any::<bool>(), any::<bool>(), 0.0..0.01_f64, fill, queue).prop_map(
        |(seed, levels, buy, short, fee_rate, fill, queue)| Case {
            seed,
            levels,
            buy,
            short,
            fee_rate,
            fill,
            queue,
        },
    )
}

fn trader(case: &Case, book: &BookSeries) -> HighFrequency {
    let config = HighFrequencyConfig {
        initial_cash: 60_000.0,
        window_snapshots: 2,
        max_holding: 5.0,
        holding_steps: 5,
        allow_short: case.short,
    };
    let costs = costs(case.fee_rate, case.fill);
    HighFrequency::new(&config, &costs, &RiskConfig::default(), books::data(book)).unwrap()
}

fn executor(case: &Case, book: &BookSeries) -> ExecutionOnBook {
    let config = OrderExecutionConfig {
        side: if case.buy { ExecutionSide::Buy } else { ExecutionSide::Sell },
        amount: 10.0,
        horizon_steps: 40,
        window_steps: 3,
        initial_cash: 110_000.0,
        tick_size: 0.5,
        offset_max: 8.0,
        offset_unit: OffsetUnit::Ticks,
        time_in_force_steps: 5,
        queue: case.queue,
    };
    let costs = costs(case.fee_rate, case.fill);
    ExecutionOnBook::new(&config, &costs, &RiskConfig::default(), books::data(book)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn high_frequency_books_balance_and_fills_are_the_books(case in cases()) {
        let book = books::book(case.seed, 80, case.levels);
        let mut environment = trader(&case, &book);
        let mut stream = Stream::new(case.seed, StreamId::Exploration, 1);
        let mut rewards = 0.0;
        loop {
            let row = environment.snapshot().bar_index;
            let before = environment.snapshot().position;
            let mask = environment.mask();
            let action = stream.below(u32::try_from(mask.len()).unwrap()) as usize;
            let result = environment.step(Action::Discrete(action));
            rewards += result.reward;
            let account = environment.snapshot();
            let fill_row = 1 + if case.fill == FillRule::NextOpen { row + 1 } else { row };
            let mut traded = 0.0;
            for (_, fill) in environment.last_fills() {
                // Exactly a displayed price, and no more than is displayed there.
                let buys = fill.quantity.get() > 0.0;
                let depth = if buys { book.asks(fill_row) } else { book.bids(fill_row) };
                let level = depth.price.iter().position(|price| *price == fill.price.get());
                prop_assert!(fill.quantity.get().abs() <= depth.size[level.unwrap()]);
                traded += fill.quantity.get();
            }
            let wanted = environment.grid().holding(action) - before;
            prop_assert!(traded.abs() <= wanted.abs() * (1.0 + 1e-9) && traded * wanted >= 0.0);
            prop_assert!((before + traded - account.position).abs() <= 1e-9);
            prop_assert!(mask[action] || traded == 0.0);
            if case.fill == FillRule::SameClose && mask[action] && environment.unfilled() > 0.0 {
                // The mask is exact: only staying where one is may leave something open.
                prop_assert_eq!(action, environment.grid().nearest(before));
            }
            prop_assert!(account.position.abs() <= 5.0 + 1e-9);
            let ledger = environment.ledger();
            let held = ledger.position();
            let mark = if held.quantity() < 0.0 { &book.ask_price } else { &book.bid_price };
            let cost = held.quantity() * held.average_price();
            let wanted = account.equity - (60_000.0 + ledger.realised() - cost - ledger.fees());
            let balanced = mark
                .iter()
                .any(|price| (held.quantity() * price - wanted).abs() <= 1e-9 * 60_000.0);
            prop_assert!(balanced, "{wanted} {ledger:?}");
            if result.ended() {
                break;
            }
        }
        let growth = (environment.equity() / 60_000.0).ln();
        prop_assert!((rewards - growth).abs() <= 1e-9);
    }

    #[test]
    fn opening_a_short_and_closing_it_at_the_same_price_costs_the_fees_and_nothing_else(
        fee_rate in 0.0..0.05_f64,
        units in 1_usize..4,
    ) {
        // A spread of next to nothing: both sides trade at 100 but for the rounding.
        let mut book = still(&[(100.0, 101.0); 4], 1);
        book.bid_size.fill(50.0);
        book.ask_size.fill(50.0);
        book.ask_price.fill(100.0 + 1e-12);
        let mut environment = high_frequency(&book, fee_rate, true);
        environment.step(Action::Discrete(3 - units.min(3)));
        environment.step(Action::Discrete(3));
        prop_assert_eq!(environment.snapshot().position, 0.0);
        let fees = environment.ledger().fees();
        prop_assert!((environment.equity() - (10_000.0 - fees)).abs() < 1e-8);
        prop_assert!((fees - 2.0 * fee_rate * 2.0 * units as f64 * 100.0).abs() < 1e-8);
    }

    #[test]
    fn executions_execute_what_was_asked_and_pay_each_unit_once(case in cases()) {
        let book = books::book(case.seed, 60, case.levels);
        let mut environment = executor(&case, &book);
        let start = environment.equity();
        let mut stream = Stream::new(case.seed, StreamId::Exploration, 1);
        let (mut rewards, mut executed) = (0.0, 0.0);
        loop {
            let share = 0.3 * stream.uniform();
            let result = environment.step(Action::Vector(&[share, 16.0 * stream.uniform() - 8.0]));
            rewards += result.reward;
            let row = environment.snapshot().bar_index + 1;
            for (_, fill) in environment.last_fills() {
                prop_assert_eq!(fill.quantity.get() > 0.0, case.buy);
                executed += fill.quantity.get().abs();
                // Prices lie on the grid, and never better than the best price of the other side by more than the
                // distance at which an order may rest.
                prop_assert!((fill.price.get() / 0.5 - (fill.price.get() / 0.5).round()).abs() < 1e-6);
            }
            let report = environment.execution().unwrap();
            prop_assert!((report.executed - executed).abs() < 1e-9);
            prop_assert!(executed <= 10.0 + 1e-9);
            prop_assert!(environment.resting_units() <= report.left + 1e-9);
            prop_assert!(row < book.len());
            if result.ended() {
                break;
            }
        }
        let report = environment.execution().unwrap();
        prop_assert!((rewards + report.shortfall_bps).abs() < 1e-7, "{rewards} {report:?}");
        if report.left == 0.0 {
            // What the account lost against the arrival price is the shortfall.
            let value = 10.0 * report.arrival_price;
            let account = environment.snapshot();
            let other = account.cash + account.position * report.arrival_price;
            let begun = if case.buy { start } else { 110_000.0 + value };
            prop_assert!(((begun - other) / value * 1e4 - report.shortfall_bps).abs() < 1e-6);
        }
    }

    #[test]
    fn the_future_of_a_book_changes_nothing_before(case in cases(), last in 10_usize..35) {
        let (book, other) =
            (books::book(case.seed, 60, case.levels), books::book(case.seed + 1, 60, case.levels));
        let mixed = books::spliced(&book, &other, last);
        let pairs: [[Box<dyn Environment>; 2]; 2] = [
            [Box::new(trader(&case, &book)), Box::new(trader(&case, &mixed))],
            [Box::new(executor(&case, &book)), Box::new(executor(&case, &mixed))],
        ];
        for [mut left, mut right] in pairs {
            let mut stream = Stream::new(case.seed, StreamId::Exploration, 2);
            let mut seen = [vec![0.0; left.observation_len()], vec![0.0; left.observation_len()]];
            // The environment's rows begin with the second of the book.
            while left.snapshot().bar_index + 1 < last {
                let count = u32::try_from(left.action_count()).unwrap();
                let index = stream.below(count.max(1)) as usize;
                let numbers = [0.2 * stream.uniform(), 16.0 * stream.uniform() - 8.0];
                let action =
                    if count > 0 { Action::Discrete(index) } else { Action::Vector(&numbers) };
                let (one, two) = (left.step(action), right.step(action));
                prop_assert_eq!(one, two);
                left.observe(&mut seen[0]);
                right.observe(&mut seen[1]);
                prop_assert_eq!(&seen[0], &seen[1]);
                if one.ended() {
                    break;
                }
            }
        }
    }
}
