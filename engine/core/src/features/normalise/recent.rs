//! Scaling by the recent past alone: causal by itself, so that nothing needs to be fitted.

use super::{DEVIATION_MIN, RELATIVE_DEVIATION_MIN, cut};
use crate::features::FeatureFrame;
use crate::features::rolling::Moments;

/// Replaces each value by (x − mean) / deviation (of the sample) over the last `window` rows of its column, its own
/// included. A row depends on rows up to itself only. Where the window holds fewer values, or an undefined one, the
/// result is undefined; where the column does not vary it is 0. The warm-up grows accordingly.
///
/// Values are cut at `clip` away from 0, where it is given.
pub fn rolling_z_score(frame: &mut FeatureFrame, window: usize, clip: Option<f64>) {
    let width = frame.width;
    let mut warmup_rows = 0;
    for column in 0..width {
        let mut moments = Moments::new(window.max(2));
        let mut defined = false;
        for (row, cell) in frame.values.iter_mut().skip(column).step_by(width).enumerate() {
            if cell.is_finite() {
                moments.push(*cell);
            } else {
                moments.clear();
            }
            let scaled = moments.mean().zip(moments.deviation(1)).map(|(mean, deviation)| {
                let varies = (RELATIVE_DEVIATION_MIN * mean.abs()).max(DEVIATION_MIN) < deviation;
                if varies { (*cell - mean) / deviation } else { 0.0 }
            });
            *cell = cut(scaled.unwrap_or(f64::NAN), clip);
            defined |= cell.is_finite();
            if !defined {
                warmup_rows = warmup_rows.max(row + 1);
            }
        }
    }
    frame.warmup_rows = frame.warmup_rows.max(warmup_rows);
}
