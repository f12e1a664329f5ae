//! Tail ratio and common sense ratio: how large the best bars are beside the worst.

use super::per_bar::profit_factor;
use super::quantile::quantile;
use super::{DEVIATION_MIN, defined};

/// Returns |95 % quantile| / |5 % quantile| of the returns; undefined below two returns and when the lower one is 0.
#[must_use]
pub fn tail_ratio(returns: &[f64]) -> Option<f64> {
    let (best, worst) = (quantile(returns, 0.95)?.abs(), quantile(returns, 0.05)?.abs());
    if 2 <= returns.len() && DEVIATION_MIN <= worst { defined(best / worst) } else { None }
}

/// Returns profit factor × tail ratio; undefined where one of them is.
#[must_use]
pub fn common_sense_ratio(returns: &[f64]) -> Option<f64> {
    defined(profit_factor(returns)? * tail_ratio(returns)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_those_done_by_hand() {
        // 21 values from −0.10 to 0.10 by 0.01: the quantiles are the second from either end
        let mut returns: Vec<f64> = (0..21).map(|i| f64::from(i - 10) / 100.0).collect();
        assert!((tail_ratio(&returns).unwrap() - 1.0).abs() < 1e-12);
        // the second worst becomes the worst: 0.09 over 0.10
        returns[1] = -0.18;
        assert!((tail_ratio(&returns).unwrap() - 0.9).abs() < 1e-12);
        // gains 0.55, losses 0.55 + 0.09
        let wanted = 0.55 / 0.64 * 0.9;
        assert!((common_sense_ratio(&returns).unwrap() - wanted).abs() < 1e-12);
    }

    #[test]
    fn are_undefined_without_a_lower_tail() {
        assert_eq!(tail_ratio(&[0.0, 0.0, 0.1]), None);
        assert_eq!(tail_ratio(&[0.1]), None);
        assert_eq!(common_sense_ratio(&[0.1, 0.2]), None);
    }
}
