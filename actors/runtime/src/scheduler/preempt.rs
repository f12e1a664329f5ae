//! Telling sessions of lower priority to leave so that a higher one fits. Pure.
//!
//! Only where all of this holds: the base priority (class, then number) is strictly lower; when it comes back it still
//! stands behind in the queue (so it does not take its room back); it is preemptible, neither live trading nor a guard
//! of it nor a member of a gang; the other one then really fits; and nobody who goes first would take the room.
//! Base priorities only fall along a chain of preemptions, so there are no cycles.

use std::cmp::Reverse;

use super::board::Job;
use super::order::{Rank, Unit};
use super::planner::{Claim, Eviction, Planner};
use super::reason::EvictReason;
use crate::placement::amounts::Room;
use crate::placement::rooms::Demand;
use crate::placement::victims::{Victim, fewest};

/// Returns whether anybody who waits has a higher base priority than anybody who may be told to leave.
pub(crate) fn conceivable(planner: &Planner<'_>) -> bool {
    let open = planner.units.iter().filter(|unit| !unit.done && unit.blocked.is_none());
    let highest = open.map(|unit| unit.base).max();
    let lowest = planner
        .board
        .jobs
        .iter()
        .filter(|job| job.placed && !job.evicting && job.preemptible)
        .map(|job| job.base)
        .min();
    lowest.zip(highest).is_some_and(|(lowest, highest)| lowest < highest)
}

/// Tells the fewest and youngest sessions of one node to leave so that a member of a unit fits, and returns the node.
pub(crate) fn make_room(planner: &mut Planner<'_>, unit: usize, job: usize) -> Option<usize> {
    let budget = planner.rules.evicting_max.saturating_sub(planner.leaving.len());
    let (node, victims) = choose(planner, &planner.units[unit], job, budget)?;
    let by = planner.board.jobs[job].id;
    let name = planner.board.nodes[node].name.clone();
    for victim in victims {
        let one = &mut planner.board.jobs[victim.job];
        one.evicting = true;
        planner.leaving.push(victim.job);
        planner.board.rooms.leave(node, victim.job, true);
        planner.evict.push(Eviction {
            session: one.id,
            reason: EvictReason::Preempted { by, node: name.clone() },
            for_session: by,
        });
    }
    Some(node)
}

/// Takes back whom this plan told to leave beyond the first `keep`.
pub(crate) fn undo(planner: &mut Planner<'_>, keep: usize) {
    for eviction in planner.evict.split_off(keep) {
        let EvictReason::Preempted { node, .. } = eviction.reason;
        let nodes = &planner.board.nodes;
        let jobs = &mut planner.board.jobs;
        let place = nodes.binary_search_by(|one| one.name.cmp(&node));
        let job = jobs.binary_search_by_key(&eviction.session, |job| job.id);
        planner.leaving.pop();
        if let (Ok(place), Ok(job)) = (place, job) {
            jobs[job].evicting = false;
            planner.board.rooms.leave(place, job, false);
        }
    }
}

/// How many leave, since when the eldest of them runs (the latest first), which node. The least is the best.
type Cost = (usize, Reverse<u64>, usize);

fn choose(
    planner: &Planner<'_>,
    unit: &Unit,
    job: usize,
    budget: usize,
) -> Option<(usize, Vec<Victim>)> {
    let demand = &planner.board.jobs[job].demand;
    let rooms = &planner.board.rooms;
    let mut best: Option<(Cost, Vec<Victim>)> = None;
    for node in rooms.candidates(demand) {
        let room = rooms.node(node);
        if !room.usable.holds(&demand.need) {
            continue;
        }
        let short = room.available().plus(room.leaving).shortage(&demand.need);
        let candidates = victims(planner, unit, node);
        if short.is_zero() || candidates.is_empty() {
            continue;
        }
        let Some(chosen) = fewest(short, &candidates) else { continue };
        let elder = chosen.iter().map(|one| one.since_ms).min().unwrap_or(0);
        let key = (chosen.len(), Reverse(elder), node);
        let better = best.as_ref().is_none_or(|(best, _)| key < *best);
        if better
            && chosen.len() <= budget
            && !contested(planner, (unit.rank, demand), node, &chosen)
        {
            best = Some((key, chosen));
        }
    }
    best.map(|((_, _, node), chosen)| (node, chosen))
}

/// Returns the rank somebody who is placed would have if it came back into the queue now.
fn rank_back(planner: &Planner<'_>, job: &Job) -> Rank {
    Rank::of(job.class, job.base, job.waited_before_ms(), planner.rules.starving_after_ms)
}

/// Returns whom `unit` may tell to leave on a node. Not those that have only just got there: what one plan places it
/// does not take away.
fn victims(planner: &Planner<'_>, unit: &Unit, node: usize) -> Vec<Victim> {
    let seats = planner.board.rooms.node(node).seats.iter();
    seats
        .filter(|seat| !seat.leaving && seat.since_ms < planner.board.now_ms)
        .map(|seat| (seat, &planner.board.jobs[seat.job]))
        .filter(|(_, job)| job.preemptible && job.base < unit.base)
        .filter(|(_, job)| rank_back(planner, job) < unit.rank)
        .map(|(seat, _)| Victim { job: seat.job, need: seat.need, since_ms: seat.since_ms })
        .collect()
}

/// Returns whether somebody who goes first would take what becomes free there: one that waits, or one that is on its
/// way out and comes back into the queue before this one.
fn contested(
    planner: &Planner<'_>,
    (rank, mine): (Rank, &Demand),
    node: usize,
    chosen: &[Victim],
) -> bool {
    let room = planner.board.rooms.node(node);
    let leaving = chosen.iter().fold(room.leaving, |sum, one| sum.plus(one.need));
    let future = room.free.plus(leaving);
    let back = |job: &usize| {
        let job = &planner.board.jobs[*job];
        rank <= rank_back(planner, job)
            && planner.board.rooms.allows(node, &job.demand)
            && future.holds(&job.demand.need)
    };
    // Where one leaves that does not end by itself, room may be held that could not be before.
    let endless = chosen.iter().filter(|one| !planner.board.jobs[one.job].class.ends());
    let mut holdable = None;
    for one in endless {
        let before = holdable.unwrap_or_else(|| room.usable.minus(room.endless));
        holdable = Some(before.plus(one.need));
    }
    planner.claims.iter().any(|claim| {
        wants(planner, claim, mine, (node, &future))
            || holdable
                .is_some_and(|room| !claim.firm && wants(planner, claim, mine, (node, &room)))
    }) || planner.leaving.iter().any(back)
}

fn wants(
    planner: &Planner<'_>,
    claim: &Claim,
    mine: &Demand,
    (node, future): (usize, &Room),
) -> bool {
    // What a session alone holds there was counted already. A gang may divide itself anew.
    if let [own] = claim.nodes[..]
        && own == node
    {
        return false;
    }
    let rooms = &planner.board.rooms;
    let demand = |member: &usize| &planner.board.jobs[*member].demand;
    let members = &planner.units[claim.unit].members;
    // Should one that others make room for take this room instead, its own is as good: unless somebody else waits for
    // that.
    if planner.claims.iter().all(|claim| claim.firm)
        && let (true, [other], [member]) = (claim.firm, &claim.nodes[..], &members[..])
        && rooms.allows(*other, mine)
        && demand(member).need.covers(&mine.need)
    {
        return false;
    }
    members
        .iter()
        .map(demand)
        .any(|demand| rooms.allows(node, demand) && future.holds(&demand.need))
}
