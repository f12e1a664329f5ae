//! Figures done by hand, the identity of the books for every environment, and what is refused.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::config::{FeatureSet, FeaturesConfig, FillRule};
use crate::market::panel::Join;
use crate::market::{BarPanel, BarSeries, BookSeries};
use crate::testkit::{bars, bars_from_closes};

const MINUTE_MS: i64 = 60_000;

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{found} is not {wanted}");
}

fn played(
    environment: ReplayEnvironment,
    data: &MarketSeries,
    policy: &str,
    options: &CorrectedOptions,
) -> CorrectedReplay {
    let found = replay(environment, data, &policy.parse().unwrap(), options).unwrap();
    assert!(found.ledger.balances, "{:?}", found.ledger);
    assert_eq!(found.assets.len(), found.calls + 1);
    assert_eq!(found.returns.len(), found.calls + 1);
    found
}

fn refusal(
    environment: ReplayEnvironment,
    data: &MarketSeries,
    policy: &str,
    options: &CorrectedOptions,
) -> String {
    let policy = match policy.parse::<CorrectedPolicy>() {
        Ok(policy) => policy,
        Err(error) => return error.to_string(),
    };
    replay(environment, data, &policy, options).unwrap_err().to_string()
}

fn on_closes(closes: &[f64]) -> MarketSeries {
    MarketSeries::Bars(bars_from_closes(closes))
}

fn panel(columns: &[(&str, &[f64])]) -> MarketSeries {
    let series: Vec<BarSeries> = columns
        .iter()
        .map(|(name, closes)| BarSeries {
            instrument: (*name).to_owned(),
            ..bars_from_closes(closes)
        })
        .collect();
    MarketSeries::Panel(BarPanel::join(&series, Join::Inner).unwrap())
}

/// Two levels a side, one apart, `size` units each.
fn book(mids: &[f64], size: f64) -> MarketSeries {
    let mut book = BookSeries { instrument: "BOOK".to_owned(), levels: 2, ..BookSeries::default() };
    for (row, mid) in mids.iter().enumerate() {
        book.time_ms.push(i64::try_from(row).unwrap() * MINUTE_MS);
        book.bid_price.extend([mid - 1.0, mid - 2.0]);
        book.ask_price.extend([mid + 1.0, mid + 2.0]);
        book.bid_size.extend([size; 2]);
        book.ask_size.extend([size; 2]);
    }
    MarketSeries::Book(book)
}

fn configured(config: serde_json::Value) -> CorrectedOptions {
    CorrectedOptions { config: Some(config), ..CorrectedOptions::default() }
}

#[test]
fn a_short_opened_and_closed_at_the_same_price_costs_the_fees_only() {
    let data = on_closes(&[100.0; 7]);
    let none = CorrectedOptions::default();
    let found = played(ReplayEnvironment::AlgorithmicTrading, &data, "cycle:0,2", &none);
    assert_eq!((found.calls, found.fill_count), (2, 2));
    near(found.final_assets, 100_000.0 - 0.2);
    near(found.fees, 0.2);
    near(found.assets[1], 100_000.0 - 0.1);
    near(found.reward_sum, ((100_000.0_f64 - 0.2) / 100_000.0).ln());
    let CorrectedDetails::AlgorithmicTrading(details) = found.details else { panic!("details") };
    near(details.lot, 1.0);
    near(details.holding, 0.0);
    assert!(found.positions.is_empty());
    near(found.ledger.realised, 0.0);
}

#[test]
fn buying_and_holding_is_the_price_less_the_fee() {
    let data = on_closes(&[100.0, 100.0, 100.0, 100.0, 100.0, 110.0, 130.0, 120.0]);
    let none = CorrectedOptions::default();
    // Bought at the open of row 5, which is the close of row 4.
    let found = played(ReplayEnvironment::AlgorithmicTrading, &data, "cycle:2,1,1", &none);
    near(found.final_assets, 100_000.0 - 100.1 + 120.0);
    let CorrectedDetails::AlgorithmicTrading(details) = found.details else { panic!("details") };
    near(details.holding, 1.0);
    near(details.buy_and_hold_final, 100_000.0 / 100.1 * 120.0);
    assert_eq!(found.positions.len(), 1);
    near(found.positions[0].value, 120.0);
    near(found.ledger.unrealised, 20.0);
    // The same with everything: a portfolio of one instrument.
    let found = played(
        ReplayEnvironment::PortfolioEiie,
        &data,
        "weights:0,1",
        &CorrectedOptions { window: Some(5), ..none },
    );
    near(found.final_assets, 100_000.0 / 1.001 * 1.2);
    near(found.total_return.unwrap(), 1.2 / 1.001 - 1.0);
    near(found.max_drawdown.unwrap(), 1.0 / 13.0);
}

