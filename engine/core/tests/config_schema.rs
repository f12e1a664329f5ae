//! The schemas: complete enough for a form, and of one mind with the validator.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;

use engine::config::validate::{self, against_schema};
use engine::config::{ALGORITHMS, SessionConfig, StrategyConfig, schema};
use garde::Validate;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn all() -> Vec<(String, Value)> {
    let mut schemas = vec![
        ("strategy".to_owned(), schema::strategy()),
        ("session".to_owned(), schema::session()),
        ("resources".to_owned(), schema::resources()),
        ("labelling".to_owned(), schema::labelling()),
    ];
    schemas.extend(
        ALGORITHMS.iter().map(|algorithm| {
            (algorithm.id.to_owned(), schema::strategy_for(algorithm.id).unwrap())
        }),
    );
    schemas.extend(
        ["training", "backtest"].map(|kind| (kind.to_owned(), schema::session_for(kind).unwrap())),
    );
    schemas
}

/// Calls `visit` with every schema inside a schema.
fn each(schema: &Value, visit: &mut dyn FnMut(&Value)) {
    visit(schema);
    for keyword in ["properties", "$defs"] {
        for inner in schema[keyword].as_object().into_iter().flat_map(serde_json::Map::values) {
            each(inner, visit);
        }
    }
    for keyword in ["oneOf", "anyOf"] {
        for inner in schema[keyword].as_array().into_iter().flatten() {
            each(inner, visit);
        }
    }
    if schema["items"].is_object() {
        each(&schema["items"], visit);
    }
}

#[test]
fn every_field_can_be_drawn_in_a_form() {
    for (name, schema) in all() {
        each(&schema, &mut |part| {
            for (field, property) in part["properties"].as_object().into_iter().flatten() {
                let is_tag = property["const"].is_string();
                assert!(property["title"].is_string(), "{name}: {field} has no title");
                assert!(
                    is_tag || property["description"].is_string(),
                    "{name}: {field} has no description"
                );
                let needed =
                    part["required"].as_array().into_iter().flatten().any(|key| key == field);
                let has_default = property.get("default").is_some();
                assert!(needed || has_default, "{name}: {field} has no default");
                assert!(
                    !property["description"].as_str().unwrap_or_default().contains('\n'),
                    "{name}: {field}"
                );
            }
            if part["type"] == "integer" {
                assert!(
                    part["minimum"].is_number() && part["maximum"].is_number(),
                    "{name}: {part}"
                );
            }
            if part["type"] == "number" {
                assert!(part["minimum"].is_number(), "{name}: {part}");
            }
        });
    }
}

#[test]
fn schemas_use_only_what_the_validator_knows() {
    let known: BTreeSet<&str> = [
        "$schema",
        "$defs",
        "$ref",
        "title",
        "description",
        "default",
        "format",
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "pattern",
        "const",
        "oneOf",
        "anyOf",
        "x-file-only",
    ]
    .into();
    for (name, schema) in all() {
        each(&schema, &mut |part| {
            for keyword in part.as_object().expect("an object").keys() {
                assert!(
                    known.contains(keyword.as_str()),
                    "{name}: teach config/walk.rs the keyword {keyword}"
                );
            }
            if part["properties"].is_object() {
                assert_eq!(
                    part["additionalProperties"], false,
                    "{name}: unknown keys must be refused: {part}"
                );
            }
            if let Some(pattern) = part["pattern"].as_str() {
                assert!(
                    pattern.starts_with('^') && pattern.ends_with("_[0-9a-f]{32}$"),
                    "{name}: {pattern}"
                );
            }
        });
    }
}

#[test]
fn defaults_in_the_schema_are_those_of_the_program() {
    let schema = schema::strategy();
    let whole = serde_json::to_value(StrategyConfig::default()).unwrap();
    for (field, property) in schema["properties"].as_object().unwrap() {
        let Some(written) = whole.get(field) else {
            // Not written where it is the default: then reading the default must change nothing.
            let mut one = serde_json::Map::new();
            one.insert(field.clone(), property["default"].clone());
            let read: StrategyConfig = serde_json::from_value(one.into()).unwrap();
            assert_eq!(read, StrategyConfig::default(), "{field}");
            continue;
        };
        assert_eq!(&property["default"], written, "{field}");
    }
    let gamma = &schema["$defs"]["AgentConfig"]["oneOf"][0]["properties"]["gamma"];
    assert_eq!(
        (&gamma["title"], &gamma["default"], &gamma["minimum"], &gamma["maximum"]),
        (&json!("Gamma"), &json!(0.9), &json!(0.0), &json!(1.0))
    );
}

#[test]
fn each_algorithm_and_kind_has_its_own_schema() {
    for algorithm in ALGORITHMS {
        let schema = schema::strategy_for(algorithm.id).unwrap();
        let agent = &schema["$defs"]["AgentConfig"];
        assert_eq!(agent["properties"]["algorithm"]["const"], algorithm.id);
        assert_eq!(schema["properties"]["agent"]["default"]["algorithm"], algorithm.id);
        let defaults =
            serde_json::to_value(engine::config::defaults(algorithm.id).unwrap()).unwrap();
        assert_eq!(against_schema(&schema, &defaults), []);
        let environment = &schema["properties"]["environment"]["default"];
        assert_eq!(environment, &defaults["environment"], "a form begins with a task that fits");
        let other = if algorithm.id == "dqn" { "random" } else { "dqn" };
        assert!(!against_schema(&schema, &json!({"agent": {"algorithm": other}})).is_empty());
    }
    let training = schema::session_for("training").unwrap();
    assert_eq!(training["properties"]["kind"]["const"], "training");
    assert_eq!(training["properties"]["split"]["$ref"], "#/$defs/SplitConfig");
    assert_eq!(against_schema(&training, &json!({"kind": "training", "epochs": 3})), []);
    assert!(schema::strategy_for("nothing").is_none() && schema::session_for("nothing").is_none());
}

