//! From a picture to a plan. Pure: same picture, same rules, same time, same plan. `README.md` beside this file says
//! what is wanted of it and how it goes about it.

use std::collections::{BTreeMap, BTreeSet};

use engine::ids::{NodeId, SessionId};

use super::blocked::{self, Known};
use super::board::Board;
use super::explain;
use super::order::{Queue, Unit};
use super::picture::{Picture, Placed, Rules};
use super::preempt;
use super::reason::{EvictReason, Reason};
use crate::placement::rooms::Demand;

/// Passes of one plan. Each but the last places or evicts somebody; in practice two or three suffice. Beyond this the
/// rest is left to the next look.
const PASSES_MAX: usize = 64;

/// What to do, and why the others wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Who goes where, in order.
    pub place: Vec<Placing>,
    /// Who is told to write a checkpoint and leave, and for whom.
    pub evict: Vec<Eviction>,
    /// Who waits, in order.
    pub waits: Vec<Wait>,
}

/// A session gets a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placing {
    /// Which session.
    pub session: SessionId,
    /// Which node.
    pub node: NodeId,
}

/// A session is told to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eviction {
    /// Which session.
    pub session: SessionId,
    /// Why.
    pub reason: EvictReason,
    /// For whom.
    pub for_session: SessionId,
}

/// A session waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Which session.
    pub session: SessionId,
    /// From 1.
    pub position: u32,
    /// Why.
    pub reason: Reason,
}

impl Picture {
    /// Carries a plan out: what control state looks like once all its commands are applied.
    pub fn apply(&mut self, plan: &Plan, now_ms: u64) {
        let place: BTreeMap<SessionId, &NodeId> =
            plan.place.iter().map(|one| (one.session, &one.node)).collect();
        let evict: BTreeSet<SessionId> = plan.evict.iter().map(|one| one.session).collect();
        for session in &mut self.sessions {
            if let Some(node) = place.get(&session.id) {
                session.placed = Some(Placed { node: (*node).clone(), since_ms: now_ms });
            }
            session.evicting |= evict.contains(&session.id);
        }
    }
}

/// Returns what to do now.
///
/// Planning again what [`Picture::apply`] makes of it, at the same time, places and evicts nobody.
#[must_use]
pub fn plan(picture: &Picture, rules: &Rules, now_ms: u64) -> Plan {
    let mut planner = Planner::new(Board::new(picture, now_ms), rules);
    let verdicts = if picture.majority { planner.settle() } else { planner.stand_still() };
    let waits = explain::waits(&mut planner.board, &planner.units, verdicts);
    Plan { place: planner.place, evict: planner.evict, waits }
}

/// What became of a unit in one pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was placed.
    Placed,
    /// It waits, and this is why.
    Because(Reason),
    /// It waits for others to leave; where each member will start.
    MakingRoom(Vec<usize>),
    /// It waits for room.
    Waits,
}

/// Verdicts on all units that wait, in order.
pub(crate) type Verdicts = Vec<(usize, Verdict)>;

/// What a waiting unit near the head of the queue holds.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    /// Who.
    pub(crate) unit: usize,
    /// Where room is held for each member; empty where none can be.
    pub(crate) nodes: Vec<usize>,
    /// Whether it starts there as soon as those have left that were told to.
    pub(crate) firm: bool,
}

/// A plan in the making.
pub(crate) struct Planner<'a> {
    pub(crate) board: Board<'a>,
    pub(crate) rules: &'a Rules,
    pub(crate) units: Vec<Unit>,
    /// Those that wait in this pass, from the head of the queue.
    pub(crate) claims: Vec<Claim>,
    pub(crate) evict: Vec<Eviction>,
    /// Sessions on their way out, those of this plan last.
    pub(crate) leaving: Vec<usize>,
    place: Vec<Placing>,
}

impl<'a> Planner<'a> {
    fn new(board: Board<'a>, rules: &'a Rules) -> Self {
        let mut units = board.units(rules);
        let mut known = Known::new();
        for unit in &mut units {
            unit.blocked = blocked::blocked(&board, unit, &mut known);
        }
        let leaving = (0..board.jobs.len()).filter(|job| board.jobs[*job].evicting).collect();
        Self {
            board,
            rules,
            units,
            claims: Vec::new(),
            evict: Vec::new(),
            leaving,
            place: Vec::new(),
        }
    }

    /// Walks the queue until nothing changes any more. Who gets something changes whose turn it is, so the last pass is
    /// one that changed nothing: exactly what the next plan would begin and end with.
    fn settle(&mut self) -> Verdicts {
        let queue = Queue::new(&self.units);
        let mut verdicts = Vec::new();
        for _ in 0..PASSES_MAX {
            let before = (self.place.len(), self.evict.len());
            verdicts = self.pass(&queue);
            if before == (self.place.len(), self.evict.len()) {
                break;
            }
        }
        verdicts
    }

    /// Returns the queue as it stands, with nothing placed.
    fn stand_still(&mut self) -> Verdicts {
        let queue = Queue::new(&self.units);
        let mut walk = queue.walk();
        let mut verdicts = Vec::new();
        while let Some(unit) = walk.next(&self.units, &self.board.ledger) {
            self.board.ledger.queue(&self.units[unit].charges);
            verdicts.push((unit, Verdict::Because(Reason::NoMajority)));
        }
        verdicts
    }

