//! What must hold of a link's life whatever comes, against a model of the sessions it leaves behind.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cluster::link::state::Link;
use cluster::link::words::{LinkEvent, LinkStep};
use cluster::link::{Identity, LinkState, LinkTimes};
use proptest::prelude::*;

/// What can happen to a link, with who is behind it.
#[derive(Debug, Clone)]
enum Happening {
    Later(u64),
    Accepted,
    Connected(u64),
    Greeted(u64, u64, u64),
    Failed(u64),
    Authenticated(u64, bool),
    Synchronised(u64),
    RouterFound(u64),
    Broken(u64),
    Gone(u64),
    Cleared,
    Close,
}

fn happening() -> impl Strategy<Value = Happening> {
    // The number counts back from the newest attempt, so that most events hit something.
    let back = || 0_u64..3;
    prop_oneof![
        8 => (0_u64..2_000).prop_map(Happening::Later),
        4 => Just(Happening::Accepted),
        4 => back().prop_map(Happening::Connected),
        8 => (back(), 1_u64..4, 0_u64..2).prop_map(|(at, inc, boot)| Happening::Greeted(at, inc, boot)),
        2 => back().prop_map(Happening::Failed),
        3 => (back(), prop::bool::weighted(0.9)).prop_map(|(at, ok)| Happening::Authenticated(at, ok)),
        6 => back().prop_map(Happening::Synchronised),
        6 => back().prop_map(Happening::RouterFound),
        1 => back().prop_map(Happening::Broken),
        6 => back().prop_map(Happening::Gone),
        1 => Just(Happening::Cleared),
        1 => prop::bool::weighted(0.1).prop_map(|yes| if yes { Happening::Close } else { Happening::Cleared }),
    ]
}

fn event(happening: Happening, newest: u64) -> LinkEvent {
    let attempt = |back: u64| newest.saturating_sub(back);
    let reason = "test".to_owned();
    match happening {
        Happening::Later(_) => LinkEvent::Tick,
        Happening::Accepted => LinkEvent::Accepted,
        Happening::Connected(back) => LinkEvent::Connected { attempt: attempt(back) },
        Happening::Greeted(back, incarnation, boot) => LinkEvent::Greeted {
            attempt: attempt(back),
            identity: Identity { incarnation, boot_id: u128::from(incarnation * 10 + boot) },
            round_trip_ms: 1,
        },
        Happening::Failed(back) => LinkEvent::Failed { attempt: attempt(back), reason },
        Happening::Authenticated(back, name_matches) => {
            LinkEvent::Authenticated { attempt: attempt(back), name_matches }
        }
        Happening::Synchronised(back) => LinkEvent::Synchronised { attempt: attempt(back) },
        Happening::RouterFound(back) => LinkEvent::RouterFound { attempt: attempt(back) },
        Happening::Broken(back) => LinkEvent::Broken { attempt: attempt(back) },
        Happening::Gone(back) => LinkEvent::Gone { attempt: attempt(back), reason },
        Happening::Cleared => LinkEvent::Cleared,
        Happening::Close => LinkEvent::Close,
    }
}

/// What the shell would hold after the steps so far.
#[derive(Debug, Default)]
struct Model {
    /// Handed over and not yet gone: at most one, ever.
    session: Option<u64>,
    up: bool,
    /// Connections that were begun and not yet ended.
    open: BTreeSet<u64>,
    identity: Option<Identity>,
    greeted: BTreeMap<u64, Identity>,
}

