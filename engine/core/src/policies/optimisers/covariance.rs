//! Covariance of simple returns over a window: of the sample, or shrunk towards a simpler matrix.
//!
//! Shrinking (Ledoit and Wolf 2004) mixes δ·F + (1 − δ)·S with the δ that is estimated to lie nearest to the truth. F is
//! either the mean variance times the identity (doi 10.1016/S0047-259X(03)00096-4, lemma 3.2 to 3.4), or the matrix of
//! the sample's variances and its mean correlation (doi 10.3905/jpm.2004.110, appendix B). Both divide by T, as their
//! authors do; the sample's own divides by T − 1.

use super::refuse;
use crate::config::policy::EstimatorConfig;
use crate::error::EngineError;
use crate::policies::algebra::Square;
use crate::policies::relatives::Seen;

/// Returns the covariance `[N, N]` per period of the returns in `seen`.
///
/// # Errors
/// Refuses fewer than three periods.
pub fn covariance(seen: &Seen<'_>, estimator: EstimatorConfig) -> Result<Square, EngineError> {
    let periods = seen.periods();
    if periods < 3 {
        return Err(refuse(format!(
            "wanted at least 3 periods to estimate risk from, found {periods}; look back further"
        )));
    }
    let moves = Moves::new(seen);
    Ok(match estimator {
        EstimatorConfig::Sample => {
            let mut sample = moves.covariance();
            let scale = moves.count / (moves.count - 1.0);
            sample.values.iter_mut().for_each(|value| *value *= scale);
            sample
        }
        EstimatorConfig::ShrunkIdentity => identity(&moves),
        EstimatorConfig::ShrunkConstantCorrelation => constant_correlation(&moves),
    })
}

/// Returns the mean return of each asset per period; zeros where nothing was seen.
#[must_use]
pub fn means(seen: &Seen<'_>) -> Vec<f64> {
    let mut sums = vec![0.0; seen.width()];
    for row in seen.rows() {
        for (sum, relative) in sums.iter_mut().zip(row) {
            *sum += relative - 1.0;
        }
    }
    let count = seen.periods().max(1) as f64;
    sums.iter().map(|sum| sum / count).collect()
}

/// Returns less their means.
struct Moves {
    width: usize,
    count: f64,
    rows: Vec<f64>,
}

impl Moves {
    fn new(seen: &Seen<'_>) -> Self {
        let means = means(seen);
        let rows = seen
            .rows()
            .flat_map(|row| row.iter().zip(&means).map(|(relative, mean)| relative - 1.0 - mean))
            .collect();
        Self { width: seen.width(), count: seen.periods() as f64, rows }
    }

    fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.rows.chunks_exact(self.width)
    }

    fn covariance(&self) -> Square {
        let mut square = Square::identity(self.width, 0.0);
        for row in self.rows() {
            square.add_outer(row, 1.0 / self.count);
        }
        square
    }
}

fn mixed(sample: &Square, target: &Square, share: f64) -> Square {
    let mut mixed = sample.clone();
    for (value, other) in mixed.values.iter_mut().zip(&target.values) {
        *value = share * other + (1.0 - share) * *value;
    }
    mixed
}

