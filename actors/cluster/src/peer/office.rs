//! What the leader keeps in order: the cluster has an identity and a version, admitted nodes get the log, those that
//! have caught up are ready, the right ones vote, those that left are forgotten.
//!
//! One change at a time, decided anew from what is agreed upon: repeating it, or doing it beside another who believes
//! to lead, is harmless, since every change needs the majority.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::settings::PeerSettings;
use crate::control::state::{Node, NodeState};
use crate::control::{
    CommandId, ControlCommand, ControlError, ControlHandle, ControlState, MemberView, RaftAdmin,
    RaftView, Role,
};
use crate::lease::LeaseService;
use crate::membership::voters::{self, VoterStep};
use crate::version::PROTOCOL_MAX;

/// How often the leader looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// As many voters as there should be at most.
const VOTERS_WANTED: usize = 5;
/// Entries that a node may lack and still count as caught up.
const LAG_MAX: u64 = 100;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Duty {
    /// Give the cluster its identity.
    Name,
    /// Let everybody write what this build reads.
    RaiseVersion,
    /// Send the log to a node.
    Follow { number: u64, node: String, address: String },
    /// A node has caught up.
    Ready { node: String },
    /// Forget a number.
    Forget { number: u64 },
    /// Change who votes.
    Vote(VoterStep),
}

/// Returns what to do next. Pure.
fn duty(state: &ControlState, view: &RaftView, live: impl Fn(&str) -> bool) -> Option<Duty> {
    if state.cluster.is_none() {
        return Some(Duty::Name);
    }
    if state.version == 0 {
        return Some(Duty::RaiseVersion);
    }
    let nodes = || state.nodes.iter().filter(|(_, node)| node.member() && node.raft_id != 0);
    let known = |number: u64| view.members.iter().any(|member| member.raft_id == number);
    if let Some((name, node)) = nodes().find(|(_, node)| !known(node.raft_id)) {
        return Some(Duty::Follow {
            number: node.raft_id,
            node: name.to_owned(),
            address: node.profile.cluster_address.clone(),
        });
    }
    let superseded = |member: &&MemberView| {
        let node = state.nodes.get(&member.node);
        node.is_some_and(|node| {
            !node.member() || (node.raft_id != 0 && node.raft_id != member.raft_id)
        })
    };
    if let Some(member) = view.members.iter().find(superseded) {
        return Some(Duty::Forget { number: member.raft_id });
    }
    let joined = |(name, node): &(&str, &Node)| {
        node.state == NodeState::Joining
            && node.down_since_ms.is_none()
            && caught_up(view, node.raft_id)
            && live(name)
    };
    if let Some((name, _)) = nodes().find(joined) {
        return Some(Duty::Ready { node: name.to_owned() });
    }
    let members: Vec<voters::Member> =
        nodes().filter_map(|(name, node)| member(state, view, name, node)).collect();
    voters::plan(&members, VOTERS_WANTED).map(Duty::Vote)
}

fn caught_up(view: &RaftView, number: u64) -> bool {
    if view.raft_id == number {
        return true;
    }
    let member = view.members.iter().find(|member| member.raft_id == number);
    let matched = member.and_then(|member| member.matched);
    matched.is_some_and(|matched| view.last <= matched.saturating_add(LAG_MAX))
}

fn member(
    state: &ControlState,
    view: &RaftView,
    name: &str,
    node: &Node,
) -> Option<voters::Member> {
    let seen = view.members.iter().find(|member| member.raft_id == node.raft_id)?;
    Some(voters::Member {
        node: name.to_owned(),
        raft_id: node.raft_id,
        voter: seen.voter,
        leader: seen.leader,
        state: node.state,
        down_ms: node.down_since_ms.map(|since| state.applied_at_ms.saturating_sub(since)),
        caught_up: caught_up(view, node.raft_id),
    })
}

struct Office {
    node: String,
    control: ControlHandle,
    admin: RaftAdmin,
    leases: Arc<LeaseService>,
    /// The last thing that did not work, so that it is told once.
    complained: Option<String>,
}

/// Begins to look; does something only where this node leads.
pub(super) fn start(
    settings: &PeerSettings,
    control: &ControlHandle,
    admin: &RaftAdmin,
    leases: &Arc<LeaseService>,
) -> AbortHandle {
    let mut office = Office {
        node: settings.node.clone(),
        control: control.clone(),
        admin: admin.clone(),
        leases: Arc::clone(leases),
        complained: None,
    };
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            office.look().await;
        }
    })
    .abort_handle()
}

impl Office {
    async fn look(&mut self) {
        let view = self.admin.metrics().borrow().clone();
        if view.role != Role::Leader {
            return;
        }
        let members = self.control.read(|state| {
            let members = state.nodes.iter().filter(|(_, node)| node.member());
            members.map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
        });
        self.leases.retain(|name| members.iter().any(|member| member == name));
        let live = |name: &str| self.leases.live(name);
        let Some(duty) = self.control.read(|state| duty(state, &view, live)) else { return };
        match self.carry_out(&duty).await {
            Ok(()) => self.complained = None,
            Err(error) => {
                let text = format!("{duty:?}: {error}");
                if self.complained.as_ref() != Some(&text) {
                    tracing::warn!(?duty, %error, "what the leader keeps in order was not done yet");
                    self.complained = Some(text);
                }
            }
        }
    }

