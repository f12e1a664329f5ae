//! What people ask the scheduler: why, how much is left, and to move a session. Pure.

use cluster::control::state::{Node, Resources, Session};
use cluster::control::{ControlCommand, ControlState, DesiredState};
use engine::config::Violation;
use engine::ids::{NodeId, SessionId};

use super::planner::Wait;
use crate::clock::rfc3339;
use crate::error::ActorsError;
use crate::messages::Command;
use crate::placement::amounts::Dimension;
use crate::rules::{node_word, state_of};
use crate::views::{AmountView, CapacityView, ConsideredView, NodeRoomView, RoomView, WhyView};

/// Says that there is no such session.
pub(super) fn unknown(id: SessionId) -> ActorsError {
    ActorsError::NotFound {
        what: "session",
        id: id.to_string(),
        reason: "none of this identifier was submitted; see the list of sessions".to_owned(),
    }
}

/// Returns why a session waits, or where it is and since when. `wait` is what the last plan said of it.
pub(super) fn why(
    state: &ControlState,
    id: SessionId,
    wait: Option<(&Wait, String)>,
) -> Result<WhyView, ActorsError> {
    let session = state.sessions.get(id.uuid().as_bytes()).ok_or_else(|| unknown(id))?;
    let waits = session.waiting() && !session.ended();
    let turn = session.timeline.last();
    let since_ms = turn.map_or(session.submitted_at_ms, |turn| turn.at_ms);
    let wait = wait.filter(|_| waits);
    let reason = match (&wait, &session.outcome, &session.eviction) {
        (Some((_, sentence)), _, _) => sentence.clone(),
        (None, Some(outcome), _) => outcome.detail.clone(),
        (None, None, Some(eviction)) => eviction.reason.clone(),
        (None, None, None) => turn.map(|turn| turn.reason.clone()).unwrap_or_default(),
    };
    let params = wait.as_ref().map(|(wait, _)| wait.reason.params()).unwrap_or_default();
    let placed = session.placement.as_ref();
    Ok(WhyView {
        session_id: id,
        state: state_of(session.phase),
        reason,
        reason_code: wait.as_ref().map(|(wait, _)| wait.reason.code().to_owned()),
        reason_params: params.into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
        position: wait.as_ref().map(|(wait, _)| wait.position),
        node: placed.and_then(|placed| placed.node.parse().ok()),
        epoch: session.epoch,
        since: rfc3339(i64::try_from(since_ms).unwrap_or(i64::MAX)),
        considered: if waits { considered(state, session) } else { Vec::new() },
    })
}

fn considered(state: &ControlState, session: &Session) -> Vec<ConsideredView> {
    let members = state.nodes.iter().filter(|(_, node)| node.member());
    members
        .filter_map(|(name, node)| {
            let lacks = lacks(state, session, name, node);
            Some(ConsideredView { node: name.parse().ok()?, fits: lacks.is_empty(), lacks })
        })
        .collect()
}

/// Returns what keeps a node from taking a session, in the order of what helps most.
fn lacks(state: &ControlState, session: &Session, name: &str, node: &Node) -> Vec<String> {
    let mut found = Vec::new();
    if node.down_since_ms.is_some() {
        found.push("it is down".to_owned());
    } else if !node.open() {
        found.push(format!("it is {} and takes no sessions", node_word(node.state)));
    }
    let requires = &session.requires;
    if let Some(only) = requires.node.as_ref().filter(|only| *only != name) {
        found.push(format!("the session may only go to {only}"));
    }
    for (label, value) in &requires.labels {
        if node.profile.labels.get(label) != Some(value) {
            found.push(format!("it has no label {label}={value}"));
        }
    }
    if let Some(role) = requires.role.as_ref().filter(|role| !node.profile.roles.contains(role)) {
        found.push(format!("it has no role {role}"));
    }
    let free = node.capacity.minus(state.sessions.reserved_on(name));
    let need = session.resources;
    for dimension in Dimension::ALL {
        let (wanted, all) = (amount(need, dimension), amount(node.capacity, dimension));
        let left = amount(free, dimension);
        if all < wanted {
            let (wanted, all) = (dimension.say(wanted), dimension.say(all));
            found.push(format!("the session asks for {wanted}, it has {all} in all"));
        } else if left < wanted {
            let (wanted, left) = (dimension.say(wanted), dimension.say(left));
            found.push(format!("the session asks for {wanted}, {left} are free"));
        }
    }
    found
}

fn amount(of: Resources, dimension: Dimension) -> u64 {
    match dimension {
        Dimension::Gpu => u64::from(of.gpus),
        Dimension::GpuMemory => of.gpu_memory_mib,
        Dimension::Cpu => of.cpu_millis,
        Dimension::Memory => of.memory_mib,
        Dimension::Disk => of.disk_mib,
    }
}

