//! What a session recorded, as files: made by its holder at every checkpoint and at the end, read by every other node.
//!
//! A file holds consecutive rows of the journal's own layout, each in an envelope behind its length (u32, big-endian).
//! Pure, but for the bytes handed in and out.

use cluster::control::state::Segment;
use store::codec::{self, Record};
use store::records::log_line::LogLineRecord;
use store::records::metric::MetricBatchRecord;

use crate::error::ActorsError;

/// Metric points, numbered from 0; `to` is exclusive.
pub(crate) const METRICS: u8 = 1;
/// Log lines, numbered from 1; `from` and `to` as for metrics.
pub(crate) const LINES: u8 = 2;
/// Files of one kind before they are joined into one.
const FILES_MAX: usize = 12;

/// Puts rows into a file.
///
/// # Errors
/// A row that is larger than rows may be.
pub(crate) fn pack<R: Record>(rows: &[R]) -> Result<Vec<u8>, ActorsError> {
    let mut bytes = Vec::new();
    for row in rows {
        let one = codec::encode(row).map_err(ActorsError::internal)?;
        let length = u32::try_from(one.len()).map_err(ActorsError::internal)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&one);
    }
    Ok(bytes)
}

/// Returns the rows of a file.
///
/// # Errors
/// Tells when the file is none of ours, cut off or damaged.
pub(crate) fn unpack<R: Record>(mut bytes: &[u8]) -> Result<Vec<R>, ActorsError> {
    let broken = |why: String| ActorsError::Store {
        detail: format!("a session's archive cannot be read: {why}"),
    };
    let mut rows = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some((one, rest)) = rest.split_at_checked(length) else {
            return Err(broken(format!("a row of {length} bytes is cut off at {}", rest.len())));
        };
        rows.push(codec::decode(one).map_err(|error| broken(error.to_string()))?);
        bytes = rest;
    }
    if bytes.is_empty() { Ok(rows) } else { Err(broken("it ends inside a row".to_owned())) }
}

/// Returns up to which number records of a kind are in files.
pub(crate) fn archived_to(archive: &[Segment], kind: u8) -> u64 {
    archive.iter().filter(|one| one.kind == kind).map(|one| one.to).max().unwrap_or(0)
}

/// From which number on the next file of a kind begins, and whether it replaces those there are: too many small ones
/// are joined.
pub(crate) fn next_from(archive: &[Segment], kind: u8) -> (u64, bool) {
    let count = archive.iter().filter(|one| one.kind == kind).count();
    if count < FILES_MAX { (archived_to(archive, kind), false) } else { (0, true) }
}

/// Returns the archive with a new file.
pub(crate) fn with(archive: &[Segment], new: Segment, replaces: bool) -> Vec<Segment> {
    let stays = |one: &&Segment| !(replaces && one.kind == new.kind);
    let mut all: Vec<Segment> = archive.iter().filter(stays).cloned().collect();
    all.push(new);
    all.sort_by_key(|one| (one.kind, one.from, one.to));
    all
}

/// Returns the file of a kind in which record `number` is.
pub(crate) fn holding(archive: &[Segment], kind: u8, number: u64) -> Option<&Segment> {
    archive.iter().find(|one| one.kind == kind && (one.from..one.to).contains(&number))
}

/// Rows of both kinds, as they travel and are filed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rows {
    /// Metric points.
    pub(crate) metrics: Vec<MetricBatchRecord>,
    /// Log lines.
    pub(crate) lines: Vec<LogLineRecord>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(seq: u64) -> LogLineRecord {
        LogLineRecord { seq, at_ms: 7, level: "info".into(), text: format!("line {seq}") }
    }

    fn segment(kind: u8, from: u64, to: u64) -> Segment {
        Segment { kind, from, to, sha256: [0; 32], size_bytes: 1, nodes: Vec::new() }
    }

    #[test]
    fn files_are_joined_before_they_become_many() {
        let mut archive = Vec::new();
        for round in 1..100_u64 {
            let (from, replaces) = next_from(&archive, METRICS);
            assert!(from == 0 || from == (round - 1) * 10);
            archive = with(&archive, segment(METRICS, from, round * 10), replaces);
            assert_eq!(archived_to(&archive, METRICS), round * 10);
            assert!(archive.len() <= FILES_MAX);
            for number in [0, round * 5, round * 10 - 1] {
                assert!(holding(&archive, METRICS, number).is_some(), "{number} of {round}");
            }
        }
        assert_eq!(archived_to(&archive, LINES), 0);
        assert!(holding(&archive, METRICS, 990).is_none());
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back_and_anything_else_is_refused(count in 0_u64..20, cut: prop::sample::Index) {
            let lines: Vec<LogLineRecord> = (1..=count).map(line).collect();
            let bytes = pack(&lines).unwrap();
            prop_assert_eq!(unpack::<LogLineRecord>(&bytes).unwrap(), lines.clone());
            if !bytes.is_empty() {
                let at = cut.index(bytes.len());
                if let Ok(fewer) = unpack::<LogLineRecord>(&bytes[..at]) {
                    prop_assert!(fewer.len() < lines.len());
                    prop_assert_eq!(&fewer[..], &lines[..fewer.len()]);
                }
            }
        }

        #[test]
        fn garbage_is_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
            prop_assert!(unpack::<MetricBatchRecord>(&bytes).is_err());
        }
    }
}
