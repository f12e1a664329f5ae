//! Configuration: every violation at once, at the pointer of its field in the form.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;

use engine::config::rules::warnings;
use engine::config::validate::{self, resources, session, session_toml, strategy, strategy_toml};
use engine::config::{
    ALGORITHMS, AgentConfig, ResourcesConfig, SessionConfig, StrategyConfig, TrainingConfig,
    Violation, defaults, hash,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Pointer and code of every violation.
fn places<T: std::fmt::Debug>(result: Result<T, Vec<Violation>>) -> BTreeMap<String, String> {
    let violations = result.expect_err("should be refused");
    for violation in &violations {
        assert!(!violation.detail.is_empty() && violation.detail.len() < 1000, "{violation:?}");
        assert_eq!(violation.lacks(), None, "{violation:?}");
    }
    violations.into_iter().map(|violation| (violation.pointer, violation.code)).collect()
}

fn only(value: &Value) -> Violation {
    let violations = strategy(value).expect_err("should be refused");
    assert_eq!(violations.len(), 1, "{violations:?}");
    violations.into_iter().next().unwrap()
}

fn expected(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect()
}

#[test]
fn nothing_written_means_the_defaults() {
    assert_eq!(strategy(&json!({})).unwrap(), StrategyConfig::default());
    assert_eq!(strategy_toml("").unwrap(), StrategyConfig::default());
    assert_eq!(resources(&json!({})).unwrap(), ResourcesConfig::default());
    let training = SessionConfig::Training(TrainingConfig::default());
    assert_eq!(session(&json!({"kind": "training"})).unwrap(), training);
    let partial = strategy(&json!({"agent": {"algorithm": "dqn", "gamma": 0.5}})).unwrap();
    let AgentConfig::Dqn(dqn) = partial.agent else { panic!("dqn was named") };
    assert_eq!((dqn.gamma, dqn.batch_size), (0.5, 64));
}

#[test]
fn every_default_is_valid_and_comes_back() {
    for algorithm in ALGORITHMS {
        let config = defaults(algorithm.id).unwrap();
        assert_eq!(
            (config.agent.algorithm(), config.agent.learns()),
            (algorithm.id, algorithm.learns)
        );
        assert_eq!(strategy(&serde_json::to_value(&config).unwrap()).unwrap(), config);
    }
    assert!(defaults("ppo2").is_none());
}

#[test]
fn all_violations_are_named_at_once_with_the_pointers_of_the_form() {
    let value = json!({
        "agnt": {},
        "agent": {
            "algorithm": "dqn", "gamma": 1.5, "gama": 1, "hidden": [64, 0, "x"], "batch_size": -1, "learning_rate": "fast",
            "epsilon": {"start": null, "ennd": 1, "decay_steps": 0.5},
        },
        "environment": {"task": "algorithmic_trading", "truth": "corected", "allow_short": 1, "initial_cash": 1e13},
        "matching": [],
        "risk": {"max_position": -1, "max_notional": null},
        "features": {"set": "classic16", "a/b~c": 1},
    });
    let wanted = expected(&[
        ("/agnt", "unknown_field"),
        ("/agent/gamma", "out_of_range"),
        ("/agent/gama", "unknown_field"),
        ("/agent/hidden/1", "out_of_range"),
        ("/agent/hidden/2", "invalid_type"),
        ("/agent/batch_size", "out_of_range"),
        ("/agent/learning_rate", "invalid_type"),
        ("/agent/epsilon/start", "invalid_type"),
        ("/agent/epsilon/ennd", "unknown_field"),
        ("/agent/epsilon/decay_steps", "invalid_type"),
        ("/environment/truth", "not_allowed"),
        ("/environment/allow_short", "invalid_type"),
        ("/environment/initial_cash", "out_of_range"),
        ("/matching", "invalid_type"),
        ("/risk/max_position", "out_of_range"),
        ("/features/a~1b~0c", "unknown_field"),
    ]);
    assert_eq!(places(strategy(&value)), wanted);
}

#[test]
fn misspelt_fields_come_with_a_suggestion_and_what_is_allowed() {
    let violation = only(&json!({"agent": {"algorithm": "dqn", "learning_rte": 0.1}}));
    assert_eq!(
        (violation.pointer.as_str(), violation.code.as_str()),
        ("/agent/learning_rte", "unknown_field")
    );
    assert_eq!(violation.params["suggestion"], "learning_rate");
    assert!(violation.params["allowed"].as_array().unwrap().contains(&json!("gamma")));
    assert!(violation.detail.contains("Did you mean 'learning_rate'?"), "{}", violation.detail);
    let violation = only(&json!({"zzz": 1}));
    assert!(!violation.params.contains_key("suggestion"));
    assert!(violation.detail.contains("Known: agent, environment"), "{}", violation.detail);
}

#[test]
fn ranges_come_with_their_numbers() {
    let violation = only(&json!({"agent": {"algorithm": "dqn", "gamma": 1.01}}));
    let params: BTreeMap<String, Value> =
        [("min", json!(0.0)), ("max", json!(1.0)), ("got", json!(1.01))]
            .map(|(key, value)| (key.to_owned(), value))
            .into();
    assert_eq!(violation.params, params);
    let violation = only(&json!({"agent": {"algorithm": "dqn", "hidden": []}}));
    assert_eq!((violation.code.as_str(), &violation.params["got"]), ("out_of_range", &json!(0)));
    let violations =
        session(&json!({"kind": "training", "seed": 4_294_967_296_u64})).expect_err("too large");
    assert_eq!(
        (violations[0].code.as_str(), &violations[0].params["max"]),
        ("out_of_range", &json!(u32::MAX))
    );
}

#[test]
fn tags_decide_the_shape_and_are_needed() {
    assert_eq!(
        places(strategy(&json!({"agent": {"gamma": 0.5}}))),
        expected(&[("/agent/algorithm", "missing_field")])
    );
    assert_eq!(places(session(&json!({}))), expected(&[("/kind", "missing_field")]));
    let violation = only(&json!({"agent": {"algorithm": "dqm"}}));
    assert_eq!(
        (violation.pointer.as_str(), violation.code.as_str()),
        ("/agent/algorithm", "not_allowed")
    );
    let all: Vec<&str> = ALGORITHMS.iter().map(|algorithm| algorithm.id).collect();
    assert_eq!(violation.params["allowed"], json!(all));
    assert_eq!(violation.params["suggestion"], "dqn");
    // A rule has nothing to set: what belongs to another algorithm is refused.
    assert_eq!(
        places(strategy(&json!({"agent": {"algorithm": "random", "gamma": 0.5}}))),
        expected(&[("/agent/gamma", "unknown_field")])
    );
    assert_eq!(
        places(session(
            &json!({"kind": "backtest", "policy": {"source": "strategy", "session_id": "x"}})
        )),
        expected(&[("/policy/session_id", "unknown_field")]),
        "serde alone lets this pass"
    );
}

#[test]
fn a_backtest_of_a_session_needs_its_identifier() {
    let with = |id: Value| {
        session(&json!({"kind": "backtest", "policy": {"source": "session", "session_id": id}}))
    };
    assert!(with(json!("ses_0123456789abcdef0123456789abcdef")).is_ok());
    for bad in [
        "ses_0123456789ABCDEF0123456789ABCDEF",
        "str_0123456789abcdef0123456789abcdef",
        "ses_1",
        "",
        "sesé",
    ] {
        assert_eq!(
            places(with(json!(bad))),
            expected(&[("/policy/session_id", "not_an_identifier")]),
            "{bad}"
        );
    }
    assert_eq!(
        places(session(&json!({"kind": "backtest", "policy": {"source": "session"}}))),
        expected(&[("/policy/session_id", "missing_field")])
    );
}

#[test]
fn rules_across_fields_hold() {
    let dqn = |fields: Value| {
        let mut agent = fields;
        agent["algorithm"] = json!("dqn");
        strategy(&json!({"agent": agent}))
    };
    let cases = [
        (
            json!({"batch_size": 128, "replay_capacity": 100, "warmup_steps": 128}),
            "/agent/batch_size",
            "not_at_most",
        ),
        (json!({"batch_size": 512}), "/agent/warmup_steps", "not_at_least"),
        (json!({"epsilon": {"start": 0.1, "end": 0.2}}), "/agent/epsilon/end", "not_at_most"),
    ];
    for (fields, pointer, code) in cases {
        assert_eq!(places(dqn(fields)), expected(&[(pointer, code)]));
    }
    assert!(dqn(json!({"batch_size": 256, "replay_capacity": 256, "epsilon": {"start": 0.2, "end": 0.2}})).is_ok());
    for kind in ["training", "backtest"] {
        let split = |train: f64, valid: f64| {
            session(&json!({"kind": kind, "split": {"train": train, "valid": valid}}))
        };
        assert_eq!(places(split(0.6, 0.4)), expected(&[("/split/valid", "shares")]));
        assert_eq!(places(split(0.9, 0.9)), expected(&[("/split/valid", "shares")]));
        assert!(split(0.6, 0.39).is_ok());
    }
}

#[test]
fn an_algorithm_that_cannot_decide_in_the_task_is_refused_with_those_that_can() {
    let violation = only(&json!({"environment": {"task": "portfolio"}}));
    assert_eq!(
        (violation.pointer.as_str(), violation.code.as_str()),
        ("/agent/algorithm", "not_allowed")
    );
    let allowed = ["buy_and_hold", "do_nothing", "random", "online_selection", "portfolio_rule"];
    assert_eq!(violation.params["allowed"], json!(allowed));
    assert_eq!(violation.params["got"], "dqn");
    assert!(violation.detail.contains("portfolio"), "{}", violation.detail);
    for algorithm in ALGORITHMS {
        for task in ["algorithmic_trading", "portfolio", "order_execution", "high_frequency"] {
            let found = strategy(
                &json!({"agent": {"algorithm": algorithm.id}, "environment": {"task": task}}),
            );
            assert_eq!(found.is_ok(), algorithm.tasks.contains(&task), "{} {task}", algorithm.id);
        }
    }
    // Where the task itself is wrong, nothing is said of the algorithm.
    assert_eq!(
        places(strategy(&json!({"environment": {"task": "portfolios"}}))),
        expected(&[("/environment/task", "not_allowed")])
    );
}

#[test]
fn rules_of_one_task_carry_their_parameters_and_pointers_reach_into_them() {
    let value = json!({
        "environment": {"task": "portfolio"},
        "agent": {"algorithm": "online_selection", "method": {"method": "olmar1", "window": 0}},
    });
    assert_eq!(only(&value).pointer, "/agent/method/window");
    let value = json!({
        "environment": {"task": "portfolio"},
        "agent": {"algorithm": "portfolio_rule", "rule": {"rule": "risk_parity", "covariance": {"window": 1}}},
    });
    assert_eq!(only(&value).pointer, "/agent/rule/covariance/window");
    let value = json!({
        "environment": {"task": "order_execution"},
        "agent": {"algorithm": "execution_schedule", "schedule": {"schedule": "twapp"}},
    });
    assert_eq!(only(&value).pointer, "/agent/schedule/schedule");
}

#[test]
fn a_rule_is_silent_where_its_field_is_already_wrong() {
    let value = json!({"agent": {"algorithm": "dqn", "batch_size": 0, "warmup_steps": 10, "epsilon": {"start": 0.0}}});
    assert_eq!(
        places(strategy(&value)),
        expected(&[("/agent/batch_size", "out_of_range"), ("/agent/epsilon/end", "not_at_most")]),
        "the other rule is still checked"
    );
}

#[test]
fn whole_numbers_may_be_written_with_a_point() {
    assert_eq!(
        strategy(&json!({"agent": {"algorithm": "dqn", "batch_size": 64.0}})).unwrap(),
        StrategyConfig::default()
    );
    assert!(strategy(&json!({"agent": {"algorithm": "dqn", "batch_size": 64.5}})).is_err());
    assert!(strategy(&json!({"agent": {"algorithm": "dqn", "gamma": 1}})).is_ok());
}

#[test]
fn what_is_no_object_is_refused_at_the_root() {
    for value in [json!(null), json!([]), json!("{}"), json!(1), json!(true)] {
        assert_eq!(places(strategy(&value)), expected(&[("", "invalid_type")]));
        assert_eq!(places(session(&value)), expected(&[("", "invalid_type")]));
    }
}

#[test]
fn toml_says_the_same_and_may_not_say_nan() {
    let text = "[agent]\nalgorithm = 'dqn'\ngamma = nan\nlearning_rate = inf\ngama = 1\n[risk]\nmax_position = -inf\n";
    let wanted = expected(&[
        ("/agent/gamma", "not_finite"),
        ("/agent/learning_rate", "not_finite"),
        ("/agent/gama", "unknown_field"),
        ("/risk/max_position", "not_finite"),
    ]);
    assert_eq!(places(strategy_toml(text)), wanted);
    let good = "[agent]\nalgorithm = 'dqn'\nhidden = [32]\n[environment]\ntask = 'algorithmic_trading'\nallow_short = true\n";
    let json = json!({"agent": {"algorithm": "dqn", "hidden": [32]}, "environment": {"task": "algorithmic_trading", "allow_short": true}});
    assert_eq!(strategy_toml(good).unwrap(), strategy(&json).unwrap());
    assert_eq!(places(strategy_toml("agent = {")), expected(&[("", "unreadable")]));
    assert_eq!(places(session_toml("kind = 2020-01-01")), expected(&[("/kind", "not_allowed")]));
}

#[test]
fn an_answer_stays_small_whatever_is_sent() {
    let fields: serde_json::Map<String, Value> =
        (0..5000).map(|index| (format!("x{index}"), json!(1))).collect();
    let violations = strategy(&Value::Object(fields)).expect_err("unknown");
    assert_eq!(violations.len(), 100);
    let hidden: Vec<i32> = vec![-1; 100_000];
    let violations =
        strategy(&json!({"agent": {"algorithm": "dqn", "hidden": hidden}})).expect_err("too many");
    assert!(violations.len() <= 100);
    let long = "y".repeat(1_000_000);
    let violations = strategy(&json!({"agent": {"algorithm": long}})).expect_err("no algorithm");
    assert!(serde_json::to_string(&violations).unwrap().len() < 2000);
}

#[test]
fn the_hash_is_of_the_meaning() {
    let full = serde_json::to_value(StrategyConfig::default()).unwrap();
    let whole = hash(&strategy(&full).unwrap());
    assert_eq!(whole, hash(&strategy(&json!({})).unwrap()));
    assert_eq!(whole.len(), 64);
    let other = strategy(&json!({"agent": {"algorithm": "dqn", "gamma": 0.91}})).unwrap();
    assert_ne!(whole, hash(&other));
    let text =
        engine::config::canonical::canonical(&json!({"b": [1, {"z": null, "a": "\""}], "a": 0.1}));
    assert_eq!(text, r#"{"a":0.1,"b":[1,{"a":"\"","z":null}]}"#);
}

#[test]
fn what_is_allowed_but_doubtful_is_warned_about() {
    assert!(warnings(&StrategyConfig::default()).is_empty());
    let doubtful = strategy(&json!({
        "environment": {"task": "algorithmic_trading", "truth": "faithful"},
        "matching": {"fill": "same_close", "fee_rate": 0},
    }));
    let codes: Vec<String> =
        warnings(&doubtful.unwrap()).into_iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["verification_only", "optimistic_fill", "no_costs"]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["dqn", "random", "training", "backtest", "session", "faithful"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let key = prop_oneof![
            "\\PC{0,8}",
            prop::sample::select(vec![
                "agent",
                "algorithm",
                "hidden",
                "epsilon",
                "kind",
                "policy",
                "source",
                "split",
                "train"
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused_at_pointers_that_exist(value in any_json()) {
        let mut violations = strategy(&value).err().unwrap_or_default();
        violations.extend(session(&value).err().unwrap_or_default());
        violations.extend(resources(&value).err().unwrap_or_default());
        for violation in violations {
            // What is missing has no place yet; its parent has.
            let place = if violation.code == "missing_field" {
                violation.pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
            } else {
                violation.pointer.as_str()
            };
            prop_assert!(value.pointer(place).is_some(), "{:?}", violation);
        }
    }

    #[test]
    fn arbitrary_text_never_panics_as_toml(text in "\\PC{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(strategy_toml(&text));
        drop(session_toml(&String::from_utf8_lossy(&bytes)));
    }

    #[test]
    fn what_is_accepted_comes_back_the_same(gamma in 0.0..=1.0_f64, capacity in 64_u32..10_000_000, hidden in prop::collection::vec(1_u32..=4096, 1..=8)) {
        let value = json!({"agent": {"algorithm": "dqn", "gamma": gamma, "replay_capacity": capacity, "hidden": hidden}});
        let config = strategy(&value).unwrap();
        let again = strategy(&serde_json::to_value(&config).unwrap()).unwrap();
        prop_assert_eq!(hash(&config), hash(&again));
        prop_assert_eq!(&config, &again);
        let text = toml::to_string(&config).unwrap();
        prop_assert_eq!(strategy_toml(&text).unwrap(), config);
    }
}

#[test]
fn the_validator_is_reachable_for_any_schema() {
    let schema = engine::config::schema::strategy();
    assert!(validate::against_schema(&schema, &json!({})).is_empty());
    assert_eq!(validate::against_schema(&schema, &json!({"x": 1})).len(), 1);
}
