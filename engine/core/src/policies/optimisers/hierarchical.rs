//! Hierarchical risk parity: risk is shared along a tree of similar assets, so that no matrix is inverted.
//!
//! López de Prado 2016 (doi 10.3905/jpm.2016.42.4.059): distance √((1 − ρ)/2), then the Euclidean distance of the
//! columns of that matrix; single linkage; leaves in the order of the tree; the ordered list is halved again and again,
//! and the halves share by the inverse of their variance under inverse-variance weights. Of equally near clusters those
//! found first are joined, the older one to the left; the order of assets matters for such ties and for lists of odd
//! length, as in the paper.

use super::check_variances;
use crate::error::EngineError;
use crate::policies::algebra::{Square, dot};

/// Returns the weights `[N]` of hierarchical risk parity.
///
/// # Errors
/// Refuses assets without variance.
pub fn hierarchical_risk_parity(covariance: &Square) -> Result<Vec<f64>, EngineError> {
    check_variances(covariance)?;
    let order = leaf_order(&distances(covariance));
    let mut weights = vec![1.0; covariance.size()];
    let mut lists = vec![order];
    while let Some(list) = lists.pop() {
        if list.len() < 2 {
            continue;
        }
        let (left, right) = list.split_at(list.len() / 2);
        let (first, second) = (variance(covariance, left), variance(covariance, right));
        let share = second / (first + second);
        left.iter().for_each(|asset| weights[*asset] *= share);
        right.iter().for_each(|asset| weights[*asset] *= 1.0 - share);
        lists.push(left.to_vec());
        lists.push(right.to_vec());
    }
    Ok(weights)
}

/// Variance of some assets under inverse-variance weights.
fn variance(covariance: &Square, assets: &[usize]) -> f64 {
    let part = covariance.part(assets);
    let inverse: Vec<f64> = (0..assets.len()).map(|asset| 1.0 / part.at(asset, asset)).collect();
    let sum: f64 = inverse.iter().sum();
    let weights: Vec<f64> = inverse.iter().map(|value| value / sum).collect();
    dot(&part.times(&weights), &weights)
}

fn distances(covariance: &Square) -> Square {
    let size = covariance.size();
    let mut near = Square::identity(size, 0.0);
    for row in 0..size {
        for column in 0..size {
            let scale = (covariance.at(row, row) * covariance.at(column, column)).sqrt();
            let correlation = (covariance.at(row, column) / scale).clamp(-1.0, 1.0);
            let apart = if row == column { 0.0 } else { ((1.0 - correlation) / 2.0).sqrt() };
            near.values[row * size + column] = apart;
        }
    }
    let mut far = Square::identity(size, 0.0);
    for row in 0..size {
        for column in 0..size {
            let squares: f64 =
                near.row(row).iter().zip(near.row(column)).map(|(a, b)| (a - b) * (a - b)).sum();
            far.values[row * size + column] = squares.sqrt();
        }
    }
    far
}

/// Joins the two nearest clusters until one is left, and returns its leaves from left to right.
fn leaf_order(distances: &Square) -> Vec<usize> {
    let mut clusters: Vec<Vec<usize>> = (0..distances.size()).map(|asset| vec![asset]).collect();
    let between = |left: &[usize], right: &[usize]| {
        let pairs = left.iter().flat_map(|a| right.iter().map(move |b| distances.at(*a, *b)));
        pairs.fold(f64::INFINITY, f64::min)
    };
    while 1 < clusters.len() {
        let mut nearest = (0, 1, f64::INFINITY);
        for left in 0..clusters.len() {
            for right in left + 1..clusters.len() {
                let apart = between(&clusters[left], &clusters[right]);
                if apart < nearest.2 {
                    nearest = (left, right, apart);
                }
            }
        }
        let second = clusters.remove(nearest.1);
        let mut joined = clusters.remove(nearest.0);
        joined.extend(second);
        // Joined clusters are younger than all others.
        clusters.push(joined);
    }
    clusters.pop().unwrap_or_default()
}
