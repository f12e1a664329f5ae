//! Where the reference's files lie, and how they are read.
#![expect(clippy::disallowed_methods, reason = "an example reads files; the engine does not")]

use std::path::{Path, PathBuf};

use engine::market::parse::reference::{self, ReferenceTable};

use crate::rows::Rows;

/// The folder of the reference's data.
pub(crate) struct Files {
    folder: PathBuf,
}

impl Files {
    /// Takes `TM_TEST_DATA`, or the folder beside the project.
    pub(crate) fn find() -> Self {
        let folder = std::env::var_os("TM_TEST_DATA").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
            PathBuf::from,
        );
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns a file, or notes in `rows` that it is absent.
    pub(crate) fn bytes(&self, path: &str, rows: &mut Rows) -> Option<Vec<u8>> {
        let found = std::fs::read(self.folder.join(path));
        if let Err(error) = &found {
            rows.skip("all", &format!("{path}: {error}; set TM_TEST_DATA"));
        }
        found.ok()
    }

    /// Returns a table, or notes why there is none.
    pub(crate) fn table(&self, path: &str, rows: &mut Rows) -> Option<ReferenceTable> {
        let bytes = self.bytes(path, rows)?;
        let table = reference::parse(bytes.as_slice(), path);
        if let Err(error) = &table {
            rows.fail("all", &error.to_string());
        }
        table.ok()
    }

    /// Returns a JSON document, or notes why there is none.
    pub(crate) fn json(&self, path: &str, rows: &mut Rows) -> Option<serde_json::Value> {
        let bytes = self.bytes(path, rows)?;
        let document = serde_json::from_slice(&bytes);
        if let Err(error) = &document {
            rows.fail("all", &format!("{path}: {error}"));
        }
        document.ok()
    }
}

/// Returns the values of a stored tensor; none when it is not there.
#[expect(clippy::cast_possible_truncation, reason = "every stored value is an exact f32")]
pub(crate) fn tensor(network: &serde_json::Value, name: &str) -> Vec<f32> {
    let tensors = network["tensors"].as_array();
    let found = tensors.into_iter().flatten().find(|tensor| tensor["name"] == name);
    let values = found.and_then(|tensor| tensor["values"].as_array());
    values.into_iter().flatten().filter_map(|value| value.as_f64().map(|v| v as f32)).collect()
}
