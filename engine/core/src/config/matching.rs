//! What trading costs in simulation.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::validate::finite;

/// Costs and fills of the simulated exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct MatchingConfig {
    /// Fee as a fraction of the traded value (0.001 = 10 basis points).
    #[garde(range(min = 0.0, max = 0.1), custom(finite))]
    pub fee_rate: f64,
    /// Slippage of a market order in basis points, always against us. Not used on an order book, where an order walks
    /// the levels.
    #[garde(range(min = 0.0, max = 1000.0), custom(finite))]
    pub slippage_bps: f64,
    /// At which price a market order fills.
    #[garde(skip)]
    pub fill: FillRule,
}

impl Default for MatchingConfig {
    fn default() -> Self {
        Self { fee_rate: 0.001, slippage_bps: 0.0, fill: FillRule::NextOpen }
    }
}

/// When an order decided on a bar is filled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FillRule {
    /// At the open of the next bar.
    #[default]
    NextOpen,
    /// At the close that was just observed. Optimistic; reports are marked.
    SameClose,
}
