//! The table of drawdowns and what is measured on all of them: average depth, ulcer index, pain index, recovery.

use super::max_drawdown::{drawdown, max_drawdown};
use super::returns::total_return;
use super::{DEVIATION_MIN, defined, finite, mean};

/// One fall from a peak until that peak is reached again. Indices count values of the account.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawdown {
    /// Last value at the peak.
    pub start: usize,
    /// Deepest value; the first one where several are equally deep.
    pub valley: usize,
    /// First value at or above the peak; absent while it is not reached.
    pub recovery: Option<usize>,
    /// Depth at the valley as a share of the peak, 0 to 1.
    pub depth: f64,
}

impl Drawdown {
    /// Returns the bars from the peak to the valley.
    #[must_use]
    pub fn fall_bars(&self) -> usize {
        self.valley - self.start
    }

    /// Returns the bars from the valley to the recovery; absent while there is none.
    #[must_use]
    pub fn recovery_bars(&self) -> Option<usize> {
        self.recovery.map(|recovery| recovery - self.valley)
    }
}

/// Returns every drawdown in time order; undefined without values, when one is not finite and when the first one is not
/// above 0.
#[must_use]
pub fn drawdowns(equity: &[f64]) -> Option<Vec<Drawdown>> {
    let first = *finite(equity)?.first()?;
    if first <= 0.0 {
        return None;
    }
    let falls = drawdown(equity);
    let (mut found, mut open): (Vec<Drawdown>, Option<Drawdown>) = (Vec::new(), None);
    for (index, fall) in falls.iter().enumerate() {
        if *fall > 0.0 {
            let current = open.get_or_insert(Drawdown {
                start: index.saturating_sub(1),
                valley: index,
                recovery: None,
                depth: 0.0,
            });
            if *fall > current.depth {
                (current.valley, current.depth) = (index, *fall);
            }
        } else if let Some(closed) = open.take() {
            found.push(Drawdown { recovery: Some(index), ..closed });
        }
    }
    found.extend(open);
    Some(found)
}

/// Returns the `count` deepest drawdowns, deepest first, the earlier one first where two are equally deep.
#[must_use]
pub fn deepest(equity: &[f64], count: usize) -> Option<Vec<Drawdown>> {
    let mut found = drawdowns(equity)?;
    found.sort_by(|left, right| right.depth.total_cmp(&left.depth));
    found.truncate(count);
    Some(found)
}

/// Returns the mean depth of all drawdowns, 0 to 1; undefined when there is none.
#[must_use]
pub fn average_drawdown(equity: &[f64]) -> Option<f64> {
    mean(&drawdowns(equity)?.iter().map(|one| one.depth).collect::<Vec<_>>())
}

/// Returns the longest time below a peak, in bars; 0 when there is no drawdown. One that has not ended counts to the
/// last bar.
#[must_use]
pub fn longest_drawdown(equity: &[f64]) -> Option<usize> {
    let last = equity.len().checked_sub(1)?;
    let lengths =
        drawdowns(equity)?.into_iter().map(|one| one.recovery.unwrap_or(last) - one.start);
    Some(lengths.max().unwrap_or(0))
}

/// Returns the share of values below their running peak, 0 to 1.
#[must_use]
pub fn time_under_water(equity: &[f64]) -> Option<f64> {
    drawdowns(equity)?;
    let wet: Vec<f64> =
        drawdown(equity).iter().map(|fall| if *fall > 0.0 { 1.0 } else { 0.0 }).collect();
    mean(&wet)
}

/// Returns the ulcer index √(mean of drawdown²) as a share, 0 to 1.
///
/// Source: Martin and McCann 1989 (there in percent).
#[must_use]
pub fn ulcer_index(equity: &[f64]) -> Option<f64> {
    drawdowns(equity)?;
    mean(&drawdown(equity).iter().map(|fall| fall * fall).collect::<Vec<_>>()).map(f64::sqrt)
}

/// Returns the pain index: the mean drawdown over all values, 0 to 1.
///
/// Source: Zephyr Associates 2006.
#[must_use]
pub fn pain_index(equity: &[f64]) -> Option<f64> {
    drawdowns(equity)?;
    mean(&drawdown(equity))
}

