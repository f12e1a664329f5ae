//! Control entries and snapshots ever written are readable for ever.
//!
//! `UPDATE_GOLDEN=1` writes files that are missing; a file that exists is never rewritten.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;

use cluster::control::apply::apply;
use cluster::control::command::{Entry, EntryRecord};
use cluster::control::state::{
    Capacity, Gang, Manifest, NodeState, OutcomeKind, Phase, Profile, Requirements, Resources,
    Segment,
};
use cluster::control::{
    CommandId, ControlCommand, ControlState, DesiredState, DocumentChange, DocumentKey, Expected,
    Machine, NewSession, Proposed, SessionClass,
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
#[expect(clippy::too_many_lines, reason = "one of each, in order")]
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
    let resources =
        Resources { cpu_millis: 2_000, memory_mib: 512, gpus: 1, ..Resources::default() };
    let new = NewSession {
        priority: -5,
        resources,
        spec: vec![9; 10],
        references: vec![key],
        ..NewSession::plain(session, SessionClass(3), "usr")
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
    let capacity =
        Capacity { cpu_millis: 4_000, memory_mib: 1_024, gpus: 1, ..Capacity::default() };
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
        ControlCommand::CommitCheckpoint { session, epoch: 1, manifest, archive: None },
        ControlCommand::ReleaseSession {
            session,
            epoch: 1,
            reason: "node drains".into(),
            lost: false,
        },
        ControlCommand::FinishSession {
            session,
            epoch: 1,
            kind: OutcomeKind::Stopped,
            detail: "on request".into(),
            result: vec![8],
            actor: "host".into(),
            facts: None,
            archive: None,
        },
        ControlCommand::RemoveSession { session: [6; 16] },
        ControlCommand::SetNodeState {
            node: "n".into(),
            state: NodeState::Draining,
            actor: "host".into(),
            reason: String::new(),
        },
    ]
}

/// Those that came with the second version.
#[expect(clippy::too_many_lines, reason = "one of each, in order")]
fn one_of_each_newer() -> Vec<ControlCommand> {
    let session = [7; 16];
    let segment = Segment {
        kind: 1,
        from: 2,
        to: 9,
        sha256: [4; 32],
        size_bytes: 5,
        nodes: vec!["n".into()],
    };
    let labels = BTreeMap::from([("zone".to_owned(), "b".to_owned())]);
    let new = NewSession {
        team: "research".into(),
        requires: Requirements { labels: labels.clone(), role: Some("train".into()), node: None },
        gang: Some(Gang { id: [3; 16], size: 2 }),
        preemptible: false,
        resources: Resources {
            cpu_millis: 1,
            memory_mib: 2,
            gpus: 0,
            gpu_memory_mib: 0,
            disk_mib: 3,
        },
        ..NewSession::plain(session, SessionClass(2), "usr")
    };
    let profile = Profile {
        boot_id: [8; 16],
        cluster_address: "10.0.0.2:7700".into(),
        gateway_url: "http://10.0.0.2:8080".into(),
        labels,
        roles: vec!["train".into()],
        build: "0.1.0".into(),
        protocol_min: 1,
        protocol_max: 2,
    };
    let capacity = Capacity {
        cpu_millis: 4_000,
        memory_mib: 1_024,
        gpus: 2,
        gpu_memory_mib: 80_000,
        disk_mib: 900,
    };
    let (node, actor, reason) = ("m".to_owned(), "worker".to_owned(), "it said so".to_owned());
    let (epoch, facts) = (1, Some(vec![1, 2, 3]));
    vec![
        ControlCommand::AdmitNode {
            node: node.clone(),
            incarnation: 3,
            capacity,
            profile,
            renumber: false,
        },
        ControlCommand::SetNodeState {
            node: node.clone(),
            state: NodeState::Ready,
            actor: "usr".into(),
            reason: "caught up".into(),
        },
        ControlCommand::SubmitSession(new),
        ControlCommand::PlaceSession { session, node: node.clone() },
        ControlCommand::RecordPhase {
            session,
            epoch,
            to: Some(Phase::Starting),
            reason: reason.clone(),
            actor,
            facts,
        },
        ControlCommand::EvictSession { session, epoch, reason, to: Some("n".into()) },
        ControlCommand::ArchiveSession { session, epoch, archive: vec![segment] },
        ControlCommand::MarkDown { node, incarnation: 3, term: 1 },
    ]
}

