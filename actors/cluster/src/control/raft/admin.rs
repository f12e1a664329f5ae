//! Who votes, who follows, how far everyone is: for those who manage the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use openraft::{ChangeMembers, Raft, RaftMetrics, ServerState};
use tokio::sync::watch;

use super::Running;
use super::types::{Member, Types, store_id};
use crate::control::ControlError;

/// A change of members is given up after this time; whether it happens is then shown by [`RaftAdmin::members`].
const CHANGE_MAX: Duration = Duration::from_secs(30);
/// A learner is promoted when it lags at most this far behind.
const PROMOTION_LAG_MAX: u64 = 100;

/// What a node is in the agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Receives entries, does not vote.
    Learner,
    /// Votes.
    Follower,
    /// Asks for votes.
    Candidate,
    /// Leads.
    Leader,
    /// Its core has ended.
    Ended,
}

/// A member as this node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// Its id in the log.
    pub raft_id: u64,
    /// Its name.
    pub node: String,
    /// Where it was reached when it was added.
    pub address: String,
    /// Whether it votes.
    pub voter: bool,
    /// Whether it leads, as far as this node knows.
    pub leader: bool,
    /// The last entry it is known to have; only the leader knows.
    pub matched: Option<u64>,
}

/// The agreement as this node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RaftView {
    /// This node's id in the log.
    pub raft_id: u64,
    /// What it is.
    pub role: Role,
    /// The term; grows with every election.
    pub term: u64,
    /// Who leads, as far as known.
    pub leader: Option<u64>,
    /// The last entry in the log here, from 1; 0 when there is none.
    pub last: u64,
    /// The last entry applied here.
    pub applied: u64,
    /// The last entry in the newest snapshot.
    pub snapshot: u64,
    /// Up to here the log was purged.
    pub purged: u64,
    /// On the leader: how long ago a majority last answered.
    pub millis_since_quorum: Option<u64>,
    /// Everyone.
    pub members: Vec<MemberView>,
}

impl RaftView {
    pub(super) fn new(metrics: &RaftMetrics<u64, Member>) -> Self {
        let index = |id: Option<openraft::LogId<u64>>| id.map_or(0, |id| store_id(id).index);
        let membership = metrics.membership_config.membership();
        let voters: BTreeSet<u64> = membership.voter_ids().collect();
        let matched = |raft_id: &u64| {
            let known = metrics.replication.as_ref()?.get(raft_id)?;
            Some(index(*known))
        };
        let members = membership.nodes().map(|(raft_id, member)| MemberView {
            raft_id: *raft_id,
            node: member.node.clone(),
            address: member.address.clone(),
            voter: voters.contains(raft_id),
            leader: metrics.current_leader == Some(*raft_id),
            matched: matched(raft_id),
        });
        Self {
            raft_id: metrics.id,
            role: match metrics.state {
                ServerState::Learner => Role::Learner,
                ServerState::Follower => Role::Follower,
                ServerState::Candidate => Role::Candidate,
                ServerState::Leader => Role::Leader,
                ServerState::Shutdown => Role::Ended,
            },
            term: metrics.current_term,
            leader: metrics.current_leader,
            last: metrics.last_log_index.map_or(0, |index| index + 1),
            applied: index(metrics.last_applied),
            snapshot: index(metrics.snapshot),
            purged: index(metrics.purged),
            millis_since_quorum: metrics.millis_since_quorum_ack,
            members: members.collect(),
        }
    }
}

/// Changes voters and learners. Every change is made on the leader and agreed upon like any command. Cheap to clone.
#[derive(Clone)]
pub struct RaftAdmin {
    pub(super) raft: Raft<Types>,
    pub(super) own: (u64, Member),
    pub(super) view: watch::Receiver<RaftView>,
    pub(super) caught_up: watch::Receiver<bool>,
    pub(super) running: Arc<Running>,
}

impl std::fmt::Debug for RaftAdmin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RaftAdmin").field("own", &self.own).finish_non_exhaustive()
    }
}

/// Returns when a node campaigns, as a number from 0 to 4.
pub(super) fn slot(raft_id: u64) -> u64 {
    raft_id % 5
}

fn refused(reason: impl std::fmt::Display) -> ControlError {
    ControlError::Members { reason: reason.to_string() }
}

impl RaftAdmin {
    /// Makes this node the first and only voter of a new cluster.
    ///
    /// # Errors
    /// Refuses when there is an agreement already.
    pub async fn initialise(&self) -> Result<(), ControlError> {
        let (own, member) = self.own.clone();
        self.raft.initialize(BTreeMap::from([(own, member)])).await.map_err(refused)
    }

