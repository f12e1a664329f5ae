//! The control state machine: deterministic, idempotent, epochs and steps only grow, never above capacity.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;

use cluster::control::apply::{Divergence, apply};
use cluster::control::command::Entry;
use cluster::control::state::{
    Capacity, Manifest, NodeState, OutcomeKind, Phase, Profile, Resources, Segment, Session,
};
use cluster::control::{
    CommandId, CommandOutput, CommandResult, ControlCommand, ControlState, DesiredState,
    DocumentChange, DocumentKey, Expected, Machine, NewSession, Proposed, Refusal, SessionClass,
};
use proptest::prelude::*;
use store::codec;

fn session(number: u8) -> [u8; 16] {
    [number; 16]
}

fn needs(cpu_millis: u64) -> Resources {
    Resources { cpu_millis, memory_mib: 100, ..Resources::default() }
}

fn submit(number: u8, cpu_millis: u64, references: Vec<DocumentKey>) -> ControlCommand {
    ControlCommand::SubmitSession(NewSession {
        priority: i32::from(number % 3),
        resources: needs(cpu_millis),
        spec: vec![number; 40],
        references,
        ..NewSession::plain(session(number), SessionClass(1), "usr_1")
    })
}

fn manifest(step: u64) -> Manifest {
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

fn segment(to: u64) -> Segment {
    Segment { kind: 1, from: 0, to, sha256: [7; 32], size_bytes: 9, nodes: vec!["a".into()] }
}

fn put(id: &str, expected: Expected) -> ControlCommand {
    let key = DocumentKey::new("things", id);
    ControlCommand::ChangeDocuments {
        changes: vec![DocumentChange::Put { key, expected, schema: 1, bytes: vec![1] }],
    }
}

fn delete(id: &str) -> ControlCommand {
    let key = DocumentKey::new("things", id);
    ControlCommand::ChangeDocuments {
        changes: vec![DocumentChange::Delete { key, expected: Expected::Present }],
    }
}

fn register(node: &str, cpu_millis: u64) -> ControlCommand {
    let capacity = Capacity { cpu_millis, memory_mib: 10_000, ..Capacity::default() };
    ControlCommand::RegisterNode { node: node.into(), incarnation: 1, capacity }
}

fn place(number: u8, node: &str) -> ControlCommand {
    ControlCommand::PlaceSession { session: session(number), node: node.into() }
}

fn desire(number: u8, desired: DesiredState) -> ControlCommand {
    ControlCommand::SetDesired {
        session: session(number),
        desired,
        actor: "usr_2".into(),
        reason: Some("why".into()),
    }
}

fn finish(number: u8, epoch: u64) -> ControlCommand {
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

fn commit(number: u8, epoch: u64, step: u64) -> ControlCommand {
    ControlCommand::CommitCheckpoint {
        session: session(number),
        epoch,
        manifest: manifest(step),
        archive: None,
    }
}

/// A state with an index and keys that are never repeated unless a test wants it.
#[derive(Default)]
struct Bench {
    state: ControlState,
    key: u64,
}

impl Bench {
    fn run(&mut self, command: ControlCommand) -> CommandResult {
        self.key += 1;
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.key.to_be_bytes());
        self.with_key(CommandId(key), command)
    }

    fn with_key(&mut self, key: CommandId, command: ControlCommand) -> CommandResult {
        let index = self.state.applied_index + 1;
        let entry =
            Entry { index, at_ms: index * 1_000, commands: vec![Proposed { key, command }] };
        apply(&mut self.state, &entry).unwrap().results.remove(0)
    }
}

#[test]
fn documents_change_only_as_expected_and_all_or_none() {
    let mut bench = Bench::default();
    assert_eq!(bench.run(put("a", Expected::Absent)), Ok(CommandOutput::Revisions(vec![1])));
    assert!(matches!(
        bench.run(put("a", Expected::Absent)),
        Err(Refusal::DocumentChanged { found: Some(1), .. })
    ));
    assert_eq!(bench.run(put("a", Expected::Revision(1))), Ok(CommandOutput::Revisions(vec![2])));
    assert!(matches!(
        bench.run(put("b", Expected::Revision(1))),
        Err(Refusal::DocumentChanged { found: None, .. })
    ));
    let change = |id: &str, expected| DocumentChange::Put {
        key: DocumentKey::new("things", id),
        expected,
        schema: 1,
        bytes: vec![2],
    };
    let changes = vec![change("new", Expected::Absent), change("a", Expected::Revision(1))];
    assert!(bench.run(ControlCommand::ChangeDocuments { changes }).is_err());
    assert!(bench.state.documents.get("things", "new").is_none(), "all or none");
    let changes = vec![change("x", Expected::Any), change("x", Expected::Any)];
    assert!(bench.run(ControlCommand::ChangeDocuments { changes }).is_err(), "one document twice");
    let large = DocumentChange::Put {
        key: DocumentKey::new("k", "i"),
        expected: Expected::Any,
        schema: 1,
        bytes: vec![0; 16_385],
    };
    let refused = bench.run(ControlCommand::ChangeDocuments { changes: vec![large] });
    assert!(matches!(refused, Err(Refusal::OverLimit { limit: 16_384, found: 16_385, .. })));
    assert_eq!(bench.state.documents.list("things").map(|(id, _)| id).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn a_document_in_use_cannot_be_deleted_and_a_missing_one_not_be_used() {
    let mut bench = Bench::default();
    let needed = vec![DocumentKey::new("things", "a")];
    assert!(matches!(
        bench.run(submit(1, 100, needed.clone())),
        Err(Refusal::DocumentMissing { .. })
    ));
    bench.run(put("a", Expected::Absent)).unwrap();
    bench.run(submit(1, 100, needed)).unwrap();
    assert!(matches!(bench.run(delete("a")), Err(Refusal::DocumentInUse { .. })));
    bench.run(finish(1, 0)).unwrap();
    assert_eq!(bench.run(delete("a")), Ok(CommandOutput::Revisions(vec![0])));
    assert_eq!(bench.state.documents.count(), 0);
}

#[test]
fn the_life_of_a_session_follows_its_epochs() {
    let mut bench = Bench::default();
    bench.run(register("a", 1_000)).unwrap();
    bench.run(submit(1, 600, vec![])).unwrap();
    bench.run(submit(2, 600, vec![])).unwrap();
    assert!(matches!(bench.run(submit(2, 1, vec![])), Err(Refusal::SessionExists { .. })));
    let waiting = |state: &ControlState| {
        state.sessions.waiting().iter().map(|session| session.id[0]).collect::<Vec<_>>()
    };
    assert_eq!(waiting(&bench.state), [2, 1], "higher priority first");
    assert_eq!(bench.run(place(1, "a")), Ok(CommandOutput::Epoch(1)));
    assert!(matches!(bench.run(place(1, "a")), Err(Refusal::AlreadyPlaced { epoch: 1, .. })));
    let full = bench.run(place(2, "a"));
    assert!(matches!(full, Err(Refusal::NoCapacity { wanted: 600, free: 400, .. })), "{full:?}");
    assert_eq!(bench.state.sessions.reserved_on("a"), needs(600));
    bench.run(commit(1, 1, 10)).unwrap();
    assert!(matches!(
        bench.run(commit(1, 1, 10)),
        Err(Refusal::StepNotIncreasing { newest: 10, found: 10, .. })
    ));
    let release = ControlCommand::ReleaseSession {
        session: session(1),
        epoch: 1,
        reason: "worker lost".into(),
        lost: true,
    };
    bench.run(release.clone()).unwrap();
    assert!(
        matches!(bench.run(commit(1, 1, 11)), Err(Refusal::StaleEpoch { current: 1, .. })),
        "nobody holds it"
    );
    assert_eq!(bench.run(place(1, "a")), Ok(CommandOutput::Epoch(2)));
    assert!(matches!(
        bench.run(commit(1, 1, 11)),
        Err(Refusal::StaleEpoch { current: 2, found: 1, .. })
    ));
    assert!(matches!(bench.run(release), Err(Refusal::StaleEpoch { .. })));
    assert!(matches!(bench.run(finish(1, 1)), Err(Refusal::StaleEpoch { .. })));
    bench.run(commit(1, 2, 11)).unwrap();
    bench.run(finish(1, 2)).unwrap();
    assert!(matches!(bench.run(desire(1, DesiredState::Run)), Err(Refusal::SessionEnded { .. })));
    assert_eq!(
        bench.run(place(2, "a")),
        Ok(CommandOutput::Epoch(1)),
        "what the first reserved is free again"
    );
    let ended = bench.state.sessions.get(&session(1)).unwrap();
    assert_eq!(ended.last_checkpoint().map(|manifest| manifest.step), Some(11));
    assert!(matches!(
        bench.run(ControlCommand::RemoveSession { session: session(2) }),
        Err(Refusal::SessionNotEnded { .. })
    ));
    bench.run(ControlCommand::RemoveSession { session: session(1) }).unwrap();
    assert!(bench.state.sessions.get(&session(1)).is_none());
}

#[test]
fn stop_is_final_and_wishes_may_be_repeated() {
    let mut bench = Bench::default();
    bench.run(register("a", 1_000)).unwrap();
    bench.run(submit(1, 100, vec![])).unwrap();
    bench.run(desire(1, DesiredState::Pause)).unwrap();
    bench.run(desire(1, DesiredState::Pause)).unwrap();
    assert!(bench.state.sessions.waiting().is_empty(), "a paused session needs no node");
    bench.run(desire(1, DesiredState::Run)).unwrap();
    bench.run(place(1, "a")).unwrap();
    bench.run(desire(1, DesiredState::Stop)).unwrap();
    bench.run(desire(1, DesiredState::Stop)).unwrap();
    assert!(matches!(
        bench.run(desire(1, DesiredState::Run)),
        Err(Refusal::SessionStopping { .. })
    ));
    assert!(matches!(bench.run(place(1, "a")), Err(Refusal::SessionStopping { .. })));
    bench.run(finish(1, 1)).unwrap();
    bench.run(submit(2, 100, vec![])).unwrap();
    bench.run(desire(2, DesiredState::Stop)).unwrap();
    assert!(bench.state.sessions.get(&session(2)).unwrap().ended(), "nobody has to be waited for");
}

#[test]
fn the_first_error_is_kept_and_requests_are_counted() {
    let mut bench = Bench::default();
    bench.run(register("a", 1_000)).unwrap();
    bench.run(submit(1, 100, vec![])).unwrap();
    bench.run(place(1, "a")).unwrap();
    let failed = |retry_count, error: Option<&str>| ControlCommand::RecordRetry {
        session: session(1),
        epoch: 1,
        retry_count,
        error: error.map(str::to_owned),
        not_before_ms: 50,
    };
    bench.run(failed(1, Some("first"))).unwrap();
    bench.run(failed(2, Some("second"))).unwrap();
    bench.run(failed(0, None)).unwrap();
    let retry = bench.state.sessions.get(&session(1)).unwrap().retry.clone();
    assert_eq!(
        (retry.count, retry.first_error.as_deref(), retry.last_error.as_deref()),
        (0, Some("first"), Some("second"))
    );
    let request = ControlCommand::RequestCheckpoint { session: session(1) };
    assert_eq!(bench.run(request.clone()), Ok(CommandOutput::Count(1)));
    assert_eq!(bench.run(request), Ok(CommandOutput::Count(2)));
}

fn report(number: u8, epoch: u64, to: Phase) -> ControlCommand {
    ControlCommand::RecordPhase {
        session: session(number),
        epoch,
        to: Some(to),
        reason: "it said so".into(),
        actor: "worker".into(),
        facts: Some(b"{}".to_vec()),
    }
}

#[test]
fn a_lost_session_recovers_elsewhere_and_one_given_up_waits() {
    let mut bench = Bench::default();
    bench.run(register("a", 1_000)).unwrap();
    bench.run(register("b", 1_000)).unwrap();
    bench.run(submit(1, 100, vec![])).unwrap();
    bench.run(place(1, "a")).unwrap();
    bench.run(report(1, 1, Phase::Starting)).unwrap();
    bench.run(report(1, 1, Phase::Running)).unwrap();
    let lost = |epoch, lost| ControlCommand::ReleaseSession {
        session: session(1),
        epoch,
        reason: "node a is gone".into(),
        lost,
    };
    bench.run(lost(1, true)).unwrap();
    let phase = |bench: &Bench| bench.state.sessions.get(&session(1)).unwrap().phase;
    assert_eq!(phase(&bench), Phase::Recovering);
    assert!(matches!(bench.run(report(1, 1, Phase::Running)), Err(Refusal::StaleEpoch { .. })));
    bench.run(place(1, "b")).unwrap();
    bench.run(report(1, 2, Phase::Starting)).unwrap();
    bench.run(report(1, 2, Phase::Running)).unwrap();
    let evict = ControlCommand::EvictSession {
        session: session(1),
        epoch: 2,
        reason: "node b drains".into(),
        to: Some("a".into()),
    };
    bench.run(evict).unwrap();
    bench.run(lost(2, false)).unwrap();
    assert_eq!(phase(&bench), Phase::Pending);
    assert_eq!(bench.state.sessions.get(&session(1)).unwrap().target.as_deref(), Some("a"));
    let seen: Vec<Phase> =
        bench.state.sessions.get(&session(1)).unwrap().timeline.iter().map(|t| t.phase).collect();
    use Phase as P;
    assert_eq!(
        seen,
        [
            P::Pending,
            P::Placed,
            P::Starting,
            P::Running,
            P::Recovering,
            P::Placed,
            P::Starting,
            P::Running,
            P::Pending
        ]
    );
}

#[test]
fn a_report_of_an_earlier_wish_does_not_undo_a_later_one() {
    let mut bench = Bench::default();
    bench.run(register("a", 1_000)).unwrap();
    bench.run(submit(1, 100, vec![])).unwrap();
    bench.run(place(1, "a")).unwrap();
    bench.run(report(1, 1, Phase::Starting)).unwrap();
    bench.run(report(1, 1, Phase::Running)).unwrap();
    bench.run(desire(1, DesiredState::Pause)).unwrap();
    bench.run(desire(1, DesiredState::Run)).unwrap();
    let late = bench.run(report(1, 1, Phase::Paused));
    assert!(matches!(late, Err(Refusal::PhaseNotNext { from: Phase::Running, .. })), "{late:?}");
    let ended = bench.run(report(1, 1, Phase::Completed));
    assert!(matches!(ended, Err(Refusal::PhaseNotNext { .. })), "an end has an outcome: {ended:?}");
}

#[test]
fn a_name_that_is_up_is_not_given_twice_and_a_lost_log_gets_a_new_number() {
    let mut bench = Bench::default();
    let admit = |incarnation, boot: u8, renumber| ControlCommand::AdmitNode {
        node: "a".into(),
        incarnation,
        capacity: needs(1_000),
        profile: Profile { boot_id: [boot; 16], ..Profile::default() },
        renumber,
    };
    assert_eq!(bench.run(admit(1, 1, false)), Ok(CommandOutput::Count(1)));
    assert_eq!(bench.run(admit(1, 1, false)), Ok(CommandOutput::Count(1)), "asked again");
    assert!(matches!(bench.run(admit(1, 2, false)), Err(Refusal::NodeNameTaken { .. })));
    assert_eq!(bench.run(admit(2, 2, false)), Ok(CommandOutput::Count(1)));
    assert!(matches!(bench.run(admit(1, 1, false)), Err(Refusal::StaleIncarnation { .. })));
    assert_eq!(bench.run(admit(3, 3, true)), Ok(CommandOutput::Count(2)));
}

#[test]
fn nodes_refuse_older_starts_and_keep_an_operators_decision() {
    let mut bench = Bench::default();
    let start = |incarnation| ControlCommand::RegisterNode {
        node: "a".into(),
        incarnation,
        capacity: needs(1_000),
    };
    bench.run(start(5)).unwrap();
    assert!(matches!(
        bench.run(start(4)),
        Err(Refusal::StaleIncarnation { current: 5, found: 4, .. })
    ));
    let state = |state| ControlCommand::SetNodeState {
        node: "a".into(),
        state,
        actor: "usr_1".into(),
        reason: "maintenance".into(),
    };
    bench.run(state(NodeState::Cordoned)).unwrap();
    bench.run(start(6)).unwrap();
    bench.run(submit(1, 1, vec![])).unwrap();
    assert!(matches!(bench.run(place(1, "a")), Err(Refusal::NodeNotReady { .. })));
    bench.run(state(NodeState::Down)).unwrap();
    bench.run(start(7)).unwrap();
    bench.run(place(1, "a")).unwrap();
    assert!(matches!(bench.run(place(1, "b")), Err(Refusal::NodeMissing { .. })));
}

#[test]
fn an_answer_is_repeated_for_a_day_and_its_key_is_good_for_one_command() {
    let mut bench = Bench::default();
    let key = CommandId([7; 16]);
    let first = bench.with_key(key, put("a", Expected::Absent));
    assert_eq!(bench.with_key(key, put("a", Expected::Absent)), first, "done once, answered twice");
    assert!(matches!(
        bench.with_key(key, put("b", Expected::Absent)),
        Err(Refusal::KeyReused { .. })
    ));
    let refused = CommandId([8; 16]);
    assert!(bench.with_key(refused, put("a", Expected::Absent)).is_err());
    bench.run(delete("a")).unwrap();
    assert!(
        bench.with_key(refused, put("a", Expected::Absent)).is_err(),
        "a refusal is repeated too"
    );
    let later = bench.state.applied_at_ms + 25 * 3_600 * 1_000;
    let index = bench.state.applied_index + 1;
    apply(&mut bench.state, &Entry { index, at_ms: later, commands: vec![] }).unwrap();
    assert_eq!(bench.state.idempotency.count(), 0);
}

#[test]
fn a_gap_and_an_undecodable_entry_stop_the_machine() {
    let machine = Machine::default();
    let entry = Entry { index: 2, at_ms: 0, commands: vec![] };
    assert_eq!(machine.apply(&entry), Err(Divergence::Gap { wanted: 1, found: 2 }));
    assert!(matches!(
        machine.apply_bytes(1, b"TMC1 but no entry at all"),
        Err(Divergence::Undecodable { index: 1, .. })
    ));
    assert_eq!(machine.read(|state| state.applied_index), 0, "nothing was applied");
    assert!(machine.restore(b"no snapshot").is_err());
}

fn commands() -> impl Strategy<Value = ControlCommand> {
    let number = 0_u8..6;
    let desired =
        prop_oneof![Just(DesiredState::Run), Just(DesiredState::Pause), Just(DesiredState::Stop)];
    let expected = prop_oneof![
        Just(Expected::Any),
        Just(Expected::Absent),
        Just(Expected::Present),
        (1_u64..4).prop_map(Expected::Revision)
    ];
    let kind = prop_oneof![
        Just(OutcomeKind::Completed),
        Just(OutcomeKind::Stopped),
        Just(OutcomeKind::Failed)
    ];
    let release = |(number, epoch, lost)| ControlCommand::ReleaseSession {
        session: session(number),
        epoch,
        reason: "r".into(),
        lost,
    };
    let phase = |(number, epoch, to): (u8, u64, usize)| ControlCommand::RecordPhase {
        session: session(number),
        epoch,
        to: Phase::ALL.get(to).copied(),
        reason: "r".into(),
        actor: "worker".into(),
        facts: Some(vec![1, 2]),
    };
    let evict = |(number, epoch)| ControlCommand::EvictSession {
        session: session(number),
        epoch,
        reason: "drain".into(),
        to: Some("b".into()),
    };
    let archive = |(number, epoch)| ControlCommand::ArchiveSession {
        session: session(number),
        epoch,
        archive: vec![segment(epoch)],
    };
    let admit = |(node, incarnation, renumber): (&str, u64, bool)| ControlCommand::AdmitNode {
        node: node.into(),
        incarnation,
        capacity: needs(1_500),
        profile: Profile::default(),
        renumber,
    };
    let down = |(node, incarnation): (&str, u64)| ControlCommand::MarkDown {
        node: node.into(),
        incarnation,
    };
    let retry = |(number, epoch, retry_count)| ControlCommand::RecordRetry {
        session: session(number),
        epoch,
        retry_count,
        error: Some("e".into()),
        not_before_ms: 5,
    };
    let end = |(number, epoch, kind)| ControlCommand::FinishSession {
        session: session(number),
        epoch,
        kind,
        detail: "d".into(),
        result: vec![],
        actor: "worker".into(),
        facts: Some(vec![3]),
        archive: None,
    };
    let node = prop_oneof![Just("a"), Just("b")];
    let used = |used: bool| if used { vec![DocumentKey::new("things", "x0")] } else { vec![] };
    prop_oneof![
        3 => (number.clone(), 100_u64..900, any::<bool>()).prop_map(move |(n, cpu, u)| submit(n, cpu, used(u))),
        2 => (0_u8..3, expected).prop_map(|(n, expected)| put(&format!("x{n}"), expected)),
        1 => (0_u8..3).prop_map(|n| delete(&format!("x{n}"))),
        2 => (number.clone(), desired).prop_map(|(n, desired)| desire(n, desired)),
        1 => number.clone().prop_map(|n| ControlCommand::RequestCheckpoint { session: session(n) }),
        5 => (number.clone(), node.clone()).prop_map(|(n, node)| place(n, node)),
        3 => (number.clone(), 0_u64..4, any::<bool>()).prop_map(release),
        6 => (number.clone(), 0_u64..4, 0..=Phase::ALL.len()).prop_map(phase),
        1 => (number.clone(), 0_u64..4).prop_map(evict),
        1 => (number.clone(), 0_u64..4).prop_map(archive),
        1 => (node.clone(), 0_u64..4, any::<bool>()).prop_map(admit),
        1 => (node.clone(), 0_u64..4).prop_map(down),
        1 => (number.clone(), 0_u64..4, 0_u32..4).prop_map(retry),
        4 => (number.clone(), 0_u64..4, 0_u64..50).prop_map(|(n, epoch, step)| commit(n, epoch, step)),
        1 => (number.clone(), 0_u64..4, kind).prop_map(end),
        1 => number.prop_map(|n| ControlCommand::RemoveSession { session: session(n) }),
        2 => (node.clone(), 500_u64..2_000).prop_map(|(node, cpu)| register(node, cpu)),
        1 => node.prop_map(|node| ControlCommand::SetNodeState { node: node.into(), state: NodeState::Ready, actor: "usr".into(), reason: "r".into() }),
    ]
}

/// Entries of one to four commands; keys are drawn from few, so that some come twice.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let proposed = (any::<u8>(), commands())
        .prop_map(|(key, command)| Proposed { key: CommandId([key; 16]), command });
    let entry = (0_u64..5_000, prop::collection::vec(proposed, 1..4));
    prop::collection::vec(entry, 1..60).prop_map(|rows| {
        let mut at_ms = 0;
        (1..)
            .zip(rows)
            .map(|(index, (wait, commands))| {
                at_ms += wait;
                Entry { index, at_ms, commands }
            })
            .collect()
    })
}

/// What must hold between two states that follow each other.
fn only_grows(before: &ControlState, after: &ControlState) -> Result<(), TestCaseError> {
    for session in after.sessions.iter() {
        let steps: Vec<u64> = session.checkpoints.iter().map(|manifest| manifest.step).collect();
        prop_assert!(steps.windows(2).all(|pair| pair[0] < pair[1]), "steps only grow");
        if let Some(placement) = &session.placement {
            prop_assert_eq!(placement.epoch, session.epoch);
            prop_assert!(!session.ended(), "an ended session holds nothing");
            prop_assert!(session.phase != Phase::Pending, "who has a node does not wait for one");
        }
        prop_assert_eq!(session.ended(), session.phase.is_terminal());
        prop_assert_eq!(session.timeline.last().map(|turn| turn.phase), Some(session.phase));
        prop_assert!(session.timeline.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
        prop_assert!(session.timeline.windows(2).all(|pair| pair[0].at_ms <= pair[1].at_ms));
        if let Some(eviction) = &session.eviction {
            prop_assert_eq!(session.placement.as_ref().map(|p| p.epoch), Some(eviction.epoch));
        }
        if session.waiting() {
            prop_assert!(
                matches!(session.phase, Phase::Pending | Phase::Recovering),
                "{:?}",
                session.phase
            );
        }
        // A session that was removed and submitted again is a new one.
        if let Some(earlier) = before
            .sessions
            .get(&session.id)
            .filter(|e| e.submitted_order == session.submitted_order)
        {
            prop_assert!(session.epoch >= earlier.epoch && session.epoch <= earlier.epoch + 3);
            prop_assert!(session.revision >= earlier.revision);
            // Only where its records lie may still change.
            let fixed = Session {
                archive: earlier.archive.clone(),
                revision: earlier.revision,
                ..session.clone()
            };
            prop_assert!(!earlier.ended() || fixed == *earlier, "nothing happens after the end");
            let newest = |s: &cluster::control::state::Session| {
                s.last_checkpoint().map_or(0, |manifest| manifest.step)
            };
            prop_assert!(newest(session) >= newest(earlier));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn equal_logs_give_equal_states_whether_replayed_or_restored(entries in entries(), cut: prop::sample::Index) {
        let (one, two) = (Machine::default(), Machine::default());
        let cut = cut.index(entries.len());
        for (position, entry) in entries.iter().enumerate() {
            one.apply(entry).unwrap();
            if position <= cut {
                two.apply(entry).unwrap();
            }
        }
        // From a snapshot taken somewhere, then the rest of the log.
        let (index, bytes) = two.snapshot().unwrap();
        let three = Machine::default();
        prop_assert_eq!(three.restore(&bytes).unwrap(), index);
        for entry in &entries[cut + 1..] {
            three.apply(entry).unwrap();
        }
        let (left, right) = (one.read(Clone::clone), three.read(Clone::clone));
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(one.snapshot().unwrap(), three.snapshot().unwrap(), "byte for byte");
        prop_assert_eq!(codec::decode::<ControlState>(&codec::encode(&left).unwrap()).unwrap(), left);
    }

    #[test]
    fn invariants_hold_after_every_entry(entries in entries()) {
        let mut state = ControlState::default();
        let mut registered: BTreeMap<String, u64> = BTreeMap::new();
        for entry in &entries {
            let before = state.clone();
            let applied = apply(&mut state, entry).unwrap();
            prop_assert_eq!(applied.results.len(), entry.commands.len());
            only_grows(&before, &state)?;
            if applied.results.iter().all(Result::is_err) {
                prop_assert!(applied.effects.is_empty());
                prop_assert_eq!(&before.sessions, &state.sessions, "a refusal changes nothing");
                prop_assert_eq!(&before.documents, &state.documents);
                prop_assert_eq!(&before.nodes, &state.nodes);
            }
            for (name, node) in state.nodes.iter() {
                let most = registered.entry(name.to_owned()).or_default();
                *most = (*most).max(node.capacity.cpu_millis);
                prop_assert!(state.sessions.reserved_on(name).cpu_millis <= *most, "never above capacity");
            }
            for session in state.sessions.iter().filter(|session| !session.ended()) {
                for key in &session.references {
                    prop_assert!(state.documents.get(&key.kind, &key.id).is_some(), "what is needed is there");
                }
            }
        }
    }

    #[test]
    fn sending_everything_twice_changes_nothing(entries in entries()) {
        let mut once = ControlState::default();
        for entry in &entries {
            apply(&mut once, entry).unwrap();
        }
        let mut twice = once.clone();
        let again = Entry {
            index: once.applied_index + 1,
            at_ms: once.applied_at_ms,
            commands: entries.iter().flat_map(|entry| entry.commands.clone()).collect(),
        };
        let applied = apply(&mut twice, &again).unwrap();
        prop_assert!(applied.effects.is_empty());
        prop_assert_eq!(&once.sessions, &twice.sessions);
        prop_assert_eq!(&once.documents, &twice.documents);
        prop_assert_eq!(&once.idempotency, &twice.idempotency);
    }

    #[test]
    fn arbitrary_bytes_never_become_an_entry_or_a_state(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let machine = Machine::default();
        prop_assert!(machine.apply_bytes(1, &bytes).is_err());
        prop_assert!(machine.restore(&bytes).is_err());
    }
}
