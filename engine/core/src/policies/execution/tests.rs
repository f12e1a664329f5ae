//! Schedules done by hand and in their limits, then what must hold of all of them.

use proptest::prelude::*;

use super::*;
use crate::config::ExecutionConfig;
use crate::config::agents::RuleConfig;
use crate::config::policy::{AlmgrenChrissConfig, TwapConfig, VwapConfig};
use crate::policies::relatives::Seen;
use crate::policies::rules::PortfolioView;
use crate::policies::{Past, VectorPolicy, VectorView};

fn model(risk_aversion: f64) -> AlmgrenChriss {
    AlmgrenChriss::new(&AlmgrenChrissConfig { risk_aversion, ..AlmgrenChrissConfig::default() })
        .unwrap()
}

#[test]
fn twap_is_equal_slices() {
    assert_eq!(twap(-10.0, &TwapConfig { slices: 4 }).unwrap(), [-2.5; 4]);
    assert!(twap(f64::NAN, &TwapConfig::default()).is_err());
    assert!(twap(1.0, &TwapConfig { slices: 0 }).is_err());
}

#[test]
fn vwap_follows_the_newest_past_days() {
    let past = vec![vec![9.0, 1.0], vec![1.0, 3.0], vec![0.0, 0.0], vec![3.0, 1.0]];
    let profile = VolumeProfile::estimate(&past, &VwapConfig { days: 3 }).unwrap();
    assert_eq!(profile.shares(), [0.5, 0.5]);
    let whole = VolumeProfile::estimate(&past[..1], &VwapConfig { days: 3 }).unwrap();
    assert_eq!(whole.schedule(20.0).unwrap(), [18.0, 2.0]);
    assert_eq!(whole.next(10.0, 0), Some(9.0));
    assert_eq!(whole.next(10.0, 1), Some(10.0));
    assert_eq!(whole.next(10.0, 2), None);
}

#[test]
fn vwap_refuses_a_past_that_says_nothing() {
    let config = VwapConfig::default();
    for past in [
        vec![],
        vec![vec![]],
        vec![vec![0.0, 0.0]],
        vec![vec![1.0, 2.0], vec![1.0]],
        vec![vec![1.0, -1.0]],
        vec![vec![1.0, f64::NAN]],
    ] {
        assert!(VolumeProfile::estimate(&past, &config).is_err(), "{past:?}");
    }
}

#[test]
fn the_published_example_has_the_published_urgency() {
    // Almgren and Chriss 2000: κ is about 0.61 per day for a risk aversion of 1e-6.
    assert!((model(1e-6).urgency() - 0.61).abs() < 0.005, "{}", model(1e-6).urgency());
}

#[test]
fn cost_and_variance_are_those_done_by_hand() {
    // A million shares evenly over five days: ½·2.5e-7·1e12 + 0.0625·1e6 + 2.375e-6·1e12/5.
    let model = model(0.0);
    let even = model.schedule(1e6).unwrap();
    assert!((model.expected_cost(&even) - (125_000.0 + 62_500.0 + 475_000.0)).abs() < 1e-6);
    // 0.95²·(0.8² + 0.6² + 0.4² + 0.2²)·1e12
    assert!((model.variance(&even) / (0.9025 * 1.2e12) - 1.0).abs() < 1e-12);
    // All at once: no risk, five times the temporary impact.
    let at_once = [1e6, 0.0, 0.0, 0.0, 0.0];
    assert!(model.variance(&at_once).abs() < 1e-6);
    assert!((model.expected_cost(&at_once) - (187_500.0 + 2_375_000.0)).abs() < 1e-6);
}

#[test]
fn without_risk_aversion_it_is_twap_and_with_much_it_is_at_once() {
    assert!(model(0.0).schedule(10.0).unwrap().iter().all(|part| (part - 2.0).abs() < 1e-12));
    assert!(model(1e-18).schedule(10.0).unwrap().iter().all(|part| (part - 2.0).abs() < 1e-6));
    let urgent = model(1e3).schedule(10.0).unwrap();
    assert!(urgent[0] > 9.99 && urgent[4] < 1e-9, "{urgent:?}");
    // Far beyond what sinh can hold.
    let most = model(1e9).trajectory(-10.0).unwrap();
    assert!(most.iter().all(|left| left.is_finite()) && most[1].abs() < 1e-3);
}

