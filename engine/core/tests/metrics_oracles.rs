//! Metrics against independent libraries: empyrical, quantstats, scipy, statsmodels, arch.
//!
//! `oracles/make_expected.py` writes what they compute on series that both sides make from one formula; nothing of
//! theirs is needed to run this. Definitions and differences: `docs/metrics.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use engine::config::Truth;
use engine::evaluation::bootstrap::Resampling;
use engine::evaluation::deflated_sharpe::{SharpeSample, expected_best};
use engine::evaluation::prudex::diversity::{density_entropy, effective_bets, weight_entropy};
use engine::evaluation::seeds::{interquartile_mean, optimality_gap, probability_of_improvement};
use engine::evaluation::snooping::Resampled;
use engine::metrics::calendar::{Period, period_returns};
use engine::metrics::drawdowns::deepest;
use engine::metrics::tear_sheet::{RunRecord, TearSheet, tear_sheet};
use engine::metrics::{Figure, normal};
use serde_json::Value;

const SERIES: [&str; 4] = ["waves", "crash", "rising", "short"];
const DAY: i64 = 86_400_000;
/// 2021-01-04T00:00:00Z; the first return falls on the day after.
const START: i64 = 1_609_718_400_000;

fn expected() -> Value {
    serde_json::from_str(include_str!("oracles/expected.json")).unwrap()
}

fn waves(t: f64) -> f64 {
    0.01 * (1.3 * t).sin() + 0.004 * (0.37 * (t * t)).cos() - 0.0005
}

fn formula(name: &str, t: f64) -> f64 {
    match name {
        "crash" if (299.5..300.5).contains(&t) => -0.35,
        "crash" if (300.5..301.5).contains(&t) => -0.12,
        "crash" => 0.004 * (0.9 * t).sin() + 0.001,
        "rising" => 0.002 + 0.0015 * (0.7 * t).sin(),
        _ => waves(t),
    }
}

fn market(t: f64) -> f64 {
    0.008 * (1.1 * t + 0.4).sin() + 0.006 * (1.3 * t).sin() + 0.0003
}

fn times(count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(|t| t as f64)
}

/// Wealth that starts at 100 and grows by these returns.
fn wealth(returns: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut wealth = vec![100.0];
    for value in returns {
        wealth.push(wealth.last().unwrap() * (1.0 + value));
    }
    wealth
}

fn days(count: usize) -> Vec<i64> {
    (0..count).map(|day| START + i64::try_from(day).unwrap() * DAY).collect()
}

fn sheet(name: &str, count: usize) -> TearSheet {
    let equity = wealth(times(count).map(|t| formula(name, t)));
    let index = wealth(times(count).map(market));
    let run = RunRecord {
        times_ms: &days(count + 1),
        equity: &equity,
        position: &[],
        prices: &[],
        volume: &[],
        fills: &[],
        periods_per_year: 252.0,
        // the oracle's rate of 0.0001 per bar, compounded over the year
        risk_free: (0.0001_f64.ln_1p() * 252.0).exp_m1(),
    };
    tear_sheet(&run, Some(&index))
}

fn count_of(expected: &Value, name: &str) -> usize {
    usize::try_from(expected["series"][name]["count"].as_u64().unwrap()).unwrap()
}

/// Equal to 1e-9, relative above 1.
fn near(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0)
}