    fn pass(&mut self, queue: &Queue) -> Verdicts {
        let evict = preempt::conceivable(self);
        self.board.rooms.clear_holds();
        self.board.ledger.clear();
        self.claims.clear();
        let mut walk = queue.walk();
        let mut verdicts = Vec::new();
        while let Some(unit) = walk.next(&self.units, &self.board.ledger) {
            let verdict = self.consider(unit, evict);
            if verdict == Verdict::Placed {
                self.units[unit].done = true;
            }
            verdicts.push((unit, verdict));
        }
        verdicts
    }

    fn consider(&mut self, number: usize, evict: bool) -> Verdict {
        let unit = &self.units[number];
        if let Some(reason) = &unit.blocked {
            return Verdict::Because(reason.clone());
        }
        if let Some(reason) = self.board.ledger.refuses(&unit.charges) {
            // Whoever waited too long is not overtaken by smaller ones of the same owner or team for ever.
            if unit.rank.starving() && self.board.ledger.allows_alone(&unit.charges) {
                self.board.ledger.hold(&unit.charges);
            }
            return Verdict::Because(reason);
        }
        if self.place_now(number) {
            self.board.ledger.charge(&self.units[number].charges);
            return Verdict::Placed;
        }
        self.board.ledger.queue(&self.units[number].charges);
        if self.rules.holds_max <= self.claims.len() {
            return Verdict::Waits;
        }
        if let Some(nodes) = self.claim(number, evict) {
            self.board.ledger.hold(&self.units[number].charges);
            self.claims.push(Claim { unit: number, nodes: nodes.clone(), firm: true });
            return Verdict::MakingRoom(nodes);
        }
        let nodes = self.hold_for_later(number);
        if !nodes.is_empty() {
            self.board.ledger.hold(&self.units[number].charges);
        }
        self.claims.push(Claim { unit: number, nodes, firm: false });
        Verdict::Waits
    }

    fn place_now(&mut self, number: usize) -> bool {
        let members = self.units[number].members.clone();
        let mut nodes = Vec::with_capacity(members.len());
        for job in &members {
            let demand = &self.board.jobs[*job].demand;
            let Some(node) = self.board.rooms.find(demand) else { break };
            nodes.push(node);
            if 1 < members.len() {
                self.board.rooms.hold(node, demand.need);
            }
        }
        if 1 < members.len() {
            self.release(&members, &nodes);
        }
        if nodes.len() < members.len() {
            if let [job] = members[..] {
                self.board.rooms.remember_refusal(&self.board.jobs[job].demand);
            }
            return false;
        }
        for (job, node) in members.into_iter().zip(nodes) {
            self.sit(job, node);
        }
        true
    }

    fn sit(&mut self, number: usize, node: usize) {
        let job = &mut self.board.jobs[number];
        job.placed = true;
        job.since_ms = self.board.now_ms;
        self.board.rooms.take(node, job.seat(number));
        let node = self.board.nodes[node].name.clone();
        self.place.push(Placing { session: job.id, node });
    }

    /// Gives back what was held for the first members.
    fn release(&mut self, members: &[usize], nodes: &[usize]) {
        for (job, node) in members.iter().zip(nodes) {
            self.board.rooms.unhold(*node, self.board.jobs[*job].demand.need);
        }
    }

    /// Finds room for all members that is there or will be once others have left; with `evict` also by telling more
    /// to leave. Holds that room. All or none.
    fn claim(&mut self, number: usize, evict: bool) -> Option<Vec<usize>> {
        let members = self.units[number].members.clone();
        let evicted_before = self.evict.len();
        let mut nodes = Vec::with_capacity(members.len());
        for job in &members {
            let demand: &Demand = &self.board.jobs[*job].demand;
            let rooms = &self.board.rooms;
            let mut node = rooms.find(demand).or_else(|| rooms.find_leaving(demand));
            if node.is_none() && evict {
                node = preempt::make_room(self, number, *job);
            }
            let Some(node) = node else {
                self.release(&members, &nodes);
                preempt::undo(self, evicted_before);
                return None;
            };
            self.board.rooms.hold(node, self.board.jobs[*job].demand.need);
            nodes.push(node);
        }
        Some(nodes)
    }

    /// Holds room back where all members will surely fit once others have ended by themselves. All or none.
    ///
    /// For each member the node is chosen whose youngest session in the way is the oldest: nobody new gets there what
    /// this one waits for, so that a better node can only bring the start forward (`README.md`, starvation).
    fn hold_for_later(&mut self, number: usize) -> Vec<usize> {
        let members = self.units[number].members.clone();
        let mut nodes = Vec::with_capacity(members.len());
        for job in &members {
            let demand = &self.board.jobs[*job].demand;
            let rooms = &self.board.rooms;
            let fitting = rooms.candidates(demand).filter(|node| {
                let room = rooms.node(*node);
                room.usable.minus(room.endless).minus(room.held).holds(&demand.need)
            });
            let best = fitting.min_by_key(|node| (self.youngest_in_the_way(*node, demand), *node));
            let Some(node) = best else {
                self.release(&members, &nodes);
                return Vec::new();
            };
            let need = demand.need;
            self.board.rooms.hold(node, need);
            nodes.push(node);
        }
        nodes
    }

    fn youngest_in_the_way(&self, node: usize, demand: &Demand) -> u64 {
        let room = self.board.rooms.node(node);
        let short = room.available().shortage(&demand.need);
        let in_the_way = room.seats.iter().filter(|seat| seat.ends || seat.leaving);
        let youngest = in_the_way.filter(|seat| seat.need.touches(&short));
        youngest.map(|seat| seat.since_ms).max().unwrap_or(0)
    }
}
