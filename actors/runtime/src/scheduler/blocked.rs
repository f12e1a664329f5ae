//! Why a session could not be placed whatever were free. Pure.
//!
//! Sessions that are blocked hold nothing back from others: waiting for room would not help them.

use std::collections::BTreeMap;

use super::board::{Board, Job};
use super::order::Unit;
use super::reason::Reason;
use crate::placement::amounts::{Dimension, Room};
use crate::placement::rooms::{Demand, UNKNOWN};

/// Answers already found, for sessions of which nothing but need and pool decides.
pub(crate) type Known = BTreeMap<(usize, Room), Option<Reason>>;

/// So many nodes are tried before looking for an answer already found: mostly the first one will do.
const SOON: usize = 8;

/// Returns why a unit cannot be placed whatever were free, or none.
pub(crate) fn blocked(board: &Board<'_>, unit: &Unit, known: &mut Known) -> Option<Reason> {
    for member in &unit.members {
        let job = &board.jobs[*member];
        if let Some(until) = job.not_before_ms.filter(|until| board.now_ms < *until) {
            return Some(Reason::BackOff { left_ms: until - board.now_ms, node: None });
        }
        let soon = board.rooms.candidates(&job.demand).take(SOON);
        let mut soon = soon.map(|node| board.rooms.node(node).usable);
        let reason = if soon.any(|usable| usable.holds(&job.demand.need)) {
            None
        } else if job.demand.is_plain() {
            let key = (job.demand.pool, job.demand.need);
            known.entry(key).or_insert_with(|| alone(board, job)).clone()
        } else {
            alone(board, job)
        };
        if reason.is_some() {
            return reason;
        }
    }
    if unit.size == 1 { None } else { gang(board, unit) }
}

fn alone(board: &Board<'_>, job: &Job) -> Option<Reason> {
    let demand = &job.demand;
    let rooms = &board.rooms;
    if rooms.candidates(demand).any(|node| rooms.node(node).usable.holds(&demand.need)) {
        return None;
    }
    if board.nodes.is_empty() {
        return Some(Reason::NoNode);
    }
    if demand.target == Some(UNKNOWN)
        && let Some(node) = board.targets.get(&job.id)
    {
        return Some(Reason::UnknownNode { node: (*node).clone() });
    }
    let wanted = |node: &usize| demand.target.is_none_or(|target| target == *node);
    let meeting: Vec<usize> = rooms.pool(demand.pool).filter(wanted).collect();
    if meeting.is_empty() {
        return Some(no_match(board, demand));
    }
    let large: Vec<usize> =
        meeting.iter().copied().filter(|node| large_enough(board, *node, &demand.need)).collect();
    if large.is_empty() {
        return Some(too_large(board, &meeting, &demand.need));
    }
    let open: Vec<usize> = large.iter().copied().filter(|node| rooms.node(*node).open).collect();
    if open.is_empty() {
        return Some(Reason::Closed { nodes: count(large.len()) });
    }
    let excluded = open.iter().filter(|node| demand.avoid.binary_search(node).is_err());
    let earliest = excluded.map(|node| (until(board, *node, &demand.need), *node)).min();
    let Some((until, node)) = earliest else {
        return Some(Reason::Avoided { nodes: count(open.len()) });
    };
    let left_ms = until.saturating_sub(board.now_ms);
    Some(Reason::BackOff { left_ms, node: Some(board.nodes[node].name.clone()) })
}

fn large_enough(board: &Board<'_>, node: usize, need: &Room) -> bool {
    let room = board.rooms.node(node);
    let gpus = need.get(Dimension::Gpu);
    room.usable.holds(need)
        && (gpus == 0
            || need.get(Dimension::GpuMemory) <= gpus.saturating_mul(room.gpu_memory_each))
}

/// Returns until when a node is left out for a session with this need.
fn until(board: &Board<'_>, node: usize, need: &Room) -> u64 {
    let excluded = board.nodes[node].excluded_until.iter();
    let concerned = excluded.filter(|(dimension, _)| 0 < need.get(**dimension));
    concerned.map(|(_, until)| *until).max().unwrap_or(0)
}

