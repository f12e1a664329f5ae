//! The journal keeps what it acknowledged, refuses what it cannot keep, and never repairs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use store::raft_log::{ENTRY_BYTES_MAX, LogEntry, LogId, RaftLog, Vote};
use store::records::value::ValueRecord;
use store::{Batch, Journal, Key, StoreError};

fn value(size: usize, fill: u8) -> ValueRecord {
    ValueRecord { layout: 1, body: vec![fill; size] }
}

fn put(journal: &Journal, key: &Key, record: &ValueRecord) {
    let mut batch = Batch::default();
    batch.put(key.clone(), record).unwrap();
    journal.commit_blocking(batch).unwrap();
}

fn key(number: u8) -> Key {
    Key::node_value(1, &[number; 32])
}

#[test]
fn values_of_every_size_survive_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let sizes = [0, 1, 4_000, 4_079, 4_080, 4_096, 10_000, 65_000];
    let journal = Journal::open(&path).unwrap();
    for (number, size) in (0_u8..).zip(sizes) {
        put(&journal, &key(number), &value(size, number));
    }
    drop(journal);
    let journal = Journal::open(&path).unwrap();
    for (number, size) in (0_u8..).zip(sizes) {
        assert_eq!(journal.get::<ValueRecord>(&key(number)).unwrap(), Some(value(size, number)));
    }
    assert_eq!(
        std::fs::read_dir(path.join("blobs")).unwrap().count(),
        0,
        "nothing may lie outside the log"
    );
}

#[test]
fn refuses_a_record_over_64_kib_before_anything_is_written() {
    let mut batch = Batch::default();
    assert!(matches!(batch.put(key(1), &value(70_000, 1)), Err(StoreError::TooLarge { .. })));
    assert!(batch.is_empty());
}

#[test]
fn a_shorter_value_leaves_nothing_of_the_longer_one() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(&dir.path().join("journal")).unwrap();
    put(&journal, &key(1), &value(60_000, 1));
    // Twice in one batch: the second decides.
    let mut batch = Batch::default();
    batch.put(key(1), &value(30_000, 2)).unwrap();
    batch.put(key(1), &value(5, 3)).unwrap();
    journal.commit_blocking(batch).unwrap();
    assert_eq!(journal.get::<ValueRecord>(&key(1)).unwrap(), Some(value(5, 3)));
    drop(journal);
    // Verification at opening refuses parts that belong to no record.
    let journal = Journal::open(&dir.path().join("journal")).unwrap();
    let mut batch = Batch::default();
    batch.delete(key(1));
    journal.commit_blocking(batch).unwrap();
    assert_eq!(journal.get::<ValueRecord>(&key(1)).unwrap(), None);
    assert!(journal.keys(&Key::node_values(1), 10).unwrap().is_empty());
}

#[test]
fn a_second_opener_is_told_that_it_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let first = Journal::open(&path).unwrap();
    assert!(matches!(Journal::open(&path), Err(StoreError::Locked { .. })));
    drop(first);
    Journal::open(&path).unwrap();
}

#[test]
fn scans_give_key_order_both_ways() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(&dir.path().join("journal")).unwrap();
    for number in [5_u8, 1, 3, 255, 0] {
        put(&journal, &key(number), &value(usize::from(number) * 40, number));
    }
    put(&journal, &Key::node_value(2, &[0; 32]), &value(1, 9));
    let numbers = |rows: Vec<(Key, ValueRecord)>| {
        rows.iter().map(|(key, _)| key.bytes()[3]).collect::<Vec<_>>()
    };
    let prefix = Key::node_values(1);
    assert_eq!(numbers(journal.scan(&prefix, None, 10).unwrap()), [0, 1, 3, 5, 255]);
    assert_eq!(numbers(journal.scan(&prefix, Some(&key(3)), 2).unwrap()), [3, 5]);
    assert_eq!(numbers(journal.scan_back(&prefix, 2).unwrap()), [255, 5]);
}

