//! What a node may become and who may leave. Pure.
//!
//! ```text
//! joining ─caught up─► ready ⇄ cordoned
//!    │                  │ ▲      │
//!    │             drain│ │undrain (from draining and drained)
//!    │                  ▼ │      ▼
//!    │                draining ─emptied─► drained ─decommission─► left
//!    └─decommission─────────────────────────────────────────────► left
//! ```
//!
//! Whether a node is down is another matter: it has a state, and a lease or none. Asking for what is already so is
//! granted and changes nothing.

use crate::control::state::NodeState;

/// What can be asked of, or happen to, a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeCommand {
    /// It has applied everything the leader had committed: it is ready.
    CaughtUp,
    /// Takes no new sessions, keeps its own.
    Cordon,
    /// Takes sessions again.
    Uncordon,
    /// Gives its sessions away.
    Drain,
    /// Its last session is gone.
    Emptied,
    /// Stays after all.
    Undrain,
    /// Leaves for good.
    Decommission,
}

impl NodeCommand {
    /// Every command.
    pub const ALL: [Self; 7] = [
        Self::CaughtUp,
        Self::Cordon,
        Self::Uncordon,
        Self::Drain,
        Self::Emptied,
        Self::Undrain,
        Self::Decommission,
    ];
}

/// Why a node does not change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleRefusal {
    /// The node has not caught up yet.
    #[error("the node is still joining: wait until it is ready (`tm node ls`)")]
    StillJoining,
    /// The node gives its sessions away or has done so.
    #[error("the node is {}: `tm node undrain` brings it back first", word(*.state))]
    Draining {
        /// Which of the two.
        state: NodeState,
    },
    /// The node still takes or keeps sessions.
    #[error("the node is {} and may hold sessions: `tm node drain` it first", word(*.state))]
    NotDrained {
        /// Its state.
        state: NodeState,
    },
    /// The node is not giving its sessions away.
    #[error("the node is {}, not draining: nothing to finish", word(*.state))]
    NotDraining {
        /// Its state.
        state: NodeState,
    },
    /// The node has left.
    #[error("the node has left the cluster: to use it again, join it anew with `tm cluster join`")]
    HasLeft,
    /// The node still holds sessions.
    #[error(
        "the node still holds {count} sessions: wait until it is drained, or move them with `tm session move`"
    )]
    HoldsSessions {
        /// How many.
        count: usize,
    },
    /// Too few voters are up to agree on anything.
    #[error(
        "only {alive} of {voters} voters are up, {needed} are needed to agree on a change: bring one back first"
    )]
    NoMajority {
        /// Voters that are up.
        alive: usize,
        /// All voters.
        voters: usize,
        /// How many must be up.
        needed: usize,
    },
    /// Without the node too few voters would be up.
    #[error(
        "without it {alive} of {voters} voters would be up, {needed} are needed: bring another voter back first"
    )]
    BelowMajority {
        /// Voters that would be up.
        alive: usize,
        /// Voters there would be.
        voters: usize,
        /// How many must be up.
        needed: usize,
    },
    /// Without the node there would be fewer voters than wanted.
    #[error(
        "without it {left} voters would remain, {wanted} are wanted: add a node, or want fewer voters first"
    )]
    BelowWanted {
        /// Voters that would remain.
        left: usize,
        /// Voters that are wanted.
        wanted: usize,
    },
    /// The node is the whole cluster.
    #[error("the node is the only member: there is nothing to leave")]
    OnlyMember,
}

fn word(state: NodeState) -> &'static str {
    match state {
        NodeState::Ready => "ready",
        NodeState::Cordoned => "cordoned",
        NodeState::Draining => "draining",
        NodeState::Drained => "drained",
        NodeState::Down => "down",
        NodeState::Joining => "joining",
        NodeState::Left => "gone",
    }
}

