//! The corrected environment's books, by hand and under random actions.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

mod support;

use std::sync::Arc;

use engine::config::{FillRule, MatchingConfig, RiskConfig, SplitConfig, StrategyConfig};
use engine::environment::observation::AccountObservation;
use engine::environment::{Action, Environment, SingleAsset, StepResult, build, prepare};
use engine::market::synthetic;
use engine::matching::BarExchange;
use engine::matching::bars::Market;
use engine::num::Money;
use engine::portfolio::Ledger;
use engine::risk::{Funds, Terms};
use engine::session::step::{Decider, Seen};
use proptest::prelude::*;
use support::{EveryBit, chance, config, prices, strategy, whole};

fn near(found: f64, wanted: f64) {
    assert!(
        (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0),
        "found {found}, wanted {wanted}"
    );
}

fn by_hand(change: impl FnOnce(&mut StrategyConfig)) -> StrategyConfig {
    let mut strategy = strategy(|config| {
        config.initial_cash = 1000.0;
        config.backward_bars = 1;
        config.lot_share = 0.5;
        config.position_limit_lots = 2;
    });
    strategy.matching =
        MatchingConfig { fee_rate: 0.01, slippage_bps: 0.0, fill: FillRule::NextOpen };
    change(&mut strategy);
    strategy
}

#[test]
fn an_episode_is_the_one_done_by_hand() {
    let market = prices(&[100.0, 102.0, 108.0, 120.0], &[100.0, 105.0, 110.0, 115.0]);
    let mut environment = SingleAsset::new(&by_hand(|_| {}), market).unwrap();
    assert_eq!((environment.action_count(), environment.steps_per_episode()), (3, 3));

    // One lot is 1000 · 0.5 / 100 = 5 units, bought at the next open: 510 and a fee of 5.10.
    let first = environment.step(Action::Discrete(2));
    near(environment.snapshot().cash, 484.9);
    near(environment.equity(), 1009.9);
    near(first.reward, (1009.9_f64 / 1000.0).ln());

    // The second lot costs 530.25 at the close of 105: the account has 484.90.
    let second = environment.step(Action::Discrete(2));
    let account = environment.snapshot();
    assert_eq!((account.cut_count, account.refusal_count, account.last_fill), (1, 0, None));
    near(environment.equity(), 1034.9);
    near(second.reward, (1034.9_f64 / 1009.9).ln());

    // Sold at the open of 120: 600 less 6.
    let third = environment.step(Action::Discrete(0));
    near(environment.equity(), 1078.9);
    near(environment.snapshot().costs, 11.1);
    assert_eq!((third.terminated, third.truncated), (false, true));

    // Nothing follows: no reward is paid twice.
    assert_eq!(
        environment.step(Action::Discrete(2)),
        StepResult { reward: 0.0, terminated: false, truncated: true }
    );
    near(environment.equity(), 1078.9);
}

#[test]
fn the_same_close_option_fills_at_the_close_just_observed() {
    let market = prices(&[100.0, 200.0], &[100.0, 110.0]);
    let strategy = by_hand(|strategy| strategy.matching.fill = FillRule::SameClose);
    let mut environment = SingleAsset::new(&strategy, market).unwrap();
    environment.step(Action::Discrete(2));
    near(environment.equity(), 1000.0 - 500.0 - 5.0 + 550.0);
}

#[test]
fn slippage_is_paid_on_both_sides() {
    let market = prices(&[100.0; 3], &[100.0; 3]);
    let strategy = by_hand(|strategy| {
        strategy.matching.fee_rate = 0.0;
        strategy.matching.slippage_bps = 100.0;
    });
    let mut environment = SingleAsset::new(&strategy, market).unwrap();
    environment.step(Action::Discrete(2));
    environment.step(Action::Discrete(0));
    near(environment.equity(), 1000.0 - 2.0 * 5.0);
    near(environment.snapshot().costs, 10.0);
}

