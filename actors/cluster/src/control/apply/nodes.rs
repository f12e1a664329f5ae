//! What commands do to nodes.

use super::super::refusal::{CommandOutput, CommandResult, Refusal};
use super::super::state::{Capacity, ControlState, Node, NodeState, Profile, cut, limits, within};

/// A start of a node as it is told.
pub(super) struct Start<'a> {
    pub(super) node: &'a str,
    pub(super) incarnation: u64,
    pub(super) capacity: Capacity,
}

/// A node that stands alone says what it has.
pub(super) fn register(state: &mut ControlState, start: &Start<'_>, now_ms: u64) -> CommandResult {
    check_incarnation(state, start)?;
    let known = state.nodes.get(start.node);
    let node = Node {
        incarnation: start.incarnation,
        capacity: start.capacity,
        state: standing(known),
        registered_at_ms: now_ms,
        raft_id: known.map_or(0, |known| known.raft_id),
        profile: known.map(|known| known.profile.clone()).unwrap_or_default(),
        down_since_ms: None,
        reason: known.map(|known| known.reason.clone()).unwrap_or_default(),
    };
    state.nodes.insert(start.node, node);
    Ok(CommandOutput::Done)
}

/// A node joins, or starts again. Answers its number.
pub(super) fn admit(
    state: &mut ControlState,
    start: &Start<'_>,
    profile: &Profile,
    renumber: bool,
    now_ms: u64,
) -> CommandResult {
    within("labels", profile.labels.len(), limits::LABEL_COUNT_MAX)?;
    within("roles", profile.roles.len(), limits::LABEL_COUNT_MAX)?;
    let texts = [&profile.cluster_address, &profile.gateway_url, &profile.build];
    let words = profile.labels.iter().flat_map(|(key, value)| [key, value]);
    for text in texts.into_iter().chain(&profile.roles).chain(words) {
        within("bytes of a node's profile", text.len(), limits::NAME_BYTES_MAX)?;
    }
    check_incarnation(state, start)?;
    let known = state.nodes.get(start.node).filter(|known| known.member()).cloned();
    if let Some(known) = &known
        && known.incarnation == start.incarnation
        && known.profile.boot_id != profile.boot_id
        && known.raft_id != 0
    {
        return Err(Refusal::NodeNameTaken { node: start.node.to_owned() });
    }
    let number = known.as_ref().map(|known| known.raft_id).filter(|id| *id != 0 && !renumber);
    let raft_id = number.unwrap_or_else(|| state.nodes.new_raft_id());
    let joining = known.is_none();
    let node = Node {
        incarnation: start.incarnation,
        capacity: start.capacity,
        state: if joining { NodeState::Joining } else { standing(known.as_ref()) },
        registered_at_ms: now_ms,
        raft_id,
        profile: profile.clone(),
        down_since_ms: None,
        reason: known.map(|known| known.reason).unwrap_or_default(),
    };
    state.nodes.insert(start.node, node);
    Ok(CommandOutput::Count(raft_id))
}

/// Says what may happen on a node.
pub(super) fn set_state(
    state: &mut ControlState,
    name: &str,
    wanted: NodeState,
    reason: &str,
) -> CommandResult {
    let node = known_mut(state, name)?;
    // That it holds nothing was seen a moment ago; an operator may have called it back since.
    if wanted == NodeState::Drained
        && !matches!(node.state, NodeState::Draining | NodeState::Drained)
    {
        return Err(Refusal::NodeNotDraining { node: name.to_owned(), state: node.state });
    }
    node.state = wanted;
    node.reason = cut(reason);
    Ok(CommandOutput::Done)
}

/// Notes that a lease is over.
pub(super) fn mark_down(
    state: &mut ControlState,
    name: &str,
    incarnation: u64,
    now_ms: u64,
) -> CommandResult {
    let node = known_mut(state, name)?;
    if incarnation < node.incarnation {
        return Err(Refusal::StaleIncarnation {
            node: name.to_owned(),
            current: node.incarnation,
            found: incarnation,
        });
    }
    node.down_since_ms.get_or_insert(now_ms);
    Ok(CommandOutput::Done)
}

fn known_mut<'a>(state: &'a mut ControlState, name: &str) -> Result<&'a mut Node, Refusal> {
    state.nodes.get_mut(name).ok_or_else(|| Refusal::NodeMissing { node: name.to_owned() })
}

fn check_incarnation(state: &ControlState, start: &Start<'_>) -> Result<(), Refusal> {
    within("node name bytes", start.node.len(), limits::NAME_BYTES_MAX)?;
    match state.nodes.get(start.node) {
        Some(known) if start.incarnation < known.incarnation => Err(Refusal::StaleIncarnation {
            node: start.node.to_owned(),
            current: known.incarnation,
            found: start.incarnation,
        }),
        Some(_) | None => Ok(()),
    }
}

/// Returns the state after a start: a node that was down is ready again; a decision of an operator stays.
fn standing(known: Option<&Node>) -> NodeState {
    match known.map(|known| known.state) {
        None | Some(NodeState::Ready | NodeState::Down | NodeState::Left) => NodeState::Ready,
        Some(
            other @ (NodeState::Cordoned
            | NodeState::Draining
            | NodeState::Drained
            | NodeState::Joining),
        ) => other,
    }
}
