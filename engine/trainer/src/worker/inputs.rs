//! The files that the `Start` frame names: read, hashes compared, decoded, and memory counted before work begins.

use std::path::{Path, PathBuf};

use engine::config::{ResourcesConfig, StrategyConfig, validate};
use engine::environment::visible;
use engine::features;
use engine::market::{MarketSeries, snapshot};
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

/// Reads the data snapshot, of whatever kind it is; returns the data and the file's size.
///
/// # Errors
/// Absent, not the announced file, or not a snapshot.
pub fn series(file: &InputFile) -> Result<(MarketSeries, u64), TrainerError> {
    let bytes = files::read(Path::new(&file.path), &file.sha256, INPUT_BYTES_MAX)?;
    let size = bytes.len() as u64;
    let stored = snapshot::decode_any(bytes::Bytes::from(bytes)).map_err(|error| {
        TrainerError::Data(format!("{} is not a data snapshot: {error}", file.path))
    })?;
    Ok((stored.data, size))
}

/// Reads what the session may see of its data: without the sealed rows, unless it is about them and they were opened.
///
/// # Errors
/// As [`series`], and single trades where something is sealed.
pub fn visible_series(spec: &WorkerSpec) -> Result<(MarketSeries, u64), TrainerError> {
    let (data, size) = series(&spec.dataset)?;
    let Some(strategy) = &spec.strategy else { return Ok((data, size)) };
    let seen = visible(strategy, data, spec.session.segment())
        .map_err(|error| TrainerError::BadSpec(error.to_string()))?;
    Ok((seen, size))
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

/// Returns the memory terms of data from a snapshot of `snapshot_bytes` until the segments stand.
#[must_use]
pub fn data_terms(
    strategy: &StrategyConfig,
    data: &MarketSeries,
    snapshot_bytes: u64,
) -> Vec<(&'static str, u64)> {
    match data {
        MarketSeries::Bars(bars) => bar_terms(strategy, bars.len(), snapshot_bytes),
        MarketSeries::Panel(panel) => {
            let cells = panel.present.len() as u64;
            let width = feature_count(strategy);
            vec![
                ("data file", snapshot_bytes),
                // four prices, adjusted close, volume, presence
                ("panel", cells * (6 * 8 + 1)),
                ("features", cells * width * 8),
                // features in single precision, open, close and whether it can be traded; the same prices and their
                // relatives once more for what policies see of the past
                ("segments", cells * (width * 4 + 17) + cells * (17 + 8)),
                // what was held at each bar, of the agent and its baselines
                ("runs", cells * 7 * 8),
            ]
        }
        MarketSeries::Trades(trades) => {
            vec![("data file", snapshot_bytes), ("trades", trades.len() as u64 * 25)]
        }
        MarketSeries::Book(book) => {
            let (rows, levels) = (book.len() as u64, book.levels as u64);
            // distance and share per level and side, and the change of the middle
            let width = 4 * levels + 1;
            vec![
                ("data file", snapshot_bytes),
                // time, both flows, price and size per level and side
                ("order book", rows * (3 + 4 * levels) * 8),
                ("features", rows * width * 8),
                ("segments", rows * (width * 4 + (3 + 4 * levels) * 8)),
                // three curves each of the agent and its baselines
                ("runs", rows * 7 * 3 * 8),
            ]
        }
    }
}

/// Returns the memory terms of `rows` bars of one instrument.
fn bar_terms(
    strategy: &StrategyConfig,
    rows: usize,
    snapshot_bytes: u64,
) -> Vec<(&'static str, u64)> {
    let rows = rows as u64;
    let width = feature_count(strategy);
    vec![
        ("data file", snapshot_bytes),
        // time, four prices, adjusted close, volume
        ("bars", rows * 7 * 8),
        ("features", rows * width * 8),
        // features in single precision; time, open and close
        ("segments", rows * (width * 4 + 3 * 8)),
    ]
}

/// A list that cannot be read is refused when the data is prepared; until then it needs nothing.
fn feature_count(strategy: &StrategyConfig) -> u64 {
    features::names_of(&strategy.features).map_or(0, |names| names.len()) as u64
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
        let terms = bar_terms(&strategy, rows, 7);
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
