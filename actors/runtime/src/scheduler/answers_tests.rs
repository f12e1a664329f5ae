//! What people are told about sessions that wait, and which moves are refused.

use cluster::control::apply::apply;
use cluster::control::command::Entry;
use cluster::control::{CommandId, NewSession, Proposed, SessionClass};
use uuid::Uuid;

use super::*;
use crate::messages::Command;

fn change(state: &mut ControlState, command: ControlCommand) {
    let index = state.applied_index + 1;
    let key = CommandId(u128::from(index).to_be_bytes());
    let entry = Entry { index, term: 1, at_ms: index, commands: vec![Proposed { key, command }] };
    apply(state, &entry).unwrap().results.remove(0).unwrap();
}

/// Two nodes of four cores and one session that wants two.
fn world() -> (ControlState, SessionId) {
    let mut state = ControlState::default();
    for node in ["a", "b"] {
        let capacity = Resources { cpu_millis: 4_000, ..Resources::default() };
        let node = node.to_owned();
        change(&mut state, ControlCommand::RegisterNode { node, incarnation: 1, capacity });
    }
    let mut new = NewSession::plain([1; 16], SessionClass(2), "usr");
    new.resources.cpu_millis = 2_000;
    change(&mut state, ControlCommand::SubmitSession(new));
    (state, SessionId::from_uuid(Uuid::from_bytes([1; 16])))
}

fn place(state: &mut ControlState, node: &str) {
    let (session, node) = ([1; 16], node.to_owned());
    change(state, ControlCommand::PlaceSession { session, node });
}

#[test]
fn a_session_that_waits_is_told_what_each_node_lacks() {
    let (mut state, id) = world();
    change(&mut state, ControlCommand::MarkDown { node: "b".into(), incarnation: 1, term: 1 });
    let told = why(&state, id, None).unwrap();
    let fits: Vec<_> = told.considered.iter().map(|one| (one.node.as_str(), one.fits)).collect();
    assert_eq!(fits, [("a", true), ("b", false)]);
    assert_eq!(told.considered[1].lacks, ["it is down"]);
    place(&mut state, "a");
    let told = why(&state, id, None).unwrap();
    assert_eq!(told.node.map(|node| node.to_string()), Some("a".to_owned()));
    assert!(told.considered.is_empty() && told.epoch == 1);
    let missing = SessionId::from_uuid(Uuid::from_bytes([9; 16]));
    assert!(matches!(why(&state, missing, None), Err(ActorsError::NotFound { .. })));
}

#[test]
fn capacity_counts_open_nodes_only_in_the_total() {
    let (mut state, _) = world();
    place(&mut state, "a");
    assert_eq!(capacity(&state).total.cores, AmountView { total: 8, reserved: 2, free: 6 });
    change(&mut state, ControlCommand::MarkDown { node: "b".into(), incarnation: 1, term: 1 });
    let shown = capacity(&state);
    assert_eq!(shown.total.cores, AmountView { total: 4, reserved: 2, free: 2 });
    assert_eq!((shown.nodes.len(), shown.nodes[1].open), (2, false));
}

#[test]
fn a_placed_session_moves_and_others_are_refused_with_the_reason() {
    let (mut state, id) = world();
    let command = Command { reason: Some("too hot".to_owned()), ..Command::once("usr") };
    let node = |name: &str| name.parse::<NodeId>().unwrap();
    let ask = |state: &ControlState, to: Option<&NodeId>| relocation(state, &command, id, to);
    let early = ask(&state, None).unwrap_err();
    assert!(matches!(early, ActorsError::IllegalTransition { .. }), "{early}");
    place(&mut state, "a");
    let Ok(ControlCommand::EvictSession { epoch, reason, to, .. }) = ask(&state, Some(&node("b")))
    else {
        panic!("it moves")
    };
    assert_eq!((epoch, to.as_deref()), (1, Some("b")));
    assert_eq!(reason, "moved away from a: too hot");
    assert!(matches!(ask(&state, Some(&node("a"))), Err(ActorsError::Conflict { .. })));
    assert!(matches!(ask(&state, Some(&node("x"))), Err(ActorsError::Invalid { .. })));
    change(&mut state, ControlCommand::MarkDown { node: "b".into(), incarnation: 1, term: 1 });
    let closed = ask(&state, Some(&node("b"))).unwrap_err();
    assert!(closed.to_string().contains("it is down"), "{closed}");
    let alone = ask(&state, None).unwrap_err();
    assert!(alone.to_string().contains("no other node"), "{alone}");
}
