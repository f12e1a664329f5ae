//! The asset that grew most over all periods: hindsight, so it gives weights and nothing that decides.

use crate::policies::relatives::Relatives;

/// Returns 1 for the asset with the greatest growth, the first of equals, and 0 for the others.
#[must_use]
pub fn weights(relatives: &Relatives) -> Vec<f64> {
    let mut growth = vec![0.0; relatives.width()];
    for row in relatives.rows() {
        for (sum, relative) in growth.iter_mut().zip(row) {
            *sum += relative.ln();
        }
    }
    let most = growth.iter().copied().fold(f64::MIN, f64::max);
    let best = growth.iter().position(|sum| most <= *sum);
    (0..growth.len()).map(|asset| f64::from(u8::from(Some(asset) == best))).collect()
}
