//! What single commands do to documents, sessions and nodes, and what they refuse.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod commands;

use cluster::control::apply::{Divergence, apply};
use cluster::control::command::Entry;
use cluster::control::state::{NodeState, Phase, Profile};
use cluster::control::{
    CommandId, CommandOutput, ControlCommand, ControlState, DesiredState, DocumentChange,
    DocumentKey, Expected, Machine, Refusal,
};

use commands::*;

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
        lost: false,
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
    assert!(matches!(bench.run(lost(1, true)), Err(Refusal::NodeNotLost { .. })), "it is up");
    bench.run(ControlCommand::MarkDown { node: "a".into(), incarnation: 1, term: 1 }).unwrap();
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
fn a_version_that_a_member_cannot_read_is_not_raised_to() {
    let mut bench = Bench::default();
    let admit = |node: &str, incarnation, protocol_max| ControlCommand::AdmitNode {
        node: node.into(),
        incarnation,
        capacity: needs(1_000),
        profile: Profile { protocol_max, ..Profile::default() },
        renumber: false,
    };
    let raise = || ControlCommand::RaiseVersion { version: 2 };
    // One that only registered when it stood alone takes part in no agreement.
    let alone =
        ControlCommand::RegisterNode { node: "old".into(), incarnation: 1, capacity: needs(1_000) };
    for command in [alone, admit("a", 1, 2), admit("b", 1, 1)] {
        bench.run(command).unwrap();
    }
    let behind = vec!["b".to_owned()];
    assert_eq!(bench.run(raise()), Err(Refusal::VersionUnknown { wanted: 2, behind }));
    bench.run(admit("b", 2, 3)).unwrap();
    assert_eq!(bench.run(raise()), Ok(CommandOutput::Done));
    assert_eq!(bench.run(raise()), Err(Refusal::VersionNotRising { current: 2, found: 2 }));
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
fn a_node_called_back_meanwhile_has_not_drained() {
    let mut bench = Bench::default();
    let start =
        ControlCommand::RegisterNode { node: "a".into(), incarnation: 1, capacity: needs(1_000) };
    bench.run(start).unwrap();
    let state = |state| ControlCommand::SetNodeState {
        node: "a".into(),
        state,
        actor: "usr_1".into(),
        reason: "maintenance".into(),
    };
    for working in [NodeState::Ready, NodeState::Cordoned] {
        bench.run(state(NodeState::Draining)).unwrap();
        bench.run(state(working)).unwrap();
        let refused = bench.run(state(NodeState::Drained));
        assert_eq!(refused, Err(Refusal::NodeNotDraining { node: "a".into(), state: working }));
        assert_eq!(bench.state.nodes.get("a").unwrap().state, working);
    }
    bench.run(state(NodeState::Draining)).unwrap();
    bench.run(state(NodeState::Drained)).unwrap();
    bench.run(state(NodeState::Drained)).unwrap();
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
    apply(&mut bench.state, &Entry { index, term: 1, at_ms: later, commands: vec![] }).unwrap();
    assert_eq!(bench.state.idempotency.count(), 0);
}

#[test]
fn a_gap_and_an_undecodable_entry_stop_the_machine() {
    let machine = Machine::default();
    let entry = Entry { index: 2, term: 1, at_ms: 0, commands: vec![] };
    assert_eq!(machine.apply(&entry), Err(Divergence::Gap { wanted: 1, found: 2 }));
    assert!(matches!(
        machine.apply_bytes(1, 1, b"TMC1 but no entry at all"),
        Err(Divergence::Undecodable { index: 1, .. })
    ));
    assert_eq!(machine.read(|state| state.applied_index), 0, "nothing was applied");
    assert!(machine.restore(b"no snapshot").is_err());
}

#[test]
fn what_was_tried_is_kept_when_its_session_is_removed() {
    let mut bench = Bench::default();
    bench.run(register("a", 1_000)).unwrap();
    for number in [1, 2] {
        bench.run(submit(number, 100, vec![])).unwrap();
    }
    bench.run(place(1, "a")).unwrap();
    bench.run(report(1, 1, Phase::Starting)).unwrap();
    bench.run(finish(1, 1)).unwrap();
    bench.run(finish(2, 0)).unwrap();
    for number in [1, 2] {
        bench.run(ControlCommand::RemoveSession { session: session(number) }).unwrap();
    }
    let kept: Vec<_> = bench.state.removed.iter().collect();
    assert_eq!(kept.len(), 1, "one that no node was given has tried nothing");
    assert_eq!((kept[0].id, kept[0].spec.as_slice()), (session(1), [1; 40].as_slice()));
    // The same name again is another session, and its removal adds another record.
    bench.run(submit(1, 100, vec![])).unwrap();
    bench.run(place(1, "a")).unwrap();
    bench.run(report(1, 1, Phase::Starting)).unwrap();
    bench.run(finish(1, 1)).unwrap();
    bench.run(ControlCommand::RemoveSession { session: session(1) }).unwrap();
    let orders: Vec<u64> = bench.state.removed.iter().map(|kept| kept.submitted_order).collect();
    assert_eq!(orders, [1, 3]);
}