/// What serde and garde say, without the schema.
fn typed<T: DeserializeOwned + Validate<Context = ()>>(value: &Value) -> bool {
    serde_json::from_value::<T>(value.clone()).is_ok_and(|config| config.validate().is_ok())
}

/// Pointers of everything inside a value.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    for (key, inner) in value.as_object().into_iter().flatten() {
        pointers(inner, &format!("{at}/{key}"), all);
    }
    for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
        pointers(inner, &format!("{at}/{index}"), all);
    }
}

fn starts() -> Vec<Value> {
    let mut values: Vec<Value> = ALGORITHMS
        .iter()
        .map(|algorithm| {
            serde_json::to_value(engine::config::defaults(algorithm.id).unwrap()).unwrap()
        })
        .collect();
    values.push(json!({"features": {"list": [
        {"name": "classic16"},
        {"name": "rsi", "window": 14},
        {"name": "alpha158", "volume": false, "truth": "corrected"},
        {"name": "bollinger", "window": 20, "width": 2.0},
        {"name": "expression", "text": "$close", "column": "price"},
    ]}}));
    values.push(json!({"kind": "training", "epochs": 3, "seed": 1, "split": {"train": 0.5, "valid": 0.2, "purge_bars": 3}, "checkpoint_every_seconds": 5.0}));
    values.push(json!({"kind": "backtest", "segment": "valid", "seed": 1, "policy": {"source": "session", "session_id": "ses_0123456789abcdef0123456789abcdef"}}));
    values
}

fn replacement() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(vec![
            json!(null),
            json!(true),
            json!(false),
            json!([]),
            json!({}),
            json!(""),
            json!("dqn"),
            json!("faithful"),
            json!(0),
            json!(1),
            json!(-1),
            json!(0.5),
            json!(1.5),
            json!(64),
            json!(4096),
            json!(4097),
            json!(65_536),
            json!(65_537),
            json!(1e-7),
            json!(1e-8),
            json!(1e12),
            json!(1.1e12),
            json!(u32::MAX),
            json!(4_294_967_296_u64),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(1e300),
            json!([1, 2]),
            json!([0]),
            json!([1, 1, 1, 1, 1, 1, 1, 1, 1]),
            json!(0.05),
            json!(0.9),
            json!(0.91),
            json!({"source": "strategy"}),
            json!({"start": 2.0}),
        ]),
        (-2.0..70_000.0_f64).prop_map(|number| json!(number)),
        (-2_i64..70_000).prop_map(|number| json!(number)),
    ]
}

fn has_numbered_tag(value: &Value) -> bool {
    const TAGS: [&str; 8] =
        ["algorithm", "kind", "method", "name", "rule", "schedule", "source", "task"];
    let Some(fields) = value.as_object() else { return false };
    fields.iter().any(|(key, value)| {
        TAGS.contains(&key.as_str()) && value.is_number() || has_numbered_tag(value)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn schema_and_types_agree_on_every_mutation(
        start in prop::sample::select(starts()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), replacement(), 0_u8..3), 1..3),
    ) {
        let mut value = start;
        for (index, new, how) in changes {
            let mut all = Vec::new();
            pointers(&value, "", &mut all);
            let pointer = all.swap_remove(index.index(all.len()));
            match (how, pointer.rsplit_once('/')) {
                (0, Some((parent, key))) => {
                    if let Some(fields) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
                        fields.remove(key);
                    }
                }
                (1, _) => {
                    if let Some(fields) = value.pointer_mut(&pointer).and_then(Value::as_object_mut) {
                        fields.insert("stray".to_owned(), new);
                    }
                }
                _ => {
                    if let Some(place) = value.pointer_mut(&pointer) {
                        *place = new;
                    }
                }
            }
        }
        let strategy = against_schema(&schema::strategy(), &value);
        let session = against_schema(&schema::session(), &value);
        // Serde is milder in three ways, where the schema, rightly, is not: it reads a struct from a list, it passes
        // over strays beside a tag without content, and it takes a variant's number for its name.
        let stray = value["policy"]["source"] == "strategy" && value["policy"].as_object().is_some_and(|fields| fields.len() > 1);
        let milder = stray || has_numbered_tag(&value) || strategy.iter().chain(&session).any(|violation| {
            violation.params.get("expected") == Some(&json!("object")) && violation.params["got"] == "array"
        });
        let (strategy_typed, session_typed) = (typed::<StrategyConfig>(&value), typed::<SessionConfig>(&value));
        prop_assert!(if strategy.is_empty() { strategy_typed } else { milder || !strategy_typed }, "{} {:?}", value, strategy);
        prop_assert!(if session.is_empty() { session_typed } else { milder || !session_typed }, "{} {:?}", value, session);
        // The whole validator is never milder than both.
        prop_assert!(strategy.is_empty() || validate::strategy(&value).is_err());
        prop_assert!(session.is_empty() || validate::session(&value).is_err());
    }
}
