//! Who votes: one, three or five of the ready nodes. Pure and deterministic, one step at a time.
//!
//! Voters stay voters as long as they can: draining for a restart costs nobody a vote. One that was drained or is down
//! for long is replaced, but only by a node that is ready: first the new one is promoted, then the old one demoted.
//! Election times differ by slot, so voters have different slots.

use std::collections::BTreeSet;

use super::lifecycle::majority;
use crate::control::state::NodeState;

/// Slots for election times.
pub const SLOT_COUNT: u64 = 5;
const SLOTS: usize = 5;
/// A voter that is down for this long is replaced if somebody can take over.
pub const REPLACE_AFTER_MS: u64 = 5 * 60_000;

/// Returns the slot of a node's number in the control plane.
#[must_use]
pub fn slot(raft_id: u64) -> u64 {
    raft_id % SLOT_COUNT
}

/// Returns the smallest number above `newest` whose slot none of `voters` has; the very next one when all are taken.
#[must_use]
pub fn free_id(newest: u64, voters: &[u64]) -> u64 {
    let taken: BTreeSet<u64> = voters.iter().map(|id| slot(*id)).collect();
    (1..=SLOT_COUNT)
        .map(|step| newest.saturating_add(step))
        .find(|id| !taken.contains(&slot(*id)))
        .unwrap_or(newest.saturating_add(1))
}

/// A member as the plan sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub node: String,
    /// Its number in the control plane.
    pub raft_id: u64,
    /// Whether it votes.
    pub voter: bool,
    /// Whether it leads.
    pub leader: bool,
    /// Its state.
    pub state: NodeState,
    /// For how long it is down; absent while it is up.
    pub down_ms: Option<u64>,
    /// Whether it has applied nearly everything that was committed.
    pub caught_up: bool,
}

impl Member {
    /// Whether it can become a voter now.
    fn promotable(&self) -> bool {
        !self.voter && self.state == NodeState::Ready && self.down_ms.is_none() && self.caught_up
    }

    /// Whether it votes and should not be replaced.
    fn steady(&self) -> bool {
        let working = match self.state {
            NodeState::Ready | NodeState::Cordoned | NodeState::Draining | NodeState::Down => true,
            NodeState::Joining | NodeState::Drained | NodeState::Left => false,
        };
        self.voter && working && self.down_ms.is_none_or(|down| down < REPLACE_AFTER_MS)
    }

    /// Whether it votes and keeps doing so only until somebody can take over.
    fn lingering(&self) -> bool {
        self.voter && !self.steady() && self.state != NodeState::Left
    }
}

/// One change of who votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VoterStep {
    /// Makes a learner a voter.
    Promote {
        /// Which.
        node: String,
    },
    /// Gives a learner another number, since a voter has its slot: it is removed and joins again.
    Renumber {
        /// Which.
        node: String,
        /// The slot that is taken.
        slot: u64,
    },
    /// Makes a voter a learner.
    Demote {
        /// Which.
        node: String,
    },
}

/// Returns how many voters there should be: the largest of 1, 3 and 5 that is neither more than wanted nor more than
/// there are candidates.
#[must_use]
pub fn target(wanted: usize, candidates: usize) -> usize {
    [5, 3].into_iter().find(|count| *count <= wanted.min(candidates)).unwrap_or(1)
}

/// Returns the next change of who votes, if one is due and safe.
#[must_use]
pub fn plan(members: &[Member], wanted: usize) -> Option<VoterStep> {
    let chosen = choose(members, wanted);
    let voters: Vec<&Member> = members.iter().filter(|member| member.voter).collect();
    // Slots of those that stay and of those that leave: the old one still votes when the new one begins.
    let taken: BTreeSet<u64> = voters.iter().map(|voter| slot(voter.raft_id)).collect();
    let promoted = chosen.iter().find(|member| !member.voter);
    // With every slot taken somebody must go first.
    if let Some(member) = promoted.filter(|_| taken.len() < SLOTS) {
        let (node, slot) = (member.node.clone(), slot(member.raft_id));
        let free = !taken.contains(&slot);
        return Some(if free {
            VoterStep::Promote { node }
        } else {
            VoterStep::Renumber { node, slot }
        });
    }
    demotion(&voters, &chosen).map(|node| VoterStep::Demote { node })
}

/// Returns the voter that should stop voting, if one should and a majority stays up without it.
fn demotion(voters: &[&Member], chosen: &[&Member]) -> Option<String> {
    let superfluous = voters
        .iter()
        .filter(|voter| !chosen.iter().any(|member| member.node == voter.node))
        // The dead first, since they weigh on the majority; the leader last, since it costs an election.
        .min_by_key(|voter| (voter.leader, voter.down_ms.is_none(), u64::MAX - voter.raft_id))?;
    let up = voters.iter().filter(|voter| voter.down_ms.is_none());
    let up_after = up.filter(|voter| voter.node != superfluous.node).count();
    let after = voters.len() - 1;
    let safe = after > 0 && majority(after) <= up_after;
    safe.then(|| superfluous.node.clone())
}

/// Returns who should vote, in the order of preference.
fn choose(members: &[Member], wanted: usize) -> Vec<&Member> {
    let mut steady: Vec<&Member> = members.iter().filter(|member| member.steady()).collect();
    steady.sort_by_key(|member| (!member.leader, member.raft_id));
    let mut lingering: Vec<&Member> = members.iter().filter(|member| member.lingering()).collect();
    lingering.sort_by_key(|member| (!member.leader, member.raft_id));
    let taken: BTreeSet<u64> =
        members.iter().filter(|member| member.voter).map(|member| slot(member.raft_id)).collect();
    let mut fresh: Vec<&Member> = members.iter().filter(|member| member.promotable()).collect();
    fresh.sort_by_key(|member| (taken.contains(&slot(member.raft_id)), member.raft_id));

    let count = target(wanted, steady.len() + fresh.len() + lingering.len());
    let mut chosen = steady;
    chosen.truncate(count);
    for candidate in fresh.into_iter().chain(lingering) {
        if chosen.len() < count {
            chosen.push(candidate);
        }
    }
    chosen
}

#[cfg(test)]
mod tests;
