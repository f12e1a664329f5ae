//! Every feature, set and formula: the future cannot change the past, bar by bar equals the whole, and only what is
//! marked so looks ahead.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(clippy::cast_possible_truncation, reason = "the shared builders narrow weights")]

mod support;

use engine::config::{FeatureSet, FeaturesConfig, Normalisation};
use engine::features::normalise::{PanelNormaliser, QuantileNormaliser, rolling_z_score};
use engine::features::{CrossSection, FeatureFrame, PanelFrame, Pipeline, frame_of, panel_frame};
use engine::market::{Bar, BarPanel, BarSeries, Join, synthetic};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::overwrite_after;

const ROWS: usize = 260;

fn config(list: Value) -> FeaturesConfig {
    FeaturesConfig { list: serde_json::from_value(list).unwrap(), ..FeaturesConfig::default() }
}

/// Every entry that a list may have, short windows so that all of it is defined early.
fn every_entry() -> Vec<Value> {
    let mut list = vec![
        json!({"name": "classic16"}),
        json!({"name": "classic11"}),
        json!({"name": "alpha158"}),
        json!({"name": "alpha158", "volume": false}),
        json!({"name": "macd", "fast": 3, "slow": 7, "signal": 4}),
        json!({"name": "stochastic", "window": 6, "smooth": 2, "signal": 3}),
        json!({"name": "obv"}),
        json!({"name": "vwap_session"}),
        json!({"name": "chaikin"}),
        json!({"name": "candle"}),
        json!({"name": "calendar"}),
        json!({"name": "calendar_cycle"}),
    ];
    let windowed = [
        "simple_return",
        "log_return",
        "sma",
        "ema",
        "wma",
        "dema",
        "kama",
        "rsi",
        "williams_r",
        "cci",
        "roc",
        "momentum",
        "adx",
        "atr",
        "bollinger",
        "donchian",
        "keltner",
        "vwap",
        "mfi",
        "chaikin_money_flow",
    ];
    list.extend(windowed.map(|name| json!({"name": name, "window": 9})));
    let estimators =
        ["close_to_close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang"];
    list.extend(
        estimators.map(|name| json!({"name": "volatility", "estimator": name, "window": 9})),
    );
    let formulas = [
        "Ref($close, 3) / $close - 1",
        "Delta($open, 2)",
        "Mean($high, 7)",
        "Sum($volume, 7)",
        "Std($close, 7)",
        "Var($low, 7)",
        "Max($high, 7)",
        "Min($low, 7)",
        "IdxMax($high, 7)",
        "IdxMin($low, 7)",
        "Med($close, 7)",
        "Rank($close, 7)",
        "Quantile($close, 7, 0.3)",
        "Slope($close, 7)",
        "Rsquare($close, 7)",
        "Resi($close, 7)",
        "EMA($adjusted_close, 7)",
        "WMA($close, 7)",
        "Corr($close, Log($volume + 1), 7)",
        "Cov($close, $volume, 7)",
        "If($close > Ref($close, 1), Abs($close), Sign(-$open))",
        "And(1 < 2, Or(Not($close <= 1), $close >= 3)) * $close + Power(Sqrt(Exp(1)), 2) * Greater(1, Less(2, 3))",
    ];
    list.extend(formulas.map(|text| json!({"name": "expression", "text": text})));
    list
}

/// All entries whose columns differ, in one list.
fn all_at_once() -> FeaturesConfig {
    let same = |entry: &Value| entry["name"] == "classic11" || entry["volume"] == false;
    config(Value::Array(every_entry().into_iter().filter(|entry| !same(entry)).collect()))
}

fn bits(frame: &FeatureFrame, rows: usize) -> Vec<Vec<u64>> {
    let cells = frame.values.chunks(frame.width.max(1)).take(rows);
    cells.map(|row| row.iter().map(|cell| cell.to_bits()).collect()).collect()
}

#[test]
fn the_list_above_has_every_entry_there_is() {
    let schema = engine::config::schema::strategy();
    let branches = schema["$defs"]["FeatureItem"]["oneOf"].as_array().unwrap();
    for branch in branches {
        let name = branch["properties"]["name"]["const"].as_str().unwrap();
        assert!(every_entry().iter().any(|entry| entry["name"] == name), "{name} is not tested");
    }
}

