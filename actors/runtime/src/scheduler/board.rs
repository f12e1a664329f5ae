//! The picture with names replaced by numbers, sorted, so that plans depend on no order of input. Pure.

use std::collections::{BTreeMap, HashMap};

use engine::ids::{NodeId, SessionId};

use super::ledger::{Charge, Ledger};
use super::order::{self, Rank, Unit};
use super::picture::{Class, Gang, NodePicture, Picture, Quotas, Requires, Rules, SessionPicture};
use super::reason::Scope;
use crate::placement::amounts::{Amounts, Dimension, Room};
use crate::placement::rooms::{Demand, EVERYWHERE, RoomNode, Rooms, Seat, UNKNOWN};

/// A session as the planner counts it.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: SessionId,
    pub(crate) class: Class,
    pub(crate) base: i64,
    pub(crate) user: usize,
    pub(crate) team: Option<usize>,
    pub(crate) demand: Demand,
    pub(crate) gang: Option<Gang>,
    /// Whether it may be told to leave, everything considered but priorities.
    pub(crate) preemptible: bool,
    pub(crate) placed: bool,
    /// Since when, if placed.
    pub(crate) since_ms: u64,
    pub(crate) evicting: bool,
    pub(crate) waiting_since_ms: u64,
    pub(crate) not_before_ms: Option<u64>,
    pub(crate) order: u64,
}

impl Job {
    /// Returns what it takes on its node.
    pub(crate) const fn seat(&self, number: usize) -> Seat {
        Seat {
            job: number,
            need: self.demand.need,
            since_ms: self.since_ms,
            ends: self.class.ends(),
            leaving: self.evicting,
        }
    }

    /// Returns how long it had waited when it was placed.
    pub(crate) const fn waited_before_ms(&self) -> u64 {
        self.since_ms.saturating_sub(self.waiting_since_ms)
    }
}

/// Everything a plan is made from and changed on.
#[derive(Debug, Clone)]
pub(crate) struct Board<'a> {
    /// Nodes in order of their names, as numbered.
    pub(crate) nodes: Vec<&'a NodePicture>,
    /// What each pool of nodes has in common.
    pub(crate) requires: Vec<&'a Requires>,
    /// Sessions in order of their identifiers, as numbered.
    pub(crate) jobs: Vec<Job>,
    /// The one node that some may go to, by session.
    pub(crate) targets: BTreeMap<SessionId, &'a NodeId>,
    pub(crate) rooms: Rooms,
    pub(crate) ledger: Ledger,
    pub(crate) now_ms: u64,
}

impl<'a> Board<'a> {
    pub(crate) fn new(picture: &'a Picture, now_ms: u64) -> Self {
        let mut nodes: Vec<&NodePicture> = picture.nodes.iter().collect();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let mut sessions: Vec<&SessionPicture> = picture.sessions.iter().collect();
        sessions.sort_by_key(|session| session.id);
        let numbers: HashMap<&NodeId, usize> =
            nodes.iter().enumerate().map(|(number, node)| (&node.name, number)).collect();

        let mut room_nodes: Vec<RoomNode> =
            nodes.iter().map(|node| room_node(node, now_ms)).collect();
        let total = room_nodes.iter().fold(Room::default(), |sum, node| sum.plus(node.usable));
        let mut accounts = Accounts::new(&picture.quotas, Ledger::new(total));
        let (requires, pools) = pools(&sessions, &nodes);

        let mut jobs = Vec::with_capacity(sessions.len());
        for (number, session) in sessions.iter().enumerate() {
            let pool = requires.get(&session.requires).copied().unwrap_or(EVERYWHERE);
            let job = job(session, demand(session, pool, &numbers), &mut accounts);
            let node = session.placed.as_ref().and_then(|placed| numbers.get(&placed.node));
            if let Some(node) = node {
                room_nodes[*node].sit(job.seat(number));
            }
            if job.placed {
                accounts.ledger.charge(&charges(&[&job]));
            }
            jobs.push(job);
        }
        let mut required: Vec<(&Requires, usize)> = requires.into_iter().collect();
        required.sort_by_key(|(_, pool)| *pool);
        Self {
            nodes,
            requires: required.into_iter().map(|(requires, _)| requires).collect(),
            jobs,
            targets: sessions
                .iter()
                .filter_map(|session| session.target.as_ref().map(|node| (session.id, node)))
                .collect(),
            rooms: Rooms::new(room_nodes, pools),
            ledger: accounts.ledger,
            now_ms,
        }
    }

