//! Leases, epochs and changes of the leader together: never two owners, whatever is lost, late, frozen or drifting.
//!
//! The real step functions run inside a small world: node `a` holds a session, two leaders take turns, node `b` gets
//! the session when `a` is given up. Nothing ever has to happen, so frozen processes, lost and late messages and
//! leaders that do not know that they were deposed are all in it. Clocks run at speeds up to twice as fast as another.
//! First exhaustively with small numbers, then at random with the real times. Each rule is also taken away once, and
//! then the checker must find two owners.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::sync::Arc;

use cluster::lease::book::{Book, NotGranted, Standing};
use cluster::lease::rules::{Event, Holder, Phase, RenewRefusal, may_act, step};
use cluster::lease::{LeaseTimes, Renewal};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use stateright::{Checker, HasDiscoveries, Model, Property};

/// A rule that is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    /// Nothing: the product.
    Nothing,
    /// A leader grants without asking a majority.
    QuorumRound,
    /// The lease counts from the answer instead of the send.
    SendTime,
    /// After a gap the holder goes on without looking at the agreed state.
    Recheck,
    /// A new leader believes that it heard nobody for long.
    Grace,
    /// A node that is being marked down is still granted renewals.
    Condemnation,
    /// The agreed state is read in the round, not when the renewal is granted.
    FreshStanding,
    /// A command decided in one term is written in a later one.
    TermOfCommands,
    /// A lost node's session is taken from it even if the node is back.
    DownAtRelease,
}

#[derive(Debug, Clone, Copy)]
struct Rules {
    times: LeaseTimes,
    without: Without,
    sends_max: u8,
    elections_max: u8,
    admissions_max: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Owner {
    A,
    B,
}

/// What a majority agreed upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Agreed {
    index: u64,
    term: u64,
    leader: usize,
    a_down: bool,
    owner: Owner,
    epoch: u64,
}

/// As much of it as `a` has applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct View {
    index: u64,
    owner: Owner,
    epoch: u64,
}

impl Agreed {
    fn view(self) -> View {
        View { index: self.index, owner: self.owner, epoch: self.epoch }
    }
}

/// What a leader has applied; a deposed one may have missed the newest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Known {
    index: u64,
    a_down: bool,
}