/// Returns the state of a node after a command; the same one where nothing changes. Whether a node may leave is
/// also asked of [`may_leave`].
///
/// # Errors
/// Says why the command does not fit the state and what would.
pub fn next(state: NodeState, command: NodeCommand) -> Result<NodeState, LifecycleRefusal> {
    match state {
        NodeState::Joining => from_joining(command),
        NodeState::Ready | NodeState::Cordoned | NodeState::Down => from_working(state, command),
        NodeState::Draining | NodeState::Drained => from_draining(state, command),
        NodeState::Left => match command {
            NodeCommand::Decommission => Ok(NodeState::Left),
            NodeCommand::CaughtUp
            | NodeCommand::Cordon
            | NodeCommand::Uncordon
            | NodeCommand::Drain
            | NodeCommand::Emptied
            | NodeCommand::Undrain => Err(LifecycleRefusal::HasLeft),
        },
    }
}

fn from_joining(command: NodeCommand) -> Result<NodeState, LifecycleRefusal> {
    match command {
        NodeCommand::CaughtUp => Ok(NodeState::Ready),
        NodeCommand::Decommission => Ok(NodeState::Left),
        NodeCommand::Cordon
        | NodeCommand::Uncordon
        | NodeCommand::Drain
        | NodeCommand::Emptied
        | NodeCommand::Undrain => Err(LifecycleRefusal::StillJoining),
    }
}

fn from_working(state: NodeState, command: NodeCommand) -> Result<NodeState, LifecycleRefusal> {
    match command {
        // A cordon is an operator's word: catching up after a restart does not lift it.
        NodeCommand::CaughtUp if state == NodeState::Cordoned => Ok(state),
        NodeCommand::CaughtUp | NodeCommand::Uncordon => Ok(NodeState::Ready),
        NodeCommand::Undrain => Ok(state),
        NodeCommand::Cordon => Ok(NodeState::Cordoned),
        NodeCommand::Drain => Ok(NodeState::Draining),
        NodeCommand::Emptied => Err(LifecycleRefusal::NotDraining { state }),
        NodeCommand::Decommission => Err(LifecycleRefusal::NotDrained { state }),
    }
}

fn from_draining(state: NodeState, command: NodeCommand) -> Result<NodeState, LifecycleRefusal> {
    match command {
        NodeCommand::CaughtUp | NodeCommand::Drain => Ok(state),
        NodeCommand::Emptied => Ok(NodeState::Drained),
        NodeCommand::Undrain => Ok(NodeState::Ready),
        NodeCommand::Cordon | NodeCommand::Uncordon => Err(LifecycleRefusal::Draining { state }),
        NodeCommand::Decommission if state == NodeState::Drained => Ok(NodeState::Left),
        NodeCommand::Decommission => Err(LifecycleRefusal::NotDrained { state }),
    }
}

/// What is asked before a node leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaving {
    /// Its state.
    pub state: NodeState,
    /// Whether it votes.
    pub voter: bool,
    /// Whether its lease holds.
    pub up: bool,
    /// Sessions it holds.
    pub session_count: usize,
    /// Members of the cluster, it included.
    pub member_count: usize,
    /// All voters, it included if it is one.
    pub voter_count: usize,
    /// Voters whose lease holds, it included if it is one.
    pub voters_up: usize,
    /// Voters that are wanted.
    pub voters_wanted: usize,
}

/// Refuses what would leave the cluster unable to agree. A node that is down may leave without having been drained,
/// once it holds no sessions: nobody can ask it to.
///
/// # Errors
/// Says what is in the way and what to do.
pub fn may_leave(leaving: &Leaving) -> Result<NodeState, LifecycleRefusal> {
    let after = match next(leaving.state, NodeCommand::Decommission) {
        Err(LifecycleRefusal::NotDrained { .. }) if !leaving.up => NodeState::Left,
        other => other?,
    };
    if leaving.state == NodeState::Left {
        return Ok(after);
    }
    if leaving.session_count > 0 {
        return Err(LifecycleRefusal::HoldsSessions { count: leaving.session_count });
    }
    if leaving.member_count <= 1 {
        return Err(LifecycleRefusal::OnlyMember);
    }
    let (voters, alive) = (leaving.voter_count, leaving.voters_up);
    if alive < majority(voters) {
        return Err(LifecycleRefusal::NoMajority { alive, voters, needed: majority(voters) });
    }
    if leaving.voter {
        let voters = voters.saturating_sub(1);
        let alive = if leaving.up { alive.saturating_sub(1) } else { alive };
        let needed = majority(voters);
        if alive < needed {
            return Err(LifecycleRefusal::BelowMajority { alive, voters, needed });
        }
        if voters < leaving.voters_wanted {
            let (left, wanted) = (voters, leaving.voters_wanted);
            return Err(LifecycleRefusal::BelowWanted { left, wanted });
        }
    }
    Ok(after)
}

