//! Annualised volatility.

use super::{defined, sample_deviation};

/// Returns the sample standard deviation of the returns per bar times √(bars per year); undefined below two returns.
#[must_use]
pub fn volatility(returns: &[f64], periods_per_year: f64) -> Option<f64> {
    sample_deviation(returns).and_then(|deviation| defined(deviation * periods_per_year.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_one_done_by_hand() {
        // deviations from the mean 0.01: −0.01, 0.01, 0; squares sum to 2e-4, over 2: 1e-4
        let found = volatility(&[0.0, 0.02, 0.01], 4.0).unwrap();
        assert!((found - 0.02).abs() < 1e-15);
        assert_eq!(volatility(&[0.01], 252.0), None);
    }
}