/// Where a renewal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Stage {
    Sent,
    Proven { leader: usize, term: u64, then: Known },
    Granted { applied: u64 },
    GivenUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Command {
    MarkDown,
    /// Releases the session of a node that is down and places it on `b`, in one.
    Move,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Proposal {
    leader: usize,
    term: u64,
    command: Command,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    /// Clocks of `a` and both leaders.
    clocks: [u64; 3],
    /// How far each goes per tick in the exhaustive search.
    rates: [u64; 3],
    ticks: u8,
    holder: Holder,
    /// What `a` has applied.
    view: View,
    agreed: Agreed,
    books: [Book; 2],
    known: [Known; 2],
    renewals: Vec<(u64, Stage)>,
    proposals: Vec<Proposal>,
    /// The highest epoch that whoever receives effects has seen.
    received: u64,
    sends: u8,
    elections: u8,
    admissions: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Tick,
    Send,
    Prove(usize, usize),
    Grant(usize),
    Deliver(usize),
    CatchUp,
    AnswerRecheck,
    Admit,
    Elect,
    TakeOffice(usize),
    LookForSilent(usize),
    ProposeMove(usize),
    Commit(usize),
    EffectOfB,
}

fn renewal() -> Renewal {
    Renewal { node: "a".into(), incarnation: 1, boot_id: [1; 16], report: Vec::new() }
}

fn standing(down: bool) -> Standing {
    Standing { incarnation: 1, boot_id: Some([1; 16]), down }
}

impl World {
    /// `a` owns the session and was just granted its lease by leader 0.
    fn begin(rules: &Rules, rates: [u64; 3]) -> Self {
        // Far from zero, so that subtracting never ends there.
        let clocks = [1_000_000; 3];
        let agreed =
            Agreed { index: 1, term: 1, leader: 0, a_down: false, owner: Owner::A, epoch: 1 };
        let mut books = [Book::new(rules.times), Book::new(rules.times)];
        books[0].take_office(1, clocks[1]);
        books[0].renew(1, &renewal(), Some(&standing(false)), clocks[1]).unwrap();
        let granted = Event::Acknowledged { sent_ms: clocks[0], applied: 1 };
        let (holder, _) = step(&Holder::default(), &rules.times, &granted, clocks[0]);
        let (holder, _) = step(&holder, &rules.times, &Event::Rechecked { round: 1 }, clocks[0]);
        assert!(may_act(&holder, &rules.times, clocks[0]));
        Self {
            clocks,
            rates,
            ticks: 0,
            holder,
            view: agreed.view(),
            agreed,
            books,
            known: [Known { index: 1, a_down: false }, Known::default()],
            renewals: Vec::new(),
            proposals: Vec::new(),
            received: 0,
            sends: 0,
            elections: 0,
            admissions: 0,
        }
    }

    fn now_of(&self, leader: usize) -> u64 {
        self.clocks[leader + 1]
    }

    fn a_acts(&self, rules: &Rules) -> bool {
        self.view.owner == Owner::A && may_act(&self.holder, &rules.times, self.clocks[0])
    }

    /// `b` is assumed to have a lease at all times and to begin at once: nothing is worse.
    fn b_acts(&self) -> bool {
        self.agreed.owner == Owner::B
    }

    fn one_owner(&self, rules: &Rules) -> bool {
        let a_accepted = self.received <= self.view.epoch;
        !(self.a_acts(rules) && self.b_acts() && a_accepted)
    }

    fn leads(&self, leader: usize) -> bool {
        self.agreed.leader == leader && self.books[leader].term() == Some(self.agreed.term)
    }

    /// Who leads has applied everything.
    fn learn(&mut self) {
        let leader = self.agreed.leader;
        if self.leads(leader) {
            self.known[leader] = Known { index: self.agreed.index, a_down: self.agreed.a_down };
        }
    }

    /// Everything that can happen, but the passing of time.
    fn actions(&self, rules: &Rules) -> Vec<Action> {
        let mut all = Vec::new();
        if self.sends < rules.sends_max {
            all.push(Action::Send);
        }
        for (number, (_, stage)) in self.renewals.iter().enumerate() {
            match stage {
                Stage::Sent => all.extend((0..2).map(|leader| Action::Prove(number, leader))),
                Stage::Proven { .. } => all.push(Action::Grant(number)),
                Stage::Granted { .. } | Stage::GivenUp => all.push(Action::Deliver(number)),
            }
        }
        all.extend([Action::CatchUp, Action::AnswerRecheck, Action::Admit, Action::Elect]);
        for leader in 0..2 {
            all.push(Action::TakeOffice(leader));
            all.push(Action::LookForSilent(leader));
            all.push(Action::ProposeMove(leader));
        }
        all.extend((0..self.proposals.len()).map(Action::Commit));
        all.push(Action::EffectOfB);
        all
    }

    /// Returns the world after an action; `None` if it cannot happen or changes nothing.
    fn after(&self, rules: &Rules, action: Action) -> Option<Self> {
        let mut next = self.clone();
        let happened = match action {
            Action::Tick => next.tick(rules),
            Action::Send => next.send(),
            Action::Prove(number, leader) => next.prove(rules, number, leader),
            Action::Grant(number) => next.grant(rules, number),
            Action::Deliver(number) => next.deliver(rules, number),
            Action::CatchUp => next.catch_up(),
            Action::AnswerRecheck => next.answer_recheck(rules),
            Action::Admit => next.admit(rules),
            Action::Elect => next.elect(rules),
            Action::TakeOffice(leader) => next.take_office(rules, leader),
            Action::LookForSilent(leader) => next.look_for_silent(rules, leader),
            Action::ProposeMove(leader) => next.propose_move(leader),
            Action::Commit(number) => next.commit(rules, number),
            Action::EffectOfB => next.effect_of_b(),
        };
        happened.filter(|()| next != *self).map(|()| next)
    }

    fn tick(&mut self, rules: &Rules) -> Option<()> {
        self.ticks += 1;
        for (clock, rate) in self.clocks.iter_mut().zip(self.rates) {
            *clock += rate;
        }
        self.forget(rules);
        Some(())
    }

    /// Drops what can have no effect any more, so that worlds that differ in nothing else are one.
    fn forget(&mut self, rules: &Rules) {
        let now = self.clocks[0];
        if rules.without != Without::SendTime {
            self.renewals.retain(|(sent_ms, _)| now < sent_ms + rules.times.fence_ms);
        }
        if rules.without != Without::TermOfCommands {
            // Never written. That one was written before the election is another order of events.
            self.proposals.retain(|proposal| proposal.term == self.agreed.term);
        }
    }

    fn send(&mut self) -> Option<()> {
        self.sends = self.sends.saturating_add(1);
        self.renewals.push((self.clocks[0], Stage::Sent));
        Some(())
    }

    fn prove(&mut self, rules: &Rules, number: usize, leader: usize) -> Option<()> {
        let term = self.books[leader].term()?;
        if !self.leads(leader) && rules.without != Without::QuorumRound {
            return None;
        }
        self.learn();
        let stale = rules.without == Without::FreshStanding;
        let then = if stale { self.known[leader] } else { Known::default() };
        self.renewals[number].1 = Stage::Proven { leader, term, then };
        Some(())
    }

    fn grant(&mut self, rules: &Rules, number: usize) -> Option<()> {
        let Stage::Proven { leader, term, then } = self.renewals[number].1 else {
            return None;
        };
        self.learn();
        let fresh = rules.without != Without::FreshStanding;
        let Known { index: applied, a_down } = if fresh { self.known[leader] } else { then };
        if rules.without == Without::Condemnation {
            self.books[leader].settle("a");
        }
        let now = self.now_of(leader);
        let granted = self.books[leader].renew(term, &renewal(), Some(&standing(a_down)), now);
        match granted {
            Ok(()) => self.renewals[number].1 = Stage::Granted { applied },
            Err(NotGranted::Refused(RenewRefusal::GivenUp)) => {
                self.renewals[number].1 = Stage::GivenUp;
            }
            Err(NotGranted::NotInOffice) => drop(self.renewals.remove(number)),
            Err(other) => panic!("{other:?}"),
        }
        Some(())
    }

    fn deliver(&mut self, rules: &Rules, number: usize) -> Option<()> {
        let now = self.clocks[0];
        let (sent_ms, stage) = self.renewals.remove(number);
        let sent_ms = if rules.without == Without::SendTime { now } else { sent_ms };
        let event = match stage {
            Stage::Granted { applied } => Event::Acknowledged { sent_ms, applied },
            Stage::GivenUp => Event::Refused(RenewRefusal::GivenUp),
            Stage::Sent | Stage::Proven { .. } => return None,
        };
        self.holder = step(&self.holder, &rules.times, &event, now).0;
        Some(())
    }

    fn catch_up(&mut self) -> Option<()> {
        self.view = self.agreed.view();
        Some(())
    }

    fn answer_recheck(&mut self, rules: &Rules) -> Option<()> {
        let Phase::Checking { round, applied } = self.holder.phase else { return None };
        if self.view.index < applied && rules.without != Without::Recheck {
            return None;
        }
        let event = Event::Rechecked { round };
        self.holder = step(&self.holder, &rules.times, &event, self.clocks[0]).0;
        Some(())
    }

    /// `a` asks the leader to be admitted again.
    fn admit(&mut self, rules: &Rules) -> Option<()> {
        let leader = self.agreed.leader;
        let wanted = self.admissions < rules.admissions_max && self.agreed.a_down;
        if !wanted || !self.leads(leader) || self.books[leader].condemned("a") {
            return None;
        }
        self.admissions = self.admissions.saturating_add(1);
        self.agreed.a_down = false;
        self.agreed.index += 1;
        self.learn();
        Some(())
    }

    /// The other one is elected. Whoever led does not learn of it.
    fn elect(&mut self, rules: &Rules) -> Option<()> {
        if rules.elections_max <= self.elections {
            return None;
        }
        self.elections = self.elections.saturating_add(1);
        self.agreed.term += 1;
        self.agreed.index += 1;
        self.agreed.leader = 1 - self.agreed.leader;
        self.forget(rules);
        Some(())
    }

    fn take_office(&mut self, rules: &Rules, leader: usize) -> Option<()> {
        let term = self.agreed.term;
        if self.agreed.leader != leader || self.books[leader].term() == Some(term) {
            return None;
        }
        let grace = if rules.without == Without::Grace { rules.times.reassign_ms } else { 0 };
        let now = self.now_of(leader);
        self.books[leader].take_office(term, now - grace);
        Some(())
    }

    fn look_for_silent(&mut self, rules: &Rules, leader: usize) -> Option<()> {
        let term = self.books[leader].term()?;
        if !self.leads(leader) && rules.without != Without::TermOfCommands {
            // What it proposes is never written.
            return None;
        }
        let down = self.leads(leader) && self.agreed.a_down;
        let now = self.now_of(leader);
        let silent = self.books[leader].may_mark_down((!down).then_some(("a", 1)), now);
        let proposal = Proposal { leader, term, command: Command::MarkDown };
        if silent.is_empty() || self.proposals.contains(&proposal) {
            return None;
        }
        if rules.without == Without::Condemnation {
            self.books[leader].settle("a");
        }
        self.proposals.push(proposal);
        Some(())
    }

    fn propose_move(&mut self, leader: usize) -> Option<()> {
        let proposal = Proposal { leader, term: self.agreed.term, command: Command::Move };
        let lost = self.agreed.a_down && self.agreed.owner == Owner::A;
        if !self.leads(leader) || !lost || self.proposals.contains(&proposal) {
            return None;
        }
        self.proposals.push(proposal);
        Some(())
    }

    fn commit(&mut self, rules: &Rules, number: usize) -> Option<()> {
        let proposal = self.proposals.remove(number);
        match proposal.command {
            Command::MarkDown => {
                self.agreed.a_down = true;
                self.books[proposal.leader].settle("a");
            }
            Command::Move => {
                let lost = self.agreed.a_down || rules.without == Without::DownAtRelease;
                if lost && self.agreed.owner == Owner::A {
                    self.agreed.owner = Owner::B;
                    self.agreed.epoch += 1;
                }
            }
        }
        self.agreed.index += 1;
        // Whoever proposed it hears of it when it has applied it.
        self.known[proposal.leader] =
            Known { index: self.agreed.index, a_down: self.agreed.a_down };
        Some(())
    }

    fn effect_of_b(&mut self) -> Option<()> {
        if !self.b_acts() {
            return None;
        }
        self.received = self.agreed.epoch;
        Some(())
    }
}

/// Every order of events, with small numbers.
struct Exhaustive {
    rules: Rules,
    ticks_max: u8,
    /// Speeds of the clocks of `a` and both leaders; one world each.
    rates: &'static [[u64; 3]],
}

/// The holder slow and the leaders fast is the worst.
const WORST: [[u64; 3]; 1] = [[1, 2, 2]];
/// The others must not be worse.
const ALL: [[u64; 3]; 3] = [[1, 2, 2], [1, 1, 2], [2, 1, 1]];

impl Exhaustive {
    /// Clocks may differ by a factor of two, so giving up after twice the fence is just safe.
    fn new(without: Without) -> Self {
        let times = LeaseTimes {
            // Leaders look whenever they like; standing still is another test.
            renew_ms: 1_000,
            retry_ms: 1,
            failover_ms: 1,
            fence_ms: 3,
            ttl_ms: 4,
            reassign_ms: 6,
        };
        let rules = Rules { times, without, sends_max: 2, elections_max: 1, admissions_max: 1 };
        Self { rules, ticks_max: 4, rates: &WORST }
    }

    fn counterexample(self) -> Option<String> {
        let found =
            self.checker().finish_when(HasDiscoveries::AnyFailures).threads(2).spawn_bfs().join();
        found.discovery("one owner").map(|path| format!("{:?}", path.into_actions()))
    }
}

impl Model for Exhaustive {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        self.rates.iter().map(|rates| World::begin(&self.rules, *rates)).collect()
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.ticks < self.ticks_max {
            actions.push(Action::Tick);
        }
        actions.extend(world.actions(&self.rules));
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        world.after(&self.rules, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("one owner", |model: &Self, world: &World| {
                world.one_owner(&model.rules)
            }),
            Property::sometimes("the session moves", |_, world: &World| world.b_acts()),
            Property::sometimes(
                "an owner comes back after it was given up",
                |model: &Self, world: &World| {
                    world.admissions > 0
                        && world.a_acts(&model.rules)
                        && world.view == world.agreed.view()
                },
            ),
            Property::sometimes("a deposed leader still believes", |_, world: &World| {
                world.books.iter().all(|book| book.term().is_some())
            }),
            Property::sometimes("a node is refused while it is marked down", |_, world: &World| {
                world.renewals.iter().any(|(_, stage)| *stage == Stage::GivenUp)
            }),
        ]
    }
}

