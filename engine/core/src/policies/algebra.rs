//! Small dense matrices for portfolio rules: products, triangular factors, solutions. Tens to hundreds of rows; no
//! more is wanted here.

use serde::{Deserialize, Serialize};

/// A square matrix, row after row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Square {
    /// Rows and columns.
    pub(crate) size: usize,
    /// Numbers, `[size · size]`.
    pub(crate) values: Vec<f64>,
}

impl Square {
    /// Returns a multiple of the identity.
    #[must_use]
    pub fn identity(size: usize, scale: f64) -> Self {
        let mut square = Self { size, values: vec![0.0; size * size] };
        square.add_to_diagonal(scale);
        square
    }

    /// Takes the numbers of a matrix, row after row; absent where they are not `size²` finite numbers.
    #[must_use]
    pub fn from_values(size: usize, values: Vec<f64>) -> Option<Self> {
        let fits = values.len() == size.checked_mul(size)?;
        (fits && values.iter().all(|value| value.is_finite())).then_some(Self { size, values })
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Returns one row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.size..(row + 1) * self.size]
    }

    /// Returns one number.
    #[must_use]
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.size + column]
    }

    /// Returns the matrix times a vector.
    #[must_use]
    pub fn times(&self, vector: &[f64]) -> Vec<f64> {
        self.values.chunks_exact(self.size.max(1)).map(|row| dot(row, vector)).collect()
    }

    /// Returns the sum of the diagonal.
    #[must_use]
    pub fn trace(&self) -> f64 {
        (0..self.size).map(|index| self.at(index, index)).sum()
    }

    /// Returns the rows and columns of `chosen`, in that order.
    #[must_use]
    pub fn part(&self, chosen: &[usize]) -> Self {
        let mut values = Vec::with_capacity(chosen.len() * chosen.len());
        for row in chosen {
            values.extend(chosen.iter().map(|column| self.at(*row, *column)));
        }
        Self { size: chosen.len(), values }
    }

    pub(crate) fn add_to_diagonal(&mut self, amount: f64) {
        for index in 0..self.size {
            self.values[index * self.size + index] += amount;
        }
    }

    /// Adds `scale` times the outer product of a vector with itself.
    pub(crate) fn add_outer(&mut self, vector: &[f64], scale: f64) {
        for (row, left) in self.values.chunks_exact_mut(self.size.max(1)).zip(vector) {
            let left = left * scale;
            for (value, right) in row.iter_mut().zip(vector) {
                *value += left * right;
            }
        }
    }

    /// Returns the lower triangular factor L of L·Lᵀ; absent where the matrix is not positive definite.
    pub(crate) fn cholesky(&self) -> Option<Self> {
        let size = self.size;
        let mut lower = Self { size, values: vec![0.0; size * size] };
        for row in 0..size {
            for column in 0..=row {
                let (left, right) = (row * size, column * size);
                let inner =
                    dot(&lower.values[left..left + column], &lower.values[right..right + column]);
                let rest = self.at(row, column) - inner;
                lower.values[left + column] = if column < row {
                    rest / lower.at(column, column)
                } else if rest > 0.0 && rest.is_finite() {
                    rest.sqrt()
                } else {
                    return None;
                };
            }
        }
        Some(lower)
    }

    /// Solves L·Lᵀ·x = b, `self` being L.
    pub(crate) fn solve_factored(&self, right: &[f64]) -> Vec<f64> {
        let size = self.size;
        let mut solution = right.to_vec();
        for row in 0..size {
            let inner = dot(&self.values[row * size..row * size + row], &solution[..row]);
            solution[row] = (solution[row] - inner) / self.at(row, row);
        }
        for row in (0..size).rev() {
            let value = solution[row] / self.at(row, row);
            solution[row] = value;
            for (earlier, factor) in solution[..row].iter_mut().zip(self.row(row)) {
                *earlier -= factor * value;
            }
        }
        solution
    }

    /// Solves `self`·X = `right` by elimination with row exchange and returns X with the determinant of `self`; X is
    /// absent where `self` is singular.
    pub(crate) fn eliminate(mut self, mut right: Self) -> (Option<Self>, f64) {
        let size = self.size;
        let mut determinant = 1.0;
        for column in 0..size {
            let pivot = (column..size)
                .max_by(|a, b| self.at(*a, column).abs().total_cmp(&self.at(*b, column).abs()))
                .unwrap_or(column);
            if pivot != column {
                swap_rows(&mut self, pivot, column);
                swap_rows(&mut right, pivot, column);
                determinant = -determinant;
            }
            let head = self.at(column, column);
            determinant *= head;
            if head.abs() <= 0.0 || head.is_nan() {
                return (None, 0.0);
            }
            for row in column + 1..size {
                let factor = self.at(row, column) / head;
                if factor.abs() > 0.0 {
                    subtract_row(&mut self, (row, column), factor, column);
                    subtract_row(&mut right, (row, column), factor, 0);
                }
            }
        }
        for row in (0..size).rev() {
            for below in row + 1..size {
                let factor = self.at(row, below);
                if factor.abs() > 0.0 {
                    subtract_row(&mut right, (row, below), factor, 0);
                }
            }
            let head = self.at(row, row);
            right.values[row * size..(row + 1) * size].iter_mut().for_each(|value| *value /= head);
        }
        (Some(right), determinant)
    }
}