#[test]
fn no_entry_of_a_list_sees_the_future() {
    let bars = synthetic::generate(23, ROWS);
    for entry in every_entry() {
        let config = config(json!([entry]));
        let whole = frame_of(&bars, &config).unwrap();
        for last in [0, 1, 8, 70, 131, ROWS - 2] {
            let noisy = frame_of(&overwrite_after(&bars, last, 7), &config).unwrap();
            assert_eq!(bits(&whole, last + 1), bits(&noisy, last + 1), "{entry} before {last}");
        }
        // The test would notice: rows after the cut do change, unless the calendar is all there is.
        let noisy = frame_of(&overwrite_after(&bars, 130, 7), &config).unwrap();
        let calendar = entry["name"].as_str().unwrap().starts_with("calendar");
        assert_eq!(bits(&whole, ROWS) == bits(&noisy, ROWS), calendar, "{entry}");
    }
}

#[test]
fn the_marked_columns_are_the_only_ones_that_look_ahead() {
    let bars = synthetic::generate(23, ROWS);
    let config = config(json!([{"name": "rsi"}, {"name": "alpha158", "truth": "faithful"}]));
    let marked = Pipeline::from_config(&config).unwrap().looks_ahead();
    let whole = frame_of(&bars, &config).unwrap();
    let noisy = frame_of(&overwrite_after(&bars, 200, 3), &config).unwrap();
    let changed: Vec<usize> = (0..whole.width)
        .filter(|column| {
            (0..=200).any(|row| {
                let place = row * whole.width + column;
                whole.values[place].to_bits() != noisy.values[place].to_bits()
            })
        })
        .collect();
    let names: Vec<&str> = changed.iter().map(|column| whole.names[*column].as_str()).collect();
    assert_eq!(names, ["RSQR5", "RSQR10", "RSQR20", "RSQR30", "RSQR60"]);
    assert_eq!(changed, marked);
}

#[test]
fn bar_by_bar_equals_the_whole() {
    let bars = synthetic::generate(29, ROWS);
    for entry in every_entry() {
        let config = config(json!([entry]));
        let whole = frame_of(&bars, &config).unwrap();
        let mut pipeline = Pipeline::from_config(&config).unwrap();
        let mut row = Vec::new();
        for (index, bar) in bars.bars().enumerate() {
            row.clear();
            pipeline.update(&bar, &mut row);
            let wanted = &bits(&whole, index + 1)[index];
            let found: Vec<u64> =
                row.iter().map(|cell| cell.unwrap_or(f64::NAN).to_bits()).collect();
            assert_eq!(&found, wanted, "{entry} at {index}");
        }
    }
}

/// What a later start changes: nothing in windows, and less than a part in 10,000 in averages that never forget.
#[test]
fn a_later_start_gives_the_same_once_it_is_warm() {
    let bars = synthetic::generate(31, 700);
    let later = bars.slice(300..700);
    // Sums from the first bar on have no other meaning.
    let cumulative = |name: &str| ["obv", "chaikin"].contains(&name);
    let recursive = |name: &str| {
        ["ema", "dema", "kama", "macd", "rsi", "adx", "atr", "keltner"].contains(&name)
    };
    for entry in every_entry() {
        let name = entry["name"].as_str().unwrap();
        let text = entry["text"].as_str().unwrap_or_default();
        if cumulative(name) {
            continue;
        }
        let tolerance = if recursive(name) || text.starts_with("EMA") { 1e-4 } else { 1e-12 };
        let config = config(json!([entry]));
        let (whole, part) = (frame_of(&bars, &config).unwrap(), frame_of(&later, &config).unwrap());
        for row in 150..400 {
            let pairs = whole.row(300 + row).unwrap().iter().zip(part.row(row).unwrap());
            for (column, (left, right)) in pairs.enumerate() {
                let near = (left - right).abs() <= tolerance * left.abs().max(1.0);
                assert!(near, "{} at {row}: {left} and {right}", whole.names[column]);
            }
        }
    }
}

