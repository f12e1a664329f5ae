//! From control state to the picture that the planner is shown. Pure.

use std::collections::BTreeSet;

use cluster::control::ControlState;
use cluster::control::state::{Node, Phase, Resources, Session};
use engine::ids::{NodeId, SessionId};
use uuid::Uuid;

use super::picture::{Class, Gang, NodePicture, Picture, Placed, Quotas, Requires, SessionPicture};
use crate::placement::amounts::Amounts;

/// Returns what a plan depends on. A node whose name no node of ours could have is left out.
pub(crate) fn picture(state: &ControlState, majority: bool, quotas: Quotas) -> Picture {
    let nodes = state
        .nodes
        .iter()
        .filter(|(_, node)| node.member())
        .filter_map(|(name, node)| node_picture(name, node))
        .collect();
    let wanted =
        |session: &&Session| !session.ended() && (session.placement.is_some() || session.waiting());
    let sessions =
        state.sessions.iter().filter(wanted).map(|one| session_picture(state, one)).collect();
    Picture { majority, nodes, sessions, quotas }
}

fn node_picture(name: &str, node: &Node) -> Option<NodePicture> {
    Some(NodePicture {
        name: name.parse().ok()?,
        capacity: amounts(node.capacity),
        // What a node registers is what may be promised of it.
        reserve: Amounts::default(),
        open: node.open(),
        labels: node.profile.labels.clone(),
        roles: node.profile.roles.iter().cloned().collect(),
        excluded_until: std::collections::BTreeMap::new(),
    })
}

fn session_picture(state: &ControlState, session: &Session) -> SessionPicture {
    let placed = session.placement.as_ref().and_then(|placement| {
        Some(Placed { node: placement.node.parse().ok()?, since_ms: placement.at_ms })
    });
    // Asked to go to a node that takes nobody, it goes where there is room instead of waiting for ever.
    let open = |name: &&String| state.nodes.get(name).is_some_and(Node::open);
    let target = session.target.as_ref().filter(open).and_then(|name| name.parse().ok());
    let data_on: BTreeSet<NodeId> = session
        .last_checkpoint()
        .map(|manifest| manifest.nodes.iter().filter_map(|name| name.parse().ok()).collect())
        .unwrap_or_default();
    SessionPicture {
        id: SessionId::from_uuid(Uuid::from_bytes(session.id)),
        class: class(session),
        priority: session.priority,
        owner: session.owner.clone(),
        team: (!session.team.is_empty()).then(|| session.team.clone()),
        need: amounts(session.resources),
        requires: Requires {
            labels: session.requires.labels.clone(),
            role: session.requires.role.clone(),
            node: session.requires.node.as_ref().and_then(|name| name.parse().ok()),
        },
        gang: session.gang.map(|gang| Gang { id: u128::from_be_bytes(gang.id), size: gang.size }),
        preemptible: session.preemptible,
        placed,
        evicting: session.eviction.is_some(),
        waiting_since_ms: waiting_since(session),
        not_before_ms: Some(session.retry.not_before_ms).filter(|at_ms| 0 < *at_ms),
        order: session.submitted_order,
        avoid: BTreeSet::new(),
        target,
        data_on,
    }
}

/// Returns the class behind the number that submissions give.
fn class(session: &Session) -> Class {
    match session.class.0 {
        0 => Class::Live,
        1 => Class::Paper,
        2 => Class::Training,
        _ => Class::Backtest,
    }
}

