//! A strategy beside its benchmark: alpha, beta, tracking error, information ratio, Treynor ratio, capture.
//!
//! Both series are simple returns per bar of one length; `risk_free` is the risk-free rate per bar.

use super::moments::{correlation, covariance};
use super::{DEVIATION_MIN, defined, finite, mean, sample_deviation};

/// Returns cov(r, b)/var(b); undefined below two returns and when the benchmark does not vary.
#[must_use]
pub fn beta(returns: &[f64], benchmark: &[f64]) -> Option<f64> {
    let variance = covariance(benchmark, benchmark)?;
    if DEVIATION_MIN <= variance.sqrt() {
        defined(covariance(returns, benchmark)? / variance)
    } else {
        None
    }
}

/// Returns Jensen's alpha per year, (mean(r − f) − β·mean(b − f)) × bars per year, arithmetic; undefined where beta is.
///
/// Source: Jensen 1968.
#[must_use]
pub fn alpha(
    returns: &[f64],
    benchmark: &[f64],
    risk_free: f64,
    periods_per_year: f64,
) -> Option<f64> {
    let slope = beta(returns, benchmark)?;
    let per_bar = mean(returns)? - risk_free - slope * (mean(benchmark)? - risk_free);
    defined(per_bar * periods_per_year)
}

/// Returns the square of the correlation, 0 to 1; undefined where that is.
#[must_use]
pub fn r_squared(returns: &[f64], benchmark: &[f64]) -> Option<f64> {
    correlation(returns, benchmark).map(|value| value * value)
}

/// Returns the sample standard deviation of r − b, annualised; undefined below two returns.
#[must_use]
pub fn tracking_error(returns: &[f64], benchmark: &[f64], periods_per_year: f64) -> Option<f64> {
    defined(sample_deviation(&differences(returns, benchmark)?)? * periods_per_year.sqrt())
}

/// Returns the mean of r − b over its sample standard deviation, annualised; undefined below two returns and when the
/// difference does not vary.
///
/// Source: Grinold and Kahn 1999, chapter 5 (with excess return in place of residual return).
#[must_use]
pub fn information_ratio(returns: &[f64], benchmark: &[f64], periods_per_year: f64) -> Option<f64> {
    super::sharpe::sharpe(&differences(returns, benchmark)?, periods_per_year)
}

/// Returns the mean of r − f per year / beta; undefined where beta is and when it is 0.
///
/// Source: Treynor 1965.
#[must_use]
pub fn treynor(
    returns: &[f64],
    benchmark: &[f64],
    risk_free: f64,
    periods_per_year: f64,
) -> Option<f64> {
    let slope = beta(returns, benchmark)?;
    if slope.abs() < DEVIATION_MIN {
        return None;
    }
    defined((mean(returns)? - risk_free) * periods_per_year / slope)
}

/// Returns the compound annual growth of the strategy over that of the benchmark in the bars in which the benchmark
/// rose; undefined when it never did.
#[must_use]
pub fn up_capture(returns: &[f64], benchmark: &[f64], periods_per_year: f64) -> Option<f64> {
    capture(returns, benchmark, periods_per_year, |move_of_market| move_of_market > 0.0)
}

/// Returns the same of the bars in which the benchmark fell; undefined when it never did.
#[must_use]
pub fn down_capture(returns: &[f64], benchmark: &[f64], periods_per_year: f64) -> Option<f64> {
    capture(returns, benchmark, periods_per_year, |move_of_market| move_of_market < 0.0)
}

fn capture(
    returns: &[f64],
    benchmark: &[f64],
    periods_per_year: f64,
    counts: impl Fn(f64) -> bool,
) -> Option<f64> {
    differences(returns, benchmark)?;
    let (mut ours, mut theirs, mut bars) = (1.0, 1.0, 0_u32);
    for (own, market) in returns.iter().zip(benchmark) {
        if counts(*market) {
            ours *= 1.0 + own;
            theirs *= 1.0 + market;
            bars += 1;
        }
    }
    if bars == 0 || ours <= 0.0 || theirs <= 0.0 {
        return None;
    }
    let years = f64::from(bars) / periods_per_year;
    let (gain, market) = (f64::powf(ours, 1.0 / years) - 1.0, f64::powf(theirs, 1.0 / years) - 1.0);
    if DEVIATION_MIN <= market.abs() { defined(gain / market) } else { None }
}

