//! All violations of a configuration at once, each with the JSON pointer of its field.
//!
//! Three passes: the value against the generated schema (names, types, ranges), then serde and garde on what is left,
//! then rules across fields, left out where one of their fields is already wrong.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use garde::Validate;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rules::{self, Broken};
use super::walk::{NOT_FINITE, VIOLATIONS_MAX, child, walk};
use super::{LabellingConfig, ResourcesConfig, SessionConfig, StrategyConfig, labelling, schema};

/// One field that is not acceptable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// JSON pointer (RFC 6901) of the field, relative to the configuration's root.
    pub pointer: String,
    /// Stable code. The list with the parameters of each is `x-codes`; read `detail` for a code that is not in it.
    pub code: String,
    /// Numbers and names that belong to the code, for translations.
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    /// What was wanted, what was found, what to do; English.
    pub detail: String,
}

impl Violation {
    /// Returns a violation without parameters yet.
    #[must_use]
    pub fn new(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code: code.to_owned(),
            params: BTreeMap::new(),
            detail: detail.into(),
        }
    }

    /// Adds a parameter of the code.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }

    /// Says what a translated text would lack: an unknown code, or parameters of a known one. For tests.
    #[must_use]
    pub fn lacks(&self) -> Option<String> {
        let Some(needed) = super::codes::needs(&self.code) else {
            return Some(format!("'{}' is no known code", self.code));
        };
        let absent: Vec<&str> = needed
            .iter()
            .copied()
            .filter(|either| !either.split('|').any(|name| self.params.contains_key(name)))
            .collect();
        (!absent.is_empty()).then(|| format!("'{}' lacks {}", self.code, absent.join(", ")))
    }
}

/// Accepts numbers that are finite.
///
/// # Errors
/// Refuses NaN and the infinities, which a range check lets through.
pub(crate) fn finite(value: &f64, _: &()) -> garde::Result {
    if value.is_finite() {
        return Ok(());
    }
    Err(garde::Error::new("must be a finite number"))
}

/// Accepts an absent number or a finite one.
///
/// # Errors
/// Refuses NaN and the infinities.
#[expect(clippy::ref_option, reason = "garde hands a reference to the field")]
pub(crate) fn finite_option(value: &Option<f64>, context: &()) -> garde::Result {
    value.as_ref().map_or(Ok(()), |number| finite(number, context))
}

/// Reads and fully checks a strategy. Fields left out take their defaults.
///
/// # Errors
/// Returns every violation found.
pub fn strategy(value: &Value) -> Result<StrategyConfig, Vec<Violation>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    checked(SCHEMA.get_or_init(schema::strategy), value, rules::strategy)
}

/// Reads and fully checks what a session is to do. Fields left out take their defaults; `kind` is needed.
///
/// # Errors
/// Returns every violation found.
pub fn session(value: &Value) -> Result<SessionConfig, Vec<Violation>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    checked(SCHEMA.get_or_init(schema::session), value, rules::session)
}

/// Reads and fully checks what a session may use. Fields left out take their defaults.
///
/// # Errors
/// Returns every violation found.
pub fn resources(value: &Value) -> Result<ResourcesConfig, Vec<Violation>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    checked(SCHEMA.get_or_init(schema::resources), value, |_| Vec::new())
}

/// Reads and fully checks a labelling, in our spelling alone. Fields left out take their defaults.
///
/// # Errors
/// Returns every violation found.
pub fn labelling(value: &Value) -> Result<LabellingConfig, Vec<Violation>> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    checked(SCHEMA.get_or_init(schema::labelling), value, labelling::rules)
}

/// Reads and fully checks a strategy written as TOML.
///
/// # Errors
/// Returns every violation found; text that is no TOML is one at the root.
pub fn strategy_toml(text: &str) -> Result<StrategyConfig, Vec<Violation>> {
    from_toml(text, strategy)
}

/// Reads and fully checks what a session is to do, written as TOML.
///
/// # Errors
/// Returns every violation found; text that is no TOML is one at the root.
pub fn session_toml(text: &str) -> Result<SessionConfig, Vec<Violation>> {
    from_toml(text, session)
}

/// Returns where `value` differs from `schema`, at most a hundred times.
#[must_use]
pub fn against_schema(schema: &Value, value: &Value) -> Vec<Violation> {
    walk(schema, value).violations
}

