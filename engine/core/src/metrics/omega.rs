//! Omega ratio and gain-to-pain: sums of gains over sums of losses.

use super::{DEVIATION_MIN, defined, finite};

/// Returns Σ max(r − threshold, 0) / Σ max(threshold − r, 0) of the returns per bar; undefined without returns and when
/// none lies below the threshold.
///
/// Source: Keating and Shadwick 2002.
#[must_use]
pub fn omega(returns: &[f64], threshold: f64) -> Option<f64> {
    let (mut above, mut below) = (0.0_f64, 0.0_f64);
    for value in finite(returns)? {
        let distance = value - threshold;
        if distance > 0.0 {
            above += distance;
        } else {
            below -= distance;
        }
    }
    if DEVIATION_MIN <= below { defined(above / below) } else { None }
}

/// Returns the sum of all returns / the sum of the losses; undefined without a loss. Equals omega − 1 at threshold 0.
///
/// Source: Schwager 2012, "Market Wizards", appendix A (there monthly; here of the bars given).
#[must_use]
pub fn gain_to_pain(returns: &[f64]) -> Option<f64> {
    let losses: f64 = finite(returns)?.iter().map(|value| (-value).max(0.0)).sum();
    let all: f64 = returns.iter().sum();
    if DEVIATION_MIN <= losses { defined(all / losses) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn are_those_done_by_hand() {
        let returns = [0.03, -0.01, 0.01, -0.01];
        assert!((omega(&returns, 0.0).unwrap() - 2.0).abs() < 1e-15);
        assert!((omega(&returns, 0.01).unwrap() - 0.5).abs() < 1e-15);
        assert!((gain_to_pain(&returns).unwrap() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn are_undefined_without_losses() {
        assert_eq!(omega(&[0.01, 0.0], 0.0), None);
        assert_eq!(gain_to_pain(&[]), None);
        assert_eq!(omega(&[0.01, f64::NAN], 0.0), None);
    }

    proptest! {
        #[test]
        fn one_is_the_other_plus_one(returns in prop::collection::vec(-0.1..0.1_f64, 1..50)) {
            if let (Some(ratio), Some(gain)) = (omega(&returns, 0.0), gain_to_pain(&returns)) {
                prop_assert!((ratio - 1.0 - gain).abs() < 1e-9 * (1.0 + ratio));
            }
        }

        #[test]
        fn falls_as_the_threshold_rises(returns in prop::collection::vec(-0.1..0.1_f64, 2..50), step in 0.0..0.05_f64) {
            if let (Some(low), Some(high)) = (omega(&returns, 0.0), omega(&returns, step)) {
                prop_assert!(high <= low + 1e-12);
            }
        }
    }
}
