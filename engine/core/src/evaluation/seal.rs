//! The sealed final segment: rows that nothing may read until they are opened, once per strategy lineage.
//!
//! A pure rule. Who may ask, what is audited and where the opening record is kept is decided outside; here stands which
//! rows are unreadable, when an opening is refused, and what a report must say.
//!
//! Source: learning.md section 10.1.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::market::bar::show_time;
use crate::market::part::sealed;

/// Share of the rows that are sealed unless told otherwise.
pub const SHARE: f64 = 0.15;

/// Why the seal stays.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It was opened before.
    #[error(
        "the seal of {lineage} was opened by {by} at {} already; it can be opened once: begin a new strategy on data that \
         nobody has seen",
        show_time(*opened_ms)
    )]
    Opened {
        /// The lineage.
        lineage: String,
        /// Who opened it.
        by: String,
        /// When, milliseconds since 1970 UTC.
        opened_ms: i64,
    },
    /// No reason was given.
    #[error(
        "opening the sealed segment wants a reason of at least {wanted} characters, found {found}; say why now"
    )]
    Reason {
        /// Fewest characters.
        wanted: usize,
        /// Characters given.
        found: usize,
    },
    /// The share seals nothing or everything.
    #[error("wanted a sealed share above 0 and below 1, found {share}")]
    Share {
        /// The share.
        share: f64,
    },
}

/// Fewest characters of a reason.
pub const REASON_MIN: usize = 10;

/// The record of an opening; kept with the lineage for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpeningRecord {
    /// The lineage whose seal was opened.
    pub lineage: String,
    /// Who opened it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, milliseconds since 1970 UTC.
    pub opened_ms: i64,
}

/// What a report says about the seal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SealMark {
    /// Nothing was sealed.
    #[default]
    None,
    /// The sealed rows were unreadable when this was run.
    Unopened,
    /// This is the run for which they were opened: the one honest look.
    OpenedFor {
        /// When, milliseconds since 1970 UTC.
        opened_ms: i64,
        /// Other snapshots that earlier sessions of the lineage ran on: they may have held rows that are sealed here.
        #[serde(default, skip_serializing_if = "is_zero")]
        other_snapshots: u32,
    },
    /// The run began after the rows had been seen: its figures on them are no longer out of sample.
    AfterOpening {
        /// When, milliseconds since 1970 UTC.
        opened_ms: i64,
    },
}

impl SealMark {
    /// Whether nothing was sealed.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// What wants to read rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Training, sweeps and notebooks: never the sealed rows.
    Research,
    /// The final evaluation: the sealed rows once they are opened.
    Final,
}

/// Returns the sealed rows: the last `share` of them, rounded up.
///
/// # Errors
/// Refuses a share outside (0, 1).
pub fn sealed_rows(rows: usize, share: f64) -> Result<Range<usize>, Refusal> {
    if !(0.0 < share && share < 1.0) {
        return Err(Refusal::Share { share });
    }
    Ok(sealed(rows, share))
}

/// Returns the rows that may be read, always from the first one on.
#[must_use]
pub fn readable(
    sealed: &Range<usize>,
    reader: Reader,
    opening: Option<&OpeningRecord>,
) -> Range<usize> {
    match (reader, opening) {
        (Reader::Final, Some(_)) => 0..sealed.end,
        (Reader::Final, None) | (Reader::Research, _) => 0..sealed.start,
    }
}

/// Returns the record of an opening that is allowed.
///
/// # Errors
/// Refuses a second opening of the lineage and a reason that is none.
pub fn open(
    wanted: OpeningRecord,
    before: Option<&OpeningRecord>,
) -> Result<OpeningRecord, Refusal> {
    if let Some(before) = before {
        return Err(Refusal::Opened {
            lineage: before.lineage.clone(),
            by: before.by.clone(),
            opened_ms: before.opened_ms,
        });
    }
    let found = wanted.reason.trim().chars().count();
    if found < REASON_MIN {
        return Err(Refusal::Reason { wanted: REASON_MIN, found });
    }
    Ok(wanted)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// What was run before with a lineage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Before {
    /// Whether a run was given the sealed rows already.
    pub looked: bool,
    /// Snapshots that runs of any kind saw, without this run's.
    pub other_snapshots: u32,
}

