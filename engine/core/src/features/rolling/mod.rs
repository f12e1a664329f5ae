//! Kernels over the last values of a stream: sums, moments, extremes, ranks, regressions, smoothing.
//!
//! Every kernel takes one finite value at a time and costs O(1) per value, amortised (ranks: O(log w) comparisons and
//! one move of at most w numbers). None drifts: nothing is ever subtracted from a running sum, so after any number of
//! values the result is as good as one computed afresh from the window. Streaming and batch use the same kernels.
//! They know no bars and no missing values; who feeds them clears them where a value is missing.

mod comoments;
mod extremum;
mod halves;
mod lag;
mod moments;
mod ordered;
mod smooth;
mod sum;

pub use comoments::{Comoments, Line, Regression};
pub use extremum::{Extreme, Extremum};
pub use lag::Lag;
pub use moments::Moments;
pub use ordered::Ordered;
pub use smooth::{Seed, Smooth};
pub use sum::Sum;

/// A deviation below this share of the mean is rounding of the inputs: nothing is divided by it.
pub(super) const DEVIATION_RELATIVE_MIN: f64 = 1e-15;

/// Returns a count as a number; windows are far shorter than 2^53.
#[expect(clippy::cast_precision_loss, reason = "windows are far shorter than 2^53")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
