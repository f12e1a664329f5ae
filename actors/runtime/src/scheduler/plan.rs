//! From control state to what to place now, and from placement's verdicts to steps and reasons. Pure.

use cluster::control::ControlState;
use engine::ids::{NodeId, SessionId};
use uuid::Uuid;

use super::queue::{self, Waiting};
use crate::messages::placement::{Dimension, Verdict, Want};
use crate::messages::sessions::QueuePlace;

/// Thousandths of a core in a core.
const MILLIS: u64 = 1_000;

/// What to do about those that wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Who goes where, in order.
    pub(crate) place: Vec<(SessionId, NodeId)>,
    /// Who waits, where in the queue and why.
    pub(crate) queue: Vec<QueuePlace>,
}

/// Returns the wishes of all sessions that wait, the most urgent first.
pub(crate) fn wants(state: &ControlState) -> Vec<Want> {
    let id = |key: [u8; 16]| SessionId::from_uuid(Uuid::from_bytes(key));
    let mut waiting: Vec<Waiting> = state
        .sessions
        .iter()
        .filter(|session| session.waiting())
        .map(|session| Waiting {
            session: id(session.id),
            priority: session.priority,
            accepted_index: session.submitted_order,
        })
        .collect();
    queue::order(&mut waiting);
    waiting
        .iter()
        .filter_map(|one| state.sessions.get(one.session.uuid().as_bytes()))
        .map(|session| Want { session: id(session.id), need: session.resources })
        .collect()
}

/// Turns verdicts into a plan.
pub(crate) fn conclude(verdicts: Vec<(SessionId, Verdict)>) -> Plan {
    let mut plan = Plan::default();
    for (session, verdict) in verdicts {
        let missing = match verdict {
            Verdict::Node(node) => {
                plan.place.push((session, node));
                continue;
            }
            Verdict::Waits { dimension, missing } => {
                format!("waiting for {}", amount(dimension, missing))
            }
            Verdict::TooLarge { dimension, wanted, largest } => format!(
                "asks for {}, the largest node has {}; stop it and submit it with less",
                amount(dimension, wanted),
                amount(dimension, largest)
            ),
            Verdict::NoNode => "waiting for a node that takes sessions".to_owned(),
        };
        let ahead = plan.queue.len();
        let position = u32::try_from(ahead.saturating_add(1)).unwrap_or(u32::MAX);
        plan.queue.push(QueuePlace { session, position, reason: queue::sentence(&missing, ahead) });
    }
    plan
}

/// Returns an amount as a person says it.
fn amount(dimension: Dimension, number: u64) -> String {
    match dimension {
        Dimension::Cpu => plural(number.div_ceil(MILLIS), "core"),
        Dimension::Memory => format!("{number} MiB of memory"),
        Dimension::Gpu => plural(number, "GPU"),
    }
}

fn plural(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> SessionId {
        SessionId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn reasons_are_sentences_and_count_those_ahead() {
        let plan = conclude(vec![
            (id(1), Verdict::Node("a".parse().unwrap())),
            (id(2), Verdict::Waits { dimension: Dimension::Cpu, missing: 1_000 }),
            (id(3), Verdict::Waits { dimension: Dimension::Gpu, missing: 2 }),
            (id(4), Verdict::TooLarge { dimension: Dimension::Memory, wanted: 900, largest: 100 }),
            (id(5), Verdict::NoNode),
        ]);
        assert_eq!(plan.place, [(id(1), "a".parse().unwrap())]);
        let reasons: Vec<&str> = plan.queue.iter().map(|place| place.reason.as_str()).collect();
        assert_eq!(reasons[0], "waiting for 1 core; next in queue");
        assert_eq!(reasons[1], "waiting for 2 GPUs; 1 ahead in queue");
        assert!(
            reasons[2]
                .starts_with("asks for 900 MiB of memory, the largest node has 100 MiB of memory")
        );
        assert_eq!(plan.queue[3].position, 4);
    }

    #[test]
    fn an_empty_cluster_wants_nothing() {
        assert!(wants(&ControlState::default()).is_empty());
        assert_eq!(conclude(Vec::new()), Plan::default());
    }
}