    async fn carry_out(&self, duty: &Duty) -> Result<(), ControlError> {
        match duty {
            Duty::Name => {
                let cluster = *uuid::Uuid::new_v4().as_bytes();
                self.propose(ControlCommand::InitCluster { cluster }).await
            }
            Duty::RaiseVersion => {
                let version = u32::from(PROTOCOL_MAX);
                self.propose(ControlCommand::RaiseVersion { version }).await
            }
            Duty::Follow { number, node, address } => {
                tracing::info!(%node, number, %address, "sending the log to a new member");
                self.admin.add_learner(*number, node, address).await
            }
            Duty::Ready { node } => {
                self.propose(ControlCommand::SetNodeState {
                    node: node.clone(),
                    state: NodeState::Ready,
                    actor: format!("node {}", self.node),
                    reason: "caught up".to_owned(),
                })
                .await
            }
            Duty::Forget { number } => self.admin.remove(*number).await,
            Duty::Vote(step) => self.vote(step).await,
        }
    }

    async fn vote(&self, step: &VoterStep) -> Result<(), ControlError> {
        let number =
            |name: &str| self.control.read(|state| state.nodes.get(name).map(|n| n.raft_id));
        let (VoterStep::Promote { node } | VoterStep::Demote { node }) = step else {
            return Err(ControlError::Members {
                reason: "only nodes whose numbers campaign at the same time as a voter's are left: another node must join"
                    .to_owned(),
            });
        };
        let Some(number) = number(node) else { return Ok(()) };
        tracing::info!(?step, number, "changing who votes");
        match step {
            VoterStep::Promote { .. } => self.admin.promote(number).await,
            VoterStep::Demote { .. } => self.admin.demote(number).await,
            VoterStep::Renumber { .. } => Ok(()),
        }
    }

    async fn propose(&self, command: ControlCommand) -> Result<(), ControlError> {
        let key = CommandId(*uuid::Uuid::new_v4().as_bytes());
        self.control.execute(key, command).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Proposed;
    use crate::control::apply::apply;
    use crate::control::command::Entry;
    use crate::control::state::{Profile, Resources};

    fn apply_all(state: &mut ControlState, commands: impl IntoIterator<Item = ControlCommand>) {
        for command in commands {
            let index = state.applied_index + 1;
            let key = CommandId((u128::from(index)).to_be_bytes());
            let commands = vec![Proposed { key, command }];
            let entry = Entry { index, term: 1, at_ms: index, commands };
            for result in apply(state, &entry).unwrap().results {
                result.unwrap();
            }
        }
    }

    fn admit(node: &str) -> ControlCommand {
        ControlCommand::AdmitNode {
            node: node.into(),
            incarnation: 1,
            capacity: Resources::default(),
            profile: Profile { cluster_address: format!("{node}:7700"), ..Profile::default() },
            renumber: false,
        }
    }

    fn seen(number: u64, node: &str, voter: bool, matched: Option<u64>) -> MemberView {
        let (node, address) = (node.to_owned(), format!("{node}:7700"));
        MemberView { raft_id: number, node, address, voter, leader: number == 1, matched }
    }

    fn view(members: Vec<MemberView>) -> RaftView {
        RaftView {
            raft_id: 1,
            role: Role::Leader,
            term: 1,
            leader: Some(1),
            last: 500,
            applied: 500,
            snapshot: 0,
            purged: 0,
            millis_since_quorum: Some(0),
            members,
        }
    }

    #[test]
    fn three_nodes_become_three_voters_in_order() {
        let mut state = ControlState::default();
        let first = vec![seen(1, "a", true, None)];
        let yes = |_: &str| true;
        assert_eq!(duty(&state, &view(first.clone()), yes), Some(Duty::Name));
        apply_all(&mut state, [ControlCommand::InitCluster { cluster: [1; 16] }]);
        assert_eq!(duty(&state, &view(first.clone()), yes), Some(Duty::RaiseVersion));
        apply_all(&mut state, [ControlCommand::RaiseVersion { version: 1 }, admit("a")]);
        let ready = |node: &str| Some(Duty::Ready { node: node.into() });
        assert_eq!(duty(&state, &view(first.clone()), yes), ready("a"));
        let set = |node: &str| ControlCommand::SetNodeState {
            node: node.into(),
            state: NodeState::Ready,
            actor: "t".into(),
            reason: "caught up".into(),
        };
        apply_all(&mut state, [set("a"), admit("b"), admit("c")]);
        let follow = duty(&state, &view(first), yes);
        assert!(matches!(follow, Some(Duty::Follow { number: 2, .. })), "{follow:?}");
        let late = vec![
            seen(1, "a", true, None),
            seen(2, "b", false, Some(450)),
            seen(3, "c", false, Some(10)),
        ];
        assert_eq!(duty(&state, &view(late.clone()), yes), ready("b"));
        assert_eq!(duty(&state, &view(late.clone()), |_| false), None, "no lease, not ready");
        apply_all(&mut state, [set("b")]);
        assert_eq!(duty(&state, &view(late), yes), None, "two voters tolerate no more than one");
        let all = vec![
            seen(1, "a", true, None),
            seen(2, "b", false, Some(500)),
            seen(3, "c", false, Some(500)),
        ];
        apply_all(&mut state, [set("c")]);
        let vote = duty(&state, &view(all), yes);
        assert!(matches!(vote, Some(Duty::Vote(VoterStep::Promote { .. }))), "{vote:?}");
    }

    #[test]
    fn who_left_is_forgotten() {
        let mut state = ControlState::default();
        let left = ControlCommand::SetNodeState {
            node: "b".into(),
            state: NodeState::Left,
            actor: "t".into(),
            reason: "r".into(),
        };
        let init = ControlCommand::InitCluster { cluster: [1; 16] };
        let raise = ControlCommand::RaiseVersion { version: 1 };
        apply_all(&mut state, [init, raise, admit("a"), admit("b"), left]);
        let both = vec![seen(1, "a", true, None), seen(2, "b", true, Some(500))];
        assert_eq!(duty(&state, &view(both), |_| false), Some(Duty::Forget { number: 2 }));
    }
}
