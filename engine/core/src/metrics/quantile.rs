//! Quantiles of a sample by linear interpolation.

use super::{defined, finite};

/// Returns the value below which `share` of the sample lies, interpolated linearly between order statistics (type 7 of
/// Hyndman and Fan 1996); undefined without values, when one is not finite and for a share outside `[0, 1]`.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = finite(values)?.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile_of_sorted(&sorted, share)
}

/// Returns the same of values that are in ascending order already.
#[must_use]
pub fn quantile_of_sorted(sorted: &[f64], share: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&share) {
        return None;
    }
    let last = sorted.len().checked_sub(1)?;
    let place = share * last as f64;
    let below = floor_index(place, last);
    let (low, high) = (*sorted.get(below)?, *sorted.get((below + 1).min(last))?);
    defined(low + (high - low) * (place - below as f64))
}

/// Returns the whole part of a place that lies in `[0, last]`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the place lies between 0 and a length"
)]
fn floor_index(place: f64, last: usize) -> usize {
    (place.floor().max(0.0) as usize).min(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_the_one_done_by_hand() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 1.0), Some(4.0));
        assert_eq!(quantile(&values, 0.5), Some(2.5));
        assert!((quantile(&values, 0.05).unwrap() - 1.15).abs() < 1e-15);
        assert_eq!(quantile(&[7.0], 0.3), Some(7.0));
    }

    #[test]
    fn is_undefined_where_it_means_nothing() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[1.0, f64::NAN], 0.0), None);
        assert_eq!(quantile(&[1.0], 1.5), None);
        assert_eq!(quantile(&[1.0], f64::NAN), None);
    }

    proptest! {
        #[test]
        fn rises_with_the_share(values in prop::collection::vec(-1e3..1e3_f64, 1..40), a in 0.0..1.0_f64, b in 0.0..1.0_f64) {
            let (low, high) = (quantile(&values, a.min(b)).unwrap(), quantile(&values, a.max(b)).unwrap());
            prop_assert!(low <= high + 1e-9);
        }
    }
}
