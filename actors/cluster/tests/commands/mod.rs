//! Commands as tests write them, and a state to run them on.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]
#![allow(dead_code, reason = "not every test program uses all of it")]

use cluster::control::apply::apply;
use cluster::control::command::Entry;
use cluster::control::state::{Capacity, Manifest, OutcomeKind, Resources, Segment};
use cluster::control::{
    CommandId, CommandResult, ControlCommand, ControlState, DesiredState, DocumentChange,
    DocumentKey, Expected, NewSession, Proposed, SessionClass,
};

pub(crate) fn session(number: u8) -> [u8; 16] {
    [number; 16]
}

pub(crate) fn needs(cpu_millis: u64) -> Resources {
    Resources { cpu_millis, memory_mib: 100, ..Resources::default() }
}

pub(crate) fn submit(number: u8, cpu_millis: u64, references: Vec<DocumentKey>) -> ControlCommand {
    ControlCommand::SubmitSession(NewSession {
        priority: i32::from(number % 3),
        resources: needs(cpu_millis),
        spec: vec![number; 40],
        references,
        ..NewSession::plain(session(number), SessionClass(1), "usr_1")
    })
}

pub(crate) fn manifest(step: u64) -> Manifest {
    Manifest {
        id: [9; 16],
        step,
        sha256: [8; 32],
        size_bytes: 7,
        metric_count: step / 2,
        epoch_index: 0,
        nodes: vec!["a".into()],
        at_ms: 0,
    }
}

pub(crate) fn segment(to: u64) -> Segment {
    Segment { kind: 1, from: 0, to, sha256: [7; 32], size_bytes: 9, nodes: vec!["a".into()] }
}

pub(crate) fn put(id: &str, expected: Expected) -> ControlCommand {
    let key = DocumentKey::new("things", id);
    ControlCommand::ChangeDocuments {
        changes: vec![DocumentChange::Put { key, expected, schema: 1, bytes: vec![1] }],
    }
}

pub(crate) fn delete(id: &str) -> ControlCommand {
    let key = DocumentKey::new("things", id);
    ControlCommand::ChangeDocuments {
        changes: vec![DocumentChange::Delete { key, expected: Expected::Present }],
    }
}

pub(crate) fn register(node: &str, cpu_millis: u64) -> ControlCommand {
    let capacity = Capacity { cpu_millis, memory_mib: 10_000, ..Capacity::default() };
    ControlCommand::RegisterNode { node: node.into(), incarnation: 1, capacity }
}

pub(crate) fn place(number: u8, node: &str) -> ControlCommand {
    ControlCommand::PlaceSession { session: session(number), node: node.into() }
}

pub(crate) fn desire(number: u8, desired: DesiredState) -> ControlCommand {
    ControlCommand::SetDesired {
        session: session(number),
        desired,
        actor: "usr_2".into(),
        reason: Some("why".into()),
    }
}

pub(crate) fn finish(number: u8, epoch: u64) -> ControlCommand {
    let detail = "all done".to_owned();
    ControlCommand::FinishSession {
        session: session(number),
        epoch,
        kind: OutcomeKind::Completed,
        detail,
        result: vec![1],
        actor: "worker".into(),
        facts: None,
        archive: None,
    }
}

pub(crate) fn commit(number: u8, epoch: u64, step: u64) -> ControlCommand {
    ControlCommand::CommitCheckpoint {
        session: session(number),
        epoch,
        manifest: manifest(step),
        archive: None,
    }
}

/// A state with an index and keys that are never repeated unless a test wants it.
#[derive(Default)]
pub(crate) struct Bench {
    pub(crate) state: ControlState,
    key: u64,
}

impl Bench {
    pub(crate) fn run(&mut self, command: ControlCommand) -> CommandResult {
        self.key += 1;
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.key.to_be_bytes());
        self.with_key(CommandId(key), command)
    }

    pub(crate) fn with_key(&mut self, key: CommandId, command: ControlCommand) -> CommandResult {
        let index = self.state.applied_index + 1;
        let entry = Entry {
            index,
            term: 1,
            at_ms: index * 1_000,
            commands: vec![Proposed { key, command }],
        };
        apply(&mut self.state, &entry).unwrap().results.remove(0)
    }
}
