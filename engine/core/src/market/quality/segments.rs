//! Findings about how a data set is cut: segments that share times, and segments used earlier that lie later.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Check, Finding, Severity};
use crate::market::bar::show_time;

/// What a segment is used for, in the order of use.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SegmentRole {
    /// What the agent learns from.
    Train,
    /// What the best model is chosen on.
    Valid,
    /// What the result is reported on.
    Test,
}

impl SegmentRole {
    fn name(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Valid => "validation",
            Self::Test => "test",
        }
    }
}

/// A part of the data and what it is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    /// What it is used for.
    pub role: SegmentRole,
    /// First time, milliseconds since 1970 UTC.
    pub first_ms: i64,
    /// Last time.
    pub last_ms: i64,
}

/// Returns what is wrong with a cut: each pair of segments of different use that shares times or whose order in time
/// is not that of their use. Both mean that a result has been helped by knowledge it could not have had.
#[must_use]
pub fn segments(segments: &[Segment]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, one) in segments.iter().enumerate() {
        for other in &segments[index + 1..] {
            if one.role == other.role {
                continue;
            }
            let (before, after) = if one.role < other.role { (one, other) } else { (other, one) };
            let names = [before.role.name(), after.role.name()];
            if before.first_ms <= after.last_ms && after.first_ms <= before.last_ms {
                let message = format!(
                    "the {} and the {} segment share the time from {} to {}: results on one are known from the other",
                    names[0],
                    names[1],
                    show_time(before.first_ms.max(after.first_ms)),
                    show_time(before.last_ms.min(after.last_ms))
                );
                found.push(Finding::new(Check::SegmentOverlap, Severity::Danger, message));
            } else if after.last_ms < before.first_ms {
                let message = format!(
                    "the {} segment ({} to {}) lies before the {} segment (from {}): what is chosen on the latter knows \
                     the time after the former",
                    names[1],
                    show_time(after.first_ms),
                    show_time(after.last_ms),
                    names[0],
                    show_time(before.first_ms)
                );
                found.push(Finding::new(Check::SegmentOrder, Severity::Danger, message));
            }
        }
    }
    found
}