#[test]
fn slippage_moves_the_price_against_the_order_and_is_told() {
    let data = on_closes(&[100.0; 7]);
    let options =
        CorrectedOptions { slippage_bps: Some(10.0), cost_rate: Some(0.0), ..Default::default() };
    let found = played(ReplayEnvironment::AlgorithmicTrading, &data, "cycle:2,0", &options);
    near(found.slippage, 0.2);
    near(found.final_assets, 100_000.0 - 0.2);
    assert!(found.fees.abs() < 1e-12);
}

#[test]
fn a_uniform_portfolio_is_the_one_made_by_hand() {
    let (one, two) = ([10.0, 11.0, 12.1], [20.0, 20.0, 10.0]);
    let data = panel(&[("ONE", &one), ("TWO", &two)]);
    let free = CorrectedOptions { cost_rate: Some(0.0), ..Default::default() };
    let found = played(ReplayEnvironment::Portfolio, &data, "uniform", &free);
    // A third each in cash, ONE and TWO: +10 % and 0, then +10 % and −50 %.
    near(found.assets[1], 100_000.0 * (1.0 + 0.1 / 3.0));
    near(found.assets[2], found.assets[1] * (1.0 + (0.1 - 0.5) / 3.0));
    let CorrectedDetails::Portfolio(details) = &found.details else { panic!("details") };
    assert_eq!(details.tickers, ["ONE", "TWO"]);
    near(details.final_weights[1], 1.1 / 3.0 / (1.0 - 0.4 / 3.0));
    // Entering costs 1 − μ with μ = 1 − c · μ · 2/3.
    let paid = CorrectedOptions { cost_rate: Some(0.01), ..Default::default() };
    let found = played(ReplayEnvironment::Portfolio, &data, "uniform", &paid);
    let kept = 1.0 / (1.0 + 0.01 * 2.0 / 3.0);
    near(found.assets[1], 100_000.0 * kept * (1.0 + 0.1 / 3.0));
}

#[test]
fn what_was_bought_once_drifts_with_its_prices() {
    let (one, two) = ([10.0, 20.0, 40.0, 10.0], [20.0, 10.0, 10.0, 20.0]);
    let data = panel(&[("ONE", &one), ("TWO", &two)]);
    let free = CorrectedOptions { cost_rate: Some(0.0), ..Default::default() };
    for policy in ["average_holding", "rule:buy_and_hold"] {
        let found = played(ReplayEnvironment::Portfolio, &data, policy, &free);
        assert_eq!(found.fill_count, 2, "{policy}");
        near(found.assets[2], 50_000.0 * 4.0 + 50_000.0 * 0.5);
        near(found.final_assets, 100_000.0);
    }
    let nothing = played(ReplayEnvironment::Portfolio, &data, "nothing", &free);
    assert_eq!(nothing.fill_count, 0);
    near(nothing.final_assets, 100_000.0);
}

#[test]
fn weights_without_cash_are_those_of_the_instruments() {
    let (one, two) = ([10.0, 20.0], [20.0, 10.0]);
    let data = panel(&[("ONE", &one), ("TWO", &two)]);
    let free = CorrectedOptions { cost_rate: Some(0.0), ..Default::default() };
    let found = played(ReplayEnvironment::PortfolioImitator, &data, "weights:0.25,0.5", &free);
    // A quarter doubles, a half halves, a quarter stays in cash.
    near(found.final_assets, 100_000.0);
    let wrong = refusal(ReplayEnvironment::PortfolioImitator, &data, "weights:0,0.5,0.5", &free);
    assert!(wrong.contains("no cash"), "{wrong}");
    let deep = CorrectedOptions { window: Some(1), ..free };
    let short = refusal(ReplayEnvironment::PortfolioDeepTrader, &data, "weights:-0.5,1", &deep);
    assert!(short.contains("short"), "{short}");
}

