//! All violations of a configuration at once, each with the JSON pointer of its field.

use std::collections::BTreeMap;

use garde::Validate;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{SessionConfig, StrategyConfig};

/// One field that is not acceptable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// JSON pointer (RFC 6901) of the field, relative to the configuration's root.
    pub pointer: String,
    /// Stable code: `unknown_field`, `invalid_type`, `out_of_range`, `not_finite`, `invalid`.
    pub code: String,
    /// Numbers and names that belong to the code, for translations.
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    /// What was wanted, what was found, what to do; English.
    pub detail: String,
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

/// Reads and fully checks a strategy.
///
/// # Errors
/// Returns every violation found.
pub fn strategy(value: &Value) -> Result<StrategyConfig, Vec<Violation>> {
    checked(value)
}

/// Reads and fully checks what a session is to do.
///
/// # Errors
/// Returns every violation found.
pub fn session(value: &Value) -> Result<SessionConfig, Vec<Violation>> {
    checked(value)
}

fn checked<T: DeserializeOwned + Validate<Context = ()>>(value: &Value) -> Result<T, Vec<Violation>> {
    let typed: T = serde_json::from_value(value.clone()).map_err(|error| {
        vec![Violation {
            pointer: String::new(),
            code: "invalid".to_owned(),
            params: BTreeMap::new(),
            detail: error.to_string(),
        }]
    })?;
    typed.validate().map_err(|report| {
        report
            .iter()
            .map(|(path, error)| Violation {
                pointer: format!("/{path}"),
                code: "out_of_range".to_owned(),
                params: BTreeMap::new(),
                detail: error.to_string(),
            })
            .collect::<Vec<_>>()
    })?;
    Ok(typed)
}
