//! The labeller as a whole: exact small cases, properties, garbage.

use proptest::prelude::*;

use super::*;

fn wave(rows: u32, period: f64) -> Vec<f64> {
    let angle = |row: u32| f64::from(row) * std::f64::consts::TAU / period;
    (0..rows).map(|row| 100.0 + 10.0 * angle(row).sin() + 0.01 * f64::from(row)).collect()
}

fn series(values: &[f64]) -> Series<'_> {
    Series { ticker: "T", values, order: None }
}

fn config() -> LabellingConfig {
    LabellingConfig { min_length: Some(5), max_length: 40, ..LabellingConfig::default() }
}

#[test]
fn a_wave_turns_twice_per_period() {
    let values = wave(400, 40.0);
    let plain = LabellingConfig { merge_threshold: None, ..config() };
    let found = label(&series(&values), &plain).unwrap();
    assert!(found.stages.rounds.is_empty());
    assert_eq!(found.turning_points.len(), 22, "{:?}", found.turning_points);
    for ends in found.turning_points[1..21].windows(2) {
        assert!((19..=21).contains(&(ends[1] - ends[0])), "{ends:?}");
    }
    assert!(found.slopes.windows(2).all(|pair| pair[0] * pair[1] < 0.0), "{:?}", found.slopes);
    let by_sign = found.slopes.iter().zip(&found.segment_labels);
    assert!(by_sign.clone().all(|(slope, label)| *slope > 0.0 || *label < 2));
    assert!(by_sign.clone().all(|(slope, label)| *slope < 0.0 || *label > 0));
    assert!(found.hindsight);
}

#[test]
fn a_merge_round_in_which_nothing_changes_is_the_last() {
    let found = label(&series(&wave(400, 40.0)), &config()).unwrap();
    let rounds = &found.stages.rounds;
    assert!(rounds.last().unwrap().mergers.is_empty());
    assert!(rounds[..rounds.len() - 1].iter().all(|round| !round.mergers.is_empty()));
    assert_eq!(rounds.last().unwrap().turning_points, found.turning_points);
}

#[test]
fn slopes_work_with_a_limit_on_labels_and_with_two_labels() {
    let values = wave(300, 30.0);
    for label_count in [2, 3, 5] {
        let by_slope = LabellingConfig { method: LabellingMethod::Slope, label_count, ..config() };
        let found = label(&series(&values), &by_slope).unwrap();
        assert_eq!(found.thresholds.len(), label_count as usize - 1);
        assert!(found.labels.iter().all(|label| *label < label_count));
    }
}

#[test]
fn clusters_are_repeatable_and_follow_the_seed_alone() {
    let values = wave(500, 33.0);
    let by_shape = LabellingConfig { method: LabellingMethod::Dtw, ..config() };
    let found = label(&series(&values), &by_shape).unwrap();
    assert_eq!(label(&series(&values), &by_shape).unwrap(), found);
    assert!(found.thresholds.is_empty());
    let mean = |label: u32| {
        let of_label: Vec<f64> = found
            .slopes
            .iter()
            .zip(&found.segment_labels)
            .filter(|(_, own)| **own == label)
            .map(|(slope, _)| *slope)
            .collect();
        of_label.iter().sum::<f64>() / of_label.len() as f64
    };
    assert!(mean(0) < mean(1));
}

#[test]
fn the_whole_can_be_stopped() {
    let values = wave(400, 40.0);
    let stopped = label_with(&series(&values), &config(), &mut |_| ControlFlow::Break(()));
    assert_eq!(stopped, Err(EngineError::Cancelled));
}

#[track_caller]
fn refuses(values: &[f64], order: Option<&[i128]>, config: &LabellingConfig, words: &str) {
    let error = label(&Series { ticker: "T", values, order }, config).unwrap_err().to_string();
    assert!(error.contains(words), "{error}");
}

