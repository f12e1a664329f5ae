//! Purge and embargo: which training samples may stay beside a test block.
//!
//! Only indices are handled; which segment is which is decided by the callers.
//!
//! Source: López de Prado 2018, "Advances in Financial Machine Learning", section 7.4; learning.md section 10.1.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far a sample reaches and how long the market is given to forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Purge {
    /// Bars that the longest feature window looks back on.
    pub lookback: usize,
    /// Bars that the label or reward looks ahead.
    pub horizon: usize,
    /// Samples dropped after each test block besides.
    pub embargo: usize,
}

impl Purge {
    /// Returns the default embargo: 1 % of the rows, rounded up.
    #[must_use]
    pub fn default_embargo(rows: usize) -> usize {
        rows.div_ceil(100)
    }

    /// Whether a training sample may stay beside one test block: the interval `[t − lookback, t + horizon]` does not
    /// touch it and t is not among the `embargo` samples behind it.
    #[must_use]
    pub fn keeps(&self, sample: usize, test: &Range<usize>) -> bool {
        if test.is_empty() {
            return true;
        }
        let before = sample.saturating_add(self.horizon) < test.start;
        let after = test.end.saturating_add(self.lookback.max(self.embargo)) <= sample;
        before || after
    }

    /// Returns the samples below `rows` that may be trained on beside these test blocks, as ranges in time order.
    #[must_use]
    pub fn training(&self, rows: usize, tests: &[Range<usize>]) -> Vec<Range<usize>> {
        let mut kept: Vec<Range<usize>> = Vec::new();
        for sample in (0..rows).filter(|sample| tests.iter().all(|test| self.keeps(*sample, test)))
        {
            match kept.last_mut() {
                Some(open) if open.end == sample => open.end = sample + 1,
                _ => kept.push(sample..sample + 1),
            }
        }
        kept
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one block of rows")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn drops_what_reaches_into_the_test_block_and_the_embargo() {
        let purge = Purge { lookback: 2, horizon: 3, embargo: 0 };
        // 17 + 3 touches 20; 25 − 2 = 23 is the last that touches the block 20..24
        assert_eq!(purge.training(40, &[20..24]), [0..17, 26..40]);
        let embargo = Purge { embargo: 5, ..purge };
        assert_eq!(embargo.training(40, &[20..24]), [0..17, 29..40]);
        assert_eq!(Purge::default().training(10, &[4..6]), [0..4, 6..10]);
        assert_eq!(Purge::default_embargo(1_001), 11);
    }

    #[test]
    fn nothing_stays_where_the_test_is_everything() {
        assert!(Purge::default().training(10, &[0..10]).is_empty());
        assert!(
            Purge { lookback: usize::MAX, horizon: usize::MAX, embargo: 0 }
                .training(9, &[4..5])
                .is_empty()
        );
        assert_eq!(Purge::default().training(3, &[]), [0..3]);
    }

    proptest! {
        #[test]
        fn no_training_sample_lies_inside_purge_or_embargo(
            rows in 1_usize..200,
            starts in prop::collection::vec((0_usize..200, 1_usize..30), 1..4),
            lookback in 0_usize..20,
            horizon in 0_usize..20,
            embargo in 0_usize..20,
        ) {
            let purge = Purge { lookback, horizon, embargo };
            let tests: Vec<Range<usize>> = starts.iter().map(|(start, length)| *start..start + length).collect();
            let kept: Vec<usize> = purge.training(rows, &tests).into_iter().flatten().collect();
            for sample in 0..rows {
                let touches = tests.iter().any(|test| {
                    let window = sample.saturating_sub(lookback)..=sample + horizon;
                    test.clone().any(|row| window.contains(&row))
                        || (test.end <= sample && sample < test.end + embargo)
                });
                prop_assert_eq!(kept.contains(&sample), !touches, "sample {}", sample);
            }
        }
    }
}
