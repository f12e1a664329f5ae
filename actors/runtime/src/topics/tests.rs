//! The promises of each class, by models: readers that drop, stall and come back see what they must.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::conflate::{StateCore, TOMBSTONES_MAX};
use super::hub::Hub;
use super::ring::{AGE_MS_MAX, ITEMS_MAX, LogCore, LogStep};
use super::text::{LINES_MAX, TextCore};
use crate::clock::ManualClock;
use crate::messages::topics::{Since, Start, TopicUpdate};

/// A client as the specification describes it.
#[derive(Debug, Default)]
struct Client {
    seq: u64,
    rows: BTreeMap<String, Value>,
}

impl Client {
    fn snapshot(&mut self, seq: u64, data: &Value) {
        self.seq = seq;
        self.rows = data["rows"].as_object().unwrap().clone().into_iter().collect();
    }

    fn delta(&mut self, seq: u64, data: &Value) {
        self.seq = seq;
        self.rows.extend(data["set"].as_object().unwrap().clone());
        for key in data["del"].as_array().unwrap() {
            self.rows.remove(key.as_str().unwrap());
        }
    }

    fn catch_up(&mut self, core: &StateCore) {
        if core.can_resume(self.seq) {
            self.delta(core.head(), &core.delta(self.seq));
        } else {
            self.snapshot(core.head(), &core.snapshot());
        }
    }
}

#[derive(Debug, Clone)]
enum Act {
    Set(u8, u8),
    Remove(u8),
    Read,
    Reconnect,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0_u8..20, 0_u8..4).prop_map(|(key, value)| Act::Set(key, value)),
        2 => (0_u8..20).prop_map(Act::Remove),
        2 => Just(Act::Read),
        1 => Just(Act::Reconnect),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_reader_of_state_ends_with_the_newest_values(acts in prop::collection::vec(act(), 0..200)) {
        let (mut core, mut truth, mut client) = (StateCore::default(), BTreeMap::new(), Client::default());
        for act in acts {
            match act {
                Act::Set(key, value) => {
                    truth.insert(key.to_string(), json!(value));
                    core.apply(BTreeMap::from([(key.to_string(), json!(value))]), &[]);
                }
                Act::Remove(key) => {
                    truth.remove(&key.to_string());
                    core.apply(BTreeMap::new(), &[key.to_string()]);
                }
                Act::Read => client.catch_up(&core),
                Act::Reconnect => {
                    client = Client::default();
                    client.snapshot(core.head(), &core.snapshot());
                }
            }
        }
        client.catch_up(&core);
        prop_assert_eq!(client.rows, truth);
        prop_assert_eq!(client.seq, core.head());
    }

    #[test]
    fn a_reader_of_a_log_gets_every_item_once_or_is_told_the_gap(
        pauses in prop::collection::vec((1_usize..4_000, 0_i64..200_000), 1..12),
    ) {
        let (mut core, mut now_ms, mut cursor) = (LogCore::default(), 0, 0);
        let mut told = 0_u64;
        for (count, pause_ms) in pauses {
            for _ in 0..count {
                core.append(now_ms, "step", Map::new());
            }
            now_ms += pause_ms;
            core.age(now_ms);
            while let Some(step) = core.step(cursor) {
                match step {
                    LogStep::Items { from, seq, data } => {
                        prop_assert_eq!(from, cursor + 1);
                        let items = data["items"].as_array().unwrap();
                        for (wanted, item) in (from..=seq).zip(items) {
                            prop_assert_eq!(&item["seq"], &json!(wanted));
                        }
                        prop_assert_eq!(items.len() as u64, seq + 1 - from);
                        told += seq + 1 - from;
                        cursor = seq;
                    }
                    LogStep::Gap { last, next } => {
                        prop_assert_eq!(last, cursor);
                        prop_assert!(last + 1 < next);
                        told += next - last - 1;
                        cursor = next - 1;
                    }
                }
            }
            prop_assert_eq!(cursor, core.head());
        }
        prop_assert_eq!(told, core.head());
    }

    #[test]
    fn text_is_bounded_and_what_is_dropped_is_counted(bursts in prop::collection::vec(1_u64..3_000, 1..10)) {
        let (mut core, mut cursor, mut told) = (TextCore::default(), 0, 0);
        for burst in bursts {
            for _ in 0..burst {
                core.line(0, "info", "x");
            }
            while cursor < core.head() {
                let (seq, data) = core.delta(cursor);
                let lines = data["lines"].as_array().unwrap().len() as u64;
                prop_assert!(0 < lines && lines <= 100);
                told += lines + data["dropped"].as_u64().unwrap();
                prop_assert!(cursor < seq);
                cursor = seq;
            }
        }
        prop_assert_eq!(told, core.head());
    }
}