/// Returns what the report of a run says. `reader` and `started_ms` are the run's; the configuration of the run for
/// which the seal was opened was fixed before, so only the first final run counts as that one.
#[must_use]
pub fn mark(
    reader: Reader,
    started_ms: i64,
    before: Before,
    opening: Option<&OpeningRecord>,
) -> SealMark {
    match opening {
        None => SealMark::Unopened,
        Some(record) if started_ms < record.opened_ms => SealMark::Unopened,
        Some(record) => match reader {
            Reader::Final if !before.looked => SealMark::OpenedFor {
                opened_ms: record.opened_ms,
                other_snapshots: before.other_snapshots,
            },
            Reader::Final | Reader::Research => {
                SealMark::AfterOpening { opened_ms: record.opened_ms }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::seal::SHARE_SUGGESTED as SHARE;

    fn record() -> OpeningRecord {
        OpeningRecord {
            lineage: "trend".to_owned(),
            by: "ada".to_owned(),
            reason: "final review before paper trading".to_owned(),
            opened_ms: 1_000,
        }
    }

    #[test]
    fn the_last_rows_are_sealed_until_they_are_opened() {
        let sealed = sealed_rows(1_000, SHARE).unwrap();
        assert_eq!(sealed, 850..1_000);
        assert_eq!(sealed_rows(10, SHARE).unwrap(), 8..10);
        assert_eq!(sealed_rows(0, SHARE).unwrap(), 0..0);
        assert_eq!(readable(&sealed, Reader::Final, None), 0..850);
        assert_eq!(readable(&sealed, Reader::Final, Some(&record())), 0..1_000);
        assert_eq!(readable(&sealed, Reader::Research, Some(&record())), 0..850);
    }

    #[test]
    fn opens_once_and_only_for_a_reason() {
        assert_eq!(open(record(), None), Ok(record()));
        let again = open(record(), Some(&record())).unwrap_err();
        assert!(again.to_string().contains("trend") && again.to_string().contains("ada"));
        let silent = OpeningRecord { reason: "    because   ".to_owned(), ..record() };
        assert_eq!(open(silent, None), Err(Refusal::Reason { wanted: 10, found: 7 }));
        for share in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(sealed_rows(100, share).is_err());
        }
    }

    #[test]
    fn every_report_says_what_was_seen() {
        let opening = record();
        let (nothing, looked) = (Before::default(), Before { looked: true, other_snapshots: 1 });
        assert_eq!(mark(Reader::Final, 2_000, nothing, None), SealMark::Unopened);
        assert_eq!(mark(Reader::Research, 500, looked, Some(&opening)), SealMark::Unopened);
        let first = mark(Reader::Final, 1_000, nothing, Some(&opening));
        assert_eq!(first, SealMark::OpenedFor { opened_ms: 1_000, other_snapshots: 0 });
        for (reader, before) in [(Reader::Final, looked), (Reader::Research, nothing)] {
            let later = mark(reader, 2_000, before, Some(&opening));
            assert_eq!(later, SealMark::AfterOpening { opened_ms: 1_000 });
        }
        let text = serde_json::to_string(&first).unwrap();
        assert_eq!(text, "{\"state\":\"opened_for\",\"opened_ms\":1000}");
        let elsewhere = Before { other_snapshots: 2, ..nothing };
        let first = mark(Reader::Final, 1_000, elsewhere, Some(&opening));
        assert_eq!(first, SealMark::OpenedFor { opened_ms: 1_000, other_snapshots: 2 });
        assert_eq!(
            serde_json::from_str::<SealMark>(&text).ok(),
            Some(SealMark::OpenedFor { opened_ms: 1_000, other_snapshots: 0 })
        );
    }

    proptest! {
        #[test]
        fn research_never_reads_a_sealed_row(rows in 0_usize..10_000, share in 0.001..0.999_f64) {
            let sealed = sealed_rows(rows, share).unwrap();
            prop_assert_eq!(sealed.end, rows);
            prop_assert!(rows == 0 || !sealed.is_empty());
            let free = readable(&sealed, Reader::Research, None);
            prop_assert!(free.end <= sealed.start);
        }
    }
}
