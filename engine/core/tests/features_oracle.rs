//! Features against numbers that pandas computed on the same series (`oracles/`), and formulas against native features.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use engine::config::{FeatureItem, FeatureSet, FeaturesConfig};
use engine::features::{FeatureFrame, Pipeline, frame, frame_of};
use engine::market::{Bar, BarSeries, synthetic};
use serde_json::{Value, json};

const ALPHA158: &str = include_str!("oracles/alpha158_expected.json");
const INDICATORS: &str = include_str!("oracles/indicators_expected.json");
const WINDOWS: [usize; 5] = [5, 10, 20, 30, 60];

/// The same series as `oracles/series.py`, bit by bit.
fn series() -> BarSeries {
    let mut state = 20_240_607_u64;
    let mut chance = move || {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
        state as f64 / 2_147_483_648.0
    };
    let mut bars = BarSeries {
        instrument: "ORACLE".to_owned(),
        interval_seconds: 86_400.0,
        volume: Some(Vec::new()),
        ..BarSeries::default()
    };
    let mut close = 100.0;
    for row in 0..260 {
        let open: f64 = close * (1.0 + (chance() - 0.5) * 0.02);
        close = open * (1.0 + (chance() - 0.5) * 0.06);
        let high = open.max(close) * (1.0 + chance() * 0.01);
        let low = open.min(close) * (1.0 - chance() * 0.01);
        let adjusted_close = close * (0.9 + 0.1 * chance());
        let volume = Some(1000.0 + (chance() * 9000.0).floor());
        let time_ms = row * 86_400_000;
        bars.push(&Bar { time_ms, open, high, low, close, adjusted_close, volume });
    }
    bars
}

fn config(list: Value) -> FeaturesConfig {
    FeaturesConfig { list: serde_json::from_value(list).unwrap(), ..FeaturesConfig::default() }
}

/// Holds every expected column against the frame: the same rows are undefined, the others agree to 1e-9. Values are
/// held raw: what is carried forward in a frame is undefined here.
fn hold(bars: &BarSeries, config: &FeaturesConfig, rows: &Value, columns: &Value) -> usize {
    let mut pipeline = Pipeline::from_config(config).unwrap();
    let names = pipeline.names();
    let ahead = pipeline.looks_ahead();
    let whole: Vec<Vec<Option<f64>>> = bars
        .bars()
        .map(|bar| {
            let mut row = Vec::new();
            pipeline.update_raw(&bar, &mut row);
            row
        })
        .collect();
    let mut held = 0;
    for (name, wanted) in columns.as_object().unwrap() {
        let column = names.iter().position(|known| known == name);
        let column = column.unwrap_or_else(|| panic!("there is no {name} in {names:?}"));
        for (row, wanted) in rows.as_array().unwrap().iter().zip(wanted.as_array().unwrap()) {
            let row = usize::try_from(row.as_u64().unwrap()).unwrap();
            let row = if ahead.contains(&column) { whole.len() - 1 } else { row };
            let found = whole[row][column];
            match (found, wanted.as_f64()) {
                (Some(found), Some(wanted)) => {
                    let scale = wanted.abs().max(1e-3);
                    assert!(
                        (found - wanted).abs() <= 1e-9 * scale,
                        "{name} at {row}: {found}, not {wanted}"
                    );
                    held += 1;
                }
                (None, None) => {}
                (found, wanted) => panic!("{name} at {row}: {found:?}, not {wanted:?}"),
            }
        }
    }
    held
}

#[test]
fn both_forms_of_alpha158_are_what_pandas_computes() {
    let expected: Value = serde_json::from_str(ALPHA158).unwrap();
    let bars = series();
    for (truth, width) in [("corrected", 157), ("faithful", 157)] {
        let config = config(json!([{"name": "alpha158", "truth": truth}]));
        let names = Pipeline::from_config(&config).unwrap().names();
        let columns: Vec<&String> = expected[truth].as_object().unwrap().keys().collect();
        assert_eq!(names.len(), width);
        assert_eq!(columns.len(), width, "every column has an expected one");
        let held = hold(&bars, &config, &expected["rows"], &expected[truth]);
        assert!(700 < held, "{held} numbers were held");
    }
}

