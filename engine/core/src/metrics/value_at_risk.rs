//! Value at risk and expected shortfall per bar, as losses: 0.02 means that 2 % is lost.
//!
//! `tail` is the probability of a worse bar, for example 0.05. Three models: the sample itself, a normal distribution,
//! and Cornish and Fisher's correction of it for skewness and kurtosis.

use super::moments::{kurtosis, skewness};
use super::normal;
use super::quantile::quantile_of_sorted;
use super::{defined, finite, mean, sample_deviation};

/// How the left tail is modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TailModel {
    /// Order statistics of the sample.
    Historical,
    /// Normal distribution with the sample's mean and standard deviation.
    Gaussian,
    /// Cornish-Fisher expansion with the sample's skewness and kurtosis.
    CornishFisher,
}

/// Returns the loss that a bar exceeds with probability `tail`; undefined below two returns (Cornish-Fisher: three), for
/// a tail outside (0, 0.5] and where the expansion is not monotone.
///
/// Source: Favre and Galeano 2002 for the Cornish-Fisher form.
#[must_use]
pub fn value_at_risk(returns: &[f64], tail: f64, model: TailModel) -> Option<f64> {
    let sorted = ascending(returns, tail)?;
    match model {
        TailModel::Historical => defined(-quantile_of_sorted(&sorted, tail)?),
        TailModel::Gaussian => {
            defined(-(mean(returns)? + sample_deviation(returns)? * normal::quantile(tail)?))
        }
        TailModel::CornishFisher => {
            let shape = Shape::of(returns, tail)?;
            let z = normal::quantile(tail)?;
            defined(-(mean(returns)? + sample_deviation(returns)? * shape.adjusted(z)))
        }
    }
}

/// Returns the mean loss of the bars beyond the value at risk; undefined where that is.
///
/// Historical: the mean of the returns at or below the interpolated quantile. Gaussian: σ·φ(z)/tail − μ.
/// Cornish-Fisher: the expansion integrated over the tail (Boudt, Peterson and Croux 2008, in closed form).
#[must_use]
pub fn expected_shortfall(returns: &[f64], tail: f64, model: TailModel) -> Option<f64> {
    let sorted = ascending(returns, tail)?;
    match model {
        TailModel::Historical => {
            let limit = quantile_of_sorted(&sorted, tail)?;
            let worse = sorted.partition_point(|value| *value <= limit).max(1);
            defined(-mean(&sorted[..worse])?)
        }
        TailModel::Gaussian => {
            let hazard = normal::density(normal::quantile(tail)?) / tail;
            defined(sample_deviation(returns)? * hazard - mean(returns)?)
        }
        TailModel::CornishFisher => {
            let shape = Shape::of(returns, tail)?;
            defined(-(mean(returns)? + sample_deviation(returns)? * shape.tail_mean(tail)?))
        }
    }
}

/// Returns the returns in ascending order, where the question makes sense.
fn ascending(returns: &[f64], tail: f64) -> Option<Vec<f64>> {
    let mut sorted = finite(returns)?.to_vec();
    sorted.sort_by(f64::total_cmp);
    (0.0 < tail && tail <= 0.5 && 2 <= sorted.len()).then_some(sorted)
}

/// What bends the normal quantile.
struct Shape {
    skewness: f64,
    /// Kurtosis − 3.
    excess: f64,
}

impl Shape {
    /// Returns the shape of a sample when the bent quantile rises with the normal one from a tenth of the tail to the
    /// tail; elsewhere the expansion describes no distribution (Maillard 2012).
    fn of(returns: &[f64], tail: f64) -> Option<Self> {
        let shape = Self { skewness: skewness(returns)?, excess: kurtosis(returns)? - 3.0 };
        let (far, near) = (normal::quantile(tail / 10.0)?, normal::quantile(tail)?);
        let square = shape.excess / 8.0 - shape.skewness * shape.skewness / 6.0;
        let slope = |z: f64| {
            let flat = 1.0 - shape.excess / 8.0 + 5.0 * shape.skewness * shape.skewness / 36.0;
            square * z * z + shape.skewness / 3.0 * z + flat
        };
        let turn = -shape.skewness / 3.0 / (2.0 * square);
        let inside = far < turn && turn < near;
        (0.0 < slope(far) && 0.0 < slope(near) && (!inside || 0.0 < slope(turn))).then_some(shape)
    }

