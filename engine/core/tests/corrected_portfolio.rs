//! The corrected portfolio environment, by hand and under random data and weights.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(clippy::float_cmp, reason = "exactness is what is tested")]

use std::sync::Arc;

use engine::config::{FillRule, MatchingConfig, PortfolioConfig, PortfolioUnits, RiskConfig};
use engine::environment::{Action, Environment, PanelData, Portfolio, StepResult};
use engine::rng::{Stream, StreamId};
use proptest::prelude::*;

fn near(found: f64, wanted: f64) {
    assert!(
        (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0),
        "found {found}, wanted {wanted}"
    );
}

fn panel(instruments: &[&str], open: &[f64], close: &[f64]) -> Arc<PanelData> {
    PanelData::from_prices(instruments, open, close).unwrap().shared()
}

fn config() -> PortfolioConfig {
    PortfolioConfig { initial_cash: 1000.0, window_bars: 1, ..PortfolioConfig::default() }
}

fn costs(fee_rate: f64) -> MatchingConfig {
    MatchingConfig { fee_rate, slippage_bps: 0.0, fill: FillRule::NextOpen }
}

fn built(config: &PortfolioConfig, costs: &MatchingConfig, panel: Arc<PanelData>) -> Portfolio {
    Portfolio::new(config, costs, &RiskConfig::default(), panel).unwrap()
}

#[test]
fn an_episode_is_the_one_done_by_hand() {
    // A opens where it closed, B gaps up from 50 to 60 before it can be bought.
    let data = panel(
        &["A", "B"],
        &[100.0, 50.0, 100.0, 60.0, 110.0, 60.0],
        &[100.0, 50.0, 110.0, 60.0, 99.0, 66.0],
    );
    let mut environment = built(&config(), &costs(0.01), data);
    // Half into A, nothing into B: mu = 1 − 0.01·mu/2, so that mu = 1/1.005 and A gets 500/1.005.
    let first = environment.step(Action::Vector(&[0.5, 0.5, 0.0]));
    let bought = 500.0 / 1.005 / 100.0;
    near(environment.holdings()[0].quantity, bought);
    near(environment.cash(), 1000.0 - bought * 101.0);
    near(environment.equity(), 1000.0 - bought + bought * 10.0);
    near(first.reward, (environment.equity() / 1000.0).ln());
    near(environment.snapshot().costs, bought);

    // All into cash: A is sold at the open of 110 and pays 1.10 a unit.
    let before = environment.equity();
    let second = environment.step(Action::Vector(&[1.0, 0.0, 0.0]));
    near(environment.equity(), before - bought * 1.1);
    assert_eq!(environment.holdings()[0].quantity, 0.0);
    assert!(second.truncated && !second.terminated);
    let sold = environment.last_fills();
    assert_eq!((sold.len(), sold[0].0), (1, 0));
    near(sold[0].1.price.get(), 110.0);

    // Nothing follows: no reward is paid twice.
    let after = environment.step(Action::Vector(&[0.0, 1.0, 0.0]));
    assert_eq!(after, StepResult { reward: 0.0, terminated: false, truncated: true });
}

#[test]
fn a_gap_up_cuts_all_purchases_by_the_same_share() {
    let data = panel(&["A", "B"], &[100.0, 50.0, 110.0, 55.0], &[100.0, 50.0, 110.0, 55.0]);
    let mut environment = built(&config(), &costs(0.0), data);
    environment.step(Action::Vector(&[0.0, 0.4, 0.6]));
    near(environment.cash(), 0.0);
    let held = environment.holdings();
    near(held[0].quantity, 4.0 / 1.1);
    near(held[1].quantity, 12.0 / 1.1);
    assert_eq!(environment.snapshot().cut_count, 2);
}

#[test]
fn whole_lots_leave_the_change_in_cash() {
    let data = panel(&["A"], &[300.0, 300.0, 300.0], &[300.0, 300.0, 300.0]);
    let lots = PortfolioConfig { units: PortfolioUnits::WholeLots, ..config() };
    let mut environment = built(&lots, &costs(0.0), data);
    environment.step(Action::Vector(&[0.0, 1.0]));
    assert_eq!(environment.holdings()[0].quantity, 3.0);
    near(environment.cash(), 100.0);
}

