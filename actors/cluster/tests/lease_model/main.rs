//! Leases, epochs and changes of the leader together: never two owners, whatever is lost, late, frozen or drifting.
//!
//! The real step functions run inside a small world: node `a` holds a session, two leaders take turns, node `b` gets
//! the session when `a` is given up. Nothing ever has to happen, so frozen processes, lost and late messages and
//! leaders that do not know that they were deposed are all in it. Clocks run at speeds up to twice as fast as another.
//! First exhaustively with small numbers, then at random with the real times. Each rule is also taken away once, and
//! then the checker must find two owners.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod world;

use std::sync::Arc;

use cluster::lease::LeaseTimes;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use stateright::{Checker, HasDiscoveries, Model, Property};
use world::{Action, Rules, Stage, Without, World};

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