#[test]
fn what_a_gap_made_too_dear_is_cut_at_the_fill() {
    let market = prices(&[100.0, 250.0, 100.0], &[100.0, 100.0, 100.0]);
    let mut environment = SingleAsset::new(&by_hand(|_| {}), market).unwrap();
    environment.step(Action::Discrete(2));
    let account = environment.snapshot();
    assert_eq!((account.last_fill, account.cut_count), (None, 1));
    near(account.cash, 1000.0);
}

#[test]
fn a_refusal_of_the_risk_review_is_a_counted_no_op() {
    let market = prices(&[100.0; 4], &[100.0; 4]);
    let strategy = by_hand(|strategy| {
        strategy.risk = RiskConfig { max_position: Some(4.9), max_notional: None }
    });
    let mut environment = SingleAsset::new(&strategy, market).unwrap();
    let result = environment.step(Action::Discrete(2));
    near(result.reward, 0.0);
    assert_eq!(environment.snapshot().refusal_count, 1);
    near(environment.snapshot().position, 0.0);
}

#[test]
fn a_short_earns_when_the_price_falls_and_ruin_ends_the_episode() {
    let short = |closes: &[f64]| {
        let strategy = by_hand(|strategy| {
            let engine::config::EnvironmentConfig::AlgorithmicTrading(config) =
                &mut strategy.environment
            else {
                panic!("the tests trade one instrument");
            };
            config.allow_short = true;
            strategy.matching.fee_rate = 0.0;
        });
        let mut environment = SingleAsset::new(&strategy, prices(&[100.0; 3], closes)).unwrap();
        let result = environment.step(Action::Discrete(0));
        (environment, result)
    };
    let (fallen, _) = short(&[100.0, 80.0, 80.0]);
    near(fallen.equity(), 1100.0);
    let (mut ruined, result) = short(&[100.0, 400.0, 100.0]);
    near(ruined.equity(), -500.0);
    assert!(result.terminated && !result.truncated);
    near(result.reward, 1e-3_f64.ln());
    assert!(ruined.step(Action::Discrete(2)).terminated);
    near(ruined.equity(), -500.0);
}

#[test]
fn observations_end_with_the_cash_share_and_the_position_share() {
    let strategy = strategy(|_| {});
    let bars = synthetic::generate(5, 80);
    let mut environment = SingleAsset::new(&strategy, whole(&strategy, &bars)).unwrap();
    let names = environment.observation_names();
    assert_eq!(names.len(), 82);
    assert_eq!(
        (names[0].as_str(), names[4].as_str(), names[5].as_str()),
        ("high[-4]", "high[0]", "low[-4]")
    );
    assert_eq!((names[80].as_str(), names[81].as_str()), ("cash", "position"));
    environment.step(Action::Discrete(2));
    let mut seen = vec![0.0_f32; 82];
    environment.observe(&mut seen);
    let account = environment.snapshot();
    assert!((f64::from(seen[80]) - account.cash / 100_000.0).abs() < 1e-6);
    assert!((seen[81] - 0.1).abs() < 1e-7);
    let row = account.bar_index;
    let first = whole(&strategy, &bars).feature(0)[row - 4..=row].to_vec();
    assert_eq!(seen[..5], first);
}

#[test]
fn refuses_data_that_is_too_short_and_starts_that_leave_no_step() {
    let strategy = by_hand(|_| {});
    assert!(SingleAsset::new(&strategy, prices(&[1.0], &[1.0])).is_err());
    let mut environment = SingleAsset::new(&strategy, prices(&[1.0; 4], &[1.0; 4])).unwrap();
    assert!(environment.reset_at(3).is_err());
    environment.reset_at(2).unwrap();
    assert!(environment.step(Action::Discrete(1)).truncated);
}