fn swap_rows(square: &mut Square, a: usize, b: usize) {
    for column in 0..square.size {
        square.values.swap(a * square.size + column, b * square.size + column);
    }
}

/// Subtracts `factor` times row `from` from row `to`, columns `start` on.
fn subtract_row(square: &mut Square, (to, from): (usize, usize), factor: f64, start: usize) {
    let size = square.size;
    let (low, high) = (to.min(from), to.max(from));
    let (head, tail) = square.values.split_at_mut(high * size);
    let (first, second) = (&mut head[low * size..(low + 1) * size], &mut tail[..size]);
    let (target, source) = if to == low { (first, second) } else { (second, first) };
    for (value, other) in target[start..].iter_mut().zip(&source[start..]) {
        *value -= factor * other;
    }
}

/// Returns the scalar product.
pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    // Four sums at a time: the compiler may not reorder one.
    let mut sums = [0.0_f64; 4];
    let (mut lefts, mut rights) = (left.chunks_exact(4), right.chunks_exact(4));
    for (a, b) in lefts.by_ref().zip(rights.by_ref()) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = lefts.remainder().iter().zip(rights.remainder()).map(|(a, b)| a * b).sum();
    (sums[0] + sums[2]) + (sums[1] + sums[3]) + rest
}

/// Returns the sum of the distances of the parts.
pub(crate) fn distance(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| (a - b).abs()).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_system_solved_by_hand() {
        let square = Square::from_values(2, vec![4.0, 2.0, 2.0, 3.0]).unwrap();
        let solution = square.cholesky().unwrap().solve_factored(&[10.0, 9.0]);
        assert!((solution[0] - 1.5).abs() < 1e-14 && (solution[1] - 2.0).abs() < 1e-14);
        let (inverse, determinant) = square.eliminate(Square::identity(2, 1.0));
        assert!((determinant - 8.0).abs() < 1e-12);
        let wanted = [0.375, -0.25, -0.25, 0.5];
        assert!(distance(&inverse.unwrap().values, &wanted) < 1e-14);
    }

    #[test]
    fn rows_are_exchanged_and_singular_matrices_are_known() {
        let swapped = Square::from_values(2, vec![0.0, 1.0, 2.0, 0.0]).unwrap();
        let (inverse, determinant) = swapped.eliminate(Square::identity(2, 1.0));
        assert!((determinant + 2.0).abs() < 1e-15);
        assert!(distance(&inverse.unwrap().values, &[0.0, 0.5, 1.0, 0.0]) < 1e-15);
        let singular = Square::from_values(2, vec![1.0, 1.0, 1.0, 1.0]).unwrap();
        assert!(singular.cholesky().is_none());
        assert!(singular.eliminate(Square::identity(2, 1.0)).0.is_none());
        assert!(Square::from_values(2, vec![f64::NAN; 4]).is_none());
        assert!(Square::from_values(2, vec![1.0; 3]).is_none());
    }

    proptest! {
        #[test]
        fn solutions_solve(size in 1_usize..9, numbers in prop::collection::vec(-1.0..1.0_f64, 100)) {
            let mut square = Square::identity(size, 0.1);
            for chunk in numbers.chunks_exact(size).take(size + 2) {
                square.add_outer(chunk, 1.0);
            }
            let right = &numbers[..size];
            let solution = square.cholesky().unwrap().solve_factored(right);
            prop_assert!(distance(&square.times(&solution), right) < 1e-9);
            let (inverse, determinant) = square.clone().eliminate(Square::identity(size, 1.0));
            prop_assert!(determinant > 0.0);
            prop_assert!(distance(&inverse.unwrap().times(right), &solution) < 1e-8);
        }
    }
}
