//! Diversity of a portfolio: entropy of its weights, effective number of bets, entropy of a density.
//!
//! Source: PRUDEX-Compass (Sun et al. 2023), trademaster.md section 6; Meucci 2009 ("Managing diversification") for the
//! effective number of bets.

use super::eigen::{Eigen, symmetric};
use crate::config::Truth;
use crate::metrics::moments::covariance;
use crate::metrics::sample_spread;

/// Points on which a density is integrated.
const POINTS: u32 = 2_000;
/// Bandwidths beyond the outermost values; beyond, a normal kernel is below 1e-7.
const REACH: f64 = 6.0;

/// Returns the mean over days of −Σ w·ln w (ENT), 0 to ln N. Weights are at least 0 and sum to 1; shapes `[T][N]`.
/// Undefined without days and when a weight is below 0 or not finite.
#[must_use]
pub fn weight_entropy(weights: &[Vec<f64>]) -> Option<f64> {
    let days: Option<Vec<f64>> = weights.iter().map(|day| entropy(day)).collect();
    mean(&days?)
}

/// Returns −Σ p·ln p, where 0·ln 0 is 0; undefined when a share is below 0 or not finite.
fn entropy(shares: &[f64]) -> Option<f64> {
    let mut sum = 0.0;
    for share in shares {
        if !(0.0 <= *share && share.is_finite()) {
            return None;
        }
        if 0.0 < *share {
            sum -= share * share.ln();
        }
    }
    (!shares.is_empty()).then_some(sum)
}

/// Returns the effective number of bets (ENB) of one day's weights, 1 to N: exp(−Σ p·ln p), where p_i ∝ λ_i·(E⁻¹w)_i² is
/// the share of the variance that the i-th principal portfolio carries. The reference squares λ_i (quirk M5); `truth`
/// picks the definition.
///
/// Shapes: `weights` `[N]`, `returns` `[N][T]` of the instruments. Undefined below two returns, when lengths differ and
/// when the portfolio has no variance.
#[must_use]
pub fn effective_bets(weights: &[f64], returns: &[Vec<f64>], truth: Truth) -> Option<f64> {
    bets(weights, &principal_portfolios(returns)?, truth)
}

/// Returns the eigen-decomposition of the covariance of the instruments.
fn principal_portfolios(returns: &[Vec<f64>]) -> Option<Eigen> {
    let matrix: Option<Vec<Vec<f64>>> = returns
        .iter()
        .map(|one| returns.iter().map(|other| covariance(one, other)).collect())
        .collect();
    symmetric(&matrix?)
}

fn bets(weights: &[f64], eigen: &Eigen, truth: Truth) -> Option<f64> {
    if weights.len() != eigen.values.len() {
        return None;
    }
    let carried: Vec<f64> = eigen
        .values
        .iter()
        .zip(&eigen.vectors)
        .map(|(value, vector)| {
            let exposure: f64 =
                vector.iter().zip(weights).map(|(part, weight)| part * weight).sum();
            let variance = value.max(0.0);
            let factor = match truth {
                Truth::Faithful => variance * variance,
                Truth::Corrected => variance,
            };
            factor * exposure * exposure
        })
        .collect();
    let whole: f64 = carried.iter().sum();
    if !(0.0 < whole && whole.is_finite()) {
        return None;
    }
    entropy(&carried.iter().map(|part| part / whole).collect::<Vec<_>>()).map(f64::exp)
}

/// Returns the mean over days of the effective number of bets; undefined where that of a day is.
#[must_use]
pub fn mean_effective_bets(
    weights: &[Vec<f64>],
    returns: &[Vec<f64>],
    truth: Truth,
) -> Option<f64> {
    let eigen = principal_portfolios(returns)?;
    let days: Option<Vec<f64>> = weights.iter().map(|day| bets(day, &eigen, truth)).collect();
    mean(&days?)
}