    /// Returns the bent quantile of the normal quantile z.
    fn adjusted(&self, z: f64) -> f64 {
        let (skew, excess) = (self.skewness, self.excess);
        z + (z * z - 1.0) * skew / 6.0 + (z * z * z - 3.0 * z) * excess / 24.0
            - (2.0 * z * z * z - 5.0 * z) * skew * skew / 36.0
    }

    /// Returns the mean of the bent quantile below the tail, from the truncated moments of the normal distribution.
    fn tail_mean(&self, tail: f64) -> Option<f64> {
        let z = normal::quantile(tail)?;
        let hazard = normal::density(z) / tail;
        let (first, second, third) = (-hazard, 1.0 - z * hazard, -(z * z + 2.0) * hazard);
        let (skew, excess) = (self.skewness, self.excess);
        Some(
            first + (second - 1.0) * skew / 6.0 + (third - 3.0 * first) * excess / 24.0
                - (2.0 * third - 5.0 * first) * skew * skew / 36.0,
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MODELS: [TailModel; 3] =
        [TailModel::Historical, TailModel::Gaussian, TailModel::CornishFisher];

    #[test]
    fn are_those_done_by_hand() {
        let returns: Vec<f64> = (0..101).map(|i| f64::from(i - 50) / 1000.0).collect();
        // the 5 % quantile is the sixth worst, −0.045; the six worst average −0.0475
        let at = value_at_risk(&returns, 0.05, TailModel::Historical).unwrap();
        assert!((at - 0.045).abs() < 1e-15);
        let beyond = expected_shortfall(&returns, 0.05, TailModel::Historical).unwrap();
        assert!((beyond - 0.0475).abs() < 1e-15);
        // mean 0, standard deviation 0.0293
        let deviation = sample_deviation(&returns).unwrap();
        let gaussian = value_at_risk(&returns, 0.05, TailModel::Gaussian).unwrap();
        assert!((gaussian - 1.644_853_626_951_472_7 * deviation).abs() < 1e-15);
        let shortfall = expected_shortfall(&returns, 0.05, TailModel::Gaussian).unwrap();
        assert!((shortfall - 2.062_712_807_507_426 * deviation).abs() < 1e-12);
    }

    #[test]
    fn without_skew_and_excess_the_correction_is_nothing() {
        let shape = Shape { skewness: 0.0, excess: 0.0 };
        assert!((shape.adjusted(-1.5) + 1.5).abs() < 1e-15);
        let hazard = normal::density(normal::quantile(0.05).unwrap()) / 0.05;
        assert!((shape.tail_mean(0.05).unwrap() + hazard).abs() < 1e-15);
    }

    #[test]
    fn the_closed_form_is_the_integral_over_the_tail() {
        let shape = Shape { skewness: -0.4, excess: 1.2 };
        let (tail, steps) = (0.05, 200_000);
        let sum: f64 = (0..steps)
            .map(|step| {
                let p = tail * (f64::from(step) + 0.5) / f64::from(steps);
                shape.adjusted(normal::quantile(p).unwrap())
            })
            .sum();
        assert!((sum / f64::from(steps) - shape.tail_mean(tail).unwrap()).abs() < 1e-4);
    }

    #[test]
    fn are_undefined_where_they_mean_nothing() {
        for model in MODELS {
            assert_eq!(value_at_risk(&[0.01], 0.05, model), None);
            assert_eq!(expected_shortfall(&[0.01, f64::NAN], 0.05, model), None);
            assert_eq!(value_at_risk(&[0.01, 0.02, 0.03, 0.0], 0.0, model), None);
        }
        // one crash in a hundred quiet bars bends the expansion back on itself
        let mut crash = vec![0.001; 100];
        crash.push(-0.9);
        assert_eq!(value_at_risk(&crash, 0.05, TailModel::CornishFisher), None);
    }

    proptest! {
        #[test]
        fn the_shortfall_is_never_smaller_and_both_scale(
            returns in prop::collection::vec(-0.2..0.2_f64, 2..80),
            tail in 0.01..0.5_f64,
            scale in 0.1..5.0_f64,
        ) {
            let scaled: Vec<f64> = returns.iter().map(|value| value * scale).collect();
            for model in MODELS {
                if let (Some(at), Some(beyond)) = (value_at_risk(&returns, tail, model), expected_shortfall(&returns, tail, model)) {
                    if model != TailModel::CornishFisher {
                        prop_assert!(at <= beyond + 1e-12);
                    }
                    if let Some(larger) = value_at_risk(&scaled, tail, model) {
                        prop_assert!((larger - scale * at).abs() < 1e-9);
                    }
                }
            }
        }
    }
}
