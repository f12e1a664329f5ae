//! JSON Schema (2020-12) of every configuration root.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

use super::{SessionConfig, StrategyConfig};

/// Returns the schema of a strategy.
#[must_use]
pub fn strategy() -> Value {
    of::<StrategyConfig>()
}

/// Returns the schema of what a session does.
#[must_use]
pub fn session() -> Value {
    of::<SessionConfig>()
}

fn of<T: JsonSchema>() -> Value {
    SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}
