//! Where a session is in its life: the one transition table, agreed upon by all nodes.
//!
//! `pending → placed → starting → running ⇄ paused → completed | stopped | failed`, with `pausing` and `stopping` while
//! work finishes its iteration and `recovering` after a loss.

use serde::{Deserialize, Serialize};

/// Where a session is in its life.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Phase {
    /// Waits for a node.
    #[default]
    Pending,
    /// Has a node.
    Placed,
    /// Its node starts the work.
    Starting,
    /// Works.
    Running,
    /// Was told to stand still and finishes its iteration.
    Pausing,
    /// Stands still.
    Paused,
    /// Was told to end and does so in good order.
    Stopping,
    /// Lost its work or its node; goes on from the last checkpoint.
    Recovering,
    /// Did all its work.
    Completed,
    /// Ended on request.
    Stopped,
    /// Ended by an error after all retries.
    Failed,
}

impl Phase {
    /// Every phase, in the order of the enum.
    pub const ALL: [Self; 11] = [
        Self::Pending,
        Self::Placed,
        Self::Starting,
        Self::Running,
        Self::Pausing,
        Self::Paused,
        Self::Stopping,
        Self::Recovering,
        Self::Completed,
        Self::Stopped,
        Self::Failed,
    ];

    /// Whether nothing more can happen.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Stopped | Self::Failed)
    }

    /// Returns the phases that a holder may report directly after this one.
    ///
    /// Losing a node (released) and getting one (placed) are not reports and do not ask this table.
    #[must_use]
    pub fn successors(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::Stopped, Self::Failed],
            Self::Placed => {
                &[Self::Starting, Self::Recovering, Self::Stopping, Self::Stopped, Self::Failed]
            }
            Self::Starting => &[
                Self::Running,
                Self::Pausing,
                Self::Stopping,
                Self::Recovering,
                Self::Completed,
                Self::Stopped,
                Self::Failed,
            ],
            // Straight to paused: the word of the work that it stands still is true whatever was shown before.
            Self::Running => &[
                Self::Pausing,
                Self::Paused,
                Self::Stopping,
                Self::Recovering,
                Self::Completed,
                Self::Failed,
            ],
            Self::Pausing => &[
                Self::Paused,
                Self::Running,
                Self::Stopping,
                Self::Recovering,
                Self::Completed,
                Self::Failed,
            ],
            Self::Paused => &[
                Self::Running,
                Self::Stopping,
                Self::Recovering,
                Self::Completed,
                Self::Stopped,
                Self::Failed,
            ],
            Self::Stopping => &[Self::Stopped, Self::Completed, Self::Failed],
            Self::Recovering => {
                &[Self::Starting, Self::Paused, Self::Stopping, Self::Stopped, Self::Failed]
            }
            Self::Completed | Self::Stopped | Self::Failed => &[],
        }
    }

    /// Whether a holder may report `to` directly after this phase.
    #[must_use]
    pub fn may_lead_to(self, to: Self) -> bool {
        self.successors().contains(&to)
    }
}

/// One change of a session's phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Counts from 1 within the session.
    pub seq: u64,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// To which phase.
    pub phase: Phase,
    /// Why, a sentence.
    pub reason: String,
    /// Who: a user, `scheduler`, `host` or `worker`.
    pub actor: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_the_end_and_everything_else_can_fail() {
        for phase in Phase::ALL {
            assert_eq!(phase.successors().is_empty(), phase.is_terminal(), "{phase:?}");
            assert_eq!(phase.may_lead_to(Phase::Failed), !phase.is_terminal(), "{phase:?}");
            assert!(!phase.may_lead_to(phase), "{phase:?}");
        }
    }
}