    /// Adds a node that receives entries without voting. `raft_id` must never have been used before.
    ///
    /// # Errors
    /// [`ControlError::Members`] when this node does not lead or another change is under way.
    pub async fn add_learner(
        &self,
        raft_id: u64,
        node: &str,
        address: &str,
    ) -> Result<(), ControlError> {
        if let Some(known) = self.members().into_iter().find(|known| known.raft_id == raft_id) {
            if known.node == node && known.address == address {
                return Ok(());
            }
            return Err(refused(format!("raft id {raft_id} is already {}", known.node)));
        }
        let member = Member { node: node.to_owned(), address: address.to_owned() };
        self.change(ChangeMembers::AddNodes([(raft_id, member)].into()), true).await
    }

    /// Lets a learner vote once it has caught up.
    ///
    /// # Errors
    /// As [`Self::add_learner`], when it does not catch up within 30 s, and when a voter's id has the same remainder
    /// by 5: two that campaign at the same time may hinder each other for long. It rejoins with another id.
    pub async fn promote(&self, raft_id: u64) -> Result<(), ControlError> {
        let voters: Vec<MemberView> =
            self.members().into_iter().filter(|member| member.voter).collect();
        if voters.iter().any(|member| member.raft_id == raft_id) {
            return Ok(());
        }
        if let Some(same) = voters.iter().find(|member| slot(member.raft_id) == slot(raft_id)) {
            return Err(refused(format!(
                "raft ids {raft_id} and {} ({}) would campaign at the same time: join with another id",
                same.raft_id, same.node
            )));
        }
        let mut view = self.view.clone();
        let near = view.wait_for(|view| {
            let matched = view.members.iter().find(|member| member.raft_id == raft_id);
            let matched = matched.and_then(|member| member.matched);
            view.role != Role::Leader
                || matched.is_some_and(|matched| matched + PROMOTION_LAG_MAX >= view.last)
        });
        let waited = tokio::time::timeout(CHANGE_MAX, near).await;
        if !matches!(waited, Ok(Ok(_))) {
            return Err(refused(format!("raft id {raft_id} does not catch up")));
        }
        drop(waited);
        self.change(ChangeMembers::AddVoterIds([raft_id].into()), true).await
    }

    /// Takes the vote from a node; it goes on following.
    ///
    /// # Errors
    /// As [`Self::add_learner`].
    pub async fn demote(&self, raft_id: u64) -> Result<(), ControlError> {
        self.change(ChangeMembers::RemoveVoters([raft_id].into()), true).await
    }

    /// Removes a node, voter or not.
    ///
    /// # Errors
    /// As [`Self::add_learner`].
    pub async fn remove(&self, raft_id: u64) -> Result<(), ControlError> {
        match self.members().iter().find(|member| member.raft_id == raft_id) {
            None => Ok(()),
            Some(member) if member.voter => {
                self.change(ChangeMembers::RemoveVoters([raft_id].into()), false).await
            }
            Some(_) => self.change(ChangeMembers::RemoveNodes([raft_id].into()), false).await,
        }
    }

    /// Returns everyone in the log's membership, as this node knows it.
    #[must_use]
    pub fn members(&self) -> Vec<MemberView> {
        RaftView::new(&self.raft.metrics().borrow()).members
    }

    /// Follows the agreement as this node sees it.
    #[must_use]
    pub fn metrics(&self) -> watch::Receiver<RaftView> {
        self.view.clone()
    }

    /// Becomes true once this node has applied everything that was committed before it started. Nothing may be served
    /// from its state earlier.
    #[must_use]
    pub fn caught_up(&self) -> watch::Receiver<bool> {
        self.caught_up.clone()
    }

    /// Ends this node's part in the agreement, in good order, and waits until its files are closed.
    pub async fn shutdown(&self) {
        let running = Arc::clone(&self.running);
        // The thread is joined there; a panic in it was reported by `failed`.
        drop(tokio::task::spawn_blocking(move || running.end()).await);
    }

    async fn change(
        &self,
        change: ChangeMembers<u64, Member>,
        retain: bool,
    ) -> Result<(), ControlError> {
        let changed = self.raft.change_membership(change, retain);
        match tokio::time::timeout(CHANGE_MAX, changed).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refused(error)),
            Err(_) => Err(refused("no majority answered in time")),
        }
    }
}
