//! What an operator's order makes of a node. Pure: the rules are those of [`cluster::membership::lifecycle`].

use std::collections::BTreeSet;

use cluster::control::state::{Node, NodeState};
use cluster::control::{ControlState, RaftView};
use cluster::membership::lifecycle::{Leaving, LifecycleRefusal, NodeCommand, may_leave, next};
use cluster::membership::voters::target;
use cluster::version::{ProtocolRange, newest_common};

use crate::error::ActorsError;
use crate::messages::nodes::{NodeVerb, unknown};
use crate::rules::node_word;

/// As many voters as a cluster gets at most.
const VOTERS_MAX: usize = 5;

/// Returns the state that a node gets.
///
/// # Errors
/// Refuses what its state does not allow, in the words of the rules.
pub(super) fn decide(
    state: &ControlState,
    agreement: Option<&RaftView>,
    name: &str,
    verb: NodeVerb,
) -> Result<NodeState, ActorsError> {
    let node = state.nodes.get(name).ok_or_else(|| unknown(name))?;
    let asked = match verb {
        NodeVerb::Cordon => next(node.state, NodeCommand::Cordon),
        NodeVerb::Uncordon => next(node.state, NodeCommand::Uncordon),
        NodeVerb::Drain => next(node.state, NodeCommand::Drain),
        NodeVerb::Undrain => next(node.state, NodeCommand::Undrain),
        NodeVerb::Decommission => may_leave(&leaving(state, agreement, name, node)),
    };
    asked.map_err(|refusal| refused(name, node.state, verb, &refusal))
}

/// Returns the version to which the cluster can be raised.
///
/// # Errors
/// Refuses when there is none that is newer and known to every member.
pub(super) fn upgrade(state: &ControlState, alone: bool) -> Result<u32, ActorsError> {
    let refuse = |hint: String| ActorsError::IllegalTransition {
        command: "finalize the upgrade".to_owned(),
        state: format!("at version {}", state.version),
        hint,
    };
    if alone {
        return Err(refuse("this node stands alone: there is no older one to wait for".to_owned()));
    }
    let members = || state.nodes.iter().filter(|(_, node)| node.member() && node.raft_id != 0);
    let ranges = members().map(|(_, node)| ProtocolRange {
        min: node.profile.protocol_min,
        max: node.profile.protocol_max,
    });
    if let Some(version) = newest_common(state.version, ranges) {
        return Ok(version);
    }
    let ours = u32::from(ProtocolRange::OURS.max);
    if ours <= state.version {
        return Err(refuse("the program knows no newer version: nothing is left to do".to_owned()));
    }
    let behind: Vec<&str> = members()
        .filter(|(_, node)| u32::from(node.profile.protocol_max) <= state.version)
        .map(|(name, _)| name)
        .collect();
    Err(refuse(format!(
        "{} {} no newer version: replace the program there and start it again",
        behind.join(", "),
        if behind.len() == 1 { "knows" } else { "know" }
    )))
}

fn leaving(state: &ControlState, agreement: Option<&RaftView>, name: &str, node: &Node) -> Leaving {
    let voters: BTreeSet<&str> = agreement
        .map(|raft| raft.members.iter().filter(|one| one.voter).map(|one| one.node.as_str()))
        .into_iter()
        .flatten()
        .collect();
    let stays = |(other, node): &(&str, &Node)| {
        *other != name && node.state == NodeState::Ready && node.down_since_ms.is_none()
    };
    let staying = state.nodes.iter().filter(stays).count();
    let up = |name: &&&str| state.nodes.get(name).is_some_and(|node| node.down_since_ms.is_none());
    Leaving {
        state: node.state,
        voter: voters.contains(name),
        up: node.down_since_ms.is_none(),
        session_count: state.sessions.placed_on(name).len(),
        member_count: state.nodes.iter().filter(|(_, node)| node.member()).count(),
        voter_count: voters.len(),
        voters_up: voters.iter().filter(up).count(),
        // As many as those who stay can provide: a cluster may shrink, but not below what it could still be.
        voters_wanted: target(VOTERS_MAX, staying),
    }
}

