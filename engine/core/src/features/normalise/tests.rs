//! Normalisers: what they do to the segment they were fitted on, and what they never see.

use proptest::prelude::*;

use super::*;
use crate::config::FeaturesConfig;
use crate::features::panel_frame;
use crate::market::{BarPanel, Join, synthetic};

fn frame(columns: &[&[f64]]) -> FeatureFrame {
    let rows = columns[0].len();
    let values = (0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
    let names = (0..columns.len()).map(|column| format!("c{column}")).collect();
    FeatureFrame { names, width: columns.len(), rows, warmup_rows: 0, values }
}

const KINDS: [Normalisation; 3] =
    [Normalisation::ZScore, Normalisation::Robust, Normalisation::MinMax];

#[test]
fn each_kind_has_its_centre_and_scale() {
    let frame = frame(&[&[1.0, 2.0, 3.0, 4.0, 100.0], &[7.0; 5]]);
    let fitted = |how| Normaliser::fit_as(how, &frame, 0..5);
    assert_eq!(
        fitted(Normalisation::Robust),
        Normaliser { mean: vec![3.0, 7.0], deviation: vec![2.0, 1.0] }
    );
    assert_eq!(
        fitted(Normalisation::MinMax),
        Normaliser { mean: vec![1.0, 7.0], deviation: vec![99.0, 1.0] }
    );
    assert_eq!(fitted(Normalisation::ZScore).mean, [22.0, 7.0]);
    assert_eq!(fitted(Normalisation::None), Normaliser::identity(2));
}

#[test]
fn what_is_not_defined_is_passed_over_and_stays_so() {
    let mut frame = frame(&[&[f64::NAN, 1.0, f64::NAN, 3.0], &[f64::NAN; 4]]);
    let fitted = Normaliser::fit_as(Normalisation::ZScore, &frame, 0..4);
    assert_eq!(fitted, Normaliser { mean: vec![2.0, 0.0], deviation: vec![1.0, 1.0] });
    fitted.apply(&mut frame);
    assert!(frame.values[0].is_nan() && frame.values[1].is_nan());
    assert_eq!((frame.values[2], frame.values[6]), (-1.0, 1.0));
    clip(&mut frame, 0.5);
    assert!(frame.values[0].is_nan());
    assert_eq!((frame.values[2], frame.values[6]), (-0.5, 0.5));
}

#[test]
fn ranks_become_quantiles_of_the_normal_distribution() {
    let values: Vec<f64> = (0..101).map(|value| f64::from(value).powi(3)).collect();
    let mut scaled = frame(&[&values]);
    let fitted = QuantileNormaliser::fit(&scaled, 0..101, 1000, None);
    fitted.apply(&mut scaled);
    // Φ⁻¹ of 0.5, 0.9 and 0.975, from tables.
    for (row, wanted) in [(50, 0.0), (90, 1.281_551_565_544_600_4), (10, -1.281_551_565_544_600_4)]
    {
        assert!((scaled.values[row] - wanted).abs() < 1e-8, "{}", scaled.values[row]);
    }
    assert!(scaled.values.iter().all(|value| value.abs() < 4.8));
    let text = serde_json::to_string(&fitted).unwrap();
    assert_eq!(serde_json::from_str::<QuantileNormaliser>(&text).unwrap(), fitted);
    let mut beyond = frame(&[&[1e9, -1e9, f64::NAN]]);
    QuantileNormaliser { clip: Some(3.0), ..fitted }.apply(&mut beyond);
    assert_eq!(beyond.values[..2], [3.0, -3.0]);
    assert!(beyond.values[2].is_nan());
    let mut constant = frame(&[&[5.0; 4]]);
    QuantileNormaliser::fit(&constant, 0..4, 10, None).apply(&mut constant);
    assert!(constant.values.iter().all(|value| value.abs() < 1e-12));
}

#[test]
fn a_rolling_score_knows_only_its_window() {
    let mut scaled = frame(&[&[1.0, 3.0, 3.0, 3.0, f64::NAN, 1.0, 2.0]]);
    rolling_z_score(&mut scaled, 2, Some(0.6));
    assert_eq!(scaled.warmup_rows, 1);
    assert!([0, 4, 5].iter().all(|row| scaled.values[*row].is_nan()));
    assert_eq!((scaled.values[1], scaled.values[2], scaled.values[6]), (0.6, 0.0, 0.6));
}

#[test]
fn each_instrument_has_its_own_scale_and_strangers_are_refused() {
    let named = |name: &str, seed| {
        let mut bars = synthetic::generate(seed, 120);
        bars.instrument = name.to_owned();
        bars
    };
    let panel = BarPanel::join(&[named("A", 1), named("B", 2)], Join::Inner).unwrap();
    let mut frame = panel_frame(&panel, &FeaturesConfig::default()).unwrap();
    let fitted = PanelNormaliser::fit(Normalisation::ZScore, &frame, 0..80);
    assert_ne!(fitted.each[0], fitted.each[1]);
    let text = serde_json::to_string(&fitted).unwrap();
    assert_eq!(serde_json::from_str::<PanelNormaliser>(&text).unwrap(), fitted);
    fitted.apply(&mut frame).unwrap();
    for instrument in 0..2 {
        let column: Vec<f64> = (0..80).filter_map(|row| frame.cell(row, instrument, 5)).collect();
        let mean = column.iter().sum::<f64>() / number(column.len());
        assert!(mean.abs() < 1e-12, "{mean}");
    }
    let before = frame.clone();
    frame.instruments.reverse();
    assert!(fitted.apply(&mut frame).unwrap_err().to_string().contains("A, B"));
    assert_eq!(
        before.values.iter().map(|cell| cell.to_bits()).collect::<Vec<_>>(),
        frame.values.iter().map(|cell| cell.to_bits()).collect::<Vec<_>>()
    );
}

proptest! {
    #[test]
    fn what_lies_outside_the_training_rows_is_never_seen(
        train in prop::collection::vec(-1e6..1e6_f64, 2..60),
        later in prop::collection::vec(any::<f64>(), 0..20),
    ) {
        let whole: Vec<f64> = train.iter().chain(&later).copied().collect();
        let (short, long) = (frame(&[&train]), frame(&[&whole]));
        for how in KINDS {
            prop_assert_eq!(
                Normaliser::fit_as(how, &short, 0..train.len()),
                Normaliser::fit_as(how, &long, 0..train.len())
            );
        }
        prop_assert_eq!(
            QuantileNormaliser::fit(&short, 0..train.len(), 32, None),
            QuantileNormaliser::fit(&long, 0..train.len(), 32, None)
        );
    }

    #[test]
    fn the_order_of_values_is_kept(train in prop::collection::vec(-1e6..1e6_f64, 2..60), a in -1e7..1e7_f64, b in -1e7..1e7_f64) {
        let fitted_on = frame(&[&train]);
        let mut affine = frame(&[&[a.min(b), a.max(b)]]);
        let mut ranked = affine.clone();
        for how in KINDS {
            Normaliser::fit_as(how, &fitted_on, 0..train.len()).apply(&mut affine);
            prop_assert!(affine.values[0] <= affine.values[1]);
        }
        QuantileNormaliser::fit(&fitted_on, 0..train.len(), 32, None).apply(&mut ranked);
        prop_assert!(ranked.values[0] <= ranked.values[1]);
    }
}