fn panel(seed: u64, absent: bool) -> BarPanel {
    let series: Vec<BarSeries> = (0..4)
        .map(|member| {
            let mut bars = synthetic::generate(seed * 10 + member, 150);
            bars.instrument = format!("I{member}");
            if absent && member == 2 { bars.slice(40..120) } else { bars }
        })
        .collect();
    BarPanel::join(&series, Join::Outer).unwrap()
}

fn panel_bits(frame: &PanelFrame, rows: usize) -> Vec<u64> {
    let stride = frame.instruments.len() * frame.names.len();
    frame.values[..rows * stride].iter().map(|cell| cell.to_bits()).collect()
}

fn compared() -> FeaturesConfig {
    config(json!([
        {"name": "classic11"},
        {"name": "expression", "text": "CSRank(Mean($close, 5) / $close)", "column": "rank"},
        {"name": "expression", "text": "CSZScore(Std($close, 10) / $close)"},
        {"name": "rsi"},
    ]))
}

#[test]
fn a_panel_has_the_features_of_each_instrument_alone() {
    let panel = panel(3, true);
    let config = config(
        json!([{"name": "alpha158"}, {"name": "macd"}, {"name": "expression", "text": "1 / ($close > $open)"}]),
    );
    let frame = panel_frame(&panel, &config).unwrap();
    for instrument in 0..4 {
        let series = panel.series(instrument);
        let alone = frame_of(&series, &config).unwrap();
        let mut bar = 0;
        for row in 0..panel.rows() {
            if panel.bar(row, instrument).is_none() {
                assert!(
                    (0..frame.names.len())
                        .all(|column| frame.cell(row, instrument, column).is_none())
                );
                continue;
            }
            for column in 0..frame.names.len() {
                let wanted = alone.values[bar * alone.width + column];
                let found = frame.cell(row, instrument, column);
                assert_eq!(
                    found.unwrap_or(f64::NAN).to_bits(),
                    wanted.to_bits(),
                    "{}",
                    frame.names[column]
                );
            }
            bar += 1;
        }
    }
}

#[test]
fn nothing_crosses_instruments_but_what_compares_them() {
    let panel = panel(4, true);
    let mut other = panel.clone();
    for row in 0..other.rows() {
        let mut bar = other.bar(row, 0).unwrap();
        bar.close *= 1.0 + 0.3 * ((row % 7) as f64 / 7.0);
        bar.high *= 2.0;
        other.put(row, 0, &bar);
    }
    let (left, right) =
        (panel_frame(&panel, &compared()).unwrap(), panel_frame(&other, &compared()).unwrap());
    let mut crossed = 0;
    for row in 0..panel.rows() {
        for instrument in 1..4 {
            for (column, name) in left.names.iter().enumerate() {
                let pair = [&left, &right]
                    .map(|frame| frame.cell(row, instrument, column).map(f64::to_bits));
                if name == "rank" || name.starts_with("CSZScore") {
                    crossed += usize::from(pair[0] != pair[1]);
                } else {
                    assert_eq!(pair[0], pair[1], "{name} of {instrument} at {row}");
                }
            }
        }
    }
    assert!(100 < crossed, "comparisons do change: {crossed}");
}

#[test]
fn refuses_a_panel_of_features_that_look_ahead() {
    let faithful = config(json!([{"name": "alpha158", "truth": "faithful"}]));
    assert!(
        panel_frame(&panel(1, false), &faithful).unwrap_err().to_string().contains("past only")
    );
    let twice =
        config(json!([{"name": "rsi"}, {"name": "expression", "text": "1", "column": "rsi_14"}]));
    assert!(panel_frame(&panel(1, false), &twice).unwrap_err().to_string().contains("twice"));
}

