//! Why each waits, in words with numbers. Pure.

use std::collections::BTreeMap;

use super::blocked::count;
use super::board::Board;
use super::order::Unit;
use super::planner::{Verdict, Verdicts, Wait};
use super::reason::Reason;
use crate::placement::amounts::Room;
use crate::placement::rooms::Demand;

/// For so many, from the head of the queue, it is found out what they lack. Those beyond wait for those ahead.
const EXPLAINED_MAX: u32 = 512;

/// Returns who waits, in order, and why. Forgets what was held back.
pub(crate) fn waits(board: &mut Board<'_>, units: &[Unit], verdicts: Verdicts) -> Vec<Wait> {
    board.rooms.clear_holds();
    let mut known: BTreeMap<(usize, Room), Option<Reason>> = BTreeMap::new();
    let mut waits = Vec::new();
    for (number, verdict) in verdicts {
        let unit = &units[number];
        let ahead = count(waits.len());
        let reason = match verdict {
            Verdict::Placed => continue,
            Verdict::Because(reason) => reason,
            Verdict::MakingRoom(nodes) => making_room(board, unit, &nodes),
            Verdict::Waits if EXPLAINED_MAX <= ahead => Reason::Behind { ahead },
            Verdict::Waits if 1 < unit.members.len() => partly(board, unit, ahead),
            Verdict::Waits => {
                let demand = &board.jobs[unit.members[0]].demand;
                let missing = if demand.is_plain() {
                    let key = (demand.pool, demand.need);
                    known.entry(key).or_insert_with(|| missing(board, demand)).clone()
                } else {
                    missing(board, demand)
                };
                missing.unwrap_or(Reason::Behind { ahead })
            }
        };
        for member in &unit.members {
            let position = count(waits.len()).saturating_add(1);
            let session = board.jobs[*member].id;
            waits.push(Wait { session, position, reason: reason.clone() });
        }
    }
    waits
}

/// Returns what the closest node lacks, or none where it would fit if nothing were held back.
fn missing(board: &Board<'_>, demand: &Demand) -> Option<Reason> {
    let rooms = &board.rooms;
    let large =
        rooms.candidates(demand).filter(|node| rooms.node(*node).usable.holds(&demand.need));
    let closest = large.map(|node| (rooms.node(node).free.shortage(&demand.need), node)).min();
    let (short, node) = closest?;
    let (dimension, missing) = short.first()?;
    Some(Reason::Missing { dimension, missing, node: board.nodes[node].name.clone() })
}

fn making_room(board: &Board<'_>, unit: &Unit, nodes: &[usize]) -> Reason {
    // A member may have room already; the node named is one that others leave.
    let leaving = |node: &&usize| !board.rooms.node(**node).leaving.is_zero();
    match nodes.iter().find(leaving).or(nodes.first()) {
        Some(node) => Reason::MakingRoom { node: board.nodes[*node].name.clone() },
        None => Reason::GangPartly { fitting: unit.placed_before, size: unit.size },
    }
}

fn partly(board: &mut Board<'_>, unit: &Unit, ahead: u32) -> Reason {
    let mut held = Vec::new();
    for member in &unit.members {
        let demand = &board.jobs[*member].demand;
        if let Some(node) = board.rooms.find(demand) {
            board.rooms.hold(node, demand.need);
            held.push((node, demand.need));
        }
    }
    let fitting = held.len();
    for (node, need) in held {
        board.rooms.unhold(node, need);
    }
    if fitting == unit.members.len() {
        return Reason::Behind { ahead };
    }
    Reason::GangPartly {
        fitting: count(fitting).saturating_add(unit.placed_before),
        size: unit.size,
    }
}
