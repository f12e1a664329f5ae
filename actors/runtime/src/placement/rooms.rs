//! What every node has left, and which node takes a session. Pure.
//!
//! Sessions without GPU are spread: the node with the most whole cores left, nodes without GPUs first. Sessions with
//! GPU are packed: the node on which the least GPU memory is left. Where two are alike, the one that has the data.
//!
//! Sorted sets by what is left make finding a node a matter of a few steps instead of a walk over all nodes.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::amounts::{Dimension, Room};

/// Pool of every node: for sessions that require nothing of a node.
pub(crate) const EVERYWHERE: usize = 0;

/// A node that is not in the picture.
pub(crate) const UNKNOWN: usize = usize::MAX;

/// Wishes remembered as surely refused, so that those that want no less need not look.
const REFUSED_MAX: usize = 64;

/// A node as the planner counts it.
#[derive(Debug, Clone)]
pub(crate) struct RoomNode {
    /// Capacity minus reserve.
    pub(crate) usable: Room,
    /// Whether new sessions may go there.
    pub(crate) open: bool,
    /// Dimensions it refused lately: a session that needs one of them keeps away.
    pub(crate) excluded: Room,
    /// Memory of one GPU; GPUs of a node are alike.
    pub(crate) gpu_memory_each: i64,
    /// Usable minus what runs here, those that leave included.
    pub(crate) free: Room,
    /// Held back for those that wait.
    pub(crate) held: Room,
    /// Of those that were told to leave.
    pub(crate) leaving: Room,
    /// Of those that do not end by themselves.
    pub(crate) endless: Room,
    /// What runs here.
    pub(crate) seats: Vec<Seat>,
}

/// A session on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    /// Which, as the planner numbers it.
    pub(crate) job: usize,
    /// What it takes.
    pub(crate) need: Room,
    /// Since when, milliseconds.
    pub(crate) since_ms: u64,
    /// Whether it ends by itself.
    pub(crate) ends: bool,
    /// Whether it was told to leave.
    pub(crate) leaving: bool,
}

impl RoomNode {
    fn has_gpu(&self) -> bool {
        self.usable.wants_gpu()
    }

    /// Puts a session here.
    pub(crate) fn sit(&mut self, seat: Seat) {
        self.seats.push(seat);
        self.free = self.free.minus(seat.need);
        if seat.leaving {
            self.leaving = self.leaving.plus(seat.need);
        } else if !seat.ends {
            self.endless = self.endless.plus(seat.need);
        }
    }

    fn rise(&mut self, job: usize) -> Option<Seat> {
        let at = self.seats.iter().position(|seat| seat.job == job)?;
        let seat = self.seats.swap_remove(at);
        self.free = self.free.plus(seat.need);
        if seat.leaving {
            self.leaving = self.leaving.minus(seat.need);
        } else if !seat.ends {
            self.endless = self.endless.minus(seat.need);
        }
        Some(seat)
    }

    /// Returns what later sessions may take.
    pub(crate) fn available(&self) -> Room {
        self.free.minus(self.held)
    }
}

/// What a session asks of a node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Demand {
    /// How much.
    pub(crate) need: Room,
    /// Which nodes have the labels and roles it requires.
    pub(crate) pool: usize,
    /// Never there; sorted.
    pub(crate) avoid: Vec<usize>,
    /// Only there; [`UNKNOWN`] if that node is not in the picture.
    pub(crate) target: Option<usize>,
    /// Nodes that have its data; sorted.
    pub(crate) data_on: Vec<usize>,
}

impl Demand {
    /// Returns whether nothing but need and pool decides: equal demands of this sort get equal answers.
    pub(crate) fn is_plain(&self) -> bool {
        self.avoid.is_empty() && self.target.is_none()
    }
}

type Spread = (Reverse<i64>, Reverse<i64>, usize);
type Fit = (i64, usize);

/// All nodes, by number; numbers follow the order of names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rooms {
    nodes: Vec<RoomNode>,
    /// Nodes of each pool; the first is not listed, it is all of them.
    pools: Vec<Vec<usize>>,
    /// Open nodes without GPU, most cores left first.
    plain: BTreeSet<Spread>,
    /// Open nodes with GPU, most cores left first.
    mixed: BTreeSet<Spread>,
    /// Open nodes with GPU, least GPU memory left first.
    devices: BTreeSet<Fit>,
    /// Pools with a need that no node of it can take at the moment.
    refused: Vec<(usize, Room)>,
}

impl Rooms {
    /// Takes nodes in order of their names, and the nodes of each pool (sorted, [`EVERYWHERE`] left empty).
    pub(crate) fn new(nodes: Vec<RoomNode>, pools: Vec<Vec<usize>>) -> Self {
        let mut rooms = Self { nodes, pools, ..Self::default() };
        for node in 0..rooms.nodes.len() {
            rooms.enter(node);
        }
        rooms
    }

