//! Online portfolio selection: golden wealth of two small tables that need no data, published wealth of the classic
//! sets where their files are there, and what must hold of every method.
//!
//! The classic sets are looked for as `$TM_TEST_DATA/olps/<set>.csv` (cumulative relatives); absent ones are named.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test finds its data by the environment and says what it skips"
)]

use std::path::PathBuf;

use engine::config::policy::{HindsightMethod, OnlineConfig, UniversalConfig, online_with};
use engine::policies::online::{Method, OnlineSelection, Period, Selection, ladder, replay, run};
use engine::policies::relatives::{Relatives, RelativesKind};
use proptest::prelude::*;

fn names(width: usize) -> Vec<String> {
    (0..width).map(|asset| format!("a{asset}")).collect()
}

/// Two assets: cash, and one that doubles and halves in turn.
fn two_assets(periods: usize) -> Relatives {
    let values = (0..periods).flat_map(|t| [1.0, if t % 2 == 0 { 2.0 } else { 0.5 }]).collect();
    Relatives::new(names(2), values).unwrap()
}

/// Five assets on sines.
fn syn5() -> Relatives {
    let value = |t: u32, i: u32| {
        (0.03 * (0.7 * f64::from(t) * f64::from(i + 1) + f64::from(i)).sin()).exp()
    };
    let values = (1..=250).flat_map(|t| (0..5).map(move |i| value(t, i))).collect();
    Relatives::new(names(5), values).unwrap()
}

fn method(name: &str) -> Method {
    match HindsightMethod::of(name) {
        Some(hindsight) => Method::Hindsight(hindsight),
        None => Method::Online(online_with(name, &[]).unwrap()),
    }
}

fn wealth(name: &str, relatives: &Relatives, cost: f64) -> f64 {
    run(&method(name), relatives, cost).unwrap().final_wealth()
}

fn assert_near(what: &str, found: f64, wanted: f64) {
    assert!((found / wanted - 1.0).abs() < 1e-6, "{what}: found {found}, wanted {wanted}");
}

#[test]
fn two_alternating_assets_give_the_golden_wealth() {
    let table = two_assets(20);
    for (name, wanted) in [
        ("crp", 1.125_f64.powi(10)),
        ("bcrp", 3.247_321_025),
        ("eg", 3.071_372_272),
        ("pamr", 768.0),
        ("cwmr_sd", 768.0),
        ("olmar1", 36.0),
    ] {
        assert_near(name, wealth(name, &table, 0.0), wanted);
    }
}

#[test]
fn five_sines_give_the_golden_wealth() {
    let table = syn5();
    for (name, free, charged) in [
        ("crp", 1.030_619_759, Some(1.028_112_660)),
        ("bcrp", 1.036_511_346, None),
        ("eg", 1.028_404_214, Some(1.026_001_677)),
        ("pamr", 12.176_621_23, Some(9.728_470_916)),
        ("cwmr_sd", 11.614_188_81, Some(9.299_535_983)),
        ("olmar1", 7.293_171_146, Some(6.245_944_327)),
        ("market", 0.987_084_705, None),
        ("best_stock", 1.006_288_310, None),
    ] {
        assert_near(name, wealth(name, &table, 0.0), free);
        if let Some(charged) = charged {
            assert_near(name, wealth(name, &table, 0.001), charged);
        }
    }
}

/// Figures of a second implementation, written naively from the same definitions; that of `corn_u` iterates to fewer
/// digits.
#[test]
fn methods_without_published_figures_agree_with_a_second_implementation() {
    let whole = syn5();
    let rows = whole.rows().take(90).flatten().copied().collect();
    let table = Relatives::new(names(5), rows).unwrap();
    for (name, wanted, tolerance) in [
        ("pamr1", 1.781_772_316_792_936, 1e-9),
        ("pamr2", 1.768_007_909_289_952, 1e-9),
        ("olmar2", 1.658_555_472_633_748_8, 1e-9),
        ("rmr", 1.705_592_532_522_249, 1e-9),
        ("cwmr_var", 1.800_176_757_000_297, 1e-9),
        ("ons", 1.078_923_611_219, 1e-9),
        ("corn_u", 3.633_919, 1e-5),
    ] {
        let found = wealth(name, &table, 0.0);
        assert!((found / wanted - 1.0).abs() < tolerance, "{name}: {found}, wanted {wanted}");
    }
    let window = [("window".to_owned(), "10".to_owned())];
    let anticor = Method::Online(online_with("anticor", &window).unwrap());
    let found = run(&anticor, &table, 0.0).unwrap().final_wealth();
    assert!((found / 1.391_530_124_590_288 - 1.0).abs() < 1e-9, "{found}");
}

