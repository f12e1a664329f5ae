//! Shape of a sample and how two samples or two times move together.

use super::{DEVIATION_MIN, defined, finite, mean};

/// Returns the mean of the n-th power of the distances from the mean.
fn central(values: &[f64], power: i32) -> Option<f64> {
    let centre = mean(finite(values)?)?;
    mean(&values.iter().map(|value| (value - centre).powi(power)).collect::<Vec<_>>())
}

/// Returns the standardised central moment; undefined below `fewest` values and when they do not vary.
fn standardised(values: &[f64], power: i32, fewest: usize) -> Option<f64> {
    let deviation = central(values, 2)?.sqrt();
    if fewest <= values.len() && DEVIATION_MIN <= deviation {
        defined(central(values, power)? / deviation.powi(power))
    } else {
        None
    }
}

/// Returns the skewness m₃/m₂^1.5 of the population form, without correction for bias; undefined below three values
/// and when they do not vary.
#[must_use]
pub fn skewness(values: &[f64]) -> Option<f64> {
    standardised(values, 3, 3)
}

/// Returns the **raw** kurtosis m₄/m₂² (3 for a normal distribution), without correction for bias; undefined below three
/// values and when they do not vary.
#[must_use]
pub fn kurtosis(values: &[f64]) -> Option<f64> {
    standardised(values, 4, 3)
}

/// Returns the autocorrelation at a lag ≥ 1: Σ (r_t − m)(r_{t+lag} − m) / Σ (r_t − m)²; undefined when fewer than
/// `lag` + 2 values are given and when they do not vary.
///
/// Source: Box and Jenkins 1976, section 2.1.5 (the biased estimate, always within [−1, 1]).
#[must_use]
pub fn autocorrelation(values: &[f64], lag: usize) -> Option<f64> {
    let centre = mean(finite(values)?)?;
    let squares: f64 = values.iter().map(|value| (value - centre) * (value - centre)).sum();
    let later = values.get(lag..)?;
    let together: f64 =
        values.iter().zip(later).map(|(now, then)| (now - centre) * (then - centre)).sum();
    let varies = DEVIATION_MIN <= (squares / values.len() as f64).sqrt();
    if 1 <= lag && 2 <= later.len() && varies { defined(together / squares) } else { None }
}

/// Returns the sample covariance (divided by n − 1) of two series of one length; undefined below two values.
#[must_use]
pub fn covariance(left: &[f64], right: &[f64]) -> Option<f64> {
    let (here, there) = (mean(finite(left)?)?, mean(finite(right)?)?);
    let sum: f64 = left.iter().zip(right).map(|(x, y)| (x - here) * (y - there)).sum();
    let count = left.len();
    if 2 <= count && count == right.len() { defined(sum / (count - 1) as f64) } else { None }
}

/// Returns Pearson's correlation, −1 to 1; undefined below two values and when one side does not vary.
#[must_use]
pub fn correlation(left: &[f64], right: &[f64]) -> Option<f64> {
    let (here, there) = (covariance(left, left)?.sqrt(), covariance(right, right)?.sqrt());
    if DEVIATION_MIN <= here && DEVIATION_MIN <= there {
        defined((covariance(left, right)? / (here * there)).clamp(-1.0, 1.0))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn are_those_done_by_hand() {
        // mean 1; distances −1 −1 −1 3; m2 = 3, m3 = 6, m4 = 21
        let values = [0.0, 0.0, 0.0, 4.0];
        assert!((skewness(&values).unwrap() - 6.0 / 3.0_f64.powf(1.5)).abs() < 1e-15);
        assert!((kurtosis(&values).unwrap() - 21.0 / 9.0).abs() < 1e-15);
        // products of neighbours: 1 1 −3, squares sum to 12
        assert!((autocorrelation(&values, 1).unwrap() + 1.0 / 12.0).abs() < 1e-15);
        assert!((covariance(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]).unwrap() - 2.0).abs() < 1e-15);
        assert!((correlation(&[1.0, 2.0, 3.0], &[-2.0, -4.0, -6.0]).unwrap() + 1.0).abs() < 1e-15);
    }

    #[test]
    fn are_undefined_when_short_constant_or_not_finite() {
        assert_eq!(skewness(&[1.0, 2.0]), None);
        assert_eq!(kurtosis(&[1.0; 9]), None);
        assert_eq!(skewness(&[1.0, 2.0, f64::NAN]), None);
        assert_eq!(autocorrelation(&[1.0, 2.0], 1), None);
        assert_eq!(autocorrelation(&[1.0, 2.0, 3.0], 0), None);
        assert_eq!(autocorrelation(&[1.0, 2.0, 3.0], 9), None);
        assert_eq!(covariance(&[1.0, 2.0], &[1.0]), None);
        assert_eq!(correlation(&[1.0, 2.0], &[3.0, 3.0]), None);
    }

    proptest! {
        #[test]
        fn shape_does_not_depend_on_scale_or_place(
            values in prop::collection::vec(-1.0..1.0_f64, 4..40),
            scale in 0.1..10.0_f64,
            shift in -5.0..5.0_f64,
        ) {
            let moved: Vec<f64> = values.iter().map(|value| value * scale + shift).collect();
            if let (Some(a), Some(b)) = (skewness(&values), skewness(&moved)) {
                prop_assert!((a - b).abs() < 1e-6 * (1.0 + a.abs()));
            }
            if let (Some(a), Some(b)) = (kurtosis(&values), kurtosis(&moved)) {
                prop_assert!((a - b).abs() < 1e-6 * (1.0 + a.abs()));
                prop_assert!(1.0 - 1e-9 <= a, "Pearson's inequality");
            }
            prop_assert!(autocorrelation(&values, 1).is_none_or(|value| value.abs() <= 1.0 + 1e-12));
        }
    }
}
