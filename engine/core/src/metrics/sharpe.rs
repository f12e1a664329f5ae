//! Annualised Sharpe ratio, with a risk-free rate of 0 or another one.

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

/// Returns the risk-free rate of one bar, (1 + yearly rate)^(1/bars per year) − 1; undefined for rates at or below −1.
#[must_use]
pub fn risk_free_per_bar(risk_free_per_year: f64, periods_per_year: f64) -> Option<f64> {
    if -1.0 < risk_free_per_year && 0.0 < periods_per_year {
        defined((risk_free_per_year.ln_1p() / periods_per_year).exp_m1())
    } else {
        None
    }
}

/// Returns the Sharpe ratio of the returns above a risk-free rate per bar; undefined where [`sharpe`] is.
#[must_use]
pub fn sharpe_above(returns: &[f64], risk_free: f64, periods_per_year: f64) -> Option<f64> {
    let excess: Vec<f64> = returns.iter().map(|value| value - risk_free).collect();
    sharpe(&excess, periods_per_year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_one_done_by_hand() {
        assert!((sharpe(&[0.0, 0.02, 0.01], 4.0).unwrap() - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_risk_free_rate_is_subtracted_per_bar() {
        let rate = risk_free_per_bar(0.21, 2.0).unwrap();
        assert!((rate - 0.1).abs() < 1e-15);
        assert!(sharpe_above(&[0.0, 0.02, 0.01], 0.01, 4.0).unwrap().abs() < 1e-12);
        assert_eq!(risk_free_per_bar(-1.0, 252.0), None);
        assert_eq!(risk_free_per_bar(f64::NAN, 252.0), None);
        assert_eq!(sharpe_above(&[0.0, 0.02], f64::NAN, 252.0), None);
    }

    #[test]
    fn is_undefined_without_variation() {
        assert_eq!(sharpe(&[0.01; 10], 252.0), None);
        assert_eq!(sharpe(&[0.0; 10], 252.0), None);
        assert_eq!(sharpe(&[], 252.0), None);
    }
}
