//! Min, max and last per bin. Pure and deterministic: equal points give equal bins.
//!
//! The stride is a power of two and bins begin at the first point, so a longer history keeps the bins of a shorter
//! one or merges them in pairs: a curve that grows never jumps.

/// One point of one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    /// Environment step.
    pub(crate) step: u64,
    /// Value; absent where undefined.
    pub(crate) value: Option<f64>,
}

/// Neighbouring points as one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bin {
    /// Step of the last point.
    pub(crate) step: u64,
    /// Smallest defined value.
    pub(crate) min: Option<f64>,
    /// Largest defined value.
    pub(crate) max: Option<f64>,
    /// Value of the last point.
    pub(crate) last: Option<f64>,
    /// Points.
    pub(crate) n: u32,
}

/// Returns points per bin: the smallest power of two that makes at most `bins` (at least 1) of `count` points.
pub(crate) fn stride(count: usize, bins: usize) -> usize {
    count.div_ceil(bins.max(1)).max(1).next_power_of_two()
}

/// Returns the bins of `stride` (at least 1) points each; the last may have fewer, and ends with the last point.
pub(crate) fn bins(points: &[Point], stride: usize) -> Vec<Bin> {
    points.chunks(stride.max(1)).filter_map(bin).collect()
}

fn bin(points: &[Point]) -> Option<Bin> {
    let last = points.last()?;
    let defined = || points.iter().filter_map(|point| point.value);
    Some(Bin {
        step: last.step,
        min: defined().reduce(f64::min),
        max: defined().reduce(f64::max),
        last: last.value,
        n: u32::try_from(points.len()).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn merged(left: Bin, right: Bin) -> Bin {
        let pick = |a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (one, other) => one.or(other),
        };
        Bin {
            step: right.step,
            min: pick(left.min, right.min, f64::min),
            max: pick(left.max, right.max, f64::max),
            last: right.last,
            n: left.n + right.n,
        }
    }

    fn series() -> impl Strategy<Value = Vec<Point>> {
        prop::collection::vec(prop::option::weighted(0.9, -1e6_f64..1e6), 1..600).prop_map(
            |values| {
                (0_u64..).zip(values).map(|(step, value)| Point { step: step * 3, value }).collect()
            },
        )
    }

    #[test]
    fn four_points_in_two_bins() {
        let points = [Some(1.0), Some(5.0), None, Some(-2.0)];
        let points: Vec<Point> =
            (0..).zip(points).map(|(step, value)| Point { step, value }).collect();
        let found = bins(&points, 2);
        assert_eq!(
            found[0],
            Bin { step: 1, min: Some(1.0), max: Some(5.0), last: Some(5.0), n: 2 }
        );
        assert_eq!(
            found[1],
            Bin { step: 3, min: Some(-2.0), max: Some(-2.0), last: Some(-2.0), n: 2 }
        );
    }

    #[test]
    fn undefined_points_make_an_undefined_bin() {
        let found = bins(&[Point { step: 9, value: None }], 1);
        assert_eq!(found, [Bin { step: 9, min: None, max: None, last: None, n: 1 }]);
    }

    proptest! {
        #[test]
        fn never_more_bins_than_asked_and_no_point_is_lost(points in series(), wanted in 1_usize..300) {
            let found = bins(&points, stride(points.len(), wanted));
            prop_assert!(found.len() <= wanted);
            prop_assert_eq!(found.iter().map(|bin| u64::from(bin.n)).sum::<u64>(), points.len() as u64);
            let last = points.last().unwrap();
            prop_assert_eq!(found.last().map(|bin| (bin.step, bin.last)), Some((last.step, last.value)));
            let lowest = points.iter().filter_map(|point| point.value).reduce(f64::min);
            prop_assert_eq!(found.iter().filter_map(|bin| bin.min).reduce(f64::min), lowest);
        }

        #[test]
        fn a_wider_stride_merges_neighbours_exactly(points in series(), wanted in 1_usize..300) {
            let narrow = stride(points.len(), wanted);
            let pairs: Vec<Bin> = bins(&points, narrow)
                .chunks(2)
                .map(|pair| match pair { [left, right] => merged(*left, *right), [one, ..] => *one, [] => unreachable!() })
                .collect();
            prop_assert_eq!(pairs, bins(&points, narrow * 2));
        }

        #[test]
        fn full_bins_do_not_change_when_points_are_added(points in series(), cut in 0.0_f64..1.0) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a test's random index")]
            let count = (points.len() as f64 * cut) as usize;
            let (before, after) = (bins(&points[..count], 4), bins(&points, 4));
            let full = count / 4;
            prop_assert_eq!(&before[..full], &after[..full]);
        }
    }
}