fn squared_distance(left: &Square, right: &Square) -> f64 {
    left.values.iter().zip(&right.values).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn identity(moves: &Moves) -> Square {
    let sample = moves.covariance();
    let target = Square::identity(moves.width, sample.trace() / moves.width.max(1) as f64);
    let far = squared_distance(&sample, &target);
    let mut noise = 0.0;
    for row in moves.rows() {
        let mut outer = Square::identity(moves.width, 0.0);
        outer.add_outer(row, 1.0);
        noise += squared_distance(&outer, &sample);
    }
    noise /= moves.count * moves.count;
    let share = if far > 0.0 { (noise / far).min(1.0) } else { 1.0 };
    mixed(&sample, &target, share)
}

fn constant_correlation(moves: &Moves) -> Square {
    let sample = moves.covariance();
    let width = moves.width;
    let deviations: Vec<f64> = (0..width).map(|asset| sample.at(asset, asset).sqrt()).collect();
    let correlation = mean_correlation(&sample, &deviations);
    let mut target = sample.clone();
    for row in 0..width {
        for column in (0..width).filter(|column| *column != row) {
            target.values[row * width + column] =
                correlation * deviations[row] * deviations[column];
        }
    }
    let far = squared_distance(&sample, &target);
    let share = if far > 0.0 {
        let noise = noise_less_shared(moves, &sample, (&deviations, correlation));
        (noise / far / moves.count).clamp(0.0, 1.0)
    } else {
        1.0
    };
    mixed(&sample, &target, share)
}

/// Mean of the correlations of different assets that both vary; 0 where there are none.
fn mean_correlation(sample: &Square, deviations: &[f64]) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for row in 0..deviations.len() {
        for column in 0..row {
            let scale = deviations[row] * deviations[column];
            if scale > 0.0 {
                sum += sample.at(row, column) / scale;
                count += 1.0;
            }
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

/// π − ρ of the paper: how uncertain the sample is, less how much of that the target shares.
fn noise_less_shared(
    moves: &Moves,
    sample: &Square,
    (deviations, correlation): (&[f64], f64),
) -> f64 {
    let width = moves.width;
    let (mut noise, mut shared) = (0.0, 0.0);
    for row in 0..width {
        for column in 0..width {
            let (mut uncertain, mut row_with, mut column_with) = (0.0, 0.0, 0.0);
            for values in moves.rows() {
                let (a, b) = (values[row], values[column]);
                let apart = a * b - sample.at(row, column);
                uncertain += apart * apart;
                row_with += (a * a - sample.at(row, row)) * apart;
                column_with += (b * b - sample.at(column, column)) * apart;
            }
            noise += uncertain / moves.count;
            if row == column {
                shared += uncertain / moves.count;
            } else if deviations[row] > 0.0 && deviations[column] > 0.0 {
                let ratio = deviations[column] / deviations[row];
                shared +=
                    correlation / 2.0 * (ratio * row_with + column_with / ratio) / moves.count;
            }
        }
    }
    noise - shared
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn estimate(values: &[f64], width: usize, estimator: EstimatorConfig) -> Square {
        covariance(&Seen::new(width, values), estimator).unwrap()
    }

    #[test]
    fn the_sample_is_the_one_done_by_hand() {
        // Returns (0.1, 0), (−0.1, 0.3), (0.3, 0): means 0.1 and 0.1.
        let values = [1.1, 1.0, 0.9, 1.3, 1.3, 1.0];
        let found = estimate(&values, 2, EstimatorConfig::Sample);
        for (value, wanted) in found.values.iter().zip([0.04, -0.03, -0.03, 0.03]) {
            assert!((value - wanted).abs() < 1e-15, "{found:?}");
        }
    }

    #[test]
    fn shrinking_to_the_identity_is_done_by_hand() {
        // Returns (1, 0), (−1, 0), (0, 1), (0, −1) in hundredths: S = ½·I is the target itself, so nothing changes.
        let round = [1.01, 1.0, 0.99, 1.0, 1.0, 1.01, 1.0, 0.99];
        let found = estimate(&round, 2, EstimatorConfig::ShrunkIdentity);
        assert!((found.at(0, 0) - 0.5e-4).abs() < 1e-15 && found.at(0, 1).abs() < 1e-18);
        // Returns (2, 0), (−2, 0), (0, 1), (0, −1): S = diag(2, ½), target 5/4, d² = 9/8; the four products lie
        // 4.25, 4.25, 4.25 and 4.25 from S: b² = 17/16. δ = 17/18.
        let long = [1.02, 1.0, 0.98, 1.0, 1.0, 1.01, 1.0, 0.99];
        let found = estimate(&long, 2, EstimatorConfig::ShrunkIdentity);
        assert!((found.at(0, 0) / 1e-4 - (17.0 / 18.0 * 1.25 + 2.0 / 18.0)).abs() < 1e-10);
    }

    #[test]
    fn two_assets_have_one_correlation_and_are_not_shrunk() {
        let values = [1.1, 1.0, 0.9, 1.3, 1.3, 1.0];
        let found = estimate(&values, 2, EstimatorConfig::ShrunkConstantCorrelation);
        assert!((found.at(0, 1) + 0.02).abs() < 1e-15);
    }

    #[test]
    fn refuses_too_few_periods() {
        assert!(covariance(&Seen::new(2, &[1.0; 4]), EstimatorConfig::Sample).is_err());
    }

    proptest! {
        #[test]
        fn shrinking_keeps_symmetry_and_the_sum_of_variances(
            width in 2_usize..6,
            values in prop::collection::vec(0.9..1.1_f64, 36..120),
        ) {
            let seen = Seen::new(width, &values);
            let plain = covariance(&seen, EstimatorConfig::Sample).unwrap().trace();
            let scale = 1.0 - 1.0 / seen.periods() as f64;
            for estimator in [EstimatorConfig::ShrunkIdentity, EstimatorConfig::ShrunkConstantCorrelation] {
                let shrunk = covariance(&seen, estimator).unwrap();
                prop_assert!((shrunk.trace() / plain / scale - 1.0).abs() < 1e-9);
                for row in 0..width {
                    for column in 0..width {
                        prop_assert!((shrunk.at(row, column) - shrunk.at(column, row)).abs() < 1e-15);
                    }
                }
            }
        }
    }
}
