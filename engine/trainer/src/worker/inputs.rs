//! The files that the `Start` frame names: read, hashes compared, decoded, and memory counted before work begins.

use std::path::{Path, PathBuf};

use engine::config::{ResourcesConfig, StrategyConfig, validate};
use engine::market::{BarSeries, snapshot};
use engine::session::protocol::{InputFile, WorkerSpec};
use serde::Serialize;

use crate::agents::{Shape, memory_terms};
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
    if let Err(violations) = validate::strategy(&value(&spec.strategy)?) {
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

fn value<T: Serialize>(config: &T) -> Result<serde_json::Value, TrainerError> {
    serde_json::to_value(config)
        .map_err(|error| TrainerError::Internal(format!("a configuration is not JSON: {error}")))
}

/// Reads the data snapshot.
///
/// # Errors
/// Absent, not the announced file, or not a snapshot.
pub fn series(file: &InputFile) -> Result<BarSeries, TrainerError> {
    let bytes = files::read(Path::new(&file.path), &file.sha256, INPUT_BYTES_MAX)?;
    snapshot::decode(bytes::Bytes::from(bytes)).map_err(|error| {
        TrainerError::Data(format!("{} is not a data snapshot: {error}", file.path))
    })
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

/// Refuses a session that needs more memory than was reserved for it.
///
/// # Errors
/// Names need, reservation and the largest terms.
pub fn check_memory(
    strategy: &StrategyConfig,
    shape: Shape,
    reserved: &ResourcesConfig,
) -> Result<(), TrainerError> {
    let terms = memory_terms(&strategy.agent, shape);
    let needed = BASE_BYTES + terms.iter().map(|(_, bytes)| bytes).sum::<u64>();
    let reserved_bytes = u64::from(reserved.memory_mib) << 20;
    if needed <= reserved_bytes {
        return Ok(());
    }
    let named: Vec<String> =
        terms.iter().map(|(name, bytes)| format!("{name} {} MiB", bytes >> 20)).collect();
    Err(TrainerError::BadSpec(format!(
        "training needs about {} MiB ({} MiB for the program; {}), {} MiB are reserved: reserve more memory or lower the \
         largest term",
        needed >> 20,
        BASE_BYTES >> 20,
        named.join(", "),
        reserved.memory_mib
    )))
}
