//! Limits of the risk guards.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::validate::finite_option;

/// Limits that no order may pass. An absent limit is not checked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct RiskConfig {
    /// Largest absolute position after the order, in units of the instrument.
    #[garde(range(min = 0.0), custom(finite_option))]
    pub max_position: Option<f64>,
    /// Largest value of one order, in the quote currency.
    #[garde(range(min = 0.0), custom(finite_option))]
    pub max_notional: Option<f64>,
}