    pub(crate) fn node(&self, node: usize) -> &RoomNode {
        &self.nodes[node]
    }

    /// Returns the nodes that have the labels and roles of a pool, closed ones included.
    pub(crate) fn pool(&self, pool: usize) -> Box<dyn Iterator<Item = usize> + '_> {
        if pool == EVERYWHERE {
            Box::new(0..self.nodes.len())
        } else {
            Box::new(self.pools[pool].iter().copied())
        }
    }

    /// Returns whether the session may go there at all, apart from what is free.
    pub(crate) fn allows(&self, node: usize, demand: &Demand) -> bool {
        (demand.pool == EVERYWHERE || self.pools[demand.pool].binary_search(&node).is_ok())
            && self.nodes.get(node).is_some_and(|room| admits(room, node, demand))
    }

    /// Returns the nodes a session may go to, apart from what is free.
    pub(crate) fn candidates<'a>(
        &'a self,
        demand: &'a Demand,
    ) -> Box<dyn Iterator<Item = usize> + 'a> {
        match demand.target {
            Some(target) => Box::new(Some(target).into_iter().filter(|n| self.allows(*n, demand))),
            None => Box::new(
                self.pool(demand.pool).filter(|node| admits(&self.nodes[*node], *node, demand)),
            ),
        }
    }

    /// Returns whether the session could start there now, beside what is held back.
    fn takes(&self, node: usize, demand: &Demand) -> bool {
        self.allows(node, demand) && self.has_room(node, demand)
    }

    fn has_room(&self, node: usize, demand: &Demand) -> bool {
        self.nodes[node].available().holds(&demand.need)
    }

    /// Returns the node that should run it now, or none where none can.
    pub(crate) fn find(&self, demand: &Demand) -> Option<usize> {
        if let Some(target) = demand.target {
            return self.takes(target, demand).then_some(target);
        }
        if self.surely_refused(demand) {
            return None;
        }
        if demand.pool != EVERYWHERE {
            let pool = self.pools[demand.pool].iter().copied().filter(|node| {
                self.has_room(*node, demand) && admits(&self.nodes[*node], *node, demand)
            });
            return if demand.need.wants_gpu() {
                pool.min_by_key(|node| self.fit_rank(*node, demand))
            } else {
                pool.min_by_key(|node| self.spread_rank(*node, demand))
            };
        }
        if demand.need.wants_gpu() {
            return self.tightest(demand);
        }
        self.emptiest(&self.plain, demand).or_else(|| self.emptiest(&self.mixed, demand))
    }

    fn emptiest(&self, index: &BTreeSet<Spread>, demand: &Demand) -> Option<usize> {
        let least = cores(&demand.need);
        let first = index
            .iter()
            .take_while(|(cores, _, _)| least <= cores.0)
            .map(|(_, _, node)| *node)
            .find(|node| self.has_room(*node, demand) && self.allows(*node, demand))?;
        self.local(first, demand, |rooms, node| {
            (rooms.nodes[node].has_gpu(), cores(&rooms.nodes[node].available()))
        })
        .min_by_key(|node| self.spread_rank(*node, demand))
        .or(Some(first))
    }

    fn tightest(&self, demand: &Demand) -> Option<usize> {
        let least = demand.need.get(Dimension::GpuMemory);
        let first = self
            .devices
            .range((least, 0)..)
            .map(|(_, node)| *node)
            .find(|node| self.takes(*node, demand))?;
        self.local(first, demand, |rooms, node| gpu_memory(&rooms.nodes[node].available()))
            .min_by_key(|node| self.fit_rank(*node, demand))
            .or(Some(first))
    }

    /// Returns the nodes with the data that are as good as `first`.
    fn local<'a, K: PartialEq + 'a>(
        &'a self,
        first: usize,
        demand: &'a Demand,
        key: impl Fn(&Self, usize) -> K + 'a,
    ) -> impl Iterator<Item = usize> + 'a {
        let best = key(self, first);
        demand
            .data_on
            .iter()
            .copied()
            .filter(move |node| self.takes(*node, demand) && key(self, *node) == best)
    }

    fn spread_rank(
        &self,
        node: usize,
        demand: &Demand,
    ) -> (bool, Reverse<i64>, bool, Reverse<i64>, usize) {
        let room = &self.nodes[node];
        let left = room.available();
        let far = demand.data_on.binary_search(&node).is_err();
        (room.has_gpu(), Reverse(cores(&left)), far, Reverse(left.get(Dimension::Memory)), node)
    }

    fn fit_rank(&self, node: usize, demand: &Demand) -> (i64, bool, usize) {
        let far = demand.data_on.binary_search(&node).is_err();
        (gpu_memory(&self.nodes[node].available()), far, node)
    }

    /// Returns whether somebody who wants no more was refused before.
    fn surely_refused(&self, demand: &Demand) -> bool {
        self.refused.iter().any(|(pool, need)| {
            *pool == demand.pool
                && need.get(Dimension::Gpu) == demand.need.get(Dimension::Gpu)
                && demand.need.covers(need)
        })
    }

    /// Remembers that no node takes this now. Forgotten as soon as anything may have become free.
    ///
    /// Equal counts of GPUs only are compared: more GPUs of the same memory may fit where fewer do not.
    pub(crate) fn remember_refusal(&mut self, demand: &Demand) {
        if !demand.is_plain() || self.surely_refused(demand) {
            return;
        }
        let (pool, wanted) = (demand.pool, demand.need);
        let gpus = wanted.get(Dimension::Gpu);
        // Those that want no less say nothing new any more.
        self.refused.retain(|(other, need)| {
            *other != pool || need.get(Dimension::Gpu) != gpus || !need.covers(&wanted)
        });
        if self.refused.len() < REFUSED_MAX {
            self.refused.push((pool, wanted));
        }
    }

    /// Places a session.
    pub(crate) fn take(&mut self, node: usize, seat: Seat) {
        self.change(node, |room| room.sit(seat));
    }

    /// Takes [`Rooms::take`] back.
    pub(crate) fn vacate(&mut self, node: usize, job: usize) {
        self.refused.clear();
        self.change(node, |room| {
            room.rise(job);
        });
    }

    /// Holds room back for one that waits.
    pub(crate) fn hold(&mut self, node: usize, need: Room) {
        self.change(node, |room| room.held = room.held.plus(need));
    }

    /// Gives back what [`Rooms::hold`] held.
    pub(crate) fn unhold(&mut self, node: usize, need: Room) {
        self.refused.clear();
        self.change(node, |room| room.held = room.held.minus(need));
    }

    /// Notes whether a session there was told to leave; it takes its room until it has left.
    pub(crate) fn leave(&mut self, node: usize, job: usize, leaving: bool) {
        let room = &mut self.nodes[node];
        if let Some(mut seat) = room.rise(job) {
            seat.leaving = leaving;
            room.sit(seat);
        }
    }

    /// Returns the first node on which it fits once those have left that were told to.
    pub(crate) fn find_leaving(&self, demand: &Demand) -> Option<usize> {
        self.candidates(demand).find(|node| {
            let room = &self.nodes[*node];
            !room.leaving.is_zero() && room.available().plus(room.leaving).holds(&demand.need)
        })
    }

    /// Forgets everything held back, for a new pass.
    pub(crate) fn clear_holds(&mut self) {
        self.refused.clear();
        for node in 0..self.nodes.len() {
            if !self.nodes[node].held.is_zero() {
                self.change(node, |room| room.held = Room::default());
            }
        }
    }

    fn change(&mut self, node: usize, how: impl FnOnce(&mut RoomNode)) {
        self.withdraw(node);
        how(&mut self.nodes[node]);
        self.enter(node);
    }

    fn keys(&self, node: usize) -> (Spread, Fit) {
        let left = self.nodes[node].available();
        let memory = left.get(Dimension::Memory);
        ((Reverse(cores(&left)), Reverse(memory), node), (gpu_memory(&left), node))
    }

    fn enter(&mut self, node: usize) {
        let (spread, fit) = self.keys(node);
        if !self.nodes[node].open {
            return;
        }
        if self.nodes[node].has_gpu() {
            self.mixed.insert(spread);
            self.devices.insert(fit);
        } else {
            self.plain.insert(spread);
        }
    }

    fn withdraw(&mut self, node: usize) {
        let (spread, fit) = self.keys(node);
        if self.nodes[node].has_gpu() {
            self.mixed.remove(&spread);
            self.devices.remove(&fit);
        } else {
            self.plain.remove(&spread);
        }
    }
}

/// Returns whether a node takes the session, apart from labels, roles and what is free.
fn admits(room: &RoomNode, node: usize, demand: &Demand) -> bool {
    room.open
        && demand.target.is_none_or(|target| target == node)
        && demand.avoid.binary_search(&node).is_err()
        && !room.excluded.touches(&demand.need)
        && device_large_enough(room, &demand.need)
}

/// Whole cores left.
fn cores(room: &Room) -> i64 {
    room.get(Dimension::Cpu).div_euclid(1_000)
}

fn gpu_memory(room: &Room) -> i64 {
    room.get(Dimension::GpuMemory)
}

/// Returns whether the GPUs it gets have the memory it wants: what other GPUs have is of no use to it.
fn device_large_enough(room: &RoomNode, need: &Room) -> bool {
    let gpus = need.get(Dimension::Gpu);
    gpus == 0 || gpu_memory(need) <= gpus.saturating_mul(room.gpu_memory_each)
}
