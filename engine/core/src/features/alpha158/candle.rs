//! The shape of one bar.

use super::TINY;
use crate::market::Bar;

/// Shapes, in the published order.
pub(super) const SHAPES: [&str; 9] =
    ["KMID", "KLEN", "KMID2", "KUP", "KUP2", "KLOW", "KLOW2", "KSFT", "KSFT2"];
/// Prices against the close.
pub(super) const PRICES: [&str; 3] = ["OPEN0", "HIGH0", "LOW0"];

/// Appends the shapes and the prices.
pub(super) fn corrected(bar: &Bar, row: &mut Vec<Option<f64>>) {
    shapes(bar, bar.close - bar.open, row);
    row.extend([bar.open, bar.high, bar.low].map(|price| Some(price / bar.close)));
}

/// Appends the shapes; the first adds where it should subtract.
pub(super) fn faithful(bar: &Bar, row: &mut Vec<Option<f64>>) {
    shapes(bar, bar.close + bar.open, row);
}

fn shapes(bar: &Bar, middle: f64, row: &mut Vec<Option<f64>>) {
    let length = bar.high - bar.low;
    let guarded = length + TINY;
    let up = bar.high - bar.open.max(bar.close);
    let low = bar.open.min(bar.close) - bar.low;
    let shift = 2.0 * bar.close - bar.high - bar.low;
    let shapes = [
        middle / bar.open,
        length / bar.open,
        (bar.close - bar.open) / guarded,
        up / bar.open,
        up / guarded,
        low / bar.open,
        low / guarded,
        shift / bar.open,
        shift / guarded,
    ];
    row.extend(shapes.map(Some));
}
