//! Which versions speak with each other, and what may be written when. Pure.
//!
//! One number for all: protocol `n` is what cluster version `n` writes. A build speaks a range of protocols; two nodes
//! speak the newest that both know. The cluster's version lives in the agreed state and only rises, by command, once
//! every member reports a build that knows the new one: before that an older node would stop at an entry it cannot
//! read, afterwards there is no way back.

use crate::control::ControlCommand;

/// The oldest protocol that this build speaks.
pub const PROTOCOL_MIN: u16 = 1;
/// The newest protocol that this build speaks, and the newest cluster version it can write.
pub const PROTOCOL_MAX: u16 = 1;

/// Protocols that a build speaks, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProtocolRange {
    /// The oldest.
    pub min: u16,
    /// The newest.
    pub max: u16,
}

impl ProtocolRange {
    /// What this build speaks.
    pub const OURS: Self = Self { min: PROTOCOL_MIN, max: PROTOCOL_MAX };

    /// Returns the newest protocol that both speak.
    #[must_use]
    pub fn negotiate(self, other: Self) -> Option<u16> {
        let newest = self.max.min(other.max);
        (self.min.max(other.min) <= newest).then_some(newest)
    }

    /// Whether it contains `version`.
    #[must_use]
    pub fn speaks(self, version: u32) -> bool {
        u32::from(self.min) <= version && version <= u32::from(self.max)
    }
}

/// Returns the cluster version from which on a command may be written. Version 0 is what a node wrote before there
/// could be several; the first leader raises it once, an operator later, by `tm cluster upgrade finalize`.
#[must_use]
pub fn since(command: &ControlCommand) -> u32 {
    match command {
        ControlCommand::InitCluster { .. }
        | ControlCommand::RaiseVersion { .. }
        | ControlCommand::ChangeDocuments { .. }
        | ControlCommand::SubmitSession(_)
        | ControlCommand::SetDesired { .. }
        | ControlCommand::RequestCheckpoint { .. }
        | ControlCommand::PlaceSession { .. }
        | ControlCommand::ReleaseSession { .. }
        | ControlCommand::RecordRetry { .. }
        | ControlCommand::CommitCheckpoint { .. }
        | ControlCommand::FinishSession { .. }
        | ControlCommand::RemoveSession { .. }
        | ControlCommand::RegisterNode { .. }
        | ControlCommand::SetNodeState { .. } => 0,
        ControlCommand::AdmitNode { .. }
        | ControlCommand::MarkDown { .. }
        | ControlCommand::RecordPhase { .. }
        | ControlCommand::EvictSession { .. }
        | ControlCommand::ArchiveSession { .. } => 1,
    }
}

/// Returns the version to raise to now, if every member knows one that is newer: what `finalize` proposes.
#[must_use]
pub fn newest_common(
    current: u32,
    members: impl IntoIterator<Item = ProtocolRange>,
) -> Option<u32> {
    let newest =
        members.into_iter().fold(ProtocolRange::OURS.max, |newest, range| newest.min(range.max));
    (current < u32::from(newest)).then_some(u32::from(newest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(min: u16, max: u16) -> ProtocolRange {
        ProtocolRange { min, max }
    }

    #[test]
    fn two_speak_the_newest_that_both_know() {
        assert_eq!(range(1, 3).negotiate(range(2, 5)), Some(3));
        assert_eq!(range(2, 5).negotiate(range(1, 3)), Some(3));
        assert_eq!(range(1, 1).negotiate(range(1, 1)), Some(1));
        assert_eq!(range(1, 2).negotiate(range(3, 4)), None);
        assert_eq!(range(3, 4).negotiate(range(1, 2)), None);
    }

    #[test]
    fn a_range_turned_round_speaks_with_nobody() {
        assert_eq!(range(3, 1).negotiate(range(1, 3)), None);
        assert!(!range(3, 1).speaks(2));
    }

    #[test]
    fn the_newest_common_version_is_that_of_the_oldest_member() {
        assert_eq!(newest_common(0, [range(1, 1), range(1, 9)]), Some(1));
        assert_eq!(newest_common(1, [range(1, 1), range(1, 9)]), None);
        assert_eq!(newest_common(0, [range(0, 0)]), None);
    }
}
