//! From labels per row to runs of consecutive rows, one series of slices per label: what dynamics tests run on.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Truth;

/// Consecutive rows of one label.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Slice {
    /// First row.
    pub start: usize,
    /// Row after the last.
    pub end: usize,
}

impl Slice {
    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end == self.start
    }
}

/// The slices of one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelSlices {
    /// The label.
    pub label: u32,
    /// Name of its folder and its row among the metrics: the label itself, or in `faithful` mode its place among the
    /// labels that occur.
    pub folder: u32,
    /// Rows that bear the label.
    pub row_count: usize,
    /// Its runs, in order.
    pub slices: Vec<Slice>,
}

/// Returns the runs of each label that occurs, lowest first.
///
/// In `faithful` mode the last row of each label's last run is missing, as in the reference; a run of that row alone
/// disappears.
#[must_use]
pub fn slices(labels: &[u32], truth: Truth) -> Vec<LabelSlices> {
    let mut runs: BTreeMap<u32, Vec<Slice>> = BTreeMap::new();
    let mut start = 0;
    for run in labels.chunk_by(|one, other| one == other) {
        let end = start + run.len();
        runs.entry(run[0]).or_default().push(Slice { start, end });
        start = end;
    }
    (0_u32..)
        .zip(runs)
        .map(|(place, (label, mut slices))| {
            let row_count = slices.iter().map(Slice::len).sum();
            let folder = match truth {
                Truth::Corrected => label,
                Truth::Faithful => {
                    if let Some(last) = slices.last_mut() {
                        last.end -= 1;
                    }
                    slices.retain(|slice| !slice.is_empty());
                    place
                }
            };
            LabelSlices { label, folder, row_count, slices }
        })
        .collect()
}

/// Returns the label of each day: that of most of its rows, the lowest of equals. Shapes: both inputs have one entry per
/// row, days in blocks; the result has one entry per block.
#[must_use]
pub fn day_labels(days: &[i64], labels: &[u32]) -> Vec<u32> {
    let mut start = 0;
    days.chunk_by(|one, other| one == other)
        .map(|day| {
            let of_day = labels.get(start..start + day.len()).unwrap_or_default();
            start += day.len();
            let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
            for label in of_day {
                *counts.entry(*label).or_default() += 1;
            }
            let most = counts.iter().rev().max_by_key(|(_, count)| **count);
            most.map_or(0, |(label, _)| *label)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_are_those_done_by_hand() {
        let found = slices(&[2, 2, 0, 0, 0, 2], Truth::Corrected);
        let slice = |start, end| Slice { start, end };
        let wanted = [
            LabelSlices { label: 0, folder: 0, row_count: 3, slices: vec![slice(2, 5)] },
            LabelSlices {
                label: 2,
                folder: 2,
                row_count: 3,
                slices: vec![slice(0, 2), slice(5, 6)],
            },
        ];
        assert_eq!(found, wanted);
        let found = slices(&[2, 2, 0, 0, 0, 2], Truth::Faithful);
        assert_eq!((found[0].folder, found[1].folder), (0, 1));
        assert_eq!(found[0].slices, [slice(2, 4)]);
        // The last run of label 2 was that one row.
        assert_eq!((found[1].slices.as_slice(), found[1].row_count), (&[slice(0, 2)][..], 3));
    }

    #[test]
    fn a_day_has_the_label_of_most_of_its_rows() {
        assert_eq!(day_labels(&[0, 0, 0, 1, 1, 2], &[1, 2, 2, 0, 1, 3]), [2, 0, 3]);
        assert!(day_labels(&[], &[]).is_empty());
    }

    proptest! {
        #[test]
        fn corrected_slices_hold_every_row_once(labels in prop::collection::vec(0_u32..4, 0..80)) {
            let mut seen = vec![0; labels.len()];
            for of_label in slices(&labels, Truth::Corrected) {
                for slice in of_label.slices {
                    for row in slice.start..slice.end {
                        prop_assert_eq!(labels[row], of_label.label);
                        seen[row] += 1;
                    }
                    prop_assert!(slice.end == labels.len() || labels[slice.end] != of_label.label);
                }
            }
            prop_assert!(seen.iter().all(|count| *count == 1));
        }
    }
}
