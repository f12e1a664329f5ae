//! Moving sessions from full nodes to emptier ones, a few at a time. Pure.
//!
//! Only while nobody waits for room. Live trading, paper trading, gangs and sessions with GPUs are never moved: a move
//! costs a checkpoint and a start, and GPUs are packed on purpose. A move goes either from a node with GPUs to one
//! without, never back, or to a node that stays clearly emptier than the first one was: moves therefore come to an end.

use std::cmp::Reverse;

use engine::ids::{NodeId, SessionId};

use super::blocked::{self, Known};
use super::board::Board;
use super::picture::{Picture, Rules};
use crate::placement::amounts::{Dimension, Room};
use crate::placement::rooms::RoomNode;

/// The window in which moves are counted.
const WINDOW_MS: u64 = 60_000;

/// Of the fullest nodes so many are looked at.
const SOURCES_MAX: usize = 16;

/// A session should run elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Which.
    pub session: SessionId,
    /// Where it is.
    pub from: NodeId,
    /// Where it should be.
    pub to: NodeId,
}

/// Returns the moves that are worthwhile now.
///
/// `moved_ms` holds the times of earlier moves for balance; with those of the last minute they are never more than the
/// rules allow.
#[must_use]
pub fn rebalance(picture: &Picture, rules: &Rules, moved_ms: &[u64], now_ms: u64) -> Vec<Move> {
    let lately = moved_ms.iter().filter(|at| now_ms < at.saturating_add(WINDOW_MS)).count();
    let allowance = rules.moves_per_minute.saturating_sub(lately);
    let mut board = Board::new(picture, now_ms);
    if allowance == 0 || !picture.majority || somebody_waits(&board, rules) {
        return Vec::new();
    }
    let mut moves = Vec::new();
    while moves.len() < allowance {
        let Some((job, from, to)) = next(&board, rules) else { break };
        let one = &mut board.jobs[job];
        one.since_ms = now_ms;
        board.rooms.vacate(from, job);
        board.rooms.take(to, one.seat(job));
        moves.push(Move {
            session: one.id,
            from: board.nodes[from].name.clone(),
            to: board.nodes[to].name.clone(),
        });
    }
    moves
}

fn somebody_waits(board: &Board<'_>, rules: &Rules) -> bool {
    let mut known = Known::new();
    board.units(rules).iter().any(|unit| {
        blocked::blocked(board, unit, &mut known).is_none()
            && board.ledger.refuses(&unit.charges).is_none()
    })
}

fn next(board: &Board<'_>, rules: &Rules) -> Option<(usize, usize, usize)> {
    let mut sources: Vec<usize> =
        (0..board.nodes.len()).filter(|node| board.rooms.node(*node).open).collect();
    sources.sort_by_key(|node| {
        let room = board.rooms.node(*node);
        (Reverse(room.usable.wants_gpu()), Reverse(fullness(room, Room::default())), *node)
    });
    let gpus = sources.iter().filter(|node| board.rooms.node(**node).usable.wants_gpu()).count();
    // The fullest of either sort.
    let (with, without) = sources.split_at(gpus);
    let looked_at = with.iter().take(SOURCES_MAX).chain(without.iter().take(SOURCES_MAX));
    looked_at.copied().find_map(|from| away(board, rules, from))
}

/// Returns a session to move away from a node, the youngest that helps, and where to.
fn away(board: &Board<'_>, rules: &Rules, from: usize) -> Option<(usize, usize, usize)> {
    let source = board.rooms.node(from);
    let mut jobs: Vec<usize> = source
        .seats
        .iter()
        .map(|seat| seat.job)
        .filter(|job| movable(board, rules, *job))
        .collect();
    jobs.sort_by_key(|job| (Reverse(board.jobs[*job].since_ms), *job));
    let before = fullness(source, Room::default());
    for job in jobs {
        let demand = &board.jobs[job].demand;
        let nothing = Room::default();
        let relieved = fullness(source, nothing.minus(demand.need)) < before;
        let gap = u64::from(rules.move_gap);
        let better = |node: &usize| {
            let room = board.rooms.node(*node);
            let off_gpu = source.usable.wants_gpu() && !room.usable.wants_gpu();
            let same = source.usable.wants_gpu() == room.usable.wants_gpu();
            let even = relieved && fullness(room, demand.need).saturating_add(gap) < before;
            *node != from && room.free.holds(&demand.need) && (off_gpu || same && even)
        };
        let to = board.rooms.candidates(demand).filter(better).min_by_key(|node| {
            let room = board.rooms.node(*node);
            (room.usable.wants_gpu(), fullness(room, demand.need), *node)
        });
        if let Some(to) = to {
            return Some((job, from, to));
        }
    }
    None
}

fn movable(board: &Board<'_>, rules: &Rules, job: usize) -> bool {
    let job = &board.jobs[job];
    job.class.ends()
        && job.preemptible
        && !job.evicting
        && job.demand.target.is_none()
        && !job.demand.need.wants_gpu()
        && job.since_ms.saturating_add(rules.move_after_ms) <= board.now_ms
}

/// Returns how full a node would be with `more` on it, in thousandths of its scarcest dimension.
fn fullness(room: &RoomNode, more: Room) -> u64 {
    let used = room.usable.minus(room.free).plus(more);
    let of = |dimension: Dimension| {
        let (used, usable) = (used.get(dimension).max(0), room.usable.get(dimension));
        used.saturating_mul(1_000).checked_div(usable).unwrap_or(0)
    };
    Dimension::ALL.into_iter().map(of).max().unwrap_or(0).cast_unsigned()
}