fn record(commands: Vec<ControlCommand>) -> EntryRecord {
    let keyed = (0_u8..)
        .zip(commands)
        .map(|(key, command)| Proposed { key: CommandId([key; 16]), command });
    EntryRecord { at_ms: 1_700_000_000_000, commands: keyed.collect() }
}

fn newest() -> EntryRecord {
    record(one_of_each().into_iter().chain(one_of_each_newer()).collect())
}

/// A session that began, ended and was removed.
fn a_removed_session() -> Vec<ControlCommand> {
    let session = [9; 16];
    let new = NewSession { spec: vec![5; 3], ..NewSession::plain(session, SessionClass(3), "usr") };
    vec![
        ControlCommand::RegisterNode {
            node: "o".into(),
            incarnation: 1,
            capacity: Capacity::default(),
        },
        ControlCommand::SubmitSession(new),
        ControlCommand::PlaceSession { session, node: "o".into() },
        ControlCommand::RecordPhase {
            session,
            epoch: 1,
            to: Some(Phase::Starting),
            reason: String::new(),
            actor: "host".into(),
            facts: None,
        },
        ControlCommand::FinishSession {
            session,
            epoch: 1,
            kind: OutcomeKind::Failed,
            detail: "boom".into(),
            result: Vec::new(),
            actor: "host".into(),
            facts: Some(vec![6, 7]),
            archive: None,
        },
        ControlCommand::RemoveSession { session },
    ]
}

fn newest_with_removed() -> EntryRecord {
    let removed = a_removed_session();
    record(one_of_each().into_iter().chain(one_of_each_newer()).chain(removed).collect())
}

fn applied(record: EntryRecord) -> ControlState {
    let EntryRecord { at_ms, commands } = record;
    let mut state = ControlState::default();
    let answers = apply(&mut state, &Entry { index: 1, term: 1, at_ms, commands }).unwrap().results;
    assert!(answers.iter().filter(|answer| answer.is_ok()).count() > 8, "{answers:?}");
    state
}

/// Reads a file of an older version.
fn older<R: Record>(version: u16) -> R {
    codec::decode(&stored::<R>(version)).unwrap()
}

/// Returns the bytes of a file of some version.
fn stored<R: Record>(version: u16) -> Vec<u8> {
    let name = format!("{}_v{version}.bin", schema::name(R::SCHEMA));
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    std::fs::read(file).unwrap()
}

#[test]
fn an_entry_with_one_of_each_command_is_readable_for_ever() {
    golden(&newest());
}

#[test]
fn the_state_that_follows_is_readable_for_ever() {
    let state = applied(newest_with_removed());
    assert_eq!(state.removed.count(), 1);
    golden(&state);
}

#[test]
fn a_snapshot_of_the_second_version_holds_what_it_held() {
    assert_eq!(older::<ControlState>(2), applied(newest()));
}

#[test]
fn a_state_that_keeps_nothing_removed_is_written_so_that_the_version_before_can_read_it() {
    let (machine, EntryRecord { at_ms, commands }) = (Machine::default(), newest());
    machine.apply(&Entry { index: 1, term: 1, at_ms, commands }).unwrap();
    assert_eq!(machine.snapshot().unwrap().1, stored::<ControlState>(2));
    let (machine, EntryRecord { at_ms, commands }) = (Machine::default(), newest_with_removed());
    machine.apply(&Entry { index: 1, term: 1, at_ms, commands }).unwrap();
    assert_eq!(machine.snapshot().unwrap().1, stored::<ControlState>(3));
}

#[test]
fn an_entry_of_the_first_version_says_what_it_said() {
    assert_eq!(older::<EntryRecord>(1), record(one_of_each()));
}

#[test]
fn a_snapshot_of_the_first_version_holds_what_it_held() {
    let state: ControlState = older(1);
    let now = applied(record(one_of_each()));
    assert_eq!((state.applied_index, state.documents), (now.applied_index, now.documents));
    let (old, new) = (state.sessions.get(&[1; 16]).unwrap(), now.sessions.get(&[1; 16]).unwrap());
    assert_eq!(
        (&old.outcome, &old.checkpoints, &old.retry),
        (&new.outcome, &new.checkpoints, &new.retry)
    );
    assert_eq!((old.phase, old.timeline.len()), (Phase::Stopped, 1));
    assert_eq!(state.nodes.get("n").unwrap().capacity, now.nodes.get("n").unwrap().capacity);
}
