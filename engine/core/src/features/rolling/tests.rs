//! Each kernel against the same number computed afresh from the window.

use proptest::prelude::*;

use super::*;
use crate::rng::{Stream, StreamId};

/// Mean as a level and what is left beside it, and the sum of squares around it: two passes, corrected, so that it is
/// good at any level.
fn centre(window: &[f64]) -> (f64, f64) {
    let count = number(window.len());
    let level = window[0];
    let offset = window.iter().map(|value| value - level).sum::<f64>() / count;
    let deviations = || window.iter().map(|value| (value - level) - offset);
    let rest = deviations().sum::<f64>();
    (level + offset, deviations().map(|d| d * d).sum::<f64>() - rest * rest / count)
}

fn products(left: &[f64], right: &[f64]) -> f64 {
    let count = number(left.len());
    let of = |window: &[f64]| -> Vec<f64> {
        let offset = window.iter().map(|value| value - window[0]).sum::<f64>() / count;
        window.iter().map(|value| (value - window[0]) - offset).collect()
    };
    of(left).iter().zip(of(right)).map(|(x, y)| x * y).sum()
}

fn near(got: f64, wanted: f64, tolerance: f64) -> bool {
    (got - wanted).abs() <= tolerance * wanted.abs().max(1e-300)
}

#[test]
fn windows_that_are_done_by_hand() {
    let mut sum = Sum::new(3);
    let mut moments = Moments::new(3);
    let mut high = Extremum::maximum(3);
    let mut low = Extremum::minimum(3);
    let mut ordered = Ordered::new(3);
    let mut regression = Regression::new(3);
    let mut lag = Lag::new(2);
    for (value, lagged) in [(1.0, None), (4.0, None), (4.0, Some(1.0)), (2.0, Some(4.0))] {
        assert_eq!(lag.update(value), lagged);
        sum.push(value);
        moments.push(value);
        high.push(value);
        low.push(value);
        ordered.push(value);
        regression.push(value);
    }
    // The window is 4 4 2.
    assert_eq!((sum.sum(), sum.mean()), (Some(10.0), Some(10.0 / 3.0)));
    assert!((moments.mean().unwrap() - 10.0 / 3.0).abs() < 1e-15);
    assert!((moments.variance(0).unwrap() - 8.0 / 9.0).abs() < 1e-15);
    assert!((moments.variance(1).unwrap() - 4.0 / 3.0).abs() < 1e-15);
    assert_eq!(high.extreme(), Some(Extreme { value: 4.0, place: 0 }));
    assert_eq!(low.extreme(), Some(Extreme { value: 2.0, place: 2 }));
    assert_eq!(ordered.rank(), Some(1.0));
    assert_eq!(ordered.quantile(0.25), Some(3.0));
    let line = regression.line().unwrap();
    assert!((line.slope + 1.0).abs() < 1e-15 && (line.residual + 1.0 / 3.0).abs() < 1e-15);
    assert!((line.r_squared.unwrap() - 0.75).abs() < 1e-15);
    ordered.push(4.0);
    assert_eq!(ordered.rank(), Some(2.5), "4 2 4: two share the ranks 2 and 3");
}

#[test]
fn nothing_is_told_before_the_window_is_full_or_after_it_was_cleared() {
    let mut sum = Sum::new(2);
    let mut moments = Moments::new(2);
    let mut pairs = Comoments::new(2);
    let mut high = Extremum::maximum(2);
    let mut ordered = Ordered::new(2);
    let mut smooth = Smooth::wilder(2, Seed::Mean);
    for round in 0..2 {
        sum.push(1.0);
        moments.push(1.0);
        pairs.push(1.0, 2.0);
        high.push(1.0);
        ordered.push(1.0);
        assert_eq!((sum.sum(), moments.mean(), pairs.covariance(0)), (None, None, None), "{round}");
        assert_eq!((high.extreme(), ordered.rank()), (None, None));
        assert_eq!((smooth.update(1.0), smooth.update(2.0)), (None, Some(1.5)));
        sum.clear();
        moments.clear();
        pairs.clear();
        high.clear();
        ordered.clear();
        smooth.clear();
    }
    assert_eq!(Moments::new(1).variance(1), None, "no freedom is left");
}

#[test]
fn a_constant_window_has_exactly_no_variance_whatever_came_before() {
    let mut moments = Moments::new(4);
    let mut regression = Regression::new(4);
    let mut pairs = Comoments::new(4);
    for value in [1e15, 3.0, 0.1, 0.1, 0.1, 0.1] {
        moments.push(value);
        regression.push(value);
        pairs.push(value, value);
    }
    assert_eq!((moments.variance(1), moments.mean()), (Some(0.0), Some(0.1)));
    let line = regression.line().unwrap();
    assert_eq!((line.slope, line.r_squared, line.residual), (0.0, None, 0.0));
    assert_eq!(pairs.correlation(), None);
}

#[test]
fn seeds_of_smoothing_are_the_mean_or_the_first_value() {
    let run = |mut smooth: Smooth| [1.0, 2.0, 3.0, 7.0].map(|value| smooth.update(value));
    assert_eq!(run(Smooth::exponential(3, Seed::Mean)), [None, None, Some(2.0), Some(4.5)]);
    assert_eq!(run(Smooth::exponential(3, Seed::First)), [None, None, Some(2.25), Some(4.625)]);
    let wilder = run(Smooth::wilder(3, Seed::Mean))[3].unwrap();
    assert!((wilder - (2.0 + 5.0 / 3.0)).abs() < 1e-15);
}