#[test]
fn a_set_without_volume_is_the_same_without_its_last_columns() {
    let bars = series();
    for truth in ["corrected", "faithful"] {
        let with = frame_of(&bars, &config(json!([{"name": "alpha158", "truth": truth}]))).unwrap();
        let list = json!([{"name": "alpha158", "truth": truth, "volume": false}]);
        let without = frame_of(&bars, &config(list)).unwrap();
        for (column, name) in without.names.iter().enumerate() {
            let other =
                with.names.iter().position(|known| known == name).expect("a column of both");
            for row in 0..bars.len() {
                let (left, right) = (
                    without.values[row * without.width + column],
                    with.values[row * with.width + other],
                );
                assert_eq!(left.to_bits(), right.to_bits(), "{name} at {row}");
            }
        }
    }
}

#[test]
fn the_reference_writes_one_r_squared_into_every_row() {
    let bars = series();
    let whole =
        frame_of(&bars, &config(json!([{"name": "alpha158", "truth": "faithful"}]))).unwrap();
    let column = whole.names.iter().position(|name| name == "RSQR20").unwrap();
    let values: Vec<u64> = whole
        .values
        .iter()
        .skip(column)
        .step_by(whole.width)
        .map(|value| value.to_bits())
        .collect();
    assert!(values.iter().all(|value| *value == values[0]));
    assert!(f64::from_bits(values[0]).is_finite());
}

fn every_indicator() -> Value {
    let estimators =
        ["close_to_close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang"];
    let mut list = vec![
        json!({"name": "sma"}),
        json!({"name": "ema"}),
        json!({"name": "wma"}),
        json!({"name": "kama"}),
        json!({"name": "dema", "window": 10}),
        json!({"name": "macd"}),
        json!({"name": "rsi"}),
        json!({"name": "stochastic"}),
        json!({"name": "williams_r"}),
        json!({"name": "cci"}),
        json!({"name": "roc"}),
        json!({"name": "momentum"}),
        json!({"name": "simple_return", "window": 3}),
        json!({"name": "log_return", "window": 3}),
        json!({"name": "adx"}),
        json!({"name": "atr"}),
        json!({"name": "bollinger"}),
        json!({"name": "donchian"}),
        json!({"name": "keltner"}),
        json!({"name": "candle"}),
        json!({"name": "obv"}),
        json!({"name": "vwap"}),
        json!({"name": "mfi"}),
        json!({"name": "chaikin_money_flow"}),
        json!({"name": "chaikin"}),
    ];
    list.extend(estimators.map(|estimator| json!({"name": "volatility", "estimator": estimator})));
    json!(list)
}

#[test]
fn indicators_are_what_pandas_computes_in_the_conventions_of_ta_lib() {
    let expected: Value = serde_json::from_str(INDICATORS).unwrap();
    let config = config(every_indicator());
    let names = Pipeline::from_config(&config).unwrap().names();
    for name in &names {
        assert!(expected["columns"].get(name).is_some(), "{name} is held against nothing");
    }
    let held = hold(&series(), &config, &expected["rows"], &expected["columns"]);
    assert!(200 < held, "{held} numbers were held");
}

