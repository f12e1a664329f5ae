//! What tests against the reference share: its files, tables made by hand, and how near a printed figure must be.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::PathBuf;

use engine::environment::faithful::{
    ReplayEnvironment, ReplayOptions, ReplayOutput, ReplayPolicy, replay,
};
use engine::error::EngineError;
use engine::market::parse::reference::{self, ReferenceTable};

/// Returns the bytes of a data file, or says that it is skipped.
#[allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests read files and say what they skip"
)]
pub(crate) fn data(path: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("TM_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = folder.join(path);
    let bytes = std::fs::read(&file).ok();
    if bytes.is_none() {
        eprintln!(
            "SKIPPED: {} is absent; set TM_TEST_DATA to the folder of the reference's data",
            file.display()
        );
    }
    bytes
}

/// Returns a table of the data, or says that it is skipped.
pub(crate) fn table(path: &str) -> Option<ReferenceTable> {
    let bytes = data(path)?;
    Some(reference::parse(bytes.as_slice(), path).expect("the file is in the reference's layout"))
}

/// Returns a table written by hand.
pub(crate) fn csv(text: &str) -> ReferenceTable {
    reference::parse(text.as_bytes(), "by hand").expect("a table")
}

/// Replays with the reference's constants.
pub(crate) fn run(
    environment: ReplayEnvironment,
    table: &ReferenceTable,
    policy: &str,
) -> Result<ReplayOutput, EngineError> {
    with(environment, table, policy, &ReplayOptions::default())
}

/// Replays.
pub(crate) fn with(
    environment: ReplayEnvironment,
    table: &ReferenceTable,
    policy: &str,
    options: &ReplayOptions,
) -> Result<ReplayOutput, EngineError> {
    let policy: ReplayPolicy = policy.parse()?;
    replay(environment, table, &policy, options)
}

/// Equal to 1e-6 relative, or to half a unit of the last printed digit where that is larger.
#[track_caller]
pub(crate) fn equals(found: f64, printed: f64, half_unit: f64, what: &str) {
    let tolerance = (1e-6 * printed.abs()).max(half_unit);
    assert!((found - printed).abs() <= tolerance, "{what}: found {found}, published {printed}");
}

/// Equal but for rounding.
#[track_caller]
pub(crate) fn near(found: f64, wanted: f64) {
    assert!(
        (found - wanted).abs() <= 1e-12 * wanted.abs().max(1.0),
        "found {found}, wanted {wanted}"
    );
}