#[test]
fn refuses_an_impact_under_which_waiting_pays() {
    let config = AlmgrenChrissConfig { permanent_impact: 1.0, ..AlmgrenChrissConfig::default() };
    assert!(AlmgrenChriss::new(&config).is_err());
    assert!(model(0.0).schedule(f64::INFINITY).is_err());
    assert!(model(0.0).frontier(1.0, &[-1.0]).is_err());
    assert!(model(0.0).frontier(1.0, &[f64::NAN]).is_err());
}

#[test]
fn the_shortfall_is_the_one_done_by_hand() {
    // 100 wanted at 10; 60 bought at 10.1, 20 at 10.2, 20 missed and now at 11; fees 3.
    let inputs = ShortfallInputs {
        amount: 100.0,
        decision_price: 10.0,
        fills: &[(60.0, 10.1), (20.0, 10.2)],
        fees: 3.0,
        final_price: 11.0,
    };
    let found = implementation_shortfall(&inputs).unwrap();
    assert!((found.execution - 10.0).abs() < 1e-9 && (found.opportunity - 20.0).abs() < 1e-9);
    assert!(
        (found.total - 33.0).abs() < 1e-9 && (found.basis_points.unwrap() - 330.0).abs() < 1e-6
    );
    // A sale below the price of the decision costs too.
    let sale = ShortfallInputs { amount: -10.0, fills: &[(-10.0, 9.5)], fees: 0.0, ..inputs };
    assert!((implementation_shortfall(&sale).unwrap().total - 5.0).abs() < 1e-12);
    for wrong in [
        ShortfallInputs { fills: &[(-1.0, 10.0)], ..inputs },
        ShortfallInputs { fills: &[(101.0, 10.0)], ..inputs },
        ShortfallInputs { fills: &[(1.0, 0.0)], ..inputs },
        ShortfallInputs { decision_price: f64::NAN, ..inputs },
    ] {
        assert!(implementation_shortfall(&wrong).is_err(), "{wrong:?}");
    }
}

fn seat(horizon_steps: usize, dimensions: usize) -> ExecutionSeat {
    ExecutionSeat { horizon_steps, bounds: vec![[0.0, 1.0], [-20.0, 20.0]][..dimensions].to_vec() }
}

fn view(step: usize, executed: f64, resting: f64, times: &[i64]) -> VectorView<'_> {
    let past = ExecutionView { step, executed, resting, time_ms: times, traded: None };
    VectorView { observation: &[], past: Past::Execution(past) }
}

fn share(policy: &mut Scheduled, view: &VectorView<'_>, dimensions: usize) -> Vec<f64> {
    let mut out = vec![9.0; dimensions];
    policy.decide(view, &mut out).unwrap();
    out
}

#[test]
fn a_schedule_orders_what_is_due_and_neither_executed_nor_at_rest() {
    let schedule = ExecutionConfig::Twap(TwapConfig { slices: 2 });
    let mut policy = Scheduled::new(&schedule, &seat(4, 2)).unwrap();
    let times = [0, 1, 2, 3, 4, 5];
    // Due after each step: 0.5, 0.5, 1, 1. On a book it crosses by as much as it may.
    assert_eq!(share(&mut policy, &view(0, 0.0, 0.0, &times[..3]), 2), [0.5, 20.0]);
    assert_eq!(share(&mut policy, &view(1, 0.5, 0.0, &times[..4]), 2), [0.0, 20.0]);
    assert_eq!(share(&mut policy, &view(2, 0.25, 0.25, &times[..5]), 2), [0.5, 20.0]);
    assert_eq!(share(&mut policy, &view(3, 0.25, 0.0, &times[..6]), 2), [0.75, 20.0]);
    // Rounding is no order, and nothing is traded back.
    assert_eq!(share(&mut policy, &view(3, 1.0 - 1e-12, 0.0, &times[..6]), 2), [0.0, 20.0]);
    assert_eq!(share(&mut policy, &view(0, 0.9, 0.0, &times[..3]), 2), [0.0, 20.0]);
}

#[test]
fn more_slices_than_steps_share_steps_and_at_once_is_the_first_step() {
    let times = [0, 1];
    for (schedule, wanted) in [
        (ExecutionConfig::Twap(TwapConfig { slices: 5 }), 0.6),
        (ExecutionConfig::AtOnce(RuleConfig {}), 1.0),
    ] {
        // Slices 0, 1 and 2 of 5 begin in the first of two steps.
        let mut policy = Scheduled::new(&schedule, &seat(2, 1)).unwrap();
        let found = share(&mut policy, &view(0, 0.0, 0.0, &times[..1]), 1)[0];
        assert!((found - wanted).abs() < 1e-12, "{found}");
        let found = share(&mut policy, &view(1, found, 0.0, &times), 1)[0];
        assert!((found + wanted - 1.0).abs() < 1e-12, "{found}");
    }
}