/// Reads a classic set; absent where the file is.
fn classic(set: &str) -> Option<Relatives> {
    let folder = std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = folder.join("olps").join(format!("{set}.csv"));
    let Ok(bytes) = std::fs::read(&file) else {
        eprintln!(
            "SKIPPED: {} is absent; set TM_TEST_DATA to the folder above olps/",
            file.display()
        );
        return None;
    };
    Some(Relatives::from_csv(set, &bytes, RelativesKind::Cumulative).expect("a classic set"))
}

#[test]
fn the_classic_sets_give_the_published_wealth() {
    let order = ["market", "best_stock", "crp", "bcrp", "eg", "pamr", "cwmr_sd", "olmar1"];
    for (set, wanted) in [
        (
            "nyse_o",
            [
                14.497_308,
                54.140_364,
                27.075_246,
                250.597_07,
                27.094_890,
                5.138_427_8e15,
                6.485_692_8e15,
                7.214_918_2e16,
            ],
        ),
        (
            "sp500",
            [
                1.341_644, 3.779_182, 1.648_714, 4.068_627, 1.633_325, 5.094_875, 5.953_288,
                15.943_455,
            ],
        ),
        (
            "djia",
            [
                0.764_361, 1.188_360, 0.812_726, 1.239_928, 0.810_030, 0.680_050, 0.687_124,
                2.537_232,
            ],
        ),
    ] {
        let Some(table) = classic(set) else { continue };
        for (name, wanted) in order.into_iter().zip(wanted) {
            assert_near(&format!("{set} {name}"), wealth(name, &table, 0.0), wanted);
        }
    }
    if let Some(table) = classic("djia") {
        for (name, low, high) in [
            ("crp", 0.809_420, 0.796_329),
            ("eg", 0.806_882, 0.794_409),
            ("pamr", 0.450_990, 0.086_745),
            ("olmar1", 1.824_489, 0.484_681),
        ] {
            assert_near(name, wealth(name, &table, 0.001), low);
            assert_near(name, wealth(name, &table, 0.005), high);
        }
    }
}

#[test]
fn the_sets_without_published_figures_run_unchanged() {
    for set in ["nyse_n", "tse", "msci"] {
        let Some(table) = classic(set) else { continue };
        for name in ["market", "crp", "eg", "ons", "anticor", "pamr", "cwmr_sd", "olmar1", "rmr"] {
            assert!(wealth(name, &table, 0.001) > 0.0, "{set} {name}");
        }
    }
}

/// Like the classic sets in size and spread, where those are absent.
#[test]
fn a_table_of_many_assets_runs_with_every_method() {
    let value = |t: u32, i: u32| {
        (0.02 * (f64::from(t) * f64::from(3 * i + 7).sqrt()).sin() + 0.0002 * f64::from(i)).exp()
    };
    let values = (0..90).flat_map(|t| (0..88).map(move |i| value(t, i))).collect();
    let table = Relatives::new(names(88), values).unwrap();
    for method in quick_methods() {
        let outcome = run(&method, &table, 0.001).unwrap();
        assert!(outcome.final_wealth() > 0.0, "{}", method.name());
        assert_weights(&outcome.weights, method.name());
    }
}

