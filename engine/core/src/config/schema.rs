//! JSON Schema (2020-12) of every configuration root, complete enough to build a form from: each field with title,
//! description, default, least and greatest value.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::strategy::defaults;
use super::{LabellingConfig, ResourcesConfig, SessionConfig, StrategyConfig};

/// Returns the schema of a strategy, whatever its algorithm.
#[must_use]
pub fn strategy() -> Value {
    of::<StrategyConfig>()
}

/// Returns the schema of what a session does, whatever its kind.
#[must_use]
pub fn session() -> Value {
    of::<SessionConfig>()
}

/// Returns the schema of what a session may use.
#[must_use]
pub fn resources() -> Value {
    of::<ResourcesConfig>()
}

/// Returns the schema of a labelling.
#[must_use]
pub fn labelling() -> Value {
    of::<LabellingConfig>()
}

/// Returns the schema of a strategy whose agent is `algorithm`; absent where there is no such algorithm.
#[must_use]
pub fn strategy_for(algorithm: &str) -> Option<Value> {
    let defaults = defaults(algorithm)?;
    let mut schema = strategy();
    let variant = variant(&schema["$defs"]["AgentConfig"], "algorithm", algorithm)?;
    schema["$defs"]["AgentConfig"] = variant;
    let environment = serde_json::to_value(&defaults.environment).ok()?;
    // Without the field a strategy is one of the default algorithm, and in the default task.
    schema["required"] = if environment == schema["properties"]["environment"]["default"] {
        json!(["agent"])
    } else {
        json!(["agent", "environment"])
    };
    schema["properties"]["agent"]["default"] = serde_json::to_value(defaults.agent).ok()?;
    schema["properties"]["environment"]["default"] = environment;
    Some(schema)
}

/// Returns the schema of a session of one kind (`training`, `backtest`); absent where there is no such kind.
#[must_use]
pub fn session_for(kind: &str) -> Option<Value> {
    let schema = session();
    let mut chosen = variant(&schema, "kind", kind)?;
    for keyword in ["$schema", "$defs"] {
        chosen[keyword] = schema[keyword].clone();
    }
    chosen["title"] = json!("SessionConfig");
    Some(chosen)
}

fn variant(schema: &Value, tag: &str, word: &str) -> Option<Value> {
    let branches = schema["oneOf"].as_array()?;
    let mut chosen =
        branches.iter().find(|branch| branch["properties"][tag]["const"] == word)?.clone();
    chosen["properties"][tag]["default"] = json!(word);
    Some(chosen)
}

pub(super) fn of<T: JsonSchema>() -> Value {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<T>().to_value();
    complete(&mut schema);
    schema
}

/// Adds what schemars leaves out: titles, the greatest value of whole numbers; joins lines of descriptions.
fn complete(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            if fields.get("format") == Some(&json!("uint32")) {
                fields.entry("maximum").or_insert(json!(u32::MAX));
            }
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                for (name, property) in properties.iter_mut() {
                    if let Value::Object(property) = property {
                        property.entry("title").or_insert_with(|| json!(title(name)));
                    }
                }
            }
            // A default is a value, not a schema.
            fields
                .iter_mut()
                .filter(|(key, _)| *key != "default")
                .for_each(|(_, value)| complete(value));
        }
        Value::Array(items) => items.iter_mut().for_each(complete),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns `learning_rate` as `Learning rate`.
fn title(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut signs = words.chars();
    signs.next().map(|first| first.to_uppercase().chain(signs).collect()).unwrap_or_default()
}