    /// Returns what waits, as it is placed.
    pub(crate) fn units(&self, rules: &Rules) -> Vec<Unit> {
        let mut units = Vec::new();
        let mut gangs: BTreeMap<u128, Vec<usize>> = BTreeMap::new();
        let mut placed: BTreeMap<u128, u32> = BTreeMap::new();
        for (number, job) in self.jobs.iter().enumerate() {
            match job.gang {
                Some(gang) if job.placed => *placed.entry(gang.id).or_default() += 1,
                Some(gang) => gangs.entry(gang.id).or_default().push(number),
                None if job.placed => {}
                None => units.push(self.unit(vec![number], 0, rules)),
            }
        }
        for (gang, members) in gangs {
            let placed = placed.get(&gang).copied().unwrap_or(0);
            units.push(self.unit(members, placed, rules));
        }
        units
    }

    /// Requires: at least one member.
    fn unit(&self, mut members: Vec<usize>, placed_before: u32, rules: &Rules) -> Unit {
        let jobs: Vec<&Job> = members.iter().map(|member| &self.jobs[*member]).collect();
        let rank = |job: &&Job| {
            let waited = self.now_ms.saturating_sub(job.waiting_since_ms);
            Rank::of(job.class, job.base, waited, rules.starving_after_ms)
        };
        let first = jobs[0];
        let unit = Unit {
            charges: charges(&jobs),
            user: first.user,
            team: first.team,
            rank: jobs.iter().map(rank).min().unwrap_or_else(|| rank(&first)),
            base: jobs.iter().map(|job| job.base).min().unwrap_or(first.base),
            waiting_since_ms: jobs.iter().map(|job| job.waiting_since_ms).max().unwrap_or(0),
            order: jobs.iter().map(|job| job.order).min().unwrap_or(0),
            id: first.id,
            size: jobs.iter().filter_map(|job| job.gang.map(|gang| gang.size)).max().unwrap_or(1),
            placed_before,
            blocked: None,
            done: false,
            members: Vec::new(),
        };
        members.sort_by_key(|job| std::cmp::Reverse(self.jobs[*job].demand.need));
        Unit { members, ..unit }
    }
}

/// Returns what sessions add to their accounts, one entry per account.
fn charges(jobs: &[&Job]) -> Vec<Charge> {
    let mut charges: Vec<Charge> = Vec::with_capacity(2);
    for job in jobs {
        for account in std::iter::once(job.user).chain(job.team) {
            let need = job.demand.need;
            match charges.iter_mut().find(|charge| charge.account == account) {
                Some(charge) => {
                    charge.need = charge.need.plus(need);
                    charge.count += 1;
                }
                None => charges.push(Charge { account, need, count: 1 }),
            }
        }
    }
    charges
}

fn room_node(node: &NodePicture, now_ms: u64) -> RoomNode {
    let capacity = Room::from(node.capacity);
    let usable = capacity.minus(node.reserve.into()).floor();
    let mut excluded = Amounts::default();
    for (dimension, until) in &node.excluded_until {
        if now_ms < *until {
            match dimension {
                Dimension::Gpu => excluded.gpus = 1,
                Dimension::GpuMemory => excluded.gpu_memory_mib = 1,
                Dimension::Cpu => excluded.cpu_millis = 1,
                Dimension::Memory => excluded.memory_mib = 1,
                Dimension::Disk => excluded.disk_mib = 1,
            }
        }
    }
    let gpus = capacity.get(Dimension::Gpu).max(1);
    RoomNode {
        usable,
        open: node.open,
        excluded: excluded.into(),
        gpu_memory_each: capacity.get(Dimension::GpuMemory) / gpus,
        free: usable,
        held: Room::default(),
        leaving: Room::default(),
        endless: Room::default(),
        seats: Vec::new(),
    }
}