#[test]
fn dividends_in_cash_are_in_the_books() {
    let mut one = bars(&[(10.0, 10.0), (10.0, 10.0), (9.0, 9.0), (9.0, 9.0)]);
    // A dividend of 1 on the third day: 10 before is worth 9 afterwards.
    one.adjusted_close = vec![9.0, 9.0, 9.0, 9.0];
    let data = MarketSeries::Bars(one);
    for (rule, wanted) in [("explicit", 100_000.0), ("adjusted", 100_000.0), ("none", 90_000.0)] {
        for fill in [FillRule::NextOpen, FillRule::SameClose] {
            let options = CorrectedOptions {
                cost_rate: Some(0.0),
                fill: Some(fill),
                ..configured(json!({"task": "portfolio", "dividends": rule}))
            };
            let found = played(ReplayEnvironment::Portfolio, &data, "average_holding", &options);
            near(found.final_assets, wanted);
            let paid = if rule == "explicit" { 10_000.0 } else { 0.0 };
            near(found.ledger.dividends, paid);
        }
    }
}

#[test]
fn an_execution_on_bars_is_the_one_made_by_hand() {
    // One row looked back on, one left out: sold at the opens of rows 1 and 2.
    let data =
        MarketSeries::Bars(bars(&[(100.0, 100.0), (101.0, 102.0), (97.0, 99.0), (50.0, 50.0)]));
    let short = CorrectedOptions { window: Some(1), ..CorrectedOptions::default() };
    let found = played(ReplayEnvironment::ExecutionPd, &data, "twap", &short);
    let CorrectedDetails::Execution(details) = &found.details else { panic!("details") };
    assert_eq!(found.calls, 2);
    near(details.money, 99.0);
    near(details.shortfall_bps, 100.0);
    near(details.twap, 99.0);
    near(details.mean_price.unwrap(), 99.0);
    near(details.average_price.unwrap(), 99.0);
    near(found.reward_sum, -100.0);
    near(found.assets[0], 100.0);
    let at_once = played(ReplayEnvironment::ExecutionPd, &data, "at_once", &short);
    near(at_once.final_assets, 101.0);
    assert_eq!(at_once.calls, 1);
    // What is left is sold at the last close.
    let idle = played(ReplayEnvironment::ExecutionPd, &data, "nothing", &short);
    near(idle.final_assets, 99.0);
    let rule = played(ReplayEnvironment::ExecutionPd, &data, "rule:twap,slices=2", &short);
    near(rule.final_assets, 99.0);
}

#[test]
fn an_execution_on_a_book_walks_it_and_rests_in_it() {
    let data = book(&[100.0, 101.0, 102.0, 103.0], 1.0);
    let none = CorrectedOptions::default();
    // Two steps; a half at each next best ask: 102 and 103.
    let crossing = played(ReplayEnvironment::ExecutionEteo, &data, "order:0.5@ask0*1.05", &none);
    let CorrectedDetails::Execution(details) = &crossing.details else { panic!("details") };
    assert_eq!(crossing.calls, 2);
    near(details.cash_left, 100_000.0 - 0.5 * 102.0 - 0.5 * 103.0);
    near(crossing.final_assets, details.cash_left);
    near(details.shortfall_bps, 250.0);
    near(crossing.positions[0].quantity, 1.0);
    // Far below the book nothing is filled before the end, when the rest walks the last book.
    let resting = played(ReplayEnvironment::ExecutionEteo, &data, "order:1@50", &none);
    let CorrectedDetails::Execution(details) = &resting.details else { panic!("details") };
    near(details.cash_left, 100_000.0 - 103.0);
    // Crossing shares go as far through the book as they may: 20 basis points reach 100.2 only, so that they rest.
    let deep = configured(json!({"environment": {"offset_max": 200.0}}));
    let at_once = played(ReplayEnvironment::ExecutionEteo, &data, "at_once", &deep);
    let CorrectedDetails::Execution(details) = &at_once.details else { panic!("details") };
    near(details.cash_left, 100_000.0 - 102.0);
    let wrong = refusal(ReplayEnvironment::ExecutionEteo, &data, "order:-0.5@bid0", &none);
    assert!(wrong.contains("one way"), "{wrong}");
    let wrong = refusal(ReplayEnvironment::ExecutionEteo, &data, "order:0.5@ask2", &none);
    assert!(wrong.contains("2 levels"), "{wrong}");
}