impl Model {
    fn carry_out(&mut self, step: &LinkStep) -> Result<(), TestCaseError> {
        match step {
            LinkStep::Dial { attempt } => {
                prop_assert!(self.open.insert(*attempt), "one number, one connection");
            }
            LinkStep::Greet { attempt } => {
                self.open.insert(*attempt);
            }
            LinkStep::HandOver { attempt } => {
                prop_assert_eq!(self.session, None, "two sessions at once");
                let identity = self.greeted.get(attempt).copied();
                prop_assert!(identity.is_some(), "handed over without a greeting");
                let (new, old) = (identity.unwrap(), self.identity);
                if let Some(old) = old {
                    prop_assert!(
                        new.incarnation >= old.incarnation,
                        "an older start replaced a newer"
                    );
                    prop_assert!(new.incarnation > old.incarnation || new.boot_id == old.boot_id);
                }
                self.identity = identity;
                self.session = Some(*attempt);
                self.up = false;
            }
            LinkStep::Up { attempt } => {
                prop_assert_eq!(self.session, Some(*attempt));
                self.up = true;
            }
            LinkStep::Stop { attempt, .. } => {
                prop_assert_eq!(self.session, Some(*attempt));
                self.up = false;
            }
            LinkStep::Refuse { attempt, .. } | LinkStep::Drop { attempt } => {
                prop_assert!(self.session != Some(*attempt), "a session is stopped, not dropped");
                self.open.remove(attempt);
            }
            LinkStep::Abandon { attempt } => {
                prop_assert_eq!(self.session.take(), Some(*attempt));
                self.up = false;
            }
            LinkStep::FindRouter { attempt } => prop_assert_eq!(self.session, Some(*attempt)),
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Whatever happens in whatever order: never two sessions at once, never an older start over a newer one, ready
    /// exactly while messages may pass; and left alone, a link is neither stuck nor does it keep anything.
    #[test]
    fn a_link_has_one_session(dials in any::<bool>(), happenings in prop::collection::vec(happening(), 1..120)) {
        let mut now_ms = 1_000;
        let mut link = Link::new(dials, LinkTimes::default(), None, now_ms);
        let mut model = Model::default();
        for happening in happenings {
            if let Happening::Later(ms) = happening {
                now_ms += ms;
            }
            let event = event(happening, link.newest_attempt());
            if let LinkEvent::Greeted { attempt, identity, .. } = &event {
                // The shell greets a connection once.
                if !model.open.contains(attempt) || model.greeted.contains_key(attempt) {
                    continue;
                }
                model.greeted.insert(*attempt, *identity);
            }
            if let LinkEvent::Gone { attempt, .. } = &event {
                if model.session != Some(*attempt) {
                    continue;
                }
                model.session = None;
                model.up = false;
            }
            for step in link.step(event, now_ms, now_ms) {
                model.carry_out(&step)?;
            }
            prop_assert_eq!(link.state() == LinkState::Ready, model.up);
        }
        settle(&mut link, &mut model, now_ms)?;
    }
}

/// Lets time go by: a session that is stopped goes, nothing else comes.
fn settle(link: &mut Link, model: &mut Model, mut now_ms: u64) -> Result<(), TestCaseError> {
    let mut events = VecDeque::from([LinkEvent::Close]);
    for _ in 0..400 {
        now_ms += 100;
        let event = events.pop_front().unwrap_or(LinkEvent::Tick);
        for step in link.step(event, now_ms, 0) {
            if let LinkStep::Stop { attempt, .. } = &step {
                model.carry_out(&step)?;
                model.session = None;
                let reason = "stopped".to_owned();
                events.push_back(LinkEvent::Gone { attempt: *attempt, reason });
                continue;
            }
            model.carry_out(&step)?;
        }
    }
    prop_assert!(link.is_closed(), "{:?}", link.state());
    Ok(())
}

#[test]
fn a_copied_process_and_an_earlier_start_are_refused_and_the_link_stays() {
    let mut link = Link::new(false, LinkTimes::default(), None, 0);
    let greet = |link: &mut Link, incarnation: u64, boot_id: u128| {
        link.step(LinkEvent::Accepted, 10, 0);
        let attempt = link.newest_attempt();
        let identity = Identity { incarnation, boot_id };
        link.step(LinkEvent::Greeted { attempt, identity, round_trip_ms: 1 }, 11, 0)
    };
    assert_eq!(greet(&mut link, 5, 50), vec![LinkStep::HandOver { attempt: 1 }]);
    link.step(LinkEvent::Synchronised { attempt: 1 }, 12, 0);
    link.step(LinkEvent::RouterFound { attempt: 1 }, 13, 0);
    for (incarnation, boot_id) in [(5, 51), (4, 40)] {
        let steps = greet(&mut link, incarnation, boot_id);
        assert!(matches!(steps.as_slice(), [LinkStep::Refuse { .. }]), "{steps:?}");
        assert_eq!(link.state(), LinkState::Ready);
    }
    // A newer start waits until nothing of the older session is left.
    let steps = greet(&mut link, 6, 60);
    assert!(matches!(steps.as_slice(), [LinkStep::Stop { attempt: 1, .. }]), "{steps:?}");
    let gone = LinkEvent::Gone { attempt: 1, reason: String::new() };
    assert_eq!(link.step(gone, 20, 0), vec![LinkStep::HandOver { attempt: 4 }]);
}

#[test]
fn a_false_name_bars_until_cleared() {
    let mut link = Link::new(true, LinkTimes::default(), None, 0);
    let identity = Identity { incarnation: 1, boot_id: 1 };
    assert_eq!(link.step(LinkEvent::Tick, 0, 0), vec![LinkStep::Dial { attempt: 1 }]);
    link.step(LinkEvent::Connected { attempt: 1 }, 1, 0);
    link.step(LinkEvent::Greeted { attempt: 1, identity, round_trip_ms: 1 }, 2, 0);
    let steps = link.step(LinkEvent::Authenticated { attempt: 1, name_matches: false }, 3, 0);
    assert!(matches!(steps.as_slice(), [LinkStep::Stop { attempt: 1, .. }]));
    link.step(LinkEvent::Gone { attempt: 1, reason: String::new() }, 4, 0);
    assert!(link.step(LinkEvent::Tick, 100_000, 0).is_empty());
    link.step(LinkEvent::Cleared, 100_001, 0);
    assert_eq!(link.step(LinkEvent::Tick, 100_002, 0), vec![LinkStep::Dial { attempt: 2 }]);
}
