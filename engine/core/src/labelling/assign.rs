//! From slopes to labels: by quantile or by fixed bounds. Clustering stands in `clusters`.

use crate::config::{LabellingConfig, LabellingMethod, Truth};
use crate::error::EngineError;

/// Returns the bounds between labels, one fewer than labels; none for the method `dtw`.
///
/// Source: spec/trademaster.md section 7, step 7. The method `slope` spaces its bounds evenly from `low` to `high`; in
/// faithful mode they lie one step higher, so that three labels are parted at `high` and `2·high − low`.
///
/// # Errors
/// Refuses, in faithful mode, what the reference divides by zero on.
pub fn thresholds(slopes: &[f64], config: &LabellingConfig) -> Result<Vec<f64>, EngineError> {
    let count = config.label_count;
    match config.method {
        LabellingMethod::Dtw => Ok(Vec::new()),
        LabellingMethod::Quantile => {
            let sorted = sorted(slopes);
            let bound = |i: u32| quantile(&sorted, f64::from(i) / f64::from(count));
            Ok((1..count).map(bound).collect())
        }
        LabellingMethod::Slope => by_bounds(slopes, config),
    }
}

fn by_bounds(slopes: &[f64], config: &LabellingConfig) -> Result<Vec<f64>, EngineError> {
    let count = config.label_count;
    let mut bounds = [config.slope_low, 0.0, config.slope_high];
    bounds.sort_by(f64::total_cmp);
    let [mut low, _, mut high] = bounds;
    if high <= low {
        let sorted = sorted(slopes);
        let at = |part: usize| {
            let index = part * sorted.len() / config.label_count as usize;
            sorted.get(index).copied().unwrap_or_default()
        };
        (low, high) = (at(1), at(count as usize - 1));
    }
    if count == 2 {
        let middle = f64::midpoint(low, high);
        if config.truth == Truth::Faithful && middle.abs() > 0.0 {
            let detail = "wanted what the reference system can do; found the method 'slope' with two labels, on \
                          which it divides by zero. Use truth = \"corrected\""
                .to_owned();
            return Err(EngineError::Refused { what: "labelling", detail });
        }
        return Ok(vec![middle]);
    }
    let step = (high - low) / f64::from(count - 2);
    let first = match config.truth {
        Truth::Faithful => 1,
        Truth::Corrected => 0,
    };
    Ok((0..count - 1).map(|i| low + step * f64::from(first + i)).collect())
}

/// Returns the label of a slope: the first bound that it does not exceed, else the last label.
#[must_use]
pub fn label_of(slope: f64, thresholds: &[f64]) -> u32 {
    (0..)
        .zip(thresholds)
        .find(|(_, bound)| slope <= **bound)
        .map_or_else(|| u32::try_from(thresholds.len()).unwrap_or(u32::MAX), |(label, _)| label)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Returns the quantile `share` of ascending values, interpolated linearly, from the nearer neighbour.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = last as f64 * share;
    let below = floor_index(place, last);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    let (gap, part) = (high - low, place - below as f64);
    if part < 0.5 { low + gap * part } else { high - gap * (1.0 - part) }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the place lies between 0 and the last index"
)]
fn floor_index(place: f64, last: usize) -> usize {
    (place.floor() as usize).min(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(method: LabellingMethod, label_count: u32) -> LabellingConfig {
        LabellingConfig { method, label_count, ..LabellingConfig::default() }
    }

    #[track_caller]
    fn near(found: &[f64], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
        }
    }

    #[test]
    fn quantiles_are_those_done_by_hand() {
        let slopes = [4.0, 1.0, 3.0, 2.0];
        near(&thresholds(&slopes, &config(LabellingMethod::Quantile, 2)).unwrap(), &[2.5]);
        near(&thresholds(&slopes, &config(LabellingMethod::Quantile, 3)).unwrap(), &[2.0, 3.0]);
        near(&thresholds(&[7.0], &config(LabellingMethod::Quantile, 3)).unwrap(), &[7.0, 7.0]);
    }

    #[test]
    fn fixed_bounds_run_from_low_to_high_and_in_the_reference_one_step_higher() {
        let three = LabellingConfig {
            slope_low: -0.5,
            slope_high: 0.25,
            ..config(LabellingMethod::Slope, 3)
        };
        let four = LabellingConfig { label_count: 4, ..three.clone() };
        // Both above 0: 0 is the lowest of the three.
        let above = LabellingConfig { slope_low: 1.0, slope_high: 3.0, ..three.clone() };
        let cases: [(_, &[f64], &[f64]); 3] = [
            (three, &[-0.5, 0.25], &[0.25, 1.0]),
            (four, &[-0.5, -0.125, 0.25], &[-0.125, 0.25, 0.625]),
            (above, &[0.0, 3.0], &[3.0, 6.0]),
        ];
        for (config, corrected, faithful) in cases {
            near(&thresholds(&[], &config).unwrap(), corrected);
            let reference = LabellingConfig { truth: Truth::Faithful, ..config };
            near(&thresholds(&[], &reference).unwrap(), faithful);
        }
    }

    #[test]
    fn equal_bounds_are_taken_from_the_slopes() {
        let slopes = [5.0, 4.0, 3.0, 2.0, 1.0, 0.0];
        let none = LabellingConfig {
            slope_low: 0.0,
            slope_high: 0.0,
            ..config(LabellingMethod::Slope, 3)
        };
        // elements 2 and 4 of the sorted slopes
        near(&thresholds(&slopes, &none).unwrap(), &[2.0, 4.0]);
        let reference = LabellingConfig { truth: Truth::Faithful, ..none };
        near(&thresholds(&slopes, &reference).unwrap(), &[4.0, 6.0]);
    }

    #[test]
    fn two_labels_have_the_middle_as_bound_and_fail_in_the_reference() {
        let two = LabellingConfig {
            slope_low: -1.0,
            slope_high: 0.5,
            ..config(LabellingMethod::Slope, 2)
        };
        near(&thresholds(&[], &two).unwrap(), &[-0.25]);
        let faithful = LabellingConfig { truth: Truth::Faithful, ..two };
        assert!(thresholds(&[], &faithful).is_err());
        let even = LabellingConfig { slope_low: -0.5, ..faithful };
        near(&thresholds(&[], &even).unwrap(), &[0.0]);
    }

    #[test]
    fn a_slope_on_a_bound_is_below_it() {
        assert_eq!(
            [-1.0, 0.0, 0.5, 1.0, 2.0].map(|slope| label_of(slope, &[0.0, 1.0])),
            [0, 0, 1, 1, 2]
        );
    }

    proptest! {
        #[test]
        fn labels_rise_with_the_slope_and_quantiles_share_evenly(
            slopes in prop::collection::vec(-5.0..5.0_f64, 3..60),
            count in 2_u32..6,
        ) {
            let bounds = thresholds(&slopes, &config(LabellingMethod::Quantile, count)).unwrap();
            prop_assert!(bounds.is_sorted());
            let sorted = sorted(&slopes);
            let labels: Vec<u32> = sorted.iter().map(|slope| label_of(*slope, &bounds)).collect();
            prop_assert!(labels.is_sorted());
            prop_assert!(labels.iter().all(|label| *label < count));
            let share = slopes.len() as f64 / f64::from(count);
            for label in 0..count {
                let found = labels.iter().filter(|one| **one == label).count() as f64;
                prop_assert!((found - share).abs() <= 2.0, "{label} {found} {share}");
            }
        }
    }
}
