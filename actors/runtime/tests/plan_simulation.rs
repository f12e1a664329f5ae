//! A cluster over 2,000 steps: sessions come and end, nodes are lost and come back, every step is planned. Checked at
//! each: capacity, quotas, and that whoever waited too long starts within a bound once it is at the head.
//!
//! `TM_PLAN_SEED=n` repeats one run; otherwise a handful of seeds is taken. The seed is printed and named in failures.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod planning;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use actors::planning::{
    Class, Dimension, Gang, NodePicture, Picture, Quota, Reason, Rules, SessionPicture, plan,
    rebalance,
};
use engine::ids::SessionId;

use planning::{NOW_MS, cpu, gpu, node, over_capacity, over_quota, session, standing};

const STEPS: u64 = 2_000;
const STEP_MS: u64 = 10_000;
/// Nobody runs longer.
const RUN_STEPS_MAX: u64 = 30;
/// How long writing a checkpoint and leaving takes at most.
const LEAVE_STEPS_MAX: u64 = 3;
const STARVING_AFTER_MS: u64 = 30 * STEP_MS;

#[test]
fn over_two_thousand_steps_nothing_is_exceeded_and_nobody_starves() {
    let given = std::env::var("TM_PLAN_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds: Vec<u64> = given.map_or_else(|| (1..=3).collect(), |seed| vec![seed]);
    for seed in seeds {
        let mut world = World::new(seed);
        for step in 0..STEPS {
            world.step(step);
        }
        let seen = &world.seen;
        let line = format!("seed {seed}: {seen:?}\n");
        std::io::stdout().write_all(line.as_bytes()).unwrap();
        assert!(
            100 < seen.ended && 0 < seen.starved && 0 < seen.evicted && 0 < seen.lost,
            "{line}"
        );
    }
}

/// What happened, so that a run in which nothing happened does not pass.
#[derive(Debug, Default)]
struct Seen {
    ended: u64,
    starved: u64,
    evicted: u64,
    moved: u64,
    lost: u64,
    queue_max: usize,
    head_steps_max: u64,
}

struct World {
    draw: Draw,
    seed: u64,
    now_ms: u64,
    picture: Picture,
    /// Steps each session still has to run.
    left: BTreeMap<SessionId, u64>,
    /// Steps until one that was told to leave has left.
    leaving: BTreeMap<SessionId, u64>,
    /// Nodes that are away, and for how many steps.
    away: Vec<(u64, NodePicture)>,
    moved_ms: Vec<u64>,
    next: u64,
    /// Who waited too long and is at the head, and for how many steps.
    head: Option<(SessionId, u64)>,
    known: BTreeSet<SessionId>,
    seen: Seen,
}

fn rules() -> Rules {
    Rules {
        starving_after_ms: STARVING_AFTER_MS,
        holds_max: 16,
        move_after_ms: 0,
        ..Rules::default()
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut nodes: Vec<_> =
            (0..8).map(|n| node(&format!("cpu-{n}"), cpu(8 + n % 3 * 4))).collect();
        nodes.extend((0..3).map(|n| node(&format!("gpu-{n}"), gpu(16, 2 + n, (2 + n) * 24_000))));
        let mut picture = standing(nodes);
        let max = BTreeMap::from([(Dimension::Cpu, 24_000)]);
        picture.quotas.user_default = Quota { max, sessions_max: Some(30), weight: 1 };
        let max = BTreeMap::from([(Dimension::Cpu, 60_000)]);
        picture
            .quotas
            .teams
            .insert("team-1".to_owned(), Quota { max, sessions_max: None, weight: 2 });
        Self {
            draw: Draw(seed),
            seed,
            now_ms: NOW_MS,
            picture,
            left: BTreeMap::new(),
            leaving: BTreeMap::new(),
            away: Vec::new(),
            moved_ms: Vec::new(),
            next: 1,
            head: None,
            known: BTreeSet::new(),
            seen: Seen::default(),
        }
    }

    fn step(&mut self, step: u64) {
        self.now_ms += STEP_MS;
        self.run();
        self.nodes();
        // Busy times and quiet times.
        let busy = if step % 400 < 250 { 100 } else { 40 };
        for _ in 0..2 {
            if self.draw.below(100) < busy {
                self.arrive();
            }
        }
        let plan = plan(&self.picture, &rules(), self.now_ms);
        self.picture.apply(&plan, self.now_ms);
        for eviction in &plan.evict {
            self.seen.evicted += 1;
            let steps = 1 + self.draw.below(LEAVE_STEPS_MAX);
            self.leaving.insert(eviction.session, steps);
        }
        let name = format!("seed {} step {step}", self.seed);
        if step.is_multiple_of(16) {
            let again = actors::planning::plan(&self.picture, &rules(), self.now_ms);
            assert!(again.place.is_empty() && again.evict.is_empty(), "{name}: planned twice");
        }
        self.balance();
        assert_eq!(over_capacity(&self.picture), BTreeSet::new(), "{name}");
        assert_eq!(over_quota(&self.picture), BTreeSet::new(), "{name}");
        let reasons: BTreeMap<_, _> =
            plan.waits.iter().map(|wait| (wait.session, &wait.reason)).collect();
        self.seen.queue_max = self.seen.queue_max.max(reasons.len());
        self.nobody_starves(&reasons, &name);
    }

    /// Lets those placed run for a step, and those told to leave go.
    fn run(&mut self) {
        let mut ended = BTreeSet::new();
        for session in &mut self.picture.sessions {
            if session.waits() {
                continue;
            }
            let left = self.left.get_mut(&session.id).unwrap();
            *left -= 1;
            if *left == 0 {
                ended.insert(session.id);
                continue;
            }
            if let Some(steps) = self.leaving.get_mut(&session.id) {
                *steps -= 1;
                if *steps == 0 {
                    self.leaving.remove(&session.id);
                    back(session, self.now_ms);
                }
            }
        }
        self.seen.ended += ended.len() as u64;
        self.picture.sessions.retain(|session| !ended.contains(&session.id));
        for id in ended {
            self.left.remove(&id);
            self.leaving.remove(&id);
        }
    }

    /// Now and then a node is lost, and comes back.
    fn nodes(&mut self) {
        for (steps, node) in std::mem::take(&mut self.away) {
            if steps == 0 {
                self.picture.nodes.push(node);
                self.head = None;
            } else {
                self.away.push((steps - 1, node));
            }
        }
        if self.away.len() < 3 && self.draw.below(120) == 0 {
            let at = usize::try_from(self.draw.below(self.picture.nodes.len() as u64)).unwrap();
            let node = self.picture.nodes.swap_remove(at);
            for session in &mut self.picture.sessions {
                if session.placed.as_ref().is_some_and(|placed| placed.node == node.name) {
                    self.leaving.remove(&session.id);
                    back(session, self.now_ms);
                }
            }
            self.away.push((10 + self.draw.below(40), node));
            self.seen.lost += 1;
            self.head = None;
        }
    }

    fn arrive(&mut self) {
        let classes =
            [Class::Backtest, Class::Backtest, Class::Training, Class::Training, Class::Paper];
        let size = if self.draw.below(12) == 0 { 2 + self.draw.below(3) } else { 1 };
        let gang = Gang { id: u128::from(self.next), size: u32::try_from(size).unwrap() };
        let class = classes[usize::try_from(self.draw.below(5)).unwrap()];
        let gpus = if self.draw.below(6) == 0 { 1 + self.draw.below(2) } else { 0 };
        let cores = if self.draw.below(10) == 0 { 8 } else { 1 + self.draw.below(4) };
        let owner = self.draw.below(5);
        let priority = i32::try_from(self.draw.below(4)).unwrap();
        for _ in 0..size {
            let need = gpu(if size == 1 { cores } else { 2 }, gpus, gpus * 10_000);
            let mut one = session(u128::from(self.next), need);
            one.class = class;
            one.priority = priority;
            one.owner = format!("user-{owner}");
            one.team = Some(format!("team-{}", owner % 2));
            one.waiting_since_ms = self.now_ms;
            one.gang = (1 < size).then_some(gang);
            self.left.insert(one.id, 1 + self.draw.below(RUN_STEPS_MAX));
            self.picture.sessions.push(one);
            self.next += 1;
        }
    }

    fn balance(&mut self) {
        for one in rebalance(&self.picture, &rules(), &self.moved_ms, self.now_ms) {
            let session =
                self.picture.sessions.iter_mut().find(|other| other.id == one.session).unwrap();
            let placed = session.placed.as_mut().unwrap();
            let waited = placed.since_ms.saturating_sub(session.waiting_since_ms);
            placed.node = one.to;
            placed.since_ms = self.now_ms;
            session.waiting_since_ms = self.now_ms - waited;
            self.moved_ms.push(self.now_ms);
            self.seen.moved += 1;
        }
        let minute = self.now_ms - 60_000;
        self.moved_ms.retain(|at| minute < *at);
        assert!(self.moved_ms.len() <= 4, "seed {}", self.seed);
    }

    /// The one that waited longest of those that waited too long starts within a bound: others of its account end
    /// (quota), then those that end by themselves in its way end; paper trading in its way ends first here. Each takes
    /// no longer than the longest run.
    fn nobody_starves(&mut self, reasons: &BTreeMap<SessionId, &Reason>, name: &str) {
        let starving = |session: &&SessionPicture| {
            session.waits()
                && session.waiting_since_ms + STARVING_AFTER_MS <= self.now_ms
                && !matches!(
                    reasons.get(&session.id),
                    Some(
                        Reason::TooLarge { .. }
                            | Reason::GangTooLarge { .. }
                            | Reason::GangIncomplete { .. }
                            | Reason::NoNode
                    )
                )
        };
        let gang = |session: &SessionPicture| {
            // A gang waits as long as the last of its members.
            let of = |other: &&SessionPicture| {
                other.waits() && other.gang.is_some() && other.gang == session.gang
            };
            let members = self.picture.sessions.iter().filter(of);
            members.map(|other| other.waiting_since_ms).max().unwrap_or(session.waiting_since_ms)
        };
        let waiting = self.picture.sessions.iter().filter(starving);
        let waiting: Vec<_> = waiting
            .map(|session| (gang(session), session.order, session.id))
            .filter(|(since, ..)| since + STARVING_AFTER_MS <= self.now_ms)
            .collect();
        for (.., id) in &waiting {
            self.seen.starved += u64::from(self.known.insert(*id));
        }
        let head = waiting.into_iter().min().map(|(.., id)| id);
        self.head = match (head, self.head) {
            (Some(head), Some((before, steps))) if head == before => Some((head, steps + 1)),
            (Some(head), _) => Some((head, 0)),
            (None, _) => None,
        };
        if let Some((head, steps)) = self.head {
            self.seen.head_steps_max = self.seen.head_steps_max.max(steps);
            let bound = 3 * (RUN_STEPS_MAX + LEAVE_STEPS_MAX);
            let session = self.picture.sessions.iter().find(|session| session.id == head);
            assert!(steps <= bound, "{name}: {session:?} waits, because {:?}", reasons.get(&head));
        }
    }
}

/// Puts a session back into the queue; what it had waited before counts.
fn back(session: &mut SessionPicture, now_ms: u64) {
    let since_ms = session.placed.take().unwrap().since_ms;
    session.evicting = false;
    session.waiting_since_ms = now_ms - since_ms.saturating_sub(session.waiting_since_ms);
}

/// Numbers that are the same each time (splitmix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit.max(1)
    }
}
