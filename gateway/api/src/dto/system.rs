//! About this node.

use schemars::JsonSchema;
use serde::Serialize;

/// What answers.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "About")]
pub(crate) struct AboutDto {
    /// Name of the product.
    pub(crate) name: &'static str,
    /// Version of the program.
    pub(crate) version: String,
    /// The node that answers.
    pub(crate) node: Option<String>,
    /// Environment badge: `sim`, `paper` or `live`.
    pub(crate) mode: String,
}