#[test]
fn there_is_never_more_than_one_owner() {
    let all = Exhaustive { rates: &ALL, ..Exhaustive::new(Without::Nothing) };
    let checker = all.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    // Enough to have looked at something.
    assert!(10_000 < checker.unique_state_count(), "{}", checker.unique_state_count());
}

#[test]
fn two_owners_are_found_when_sessions_are_given_away_too_early() {
    let mut early = Exhaustive::new(Without::Nothing);
    early.rules.times.reassign_ms = 4;
    let path = early.counterexample();
    assert!(path.is_some(), "the model cannot fail");
}

#[test]
fn two_owners_are_found_when_any_rule_is_taken_away() {
    let rules = [
        Without::QuorumRound,
        Without::SendTime,
        Without::Recheck,
        Without::Grace,
        Without::Condemnation,
        Without::FreshStanding,
        Without::TermOfCommands,
        Without::DownAtRelease,
    ];
    for without in rules {
        assert!(Exhaustive::new(without).counterexample().is_some(), "{without:?} is not needed");
    }
}

/// One step of a random schedule: which action, or how long nothing happens and how fast the clocks go meanwhile.
#[derive(Debug, Clone)]
struct Step {
    choice: usize,
    pause_ms: Option<u64>,
    percent: [u64; 3],
}