/// Returns since when it waits, with what it had waited before it ran.
fn waiting_since(session: &Session) -> u64 {
    let waits = |phase: Phase| matches!(phase, Phase::Pending | Phase::Recovering);
    let Some(first) = session.timeline.first() else { return session.submitted_at_ms };
    let (mut waited_ms, mut since_ms) = (0, waits(first.phase).then_some(first.at_ms));
    for turn in &session.timeline {
        match (waits(turn.phase), since_ms) {
            (true, None) => since_ms = Some(turn.at_ms),
            (false, Some(begun_ms)) => {
                waited_ms += turn.at_ms.saturating_sub(begun_ms);
                since_ms = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    since_ms.unwrap_or(session.submitted_at_ms).saturating_sub(waited_ms)
}

fn amounts(resources: Resources) -> Amounts {
    Amounts {
        cpu_millis: resources.cpu_millis,
        memory_mib: resources.memory_mib,
        gpus: u64::from(resources.gpus),
        gpu_memory_mib: resources.gpu_memory_mib,
        disk_mib: resources.disk_mib,
    }
}

#[cfg(test)]
mod tests {
    use cluster::control::apply::apply;
    use cluster::control::command::Entry;
    use cluster::control::{CommandId, ControlCommand, NewSession, Proposed, SessionClass};

    use super::super::picture::Rules;
    use super::super::planner::plan;
    use super::*;

    fn run(state: &mut ControlState, at_ms: u64, command: ControlCommand) {
        let key = CommandId(u128::from(state.applied_index + 1).to_be_bytes());
        let commands = vec![Proposed { key, command }];
        let entry = Entry { index: state.applied_index + 1, term: 1, at_ms, commands };
        apply(state, &entry).unwrap().results.remove(0).unwrap();
    }

    #[test]
    fn an_empty_cluster_wants_nothing() {
        let shown = picture(&ControlState::default(), true, Quotas::default());
        assert_eq!(plan(&shown, &Rules::default(), 0), super::super::planner::Plan::default());
    }

    #[test]
    fn what_waited_before_it_ran_counts() {
        let mut state = ControlState::default();
        let capacity = Resources { cpu_millis: 1_000, ..Resources::default() };
        let node = "a".to_owned();
        run(
            &mut state,
            1_000,
            ControlCommand::RegisterNode { node: node.clone(), incarnation: 1, capacity },
        );
        let session = [1; 16];
        let new = NewSession::plain(session, SessionClass(2), "usr");
        run(&mut state, 1_000, ControlCommand::SubmitSession(new));
        run(&mut state, 4_000, ControlCommand::PlaceSession { session, node });
        let reason = "preempted".to_owned();
        run(
            &mut state,
            9_000,
            ControlCommand::ReleaseSession { session, epoch: 1, reason, lost: false },
        );
        let shown = picture(&state, true, Quotas::default());
        assert_eq!(shown.sessions[0].waiting_since_ms, 9_000 - 3_000);
        assert!(shown.sessions[0].waits());
        let found = plan(&shown, &Rules::default(), 9_000);
        assert_eq!(found.place.len(), 1);
    }

    #[test]
    fn a_target_that_takes_nobody_is_not_waited_for() {
        let mut state = ControlState::default();
        let capacity = Resources { cpu_millis: 1_000, ..Resources::default() };
        for node in ["a", "b"] {
            let node = node.to_owned();
            run(&mut state, 1, ControlCommand::RegisterNode { node, incarnation: 1, capacity });
        }
        let session = [1; 16];
        let new = NewSession::plain(session, SessionClass(2), "usr");
        run(&mut state, 1, ControlCommand::SubmitSession(new));
        run(&mut state, 1, ControlCommand::PlaceSession { session, node: "a".into() });
        let to = Some("b".to_owned());
        let reason = "moved".to_owned();
        run(
            &mut state,
            1,
            ControlCommand::EvictSession { session, epoch: 1, reason: reason.clone(), to },
        );
        run(
            &mut state,
            1,
            ControlCommand::ReleaseSession { session, epoch: 1, reason, lost: false },
        );
        let target = |state: &ControlState| {
            picture(state, true, Quotas::default()).sessions[0].target.clone()
        };
        assert_eq!(target(&state), Some("b".parse().unwrap()));
        run(&mut state, 1, ControlCommand::MarkDown { node: "b".into(), incarnation: 1, term: 1 });
        assert_eq!(target(&state), None);
    }
}