/// Returns what may still be reserved.
pub(super) fn capacity(state: &ControlState) -> CapacityView {
    let mut view = CapacityView { nodes: Vec::new(), total: RoomView::default() };
    for (name, node) in state.nodes.iter().filter(|(_, node)| node.member()) {
        let Ok(id) = name.parse() else { continue };
        let room = room(node.capacity, state.sessions.reserved_on(name));
        if node.open() {
            view.total = sum(view.total, room);
        }
        view.nodes.push(NodeRoomView {
            node: id,
            state: node_word(node.state).to_owned(),
            up: node.down_since_ms.is_none(),
            open: node.open(),
            room,
        });
    }
    view
}

fn room(capacity: Resources, reserved: Resources) -> RoomView {
    let amount = |total: u64, reserved: u64| AmountView {
        total,
        reserved,
        free: total.saturating_sub(reserved),
    };
    RoomView {
        cores: amount(capacity.cpu_millis / 1_000, reserved.cpu_millis.div_ceil(1_000)),
        memory_mib: amount(capacity.memory_mib, reserved.memory_mib),
        gpus: amount(u64::from(capacity.gpus), u64::from(reserved.gpus)),
    }
}

fn sum(left: RoomView, right: RoomView) -> RoomView {
    let amount = |left: AmountView, right: AmountView| AmountView {
        total: left.total.saturating_add(right.total),
        reserved: left.reserved.saturating_add(right.reserved),
        free: left.free.saturating_add(right.free),
    };
    RoomView {
        cores: amount(left.cores, right.cores),
        memory_mib: amount(left.memory_mib, right.memory_mib),
        gpus: amount(left.gpus, right.gpus),
    }
}

/// Returns the command that moves a session.
///
/// # Errors
/// Says what is in the way and what to do.
pub(super) fn relocation(
    state: &ControlState,
    command: &Command,
    id: SessionId,
    to: Option<&NodeId>,
) -> Result<ControlCommand, ActorsError> {
    let session = state.sessions.get(id.uuid().as_bytes()).ok_or_else(|| unknown(id))?;
    let refused = |hint: String| {
        let word = serde_json::to_value(state_of(session.phase)).ok();
        let found = word.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned();
        ActorsError::IllegalTransition { command: "move".to_owned(), state: found, hint }
    };
    if session.ended() {
        return Err(refused("the session has ended; submit a new one".to_owned()));
    }
    let Some(placement) = &session.placement else {
        let hint = "it is on no node yet; ask why it waits instead".to_owned();
        return Err(refused(hint));
    };
    if session.desired.state == DesiredState::Stop {
        return Err(refused("it was told to stop, which is final".to_owned()));
    }
    let others = state
        .nodes
        .iter()
        .filter(|(name, node)| *name != placement.node && node.open())
        .map(|(name, _)| name.to_owned())
        .collect::<Vec<_>>();
    let from = &placement.node;
    let to = match to {
        Some(to) => {
            target(state, session, from, to, &others)?;
            to.to_string()
        }
        None => roomiest(state, session, &others).ok_or_else(|| {
            conflict(format!("there is no other node than {from} that could take it now"))
        })?,
    };
    let by = command.reason.clone().unwrap_or_else(|| "moved by an operator".to_owned());
    Ok(ControlCommand::EvictSession {
        session: session.id,
        epoch: placement.epoch,
        reason: format!("moved away from {from}: {by}"),
        to: Some(to),
    })
}

/// Returns which of these nodes could take a session and has the most cores free.
fn roomiest(state: &ControlState, session: &Session, others: &[String]) -> Option<String> {
    let fitting = others.iter().filter_map(|name| {
        let node = state.nodes.get(name)?;
        let free = node.capacity.minus(state.sessions.reserved_on(name)).cpu_millis;
        lacks(state, session, name, node).is_empty().then_some((free, name))
    });
    // Of equal ones the first by name: the same on every node.
    let best = fitting.max_by_key(|(free, name)| (*free, std::cmp::Reverse(*name)));
    best.map(|(_, name)| name.clone())
}

/// Refuses a target that could not take the session.
fn target(
    state: &ControlState,
    session: &Session,
    from: &str,
    to: &NodeId,
    others: &[String],
) -> Result<(), ActorsError> {
    let name = to.as_str();
    if name == from {
        return Err(conflict(format!("it is on {from} already; name another node")));
    }
    let Some(node) = state.nodes.get(name).filter(|node| node.member()) else {
        let known = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
        let detail = format!("there is no node {name}; other nodes that take sessions: {known}");
        return Err(Violation::new("/node", "not_found", detail).with("id", name).into());
    };
    let closed = lacks(state, session, name, node);
    if closed.is_empty() {
        return Ok(());
    }
    Err(conflict(format!("{name} cannot take it: {}", closed.join("; "))))
}

fn conflict(detail: String) -> ActorsError {
    ActorsError::Conflict { detail, params: std::collections::BTreeMap::new() }
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;