#[test]
fn the_future_of_a_panel_does_not_touch_its_past() {
    let panel = panel(5, true);
    let full = panel_frame(&panel, &compared()).unwrap();
    for last in [0, 30, 60, 119] {
        let mut noisy = panel.clone();
        for row in last + 1..noisy.rows() {
            for column in 0..noisy.width() {
                let Some(mut bar) = noisy.bar(row, column) else { continue };
                bar.close *= 1.7;
                bar.high *= 3.0;
                noisy.put(row, column, &bar);
            }
        }
        let mut changed = panel_frame(&noisy, &compared()).unwrap();
        assert_eq!(panel_bits(&full, last + 1), panel_bits(&changed, last + 1));
        let mut compared_full = full.clone();
        for how in [CrossSection::Rank, CrossSection::ZScore] {
            compared_full.compare(how);
            changed.compare(how);
            assert_eq!(panel_bits(&compared_full, last + 1), panel_bits(&changed, last + 1));
        }
    }
    // Absent cells stay absent through all of it.
    assert!((0..full.names.len()).all(|column| full.cell(0, 2, column).is_none()));
    assert_eq!(full.cell(60, 9, 0), None);
    assert_eq!(full.cell(999, 0, 0), None);
}

#[test]
fn a_comparison_of_one_time_has_ranks_up_to_one_and_scores_around_zero() {
    let mut frame = panel_frame(&panel(6, false), &compared()).unwrap();
    assert!(frame.warmup_rows() < 40, "{}", frame.warmup_rows());
    let mut scores = frame.clone();
    frame.compare(CrossSection::Rank);
    scores.compare(CrossSection::ZScore);
    for row in 60..150 {
        let of = |frame: &PanelFrame| -> Vec<f64> {
            (0..4).filter_map(|instrument| frame.cell(row, instrument, 4)).collect()
        };
        let mut ranks = of(&frame);
        ranks.sort_by(f64::total_cmp);
        assert_eq!(ranks, [0.25, 0.5, 0.75, 1.0]);
        assert!(of(&scores).iter().sum::<f64>().abs() < 1e-12);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn sets_and_normalisers_are_blind_to_what_comes_after(seed: u64, noise: u64, last in 100_usize..199) {
        let bars = synthetic::generate(seed, 200);
        let changed = overwrite_after(&bars, last, noise);
        for set in [FeatureSet::Classic16, FeatureSet::Classic11, FeatureSet::Alpha158, FeatureSet::Alpha158Price] {
            let config = FeaturesConfig { set, ..FeaturesConfig::default() };
            let (mut left, mut right) = (frame_of(&bars, &config).unwrap(), frame_of(&changed, &config).unwrap());
            prop_assert_eq!(bits(&left, last + 1), bits(&right, last + 1));
            let ranked = QuantileNormaliser::fit(&left, 0..last + 1, 50, Some(3.0));
            prop_assert_eq!(&ranked, &QuantileNormaliser::fit(&right, 0..last + 1, 50, Some(3.0)));
            rolling_z_score(&mut left, 20, None);
            rolling_z_score(&mut right, 20, None);
            prop_assert_eq!(bits(&left, last + 1), bits(&right, last + 1));
        }
    }

    #[test]
    fn bars_that_no_market_has_give_a_finite_number_or_none(prices in prop::collection::vec(any::<[f64; 6]>(), 1..90)) {
        let mut pipeline = Pipeline::from_config(&all_at_once()).unwrap();
        let width = pipeline.names().len();
        for (index, [open, high, low, close, adjusted_close, volume]) in prices.into_iter().enumerate() {
            let bar = Bar { time_ms: i64::MAX - index as i64, open, high, low, close, adjusted_close, volume: Some(volume) };
            let mut row = Vec::new();
            pipeline.update(&bar, &mut row);
            prop_assert_eq!(row.len(), width);
            prop_assert!(row.iter().flatten().all(|value| value.is_finite()));
        }
    }

    #[test]
    fn a_normaliser_of_a_panel_is_blind_to_later_rows(seed in 0_u64..1000, end in 50_usize..150) {
        let frame = panel_frame(&panel(seed, false), &FeaturesConfig::default()).unwrap();
        let mut changed = frame.clone();
        let stride = frame.instruments.len() * frame.names.len();
        changed.values[end * stride..].iter_mut().for_each(|cell| *cell = 1e9);
        for how in [Normalisation::ZScore, Normalisation::Robust, Normalisation::MinMax] {
            prop_assert_eq!(PanelNormaliser::fit(how, &frame, 0..end), PanelNormaliser::fit(how, &changed, 0..end));
        }
    }
}