#[test]
fn a_reader_behind_too_many_removals_takes_a_snapshot() {
    let mut core = StateCore::default();
    for key in 0..=TOMBSTONES_MAX {
        core.apply(BTreeMap::from([(key.to_string(), json!(1))]), &[]);
    }
    let behind = core.head();
    for key in 0..=TOMBSTONES_MAX {
        core.apply(BTreeMap::new(), &[key.to_string()]);
    }
    assert!(!core.can_resume(behind) && core.can_resume(core.head()));
    assert_eq!(core.snapshot(), json!({"rows": {}}));
}

#[test]
fn a_ring_forgets_by_count_and_by_age() {
    let mut core = LogCore::default();
    for _ in 0..ITEMS_MAX + 5 {
        core.append(0, "step", Map::new());
    }
    assert_eq!(core.first(), 6);
    core.age(AGE_MS_MAX);
    assert_eq!(core.first(), 6);
    core.age(AGE_MS_MAX + 1);
    assert_eq!(core.first(), core.head() + 1);
}

fn topic(kind: &str) -> String {
    format!("{kind}/ses_01900000000070008000000000000001")
}

fn hub() -> Arc<Hub> {
    Arc::new(Hub::new(Arc::new(ManualClock::at(0)), "e1".to_owned()))
}

#[tokio::test(start_paused = true)]
async fn a_stalled_reader_of_a_log_is_told_what_it_missed() {
    let (hub, topic) = (hub(), topic("session-events"));
    hub.append(&topic, "step", Map::new());
    let mut reader = hub.subscribe(&topic, None).unwrap();
    for _ in 0..ITEMS_MAX + 100 {
        hub.append(&topic, "step", Map::new());
    }
    assert_eq!(
        reader.updates.next().await,
        Some(TopicUpdate::Gap { last: 1, next: 102, reason: "slow" })
    );
    let Some(TopicUpdate::Delta { from, .. }) = reader.updates.next().await else {
        panic!("no items")
    };
    assert_eq!(from, 102);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_comes_back_too_late_is_told_that_the_ring_forgot() {
    let (hub, topic) = (hub(), topic("session-events"));
    for _ in 0..ITEMS_MAX + 10 {
        hub.append(&topic, "step", Map::new());
    }
    let since = Since { epoch: "e1".to_owned(), seq: 3 };
    let mut reader = hub.subscribe(&topic, Some(since)).unwrap();
    assert_eq!(reader.start, Start::Resumed);
    assert_eq!(
        reader.updates.next().await,
        Some(TopicUpdate::Gap { last: 3, next: 11, reason: "ring" })
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_of_state_costs_nothing_and_gets_the_newest() {
    let hub = hub();
    let mut reader = hub.subscribe("sessions", None).unwrap();
    for value in 0..100_000 {
        hub.set("sessions", BTreeMap::from([((value % 3).to_string(), json!(value))]), &[]);
    }
    let Some(TopicUpdate::Delta { from, seq, data, .. }) = reader.updates.next().await else {
        panic!("no delta")
    };
    assert_eq!((from, seq), (1, 100_000));
    assert_eq!(data["set"], json!({"0": 99_999, "1": 99_997, "2": 99_998}));
    let nothing = tokio::time::timeout(Duration::from_secs(60), reader.updates.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
}

#[tokio::test(start_paused = true)]
async fn foreign_epochs_and_futures_get_a_snapshot() {
    let hub = hub();
    hub.set("sessions", BTreeMap::from([("a".to_owned(), json!(1))]), &[]);
    for (epoch, seq) in [("e0", 1), ("e1", 2), ("", 0)] {
        let since = Since { epoch: epoch.to_owned(), seq };
        let reader = hub.subscribe("sessions", Some(since)).unwrap();
        assert_eq!(
            (reader.start, reader.seq),
            (Start::Snapshot(json!({"rows": {"a": 1}})), 1),
            "{epoch} {seq}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn text_comes_at_five_hundred_lines_a_second_at_most() {
    let (hub, topic) = (hub(), topic("log"));
    let mut reader = hub.subscribe(&topic, None).unwrap();
    for _ in 0..5 * LINES_MAX {
        hub.line(&topic, "info", "x");
    }
    let begun = tokio::time::Instant::now();
    let (mut lines, mut dropped) = (0, 0);
    while reader.updates.head() > lines + dropped {
        let Some(TopicUpdate::Delta { data, .. }) = reader.updates.next().await else {
            panic!("no delta")
        };
        lines += data["lines"].as_array().unwrap().len() as u64;
        dropped += data["dropped"].as_u64().unwrap();
    }
    assert_eq!((lines, dropped), (1_000, 4_000));
    assert!(Duration::from_millis(1_800) <= begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn idle_topics_are_forgotten_and_read_ones_are_not() {
    let (hub, topic) = (hub(), topic("log"));
    let reader = hub.subscribe(&topic, None).unwrap();
    hub.keep_house();
    assert_eq!(hub.status().topic_count, 1);
    drop(reader);
    hub.keep_house();
    assert_eq!((hub.status().topic_count, hub.status().subscriber_count), (0, 0));
}