fn schedule() -> impl Strategy<Value = Vec<Step>> {
    let pause = prop_oneof![
        6 => Just(None),
        2 => (1..1_500_u64).prop_map(Some),
        // Frozen, or nothing heard.
        1 => (5_000..20_000_u64).prop_map(Some),
    ];
    // The slowest to the fastest is as one to two.
    let percent = proptest::array::uniform3(prop_oneof![Just(70), 70..=140_u64, Just(140)]);
    let step =
        (any::<prop::sample::Index>(), pause, percent).prop_map(|(choice, pause_ms, percent)| {
            Step { choice: choice.index(1 << 16), pause_ms, percent }
        });
    prop::collection::vec(step, 20..160)
}

/// Runs a schedule and returns whether there was one owner at all times and whether the session moved.
fn run(rules: &Rules, schedule: &[Step]) -> (bool, bool) {
    let mut world = World::begin(rules, [1; 3]);
    let mut moved = false;
    for step in schedule {
        match step.pause_ms {
            Some(pause_ms) => {
                for (clock, percent) in world.clocks.iter_mut().zip(step.percent) {
                    *clock += pause_ms * percent / 100;
                }
            }
            None => {
                let possible: Vec<World> = world
                    .actions(rules)
                    .into_iter()
                    .filter_map(|action| world.after(rules, action))
                    .collect();
                if !possible.is_empty() {
                    world = possible[step.choice % possible.len()].clone();
                }
            }
        }
        moved |= world.b_acts();
        if !world.one_owner(rules) {
            return (false, moved);
        }
    }
    (true, moved)
}

