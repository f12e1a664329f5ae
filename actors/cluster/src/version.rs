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

/// A member with what it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberBuild {
    /// Its name.
    pub node: String,
    /// What it speaks.
    pub range: ProtocolRange,
    /// Its build, for people.
    pub build: String,
}

/// Why something is not written or raised yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionRefusal {
    /// Older nodes could not read the command.
    #[error(
        "this needs cluster version {needed}, the cluster has {current}: replace the program on every node, then `tm cluster upgrade finalize`"
    )]
    NotYet {
        /// The version that has it.
        needed: u32,
        /// The cluster's version.
        current: u32,
    },
    /// The version does not rise.
    #[error("the cluster version is {current} and only rises, wanted {wanted}")]
    NotRising {
        /// The cluster's version.
        current: u32,
        /// The one asked for.
        wanted: u32,
    },
    /// Members that do not know the version.
    #[error("cluster version {wanted} is not known to {}: replace the program there first", list(.behind))]
    Behind {
        /// The one asked for.
        wanted: u32,
        /// Who does not know it.
        behind: Vec<MemberBuild>,
    },
}

fn list(behind: &[MemberBuild]) -> String {
    let name = |member: &MemberBuild| {
        format!(
            "{} ({}, knows {} to {})",
            member.node, member.build, member.range.min, member.range.max
        )
    };
    behind.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Returns the cluster version from which on a command may be written. Version 0 is what a node wrote before there
/// could be several; a node that is alone raises its own version when it starts, others by `finalize`.
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

/// Refuses a command that the cluster cannot read yet.
///
/// # Errors
/// [`VersionRefusal::NotYet`].
pub fn gate(command: &ControlCommand, current: u32) -> Result<(), VersionRefusal> {
    let needed = since(command);
    if needed <= current { Ok(()) } else { Err(VersionRefusal::NotYet { needed, current }) }
}

/// Refuses to raise the cluster's version before every member knows the new one.
///
/// # Errors
/// [`VersionRefusal::NotRising`], or [`VersionRefusal::Behind`] with everybody who is.
pub fn may_raise(
    current: u32,
    wanted: u32,
    members: impl IntoIterator<Item = MemberBuild>,
) -> Result<(), VersionRefusal> {
    if wanted <= current {
        return Err(VersionRefusal::NotRising { current, wanted });
    }
    let behind: Vec<_> =
        members.into_iter().filter(|member| !member.range.speaks(wanted)).collect();
    if behind.is_empty() { Ok(()) } else { Err(VersionRefusal::Behind { wanted, behind }) }
}

/// Returns the version to raise to now, if every member knows one that is newer: what `finalize` proposes, and what a
/// node that is alone proposes when it starts.
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

    fn member(node: &str, min: u16, max: u16) -> MemberBuild {
        MemberBuild { node: node.into(), range: range(min, max), build: "0.1".into() }
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
    fn a_command_waits_for_the_version_that_has_it() {
        let new = ControlCommand::MarkDown { node: "a".into(), incarnation: 1, term: 1 };
        let old = ControlCommand::RemoveSession { session: [1; 16] };
        assert_eq!(gate(&new, 0), Err(VersionRefusal::NotYet { needed: 1, current: 0 }));
        assert_eq!(gate(&new, 1), Ok(()));
        assert_eq!(gate(&old, 0), Ok(()));
    }

    #[test]
    fn rises_only_when_everybody_knows_the_new_one() {
        let all = || [member("a", 1, 2), member("b", 1, 2)];
        assert_eq!(may_raise(1, 2, all()), Ok(()));
        assert_eq!(
            may_raise(2, 2, all()),
            Err(VersionRefusal::NotRising { current: 2, wanted: 2 })
        );
        let refusal = may_raise(1, 2, [member("a", 1, 2), member("b", 1, 1)]).unwrap_err();
        assert_eq!(refusal, VersionRefusal::Behind { wanted: 2, behind: vec![member("b", 1, 1)] });
        assert!(refusal.to_string().contains("b (0.1, knows 1 to 1)"), "{refusal}");
    }

    #[test]
    fn the_newest_common_version_is_that_of_the_oldest_member() {
        assert_eq!(newest_common(0, [range(1, 1), range(1, 9)]), Some(1));
        assert_eq!(newest_common(1, [range(1, 1), range(1, 9)]), None);
        assert_eq!(newest_common(0, [range(0, 0)]), None);
    }
}