/// Every method; the sampled one with few samples.
fn quick_methods() -> Vec<Method> {
    let quick = |method: Method| match method {
        Method::Online(OnlineConfig::Universal(_)) => {
            Method::Online(OnlineConfig::Universal(UniversalConfig { samples: 200, seed: 1 }))
        }
        Method::Online(_) | Method::Hindsight(_) => method,
    };
    Method::all().into_iter().map(quick).collect()
}

fn assert_weights(weights: &[Vec<f64>], name: &str) {
    for (period, weights) in weights.iter().enumerate() {
        let sum: f64 = weights.iter().sum();
        assert!((sum - 1.0).abs() < 1e-9, "{name} sums to {sum} in period {period}");
        assert!(weights.iter().all(|weight| *weight >= 0.0), "{name} is short in period {period}");
    }
}

#[test]
fn the_first_weights_are_equal_and_buying_in_is_charged_on_half() {
    let table = syn5();
    for method in quick_methods().into_iter().filter(|method| !method.is_hindsight()) {
        let outcome = run(&method, &table, 0.01).unwrap();
        assert!(outcome.weights[0].iter().all(|weight| (weight - 0.2).abs() < 1e-15));
        assert!((outcome.turnover[0] - 0.5).abs() < 1e-15, "{}", method.name());
        assert!((outcome.log_wealth - outcome.final_wealth().ln()).abs() < 1e-9);
        assert_eq!(outcome.wealth.len(), table.periods());
    }
}

#[test]
fn the_market_pays_for_buying_in_and_next_to_nothing_after() {
    let outcome = run(&method("market"), &syn5(), 0.01).unwrap();
    assert!(outcome.turnover[1..].iter().sum::<f64>() < 0.0051);
    let free = run(&method("market"), &syn5(), 0.0).unwrap();
    let paid = outcome.final_wealth() / free.final_wealth();
    assert!((paid - 0.995).abs() < 1e-4, "{paid}");
}

#[test]
fn hindsight_is_marked_and_better_than_what_it_looks_back_on() {
    let table = syn5();
    let best = run(&method("bcrp"), &table, 0.0).unwrap();
    assert!(best.hindsight);
    assert!(best.final_wealth() >= wealth("crp", &table, 0.0));
    assert!(best.final_wealth() >= wealth("best_stock", &table, 0.0));
    assert!(Selection::new(&online_with("crp", &[]).unwrap(), 5).is_ok());
    assert!(online_with("bcrp", &[]).is_err());
}

#[test]
fn the_ladder_falls_and_the_break_even_cost_breaks_even() {
    let table = syn5();
    for name in ["pamr", "olmar1", "eg"] {
        let method = method(name);
        let outcome = run(&method, &table, 0.001).unwrap();
        let ladder = ladder(&method, &table, &outcome).unwrap();
        let fixed: Vec<f64> = ladder.steps.iter().map(|step| step.wealth_fixed.unwrap()).collect();
        assert!(fixed.windows(2).all(|pair| pair[1] < pair[0]), "{name} {fixed:?}");
        assert_near(name, fixed[1], outcome.final_wealth());
        assert_near(name, ladder.steps[1].wealth_decided.unwrap(), outcome.final_wealth());
        let cost = ladder.break_even_cost.unwrap();
        let even = replay(&outcome.weights, &table, cost).unwrap().final_wealth();
        assert!((even - 1.0).abs() < 1e-5, "{name}: {even} at {cost}");
    }
    let losing = run(&method("market"), &table, 0.0).unwrap();
    assert_eq!(ladder(&method("market"), &table, &losing).unwrap().break_even_cost, None);
}