/// Back-test and live decide by the same functions: driving them by hand gives the environment's account to the bit.
#[test]
fn deciding_step_by_step_outside_the_environment_gives_the_same_account() {
    let mut strategy = strategy(|config| config.allow_short = true);
    strategy.matching.slippage_bps = 3.0;
    strategy.risk.max_notional = Some(11_000.0);
    let prepared =
        prepare(&strategy, &synthetic::generate(11, 900), &SplitConfig::default(), None).unwrap();
    let market = prepared.train;
    let mut environment = SingleAsset::new(&strategy, Arc::clone(&market)).unwrap();
    let (mut inside, mut outside) =
        (Decider::new(Box::new(EveryBit), 82), Decider::new(Box::new(EveryBit), 82));

    let window = config(&strategy).backward_bars as usize;
    let first = market.close()[window - 1].get();
    let cash = config(&strategy).initial_cash;
    let lot = engine::num::Quantity::new(cash * config(&strategy).lot_share / first).unwrap();
    let exchange = BarExchange::new(strategy.matching.clone(), lot);
    let mut ledger = Ledger::new(Money::new(cash).unwrap());
    let (mut lots, mut fills) = (0_i64, 0);
    for row in window - 1..market.rows() - 1 {
        let action = inside.action(|out| environment.observe(out)).unwrap();
        environment.step(Action::Discrete(action));
        let funds = Funds { cash: ledger.cash(), position: ledger.position().quantity() };
        let terms = Terms { lot, price: market.close()[row], fee_rate: strategy.matching.fee_rate };
        let seen = Seen {
            market: &market,
            row,
            window,
            observed: AccountObservation::corrected(ledger.cash(), lots, config(&strategy)),
            account: engine::environment::action::AccountView { lots, funds, terms },
        };
        let decision = outside.order(&seen, &environment.rules(), &strategy.risk).unwrap();
        if let Some(order) = decision.order {
            let prices = Market { close: market.close()[row], next_open: market.open()[row + 1] };
            if let Some(fill) = exchange.execute(&order, &prices, &funds).unwrap() {
                ledger.apply(&fill);
                lots += (fill.quantity.get() / lot.get()).round() as i64;
                fills += 1;
            }
        }
        assert_eq!(
            ledger.equity(market.close()[row + 1]).to_bits(),
            environment.equity().to_bits()
        );
    }
    assert!(fills > 10, "the test has to trade to mean anything: {fills} fills");
    assert_eq!(&ledger, environment.ledger());
    let account = environment.snapshot();
    assert!(
        account.refusal_count > 0 && account.cut_count > 0,
        "neither refused nor cut: {account:?}"
    );
}

#[test]
fn a_saved_state_goes_on_exactly_where_it_was() {
    for strategy in [strategy(|config| config.allow_short = true), support::faithful()] {
        let market = whole(&strategy, &synthetic::generate(3, 200));
        let mut whole_run = build(&strategy, Arc::clone(&market)).unwrap();
        let mut other = build(&strategy, market).unwrap();
        whole_run.reset_at(7).unwrap();
        let mut stream = chance(4);
        for _ in 0..60 {
            whole_run.step(Action::Discrete(stream.below(3) as usize));
        }
        let saved = whole_run.save();
        other.load(&saved).unwrap();
        assert_eq!(other.save(), saved);
        let (mut left, mut right) = (vec![0.0; 82], vec![0.0; 82]);
        for _ in 0..60 {
            whole_run.observe(&mut left);
            other.observe(&mut right);
            assert_eq!(left, right);
            let action = stream.below(3) as usize;
            assert_eq!(
                whole_run.step(Action::Discrete(action)),
                other.step(Action::Discrete(action))
            );
            assert_eq!(whole_run.snapshot(), other.snapshot());
        }
        assert_eq!(whole_run.save(), other.save());
    }
}

