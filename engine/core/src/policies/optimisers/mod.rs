//! Portfolio optimisers: weights from a covariance, long-only and fully invested. Estimates are in [`covariance`];
//! when to estimate and trade is the business of `policies::rules`.

pub mod covariance;
mod hierarchical;
mod mean_variance;
mod min_variance;
mod risk_parity;

pub use covariance::covariance;
pub use hierarchical::hierarchical_risk_parity;
pub use mean_variance::{MeanVariance, mean_variance};
pub use min_variance::min_variance;
pub use risk_parity::{risk_contributions, risk_parity};

use super::algebra::Square;
use crate::error::EngineError;

/// A variance below this share of the greatest counts as none.
pub(crate) const VARIANCE_SHARE_MIN: f64 = 1e-14;

fn refuse(detail: String) -> EngineError {
    EngineError::Refused { what: "portfolio weights", detail }
}

/// Refuses covariances without assets, with numbers that are not finite, or with an asset that has no variance.
fn check_variances(covariance: &Square) -> Result<(), EngineError> {
    let size = covariance.size();
    let variances: Vec<f64> = (0..size).map(|asset| covariance.at(asset, asset)).collect();
    let most = variances.iter().copied().fold(0.0, f64::max);
    let good = |variance: f64| variance > VARIANCE_SHARE_MIN * most && variance.is_finite();
    match variances.iter().position(|variance| !good(*variance)) {
        None if size > 0 && covariance.values.iter().all(|value| value.is_finite()) => Ok(()),
        None => Err(refuse(
            "wanted at least one asset and finite covariances, found others; check the data"
                .to_owned(),
        )),
        Some(asset) => Err(refuse(format!(
            "wanted a variance above 0 of every asset, found {} of asset {asset}; leave it out or look back further",
            variances[asset]
        ))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn two(first: f64, second: f64, shared: f64) -> Square {
        Square::from_values(2, vec![first, shared, shared, second]).unwrap()
    }

    fn equal_correlation(deviations: &[f64], correlation: f64) -> Square {
        let size = deviations.len();
        let value = |row: usize, column: usize| {
            let factor = if row == column { 1.0 } else { correlation };
            factor * deviations[row] * deviations[column]
        };
        let values = (0..size * size).map(|place| value(place / size, place % size)).collect();
        Square::from_values(size, values).unwrap()
    }

    #[test]
    fn minimum_variance_of_two_assets_is_the_closed_form() {
        for (first, second, shared) in [(0.04, 0.09, 0.01), (1.0, 4.0, -0.5), (2.0, 2.0, 1.0)] {
            let wanted = (second - shared) / (first + second - 2.0 * shared);
            let found = min_variance(&two(first, second, shared), 1.0).unwrap();
            assert!((found[0] - wanted).abs() < 1e-12, "{found:?} {wanted}");
        }
        // The closed form goes short: long-only stops at the bound.
        assert!((min_variance(&two(0.01, 0.09, 0.02), 1.0).unwrap()[0] - 1.0).abs() < 1e-12);
        assert!((min_variance(&two(0.01, 0.09, 0.02), 0.7).unwrap()[0] - 0.7).abs() < 1e-12);
    }

    #[test]
    fn equal_correlation_makes_risk_parity_inverse_deviation() {
        let deviations = [0.1, 0.2, 0.4, 0.5];
        for correlation in [-0.2, 0.0, 0.3, 0.9] {
            let found = risk_parity(&equal_correlation(&deviations, correlation)).unwrap();
            let sum: f64 = deviations.iter().map(|deviation| 1.0 / deviation).sum();
            for (weight, deviation) in found.iter().zip(deviations) {
                assert!((weight - 1.0 / deviation / sum).abs() < 1e-9, "{found:?}");
            }
        }
    }

    #[test]
    fn hierarchical_risk_parity_without_correlation_is_done_by_hand() {
        // Two assets: inverse variance.
        let found = hierarchical_risk_parity(&two(1.0, 4.0, 0.0)).unwrap();
        assert!((found[0] - 0.8).abs() < 1e-12);
        // Two correlated pairs: the pairs share by inverse variance, then each within itself.
        let mut pairs = Square::identity(4, 1.0);
        for (row, column) in [(0, 2), (2, 0), (1, 3), (3, 1)] {
            pairs.values[row * 4 + column] = 0.8;
        }
        let found = hierarchical_risk_parity(&pairs).unwrap();
        assert!(found.iter().all(|weight| (weight - 0.25).abs() < 1e-12), "{found:?}");
        // One pair twice as wide: its variance is 4 times as great, so it gets 1/5.
        for place in [5, 7, 13, 15] {
            pairs.values[place] *= 4.0;
        }
        let found = hierarchical_risk_parity(&pairs).unwrap();
        for (weight, wanted) in found.iter().zip([0.4, 0.1, 0.4, 0.1]) {
            assert!((weight - wanted).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn mean_variance_of_two_assets_is_done_by_hand() {
        // Without correlation, unit variances, aversion 2: w1 = ½ + (μ1 − μ2)/4.
        let problem = MeanVariance {
            means: &[0.3, 0.1],
            covariance: &two(1.0, 1.0, 0.0),
            risk_aversion: 2.0,
            turnover_penalty: 0.0,
            held: &[0.0, 1.0],
            weight_max: 1.0,
        };
        assert!((mean_variance(&problem).unwrap()[0] - 0.55).abs() < 1e-12);
        let still = MeanVariance { turnover_penalty: 1e9, ..problem };
        assert!(mean_variance(&still).unwrap()[0] < 1e-8);
    }

    #[test]
    fn refuses_assets_without_variance_and_numbers_that_are_none() {
        let flat = two(1.0, 0.0, 0.0);
        assert!(risk_parity(&flat).is_err());
        assert!(hierarchical_risk_parity(&flat).is_err());
        assert!(Square::from_values(2, vec![f64::INFINITY; 4]).is_none());
        assert!(risk_parity(&Square::identity(0, 1.0)).is_err());
        assert!(min_variance(&Square::identity(0, 1.0), 1.0).is_err());
    }

    fn covariances() -> impl Strategy<Value = Square> {
        (1_usize..8, prop::collection::vec(-1.0..1.0_f64, 80)).prop_map(|(size, numbers)| {
            let mut square = Square::identity(size, 0.05);
            for chunk in numbers.chunks_exact(size).take(size + 2) {
                square.add_outer(chunk, 0.1);
            }
            square
        })
    }

    proptest! {
        #[test]
        fn weights_are_on_the_simplex_and_contributions_equal(covariance in covariances()) {
            let parity = risk_parity(&covariance).unwrap();
            let shares = risk_contributions(&covariance, &parity);
            let wanted = 1.0 / covariance.size() as f64;
            prop_assert!(shares.iter().all(|share| (share - wanted).abs() < 1e-8), "{:?}", shares);
            for weights in [parity, min_variance(&covariance, 1.0).unwrap(), hierarchical_risk_parity(&covariance).unwrap()] {
                prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                prop_assert!(weights.iter().all(|weight| *weight >= 0.0));
            }
        }

        #[test]
        fn another_order_of_assets_gives_the_same_weights(covariance in covariances()) {
            let size = covariance.size();
            let order: Vec<usize> = (0..size).rev().collect();
            let turned = covariance.part(&order);
            for solve in [risk_parity, |square: &Square| min_variance(square, 1.0)] {
                let (plain, other) = (solve(&covariance).unwrap(), solve(&turned).unwrap());
                for (place, asset) in order.iter().enumerate() {
                    prop_assert!((plain[*asset] - other[place]).abs() < 1e-8);
                }
            }
        }

        #[test]
        fn nothing_has_less_variance(covariance in covariances(), other in prop::collection::vec(0.01..1.0_f64, 8)) {
            let variance = |weights: &[f64]| {
                let risk = covariance.times(weights);
                weights.iter().zip(&risk).map(|(weight, part)| weight * part).sum::<f64>()
            };
            let least = variance(&min_variance(&covariance, 1.0).unwrap());
            let sum: f64 = other[..covariance.size()].iter().sum();
            let random: Vec<f64> = other[..covariance.size()].iter().map(|part| part / sum).collect();
            prop_assert!(least <= variance(&random) + 1e-12);
            prop_assert!(least <= variance(&risk_parity(&covariance).unwrap()) + 1e-12);
        }
    }
}