#[test]
fn refuses_what_no_run_can_be_made_of() {
    let table = two_assets(4);
    for cost in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
        assert!(run(&method("eg"), &table, cost).is_err(), "{cost}");
    }
    assert!(Relatives::new(names(2), vec![1.0, 0.0]).is_err());
    assert!(Relatives::new(names(2), vec![1.0, f64::NAN]).is_err());
    assert!(Relatives::new(names(2), vec![1.0; 3]).is_err());
    assert!(Relatives::new(vec![], vec![]).is_err());
    assert!(replay(&[vec![0.5, 0.5]], &table, 0.0).is_err());
    let crp = online_with("crp", &[("weights".to_owned(), "[0.5, 0.6]".to_owned())]).unwrap();
    assert!(run(&Method::Online(crp), &table, 0.0).is_err());
    let mut selection = Selection::new(&online_with("eg", &[]).unwrap(), 2).unwrap();
    for relatives in [&[1.0][..], &[1.0, 0.0], &[1.0, f64::NAN]] {
        assert!(selection.observe(&Period { relatives, growth_net: 1.0 }).is_err());
    }
    assert!(selection.observe(&Period { relatives: &[1.0, 1.0], growth_net: f64::NAN }).is_err());
}

#[test]
fn refuses_a_saved_state_of_something_else() {
    let (eg, pamr) = (online_with("eg", &[]).unwrap(), online_with("pamr", &[]).unwrap());
    let bytes = Selection::new(&eg, 3).unwrap().save().unwrap();
    assert!(Selection::restore(&eg, 3, &bytes).is_ok());
    assert!(Selection::restore(&pamr, 3, &bytes).is_err());
    assert!(Selection::restore(&eg, 2, &bytes).is_err());
    assert!(Selection::restore(&eg, 3, b"{}").is_err());
    let other = online_with("eg", &[("eta".to_owned(), "0.1".to_owned())]).unwrap();
    assert!(Selection::restore(&other, 3, &bytes).is_err());
}

/// Relatives that move a lot, and not at all.
fn tables() -> impl Strategy<Value = Relatives> {
    let relative = prop_oneof![4 => 0.5..2.0_f64, 1 => Just(1.0), 1 => 0.01..100.0_f64];
    (1_usize..6, prop::collection::vec(relative, 30..150)).prop_map(|(width, mut values)| {
        values.truncate(values.len() / width * width);
        Relatives::new(names(width), values).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn weights_are_on_the_simplex_whatever_the_relatives(table in tables(), cost in 0.0..0.05_f64) {
        for method in quick_methods() {
            let outcome = run(&method, &table, cost).unwrap();
            assert_weights(&outcome.weights, method.name());
            assert_weights(std::slice::from_ref(&outcome.next_weights), method.name());
        }
    }

    /// No look-ahead: all rows after a cut overwritten, decisions up to it are bit-equal.
    #[test]
    fn the_future_does_not_change_the_past(table in tables(), share in 0.0..1.0_f64) {
        let cut = (0..table.periods()).find(|t| share * table.periods() as f64 <= *t as f64).unwrap_or(0);
        let kept: Vec<f64> = table.rows().take(cut).flatten().copied().collect();
        let noise = table.rows().skip(cut).flatten().map(|value| 1.0 / value + 0.1);
        let values = kept.iter().copied().chain(noise).collect();
        let changed = Relatives::new(table.assets().to_vec(), values).unwrap();
        for method in quick_methods().into_iter().filter(|method| !method.is_hindsight()) {
            let (before, after) = (run(&method, &table, 0.001).unwrap(), run(&method, &changed, 0.001).unwrap());
            prop_assert_eq!(&before.weights[..=cut], &after.weights[..=cut], "{}", method.name());
        }
    }

    /// Resume equals continue, through bytes.
    #[test]
    fn a_saved_selection_goes_on_equally(table in tables(), at in 0_usize..30) {
        for method in quick_methods() {
            let Method::Online(config) = method else { continue };
            let mut whole = Selection::new(&config, table.width()).unwrap();
            for (period, row) in table.rows().enumerate() {
                if period == at {
                    let bytes = whole.save().unwrap();
                    let restored = Selection::restore(&config, table.width(), &bytes).unwrap();
                    let observed = Period { relatives: row, growth_net: 1.01 };
                    let mut continued = restored;
                    continued.observe(&observed).unwrap();
                    whole.observe(&observed).unwrap();
                    prop_assert_eq!(whole.weights(), continued.weights(), "{}", config.name());
                    continue;
                }
                whole.observe(&Period { relatives: row, growth_net: 1.01 }).unwrap();
            }
        }
    }
}
