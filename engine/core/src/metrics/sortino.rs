//! Annualised Sortino ratio and downside deviation, target 0 or another one.
//!
//! Downside deviation is √(mean of min(r, 0)²) over all returns (Sortino and Price 1994), not the deviation of the
//! negative ones alone.

use super::{DEVIATION_MIN, defined, mean};

/// Returns mean/downside deviation · √(bars per year); undefined below two returns and when none is negative.
#[must_use]
pub fn sortino(returns: &[f64], periods_per_year: f64) -> Option<f64> {
    let (centre, downside) = (mean(returns)?, per_bar(returns)?);
    if 2 <= returns.len() && DEVIATION_MIN <= downside {
        return defined(centre / downside * periods_per_year.sqrt());
    }
    None
}

/// Returns the Sortino ratio of the returns above a target per bar; undefined where [`sortino`] is.
#[must_use]
pub fn sortino_above(returns: &[f64], target: f64, periods_per_year: f64) -> Option<f64> {
    let excess: Vec<f64> = returns.iter().map(|value| value - target).collect();
    sortino(&excess, periods_per_year)
}

/// Returns √(mean of min(r, 0)²), annualised; undefined without returns.
#[must_use]
pub fn downside_deviation(returns: &[f64], periods_per_year: f64) -> Option<f64> {
    defined(per_bar(returns)? * periods_per_year.sqrt())
}

fn per_bar(returns: &[f64]) -> Option<f64> {
    let squares: Vec<f64> = returns.iter().map(|value| value.min(0.0) * value.min(0.0)).collect();
    mean(&squares).map(f64::sqrt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_one_done_by_hand() {
        // mean 0.01; downside √((0.02² + 0)/2) = 0.02/√2
        let found = sortino(&[-0.02, 0.04], 2.0).unwrap();
        assert!((found - 0.01 / (0.02 / 2.0_f64.sqrt()) * 2.0_f64.sqrt()).abs() < 1e-12);
        assert!((found - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_target_is_subtracted_per_bar() {
        // above 0.01: −0.03 and 0.03; mean 0
        assert!(sortino_above(&[-0.02, 0.04], 0.01, 2.0).unwrap().abs() < 1e-12);
        assert!((downside_deviation(&[-0.02, 0.04], 2.0).unwrap() - 0.02).abs() < 1e-15);
        assert_eq!(downside_deviation(&[], 2.0), None);
    }

    #[test]
    fn is_undefined_without_losses() {
        assert_eq!(sortino(&[0.01, 0.02], 252.0), None);
        assert_eq!(sortino(&[-0.01], 252.0), None);
    }
}
