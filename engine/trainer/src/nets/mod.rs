//! Networks: initial weights drawn in Rust, values copied in and out in large pieces.

pub mod dense;

use engine::rng::Stream;

/// Returns `count` weights drawn uniformly from ±sqrt(6 / `fan_in`) (Kaiming uniform for ReLU, He et al. 2015).
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "weights are single precision")]
#[expect(clippy::cast_precision_loss, reason = "a layer's width is far below 2^53")]
pub fn kaiming_uniform(stream: &mut Stream, fan_in: usize, count: usize) -> Vec<f32> {
    let bound = (6.0 / fan_in.max(1) as f64).sqrt();
    (0..count).map(|_| (bound * (2.0 * stream.uniform() - 1.0)) as f32).collect()
}

#[cfg(test)]
mod tests {
    use engine::rng::StreamId;

    use super::*;

    #[test]
    fn initial_weights_lie_within_the_bound_and_have_its_variance() {
        let weights =
            kaiming_uniform(&mut Stream::new(5, StreamId::Initialisation, 0), 24, 100_000);
        assert!(weights.iter().all(|weight| weight.abs() <= 0.5));
        let variance =
            weights.iter().map(|weight| f64::from(weight * weight)).sum::<f64>() / 100_000.0;
        assert!((variance - 2.0 / 24.0).abs() < 0.001, "{variance}");
    }
}
