//! Is a Sharpe ratio more than luck? Probabilistic and deflated Sharpe ratio, minimum track record.
//!
//! All ratios are **per period, not annualised**: mean/sd with n − 1; kurtosis is raw (3 for a normal distribution).
//!
//! Source: Bailey and López de Prado 2012 ("The Sharpe ratio efficient frontier") and 2014 ("The deflated Sharpe
//! ratio"); learning.md section 10.3.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metrics::moments::{kurtosis, skewness};
use crate::metrics::normal;
use crate::metrics::sharpe::sharpe;

/// Euler's and Mascheroni's constant.
const EULER: f64 = 0.577_215_664_901_532_9;
/// Fewest observations a statement is made about.
const COUNT_MIN: f64 = 3.0;

/// What the statistics are made from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SharpeSample {
    /// Sharpe ratio per period.
    pub ratio: f64,
    /// Skewness of the returns.
    pub skewness: f64,
    /// Raw kurtosis of the returns.
    pub kurtosis: f64,
    /// Number of returns.
    pub count: f64,
}

impl SharpeSample {
    /// Returns the sample of a series of returns; undefined below three and when they do not vary.
    #[must_use]
    pub fn of(returns: &[f64]) -> Option<Self> {
        Some(Self {
            ratio: sharpe(returns, 1.0)?,
            skewness: skewness(returns)?,
            kurtosis: kurtosis(returns)?,
            count: returns.len() as f64,
        })
    }

    /// Returns T − 1 times the variance of the estimated ratio, 1 − γ3·SR + (γ4 − 1)/4·SR²; undefined when not above 0.
    fn spread(&self) -> Option<f64> {
        let spread = 1.0 - self.skewness * self.ratio
            + (self.kurtosis - 1.0) / 4.0 * self.ratio * self.ratio;
        (0.0 < spread && spread.is_finite() && COUNT_MIN <= self.count).then_some(spread)
    }

    /// Returns the probability that the true ratio exceeds `target` (PSR), 0 to 1.
    #[must_use]
    pub fn probability_above(&self, target: f64) -> Option<f64> {
        let distance = (self.ratio - target) * (self.count - 1.0).sqrt() / self.spread()?.sqrt();
        distance.is_finite().then(|| normal::cdf(distance))
    }

    /// Returns the deflated Sharpe ratio: the probability that the true ratio exceeds what the best of `trials` trials
    /// without edge is expected to show. `variance` is that of the ratios over all trials of the ledger.
    #[must_use]
    pub fn deflated(&self, variance: f64, trials: f64) -> Option<f64> {
        self.probability_above(expected_best(variance, trials)?)
    }

    /// Returns the number of returns from which on the ratio exceeds `target` with confidence 1 − `alpha` (MinTRL);
    /// undefined when the ratio does not exceed the target at all.
    #[must_use]
    pub fn track_record_min(&self, target: f64, alpha: f64) -> Option<f64> {
        if !(target < self.ratio && 0.0 < alpha && alpha < 1.0) {
            return None;
        }
        let steps = normal::quantile(1.0 - alpha)? / (self.ratio - target);
        let length = 1.0 + self.spread()? * steps * steps;
        length.is_finite().then_some(length)
    }
}

/// Returns the expected highest ratio (SR0) of `trials` independent trials without edge whose ratios have this
/// variance; 0 for one trial, undefined below one. A number of effective trials need not be whole.
#[must_use]
pub fn expected_best(variance: f64, trials: f64) -> Option<f64> {
    if !(0.0 <= variance && variance.is_finite() && 1.0 <= trials && trials.is_finite()) {
        return None;
    }
    if trials <= 1.0 {
        return Some(0.0);
    }
    let first = normal::quantile(1.0 - 1.0 / trials)?;
    let second = normal::quantile(1.0 - 1.0 / (trials * std::f64::consts::E))?;
    // between one and two trials the formula falls below what one trial gives
    Some((variance.sqrt() * ((1.0 - EULER) * first + EULER * second)).max(0.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(skewness: f64, kurtosis: f64) -> SharpeSample {
        SharpeSample { ratio: 2.5 / 250.0_f64.sqrt(), skewness, kurtosis, count: 1_250.0 }
    }

    #[test]
    fn published_cases_are_met_to_the_digit() {
        let variance = 0.5 / 250.0;
        for (trials, best, deflated) in [
            (46.0, 0.100_362_4, 0.950_502),
            (88.0, 0.111_145_8, 0.910_153),
            (100.0, 0.113_172_0, 0.900_397),
        ] {
            assert!((expected_best(variance, trials).unwrap() - best).abs() < 5e-8, "{trials}");
            let found = sample(-3.0, 10.0).deflated(variance, trials).unwrap();
            assert!((found - deflated).abs() < 5e-7, "{trials}: {found}");
        }
        let normal = sample(0.0, 3.0).deflated(variance, 88.0).unwrap();
        assert!((normal - 0.950_491).abs() < 5e-7);
        // excess kurtosis by mistake: told apart
        let mistaken = sample(-3.0, 7.0).deflated(variance, 100.0).unwrap();
        assert!((mistaken - 0.901_778_57).abs() < 5e-8);
    }

    #[test]
    fn the_track_record_and_the_scale_of_luck_are_the_published_ones() {
        let normal = SharpeSample { ratio: 0.1, skewness: 0.0, kurtosis: 3.0, count: 100.0 };
        assert!((normal.track_record_min(0.0, 0.05).unwrap() - 272.907).abs() < 5e-4);
        assert!((expected_best(1.0 / 5.0, 1_000.0).unwrap() - 1.456).abs() < 5e-4);
    }

    #[test]
    fn one_trial_deflates_nothing() {
        let sample = sample(0.0, 3.0);
        assert_eq!(expected_best(0.3, 1.0), Some(0.0));
        assert_eq!(sample.deflated(0.3, 1.0), sample.probability_above(0.0));
    }

    #[test]
    fn undefined_is_absent_never_a_large_number() {
        assert_eq!(SharpeSample::of(&[0.01; 50]), None);
        assert_eq!(SharpeSample::of(&[0.01, 0.02]), None);
        assert!(SharpeSample::of(&[0.01, 0.02, 0.0]).is_some());
        let short = SharpeSample { count: 2.0, ..sample(0.0, 3.0) };
        assert_eq!(short.probability_above(0.0), None);
        // 1 − γ3·SR below 0
        let skewed = SharpeSample { ratio: 1.0, skewness: 9.0, kurtosis: 3.0, count: 100.0 };
        assert_eq!(skewed.probability_above(0.0), None);
        assert_eq!(sample(0.0, 3.0).track_record_min(1.0, 0.05), None);
        for (variance, trials) in [(-1.0, 5.0), (f64::NAN, 5.0), (1.0, 0.5), (1.0, f64::NAN)] {
            assert_eq!(expected_best(variance, trials), None);
        }
    }

    proptest! {
        #[test]
        fn more_trials_and_higher_targets_convince_less(
            ratio in -0.5..0.5_f64, count in 10.0..5_000.0_f64, trials in 2.0..1e4_f64, more in 1.0..10.0_f64,
        ) {
            let sample = SharpeSample { ratio, skewness: 0.0, kurtosis: 3.0, count };
            let few = sample.deflated(0.01, trials).unwrap();
            let many = sample.deflated(0.01, trials * more).unwrap();
            prop_assert!(many <= few + 1e-12);
            prop_assert!((0.0..=1.0).contains(&few));
            let above = sample.probability_above(0.1).unwrap();
            prop_assert!(above <= sample.probability_above(0.0).unwrap());
        }
    }
}