fn no_match(board: &Board<'_>, demand: &Demand) -> Reason {
    let requires = board.requires[demand.pool];
    let nodes = &board.nodes;
    if let Some(name) = &requires.node
        && nodes.iter().all(|node| node.name != *name)
    {
        return Reason::UnknownNode { node: name.clone() };
    }
    if let Some(role) = &requires.role
        && nodes.iter().all(|node| !node.roles.contains(role))
    {
        return Reason::NoRole { role: role.clone() };
    }
    let missing = requires
        .labels
        .iter()
        .find(|(label, value)| nodes.iter().all(|node| node.labels.get(*label) != Some(*value)));
    match missing {
        Some((label, value)) => Reason::NoLabel { label: label.clone(), value: value.clone() },
        None => Reason::NoMatch,
    }
}

/// Requires: at least one node.
fn too_large(board: &Board<'_>, nodes: &[usize], need: &Room) -> Reason {
    let usable = |node: &usize| board.rooms.node(*node).usable;
    let reason = |dimension: Dimension, largest: i64| Reason::TooLarge {
        dimension,
        wanted: need.get(dimension).max(0).cast_unsigned(),
        largest: largest.max(0).cast_unsigned(),
    };
    for dimension in Dimension::ALL {
        let largest = nodes.iter().map(|node| usable(node).get(dimension)).max().unwrap_or(0);
        if largest < need.get(dimension) {
            return reason(dimension, largest);
        }
    }
    // Each node has enough of one thing, none of everything: the one that lacks least.
    let closest = nodes.iter().map(|node| (usable(node).shortage(need), *node)).min();
    if let Some((short, node)) = closest
        && let Some((dimension, _)) = short.first()
    {
        return reason(dimension, usable(&node).get(dimension));
    }
    // Enough GPU memory in all, but not on the GPUs it would get.
    let gpus = need.get(Dimension::Gpu);
    let each = nodes.iter().map(|node| board.rooms.node(*node).gpu_memory_each).max().unwrap_or(0);
    reason(Dimension::GpuMemory, gpus.saturating_mul(each))
}

fn gang(board: &Board<'_>, unit: &Unit) -> Option<Reason> {
    let present = count(unit.members.len()).saturating_add(unit.placed_before);
    if present < unit.size {
        return Some(Reason::GangIncomplete { present, size: unit.size });
    }
    let fitting = fitting_empty(board, unit);
    (fitting < unit.members.len()).then(|| Reason::GangTooLarge {
        fitting: count(fitting).saturating_add(unit.placed_before),
        size: unit.size,
    })
}

/// Returns how many of the waiting members would fit at once into the empty cluster.
fn fitting_empty(board: &Board<'_>, unit: &Unit) -> usize {
    let demand = |member: &usize| &board.jobs[*member].demand;
    let Some(first) = unit.members.first().map(demand) else { return 0 };
    let alike = |other: &Demand| {
        (other.need, other.pool, &other.avoid, other.target)
            == (first.need, first.pool, &first.avoid, first.target)
    };
    if unit.members.iter().map(demand).all(alike) {
        // Equal members: what each node takes adds up, exactly.
        let mut fitting = 0_usize;
        for node in board.rooms.candidates(first) {
            let times = board.rooms.node(node).usable.times(&first.need);
            fitting = fitting.saturating_add(usize::try_from(times).unwrap_or(usize::MAX));
            if unit.members.len() <= fitting {
                return unit.members.len();
            }
        }
        return fitting;
    }
    let mut left: BTreeMap<usize, Room> = BTreeMap::new();
    let mut fitting = 0;
    for member in &unit.members {
        let demand = demand(member);
        let usable =
            |node: usize| left.get(&node).copied().unwrap_or_else(|| board.rooms.node(node).usable);
        let node = board.rooms.candidates(demand).find(|node| usable(*node).holds(&demand.need));
        if let Some(node) = node {
            let rest = usable(node).minus(demand.need);
            left.insert(node, rest);
            fitting += 1;
        }
    }
    fitting
}

pub(crate) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