#[test]
fn refuses_what_is_no_series_of_prices() {
    let good = wave(100, 20.0);
    let faithful = LabellingConfig { truth: Truth::Faithful, ..config() };
    for bad in [f64::NAN, f64::INFINITY] {
        let mut values = good.clone();
        values[7] = bad;
        refuses(&values, None, &config(), "row 7");
        refuses(&values, None, &faithful, "row 7");
    }
    let mut values = good.clone();
    values[9] = -1.0;
    refuses(&values, None, &config(), "above 0");
    assert!(label(&series(&values), &faithful).is_ok());
    for config in [&config(), &faithful] {
        refuses(&good[..15], None, config, "more than 15 rows");
        refuses(&[], None, config, "more than 15 rows");
        assert!(label(&series(&good[..16]), config).is_ok());
    }
    refuses(&[5.0; 50], None, &config(), "a series that moves");
    refuses(&[0.0; 50], None, &faithful, "never 0");
    assert!(label(&series(&[5.0; 50]), &faithful).is_ok());
}

#[test]
fn times_are_checked_in_corrected_mode_and_ignored_in_faithful_mode() {
    let values = wave(100, 20.0);
    let rising: Vec<i128> = (0..100).collect();
    let falling: Vec<i128> = (0..100).rev().collect();
    let mut repeated = rising.clone();
    repeated[40] = 39;
    refuses(&values, Some(&falling), &config(), "found in row 1 of T an earlier time");
    refuses(&values, Some(&repeated), &config(), "found in row 40 of T the same time");
    refuses(&values, Some(&rising[..9]), &config(), "one time per row");
    let timed = |order| Series { ticker: "T", values: &values, order: Some(order) };
    let faithful = LabellingConfig { truth: Truth::Faithful, ..config() };
    let taken = label(&timed(&falling), &faithful).unwrap();
    assert_eq!(taken, label(&series(&values), &faithful).unwrap());
    assert!(label(&timed(&rising), &config()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn segments_part_the_rows_and_labels_rise_with_the_slope(
        steps in prop::collection::vec(-0.05..0.05_f64, 16..300),
        min_length in prop::option::of(3_u32..20),
        label_count in 2_u32..6,
        method in prop::sample::select(vec![LabellingMethod::Quantile, LabellingMethod::Slope, LabellingMethod::Dtw]),
        merges in (prop::option::of(0.0..0.1_f64), prop::option::of(0_u32..3)),
        truth in prop::sample::select(vec![Truth::Corrected, Truth::Faithful]),
    ) {
        let mut price = 100.0;
        let values: Vec<f64> = steps.iter().map(|step| { price *= 1.0 + step; price }).collect();
        let config = LabellingConfig {
            truth, min_length, label_count, method,
            merge_threshold: merges.0,
            merge_label_gap_max: merges.1,
            slope_low: -0.5,
            slope_high: 0.5,
            max_length: 60,
            ..LabellingConfig::default()
        };
        let found = label(&series(&values), &config).unwrap();
        let stages = [&found.stages.raw, &found.stages.after_length_pass, &found.turning_points];
        for points in stages {
            prop_assert_eq!((points[0], *points.last().unwrap()), (0, values.len()));
            prop_assert!(points.windows(2).all(|ends| ends[0] < ends[1]));
        }
        for later in stages.windows(2) {
            prop_assert!(later[1].iter().all(|point| later[0].contains(point)));
        }
        if let Some(min) = min_length {
            let long = |ends: &[usize]| ends[1] - ends[0] >= min as usize;
            let points = &found.turning_points;
            prop_assert!(points.len() == 2 || points.windows(2).all(long));
        }
        prop_assert_eq!(found.labels.len(), values.len());
        prop_assert!(found.labels.iter().all(|label| *label < label_count));
        for (ends, label) in found.turning_points.windows(2).zip(&found.segment_labels) {
            prop_assert!(found.labels[ends[0]..ends[1]].iter().all(|own| own == label));
        }
        if method != LabellingMethod::Dtw {
            let mut pairs: Vec<(f64, u32)> =
                found.slopes.iter().copied().zip(found.segment_labels.iter().copied()).collect();
            pairs.sort_by(|left, right| left.0.total_cmp(&right.0));
            prop_assert!(pairs.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        }
        let rows: usize = found.slices.iter().map(|one| one.row_count).sum();
        prop_assert_eq!(rows, values.len());
        prop_assert_eq!(label(&series(&values), &config).unwrap(), found);
    }
}
