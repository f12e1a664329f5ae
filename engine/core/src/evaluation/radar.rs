//! The radar score: a strategy on a scale whose 0 is doing nothing and whose 50 is a simple baseline.
//!
//! Score of a gain = 200·Φ((x − zero)/σ) − 100 with σ = |zero − fifty|/0.675; score of a risk
//! = 200·Φ(3 − (x − zero)/σ) − 100 with σ = |zero − fifty|/(3 − 0.675). A strategy equal to the baseline scores 50 on
//! either, for Φ(0.675) = 0.75. Zero is the policy that does nothing, fifty the blind bid (several instruments: average
//! holding). The scale is the same in both modes; only the metrics put in differ. Not meant for order execution.
//!
//! Source: TradeMaster 1.0.0, trademaster.md section 6.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metrics::normal;

/// Φ(0.675) = 0.75: where the baseline scores 50.
const QUARTER: f64 = 0.675;
/// Φ(3): where no risk at all scores (99.7).
const NO_RISK: f64 = 3.0;
/// Zero and fifty closer than this make no scale.
const SCALE_MIN: f64 = 1e-12;

/// The seven metrics of one policy. Undefined is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RadarMetrics {
    /// Excess return over the benchmark.
    pub excess: Option<f64>,
    /// Total return.
    pub total_return: Option<f64>,
    /// Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Calmar ratio.
    pub calmar: Option<f64>,
    /// Sortino ratio.
    pub sortino: Option<f64>,
    /// Volatility.
    pub volatility: Option<f64>,
    /// Maximum drawdown.
    pub max_drawdown: Option<f64>,
}

/// Scores from −100 to 100; 0 is doing nothing, 50 the baseline (risks: 99.7 and 50). Absent where a metric is not
/// defined or the two policies make no scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Radar {
    /// Score of each metric.
    pub scores: RadarMetrics,
    /// Mean score of total return, Sharpe, Calmar and Sortino.
    pub profitability: Option<f64>,
    /// Mean score of maximum drawdown and volatility.
    pub risk_control: Option<f64>,
}

/// Returns the score of a gain.
#[must_use]
pub fn gain_score(value: f64, zero: f64, fifty: f64) -> Option<f64> {
    let sigma = scale(zero, fifty, QUARTER)?;
    score((value - zero) / sigma)
}

/// Returns the score of a risk: the lower the better.
#[must_use]
pub fn risk_score(value: f64, zero: f64, fifty: f64) -> Option<f64> {
    let sigma = scale(zero, fifty, NO_RISK - QUARTER)?;
    score(NO_RISK - (value - zero) / sigma)
}

fn scale(zero: f64, fifty: f64, deviations: f64) -> Option<f64> {
    let distance = (zero - fifty).abs();
    (SCALE_MIN <= distance).then_some(distance / deviations)
}

fn score(deviations: f64) -> Option<f64> {
    (!deviations.is_nan()).then(|| 200.0 * normal::cdf(deviations) - 100.0)
}

/// Returns the radar of a policy beside the one that does nothing and the baseline. What is undefined of doing nothing
/// (a ratio to no risk) counts as 0, the value the reference's ε gives it.
#[must_use]
pub fn radar(policy: &RadarMetrics, nothing: &RadarMetrics, baseline: &RadarMetrics) -> Radar {
    let gain = |of: fn(&RadarMetrics) -> Option<f64>| {
        gain_score(of(policy)?, of(nothing).unwrap_or(0.0), of(baseline)?)
    };
    let risk = |of: fn(&RadarMetrics) -> Option<f64>| {
        risk_score(of(policy)?, of(nothing).unwrap_or(0.0), of(baseline)?)
    };
    let scores = RadarMetrics {
        excess: gain(|metrics| metrics.excess),
        total_return: gain(|metrics| metrics.total_return),
        sharpe: gain(|metrics| metrics.sharpe),
        calmar: gain(|metrics| metrics.calmar),
        sortino: gain(|metrics| metrics.sortino),
        volatility: risk(|metrics| metrics.volatility),
        max_drawdown: risk(|metrics| metrics.max_drawdown),
    };
    Radar {
        scores,
        profitability: mean(&[scores.total_return, scores.sharpe, scores.calmar, scores.sortino]),
        risk_control: mean(&[scores.max_drawdown, scores.volatility]),
    }
}

/// Returns the mean of values that are all defined.
fn mean(values: &[Option<f64>]) -> Option<f64> {
    let all: Option<Vec<f64>> = values.iter().copied().collect();
    all.map(|all| all.iter().sum::<f64>() / all.len() as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(value: f64) -> RadarMetrics {
        let value = Some(value);
        RadarMetrics {
            excess: value,
            total_return: value,
            sharpe: value,
            calmar: value,
            sortino: value,
            volatility: value,
            max_drawdown: value,
        }
    }

    #[test]
    fn doing_nothing_scores_zero_and_the_baseline_fifty() {
        let (nothing, baseline) = (same(0.0), same(0.4));
        let idle = radar(&nothing, &nothing, &baseline);
        assert!(idle.profitability.unwrap().abs() < 1e-12);
        assert!((idle.risk_control.unwrap() - 99.730_020_393_673_98).abs() < 1e-9);
        let equal = radar(&baseline, &nothing, &baseline);
        // 200·Φ(0.675) − 100
        for score in [equal.profitability, equal.risk_control, equal.scores.excess] {
            assert!((score.unwrap() - 50.032_423_505_6).abs() < 1e-6, "{score:?}");
        }
    }

    #[test]
    fn a_losing_baseline_makes_the_same_scale() {
        // σ = 0.1/0.675: −0.1 scores −50, 0.1 scores 50
        assert!((gain_score(0.1, 0.0, -0.1).unwrap() - 50.032_423_505_6).abs() < 1e-6);
        assert!((gain_score(-0.1, 0.0, -0.1).unwrap() + 50.032_423_505_6).abs() < 1e-6);
    }

    #[test]
    fn without_a_scale_or_a_metric_there_is_no_score() {
        assert_eq!(gain_score(0.1, 0.2, 0.2), None);
        assert_eq!(risk_score(f64::NAN, 0.0, 0.2), None);
        let found = radar(
            &RadarMetrics { sharpe: None, ..same(0.1) },
            &RadarMetrics::default(),
            &same(0.4),
        );
        assert_eq!((found.scores.sharpe, found.profitability), (None, None));
        assert!(found.risk_control.is_some(), "doing nothing counts as 0 where undefined");
    }

    proptest! {
        #[test]
        fn more_gain_and_less_risk_never_score_less(a in -2.0..2.0_f64, step in 0.0..1.0_f64, fifty in 0.01..1.0_f64) {
            prop_assert!(gain_score(a, 0.0, fifty).unwrap() <= gain_score(a + step, 0.0, fifty).unwrap());
            prop_assert!(risk_score(a + step, 0.0, fifty).unwrap() <= risk_score(a, 0.0, fifty).unwrap());
            prop_assert!((-100.0..=100.0).contains(&gain_score(a, 0.0, fifty).unwrap()));
        }
    }
}