#[test]
fn holdings_on_a_book_pay_the_spread() {
    let data = book(&[100.0; 4], 1.0);
    let free = CorrectedOptions { cost_rate: Some(0.0), ..Default::default() };
    let found = played(ReplayEnvironment::Hft, &data, "cycle:10,0", &free);
    let CorrectedDetails::HighFrequency(details) = &found.details else { panic!("details") };
    assert_eq!(details.actions, [10, 0, 10]);
    // 0.01 units bought at 101 and sold at 99, bought again and worth 99.
    near(details.final_balance, -0.04);
    near(details.required_money, 0.02 + 1.01);
    near(details.holding, 0.01);
    near(details.profit_margin.unwrap(), -0.04 / 1.03);
    for (policy, held) in [("nothing", 0.0), ("blind_bid", 0.01), ("rule:buy_and_hold", 0.01)] {
        let found = played(ReplayEnvironment::Hft, &data, policy, &free);
        let CorrectedDetails::HighFrequency(details) = &found.details else { panic!("details") };
        near(details.holding, held);
    }
}

#[test]
fn the_oracle_buys_before_a_rise_and_nobody_does_better() {
    let data = book(&[100.0, 100.0, 100.0, 120.0, 110.0, 130.0, 90.0], 1.0);
    let free = CorrectedOptions { cost_rate: Some(0.0), ..Default::default() };
    let best = played(ReplayEnvironment::Hft, &data, "oracle", &free).final_assets;
    // Bought at 101, sold at 119, bought at 111, sold at 129.
    near(best, 1000.0 + 0.01 * (18.0 + 18.0));
    for policy in ["blind_bid", "nothing", "mod:11", "cycle:10,0", "rule:random"] {
        assert!(played(ReplayEnvironment::Hft, &data, policy, &free).final_assets <= best + 1e-12);
    }
}

#[test]
fn a_run_can_begin_late_and_end_early() {
    let closes: Vec<f64> = (0..30).map(|row| 100.0 + f64::from(row)).collect();
    let data = on_closes(&closes);
    let environment = ReplayEnvironment::AlgorithmicTrading;
    let options = CorrectedOptions {
        start: Some(10),
        episode_length: Some(8),
        cost_rate: Some(0.0),
        ..Default::default()
    };
    let found = played(environment, &data, "cycle:2,1,1", &options);
    // Decided on row 14 and bought at its close, valued at row 17.
    near(found.final_assets, 100_000.0 + 117.0 - 114.0);
    assert_eq!(found.calls, 3);
    let whole = played(environment, &data, "nothing", &CorrectedOptions::default());
    let cut = CorrectedOptions { forward: Some(5), ..Default::default() };
    assert_eq!((whole.calls, played(environment, &data, "nothing", &cut).calls), (25, 19));
    let late = CorrectedOptions { start: Some(28), ..Default::default() };
    assert!(refusal(environment, &data, "nothing", &late).contains("at least 6 bars"));
    let later = CorrectedOptions { start: Some(30), ..Default::default() };
    assert!(refusal(environment, &data, "nothing", &later).contains("no row is left"));
}

#[test]
fn features_are_observed_where_they_are_wanted_and_change_no_fixed_policy() {
    let closes: Vec<f64> = (0..80).map(|row| 100.0 + f64::from(row % 7)).collect();
    let data = on_closes(&closes);
    let environment = ReplayEnvironment::AlgorithmicTrading;
    let blind = played(environment, &data, "cycle:2,0", &CorrectedOptions::default());
    assert_eq!(blind.observation_shape, [2]);
    let set = FeaturesConfig { set: FeatureSet::Classic11, ..FeaturesConfig::default() };
    let seeing = CorrectedOptions { features: Some(set), ..Default::default() };
    let found = played(environment, &data, "cycle:2,0", &seeing);
    assert_eq!(found.observation_shape, [11 * 5 + 2]);
    assert!(found.calls < blind.calls, "windows that fill cost rows");
    let warmup = blind.calls - found.calls;
    let late = CorrectedOptions { start: Some(warmup), ..Default::default() };
    assert_eq!(found.assets, played(environment, &data, "cycle:2,0", &late).assets);
}

