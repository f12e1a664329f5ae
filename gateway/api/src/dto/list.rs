//! Every list looks like this.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub(crate) struct ListDto<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
    /// Where the next page begins; absent on the last. For numbered items a number to send as `after`, else opaque
    /// text to send as `cursor` with the same filters, good for a day.
    pub(crate) next_cursor: Option<String>,
    /// When this was read, RFC 3339 UTC.
    pub(crate) as_of: String,
}
