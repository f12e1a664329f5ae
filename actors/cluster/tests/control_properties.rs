//! The control state machine: deterministic, idempotent, epochs and steps only grow, never above capacity.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod commands;

use std::collections::BTreeMap;

use cluster::control::apply::apply;
use cluster::control::command::Entry;
use cluster::control::state::{NodeState, OutcomeKind, Phase, Profile, Removed, Session};
use cluster::control::{
    CommandId, ControlCommand, ControlState, DesiredState, DocumentKey, Expected, Machine, Proposed,
};
use proptest::prelude::*;
use store::codec;

use commands::*;

#[expect(clippy::too_many_lines, reason = "one of each, as they may come")]
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
        term: 1,
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
                Entry { index, term: 1, at_ms, commands }
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
    // What is kept of removed sessions is only added to: by those that began, each by the command that removes it.
    let kept: Vec<&Removed> = before.removed.iter().collect();
    let now: Vec<&Removed> = after.removed.iter().collect();
    prop_assert!(kept.iter().all(|one| now.contains(one)), "nothing kept is changed or lost");
    for session in before.sessions.iter().filter(|session| session.was_placed() && session.ended())
    {
        let here = after
            .sessions
            .get(&session.id)
            .is_some_and(|now| now.submitted_order == session.submitted_order);
        let there = now.iter().any(|one| one.submitted_order == session.submitted_order);
        prop_assert!(
            here != there,
            "a session that a node was given is either here or among the removed"
        );
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
            term: 1,
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
        prop_assert!(machine.apply_bytes(1, 1, &bytes).is_err());
        prop_assert!(machine.restore(&bytes).is_err());
    }
}
