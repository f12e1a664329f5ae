//! What must hold of the router's decisions whatever comes: credits, acknowledgements, ids seen, epochs, ages,
//! envelopes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cluster::router::credits::{Acks, CreditLimits, Credits, Intake};
use cluster::router::deadline::{Ages, Deadline, TTL_MAX_MS};
use cluster::router::dedup::{Dedup, Seen, WINDOW_IDS, WINDOW_MS, Window};
use cluster::router::envelope::{Envelope, FrameHeader, frame, open};
use cluster::router::table::{Owner, REMEMBERED_MAX, Table};
use cluster::router::{Class, Kind, Refused, Source, Traceparent};
use proptest::prelude::*;

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![Just(Class::Control), Just(Class::Normal)]
}

#[derive(Debug, Clone)]
enum Account {
    Take(Class, usize),
    Acknowledge(u64),
}

fn account() -> impl Strategy<Value = Account> {
    prop_oneof![
        3 => (class(), 0_usize..40).prop_map(|(class, bytes)| Account::Take(class, bytes)),
        1 => (0_u64..80).prop_map(Account::Acknowledge),
    ]
}

proptest! {
    /// Never more under way than allowed, the reserve is only ever control's, what is acknowledged comes back, and an
    /// account that is refused has a reason in the model.
    #[test]
    fn credits_are_never_overdrawn(steps in prop::collection::vec(account(), 1..300)) {
        let limits = CreditLimits { messages: 16, bytes: 200, reserved_messages: 4, reserved_bytes: 50 };
        let mut credits = Credits::new(limits);
        let mut model: VecDeque<(u64, usize)> = VecDeque::new();
        let mut last = 0;
        for step in steps {
            match step {
                Account::Take(class, bytes) => {
                    let (messages_max, bytes_max) = match class {
                        Class::Control => (16, 200),
                        Class::Normal => (12, 150),
                    };
                    let held: usize = model.iter().map(|(_, bytes)| bytes).sum();
                    let fits = model.len() < messages_max && held + bytes <= bytes_max;
                    let taken = credits.take(class, bytes);
                    prop_assert_eq!(taken.is_some(), fits);
                    if let Some(seq) = taken {
                        prop_assert_eq!(seq, last + 1);
                        last = seq;
                        model.push_back((seq, bytes));
                    }
                }
                Account::Acknowledge(seq) => {
                    let before = model.len();
                    if seq <= last {
                        model.retain(|(position, _)| *position > seq);
                    }
                    prop_assert_eq!(credits.acknowledged(seq), model.len() < before);
                }
            }
            prop_assert_eq!(credits.messages_under_way(), model.len());
            prop_assert_eq!(credits.bytes_under_way(), model.iter().map(|(_, bytes)| bytes).sum::<usize>());
            prop_assert!(credits.messages_under_way() <= 16 && credits.bytes_under_way() <= 200);
        }
    }

    /// However acknowledgements and frames are spread, a receiver that tells what it owes gives all credit back, and it
    /// never holds back more than 64 untold messages without asking to tell.
    #[test]
    fn what_is_taken_in_is_told(count in 1_u64..400, told_at in prop::collection::btree_set(1_u64..400, 0..40)) {
        let mut credits = Credits::new(CreditLimits { messages: 1000, ..CreditLimits::default() });
        let mut acks = Acks::default();
        let mut untold = 0;
        for _ in 0..count {
            let seq = credits.take(Class::Control, 10).unwrap();
            let intake = acks.arrived(seq);
            prop_assert_eq!(acks.arrived(seq), Intake::Again);
            untold += 1;
            prop_assert!(acks.owing());
            prop_assert_eq!(intake == Intake::TakeAndAck, untold >= 64);
            if intake == Intake::TakeAndAck || told_at.contains(&seq) {
                prop_assert!(credits.acknowledged(acks.tell()));
                untold = 0;
            }
        }
        credits.acknowledged(acks.tell());
        prop_assert!(!acks.owing());
        prop_assert_eq!(credits.messages_under_way(), 0);
    }

    /// No id has an effect twice, whatever order and however often it comes; and while a window has forgotten nothing,
    /// every id has its effect once.
    #[test]
    fn an_id_has_one_effect(ids in prop::collection::vec((0_u64..300, 0_u64..3, 0_u64..50_000), 1..600)) {
        let mut dedup = Dedup::default();
        let mut effects = BTreeSet::new();
        let mut newest = 0;
        let mut now_ms = 0;
        for (id, incarnation, step_ms) in ids {
            now_ms += step_ms;
            let source = Source { node: "a".to_owned(), incarnation };
            let seen = dedup.note(&source, id, now_ms);
            if incarnation < newest {
                prop_assert_eq!(seen, Seen::Forgotten, "an earlier start must not act any more");
                continue;
            }
            newest = incarnation;
            let first = effects.insert((incarnation, id));
            prop_assert_eq!(seen == Seen::New, first);
        }
    }

    /// The window forgets by age and count only, and what it has forgotten is never new again.
    #[test]
    fn forgotten_is_not_new(ids in prop::collection::vec(0_u64..5_000, 1..200), pause_ms in WINDOW_MS + 1..2 * WINDOW_MS) {
        let mut window = Window::default();
        for id in &ids {
            window.note(*id, 0);
        }
        window.note(10_000, pause_ms);
        prop_assert_eq!(window.len(), 1);
        for id in &ids {
            prop_assert_eq!(window.look(*id), Seen::Forgotten);
        }
        prop_assert_eq!(window.look(10_001), Seen::New);
    }

    /// At every moment a key is answered by the receiver of the highest epoch ever named for it, or by nobody here.
    #[test]
    fn the_highest_epoch_answers(steps in prop::collection::vec((0_u8..3, 0_u64..6, 0_usize..4), 1..200)) {
        let keys = ["session/a", "session/b", "account/c", "node/d"];
        let mut table: Table<u64> = Table::default();
        let mut highest: BTreeMap<&str, u64> = BTreeMap::new();
        let mut here: BTreeMap<&str, u64> = BTreeMap::new();
        for (what, epoch, key) in steps {
            let key = keys[key];
            let current = highest.get(key).copied();
            match what {
                0 => {
                    let done = table.register(key, epoch, epoch);
                    if current.is_some_and(|current| epoch < current) {
                        prop_assert_eq!(done, Err(Refused::StaleEpoch { current: current.unwrap(), found: epoch }));
                    } else {
                        prop_assert_eq!(done.unwrap(), here.insert(key, epoch));
                        highest.insert(key, epoch);
                    }
                }
                1 => {
                    let gone = table.unregister(key, |receiver| *receiver == epoch);
                    let wanted = (here.get(key) == Some(&epoch)).then_some(epoch);
                    prop_assert_eq!(gone, wanted);
                    if wanted.is_some() {
                        here.remove(key);
                    }
                }
                _ => {
                    let owner = |_: &str| Some(Owner { node: "b".to_owned(), epoch: 9 });
                    let resolved = table.resolve(key, epoch, owner);
                    if let Some(current) = current {
                        if epoch < current {
                            prop_assert_eq!(resolved, Err(Refused::StaleEpoch { current, found: epoch }));
                            continue;
                        }
                        if epoch > current {
                            highest.insert(key, epoch);
                            here.remove(key);
                        }
                    }
                    match here.get(key) {
                        Some(receiver) => prop_assert_eq!(resolved, Ok(*receiver)),
                        None => prop_assert_eq!(
                            resolved,
                            Err(Refused::NotHere { key: key.to_owned(), owner: Some("b".to_owned()) })
                        ),
                    }
                }
            }
            prop_assert_eq!(table.is_here(key), here.contains_key(key));
        }
    }

    /// With any difference of clocks, a message is delivered exactly when it spent no longer than its time to live
    /// beyond the fastest frame: never after its deadline, never refused before.
    #[test]
    fn nothing_is_taken_after_its_deadline(
        skew_ms in -1_000_000_i64..1_000_000,
        greeting_ms in 0_u64..999,
        frames in prop::collection::vec((0_u64..5_000, 0_u64..40_000, 0_u32..40_000), 1..100),
    ) {
        let theirs = |ours: u64| u64::try_from(i64::try_from(ours).unwrap() + skew_ms).unwrap();
        let start = 2_000_000;
        let mut ages = Ages::seeded(start + greeting_ms, theirs(start), greeting_ms).unwrap();
        let mut fastest = greeting_ms;
        let mut sent = start + greeting_ms;
        for (pause_ms, way_ms, ttl_ms) in frames {
            sent += pause_ms;
            let now = sent + way_ms;
            fastest = fastest.min(way_ms);
            let age_ms = ages.age_ms(now, theirs(sent));
            prop_assert_eq!(age_ms, way_ms - fastest);
            let ttl = u64::from(ttl_ms.min(TTL_MAX_MS));
            let deadline = Deadline::of(now, age_ms, ttl_ms);
            prop_assert_eq!(deadline.is_some(), age_ms <= ttl);
            if let Some(deadline) = deadline {
                prop_assert!(!deadline.passed(now + ttl - age_ms));
                prop_assert!(deadline.passed(now + ttl - age_ms + 1));
                prop_assert_eq!(deadline.left_ms(now), ttl - age_ms);
            }
        }
    }

    /// What goes into a frame comes out of it, and damage anywhere in the envelope is seen.
    #[test]
    fn frames_come_out_as_they_went_in(
        payload in prop::collection::vec(any::<u8>(), 0..2_000),
        numbers in any::<[u64; 6]>(),
        trace in any::<[u8; 26]>(),
        damage in any::<prop::sample::Index>(),
    ) {
        let envelope = Envelope {
            schema: 7,
            version: 3,
            kind: Kind::Request,
            class: Class::Control,
            source: Source { node: "node-1".to_owned(), incarnation: numbers[0] },
            key: "session/s-1".to_owned(),
            epoch: numbers[1],
            message_id: numbers[2],
            in_reply_to: Some(numbers[3]),
            sent_at_ms: numbers[4],
            ttl_ms: 5_000,
            traceparent: Traceparent(trace),
            payload,
        };
        let mut bytes = frame(&envelope).unwrap();
        let header = FrameHeader { token: numbers[5], seq: numbers[0], ack: numbers[1] };
        header.write(&mut bytes);
        prop_assert_eq!(FrameHeader::parse(&bytes), Some(header));
        prop_assert_eq!(&open(&bytes).unwrap(), &envelope);
        let parsed = Traceparent::parse(&envelope.traceparent.to_string());
        prop_assert_eq!(parsed, Some(envelope.traceparent));
        let at = 24 + damage.index(bytes.len() - 24);
        bytes[at] ^= 1;
        prop_assert!(open(&bytes).is_err());
    }

    /// Arbitrary bytes are refused, never a panic.
    #[test]
    fn foreign_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(open(&bytes).is_err());
        prop_assert_eq!(FrameHeader::parse(&bytes).is_some(), bytes.len() >= 24);
    }
}

#[test]
fn a_window_holds_its_number_of_ids() {
    let mut window = Window::default();
    let ids = WINDOW_IDS as u64;
    for id in 0..ids + 10 {
        assert_eq!(window.note(id, id), Seen::New);
    }
    assert_eq!(window.len(), WINDOW_IDS);
    assert_eq!(window.look(9), Seen::Forgotten);
    assert_eq!(window.look(10), Seen::Again);
}

#[test]
fn what_a_table_remembers_is_bounded() {
    let mut table: Table<u64> = Table::default();
    for number in 0..REMEMBERED_MAX + 100 {
        let key = format!("session/{number}");
        table.register(&key, 1, 1).unwrap();
        assert_eq!(table.unregister(&key, |_| true), Some(1));
    }
    assert_eq!(table.len(), REMEMBERED_MAX);
    assert_eq!(table.epoch("session/0"), None);
    assert_eq!(table.epoch("session/100"), Some(1));
}

#[test]
fn a_slow_greeting_says_nothing_about_the_clock() {
    assert_eq!(Ages::seeded(10, 5, 1_000), None);
    assert!(Ages::seeded(10, 5, 999).is_some());
}
