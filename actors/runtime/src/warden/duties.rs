//! What the leader does about nodes that are lost or drain. Pure.
//!
//! Wanted properties: a session is taken from a lost node only after its lease is over, and never from one that is up;
//! repeating it changes nothing.

use cluster::control::state::{Node, NodeState, Session};
use cluster::control::{ControlCommand, ControlState};

/// A node whose lease is over: nobody there may act any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Overdue {
    /// Which.
    pub(crate) node: String,
    /// Which start of it.
    pub(crate) incarnation: u64,
}

/// Returns what to propose now, in the order of the names. `term` is the one in which the leases were found over.
pub(crate) fn duties(state: &ControlState, term: u64, overdue: &[Overdue]) -> Vec<ControlCommand> {
    let mut commands = Vec::new();
    for (name, node) in state.nodes.iter() {
        if let Some(lost) = overdue.iter().find(|lost| lost.node == name)
            && lost.incarnation == node.incarnation
            && node.down_since_ms.is_none()
        {
            let (node, incarnation) = (name.to_owned(), node.incarnation);
            commands.push(ControlCommand::MarkDown { node, incarnation, term });
        }
        commands.extend(drained(state, name, node));
    }
    for session in state.sessions.iter().filter(|session| !session.ended()) {
        commands.extend(of_session(state, session));
    }
    commands
}

/// A node that drains and holds nothing any more has drained.
fn drained(state: &ControlState, name: &str, node: &Node) -> Option<ControlCommand> {
    let empty = state.sessions.placed_on(name).is_empty();
    (node.state == NodeState::Draining && empty).then(|| ControlCommand::SetNodeState {
        node: name.to_owned(),
        state: NodeState::Drained,
        actor: "scheduler".to_owned(),
        reason: node.reason.clone(),
    })
}

fn of_session(state: &ControlState, session: &Session) -> Option<ControlCommand> {
    let placement = session.placement.as_ref()?;
    let (id, epoch, name) = (session.id, placement.epoch, &placement.node);
    let release = |reason: String, lost| {
        Some(ControlCommand::ReleaseSession { session: id, epoch, reason, lost })
    };
    let Some(node) = state.nodes.get(name).filter(|node| node.member()) else {
        return release(format!("node {name} has left"), true);
    };
    if node.down_since_ms.is_some() {
        return release(format!("node {name} is lost"), true);
    }
    // Asked already. A holder that is up gives it up by itself, with or without a last checkpoint: taking it away could
    // leave two that work on it.
    if session.eviction.is_some() {
        return None;
    }
    let leaving = matches!(node.state, NodeState::Draining | NodeState::Drained);
    let told = session.desired.state == cluster::control::DesiredState::Stop;
    (leaving && !told).then(|| ControlCommand::EvictSession {
        session: id,
        epoch,
        reason: format!("node {name} drains"),
        to: None,
    })
}

#[cfg(test)]
mod tests {
    use cluster::control::apply::apply;
    use cluster::control::command::Entry;
    use cluster::control::state::{Phase, Resources};
    use cluster::control::{CommandId, NewSession, Proposed, SessionClass};

    use super::*;

    struct World {
        state: ControlState,
        key: u128,
        now_ms: u64,
    }

    impl World {
        /// Two nodes, one running session on the first.
        fn new() -> Self {
            let mut world = Self { state: ControlState::default(), key: 0, now_ms: 1_000 };
            for node in ["a", "b"] {
                let capacity = Resources { cpu_millis: 4_000, ..Resources::default() };
                let (node, incarnation) = (node.to_owned(), 1);
                world.apply([ControlCommand::RegisterNode { node, incarnation, capacity }]);
            }
            let new = NewSession::plain([1; 16], SessionClass(2), "usr");
            let session = [1; 16];
            world.apply([
                ControlCommand::SubmitSession(new),
                ControlCommand::PlaceSession { session, node: "a".into() },
                ControlCommand::RecordPhase {
                    session,
                    epoch: 1,
                    to: Some(Phase::Starting),
                    reason: "r".into(),
                    actor: "worker".into(),
                    facts: None,
                },
            ]);
            world
        }

        fn apply(&mut self, commands: impl IntoIterator<Item = ControlCommand>) {
            let commands = commands
                .into_iter()
                .map(|command| {
                    self.key += 1;
                    Proposed { key: CommandId(self.key.to_be_bytes()), command }
                })
                .collect();
            let entry = Entry {
                index: self.state.applied_index + 1,
                term: 1,
                at_ms: self.now_ms,
                commands,
            };
            for answer in apply(&mut self.state, &entry).unwrap().results {
                answer.unwrap();
            }
        }

        /// Proposes until nothing is left to do; returns how many commands it took.
        fn settle(&mut self, overdue: &[Overdue]) -> usize {
            let mut count = 0;
            for _ in 0..10 {
                let commands = duties(&self.state, 1, overdue);
                if commands.is_empty() {
                    return count;
                }
                count += commands.len();
                self.apply(commands);
            }
            panic!("it never comes to rest");
        }

        fn phase(&self) -> Phase {
            self.state.sessions.get(&[1; 16]).unwrap().phase
        }
    }

    fn lost(node: &str, incarnation: u64) -> Overdue {
        Overdue { node: node.to_owned(), incarnation }
    }

    #[test]
    fn a_whole_cluster_needs_nothing() {
        assert_eq!(World::new().settle(&[]), 0);
    }

    #[test]
    fn a_lost_node_is_marked_and_its_sessions_recover() {
        let mut world = World::new();
        assert_eq!(world.settle(&[lost("a", 1)]), 2);
        assert_eq!(world.phase(), Phase::Recovering);
        assert!(world.state.nodes.get("b").unwrap().open());
    }

    #[test]
    fn a_node_that_started_again_is_not_the_one_that_was_lost() {
        let mut world = World::new();
        let capacity = Resources { cpu_millis: 4_000, ..Resources::default() };
        let again = ControlCommand::RegisterNode { node: "a".into(), incarnation: 2, capacity };
        world.apply([again]);
        assert_eq!(world.settle(&[lost("a", 1)]), 0);
        assert_eq!(world.phase(), Phase::Starting);
    }

    #[test]
    fn a_drain_asks_once_and_ends_when_the_last_session_was_given_up() {
        let mut world = World::new();
        let drain = ControlCommand::SetNodeState {
            node: "a".into(),
            state: NodeState::Draining,
            actor: "usr".into(),
            reason: "maintenance".into(),
        };
        world.apply([drain]);
        assert_eq!(world.settle(&[]), 1, "it is asked once");
        assert_eq!(world.phase(), Phase::Starting);
        let reason = "node a drains".to_owned();
        let given_up =
            ControlCommand::ReleaseSession { session: [1; 16], epoch: 1, reason, lost: false };
        world.apply([given_up]);
        assert_eq!(world.settle(&[]), 1);
        assert_eq!(world.phase(), Phase::Pending);
        assert_eq!(world.state.nodes.get("a").unwrap().state, NodeState::Drained);
    }
}