pub(super) fn checked<T: DeserializeOwned + Validate<Context = ()>>(
    schema: &Value,
    value: &Value,
    rules: fn(&T) -> Vec<Broken>,
) -> Result<T, Vec<Violation>> {
    let walked = walk(schema, value);
    let mut violations = walked.violations;
    let Some(cleaned) = walked.cleaned else {
        return Err(violations);
    };
    let typed: T = match serde_json::from_value(cleaned.clone()) {
        Ok(typed) => typed,
        Err(error) => {
            if violations.is_empty() {
                let reason = error.to_string();
                let detail = format!("the configuration cannot be read: {reason}");
                violations.push(Violation::new("", "unreadable", detail).with("reason", reason));
            }
            return Err(violations);
        }
    };
    if let Err(report) = typed.validate() {
        violations.extend(report.iter().map(|(path, error)| {
            let pointer = pointer_of(&path.to_string(), &cleaned);
            match limit_of(error.message()) {
                Some((name, limit)) => {
                    Violation::new(pointer, "out_of_range", error.to_string()).with(name, limit)
                }
                None => Violation::new(pointer, "not_finite", error.to_string()),
            }
        }));
    }
    let wrong: Vec<String> = violations.iter().map(|violation| violation.pointer.clone()).collect();
    let touches = |field: &str| wrong.iter().any(|pointer| field.starts_with(pointer.as_str()));
    let broken = rules(&typed)
        .into_iter()
        .filter(|broken| !broken.fields.iter().any(|field| touches(field)));
    violations.extend(broken.map(|broken| broken.violation));
    if violations.is_empty() { Ok(typed) } else { Err(violations) }
}

/// Turns garde's path into the pointer of the JSON form: in `agent[0].gamma` the `[0]` stands for an enum's content,
/// which the form does not have; in `hidden[1]` it is an index.
fn pointer_of(path: &str, root: &Value) -> String {
    let (mut pointer, mut at) = (String::new(), root);
    for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
        let key = match part.strip_suffix(']') {
            Some(_) if !at.is_array() => continue,
            Some(index) => index,
            None => part,
        };
        pointer = child(&pointer, key);
        at = root.pointer(&pointer).unwrap_or(&Value::Null);
    }
    pointer
}

/// Returns the limit that a range check of garde names ("lower than 1", "greater than 5"); absent for other checks.
fn limit_of(message: &str) -> Option<(&'static str, Value)> {
    let number = |words: &str| message.strip_prefix(words)?.trim().parse::<f64>().ok();
    let low = ["lower than ", "length is lower than "].into_iter().find_map(number);
    let high = ["greater than ", "length is greater than "].into_iter().find_map(number);
    low.map(|limit| ("min", Value::from(limit))).or(high.map(|limit| ("max", Value::from(limit))))
}

fn from_toml<T>(
    text: &str,
    check: fn(&Value) -> Result<T, Vec<Violation>>,
) -> Result<T, Vec<Violation>> {
    let (value, mut violations) = toml_value(text)?;
    // What was not finite is left out and takes its default, so that the rest is checked too.
    let result = check(&value);
    if violations.is_empty() {
        return result;
    }
    violations.extend(result.err().unwrap_or_default());
    violations.truncate(VIOLATIONS_MAX);
    Err(violations)
}

/// Reads TOML as a JSON value without what is not finite, which is listed beside it.
///
/// # Errors
/// Text that is no TOML is one violation at the root.
pub(super) fn toml_value(text: &str) -> Result<(Value, Vec<Violation>), Vec<Violation>> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let reason = error.to_string().trim_end().to_owned();
        let detail = format!("wanted TOML; found an error: {reason}");
        vec![Violation::new("", "unreadable", detail).with("reason", reason)]
    })?;
    let mut violations = Vec::new();
    let value = as_json(toml::Value::Table(table), "", &mut violations);
    Ok((value.unwrap_or(Value::Null), violations))
}

/// Turns TOML into JSON. JSON has no NaN and no infinity: each is a violation and is left out.
fn as_json(value: toml::Value, at: &str, violations: &mut Vec<Violation>) -> Option<Value> {
    Some(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Float(number) => {
            if !number.is_finite() {
                violations.push(Violation::new(at, "not_finite", NOT_FINITE));
                return None;
            }
            Value::from(number)
        }
        toml::Value::Array(items) => {
            let items = items.into_iter().enumerate();
            Value::Array(
                items
                    .filter_map(|(index, item)| {
                        as_json(item, &child(at, &index.to_string()), violations)
                    })
                    .collect(),
            )
        }
        toml::Value::Table(fields) => {
            let fields = fields.into_iter().filter_map(|(key, field)| {
                let good = as_json(field, &child(at, &key), violations)?;
                Some((key, good))
            });
            Value::Object(fields.collect())
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_become_pointers_of_the_form() {
        let root =
            json!({"agent": {"algorithm": "dqn", "hidden": [1, 2], "epsilon": {"end": 2.0}}});
        for (path, pointer) in [
            ("agent[0].gamma", "/agent/gamma"),
            ("agent[0].hidden[1]", "/agent/hidden/1"),
            ("agent[0].epsilon.end", "/agent/epsilon/end"),
            ("", ""),
        ] {
            assert_eq!(pointer_of(path, &root), pointer);
        }
    }
}