/// A price at 1e9 that moves by 1e-3: after a million values the moments are those of the window.
#[test]
fn a_million_values_at_a_high_level_leave_no_drift() {
    const WINDOW: usize = 60;
    let mut stream = Stream::new(3, StreamId::Synthesis, 0);
    let mut values = Vec::with_capacity(1_000_000);
    let mut moments = Moments::new(WINDOW);
    let mut pairs = Comoments::new(WINDOW);
    let mut regression = Regression::new(WINDOW);
    let mut sum = Sum::new(WINDOW);
    for index in 0..1_000_000_usize {
        // A spike of 1e12 now and then, so that the window has seen worse than it holds.
        let spike = if index % 7919 == 0 { 1e12 } else { 0.0 };
        let value = 1e9 + 1e-3 * stream.normal() + spike;
        values.push(value);
        moments.push(value);
        regression.push(value);
        sum.push(value);
        let before = values[index.saturating_sub(1)];
        pairs.push(value, before);
        if index % 997 == 0 && WINDOW <= index {
            let window = &values[index + 1 - WINDOW..=index];
            let (mean, squares) = centre(window);
            assert!(near(moments.mean().unwrap(), mean, 1e-12), "mean at {index}");
            assert!(
                near(moments.variance(0).unwrap(), squares / 60.0, 1e-12),
                "variance at {index}"
            );
            assert!(near(sum.sum().unwrap(), window.iter().sum(), 1e-14), "sum at {index}");
            let shifted = &values[index - WINDOW..index];
            // Products cancel, so the scale is that of both deviations.
            let scale = (squares * centre(shifted).1).sqrt();
            let covariance = pairs.covariance(0).unwrap() * 60.0;
            assert!((covariance - products(window, shifted)).abs() <= 1e-12 * scale, "at {index}");
            let steps: Vec<f64> = (0..WINDOW).map(number).collect();
            let slope = products(&steps, window) / products(&steps, &steps);
            let scale = (squares / products(&steps, &steps)).sqrt();
            let line = regression.line().unwrap();
            assert!((line.slope - slope).abs() <= 1e-12 * scale, "slope at {index}");
        }
    }
}

fn series() -> impl Strategy<Value = Vec<f64>> {
    // Few different values, so that ties are common, beside arbitrary ones of very different size.
    let value = prop_oneof![
        (0_i32..4).prop_map(f64::from),
        -1e3..1e3_f64,
        (-1e3..1e3_f64).prop_map(|value| value * 1e6)
    ];
    prop::collection::vec(value, 1..80)
}

proptest! {
    #[test]
    fn every_kernel_equals_its_window_computed_afresh(values in series(), length in 1_usize..12) {
        let mut moments = Moments::new(length);
        let mut pairs = Comoments::new(length);
        let mut high = Extremum::maximum(length);
        let mut low = Extremum::minimum(length);
        let mut ordered = Ordered::new(length);
        let mut regression = Regression::new(length);
        for (index, value) in values.iter().enumerate() {
            moments.push(*value);
            pairs.push(*value, value * value);
            high.push(*value);
            low.push(*value);
            ordered.push(*value);
            regression.push(*value);
            if index + 1 < length {
                prop_assert!(moments.mean().is_none() && high.extreme().is_none() && ordered.rank().is_none());
                continue;
            }
            let window = &values[index + 1 - length..=index];
            let largest = window.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            let (mean, squares) = centre(window);
            prop_assert!((moments.mean().unwrap() - mean).abs() <= 1e-12 * largest);
            prop_assert!((moments.variance(0).unwrap() * number(length) - squares).abs() <= 1e-12 * squares.max(1e-9));
            let most = window.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let least = window.iter().copied().fold(f64::INFINITY, f64::min);
            let place = |wanted: f64| window.iter().position(|value| value.total_cmp(&wanted).is_eq()).unwrap();
            prop_assert_eq!(high.extreme().unwrap(), Extreme { value: most, place: place(most) });
            prop_assert_eq!(low.extreme().unwrap(), Extreme { value: least, place: place(least) });
            let below = window.iter().filter(|other| *other < value).count();
            let equal = window.iter().filter(|other| other.total_cmp(value).is_eq()).count();
            prop_assert_eq!(ordered.rank(), Some(number(below) + (number(equal) + 1.0) / 2.0));
            let mut sorted = window.to_vec();
            sorted.sort_by(f64::total_cmp);
            prop_assert_eq!(ordered.quantile(0.0), sorted.first().copied());
            prop_assert_eq!(ordered.quantile(1.0), sorted.last().copied());
            let squared: Vec<f64> = window.iter().map(|value| value * value).collect();
            let scale = (squares * centre(&squared).1).sqrt();
            prop_assert!((pairs.covariance(0).unwrap() * number(length) - products(window, &squared)).abs() <= 1e-11 * scale + 1e-9);
            if let Some(line) = regression.line() {
                let steps: Vec<f64> = (0..length).map(number).collect();
                let slope = products(&steps, window) / products(&steps, &steps);
                prop_assert!((line.slope - slope).abs() <= 1e-12 * largest);
                let fitted = mean + slope * (number(length) - 1.0) / 2.0;
                prop_assert!((line.residual - (value - fitted)).abs() <= 1e-11 * largest);
            }
        }
    }

    #[test]
    fn correlation_lies_between_minus_one_and_one_and_knows_copies(values in series(), length in 2_usize..12) {
        let (mut same, mut opposite) = (Comoments::new(length), Comoments::new(length));
        for value in &values {
            same.push(*value, *value);
            opposite.push(*value, -value);
            prop_assert!(same.correlation().is_none_or(|found| (found - 1.0).abs() < 1e-12));
            prop_assert!(opposite.correlation().is_none_or(|found| (found + 1.0).abs() < 1e-12));
        }
    }
}
