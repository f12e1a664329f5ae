//! Train, validation and test by time, never shuffled, with bars purged before each boundary.

use std::ops::Range;

use crate::config::SplitConfig;
use crate::error::{Coded, ErrorCode};

/// Fewest decisions a segment must allow; below that a figure about it means nothing.
pub const DECISIONS_MIN: usize = 2;

/// Three ranges of rows, in time order; between them lie the purged bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splits {
    /// What the agent learns from, and the only part anything is fitted on.
    pub train: Range<usize>,
    /// What the best model is chosen on.
    pub valid: Range<usize>,
    /// What the result is reported on.
    pub test: Range<usize>,
}

/// Why a series cannot be cut.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The shares leave nothing for the test segment.
    #[error(
        "wanted shares of training ({train}) and validation ({valid}) above 0 and together below 1; lower one of them, \
         what remains is the test segment"
    )]
    Shares {
        /// Share of the training segment.
        train: f64,
        /// Share of the validation segment.
        valid: f64,
    },
    /// A segment would be too short to decide anything in.
    #[error(
        "the {segment} segment would hold {got} bars after purging {purge}, but at least {wanted} are needed ({lookback} \
         to look back on); the series has {rows} bars: import more, or lower `purge_bars` or the bars looked back on, or \
         give the segment a larger share"
    )]
    TooShort {
        /// `training`, `validation` or `test`.
        segment: &'static str,
        /// Bars it would hold.
        got: usize,
        /// Bars it must hold.
        wanted: usize,
        /// Bars an observation looks back on.
        lookback: usize,
        /// Bars purged before its end.
        purge: usize,
        /// Bars of the whole series.
        rows: usize,
    },
}

impl Coded for Refusal {
    fn code(&self) -> ErrorCode {
        ErrorCode::ValidationFailed
    }
}

/// Cuts `rows` bars by the shares of `config`: training first, then validation, then test (the rest). The last
/// `purge_bars` before each boundary belong to no segment. `lookback` is the number of bars that the first decision of
/// a segment needs before it.
///
/// # Errors
/// Refuses shares that leave no test segment and segments with fewer than `lookback` + [`DECISIONS_MIN`] bars.
pub fn split(rows: usize, config: &SplitConfig, lookback: usize) -> Result<Splits, Refusal> {
    let (train, valid) = (config.train, config.valid);
    if !(0.0 < train && 0.0 < valid && train + valid < 1.0) {
        return Err(Refusal::Shares { train, valid });
    }
    let purge = usize::try_from(config.purge_bars).unwrap_or(usize::MAX);
    let valid_start = share(rows, train);
    let test_start = share(rows, train + valid);
    let splits = Splits {
        train: 0..valid_start.saturating_sub(purge),
        valid: valid_start..test_start.saturating_sub(purge).max(valid_start),
        test: test_start..rows,
    };
    let wanted = lookback.saturating_add(DECISIONS_MIN);
    let segments = [
        ("training", &splits.train, purge),
        ("validation", &splits.valid, purge),
        ("test", &splits.test, 0),
    ];
    for (segment, range, purge) in segments {
        if range.len() < wanted {
            return Err(Refusal::TooShort {
                segment,
                got: range.len(),
                wanted,
                lookback,
                purge,
                rows,
            });
        }
    }
    Ok(splits)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "rows lie far below 2^53 and the share within [0, 1]"
)]
fn share(rows: usize, share: f64) -> usize {
    // 0.7 + 0.15 is 0.85 less one rounding error: without the margin 100 rows would be cut at 84.
    (rows as f64 * share + 1e-9).floor() as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cuts_by_time_and_purges_before_each_boundary() {
        let config = SplitConfig { train: 0.7, valid: 0.15, purge_bars: 3 };
        let splits = split(100, &config, 5).expect("long enough");
        assert_eq!(splits, Splits { train: 0..67, valid: 70..82, test: 85..100 });
    }

    #[test]
    fn refuses_too_short_a_series_with_the_numbers() {
        let config = SplitConfig { train: 0.7, valid: 0.15, purge_bars: 30 };
        let refusal = split(100, &config, 5).expect_err("validation is purged away");
        let Refusal::TooShort { segment, got, wanted, rows, .. } = &refusal else {
            panic!("{refusal}");
        };
        assert_eq!((*segment, *got, *wanted, *rows), ("validation", 0, 7, 100));
    }

    #[test]
    fn refuses_shares_without_a_test_segment() {
        for (train, valid) in [(0.9, 0.1), (0.9, 0.5), (f64::NAN, 0.1), (0.0, 0.5)] {
            let config = SplitConfig { train, valid, purge_bars: 0 };
            assert!(
                matches!(split(1000, &config, 1), Err(Refusal::Shares { .. })),
                "{train} {valid}"
            );
        }
    }

    proptest! {
        #[test]
        fn segments_are_in_order_disjoint_and_apart(
            rows in 0_usize..5000,
            train in 0.05..0.9_f64,
            valid in 0.05..0.9_f64,
            purge_bars in 0_u32..100,
            lookback in 0_usize..100,
        ) {
            let config = SplitConfig { train, valid, purge_bars };
            if let Ok(splits) = split(rows, &config, lookback) {
                prop_assert_eq!(splits.train.start, 0);
                prop_assert_eq!(splits.test.end, rows);
                prop_assert!(splits.train.end + purge_bars as usize <= splits.valid.start);
                prop_assert!(splits.valid.end + purge_bars as usize <= splits.test.start);
                for range in [splits.train, splits.valid, splits.test] {
                    prop_assert!(lookback + DECISIONS_MIN <= range.len());
                }
            }
        }
    }
}
