//! What the slices of each label look like: slope, length, steepest rise, largest fall, on the unfiltered indicator.
//!
//! Source: spec/trademaster.md section 7, "Outputs". Undefined is `None`.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::slices::LabelSlices;
use super::slope::slope;

/// Added to durations, as the reference does.
const EPSILON: f64 = 1e-10;
/// Names of the columns, as in the reference's file, each with a mean and a standard deviation.
pub const COLUMNS: [&str; 12] = [
    "average_k_list_mean",
    "average_k_list_std",
    "average_length_list_mean",
    "average_length_list_std",
    "mpp_k_list_mean",
    "mpp_k_list_std",
    "mdd_k_list_mean",
    "mdd_k_list_std",
    "mpp_length_list_mean",
    "mpp_length_list_std",
    "mdd_length_list_mean",
    "mdd_length_list_std",
];

/// Statistics of one label over its slices.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelStatistics {
    /// As in [`LabelSlices::folder`].
    pub folder: u32,
    /// Values in the order of [`COLUMNS`]: mean and population deviation over slices of the slope per row as a share of
    /// the first value, the rows, the steepest rise per row, the largest fall per row, and how many rows each took.
    pub values: [Option<f64>; 12],
}

impl Serialize for LabelStatistics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(COLUMNS.len() + 1))?;
        map.serialize_entry("label", &self.folder)?;
        for (name, value) in COLUMNS.iter().zip(&self.values) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The largest move inside a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Excursion {
    /// As a share of where it began.
    size: f64,
    /// Rows from there.
    rows: usize,
}

impl Excursion {
    fn per_row(self) -> f64 {
        self.size / (self.rows as f64 + EPSILON)
    }
}

/// Returns the largest rise from the lowest value so far; the first of equals.
fn rise(values: &[f64]) -> Excursion {
    largest(values, |value, low| value < low, |value, low| (value - low) / low)
}

/// Returns the largest fall from the highest value so far; the first of equals.
fn fall(values: &[f64]) -> Excursion {
    largest(values, |value, high| high < value, |value, high| (high - value) / high)
}

fn largest(values: &[f64], is_new: fn(f64, f64) -> bool, size: fn(f64, f64) -> f64) -> Excursion {
    let mut best = Excursion { size: 0.0, rows: 0 };
    let Some(first) = values.first() else { return best };
    let (mut begin, mut begin_row) = (*first, 0);
    for (row, value) in values.iter().enumerate() {
        if is_new(*value, begin) {
            (begin, begin_row) = (*value, row);
        }
        let here = size(*value, begin);
        if best.size < here {
            best = Excursion { size: here, rows: row - begin_row };
        }
    }
    best
}

/// Returns the statistics of each label over its slices of `values`, the unfiltered indicator.
#[must_use]
pub fn statistics(values: &[f64], labels: &[LabelSlices]) -> Vec<LabelStatistics> {
    labels
        .iter()
        .map(|of_label| {
            let mut columns: [Vec<f64>; 6] = Default::default();
            for slice in &of_label.slices {
                let Some(inside) = values.get(slice.start..slice.end) else { continue };
                let Some(first) = inside.first() else { continue };
                let (rise, fall) = (rise(inside), fall(inside));
                let row = [
                    slope(inside) / first,
                    inside.len() as f64,
                    rise.per_row(),
                    fall.per_row(),
                    rise.rows as f64,
                    fall.rows as f64,
                ];
                for (column, value) in columns.iter_mut().zip(row) {
                    column.push(value);
                }
            }
            let mut found = [None; 12];
            for (column, place) in columns.iter().zip((0..).step_by(2)) {
                let (mean, deviation) = mean_and_deviation(column);
                (found[place], found[place + 1]) = (mean, deviation);
            }
            LabelStatistics { folder: of_label.folder, values: found }
        })
        .collect()
}

/// Returns mean and population deviation; undefined without values.
fn mean_and_deviation(values: &[f64]) -> (Option<f64>, Option<f64>) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let square = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
    let defined = |value: f64| value.is_finite().then_some(value);
    (defined(mean), defined(square.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Truth;
    use crate::labelling::slices::slices;

    #[test]
    fn are_those_done_by_hand() {
        // One slice: low 8 at row 1, top 12 at row 3 (+50 % in 2 rows); fall 10 → 8 (20 % in 1), 12 → 9 (25 % in 1).
        let values = [10.0, 8.0, 10.0, 12.0, 9.0];
        let found = statistics(&values, &slices(&[1; 5], Truth::Corrected));
        let [k, k_dev, rows, _, rise, _, fall, _, rise_rows, _, fall_rows, _] =
            found[0].values.map(Option::unwrap);
        // slope: (−2·10 − 8 + 12 + 2·9)/10 = 0.2, over the first value 10
        assert!((k - 0.02).abs() < 1e-12 && k_dev.abs() < 1e-15);
        assert!((rows - 5.0).abs() < 1e-12);
        assert!((rise - 0.25).abs() < 1e-9 && (rise_rows - 2.0).abs() < 1e-12);
        assert!((fall - 0.25).abs() < 1e-9 && (fall_rows - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_first_of_equal_moves_counts_and_no_move_has_no_length() {
        let twice = [10.0, 5.0, 10.0, 5.0];
        assert_eq!(fall(&twice), Excursion { size: 0.5, rows: 1 });
        assert_eq!(rise(&[3.0, 2.0]), Excursion { size: 0.0, rows: 0 });
        assert_eq!(rise(&[]).rows, 0);
    }

    #[test]
    fn a_label_without_slices_has_no_statistics() {
        // In the reference the only row of label 1 is the one that is dropped.
        let found = statistics(&[1.0, 2.0, 3.0], &slices(&[0, 0, 1], Truth::Faithful));
        assert_eq!(found[1].values, [None; 12]);
    }
}
