//! Annualised Sortino ratio, target 0.
//!
//! Downside deviation is √(mean of min(r, 0)²) over all returns (Sortino and Price 1994), not the deviation of the
//! negative ones alone.

use super::{DEVIATION_MIN, defined, mean};

/// Returns mean/downside deviation · √(bars per year); undefined below two returns and when none is negative.
#[must_use]
pub fn sortino(returns: &[f64], periods_per_year: f64) -> Option<f64> {
    let centre = mean(returns)?;
    let squares: Vec<f64> = returns.iter().map(|value| value.min(0.0) * value.min(0.0)).collect();
    let downside = mean(&squares)?.sqrt();
    if 2 <= returns.len() && DEVIATION_MIN <= downside {
        return defined(centre / downside * periods_per_year.sqrt());
    }
    None
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
    fn is_undefined_without_losses() {
        assert_eq!(sortino(&[0.01, 0.02], 252.0), None);
        assert_eq!(sortino(&[-0.01], 252.0), None);
    }
}
