//! Annualised Sharpe ratio, risk-free rate 0.

use super::{DEVIATION_MIN, defined, mean, sample_deviation};

/// Returns mean/deviation · √(bars per year); undefined below two returns and when they do not vary.
#[must_use]
pub fn sharpe(returns: &[f64], periods_per_year: f64) -> Option<f64> {
    let (centre, deviation) = (mean(returns)?, sample_deviation(returns)?);
    if DEVIATION_MIN <= deviation {
        defined(centre / deviation * periods_per_year.sqrt())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_one_done_by_hand() {
        assert!((sharpe(&[0.0, 0.02, 0.01], 4.0).unwrap() - 2.0).abs() < 1e-12);
    }

    #[test]
    fn is_undefined_without_variation() {
        assert_eq!(sharpe(&[0.01; 10], 252.0), None);
        assert_eq!(sharpe(&[0.0; 10], 252.0), None);
        assert_eq!(sharpe(&[], 252.0), None);
    }
}
