//! Choosing features: what was stored keeps its meaning, lists are checked, and what cannot be had is refused in words.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use engine::config::canonical::canonical;
use engine::config::rules::warnings;
use engine::config::{
    FeatureSet, FeaturesConfig, Normalisation, SplitConfig, StrategyConfig, hash, validate,
};
use engine::environment::{build, prepare};
use engine::features::{names, names_of, warmup_rows, warmup_rows_of};
use engine::market::synthetic;
use serde_json::{Value, json};

fn strategy(features: Value) -> StrategyConfig {
    validate::strategy(&json!({ "features": features })).unwrap()
}

#[test]
fn what_was_stored_before_there_were_lists_reads_and_hashes_as_it_did() {
    let stored = json!({"normalisation": "z_score", "set": "classic11"});
    let read: FeaturesConfig = serde_json::from_value(stored.clone()).unwrap();
    assert_eq!((read.set, read.normalisation), (FeatureSet::Classic11, Normalisation::ZScore));
    assert!(read.list.is_empty());
    assert_eq!(serde_json::to_value(&read).unwrap(), stored, "nothing is added to it");
    // What the hash of a strategy is made of.
    let text = canonical(&serde_json::to_value(FeaturesConfig::default()).unwrap());
    assert_eq!(text, r#"{"normalisation":"z_score","set":"classic16"}"#);
}

#[test]
fn a_list_takes_the_place_of_the_set_in_toml_and_json() {
    let text = "[features]\nset = \"classic16\"\nlist = [{ name = \"rsi\" }, { name = \"rsi\", window = 5 }, { name = \"classic11\" }]\n";
    let strategy = validate::strategy_toml(text).unwrap();
    let columns = names_of(&strategy.features).unwrap();
    assert_eq!(columns[..2], ["rsi_14", "rsi_5"]);
    assert_eq!(columns[2..], names(FeatureSet::Classic11));
    assert_eq!(warmup_rows_of(&strategy.features).unwrap(), 29);
    let again: StrategyConfig =
        serde_json::from_value(serde_json::to_value(&strategy).unwrap()).unwrap();
    assert_eq!(strategy, again);
    assert_ne!(hash(&strategy), hash(&StrategyConfig::default()));
}

#[test]
fn a_set_and_its_entry_in_a_list_are_the_same() {
    for (set, entry) in [
        (FeatureSet::Classic16, json!({"name": "classic16"})),
        (FeatureSet::Classic11, json!({"name": "classic11"})),
        (FeatureSet::Alpha158, json!({"name": "alpha158"})),
        (FeatureSet::Alpha158Price, json!({"name": "alpha158", "volume": false})),
    ] {
        let listed = strategy(json!({"list": [entry]})).features;
        assert_eq!(names(set), names_of(&listed).unwrap());
        assert_eq!(warmup_rows(set), warmup_rows_of(&listed).unwrap());
    }
}

#[test]
fn mistakes_in_a_list_are_told_at_their_place() {
    let refused = |list: Value| {
        let violations = validate::strategy(&json!({"features": {"list": list}})).unwrap_err();
        (violations[0].pointer.clone(), violations[0].code.clone(), violations[0].detail.clone())
    };
    let (pointer, code, detail) = refused(json!([{"name": "classic16"}, {"name": "rsy"}]));
    assert_eq!((pointer.as_str(), code.as_str()), ("/features/list/1/name", "not_allowed"));
    assert!(detail.contains("Did you mean 'rsi'?"), "{detail}");
    let (pointer, code, _) = refused(json!([{"name": "rsi", "window": 0}]));
    assert_eq!((pointer.as_str(), code.as_str()), ("/features/list/0/window", "out_of_range"));
    let (pointer, code, _) = refused(json!([{"name": "rsi", "windows": 3}]));
    assert_eq!((pointer.as_str(), code.as_str()), ("/features/list/0/windows", "unknown_field"));
    let (pointer, code, _) = refused(json!([{"window": 3}]));
    assert_eq!((pointer.as_str(), code.as_str()), ("/features/list/0/name", "missing_field"));
    let (pointer, code, _) = refused(json!([{"name": "bollinger", "width": 0.0}]));
    assert_eq!((pointer.as_str(), code.as_str()), ("/features/list/0/width", "out_of_range"));
    let many = vec![json!({"name": "candle"}); 257];
    assert_eq!(refused(json!(many)).1, "out_of_range");
}

#[test]
fn an_environment_runs_on_chosen_features() {
    let bars = synthetic::generate(3, 600);
    for features in [
        json!({"set": "alpha158"}),
        json!({"set": "alpha158_price", "normalisation": "robust"}),
        json!({"list": [{"name": "rsi"}, {"name": "expression", "text": "Rank($close, 20)"}], "normalisation": "min_max"}),
    ] {
        let strategy = strategy(features);
        let prepared = prepare(&strategy, &bars, &SplitConfig::default(), None).unwrap();
        let width = names_of(&strategy.features).unwrap().len();
        assert_eq!((prepared.train.width(), prepared.normaliser.width()), (width, width));
        let environment = build(&strategy, prepared.train).unwrap();
        let mut observation = vec![0.0; environment.observation_len()];
        environment.observe(&mut observation);
        assert!(observation.iter().all(|value| value.is_finite()));
        assert!(width <= observation.len());
    }
}

#[test]
fn features_of_volume_are_refused_on_data_without_it_by_name() {
    let mut bars = synthetic::generate(3, 600);
    bars.volume = None;
    let strategy = strategy(json!({"set": "alpha158"}));
    let error = prepare(&strategy, &bars, &SplitConfig::default(), None).unwrap_err().to_string();
    assert!(error.contains("CORR5") && error.contains("without volume"), "{error}");
}

#[test]
fn what_looks_ahead_is_for_faithful_environments_only() {
    let bars = synthetic::generate(3, 600);
    let features = json!({"list": [{"name": "alpha158", "truth": "faithful", "volume": false}]});
    let mut environment = json!({"task": "algorithmic_trading"});
    for (truth, allowed) in [("corrected", false), ("faithful", true)] {
        environment["truth"] = json!(truth);
        let whole = json!({"features": features, "environment": environment});
        let strategy = validate::strategy(&whole).unwrap();
        let warned = warnings(&strategy);
        assert!(warned.iter().any(|warning| warning.pointer == "/features/list/0/truth"
            && warning.code == "verification_only"
            && warning.lacks().is_none()));
        let prepared = prepare(&strategy, &bars, &SplitConfig::default(), None);
        assert_eq!(prepared.is_ok(), allowed, "{truth}");
        if let Err(error) = prepared {
            assert!(error.to_string().contains("RSQR5, RSQR10"), "{error}");
        }
    }
}

#[test]
fn a_formula_that_cannot_be_read_is_refused_with_its_place() {
    let strategy = strategy(json!({"list": [{"name": "expression", "text": "Ref($close, -1)"}]}));
    let bars = synthetic::generate(3, 600);
    let error = prepare(&strategy, &bars, &SplitConfig::default(), None).unwrap_err().to_string();
    assert!(error.contains("letter 13") && error.contains("looks ahead"), "{error}");
}

#[test]
fn a_start_that_stands_still_belongs_to_no_segment() {
    let mut bars = synthetic::generate(3, 600);
    for row in 0..100 {
        for column in [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close] {
            column[row] = 50.0;
        }
    }
    let strategy = strategy(json!({"list": [{"name": "stochastic"}]}));
    let prepared = prepare(&strategy, &bars, &SplitConfig::default(), None).unwrap();
    assert_eq!(prepared.train.time_ms()[0], bars.time_ms[104], "five bars after the first move");
}

/// The figures of `docs/guide/features.md`.
#[test]
fn every_feature_warms_up_for_as_long_as_its_documentation_says() {
    for (entry, rows) in [
        (json!({"name": "simple_return", "window": 7}), 7),
        (json!({"name": "log_return", "window": 7}), 7),
        (json!({"name": "sma", "window": 7}), 6),
        (json!({"name": "ema", "window": 7}), 6),
        (json!({"name": "wma", "window": 7}), 6),
        (json!({"name": "dema", "window": 7}), 12),
        (json!({"name": "kama", "window": 7}), 7),
        (json!({"name": "macd"}), 26 + 9 - 2),
        (json!({"name": "rsi", "window": 7}), 7),
        (json!({"name": "stochastic"}), 14 + 3 - 2 + 3 - 1),
        (json!({"name": "williams_r", "window": 7}), 6),
        (json!({"name": "cci", "window": 7}), 6),
        (json!({"name": "roc", "window": 7}), 7),
        (json!({"name": "momentum", "window": 7}), 7),
        (json!({"name": "adx", "window": 7}), 13),
        (json!({"name": "atr", "window": 7}), 7),
        (json!({"name": "bollinger", "window": 7}), 6),
        (json!({"name": "donchian", "window": 7}), 6),
        (json!({"name": "keltner", "window": 7}), 7),
        (json!({"name": "volatility", "window": 7}), 7),
        (json!({"name": "volatility", "window": 7, "estimator": "parkinson"}), 6),
        (json!({"name": "volatility", "window": 7, "estimator": "garman_klass"}), 6),
        (json!({"name": "volatility", "window": 7, "estimator": "rogers_satchell"}), 6),
        (json!({"name": "volatility", "window": 7, "estimator": "yang_zhang"}), 7),
        (json!({"name": "obv"}), 0),
        (json!({"name": "vwap", "window": 7}), 6),
        (json!({"name": "vwap_session"}), 0),
        (json!({"name": "mfi", "window": 7}), 7),
        (json!({"name": "chaikin_money_flow", "window": 7}), 6),
        (json!({"name": "chaikin"}), 9),
        (json!({"name": "candle"}), 1),
        (json!({"name": "calendar"}), 0),
        (json!({"name": "calendar_cycle"}), 0),
        (json!({"name": "alpha158", "truth": "faithful"}), 119),
        (json!({"name": "expression", "text": "Ref(Mean($close, 5), 3)"}), 7),
    ] {
        let chosen = strategy(json!({"list": [entry]})).features;
        assert_eq!(warmup_rows_of(&chosen).unwrap(), rows, "{entry}");
    }
}
