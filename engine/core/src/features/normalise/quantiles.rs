//! Each column mapped to a normal distribution by its ranks in the training segment.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::cut;
use crate::features::FeatureFrame;
use crate::features::rolling::number;

/// Ranks are kept this far from 0 and 1, where the normal distribution has no end: values lie within ±4.75.
const SHARE_MIN: f64 = 1e-6;

/// Rank-Gauss: the share of the training segment below a value, turned into the quantile of the normal distribution
/// that has as much below it. Between two training values the share grows in proportion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuantileNormaliser {
    /// Values of the training segment at equal steps of the share, per column, rising. Empty for a column without any:
    /// it is left as it is.
    pub levels: Vec<Vec<f64>>,
    /// Largest distance from 0; absent for none but that of the ranks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
}

impl QuantileNormaliser {
    /// Fits at most `levels` levels (at least two) on `rows` of `frame` and on nothing else; the warm-up, rows beyond
    /// the end and what is not defined are left out.
    #[must_use]
    pub fn fit(frame: &FeatureFrame, rows: Range<usize>, levels: usize, clip: Option<f64>) -> Self {
        let rows = rows.start.max(frame.warmup_rows)..rows.end.min(frame.rows);
        let column = |column: usize| {
            let cells = rows.clone().map(|row| frame.values[row * frame.width + column]);
            let mut cells: Vec<f64> = cells.filter(|cell| cell.is_finite()).collect();
            cells.sort_unstable_by(f64::total_cmp);
            let count = levels.clamp(2, cells.len().max(2));
            let level = |step: usize| at(&cells, number(step) / number(count - 1));
            if cells.is_empty() { Vec::new() } else { (0..count).map(level).collect() }
        };
        Self { levels: (0..frame.width).map(column).collect(), clip }
    }

    /// Scales every row of `frame`; undefined cells stay undefined. Of a column that was constant in training every
    /// equal value becomes 0.
    ///
    /// # Panics
    /// When the number of columns differs: a normaliser of another feature set would give wrong numbers silently.
    pub fn apply(&self, frame: &mut FeatureFrame) {
        assert_eq!(self.levels.len(), frame.width, "the normaliser is of another feature set");
        for row in frame.values.chunks_exact_mut(frame.width.max(1)) {
            for (cell, levels) in row.iter_mut().zip(&self.levels) {
                if cell.is_finite() && !levels.is_empty() {
                    *cell = cut(inverse_normal(share(levels, *cell)), self.clip);
                }
            }
        }
    }
}

/// Returns the quantile of sorted values at `share` of [0, 1], between neighbours in proportion. `sorted` is not empty.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a length lies within it"
)]
pub(super) fn at(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let place = share.clamp(0.0, 1.0) * number(last);
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    sorted[below] + (place - number(below)) * (sorted[above] - sorted[below])
}

/// Share of the levels below a value: that of its neighbours in proportion, and the middle of a run of equal ones.
fn share(levels: &[f64], value: f64) -> f64 {
    if levels.len() < 2 {
        return 0.5;
    }
    let last = number(levels.len() - 1);
    let below = levels.partition_point(|level| *level < value);
    let upto = levels.partition_point(|level| *level <= value);
    if below < upto {
        return (number(below) + number(upto - 1)) / 2.0 / last;
    }
    if below == 0 {
        return 0.0;
    }
    if below == levels.len() {
        return 1.0;
    }
    let (left, right) = (levels[below - 1], levels[below]);
    (number(below - 1) + (value - left) / (right - left)) / last
}

/// Returns the quantile of the standard normal distribution; relative error below 1.2e-9.
///
/// Source: Acklam 2003, "An algorithm for computing the inverse normal cumulative distribution function".
fn inverse_normal(share: f64) -> f64 {
    const CENTRE_ABOVE: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const CENTRE_BELOW: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const TAIL_ABOVE: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const TAIL_BELOW: [f64; 5] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    /// Below this share the tail's formula holds.
    const TAIL: f64 = 0.02425;
    let polynomial = |terms: &[f64], x: f64| terms.iter().fold(0.0, |sum, term| sum * x + term);
    let share = share.clamp(SHARE_MIN, 1.0 - SHARE_MIN);
    let tail = |share: f64| {
        let x = (-2.0 * share.ln()).sqrt();
        polynomial(&TAIL_ABOVE, x) / polynomial(&TAIL_BELOW, x)
    };
    if share < TAIL {
        return tail(share);
    }
    if 1.0 - TAIL < share {
        return -tail(1.0 - share);
    }
    let x = share - 0.5;
    x * polynomial(&CENTRE_ABOVE, x * x) / polynomial(&CENTRE_BELOW, x * x)
}