/// Returns how many of `voters` must agree.
#[must_use]
pub fn majority(voters: usize) -> usize {
    voters / 2 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    use NodeState::{Cordoned, Drained, Draining, Joining, Left, Ready};

    #[test]
    fn the_table_is_what_the_picture_shows() {
        // In the order of `NodeCommand::ALL`; `-` is refused.
        #[rustfmt::skip]
        let table = [
            (Joining,  [Some(Ready),    None,           None,        None,           None,          None,           Some(Left)]),
            (Ready,    [Some(Ready),    Some(Cordoned), Some(Ready), Some(Draining), None,          Some(Ready),    None]),
            (Cordoned, [Some(Cordoned), Some(Cordoned), Some(Ready), Some(Draining), None,          Some(Cordoned), None]),
            (Draining, [Some(Draining), None,           None,        Some(Draining), Some(Drained), Some(Ready),    None]),
            (Drained,  [Some(Drained),  None,           None,        Some(Drained),  Some(Drained), Some(Ready),    Some(Left)]),
            (Left,     [None,           None,           None,        None,           None,          None,           Some(Left)]),
        ];
        for (state, row) in table {
            for (command, wanted) in NodeCommand::ALL.into_iter().zip(row) {
                assert_eq!(next(state, command).ok(), wanted, "{state:?} {command:?}");
            }
        }
    }

    fn drained() -> Leaving {
        Leaving {
            state: Drained,
            voter: true,
            up: true,
            session_count: 0,
            member_count: 5,
            voter_count: 4,
            voters_up: 4,
            voters_wanted: 3,
        }
    }

    #[test]
    fn a_drained_node_leaves_when_enough_remain() {
        assert_eq!(may_leave(&drained()), Ok(Left));
        assert_eq!(may_leave(&Leaving { state: Left, member_count: 1, ..drained() }), Ok(Left));
    }

    #[test]
    fn refuses_below_the_wanted_number_of_voters() {
        let leaving = Leaving { voter_count: 3, voters_up: 3, ..drained() };
        let refusal = may_leave(&leaving).unwrap_err();
        assert_eq!(refusal, LifecycleRefusal::BelowWanted { left: 2, wanted: 3 });
        assert!(refusal.to_string().contains("2 voters would remain, 3 are wanted"), "{refusal}");
        // One that does not vote may go.
        assert_eq!(may_leave(&Leaving { voter: false, ..leaving }), Ok(Left));
    }

    #[test]
    fn refuses_when_too_few_voters_would_be_up() {
        let leaving = Leaving {
            voter_count: 5,
            voters_up: 3,
            member_count: 6,
            voters_wanted: 3,
            ..drained()
        };
        let refusal = LifecycleRefusal::BelowMajority { alive: 2, voters: 4, needed: 3 };
        assert_eq!(may_leave(&leaving), Err(refusal));
        // One of the two that are down may go: that helps.
        let dead = Leaving { up: false, state: Ready, ..leaving };
        assert_eq!(may_leave(&dead), Ok(Left));
    }

    #[test]
    fn refuses_everything_without_a_majority() {
        let leaving = Leaving { voter: false, voters_up: 2, ..drained() };
        let refusal = LifecycleRefusal::NoMajority { alive: 2, voters: 4, needed: 3 };
        assert_eq!(may_leave(&leaving), Err(refusal));
    }

    #[test]
    fn sessions_must_be_gone_and_a_live_node_drained() {
        let refusal = may_leave(&Leaving { session_count: 2, ..drained() });
        assert_eq!(refusal, Err(LifecycleRefusal::HoldsSessions { count: 2 }));
        let refusal = may_leave(&Leaving { state: Ready, ..drained() });
        assert_eq!(refusal, Err(LifecycleRefusal::NotDrained { state: Ready }));
        let alone = Leaving { member_count: 1, voter_count: 1, voters_up: 1, ..drained() };
        assert_eq!(may_leave(&alone), Err(LifecycleRefusal::OnlyMember));
    }
}