#[test]
fn a_configuration_sets_anything_and_options_come_last() {
    let data = on_closes(&[100.0; 9]);
    let config = json!({
        "environment": {"task": "algorithmic_trading", "lot_share": 0.1, "allow_short": false},
        "matching": {"fee_rate": 0.0},
        "agent": {"algorithm": "dqn"},
    });
    let environment = ReplayEnvironment::AlgorithmicTrading;
    let found = played(environment, &data, "cycle:2,0,0", &configured(config.clone()));
    let CorrectedDetails::AlgorithmicTrading(details) = found.details else { panic!("details") };
    near(details.lot, 100.0);
    assert!(found.fees.abs() < 1e-12 && found.cut_count == 1, "no short is opened: {found:?}");
    let options = CorrectedOptions { cost_rate: Some(0.01), ..configured(config) };
    let found = played(environment, &data, "cycle:2,1", &options);
    near(found.fees, 200.0);
    assert!(found.remarks.iter().all(|remark| !remark.contains("No fees")));
    for (config, wanted) in [
        (json!({"task": "portfolio"}), "another of the two"),
        (json!({"environment": {"lot_share": -1.0}}), "environment.lot_share"),
        (json!({"environment": {"lots": 1}}), "environment.lots"),
        (json!({"task": "algorithmic_trading", "truth": "faithful"}), "--mode faithful"),
        (json!([1]), "an object"),
    ] {
        let found = refusal(environment, &data, "nothing", &configured(config));
        assert!(found.contains(wanted), "{found}");
    }
}

#[test]
fn refuses_what_an_environment_does_not_have() {
    let data = on_closes(&[100.0; 40]);
    let none = CorrectedOptions::default();
    let environment = ReplayEnvironment::AlgorithmicTrading;
    assert!(refusal(environment, &data, "constant:3", &none).contains("0 to 2"));
    assert!(refusal(environment, &data, "uniform", &none).contains("rule:NAME"));
    assert!(refusal(environment, &data, "oracle", &none).contains("does not take"));
    assert!(refusal(environment, &data, "rule:momentum", &none).contains("buy_and_hold"));
    assert!(refusal(ReplayEnvironment::Hft, &data, "nothing", &none).contains("an order book"));
    let pd = ReplayEnvironment::ExecutionPd;
    assert!(refusal(pd, &data, "constant:2", &none).contains("0 to 1"));
    assert!(refusal(pd, &data, "order:1@ask0", &none).contains("does not take"));
    assert!(refusal(pd, &on_closes(&[1.0; 20]), "nothing", &none).contains("at least 21 rows"));
    let volume = CorrectedOptions { max_volume: Some(2), ..Default::default() };
    assert!(refusal(pd, &data, "nothing", &volume).contains("max-volume"));
    let bad = CorrectedOptions { initial_amount: Some(f64::NAN), ..Default::default() };
    assert!(refusal(environment, &data, "nothing", &bad).contains("initial_cash"));
    let ahead = CorrectedOptions { cost_rate: Some(0.5), ..Default::default() };
    assert!(refusal(environment, &data, "nothing", &ahead).contains("fee_rate"));
}

#[test]
fn equal_inputs_give_equal_figures_and_seeds_decide_what_is_drawn() {
    let closes: Vec<f64> = (0..40).map(|row| 100.0 + f64::from(row * 7 % 11)).collect();
    let data = on_closes(&closes);
    let seeded = |seed| CorrectedOptions { seed, ..CorrectedOptions::default() };
    let environment = ReplayEnvironment::AlgorithmicTrading;
    let one = played(environment, &data, "rule:random", &seeded(1));
    assert_eq!(one, played(environment, &data, "rule:random", &seeded(1)));
    assert_ne!(one.assets, played(environment, &data, "rule:random", &seeded(2)).assets);
}

