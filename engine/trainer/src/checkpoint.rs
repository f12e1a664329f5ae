//! One file that holds a training session whole: resuming from it equals never having stopped, to the bit.
//!
//! A safetensors container: weights of both networks, the optimiser's moments, the replay ring, the environment's
//! bytes, the best model so far; and in its metadata, as JSON, every counter, the position of every random stream, and
//! the identity of strategy and data, so that a file of another session is refused.

use std::path::{Path, PathBuf};

use engine::config::SplitConfig;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::TrainerError;
use crate::files::{self, Written};
use crate::weights::{Container, DataType, Wanted};

/// Layout of the file.
pub const FORMAT: &str = "tm-checkpoint-1";
/// Files kept in a session's directory. The node takes a file after it was announced; with at most one checkpoint a
/// second (see `train`) this many are its time to do so.
pub const KEPT_FILES: usize = 8;
const PREFIX: &str = "checkpoint-";
const SUFFIX: &str = ".safetensors";

/// What a checkpoint belongs to. Epochs and the checkpoint interval may differ on resume; these may not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Hash of the strategy.
    pub config_hash: String,
    /// SHA-256 of the data snapshot.
    pub dataset_sha256: String,
    /// Seed of the session.
    pub seed: u32,
    /// How the data is cut.
    pub split: SplitConfig,
}

/// The part of a checkpoint that is text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// Version of the program that wrote it.
    pub build: String,
    /// What it belongs to.
    pub identity: Identity,
    /// Counters of the loop.
    pub state: Value,
    /// Counters of the agent.
    pub agent: Value,
}

/// Arrays of the loop itself, beside those of the agent.
#[must_use]
pub fn wanted() -> Vec<Wanted> {
    vec![
        Wanted::new("environment", DataType::U8, &[None]),
        Wanted::new("best.model", DataType::U8, &[None]),
    ]
}

/// Puts the header into the container.
///
/// # Errors
/// A counter cannot be written as JSON.
pub fn seal(container: &mut Container, header: &Header) -> Result<(), TrainerError> {
    let text = serde_json::to_string(header).map_err(|error| {
        TrainerError::Internal(format!("the checkpoint's header cannot be written: {error}"))
    })?;
    container.metadata.insert("header".to_owned(), text);
    Ok(())
}

/// Reads a file's bytes and checks form and identity; arrays are checked against `wanted` all at once.
///
/// # Errors
/// Damaged, of another layout, or of another session: every difference is named.
pub fn open(
    bytes: &[u8],
    identity: &Identity,
    wanted: &[Wanted],
) -> Result<(Container, Header), TrainerError> {
    let container = Container::decode(bytes)?;
    let text = container.metadata.get("header").ok_or_else(|| {
        TrainerError::BadCheckpoint(
            "the file has no header of ours: it is not a checkpoint".to_owned(),
        )
    })?;
    let header: Header = serde_json::from_str(text).map_err(|error| {
        TrainerError::BadCheckpoint(format!("the checkpoint's header cannot be read: {error}"))
    })?;
    if header.format != FORMAT {
        return Err(TrainerError::BadCheckpoint(format!(
            "wanted a checkpoint of format {FORMAT}, found '{}': it was written by another version",
            header.format
        )));
    }
    let mut differences = Vec::new();
    let mut compare = |what: &str, wanted: &str, found: &str| {
        if wanted != found {
            differences.push(format!("{what}: wanted {wanted}, found {found}"));
        }
    };
    compare("strategy hash", &identity.config_hash, &header.identity.config_hash);
    compare("data hash", &identity.dataset_sha256, &header.identity.dataset_sha256);
    compare("seed", &identity.seed.to_string(), &header.identity.seed.to_string());
    compare("split", &format!("{:?}", identity.split), &format!("{:?}", header.identity.split));
    if !differences.is_empty() {
        return Err(TrainerError::BadCheckpoint(format!(
            "the checkpoint belongs to another session ({}): resume with what it was made with, or start anew",
            differences.join("; ")
        )));
    }
    container.check(wanted)?;
    Ok((container, header))
}

/// Returns the file name for a step; names sort by step.
#[must_use]
pub fn file_name(step: u64) -> String {
    format!("{PREFIX}{step:012}{SUFFIX}")
}

/// Writes the file for `step` and removes all but the newest [`KEPT_FILES`].
///
/// # Errors
/// The directory cannot be written.
pub fn store(directory: &Path, step: u64, container: &Container) -> Result<Written, TrainerError> {
    let written = files::write(directory, &file_name(step), &container.encode())?;
    for old in surplus(directory, step) {
        // An old file that cannot be removed costs space, not correctness; the next checkpoint tries again.
        std::fs::remove_file(old).unwrap_or_default();
    }
    Ok(written)
}

/// Returns files to remove: all but the newest up to `step`. Files beyond it are of an abandoned future and go first.
fn surplus(directory: &Path, step: u64) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name();
            let digits = name.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
            Some((digits.parse().ok()?, entry.path()))
        })
        .collect();
    found.sort();
    let (kept, mut surplus): (Vec<_>, Vec<_>) = found.into_iter().partition(|(at, _)| *at <= step);
    surplus.extend(kept.iter().take(kept.len().saturating_sub(KEPT_FILES)).cloned());
    surplus.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            config_hash: "c".into(),
            dataset_sha256: "d".into(),
            seed: 1,
            split: SplitConfig::default(),
        }
    }

    fn sample() -> Container {
        let mut container = Container::default();
        container.put_u8("environment", &[1, 2]);
        container.put_u8("best.model", &[]);
        let header = Header {
            format: FORMAT.into(),
            build: "0".into(),
            identity: identity(),
            state: Value::Null,
            agent: Value::Null,
        };
        seal(&mut container, &header).unwrap();
        container
    }

    #[test]
    fn a_file_of_another_session_is_refused_with_every_difference() {
        let bytes = sample().encode();
        open(&bytes, &identity(), &wanted()).unwrap();
        let other = Identity { seed: 2, dataset_sha256: "e".into(), ..identity() };
        let text = open(&bytes, &other, &wanted()).unwrap_err().to_string();
        assert!(text.contains("seed: wanted 2, found 1") && text.contains("data hash"), "{text}");
    }

    #[test]
    fn a_flipped_byte_of_the_header_is_never_a_panic() {
        let bytes = sample().encode();
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 0x41;
            // the data's own bytes are guarded by the file's hash, everything else by form
            drop(open(&broken, &identity(), &wanted()));
        }
        assert!(open(b"", &identity(), &wanted()).is_err());
    }

    #[test]
    fn the_newest_eight_files_are_kept_and_an_abandoned_future_goes() {
        let directory = tempfile::tempdir().unwrap();
        for step in (1..=9).chain([1_000]) {
            store(directory.path(), step, &sample()).unwrap();
        }
        store(directory.path(), 10, &sample()).unwrap();
        let mut names: Vec<_> = std::fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, (3..=10).map(file_name).collect::<Vec<_>>());
    }
}
