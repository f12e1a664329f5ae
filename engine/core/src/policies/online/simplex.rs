//! Euclidean projection onto the simplex, and the sideways step that mean-reversion methods share.

/// Returns the nearest weights that are not negative and sum to 1.
///
/// Source: Duchi et al. 2008 (doi 10.1145/1390156.1390191), figure 1. Requires: finite numbers, at least one.
#[must_use]
pub fn project(point: &[f64]) -> Vec<f64> {
    let mut sorted = point.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut level, mut count) = (0.0, 0.0, 0.0);
    for value in sorted {
        sum += value;
        count += 1.0;
        let candidate = (sum - 1.0) / count;
        if value <= candidate {
            break;
        }
        level = candidate;
    }
    point.iter().map(|value| (value - level).max(0.0)).collect()
}

/// Returns the numbers less their mean, and the sum of their squares.
pub(super) fn centred(values: &[f64]) -> (Vec<f64>, f64) {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let squares = centred.iter().map(|value| value * value).sum();
    (centred, squares)
}

/// Moves weights until the growth they promise under `expected` reaches `epsilon`, and back onto the simplex:
/// Π(b + λ(x̃ − mean x̃)), λ = max(0, (ε − b·x̃)/‖x̃ − mean x̃‖²).
///
/// Source: Li and Hoi 2012 (arXiv 1206.4626), proposition 1; Huang et al. 2013 share it.
pub(super) fn move_towards(weights: &[f64], expected: &[f64], epsilon: f64) -> Vec<f64> {
    let promised: f64 = weights.iter().zip(expected).map(|(weight, part)| weight * part).sum();
    let (centred, squares) = centred(expected);
    let step = if squares > 0.0 { ((epsilon - promised) / squares).max(0.0) } else { 0.0 };
    let moved: Vec<f64> =
        weights.iter().zip(&centred).map(|(weight, part)| weight + step * part).collect();
    if moved.iter().all(|value| value.is_finite()) { project(&moved) } else { weights.to_vec() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn projections_done_by_hand() {
        assert_eq!(project(&[0.2, 0.8]), [0.2, 0.8]);
        assert_eq!(project(&[2.0, 0.0]), [1.0, 0.0]);
        assert_eq!(project(&[0.0, 0.0]), [0.5, 0.5]);
        assert_eq!(project(&[1.5, 1.0, -3.0]), [0.75, 0.25, 0.0]);
        assert_eq!(project(&[7.0]), [1.0]);
    }

    #[test]
    fn equal_expectations_move_nothing() {
        assert_eq!(move_towards(&[0.3, 0.7], &[1.1, 1.1], 10.0), [0.3, 0.7]);
        assert_eq!(move_towards(&[0.5, 0.5], &[3.0, 1.0], 1.5), [0.5, 0.5]);
        assert_eq!(move_towards(&[0.5, 0.5], &[3.0, 1.0], 2.5), [0.75, 0.25]);
    }

    proptest! {
        /// The projection is feasible and no feasible direction comes nearer.
        #[test]
        fn nothing_is_nearer(point in prop::collection::vec(-5.0..5.0_f64, 1..12)) {
            let nearest = project(&point);
            prop_assert!((nearest.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(nearest.iter().all(|weight| *weight >= 0.0));
            for vertex in 0..point.len() {
                let slope: f64 = (0..point.len()).map(|index| {
                    let to = f64::from(u8::from(index == vertex));
                    (nearest[index] - point[index]) * (to - nearest[index])
                }).sum();
                prop_assert!(slope > -1e-9);
            }
        }
    }
}