fn demand(session: &SessionPicture, pool: usize, numbers: &HashMap<&NodeId, usize>) -> Demand {
    // Names and numbers have the same order, so these stay sorted.
    let known = |name: &NodeId| numbers.get(name).copied();
    Demand {
        need: session.need.into(),
        pool,
        avoid: session.avoid.iter().filter_map(known).collect(),
        target: session.target.as_ref().map(|name| known(name).unwrap_or(UNKNOWN)),
        data_on: session.data_on.iter().filter_map(known).collect(),
    }
}

fn job<'a>(session: &'a SessionPicture, demand: Demand, accounts: &mut Accounts<'a>) -> Job {
    let gang = session.gang.filter(|gang| 1 < gang.size);
    Job {
        id: session.id,
        class: session.class,
        base: order::base(session.class, session.priority),
        user: accounts.user(&session.owner),
        team: session.team.as_deref().map(|team| accounts.team(team)),
        demand,
        gang,
        preemptible: session.preemptible && !session.class.trades() && gang.is_none(),
        placed: session.placed.is_some(),
        since_ms: session.placed.as_ref().map_or(0, |placed| placed.since_ms),
        evicting: session.evicting && session.placed.is_some(),
        waiting_since_ms: session.waiting_since_ms,
        not_before_ms: session.not_before_ms,
        order: session.order,
    }
}

/// Numbers of accounts by name. Looked up only, so that the order of a hash map cannot be seen.
struct Accounts<'a> {
    quotas: &'a Quotas,
    users: HashMap<&'a str, usize>,
    teams: HashMap<&'a str, usize>,
    ledger: Ledger,
}

impl<'a> Accounts<'a> {
    fn new(quotas: &'a Quotas, ledger: Ledger) -> Self {
        Self { quotas, users: HashMap::new(), teams: HashMap::new(), ledger }
    }

    fn user(&mut self, name: &'a str) -> usize {
        let Quotas { users, user_default, .. } = self.quotas;
        *self.users.entry(name).or_insert_with(|| {
            self.ledger.open(Scope::User, name, users.get(name).unwrap_or(user_default))
        })
    }

    fn team(&mut self, name: &'a str) -> usize {
        let Quotas { teams, team_default, .. } = self.quotas;
        *self.teams.entry(name).or_insert_with(|| {
            self.ledger.open(Scope::Team, name, teams.get(name).unwrap_or(team_default))
        })
    }
}

type Pools<'a> = (BTreeMap<&'a Requires, usize>, Vec<Vec<usize>>);

/// Returns a number for each set of requirements, and the nodes that meet it. Number 0 requires nothing.
fn pools<'a>(sessions: &[&'a SessionPicture], nodes: &[&NodePicture]) -> Pools<'a> {
    static NOTHING: Requires = Requires { labels: BTreeMap::new(), role: None, node: None };
    let mut numbers: BTreeMap<&Requires, usize> = BTreeMap::from([(&NOTHING, EVERYWHERE)]);
    let mut pools = vec![Vec::new()];
    for session in sessions.iter().filter(|session| session.requires != NOTHING) {
        numbers.entry(&session.requires).or_insert_with(|| {
            let meeting = nodes.iter().enumerate();
            pools.push(
                meeting
                    .filter(|(_, node)| meets(node, &session.requires))
                    .map(|(number, _)| number)
                    .collect(),
            );
            pools.len() - 1
        });
    }
    (numbers, pools)
}

pub(crate) fn meets(node: &NodePicture, requires: &Requires) -> bool {
    requires.node.as_ref().is_none_or(|name| *name == node.name)
        && requires.role.as_ref().is_none_or(|role| node.roles.contains(role))
        && requires.labels.iter().all(|(label, value)| node.labels.get(label) == Some(value))
}
