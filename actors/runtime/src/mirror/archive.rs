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
/// A file is left alone once it holds more than so many times what comes after it: files then grow at least fivefold from
/// the newest to the oldest, and even a billion points are in fewer than sixteen.
const JOIN_RATIO: u64 = 4;

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

/// Returns from which number on the next file of a kind begins when records up to `to` (exclusive) are to be filed: files
/// that are small beside what follows them are written again together with it. So there are few files, and none is
/// written again often.
pub(crate) fn next_from(archive: &[Segment], kind: u8, to: u64) -> u64 {
    let mut from = archived_to(archive, kind);
    for one in archive.iter().rev().filter(|one| one.kind == kind) {
        if to.saturating_sub(from).saturating_mul(JOIN_RATIO) < one.to.saturating_sub(one.from) {
            break;
        }
        from = from.min(one.from);
    }
    from
}

/// Returns the archive with a new file in place of those that begin at `from` or later.
pub(crate) fn with(archive: &[Segment], new: Segment, from: u64) -> Vec<Segment> {
    let stays = |one: &&Segment| one.kind != new.kind || one.from < from;
    let mut all: Vec<Segment> = archive.iter().filter(stays).cloned().collect();
    all.push(new);
    all.sort_by_key(|one| (one.kind, one.from, one.to));
    all
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

    fn holds(archive: &[Segment], number: u64) -> usize {
        let inside = |one: &&Segment| one.kind == METRICS && (one.from..one.to).contains(&number);
        archive.iter().filter(inside).count()
    }

    #[test]
    fn a_small_file_is_joined_with_the_next_and_a_large_one_is_left_alone() {
        let archive = [segment(METRICS, 0, 1_000), segment(METRICS, 1_000, 1_010)];
        assert_eq!(next_from(&archive, METRICS, 1_020), 1_000);
        assert_eq!(next_from(&archive, METRICS, 1_500), 0);
        assert_eq!(next_from(&archive, LINES, 10), 0);
        let joined = with(&archive, segment(METRICS, 1_000, 1_020), 1_000);
        assert_eq!(joined, [segment(METRICS, 0, 1_000), segment(METRICS, 1_000, 1_020)]);
    }

    proptest! {
        #[test]
        fn every_record_is_in_exactly_one_of_few_files(steps in prop::collection::vec(1_u64..10_000, 1..400)) {
            let (mut archive, mut to) = (Vec::new(), 0);
            for step in steps {
                to += step;
                let from = next_from(&archive, METRICS, to);
                archive = with(&archive, segment(METRICS, from, to), from);
                prop_assert_eq!(archived_to(&archive, METRICS), to);
                prop_assert!(archive.len() <= 12, "{}", archive.len());
                for number in [0, to / 3, to / 2, to - step, to - 1] {
                    prop_assert_eq!(holds(&archive, number), 1, "{} of {}", number, to);
                }
                prop_assert_eq!(holds(&archive, to), 0);
            }
        }

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
