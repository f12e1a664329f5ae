//! Metrics against their definitions, spelt out the slow way.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(
    clippy::float_cmp,
    clippy::cast_possible_truncation,
    reason = "exactness is what is tested"
)]

use engine::metrics::calmar::{annual_return, calmar};
use engine::metrics::max_drawdown::{drawdown, max_drawdown};
use engine::metrics::returns::{returns, total_return};
use engine::metrics::sharpe::sharpe;
use engine::metrics::sortino::sortino;
use engine::metrics::volatility::volatility;
use engine::metrics::{MetricName, Run, summary};
use proptest::prelude::*;

fn curves() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.01..1e6_f64, 2..60)
}

/// Any bits, NaN and infinities among them.
fn rubbish() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(any::<f64>(), 0..30)
}

fn near(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0)
}

proptest! {
    #[test]
    fn drawdown_is_the_largest_fall_between_any_two_bars(curve in curves()) {
        let mut deepest = 0.0_f64;
        for high in 0..curve.len() {
            for low in high..curve.len() {
                deepest = deepest.max((curve[high] - curve[low]) / curve[high]);
            }
        }
        prop_assert!(near(max_drawdown(&curve).unwrap(), deepest));
    }

    #[test]
    fn drawdown_lies_between_zero_and_one(curve in prop::collection::vec(-1e6..1e6_f64, 0..60)) {
        prop_assert!(drawdown(&curve).iter().all(|fall| (0.0..=1.0).contains(fall)));
    }

    #[test]
    fn ratios_follow_their_definitions(curve in curves(), year in 1.0..100_000.0_f64) {
        let found = returns(&curve).unwrap();
        let count = found.len() as f64;
        let growth: f64 = found.iter().map(|value| 1.0 + value).product();
        prop_assert!(near(total_return(&curve).unwrap(), growth - 1.0));
        let mean = found.iter().sum::<f64>() / count;
        // Var = (Σr² − n·mean²)/(n − 1), another route than the implementation's
        let squares = found.iter().map(|value| value * value).sum::<f64>();
        if found.len() >= 2 {
            let variance = ((squares - count * mean * mean) / (count - 1.0)).max(0.0);
            let scale = squares / (count - 1.0);
            let volatile = volatility(&found, year).unwrap();
            prop_assert!((volatile * volatile / year - variance).abs() <= 1e-9 * scale.max(1e-9));
            if let Some(ratio) = sharpe(&found, year) {
                prop_assert!((ratio * volatile - mean * year).abs() <= 1e-9 * (mean * year).abs().max(1.0) * count);
            }
        }
        let losses = found.iter().filter(|value| **value < 0.0).map(|value| value * value).sum::<f64>();
        match sortino(&found, year) {
            Some(ratio) => prop_assert!(near(ratio, mean / (losses / count).sqrt() * year.sqrt())),
            None => prop_assert!(found.len() < 2 || (losses / count).sqrt() < 1e-12),
        }
        let fall = max_drawdown(&curve).unwrap();
        match (annual_return(&curve, year), calmar(&curve, year)) {
            (Some(annual), Some(ratio)) => prop_assert!(near(ratio, annual / fall)),
            (_, Some(_)) => prop_assert!(false, "a ratio without its numerator"),
            (_, None) => {}
        }
    }

    #[test]
    fn no_metric_is_ever_infinite_or_not_a_number(curve in rubbish(), year in any::<f64>()) {
        let found = summary(&Run { equity: &curve, fills: &[], periods_per_year: year.abs() });
        prop_assert_eq!(found.len(), MetricName::RUN.len());
        for (name, value) in found {
            if let Some(value) = value {
                prop_assert!(value.is_finite(), "{} is {}", name, value);
            }
        }
    }
}
