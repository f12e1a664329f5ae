//! One text per configuration, and its hash: equal configurations have equal hashes, however they were written.

use serde_json::Value;

use super::StrategyConfig;
use crate::digest::sha256;

/// Returns the SHA-256 of the strategy's canonical JSON, lower-case hexadecimal. Defaults are written out, so that a
/// partial file and the full one are one strategy.
#[must_use]
pub fn hash(strategy: &StrategyConfig) -> String {
    // A configuration always becomes a value: it has only text keys.
    sha256(canonical(&serde_json::to_value(strategy).unwrap_or_default()).as_bytes())
}

/// Returns `value` as JSON without spaces, keys in order of their bytes.
#[must_use]
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| key.as_str());
            let pairs = sorted
                .into_iter()
                .map(|(key, field)| format!("{}:{}", Value::from(key.as_str()), canonical(field)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}