#[test]
fn weights_of_nothing_mean_cash() {
    let data = panel(&["A"], &[10.0, 10.0, 10.0], &[10.0, 10.0, 12.0]);
    let mut environment = built(&config(), &costs(0.01), data);
    environment.step(Action::Vector(&[0.0, 1.0]));
    environment.step(Action::Vector(&[0.0, 0.0]));
    assert_eq!(environment.holdings()[0].quantity, 0.0);
    near(environment.equity(), environment.cash());
}

#[test]
fn the_same_close_option_leaves_exactly_the_share_that_the_costs_leave() {
    let data = panel(&["A", "B"], &[9.0, 9.0, 500.0, 1.0], &[10.0, 20.0, 10.0, 20.0]);
    let same_close = MatchingConfig { fill: FillRule::SameClose, ..costs(0.02) };
    let mut environment = built(&config(), &same_close, data);
    environment.step(Action::Vector(&[0.0, 0.5, 0.5]));
    near(environment.equity(), 1000.0 / 1.02);
    near(environment.cash(), 0.0);
}

#[test]
fn what_has_no_bar_is_not_traded_keeps_its_price_and_is_settled_in_the_end() {
    // A disappears after the second bar.
    let close = [10.0, 10.0, 12.0, 10.0, 0.0, 10.0, 0.0, 11.0, 0.0, 11.0];
    let data = panel(&["A", "B"], &close, &close);
    let settled = PortfolioConfig { absent_bars_max: 2, ..config() };
    let mut environment = built(&settled, &costs(0.0), data);
    // Bought at the open of 12, for which the money for 10 does not suffice: cut to 1000 / 12.
    environment.step(Action::Vector(&[0.0, 1.0, 0.0]));
    near(environment.holdings()[0].quantity, 1000.0 / 12.0);
    // The order to sell expires: there is no bar to sell on.
    environment.step(Action::Vector(&[0.0, 0.0, 1.0]));
    assert!(environment.last_fills().is_empty());
    near(environment.equity(), 1000.0);
    assert!(environment.remarks().is_empty());
    // B is wanted, but all money is held in A; then A has been absent for two bars.
    environment.step(Action::Vector(&[0.0, 0.0, 1.0]));
    near(environment.cash(), 1000.0);
    assert_eq!(environment.remarks().len(), 1);
    assert!(environment.remarks()[0].contains('A') && environment.remarks()[0].contains("12"));
    environment.step(Action::Vector(&[0.0, 0.0, 1.0]));
    near(environment.holdings()[1].quantity, 1000.0 / 11.0);
}

#[test]
fn a_refusal_of_the_risk_review_is_counted_and_nothing_else() {
    let data = panel(&["A", "B"], &[10.0; 4], &[10.0; 4]);
    let limits = RiskConfig { max_position: None, max_notional: Some(400.0) };
    let mut environment = Portfolio::new(&config(), &costs(0.0), &limits, data).unwrap();
    environment.step(Action::Vector(&[0.0, 0.6, 0.4]));
    assert_eq!(environment.snapshot().refusal_count, 1);
    let held = environment.holdings();
    assert_eq!((held[0].quantity, held[1].quantity), (0.0, 40.0));
}

#[test]
fn refuses_data_that_is_too_short() {
    let ten = PortfolioConfig { window_bars: 3, ..config() };
    let data = panel(&["A"], &[1.0; 3], &[1.0; 3]);
    assert!(Portfolio::new(&ten, &costs(0.0), &RiskConfig::default(), data).is_err());
}

/// Random prices with gaps: instruments are absent now and then, and some leave for good.
fn random_panel(seed: u64, rows: usize, assets: usize, gaps: bool) -> (Vec<f64>, Vec<f64>) {
    let mut stream = Stream::new(seed, StreamId::Synthesis, 5);
    let (mut open, mut close) = (Vec::new(), Vec::new());
    let mut last: Vec<f64> = (0..assets).map(|_| 1.0 + 200.0 * stream.uniform()).collect();
    for _ in 0..rows {
        for (asset, last) in last.iter_mut().enumerate() {
            let first = *last * (0.05 * stream.normal()).exp();
            *last = first * (0.05 * stream.normal()).exp();
            let absent = gaps && 0 < asset && stream.uniform() < 0.15;
            open.push(if absent { 0.0 } else { first });
            close.push(if absent { 0.0 } else { *last });
        }
    }
    (open, close)
}