fn real(without: Without) -> Rules {
    // A leader looks only now and then here; that it stood still is another test.
    let times = LeaseTimes { renew_ms: 1_000_000, ..LeaseTimes::default() };
    let max = u8::MAX;
    Rules { times, without, sends_max: max, elections_max: max, admissions_max: max }
}

fn random(rules: Rules, cases: u32) -> (Result<(), TestError<Vec<Step>>>, usize) {
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let moves = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&moves);
    let result = TestRunner::new_with_rng(config, rng).run(&schedule(), |schedule| {
        let (one_owner, moved) = run(&rules, &schedule);
        count.fetch_add(usize::from(moved), std::sync::atomic::Ordering::SeqCst);
        prop_assert!(one_owner);
        Ok(())
    });
    (result, moves.load(std::sync::atomic::Ordering::SeqCst))
}

#[test]
fn random_schedules_with_the_real_times_have_one_owner() {
    let (result, moves) = random(real(Without::Nothing), 3_000);
    result.unwrap();
    assert!(100 < moves, "the session moved in only {moves} schedules");
}

#[test]
fn random_schedules_find_two_owners_when_sessions_are_given_away_too_early() {
    let mut rules = real(Without::Nothing);
    rules.times.reassign_ms = 4_000;
    assert!(random(rules, 3_000).0.is_err(), "the schedules cannot fail");
}