/// Returns total return / maximum drawdown; undefined without a fall.
#[must_use]
pub fn recovery_factor(equity: &[f64]) -> Option<f64> {
    over(total_return(equity)?, max_drawdown(equity)?)
}

/// Returns a gain per unit of pain; undefined without pain.
pub(super) fn over(gain: f64, pain: f64) -> Option<f64> {
    if DEVIATION_MIN <= pain { defined(gain / pain) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CURVE: [f64; 8] = [100.0, 120.0, 90.0, 96.0, 120.0, 130.0, 117.0, 121.0];

    #[test]
    fn the_table_is_the_one_done_by_hand() {
        let found = deepest(&CURVE, 5).unwrap();
        let wanted = [
            Drawdown { start: 1, valley: 2, recovery: Some(4), depth: 0.25 },
            Drawdown { start: 5, valley: 6, recovery: None, depth: 0.1 },
        ];
        assert_eq!(found.len(), 2);
        for (one, other) in found.iter().zip(&wanted) {
            assert_eq!(
                (one.start, one.valley, one.recovery),
                (other.start, other.valley, other.recovery)
            );
            assert!((one.depth - other.depth).abs() < 1e-15);
        }
        assert_eq!((found[0].fall_bars(), found[0].recovery_bars()), (1, Some(2)));
        assert_eq!(found[1].recovery_bars(), None);
        assert_eq!(deepest(&CURVE, 1).unwrap().len(), 1);
    }

    #[test]
    fn figures_are_those_done_by_hand() {
        assert!((average_drawdown(&CURVE).unwrap() - 0.175).abs() < 1e-15);
        assert_eq!(longest_drawdown(&CURVE), Some(3));
        assert_eq!(time_under_water(&CURVE), Some(0.5));
        // falls 0.25, 0.2, 0.1, 9/130
        let last = 9.0 / 130.0;
        assert!((pain_index(&CURVE).unwrap() - (0.55 + last) / 8.0).abs() < 1e-15);
        let squares = 0.0625 + 0.04 + 0.01 + last * last;
        assert!((ulcer_index(&CURVE).unwrap() - (squares / 8.0).sqrt()).abs() < 1e-15);
        assert!((recovery_factor(&CURVE).unwrap() - 0.21 / 0.25).abs() < 1e-12);
    }

    #[test]
    fn without_a_fall_there_is_nothing_to_average() {
        let rising = [1.0, 2.0, 2.0, 3.0];
        assert_eq!(drawdowns(&rising), Some(vec![]));
        assert_eq!(average_drawdown(&rising), None);
        assert_eq!(recovery_factor(&rising), None);
        assert_eq!(longest_drawdown(&rising), Some(0));
        assert_eq!(ulcer_index(&rising), Some(0.0));
        for bad in [&[][..], &[0.0, 1.0], &[1.0, f64::NAN]] {
            assert_eq!(drawdowns(bad), None);
            assert_eq!(pain_index(bad), None);
        }
    }

    proptest! {
        #[test]
        fn the_deepest_is_the_maximum_and_none_overlap(curve in prop::collection::vec(1.0..100.0_f64, 1..60)) {
            let all = drawdowns(&curve).unwrap();
            let deepest = deepest(&curve, 1).unwrap().first().map_or(0.0, |one| one.depth);
            prop_assert!((deepest - max_drawdown(&curve).unwrap()).abs() < 1e-15);
            for pair in all.windows(2) {
                prop_assert!(pair[0].recovery.unwrap() <= pair[1].start);
            }
            prop_assert!(pain_index(&curve).unwrap() <= ulcer_index(&curve).unwrap() + 1e-15);
            prop_assert!(ulcer_index(&curve).unwrap() <= max_drawdown(&curve).unwrap() + 1e-15);
        }

        #[test]
        fn nothing_depends_on_the_currency(curve in prop::collection::vec(1.0..100.0_f64, 2..60), scale in 0.01..100.0_f64) {
            let other: Vec<f64> = curve.iter().map(|value| value * scale).collect();
            for metric in [average_drawdown, ulcer_index, pain_index, recovery_factor] {
                if let (Some(a), Some(b)) = (metric(&curve), metric(&other)) {
                    prop_assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()));
                }
            }
        }
    }
}
