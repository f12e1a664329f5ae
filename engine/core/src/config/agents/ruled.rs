//! Rules of one task: a family of them, chosen by one field. Their parameters stand in [`crate::config::policy`].

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::policy::{ExecutionConfig, OnlineConfig, PortfolioRuleConfig};

/// Online portfolio selection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct OnlineSelectionConfig {
    /// The method.
    #[garde(dive)]
    pub method: OnlineConfig,
}

/// A portfolio rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct PortfolioAgentConfig {
    /// The rule.
    #[garde(dive)]
    pub rule: PortfolioRuleConfig,
}

/// An execution schedule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct ExecutionScheduleConfig {
    /// The schedule.
    #[garde(dive)]
    pub schedule: ExecutionConfig,
}