#[test]
fn every_figure_that_a_library_defines_alike_is_the_same() {
    let expected = expected();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for name in SERIES {
        let sheet = sheet(name, count_of(&expected, name));
        for (figure, wanted) in expected["series"][name]["figures"].as_object().unwrap() {
            let figure = Figure::ALL.iter().find(|one| one.as_str() == figure).unwrap();
            let found = sheet.figures[figure];
            let same = match (found, wanted.as_f64()) {
                (Some(found), Some(wanted)) => near(found, wanted),
                (found, wanted) => found.is_none() && wanted.is_none(),
            };
            compared += 1;
            if !same {
                wrong.push(format!("{name} {figure}: found {found:?}, wanted {wanted}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(160 <= compared, "{compared}");
}

#[test]
fn returns_by_period_are_those_of_empyrical() {
    let expected = expected();
    for name in SERIES {
        let count = count_of(&expected, name);
        let equity = wealth(times(count).map(|t| formula(name, t)));
        for (period, key) in [
            (Period::Week, "week"),
            (Period::Month, "month"),
            (Period::Quarter, "quarter"),
            (Period::Year, "year"),
        ] {
            let found = period_returns(&days(count + 1), &equity, period).unwrap();
            let wanted = expected["series"][name]["periods"][key].as_array().unwrap();
            assert_eq!(found.len(), wanted.len(), "{name} {key}");
            for (one, wanted) in found.iter().zip(wanted) {
                assert!(near(one.value, wanted.as_f64().unwrap()), "{name} {key} {one:?} {wanted}");
            }
        }
    }
}

#[test]
fn the_deepest_drawdowns_are_those_of_quantstats() {
    let expected = expected();
    for name in SERIES {
        let equity = wealth(times(count_of(&expected, name)).map(|t| formula(name, t)));
        let found = deepest(&equity, 5).unwrap();
        let wanted = expected["series"][name]["drawdowns"].as_array().unwrap();
        assert_eq!(found.len().min(wanted.len()), wanted.len(), "{name}");
        for (one, wanted) in found.iter().zip(wanted) {
            assert!(near(one.depth, wanted.as_f64().unwrap()), "{name} {one:?} {wanted}");
        }
    }
}

#[test]
fn the_normal_distribution_is_exact_to_the_last_digits() {
    let expected = expected();
    let table = |key: &str| -> Vec<[f64; 3]> {
        serde_json::from_value(expected["normal"][key].clone()).unwrap()
    };
    for [x, exact, scipy] in table("cdf") {
        let found = normal::cdf(x);
        assert!((found / exact - 1.0).abs() < 4e-15, "cdf({x}): {found} against {exact}");
        assert!((found / scipy - 1.0).abs() < 1e-12, "cdf({x}): {found} against scipy's {scipy}");
    }
    for [p, exact, scipy] in table("quantile") {
        let found = normal::quantile(p).unwrap();
        let bound = 4e-15 * exact.abs();
        assert!((found - exact).abs() <= bound, "quantile({p}): {found} against {exact}");
        assert!((found - scipy).abs() <= 1e-12 * exact.abs(), "quantile({p}): scipy's {scipy}");
    }
}

#[test]
fn sharpe_statistics_are_those_of_scipys_normal_distribution() {
    let expected = expected();
    for name in SERIES {
        let returns: Vec<f64> =
            times(count_of(&expected, name)).map(|t| formula(name, t)).collect();
        let wanted = &expected["series"][name]["sharpe_statistics"];
        let sample = SharpeSample::of(&returns).unwrap();
        let found = [
            ("psr", sample.probability_above(0.0)),
            ("sr0", expected_best(0.0004, 40.0)),
            ("dsr", sample.deflated(0.0004, 40.0)),
        ];
        for (key, value) in found {
            assert!(near(value.unwrap(), wanted[key].as_f64().unwrap()), "{name} {key} {value:?}");
        }
        // a ratio below 0 never exceeds 0, whatever the length
        match sample.track_record_min(0.0, 0.05) {
            Some(length) => assert!(near(length, wanted["min_trl"].as_f64().unwrap()), "{name}"),
            None => assert!(sample.ratio <= 0.0, "{name}"),
        }
    }
}

/// The candidates of the oracle: differences from the benchmark, `[candidate][period]`.
fn candidates() -> Vec<Vec<f64>> {
    (0..8)
        .map(|k| {
            let k = f64::from(k);
            times(500)
                .map(|t| {
                    0.0004 * (k - 5.0)
                        + 0.01 * ((0.11 + 0.013 * k) * (t * t) + k).sin()
                        + 0.003 * (0.05 * t + k).cos()
                })
                .collect()
        })
        .collect()
}

#[test]
fn snooping_tests_agree_with_arch() {
    let expected = expected();
    let wanted = &expected["snooping"];
    let plan = Resampling {
        resamples: 20_000,
        block: wanted["block"].as_f64().unwrap(),
        seed: 1,
        member: 0,
    };
    let d = candidates();
    let drawn = Resampled::draw(&d, &plan).unwrap();
    // what does not depend on draws: exactly
    for (found, wanted) in drawn.deviations().iter().zip(wanted["omega"].as_array().unwrap()) {
        assert!(near(*found, wanted.as_f64().unwrap()), "{found} {wanted}");
    }
    let (check, spa) = (drawn.reality_check(), drawn.superior_ability());
    assert!(near(check.statistic, wanted["reality_statistic"].as_f64().unwrap()));
    assert!(near(spa.statistic, wanted["spa_statistic"].as_f64().unwrap()));
    // what does: two Monte Carlo errors of at most √(0.25/20000) each, four standard deviations of their difference
    let band = 4.0 * (2.0 * 0.25 / 20_000.0_f64).sqrt();
    let same = |found: f64, wanted: &Value| (found - wanted.as_f64().unwrap()).abs() < band;
    assert!(same(check.p_value, &wanted["reality_check"]), "{check:?} {wanted}");
    assert!(same(spa.p_lower, &wanted["spa"][0]), "{spa:?} {wanted}");
    assert!(same(spa.p_consistent, &wanted["spa"][1]), "{spa:?} {wanted}");
    assert!(same(spa.p_upper, &wanted["spa"][2]), "{spa:?} {wanted}");
    let strong: Vec<Vec<f64>> = d
        .iter()
        .zip(drawn.deviations())
        .enumerate()
        .map(|(k, (one, omega))| {
            one.iter().map(|value| value / omega + if k < 3 { 0.35 } else { 0.0 }).collect()
        })
        .collect();
    let better =
        Resampled::draw(&strong, &Resampling { resamples: 2_000, ..plan }).unwrap().step_m(0.05);
    assert_eq!(serde_json::json!(better), wanted["step_m"]);
}

#[test]
fn statistics_over_seeds_agree_with_scipy() {
    let expected = expected();
    let wanted = |key: &str| expected["seeds"][key].as_f64().unwrap();
    let scores = |base: f64, wave: &dyn Fn(f64, f64) -> f64| -> Vec<Vec<f64>> {
        (0..3)
            .map(|task| {
                let task = f64::from(task);
                (0..12).map(|seed| base + 0.2 * task + 0.5 * wave(f64::from(seed), task)).collect()
            })
            .collect()
    };
    let first = scores(0.4, &|seed, task| (1.7 * seed + task).sin());
    let second = scores(0.3, &|seed, task| (0.9 * seed + task).cos());
    assert!(near(interquartile_mean(&first.concat()).unwrap(), wanted("iqm")));
    assert!(near(optimality_gap(&first).unwrap(), wanted("optimality_gap")));
    let improvement = probability_of_improvement(&first, &second).unwrap();
    assert!(near(improvement, wanted("probability_of_improvement")));
}

#[test]
fn measures_of_diversity_agree_with_numpy_and_scipy() {
    let expected = expected();
    let wanted = |key: &str| expected["diversity"][key].as_f64().unwrap();
    let returns: Vec<Vec<f64>> = (0..5)
        .map(|k| {
            let k = f64::from(k);
            times(120)
                .map(|t| 0.01 * ((0.3 + 0.21 * k) * t + k).sin() + 0.004 * (0.17 * t).sin())
                .collect()
        })
        .collect();
    let weights = [0.1, 0.3, 0.15, 0.25, 0.2];
    let bets = |truth| effective_bets(&weights, &returns, truth).unwrap();
    assert!(near(bets(Truth::Corrected), wanted("bets")));
    assert!(near(bets(Truth::Faithful), wanted("bets_squared")));
    assert!(near(weight_entropy(&[weights.to_vec()]).unwrap(), wanted("weight_entropy")));
    let sample: Vec<f64> = times(120).map(waves).collect();
    let found = density_entropy(&sample).unwrap();
    assert!((found - wanted("density_entropy")).abs() < 1e-6, "{found}");
}
