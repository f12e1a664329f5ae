//! What the catalogue keeps in control state: `dataset/<id>`, and `dataset_name/<hash of the name>` (who has it).

use engine::market::Transformation;
use serde::{Deserialize, Serialize};
use store::blob::Pin;

use crate::clock::rfc3339;
use crate::documents::Stored;
use crate::error::ActorsError;
use crate::views::DatasetView;

/// Collection of claims on names.
pub(crate) const NAMES: &str = "dataset_name";
pub(crate) use crate::messages::data::DATASETS;

/// A data set: the manifest of its snapshot under a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DatasetDocument {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) instrument: String,
    pub(crate) interval_seconds: f64,
    pub(crate) rows: u64,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) sha256: String,
    pub(crate) size_bytes: u64,
    pub(crate) source: String,
    pub(crate) synthetic: bool,
    pub(crate) columns: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// The command that imported it, hexadecimal.
    pub(crate) command: String,
    /// Fingerprint of the request; absent in documents of older programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<String>,
    /// Names of the instruments, not all where there are many; none in documents of older programs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) instruments: Vec<String>,
    /// How many there are; absent in documents of older programs, which know one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instrument_count: Option<u32>,
    /// How the file was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dialect: Option<String>,
    /// Levels a side of an order book.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) levels: Option<u32>,
    /// What was noted while reading.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    /// Cells that an alignment filled.
    #[serde(default)]
    pub(crate) filled: u64,
    /// Whether a value may depend on what came after it.
    #[serde(default)]
    pub(crate) looks_ahead: bool,
    /// What was done between source and snapshot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) transformations: Vec<Transformation>,
    /// Snapshot that it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent_sha256: Option<String>,
}

/// A data set whose snapshot is stored but not registered yet.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) document: DatasetDocument,
    /// Keeps the snapshot until it is registered or refused.
    pub(crate) pin: Pin,
}

/// Returns what the world is shown.
///
/// # Errors
/// Tells when its identifier is broken.
pub(crate) fn view(stored: &Stored<DatasetDocument>) -> Result<DatasetView, ActorsError> {
    let document = stored.value.clone();
    Ok(DatasetView {
        id: stored.id.parse().map_err(ActorsError::internal)?,
        name: document.name,
        kind: document.kind,
        instruments: match document.instruments.as_slice() {
            [] => vec![document.instrument.clone()],
            _ => document.instruments,
        },
        instrument_count: document.instrument_count.unwrap_or(1),
        instrument: document.instrument,
        interval_seconds: document.interval_seconds,
        rows: document.rows,
        from: document.from,
        to: document.to,
        sha256: document.sha256,
        size_bytes: document.size_bytes,
        source: document.source,
        synthetic: document.synthetic,
        columns: document.columns,
        warnings: document.warnings,
        dialect: document.dialect,
        levels: document.levels,
        notes: document.notes,
        filled: document.filled,
        looks_ahead: document.looks_ahead,
        transformations: document.transformations,
        parent_sha256: document.parent_sha256,
        created_at: rfc3339(stored.created_ms),
        revision: stored.revision,
    })
}