fn differences(returns: &[f64], benchmark: &[f64]) -> Option<Vec<f64>> {
    if finite(returns)?.len() != finite(benchmark)?.len() {
        return None;
    }
    Some(returns.iter().zip(benchmark).map(|(own, market)| own - market).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OWN: [f64; 4] = [0.03, -0.01, 0.05, 0.01];
    const MARKET: [f64; 4] = [0.02, -0.02, 0.02, -0.02];

    #[test]
    fn are_those_done_by_hand() {
        // mean of ours 0.02, of the market 0; Σ products 0.0016; Σ market² 0.0016
        assert!((beta(&OWN, &MARKET).unwrap() - 1.0).abs() < 1e-12);
        assert!((alpha(&OWN, &MARKET, 0.0, 100.0).unwrap() - 2.0).abs() < 1e-12);
        assert!((alpha(&OWN, &MARKET, 0.01, 100.0).unwrap() - 2.0).abs() < 1e-12);
        assert!((treynor(&OWN, &MARKET, 0.01, 100.0).unwrap() - 1.0).abs() < 1e-12);
        // Σ ours² about the mean: 0.01² + 0.03² + 0.03² + 0.01² = 0.002
        assert!((r_squared(&OWN, &MARKET).unwrap() - 0.0016 / 0.002).abs() < 1e-12);
        // differences 0.01 0.01 0.03 0.03: mean 0.02, squares 4e-4 over 3
        let deviation = (4e-4_f64 / 3.0).sqrt();
        assert!((tracking_error(&OWN, &MARKET, 4.0).unwrap() - 2.0 * deviation).abs() < 1e-12);
        assert!((information_ratio(&OWN, &MARKET, 4.0).unwrap() - 0.04 / deviation).abs() < 1e-10);
        // up bars: 1.03·1.05 over 1.02² in two bars of a two-bar year
        let wanted = (1.03 * 1.05 - 1.0) / (1.02 * 1.02 - 1.0);
        assert!((up_capture(&OWN, &MARKET, 2.0).unwrap() - wanted).abs() < 1e-12);
        let wanted = (0.99 * 1.01 - 1.0) / (0.98 * 0.98 - 1.0);
        assert!((down_capture(&OWN, &MARKET, 2.0).unwrap() - wanted).abs() < 1e-12);
    }

    #[test]
    fn are_undefined_beside_nothing() {
        assert_eq!(beta(&OWN, &[0.01; 4]), None);
        assert_eq!(beta(&OWN, &MARKET[..3]), None);
        assert_eq!(alpha(&[0.1], &[0.1], 0.0, 252.0), None);
        assert_eq!(tracking_error(&OWN, &[f64::NAN; 4], 252.0), None);
        assert_eq!(information_ratio(&OWN, &OWN, 252.0), None);
        assert_eq!(down_capture(&OWN, &[0.01; 4], 252.0), None);
        assert_eq!(up_capture(&[-1.0], &[0.1], 252.0), None);
        assert_eq!(treynor(&[0.1, 0.1], &[0.1, 0.2], 0.0, 252.0), None);
    }

    proptest! {
        #[test]
        fn the_benchmark_beside_itself_is_neutral(market in prop::collection::vec(-0.1..0.1_f64, 3..40)) {
            if let Some(slope) = beta(&market, &market) {
                prop_assert!((slope - 1.0).abs() < 1e-9);
                prop_assert!(alpha(&market, &market, 0.001, 252.0).unwrap().abs() < 1e-9);
                prop_assert!(tracking_error(&market, &market, 252.0).unwrap() < 1e-12);
            }
            if let Some(share) = up_capture(&market, &market, 252.0) {
                prop_assert!((share - 1.0).abs() < 1e-9);
            }
        }

        #[test]
        fn beta_scales_with_leverage(market in prop::collection::vec(-0.1..0.1_f64, 3..40), times in -3.0..3.0_f64) {
            let own: Vec<f64> = market.iter().map(|value| value * times).collect();
            if let Some(slope) = beta(&own, &market) {
                prop_assert!((slope - times).abs() < 1e-9);
            }
        }
    }
}