/// Returns the differential entropy −∫ p·ln p of a Gaussian kernel density with Scott's bandwidth s·n^(−1/5), in nats; it
/// may be below 0. Undefined below two values and when they do not vary.
///
/// Source: Scott 1992, "Multivariate Density Estimation".
#[must_use]
pub fn density_entropy(values: &[f64]) -> Option<f64> {
    let spread = sample_spread(values)?;
    let bandwidth = spread * (values.len() as f64).powf(-0.2);
    let low = values.iter().copied().fold(f64::INFINITY, f64::min) - REACH * bandwidth;
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max) + REACH * bandwidth;
    let step = (high - low) / f64::from(POINTS);
    let density = |x: f64| {
        let kernels =
            values.iter().map(|value| crate::metrics::normal::density((x - value) / bandwidth));
        kernels.sum::<f64>() / (values.len() as f64 * bandwidth)
    };
    let mut sum = 0.0;
    for point in 0..=POINTS {
        let height = density(low + step * f64::from(point));
        let weight = if point == 0 || point == POINTS { 0.5 } else { 1.0 };
        if 0.0 < height {
            sum -= weight * step * height * height.ln();
        }
    }
    sum.is_finite().then_some(sum)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entropy_is_the_one_done_by_hand() {
        let quarter = vec![vec![0.25; 4], vec![1.0, 0.0, 0.0, 0.0]];
        assert!((weight_entropy(&quarter).unwrap() - 4.0_f64.ln() / 2.0).abs() < 1e-15);
        assert_eq!(weight_entropy(&[]), None);
        assert_eq!(weight_entropy(&[vec![1.5, -0.5]]), None);
        assert_eq!(weight_entropy(&[vec![f64::NAN]]), None);
    }

    #[test]
    fn bets_are_counted_by_variance_and_the_reference_squares_it() {
        // uncorrelated, variances 2 and 1 (times 4/3): shares 2/3 and 1/3, squared 4/5 and 1/5
        let root = 2.0_f64.sqrt();
        let returns = vec![vec![root, -root, root, -root], vec![1.0, 1.0, -1.0, -1.0]];
        let entropy = |p: f64| (-(p * p.ln() + (1.0 - p) * (1.0 - p).ln())).exp();
        let found = effective_bets(&[0.5, 0.5], &returns, Truth::Corrected).unwrap();
        assert!((found - entropy(2.0 / 3.0)).abs() < 1e-12);
        let faithful = effective_bets(&[0.5, 0.5], &returns, Truth::Faithful).unwrap();
        assert!((faithful - entropy(0.8)).abs() < 1e-12);
        // a single instrument that is a principal axis is one bet
        assert!(
            (effective_bets(&[1.0, 0.0], &returns, Truth::Corrected).unwrap() - 1.0).abs() < 1e-12
        );
        let both = vec![vec![0.5, 0.5], vec![1.0, 0.0]];
        let mean = mean_effective_bets(&both, &returns, Truth::Corrected).unwrap();
        assert!((mean - (entropy(2.0 / 3.0) + 1.0) / 2.0).abs() < 1e-12);
        assert_eq!(effective_bets(&[1.0], &returns, Truth::Corrected), None);
        assert_eq!(effective_bets(&[1.0], &[vec![0.0; 5]], Truth::Corrected), None);
    }

    #[test]
    fn the_entropy_of_a_wide_density_is_that_of_its_distribution() {
        // quantiles of a normal distribution: ½ ln(2πe σ²), a little more through the bandwidth
        let values: Vec<f64> = (1..400)
            .map(|i| crate::metrics::normal::quantile(f64::from(i) / 400.0).unwrap())
            .collect();
        let found = density_entropy(&values).unwrap();
        let wanted = 0.5 * (std::f64::consts::TAU * std::f64::consts::E).ln();
        assert!((found - wanted).abs() < 0.06, "{found} {wanted}");
        assert_eq!(density_entropy(&[1.0, 1.0]), None);
        assert_eq!(density_entropy(&[1.0]), None);
    }

    proptest! {
        #[test]
        fn doubling_the_scale_adds_the_logarithm_of_two(values in prop::collection::vec(-1.0..1.0_f64, 3..20)) {
            let twice: Vec<f64> = values.iter().map(|value| 2.0 * value).collect();
            if let (Some(one), Some(two)) = (density_entropy(&values), density_entropy(&twice)) {
                prop_assert!((two - one - std::f64::consts::LN_2).abs() < 1e-6);
            }
        }

        #[test]
        fn bets_lie_between_one_and_the_number_of_instruments(
            weights in prop::collection::vec(0.01..1.0_f64, 3),
            flat in prop::collection::vec(-0.1..0.1_f64, 30),
        ) {
            let returns: Vec<Vec<f64>> = flat.chunks(10).map(<[f64]>::to_vec).collect();
            for truth in [Truth::Faithful, Truth::Corrected] {
                if let Some(bets) = effective_bets(&weights, &returns, truth) {
                    prop_assert!((1.0 - 1e-9..=3.0 + 1e-9).contains(&bets));
                }
            }
        }
    }
}