fn refused(
    name: &str,
    state: NodeState,
    verb: NodeVerb,
    refusal: &LifecycleRefusal,
) -> ActorsError {
    ActorsError::IllegalTransition {
        command: format!("{} {name}", verb.word()),
        state: node_word(state).to_owned(),
        hint: refusal.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use cluster::control::apply::apply;
    use cluster::control::command::Entry;
    use cluster::control::state::{Capacity, Profile, Resources};
    use cluster::control::{CommandId, ControlCommand, Proposed};

    use super::*;

    fn cluster(names: &[&str]) -> ControlState {
        let mut state = ControlState::default();
        for name in names {
            let capacity = Resources { cpu_millis: 4_000, ..Resources::default() };
            let node = (*name).to_owned();
            change(&mut state, ControlCommand::RegisterNode { node, incarnation: 1, capacity });
        }
        state
    }

    fn change(state: &mut ControlState, command: ControlCommand) {
        let index = state.applied_index + 1;
        let key = CommandId(u128::from(index).to_be_bytes());
        let entry =
            Entry { index, term: 1, at_ms: index, commands: vec![Proposed { key, command }] };
        apply(state, &entry).unwrap().results.remove(0).unwrap();
    }

    fn set(state: &mut ControlState, node: &str, to: NodeState) {
        let (node, actor, reason) = (node.to_owned(), "usr".to_owned(), "why".to_owned());
        change(state, ControlCommand::SetNodeState { node, state: to, actor, reason });
    }

    fn drain(state: &mut ControlState, node: &str) {
        set(state, node, NodeState::Draining);
        set(state, node, NodeState::Drained);
    }

    #[test]
    fn orders_follow_the_life_of_a_node_and_repeat_harmlessly() {
        let mut state = cluster(&["a"]);
        assert_eq!(decide(&state, None, "a", NodeVerb::Cordon), Ok(NodeState::Cordoned));
        assert_eq!(decide(&state, None, "a", NodeVerb::Drain), Ok(NodeState::Draining));
        set(&mut state, "a", NodeState::Draining);
        assert_eq!(decide(&state, None, "a", NodeVerb::Drain), Ok(NodeState::Draining));
        let refused = decide(&state, None, "a", NodeVerb::Uncordon).unwrap_err();
        assert!(refused.to_string().contains("tm node undrain"), "{refused}");
        assert_eq!(decide(&state, None, "a", NodeVerb::Undrain), Ok(NodeState::Ready));
        assert!(matches!(
            decide(&state, None, "nobody", NodeVerb::Drain),
            Err(ActorsError::NotFound { .. })
        ));
    }

    #[test]
    fn the_only_member_stays_and_so_does_one_that_is_not_drained() {
        let mut state = cluster(&["a"]);
        let refused = decide(&state, None, "a", NodeVerb::Decommission).unwrap_err();
        assert!(refused.to_string().contains("`tm node drain` it first"), "{refused}");
        drain(&mut state, "a");
        let refused = decide(&state, None, "a", NodeVerb::Decommission).unwrap_err();
        assert!(refused.to_string().contains("the only member"), "{refused}");
    }
    fn agreement(voters: &[&str]) -> RaftView {
        let member = |(number, node): (u64, &&str)| cluster::control::MemberView {
            raft_id: number,
            node: (*node).to_owned(),
            address: String::new(),
            voter: true,
            leader: number == 1,
            matched: None,
        };
        RaftView {
            raft_id: 1,
            role: cluster::control::Role::Leader,
            term: 1,
            leader: Some(1),
            last: 1,
            applied: 1,
            snapshot: 0,
            purged: 0,
            millis_since_quorum: Some(0),
            members: (1..).zip(voters).map(member).collect(),
        }
    }

    #[test]
    fn a_cluster_may_shrink_as_long_as_a_majority_stays_up() {
        let mut state = cluster(&["a", "b", "c"]);
        let three = agreement(&["a", "b", "c"]);
        drain(&mut state, "c");
        let asked = |state: &ControlState| decide(state, Some(&three), "c", NodeVerb::Decommission);
        assert_eq!(asked(&state), Ok(NodeState::Left));
        let down = ControlCommand::MarkDown { node: "b".into(), incarnation: 1, term: 1 };
        change(&mut state, down);
        let refused = asked(&state).unwrap_err().to_string();
        assert!(refused.contains("bring another voter back first"), "{refused}");
    }

    #[test]
    fn an_upgrade_is_final_only_when_everybody_knows_the_new_version() {
        let hint = |state: &ControlState, alone| match upgrade(state, alone) {
            Err(ActorsError::IllegalTransition { hint, .. }) => hint,
            other => panic!("{other:?}"),
        };
        let knowing = |newest: u16| {
            let mut state = cluster(&["a", "b"]);
            for node in ["a", "b"] {
                let profile = Profile {
                    protocol_min: 1,
                    protocol_max: if node == "b" { newest } else { 1 },
                    ..Profile::default()
                };
                let capacity = Capacity::default();
                let (node, renumber) = (node.to_owned(), false);
                let admit =
                    ControlCommand::AdmitNode { node, incarnation: 2, capacity, profile, renumber };
                change(&mut state, admit);
            }
            state
        };
        let mut state = knowing(1);
        assert_eq!(upgrade(&state, false).unwrap(), 1);
        assert!(hint(&state, true).contains("alone"));
        change(&mut state, ControlCommand::RaiseVersion { version: 1 });
        assert!(hint(&state, false).contains("nothing is left"));
        let behind = hint(&knowing(0), false);
        assert!(behind.starts_with("b knows no newer version"), "{behind}");
    }
}
