//! What was done to data between its source and its snapshot: a list that travels with it, so that no number appears
//! of which nobody knows where it comes from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One step, in the order in which the steps were taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transformation {
    /// What was done, one word: `align`, `resample`, `adjust`, `rebuild`.
    pub name: String,
    /// How, in one sentence with every number that matters.
    pub detail: String,
    /// Whether a value may depend on what came after it. Results on such data are not tradable.
    pub looks_ahead: bool,
}

impl Transformation {
    /// Returns a step that uses only what was known at the time.
    #[must_use]
    pub fn new(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), detail: detail.into(), looks_ahead: false }
    }

    /// Marks it as one that looks ahead.
    #[must_use]
    pub fn looking_ahead(mut self) -> Self {
        self.looks_ahead = true;
        self
    }
}

/// Where data comes from and what was done to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Provenance {
    /// File name, address or `synthetic seed 7`.
    pub source: String,
    /// Licence of the data as its publisher states it; absent where nothing is known.
    pub licence: Option<String>,
    /// SHA-256 of the source's bytes, lower-case hexadecimal.
    pub source_sha256: Option<String>,
    /// Steps between source and snapshot, in order.
    pub transformations: Vec<Transformation>,
}

impl Provenance {
    /// Whether any step looks ahead.
    #[must_use]
    pub fn looks_ahead(&self) -> bool {
        self.transformations.iter().any(|step| step.looks_ahead)
    }
}
