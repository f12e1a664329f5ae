//! The files that the `Start` frame names: read, hashes compared, decoded, and memory counted before work begins.

use std::path::{Path, PathBuf};

use engine::config::{ResourcesConfig, StrategyConfig, validate};
use engine::features;
use engine::market::{BarSeries, MarketSeries, snapshot};
use engine::session::protocol::{InputFile, WorkerSpec};
use serde::Serialize;

use crate::error::TrainerError;
use crate::files;

/// Largest data snapshot or model that is read.
const INPUT_BYTES_MAX: u64 = 4 << 30;
/// What a worker takes before it holds any data: program, libtorch, stacks.
const BASE_BYTES: u64 = 256 << 20;

/// Reads and fully checks the spec.
///
/// # Errors
/// Every violation at once, each with the pointer of its field.
pub fn spec(bytes: &[u8]) -> Result<WorkerSpec, TrainerError> {
    let spec: WorkerSpec = serde_json::from_slice(bytes).map_err(|error| {
        TrainerError::BadSpec(format!("the session's spec cannot be read: {error}"))
    })?;
    let mut found = Vec::new();
    let mut note = |part: &str, violations: Vec<engine::config::Violation>| {
        found.extend(
            violations.into_iter().map(|one| format!("{part}{}: {}", one.pointer, one.detail)),
        );
    };
    if let Some(strategy) = &spec.strategy
        && let Err(violations) = validate::strategy(&value(strategy)?)
    {
        note("/strategy", violations);
    }
    if let Err(violations) = validate::session(&value(&spec.session)?) {
        note("/session", violations);
    }
    if !found.is_empty() {
        return Err(TrainerError::BadSpec(format!(
            "the session's spec is not acceptable: {}",
            found.join("; ")
        )));
    }
    if !Path::new(&spec.work_dir).is_dir() {
        return Err(TrainerError::Write(format!(
            "the session's directory {} is not there",
            spec.work_dir
        )));
    }
    Ok(spec)
}

/// Returns the strategy of a session that is about one.
///
/// # Errors
/// Refuses a spec without one.
pub fn strategy(spec: &WorkerSpec) -> Result<&StrategyConfig, TrainerError> {
    spec.strategy.as_ref().ok_or_else(|| {
        TrainerError::BadSpec(format!(
            "a session of the kind '{}' needs a strategy, and the spec has none",
            spec.session.kind().as_str()
        ))
    })
}

fn value<T: Serialize>(config: &T) -> Result<serde_json::Value, TrainerError> {
    serde_json::to_value(config)
        .map_err(|error| TrainerError::Internal(format!("a configuration is not JSON: {error}")))
}

/// Reads the data snapshot; returns the bars and the file's size.
///
/// # Errors
/// Absent, not the announced file, or not a snapshot.
pub fn series(file: &InputFile) -> Result<(BarSeries, u64), TrainerError> {
    let bytes = files::read(Path::new(&file.path), &file.sha256, INPUT_BYTES_MAX)?;
    let size = bytes.len() as u64;
    let bars = snapshot::decode(bytes::Bytes::from(bytes)).map_err(|error| {
        TrainerError::Data(format!("{} is not a data snapshot: {error}", file.path))
    })?;
    Ok((bars, size))
}

/// Reads a data snapshot of any kind; returns the data and the file's size.
///
/// # Errors
/// Absent, not the announced file, or not a snapshot.
pub fn market(file: &InputFile) -> Result<(MarketSeries, u64), TrainerError> {
    let bytes = files::read(Path::new(&file.path), &file.sha256, INPUT_BYTES_MAX)?;
    let size = bytes.len() as u64;
    let data = snapshot::decode_any(bytes::Bytes::from(bytes)).map_err(|error| {
        TrainerError::Data(format!("{} is not a data snapshot: {error}", file.path))
    })?;
    Ok((data.data, size))
}

/// Reads a model.
///
/// # Errors
/// Absent or not the announced file.
pub fn model(file: &InputFile) -> Result<Vec<u8>, TrainerError> {
    files::read(Path::new(&file.path), &file.sha256, INPUT_BYTES_MAX)
}

/// Reads a checkpoint.
///
/// # Errors
/// Absent or not the announced file.
pub fn checkpoint(file: &InputFile) -> Result<Vec<u8>, TrainerError> {
    files::read(&PathBuf::from(&file.path), &file.sha256, crate::weights::FILE_BYTES_MAX)
        .map_err(|error| TrainerError::BadCheckpoint(error.to_string()))
}

/// Returns the memory terms of `rows` bars from a snapshot of `snapshot_bytes` until the segments stand.
#[must_use]
pub fn data_terms(
    strategy: &StrategyConfig,
    rows: usize,
    snapshot_bytes: u64,
) -> Vec<(&'static str, u64)> {
    let rows = rows as u64;
    // A list that cannot be read is refused when the data is prepared; until then it needs nothing.
    let width = features::names_of(&strategy.features).map_or(0, |names| names.len()) as u64;
    vec![
        ("data file", snapshot_bytes),
        // time, four prices, adjusted close, volume
        ("bars", rows * 7 * 8),
        ("features", rows * width * 8),
        // features in single precision; time, open and close
        ("segments", rows * (width * 4 + 3 * 8)),
    ]
}

/// Refuses a session that needs more memory than was reserved for it.
///
/// # Errors
/// Names need, reservation and every term, largest first.
pub fn check_memory(
    mut terms: Vec<(&'static str, u64)>,
    reserved: &ResourcesConfig,
) -> Result<(), TrainerError> {
    let needed = BASE_BYTES + terms.iter().map(|(_, bytes)| bytes).sum::<u64>();
    let reserved_bytes = u64::from(reserved.memory_mib) << 20;
    if needed <= reserved_bytes {
        return Ok(());
    }
    terms.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let named: Vec<String> =
        terms.iter().map(|(name, bytes)| format!("{name} {} MiB", bytes >> 20)).collect();
    Err(TrainerError::BadSpec(format!(
        "the session needs about {} MiB ({} MiB for the program; {}), {} MiB are reserved: reserve more memory or lower \
         the largest term",
        needed >> 20,
        BASE_BYTES >> 20,
        named.join(", "),
        reserved.memory_mib
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_series_is_counted_and_the_largest_term_is_named_first() {
        let strategy = StrategyConfig::default();
        let width = features::names(strategy.features.set).len() as u64;
        let rows = 2_000_000;
        let terms = data_terms(&strategy, rows, 7);
        let bytes: u64 = terms.iter().map(|(_, bytes)| bytes).sum();
        assert_eq!(bytes, 7 + rows as u64 * (56 + 12 * width + 24));
        let reserved = |memory_mib| ResourcesConfig { memory_mib, ..ResourcesConfig::default() };
        let needed = u32::try_from((bytes + BASE_BYTES) >> 20).unwrap();
        check_memory(terms.clone(), &reserved(needed + 1)).unwrap();
        let error = check_memory(terms, &reserved(needed)).unwrap_err();
        assert_eq!(error.kind(), "bad_spec");
        let text = error.to_string();
        assert!(text.contains("for the program; features "), "{text}");
        assert!(check_memory(Vec::new(), &reserved(255)).is_err());
    }
}
