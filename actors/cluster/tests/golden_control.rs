//! Control entries and snapshots ever written are readable for ever.
//!
//! `UPDATE_GOLDEN=1` writes files that are missing; a file that exists is never rewritten.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::fmt::Debug;
use std::path::PathBuf;

use cluster::control::apply::apply;
use cluster::control::command::{Entry, EntryRecord};
use cluster::control::state::{Capacity, Manifest, NodeState, OutcomeKind, Resources};
use cluster::control::{
    CommandId, ControlCommand, ControlState, DesiredState, DocumentChange, DocumentKey, Expected,
    NewSession, Proposed, SessionClass,
};
use store::codec::{self, Record, schema};

fn golden<R: Record + PartialEq + Debug>(sample: &R) {
    let name = format!("{}_v{}.bin", schema::name(R::SCHEMA), R::VERSION);
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
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
    assert_eq!(stored, bytes, "{}: variants and fields are only appended", file.display());
}

/// One of each command, in the order of the enum.
fn one_of_each() -> Vec<ControlCommand> {
    let session = [1; 16];
    let key = DocumentKey::new("users", "u1");
    let put = DocumentChange::Put {
        key: key.clone(),
        expected: Expected::Absent,
        schema: 2,
        bytes: vec![1, 2, 3],
    };
    let gone = DocumentChange::Delete {
        key: DocumentKey::new("users", "u2"),
        expected: Expected::Revision(4),
    };
    let resources = Resources { cpu_millis: 2_000, memory_mib: 512, gpus: 1 };
    let new = NewSession {
        id: session,
        class: SessionClass(3),
        owner: "usr".into(),
        priority: -5,
        resources,
        spec: vec![9; 10],
        references: vec![key],
    };
    let manifest = Manifest {
        id: [2; 16],
        step: 100,
        sha256: [3; 32],
        size_bytes: 4,
        metric_count: 50,
        epoch_index: 6,
        nodes: vec!["n".into()],
        at_ms: 0,
    };
    let capacity = Capacity { cpu_millis: 4_000, memory_mib: 1_024, gpus: 1 };
    let (actor, reason) = ("usr".to_owned(), Some("lunch".to_owned()));
    let failed = ("boom".to_owned(), 1_700_000_000_000);
    vec![
        ControlCommand::InitCluster { cluster: [5; 16] },
        ControlCommand::RaiseVersion { version: 1 },
        ControlCommand::ChangeDocuments { changes: vec![put] },
        ControlCommand::ChangeDocuments { changes: vec![gone] },
        ControlCommand::SubmitSession(new),
        ControlCommand::SetDesired { session, desired: DesiredState::Pause, actor, reason },
        ControlCommand::RequestCheckpoint { session },
        ControlCommand::RegisterNode { node: "n".into(), incarnation: 7, capacity },
        ControlCommand::PlaceSession { session, node: "n".into() },
        ControlCommand::RecordRetry {
            session,
            epoch: 1,
            retry_count: 1,
            error: Some(failed.0),
            not_before_ms: failed.1,
        },
        ControlCommand::CommitCheckpoint { session, epoch: 1, manifest },
        ControlCommand::ReleaseSession { session, epoch: 1, reason: "node drains".into() },
        ControlCommand::FinishSession {
            session,
            epoch: 1,
            kind: OutcomeKind::Stopped,
            detail: "on request".into(),
            result: vec![8],
        },
        ControlCommand::RemoveSession { session: [6; 16] },
        ControlCommand::SetNodeState { node: "n".into(), state: NodeState::Draining },
    ]
}

fn record() -> EntryRecord {
    let keyed = (0_u8..)
        .zip(one_of_each())
        .map(|(key, command)| Proposed { key: CommandId([key; 16]), command });
    EntryRecord { at_ms: 1_700_000_000_000, commands: keyed.collect() }
}

#[test]
fn an_entry_with_one_of_each_command_is_readable_for_ever() {
    golden(&record());
}

#[test]
fn the_state_that_follows_is_readable_for_ever() {
    let EntryRecord { at_ms, commands } = record();
    let mut state = ControlState::default();
    apply(&mut state, &Entry { index: 1, at_ms, commands }).unwrap();
    golden(&state);
}