#[test]
fn a_damaged_or_foreign_state_is_refused_and_changes_nothing() {
    let strategy = strategy(|_| {});
    let market = whole(&strategy, &synthetic::generate(3, 120));
    let mut environment = build(&strategy, market).unwrap();
    environment.step(Action::Discrete(2));
    let good = environment.save();
    let longer = [good.as_slice(), &[0]].concat();
    for bytes in [&b""[..], &good[..good.len() - 1], &longer, &b"TMFA0001"[..]] {
        assert!(environment.load(bytes).is_err());
    }
    for position in (8..good.len()).step_by(8) {
        let mut changed = good.clone();
        changed[position + 6] ^= 0x55;
        changed[position] ^= 0x2A;
        if environment.load(&changed).is_ok() {
            // Counters may be any number; whatever is taken must be taken exactly.
            assert_eq!(environment.save(), changed);
            environment.load(&good).unwrap();
        }
        assert_eq!(environment.save(), good);
    }
    let other = whole(&strategy, &synthetic::generate(3, 121));
    assert!(build(&strategy, other).unwrap().load(&good).is_err());
}

#[derive(Debug, Clone)]
struct Case {
    seed: u64,
    volume: u32,
    limit: u32,
    lot_share: f64,
    allow_short: bool,
    matching: MatchingConfig,
}

fn cases() -> impl Strategy<Value = Case> {
    let fill = prop_oneof![Just(FillRule::NextOpen), Just(FillRule::SameClose)];
    (
        0..1000_u64,
        1..5_u32,
        1..20_u32,
        0.01..1.0_f64,
        any::<bool>(),
        (0.0..0.05_f64, 0.0..200.0_f64, fill),
    )
        .prop_map(
            |(seed, volume, limit, lot_share, allow_short, (fee_rate, slippage_bps, fill))| Case {
                seed,
                volume,
                limit,
                lot_share,
                allow_short,
                matching: MatchingConfig { fee_rate, slippage_bps, fill },
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn under_random_actions_books_balance_bounds_hold_and_rewards_add_up(case in cases()) {
        let mut strategy = strategy(|config| {
            config.max_volume = case.volume;
            config.position_limit_lots = case.limit;
            config.lot_share = case.lot_share;
            config.allow_short = case.allow_short;
        });
        strategy.matching = case.matching.clone();
        let market = whole(&strategy, &synthetic::generate(case.seed, 150));
        let mut environment = SingleAsset::new(&strategy, Arc::clone(&market)).unwrap();
        let mut stream = chance(case.seed);
        let (mut rewards, mut steps) = (0.0, 0);
        let mut seen = vec![0.0_f32; environment.observation_len()];
        loop {
            let action = stream.below(2 * case.volume + 1) as usize;
            let before = environment.snapshot();
            let result = environment.step(Action::Discrete(action));
            let account = environment.snapshot();
            (rewards, steps) = (rewards + result.reward, steps + 1);
            environment.observe(&mut seen);
            prop_assert!(seen.iter().all(|value| value.is_finite()));
            let mark = market.close()[account.bar_index];
            prop_assert!(environment.ledger().identity_error(mark) <= 1e-9);
            let lots = account.position / account.lot;
            prop_assert!(lots.abs() <= f64::from(case.limit) + 1e-9);
            prop_assert!((lots - lots.round()).abs() < 1e-6);
            if !case.allow_short {
                prop_assert!(account.position >= 0.0);
                prop_assert!(account.cash >= -1e-6);
            }
            let costs = account.costs - before.costs;
            prop_assert!(costs >= 0.0);
            if let Some(fill) = account.last_fill {
                let market_price = match case.matching.fill {
                    FillRule::NextOpen => market.open()[account.bar_index],
                    FillRule::SameClose => market.close()[before.bar_index],
                };
                let worse = (fill.price.get() - market_price.get()) * fill.quantity.get().signum();
                prop_assert!(worse >= 0.0);
                prop_assert!(fill.quantity.get().abs() <= f64::from(case.volume) * account.lot * (1.0 + 1e-12));
            } else {
                prop_assert!(costs == 0.0);
            }
            if result.ended() {
                if result.truncated {
                    prop_assert_eq!(steps, environment.steps_per_episode());
                    prop_assert!((rewards - (environment.equity() / 100_000.0).ln()).abs() < 1e-9);
                }
                break;
            }
        }
    }
}
