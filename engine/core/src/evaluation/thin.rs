//! Keeps a report small enough to be sent and drawn, however long the run was.
//!
//! Curves are thinned on one set of points for all of them: the first, the last, and of each of equally many bars the
//! lowest and the highest value of every curve, so that no peak and no drawdown disappears; room that is left is
//! filled at equal distances. The index of a trade is that of the first kept point not before it. Figures are measured
//! before, on everything. Equal reports are thinned alike, and short ones are left as they are.

use std::collections::BTreeSet;

use super::report::{BacktestReport, PolicyResult};

/// Most points of a curve.
pub const POINTS_MAX: usize = 5_000;
/// Most trades listed of one policy.
pub const TRADES_MAX: usize = 10_000;

/// Bounds the report's curves and lists and says so in its remarks.
pub(crate) fn bound(report: &mut BacktestReport) {
    let bars = report.times_ms.len();
    if POINTS_MAX < bars {
        let kept = points(&curves(report), bars, POINTS_MAX);
        keep(&mut report.prices, &kept);
        keep(&mut report.times_ms, &kept);
        for result in results(report) {
            keep(&mut result.equity, &kept);
            keep(&mut result.drawdown, &kept);
            keep(&mut result.position, &kept);
            if let Some(weights) = &mut result.weights {
                weights.rows = kept
                    .iter()
                    .filter_map(|index| weights.rows.get_mut(*index).map(std::mem::take))
                    .collect();
            }
            for trade in &mut result.trades {
                let index = kept.partition_point(|point| *point < trade.index as usize);
                trade.index = u32::try_from(index).unwrap_or(u32::MAX);
            }
        }
        report.remarks.push(format!(
            "Curves show {} of {bars} bars, peaks and drawdowns among them; figures are measured on every bar.",
            kept.len()
        ));
    }
    let mut remarks = Vec::new();
    for result in results(report) {
        let made = result.trades.len();
        if TRADES_MAX < made {
            result.trades.truncate(TRADES_MAX);
            remarks.push(format!(
                "Trades list the first {TRADES_MAX} of {made} of {}; figures count all.",
                result.name
            ));
        }
    }
    report.remarks.append(&mut remarks);
}

fn results(report: &mut BacktestReport) -> impl Iterator<Item = &mut PolicyResult> {
    std::iter::once(&mut report.agent).chain(&mut report.baselines)
}

/// Returns the curves whose extremes are kept. A position's are not: it jumps between the same few values.
fn curves(report: &BacktestReport) -> Vec<&[f64]> {
    let mut curves = vec![report.prices.as_slice()];
    for result in std::iter::once(&report.agent).chain(&report.baselines) {
        curves.extend([result.equity.as_slice(), result.drawdown.as_slice()]);
    }
    curves
}

fn keep(values: &mut Vec<f64>, kept: &[usize]) {
    *values = kept.iter().filter_map(|index| values.get(*index).copied()).collect();
}

/// Returns at most `most` indices below `len`, ascending: all of them where they are few enough.
pub(crate) fn points(curves: &[&[f64]], len: usize, most: usize) -> Vec<usize> {
    if len <= most {
        return (0..len).collect();
    }
    // First and last, and two for each curve and bin.
    let bins = (most.saturating_sub(2) / (2 * curves.len()).max(1)).max(1);
    let mut kept = BTreeSet::from([0, len - 1]);
    for bin in 0..bins {
        let (start, end) = (len * bin / bins, len * (bin + 1) / bins);
        for curve in curves {
            let values = || (start..end).filter_map(|index| Some((index, *curve.get(index)?)));
            // Of equal values the first: a flat curve takes one point.
            let lowest = values().reduce(|best, one| if one.1 < best.1 { one } else { best });
            let highest = values().reduce(|best, one| if best.1 < one.1 { one } else { best });
            kept.extend(lowest.into_iter().chain(highest).map(|(index, _)| index));
        }
    }
    // The rest at equal distances.
    let free = most.saturating_sub(kept.len());
    kept.extend((0..free).map(|place| len * place / free));
    kept.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn points_are_few_in_order_and_keep_ends_and_extremes_of_every_curve(
            first in prop::collection::vec(-1e6..1e6_f64, 1..400),
            seed in 0.1..3.0_f64,
            most in 12_usize..200,
        ) {
            let second: Vec<f64> = first.iter().map(|value| (value * seed).sin()).collect();
            let curves = [first.as_slice(), second.as_slice()];
            let kept = points(&curves, first.len(), most);
            prop_assert!(kept.len() <= most.max(1));
            prop_assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(kept.first(), Some(&0));
            prop_assert_eq!(kept.last(), Some(&(first.len() - 1)));
            for curve in curves {
                let all = curve.iter().copied();
                let some = || kept.iter().map(|index| curve[*index]);
                let (low, high) = (all.clone().fold(f64::MAX, f64::min), all.fold(f64::MIN, f64::max));
                prop_assert!(some().any(|value| value.total_cmp(&low).is_eq()));
                prop_assert!(some().any(|value| value.total_cmp(&high).is_eq()));
            }
            prop_assert_eq!(points(&curves, first.len(), most), kept);
        }
    }
}