#[test]
fn every_rule_decides_where_it_is_listed() {
    let column = |phase: f64| -> Vec<f64> {
        (0..90).map(|row| 100.0 + 10.0 * (f64::from(row) * 0.3 + phase).sin()).collect()
    };
    let (one, two, three) = (column(0.0), column(1.0), column(2.0));
    let panel = panel(&[("ONE", &one), ("TWO", &two), ("THREE", &three)]);
    let mut with_volume = bars_from_closes(&one);
    with_volume.volume = Some(one.clone());
    let bars = MarketSeries::Bars(with_volume);
    let book = book(&one, 0.7);
    for environment in ReplayEnvironment::ALL {
        let data = match environment {
            ReplayEnvironment::AlgorithmicTrading | ReplayEnvironment::ExecutionPd => &bars,
            ReplayEnvironment::ExecutionEteo | ReplayEnvironment::Hft => &book,
            ReplayEnvironment::Portfolio
            | ReplayEnvironment::PortfolioSarl
            | ReplayEnvironment::PortfolioEiie
            | ReplayEnvironment::PortfolioDeepTrader
            | ReplayEnvironment::PortfolioImitator => &panel,
        };
        for name in rules(environment) {
            // A usual volume needs whole days before the order, which this test's data does not have.
            if name == "vwap" {
                continue;
            }
            played(environment, data, &format!("rule:{name}"), &CorrectedOptions::default());
        }
    }
}

fn prices(rows: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(f64, f64)>> {
    prop::collection::vec((0.7_f64..1.4, 0.8_f64..1.25), rows).prop_map(|moves| {
        let mut price = 100.0;
        moves
            .into_iter()
            .map(|(gap, day)| {
                let open = price * gap;
                price = open * day;
                (open, price)
            })
            .collect()
    })
}

fn costs() -> impl Strategy<Value = CorrectedOptions> {
    (0.0..0.05_f64, any::<bool>(), any::<u32>()).prop_map(|(rate, same, seed)| CorrectedOptions {
        cost_rate: Some(rate),
        fill: Some(if same { FillRule::SameClose } else { FillRule::NextOpen }),
        seed,
        ..CorrectedOptions::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_books_of_algorithmic_trading_balance(
        prices in prices(8..40), options in costs(), slippage in 0.0..100.0_f64, volume in 1_u32..200,
    ) {
        let data = MarketSeries::Bars(bars(&prices));
        let options = CorrectedOptions {
            slippage_bps: Some(slippage), max_volume: Some(volume.min(100)), ..options
        };
        for policy in ["rule:random", "blind_bid", "constant:0"] {
            let found = played(ReplayEnvironment::AlgorithmicTrading, &data, policy, &options);
            let growth = (found.final_assets / 100_000.0).ln();
            // A ruined account's last reward is bounded.
            prop_assert!((found.reward_sum - growth).abs() < 1e-9 || found.final_assets < 100.0);
        }
    }

    #[test]
    fn the_books_of_portfolios_balance(
        one in prices(12..40), two in prices(12..40), options in costs(), slippage in 0.0..100.0_f64, whole: bool,
    ) {
        let series = [("ONE", &one), ("TWO", &two)].map(|(name, prices)| BarSeries {
            instrument: name.to_owned(), ..bars(prices)
        });
        let data = MarketSeries::Panel(BarPanel::join(&series, Join::Outer).unwrap());
        let units = if whole { "whole_lots" } else { "fractional" };
        let options = CorrectedOptions {
            slippage_bps: Some(slippage),
            config: Some(json!({"environment": {"units": units, "absent_bars_max": 3}})),
            ..options
        };
        for environment in [
            ReplayEnvironment::Portfolio,
            ReplayEnvironment::PortfolioSarl,
            ReplayEnvironment::PortfolioEiie,
            ReplayEnvironment::PortfolioDeepTrader,
            ReplayEnvironment::PortfolioImitator,
        ] {
            for policy in ["rule:random", "uniform", "average_holding", "logits:ramp"] {
                played(environment, &data, policy, &options);
            }
        }
    }

    #[test]
    fn the_books_of_executions_and_holdings_balance(
        prices in prices(24..50), options in costs(), size in 0.001..2.0_f64, short: bool,
    ) {
        let data = MarketSeries::Bars(bars(&prices));
        let book = book(&prices.iter().map(|(_, close)| close.max(5.0)).collect::<Vec<_>>(), size);
        for policy in ["rule:random", "twap", "cycle:0.3,0", "nothing"] {
            played(ReplayEnvironment::ExecutionPd, &data, policy, &options);
            played(ReplayEnvironment::ExecutionEteo, &book, policy, &options);
        }
        played(ReplayEnvironment::ExecutionEteo, &book, "order:0.1@bid0", &options);
        let options = CorrectedOptions { allow_short: Some(short), ..options };
        for policy in ["rule:random", "mod:11", "oracle"] {
            played(ReplayEnvironment::Hft, &book, policy, &options);
        }
    }
}
