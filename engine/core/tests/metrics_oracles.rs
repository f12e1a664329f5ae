//! Metrics against independent libraries: empyrical, quantstats, scipy, statsmodels, arch.
//!
//! `oracles/make_expected.py` writes what they compute on series that both sides make from one formula; nothing of
//! theirs is needed to run this. Definitions and differences: `docs/metrics.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

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
