//! Every version of every record ever written still decodes, and what is written today has not moved.
//!
//! `UPDATE_GOLDEN=1` writes files that are missing; a file that exists is never rewritten.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::fmt::Debug;
use std::path::PathBuf;

use store::codec::{self, Record, schema};
use store::journal::mark::CommitCount;
use store::raft_log::{CommittedMark, LogId, PurgedMark, SnapshotMark, Vote};
use store::records::checkpoint::CheckpointRecord;
use store::records::log_line::LogLineRecord;
use store::records::metric::{MetricBatchRecord, PackedPoint};
use store::records::session::{StatusRecord, TransitionRecord};
use store::records::value::ValueRecord;

fn path(schema: u32, version: u16) -> PathBuf {
    let name = format!("{}_v{version}.bin", schema::name(schema));
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn golden<R: Record + PartialEq + Debug>(sample: &R) {
    let file = path(R::SCHEMA, R::VERSION);
    let bytes = codec::encode(sample).unwrap();
    if !file.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &bytes).unwrap();
    }
    let stored = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert_eq!(
        codec::decode::<R>(&stored).as_ref(),
        Ok(sample),
        "{} must be readable for ever",
        file.display()
    );
    assert_eq!(stored, bytes, "{}: a changed layout is a new version", file.display());
}

const ID: LogId = LogId { term: 3, node: 2, index: 1_000_000_007 };

#[test]
fn session_records_are_readable_for_ever() {
    golden(&StatusRecord { revision: 9, layout: 1, body: b"{\"state\":\"running\"}".to_vec() });
    golden(&TransitionRecord {
        seq: 4,
        at_ms: 1_700_000_000_123,
        from: Some("placed".into()),
        to: "starting".into(),
        reason: "worker started".into(),
        actor: "host".into(),
    });
    golden(&CheckpointRecord {
        id: [7; 16],
        step: 12_345,
        epoch_index: 3,
        metric_count: 678,
        sha256: [0xab; 32],
        size_bytes: 1 << 33,
        at_ms: 1_700_000_000_456,
    });
}

#[test]
fn metric_log_and_value_records_are_readable_for_ever() {
    let point = |name, step, value| PackedPoint { name, step, value };
    golden(&MetricBatchRecord {
        first: 180,
        stored_at_ms: 1_700_000_000_789,
        names: vec!["loss".into(), "q_mean".into()],
        points: vec![point(0, 1, Some(0.125)), point(1, 1, None), point(0, 2, Some(-3.5e-300))],
    });
    golden(&LogLineRecord {
        seq: 1, at_ms: 2, level: "warn".into(), text: "zu viel: 过多".into()
    });
    golden(&ValueRecord { layout: 2, body: vec![0, 1, 254, 255] });
}

#[test]
fn control_log_records_are_readable_for_ever() {
    golden(&Vote { term: 3, node: 2, committed: true });
    golden(&PurgedMark(ID));
    golden(&CommittedMark(ID));
    golden(&CommitCount(123_456));
    golden(&SnapshotMark { last: ID, sha256: [1; 32], size_bytes: 77, detail: vec![5, 6] });
}

#[test]
fn every_record_of_this_package_has_its_file() {
    for (schema, name) in schema::SCHEMAS.iter().filter(|(schema, _)| (16..48).contains(schema)) {
        assert!(
            path(*schema, 1).exists(),
            "{name} has no golden file: add a sample and run with UPDATE_GOLDEN=1"
        );
    }
}