#[test]
fn execution_policies_refuse_what_is_no_execution() {
    let schedule = ExecutionConfig::default();
    assert!(Scheduled::new(&schedule, &seat(0, 1)).is_err());
    assert!(Scheduled::new(&schedule, &seat(5, 0)).is_err());
    let mut policy = Scheduled::new(&schedule, &seat(5, 1)).unwrap();
    assert!(policy.decide(&view(0, 0.0, 0.0, &[0]), &mut [0.0; 2]).is_err(), "too many numbers");
    let usual = ExecutionConfig::Vwap(VwapConfig::default());
    let mut policy = Scheduled::new(&usual, &seat(5, 1)).unwrap();
    let error = policy.decide(&view(0, 0.0, 0.0, &[0]), &mut [0.0]).unwrap_err();
    assert!(error.to_string().contains("twap"), "{error}");
    let holdings = [1.0, 0.0];
    let portfolio =
        PortfolioView { seen: Seen::new(1, &[]), holdings: &holdings, growth_net: None };
    let portfolio = VectorView { observation: &[], past: Past::Portfolio(portfolio) };
    assert!(policy.decide(&portfolio, &mut [0.0]).is_err());
    assert!(Idle.decide(&portfolio, &mut [0.0]).is_err());
}

proptest! {
    #[test]
    fn whatever_happens_orders_stay_within_bounds_and_all_is_due_at_the_end(
        slices in 1_u32..40,
        steps in 1_usize..30,
        executed in -0.5..1.5_f64,
        resting in 0.0..1.0_f64,
        step in 0_usize..40,
    ) {
        let times: Vec<i64> = (0..50).collect();
        let schedule = ExecutionConfig::Twap(TwapConfig { slices });
        let mut policy = Scheduled::new(&schedule, &seat(steps, 1)).unwrap();
        let found = share(&mut policy, &view(step, executed, resting, &times[..=step]), 1)[0];
        prop_assert!((0.0..=1.0).contains(&found));
        if steps <= step + 1 {
            let due = 1.0 - executed - resting;
            prop_assert!((found - due.clamp(0.0, 1.0)).abs() < 1e-8);
        }
    }

    #[test]
    fn schedules_trade_everything_and_earlier_slices_more(
        amount in -1e6..1e6_f64,
        aversion in -9.0..3.0_f64,
        slices in 1_u32..60,
    ) {
        let config = AlmgrenChrissConfig {
            slices,
            horizon_days: 1.0,
            risk_aversion: 10.0_f64.powf(aversion),
            ..AlmgrenChrissConfig::default()
        };
        let schedule = AlmgrenChriss::new(&config).unwrap().schedule(amount).unwrap();
        let sum: f64 = schedule.iter().sum();
        prop_assert!((sum - amount).abs() <= 1e-9 * amount.abs());
        prop_assert!(schedule.windows(2).all(|pair| pair[1].abs() <= pair[0].abs() + 1e-9 * amount.abs()));
    }

    /// The closed form is the best: no small exchange between two slices has a lower E + λV.
    #[test]
    fn no_exchange_between_slices_is_better(
        aversion in -8.0..-4.0_f64,
        from in 0_usize..5,
        to in 0_usize..5,
        moved in -0.2..0.2_f64,
    ) {
        let risk_aversion = 10.0_f64.powf(aversion);
        let model = model(risk_aversion);
        let objective = |schedule: &[f64]| model.expected_cost(schedule) + risk_aversion * model.variance(schedule);
        let best = model.schedule(1e6).unwrap();
        let mut other = best.clone();
        let part = moved * best[from];
        other[from] -= part;
        other[to] += part;
        prop_assume!(other.iter().all(|part| *part >= 0.0));
        prop_assert!(objective(&best) <= objective(&other) * (1.0 + 1e-12));
    }

    #[test]
    fn more_aversion_costs_more_and_risks_less(low in -9.0..-4.0_f64, step in 0.1..3.0_f64) {
        let aversions = [10.0_f64.powf(low), 10.0_f64.powf(low + step)];
        let points = model(0.0).frontier(1e6, &aversions).unwrap();
        prop_assert!(points[0].expected_cost < points[1].expected_cost);
        prop_assert!(points[1].variance < points[0].variance);
    }
}