fn random_weights(stream: &mut Stream, count: usize) -> Vec<f64> {
    let raw: Vec<f64> =
        (0..count).map(|_| if stream.uniform() < 0.3 { 0.0 } else { stream.uniform() }).collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|weight| if sum > 0.0 { weight / sum } else { 0.0 }).collect()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("I{index}")).collect()
}

#[derive(Debug, Clone)]
struct Case {
    seed: u64,
    assets: usize,
    gaps: bool,
    costs: MatchingConfig,
    units: PortfolioUnits,
}

fn cases() -> impl Strategy<Value = Case> {
    let fill = prop_oneof![Just(FillRule::NextOpen), Just(FillRule::SameClose)];
    let units = prop_oneof![Just(PortfolioUnits::Fractional), Just(PortfolioUnits::WholeLots)];
    (0..10_000_u64, 1..8_usize, any::<bool>(), (0.0..0.05_f64, 0.0..200.0_f64, fill), units)
        .prop_map(|(seed, assets, gaps, (fee_rate, slippage_bps, fill), units)| Case {
            seed,
            assets,
            gaps,
            costs: MatchingConfig { fee_rate, slippage_bps, fill },
            units,
        })
}

fn of(case: &Case, open: &[f64], close: &[f64]) -> Portfolio {
    let names = names(case.assets);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let config = PortfolioConfig {
        initial_cash: 100_000.0,
        window_bars: 2,
        units: case.units,
        lot_units: 0.5,
        absent_bars_max: 2,
        ..PortfolioConfig::default()
    };
    built(&config, &case.costs, panel(&names, open, close))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn books_balance_bounds_hold_and_rewards_add_up(case in cases()) {
        let (open, close) = random_panel(case.seed, 60, case.assets, case.gaps);
        let mut environment = of(&case, &open, &close);
        let mut stream = Stream::new(case.seed, StreamId::Exploration, 1);
        let (mut rewards, mut steps) = (0.0, 0);
        let mut seen = vec![0.0_f32; environment.observation_len()];
        loop {
            let weights = random_weights(&mut stream, case.assets + 1);
            let row = environment.snapshot().bar_index;
            let result = environment.step(Action::Vector(&weights));
            (rewards, steps) = (rewards + result.reward, steps + 1);
            let account = environment.snapshot();
            environment.observe(&mut seen);
            prop_assert!(seen.iter().all(|value| value.is_finite()));
            // Cash and holdings are the equity; nobody owes and nobody is short.
            let held: f64 = environment.holdings().iter().map(|one| one.value).sum();
            prop_assert!((account.cash + held - account.equity).abs() <= 1e-9 * account.equity);
            prop_assert!(-1e-9 * account.equity <= account.cash);
            prop_assert!(environment.holdings().iter().all(|one| 0.0 <= one.quantity));
            // Start + profit and loss − fees = equity, over all ledgers.
            let now = &close[account.bar_index * case.assets..(account.bar_index + 1) * case.assets];
            let mut wanted = 100_000.0;
            for (ledger, holding) in environment.ledgers().iter().zip(environment.holdings()) {
                let cost = ledger.position().quantity() * ledger.position().average_price();
                wanted += ledger.realised() + holding.value - cost - ledger.fees();
            }
            prop_assert!((wanted - account.equity).abs() <= 1e-9 * 100_000.0_f64.max(account.equity));
            // No fill is better than the market, and nothing trades that has no bar.
            for (index, fill) in environment.last_fills() {
                let delisting = fill.fee.get() == 0.0 && now[index] == 0.0;
                if delisting {
                    continue;
                }
                let market = match case.costs.fill {
                    FillRule::NextOpen => open[(row + 1) * case.assets + index],
                    FillRule::SameClose => close[row * case.assets + index],
                };
                prop_assert!(0.0 < market);
                let better = (market - fill.price.get()) * fill.quantity.get().signum();
                prop_assert!(better <= 1e-12 * market, "{fill:?} at {market}");
            }
            if result.ended() {
                break;
            }
        }
        prop_assert_eq!(steps, 58);
        let growth = (environment.equity() / 100_000.0).ln();
        prop_assert!((rewards - growth).abs() <= 1e-9, "{rewards} {growth}");
    }

    #[test]
    fn permuting_instruments_permutes_results(case in cases()) {
        let (open, close) = random_panel(case.seed, 40, case.assets, case.gaps);
        let turned = |prices: &[f64]| -> Vec<f64> {
            prices.chunks(case.assets).flat_map(|row| row.iter().rev().copied()).collect()
        };
        // Whole lots may differ by the rounding of a sum in another order: fractions must not.
        let case = Case { units: PortfolioUnits::Fractional, ..case };
        let mut left = of(&case, &open, &close);
        let mut right = of(&case, &turned(&open), &turned(&close));
        let mut stream = Stream::new(case.seed, StreamId::Exploration, 2);
        loop {
            let weights = random_weights(&mut stream, case.assets + 1);
            let mut mirrored = weights.clone();
            mirrored[1..].reverse();
            let result = left.step(Action::Vector(&weights));
            let other = right.step(Action::Vector(&mirrored));
            prop_assert!((result.reward - other.reward).abs() < 1e-9);
            let mut held = right.holdings();
            held.reverse();
            for (one, two) in left.holdings().iter().zip(held) {
                prop_assert!((one.value - two.value).abs() <= 1e-9 * left.equity());
            }
            if result.ended() {
                break;
            }
        }
    }

    #[test]
    fn a_saved_state_goes_on_and_a_damaged_one_is_refused(case in cases(), position in 0_usize..400) {
        let (open, close) = random_panel(case.seed, 40, case.assets, case.gaps);
        let mut left = of(&case, &open, &close);
        let mut right = of(&case, &open, &close);
        let mut stream = Stream::new(case.seed, StreamId::Exploration, 3);
        for _ in 0..15 {
            left.step(Action::Vector(&random_weights(&mut stream, case.assets + 1)));
        }
        let saved = left.save();
        right.load(&saved).unwrap();
        prop_assert_eq!(&right.save(), &saved);
        let mut changed = saved.clone();
        changed[position % saved.len()] ^= 0x41;
        if right.load(&changed).is_err() {
            prop_assert_eq!(&right.save(), &saved);
        } else {
            right.load(&saved).unwrap();
        }
        prop_assert!(right.load(&saved[..saved.len() - 1]).is_err());
        for _ in 0..15 {
            let weights = random_weights(&mut stream, case.assets + 1);
            prop_assert_eq!(left.step(Action::Vector(&weights)), right.step(Action::Vector(&weights)));
        }
        prop_assert_eq!(left.save(), right.save());
    }

    #[test]
    fn the_future_changes_nothing_seen_or_earned_before(case in cases(), last in 5_usize..30) {
        let (open, close) = random_panel(case.seed, 40, case.assets, case.gaps);
        let (other_open, other_close) = random_panel(case.seed + 1, 40, case.assets, case.gaps);
        let cut = (last + 1) * case.assets;
        let spliced = |old: &[f64], new: &[f64]| [&old[..cut], &new[cut..]].concat();
        let mut left = of(&case, &open, &close);
        let mut right = of(&case, &spliced(&open, &other_open), &spliced(&close, &other_close));
        let mut stream = Stream::new(case.seed, StreamId::Exploration, 4);
        let (mut one, mut two) =
            (vec![0.0; left.observation_len()], vec![0.0; left.observation_len()]);
        while left.snapshot().bar_index < last {
            let weights = random_weights(&mut stream, case.assets + 1);
            let (this, that) =
                (left.step(Action::Vector(&weights)), right.step(Action::Vector(&weights)));
            prop_assert_eq!(this.reward.to_bits(), that.reward.to_bits());
            left.observe(&mut one);
            right.observe(&mut two);
            prop_assert_eq!(&one, &two);
        }
    }
}