/// The corrected set, written as formulas.
fn alpha158_formulas() -> Vec<(String, String)> {
    let span = "($high - $low + 1e-12)";
    let top = "Greater($open, $close)";
    let bottom = "Less($open, $close)";
    let mut all: Vec<(String, String)> = [
        ("KMID", "($close - $open) / $open".to_owned()),
        ("KLEN", "($high - $low) / $open".to_owned()),
        ("KMID2", format!("($close - $open) / {span}")),
        ("KUP", format!("($high - {top}) / $open")),
        ("KUP2", format!("($high - {top}) / {span}")),
        ("KLOW", format!("({bottom} - $low) / $open")),
        ("KLOW2", format!("({bottom} - $low) / {span}")),
        ("KSFT", "(2 * $close - $high - $low) / $open".to_owned()),
        ("KSFT2", format!("(2 * $close - $high - $low) / {span}")),
        ("OPEN0", "$open / $close".to_owned()),
        ("HIGH0", "$high / $close".to_owned()),
        ("LOW0", "$low / $close".to_owned()),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .to_vec();
    let change = "($close / Ref($close, 1) - 1)";
    let step = "($volume - Ref($volume, 1))";
    for (name, text) in [
        ("ROC", "Ref($close, W) / $close".to_owned()),
        ("MA", "Mean($close, W) / $close".to_owned()),
        ("STD", "Std($close, W) / $close".to_owned()),
        ("BETA", "Slope($close, W) / $close".to_owned()),
        ("RSQR", "Rsquare($close, W)".to_owned()),
        ("RESI", "Resi($close, W) / $close".to_owned()),
        ("MAX", "Max($high, W) / $close".to_owned()),
        ("MIN", "Min($low, W) / $close".to_owned()),
        ("QTLU", "Quantile($close, W, 0.8) / $close".to_owned()),
        ("QTLD", "Quantile($close, W, 0.2) / $close".to_owned()),
        ("RANK", "Rank($close, W)".to_owned()),
        ("RSV", "($close - Min($low, W)) / (Max($high, W) - Min($low, W) + 1e-12)".to_owned()),
        ("IMAX", "(IdxMax($high, W) - 1) / W".to_owned()),
        ("IMIN", "(IdxMin($low, W) - 1) / W".to_owned()),
        ("IMXD", "(IdxMax($high, W) - IdxMin($low, W)) / W".to_owned()),
        ("CNTP", format!("Mean({change} > 0, W)")),
        ("CNTN", format!("Mean({change} < 0, W)")),
        ("CNTD", format!("Mean({change} > 0, W) - Mean({change} < 0, W)")),
        ("SUMP", format!("Sum(Greater({change}, 0), W) / (Sum(Abs({change}), W) + 1e-12)")),
        ("SUMN", format!("Sum(Greater(-{change}, 0), W) / (Sum(Abs({change}), W) + 1e-12)")),
        (
            "SUMD",
            format!(
                "(Sum(Greater({change}, 0), W) - Sum(Greater(-{change}, 0), W)) / (Sum(Abs({change}), W) + 1e-12)"
            ),
        ),
        ("CORR", "Corr($close, Log($volume + 1), W)".to_owned()),
        ("CORD", "Corr($close / Ref($close, 1), Log($volume / Ref($volume, 1) + 1), W)".to_owned()),
        ("VMA", "Mean($volume, W) / ($volume + 1e-12)".to_owned()),
        ("VSTD", "Std($volume, W) / ($volume + 1e-12)".to_owned()),
        (
            "WVMA",
            format!("Std(Abs({change}) * $volume, W) / (Mean(Abs({change}) * $volume, W) + 1e-12)"),
        ),
        ("VSUMP", format!("Sum(Greater({step}, 0), W) / (Sum(Abs({step}), W) + 1e-12)")),
        ("VSUMN", format!("Sum(Greater(-{step}, 0), W) / (Sum(Abs({step}), W) + 1e-12)")),
        (
            "VSUMD",
            format!(
                "(Sum(Greater({step}, 0), W) - Sum(Greater(-{step}, 0), W)) / (Sum(Abs({step}), W) + 1e-12)"
            ),
        ),
    ] {
        let of =
            |window: usize| (format!("{name}{window}"), text.replace('W', &window.to_string()));
        all.extend(WINDOWS.map(of));
    }
    all
}

fn as_list(formulas: &[(String, String)]) -> Vec<FeatureItem> {
    let items = formulas
        .iter()
        .map(|(column, text)| json!({"name": "expression", "column": column, "text": text}))
        .collect();
    serde_json::from_value(Value::Array(items)).unwrap()
}

#[test]
fn alpha158_written_as_formulas_equals_the_native_set() {
    let list = as_list(&alpha158_formulas());
    let written = FeaturesConfig { list, ..FeaturesConfig::default() };
    for bars in [series(), synthetic::generate(11, 500)] {
        let native = frame(&bars, FeatureSet::Alpha158);
        let formulas: FeatureFrame = frame_of(&bars, &written).unwrap();
        assert_eq!(native.names, formulas.names);
        assert_eq!((native.warmup_rows, formulas.warmup_rows), (60, 60));
        for row in 0..bars.len() {
            for (column, name) in native.names.iter().enumerate() {
                let place = row * native.width + column;
                let (left, right) = (native.values[place], formulas.values[place]);
                let equal = left.is_nan() && right.is_nan()
                    || (left - right).abs() <= 1e-12 * left.abs().max(1.0);
                assert!(equal, "{name} at {row}: {left} and {right}");
            }
        }
    }
}

#[test]
fn formulas_share_most_of_their_work() {
    let formulas = alpha158_formulas();
    let program =
        engine::features::expression::Program::new(formulas.iter().map(|(_, text)| text.as_str()))
            .unwrap();
    let (asked, computed) = program.steps();
    assert!(3 * computed < asked, "{computed} of {asked} steps are computed");
}