#[tokio::test]
async fn many_callers_share_commits_and_all_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(&dir.path().join("journal")).unwrap();
    let callers: Vec<_> = (0..200_u8)
        .map(|number| {
            let journal = journal.clone();
            tokio::spawn(async move {
                let mut batch = Batch::default();
                batch.put(key(number), &value(10, number)).unwrap();
                journal.commit(batch).await
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(journal.scan::<ValueRecord>(&Key::node_values(1), None, 1_000).unwrap().len(), 200);
}

#[test]
fn a_full_queue_refuses_at_once_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(&dir.path().join("journal")).unwrap();
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for _ in 0..40 {
        for number in 0..=255_u8 {
            let mut batch = Batch::default();
            batch
                .put(Key::node_value(u16::from(number), &[number; 32]), &value(3_000, number))
                .unwrap();
            for _ in 0..4 {
                match journal.submit(batch.clone()) {
                    Ok(pending) => accepted.push(pending),
                    Err(StoreError::Overloaded { limit: 8_192 }) => refused += 1,
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }
    assert!(refused > 0, "forty thousand submissions in a tight loop outrun the disk");
    for pending in accepted {
        pending.wait_blocking().unwrap();
    }
}

/// Flips bytes all over the file, so that live pages are hit wherever the database put them.
fn damage(path: &Path) {
    let file = path.join("db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.iter_mut().skip(5_000).step_by(3_001).for_each(|byte| *byte ^= 0x5a);
    std::fs::write(&file, bytes).unwrap();
}

#[test]
fn a_damaged_journal_is_set_aside_whole_and_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let journal = Journal::open(&path).unwrap();
    for number in 0..200_u8 {
        put(&journal, &key(number), &value(3_000, number));
    }
    drop(journal);
    damage(&path);
    let error = Journal::open(&path).unwrap_err();
    let StoreError::Quarantined { path: aside, .. } = &error else { panic!("{error}") };
    assert!(aside.join("db").exists(), "nothing is thrown away");
    assert!(!path.exists());
    assert!(
        matches!(Journal::open(&path), Err(StoreError::Quarantined { .. })),
        "a person decides to start empty"
    );
    std::fs::rename(aside, dir.path().join("kept")).unwrap();
    Journal::open(&path).unwrap();
}

#[test]
fn a_file_in_the_databases_own_blob_directory_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    drop(Journal::open(&path).unwrap());
    std::fs::create_dir_all(path.join("blobs")).unwrap();
    std::fs::write(path.join("blobs/7"), b"x").unwrap();
    assert!(matches!(Journal::open(&path), Err(StoreError::Quarantined { .. })));
}

fn entry(index: u64, size: usize) -> LogEntry {
    let fill = u8::try_from(index % 251).unwrap();
    LogEntry { id: LogId { term: 1, node: 1, index }, payload: vec![fill; size] }
}

#[test]
fn the_control_log_has_no_holes_and_survives_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let journal = Journal::open(&path).unwrap();
    let mut log = RaftLog::open(&journal).unwrap();
    let entries: Vec<_> =
        (1..=600).map(|index| entry(index, usize::try_from(index * 7).unwrap())).collect();
    log.append(&entries).unwrap().wait_blocking().unwrap();
    assert!(
        matches!(log.append(&[entry(602, 1)]), Err(StoreError::Refused { .. })),
        "a hole is refused"
    );
    assert!(matches!(
        log.append(&[entry(601, ENTRY_BYTES_MAX + 1)]),
        Err(StoreError::TooLarge { .. })
    ));
    log.append(&[entry(601, ENTRY_BYTES_MAX)]).unwrap().wait_blocking().unwrap();
    log.save_vote(Vote { term: 4, node: 2, committed: false }).unwrap();
    log.truncate(501).unwrap();
    log.purge(entry(300, 0).id).unwrap();
    drop((log, journal));
    let journal = Journal::open(&path).unwrap();
    let mut log = RaftLog::open(&journal).unwrap();
    assert_eq!((log.purged().index, log.last().index), (300, 500));
    assert_eq!(log.vote().unwrap(), Some(Vote { term: 4, node: 2, committed: false }));
    assert_eq!(log.read(1..=u64::MAX, 1_000).unwrap(), entries[300..500]);
    assert!(log.truncate(300).is_err() && log.purge(entry(501, 0).id).is_err());
    log.reset(entry(9_000, 0).id).unwrap();
    drop((log, journal));
    let journal = Journal::open(&path).unwrap();
    let mut log = RaftLog::open(&journal).unwrap();
    assert_eq!((log.purged().index, log.last().index), (9_000, 9_000));
    log.append(&[entry(9_001, 5)]).unwrap().wait_blocking().unwrap();
    assert_eq!(log.read(0..=u64::MAX, 9).unwrap(), [entry(9_001, 5)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_sequence_of_writes_reads_back_like_a_map(
        steps in prop::collection::vec((0_u8..12, prop::option::of(0_usize..30_000)), 1..40),
        split in 1_usize..40,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let mut model = BTreeMap::new();
        for part in steps.chunks(split) {
            let journal = Journal::open(&path).unwrap();
            for (number, size) in part {
                let mut batch = Batch::default();
                match size {
                    Some(size) => {
                        batch.put(key(*number), &value(*size, *number)).unwrap();
                        model.insert(*number, *size);
                    }
                    None => {
                        batch.delete(key(*number));
                        model.remove(number);
                    }
                }
                journal.commit_blocking(batch).unwrap();
            }
            let rows = journal.scan::<ValueRecord>(&Key::node_values(1), None, 100).unwrap();
            let found: BTreeMap<u8, usize> = rows.iter().map(|(key, row)| (key.bytes()[3], row.body.len())).collect();
            prop_assert_eq!(&found, &model);
        }
    }
}
