//! Eigenvalues and eigenvectors of a symmetric matrix by Jacobi's rotations.
//!
//! For the covariances of some dozens of instruments; exact to rounding and without pivoting surprises.
//! Source: Golub and Van Loan 2013, "Matrix Computations", section 8.5.

/// Sweeps over all pairs; quadratic convergence needs fewer than ten.
const SWEEPS_MAX: usize = 64;

/// Eigenvalues and the eigenvectors that belong to them.
#[derive(Debug, Clone, PartialEq)]
pub struct Eigen {
    /// Eigenvalues, in no order.
    pub values: Vec<f64>,
    /// Orthonormal eigenvectors: `[eigenvalue][component]`.
    pub vectors: Vec<Vec<f64>>,
}

/// Returns the decomposition of a symmetric matrix `[N][N]`; undefined for one that is not square, not symmetric to
/// rounding or not finite.
#[must_use]
pub fn symmetric(matrix: &[Vec<f64>]) -> Option<Eigen> {
    let size = matrix.len();
    let scale = matrix.iter().flatten().fold(0.0_f64, |top, value| top.max(value.abs()));
    let square = matrix.iter().all(|row| row.len() == size);
    if !(square && matrix.iter().flatten().all(|value| value.is_finite())) {
        return None;
    }
    let even = |row: usize, column: usize| {
        (matrix[row][column] - matrix[column][row]).abs() <= 1e-9 * scale
    };
    if !(0..size).all(|row| (0..row).all(|column| even(row, column))) {
        return None;
    }
    let mut work = matrix.to_vec();
    // rows are the eigenvectors
    let mut vectors: Vec<Vec<f64>> = (0..size)
        .map(|row| (0..size).map(|column| if row == column { 1.0 } else { 0.0 }).collect())
        .collect();
    for _ in 0..SWEEPS_MAX {
        let off: f64 = (0..size)
            .map(|row| (0..row).map(|column| work[row][column].powi(2)).sum::<f64>())
            .sum();
        if off.sqrt() <= 1e-17 * scale {
            break;
        }
        for row in 1..size {
            for column in 0..row {
                rotate(&mut work, &mut vectors, row, column);
            }
        }
    }
    Some(Eigen { values: (0..size).map(|index| work[index][index]).collect(), vectors })
}

/// Turns the plane of two axes, q before p, until their common entry is 0.
fn rotate(work: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    let common = work[p][q];
    if common.abs() <= f64::MIN_POSITIVE {
        return;
    }
    let half = (work[q][q] - work[p][p]) / (2.0 * common);
    let tangent = half.signum() / (half.abs() + half.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    for row in work.iter_mut() {
        let (one, other) = (row[p], row[q]);
        row[p] = cosine * one - sine * other;
        row[q] = sine * one + cosine * other;
    }
    for rows in [work, vectors] {
        // q lies before p
        let (before, from) = rows.split_at_mut(p);
        let (Some(upper), Some(lower)) = (before.get_mut(q), from.first_mut()) else { return };
        for (one, other) in lower.iter_mut().zip(upper) {
            (*one, *other) = (cosine * *one - sine * *other, sine * *one + cosine * *other);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_the_one_done_by_hand() {
        let mut found = symmetric(&[vec![2.0, 1.0], vec![1.0, 2.0]]).unwrap();
        found.values.sort_by(f64::total_cmp);
        assert!((found.values[0] - 1.0).abs() < 1e-14 && (found.values[1] - 3.0).abs() < 1e-14);
        let half = 0.5_f64.sqrt();
        assert!(found.vectors.iter().flatten().all(|value| (value.abs() - half).abs() < 1e-14));
        assert_eq!(symmetric(&[vec![5.0]]).unwrap().values, [5.0]);
    }

    #[test]
    fn is_undefined_for_what_is_not_symmetric() {
        assert_eq!(symmetric(&[vec![1.0, 2.0], vec![3.0, 1.0]]), None);
        assert_eq!(symmetric(&[vec![1.0, 2.0]]), None);
        assert_eq!(symmetric(&[vec![f64::NAN]]), None);
    }

    proptest! {
        #[test]
        fn vectors_are_orthonormal_and_rebuild_the_matrix(entries in prop::collection::vec(-1.0..1.0_f64, 15)) {
            let at = |row: usize, column: usize| entries[row.max(column) * (row.max(column) + 1) / 2 + row.min(column)];
            let matrix: Vec<Vec<f64>> = (0..5).map(|row| (0..5).map(|column| at(row, column)).collect()).collect();
            let found = symmetric(&matrix).unwrap();
            for (row, entries) in matrix.iter().enumerate() {
                for (column, entry) in entries.iter().enumerate() {
                    let sum = |weights: &dyn Fn(usize) -> f64| -> f64 {
                        (0..5).map(|k| weights(k) * found.vectors[k][row] * found.vectors[k][column]).sum()
                    };
                    prop_assert!((sum(&|k| found.values[k]) - entry).abs() < 1e-12);
                    let unit = if row == column { 1.0 } else { 0.0 };
                    prop_assert!((sum(&|_| 1.0) - unit).abs() < 1e-12);
                }
            }
        }
    }
}
