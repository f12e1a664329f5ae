//! Which node runs what: fits sessions, in the order given, into what nodes have left. Pure.
//!
//! Wanted properties: never above a node's capacity; the same question gives the same answer; a session that waits
//! is not overtaken by one that would take what it waits for (the node it waits for is held back by its need).

use cluster::control::state::Resources;
use engine::ids::{NodeId, SessionId};

/// Something that can be reserved, as text for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dimension {
    /// Thousandths of a core.
    Cpu,
    /// MiB.
    Memory,
    /// GPUs.
    Gpu,
}

/// Returns the first dimension in which `need` does not fit into `free`, with how much is missing.
fn lacks(free: Resources, need: Resources) -> Option<(Dimension, u64)> {
    if free.gpus < need.gpus {
        return Some((Dimension::Gpu, u64::from(need.gpus - free.gpus)));
    }
    if free.cpu_millis < need.cpu_millis {
        return Some((Dimension::Cpu, need.cpu_millis - free.cpu_millis));
    }
    if free.memory_mib < need.memory_mib {
        return Some((Dimension::Memory, need.memory_mib - free.memory_mib));
    }
    None
}

/// Returns what is missing in each dimension, GPUs first. Never smaller when less is free: so a waiting session keeps
/// waiting for the same node while later ones are placed elsewhere, and planning twice changes nothing.
fn shortage(free: Resources, need: Resources) -> (u32, u64, u64) {
    let missing = need.minus(free);
    (missing.gpus, missing.cpu_millis, missing.memory_mib)
}

/// A node that may take sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeRoom {
    /// Which.
    pub(crate) node: NodeId,
    /// What may be reserved in all.
    pub(crate) capacity: Resources,
    /// What is reserved.
    pub(crate) reserved: Resources,
    /// Whether new sessions may go there.
    pub(crate) open: bool,
}

/// A session that wants a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Want {
    /// Which.
    pub(crate) session: SessionId,
    /// What it needs.
    pub(crate) need: Resources,
}

/// What became of one wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It gets this node.
    Node(NodeId),
    /// It fits some node, but not now.
    Waits {
        /// What is missing on the node that comes closest.
        dimension: Dimension,
        /// How much.
        missing: u64,
    },
    /// No node is large enough even when empty.
    TooLarge {
        /// What no node has enough of.
        dimension: Dimension,
        /// How much it asks for.
        wanted: u64,
        /// How much the largest node has.
        largest: u64,
    },
    /// No node takes sessions.
    NoNode,
}

/// Answers every wish, in order: the earlier comes first.
///
/// Among the nodes on which a session fits, the one with the most cores left gets it (then the most memory, then the
/// first by name).
pub(crate) fn assign(nodes: &[NodeRoom], wants: &[Want]) -> Vec<(SessionId, Verdict)> {
    let mut rooms: Vec<(NodeRoom, Resources)> = nodes
        .iter()
        .filter(|room| room.open)
        .map(|room| (room.clone(), room.capacity.minus(room.reserved)))
        .collect();
    rooms.sort_by(|(a, _), (b, _)| a.node.cmp(&b.node));
    wants.iter().map(|want| (want.session, place(&mut rooms, want.need))).collect()
}

fn place(rooms: &mut [(NodeRoom, Resources)], need: Resources) -> Verdict {
    if rooms.is_empty() {
        return Verdict::NoNode;
    }
    let fitting = rooms.iter_mut().filter(|(_, free)| lacks(*free, need).is_none()).max_by(
        |(a, free_a), (b, free_b)| {
            (free_a.cpu_millis, free_a.memory_mib, &b.node).cmp(&(
                free_b.cpu_millis,
                free_b.memory_mib,
                &a.node,
            ))
        },
    );
    if let Some((room, free)) = fitting {
        *free = free.minus(need);
        return Verdict::Node(room.node.clone());
    }
    let closest = rooms
        .iter_mut()
        .filter(|(room, _)| lacks(room.capacity, need).is_none())
        .min_by_key(|(room, free)| (shortage(*free, need), room.node.clone()));
    if let Some((_, free)) = closest {
        let (dimension, missing) = lacks(*free, need).unwrap_or((Dimension::Cpu, 0));
        *free = free.minus(need);
        return Verdict::Waits { dimension, missing };
    }
    too_large(rooms, need)
}

fn too_large(rooms: &[(NodeRoom, Resources)], need: Resources) -> Verdict {
    let most = |of: fn(&Resources) -> u64| {
        rooms.iter().map(|(room, _)| of(&room.capacity)).max().unwrap_or(0)
    };
    let (gpus, cpu, memory) =
        (most(|a| a.gpus.into()), most(|a| a.cpu_millis), most(|a| a.memory_mib));
    if gpus < u64::from(need.gpus) {
        return Verdict::TooLarge {
            dimension: Dimension::Gpu,
            wanted: need.gpus.into(),
            largest: gpus,
        };
    }
    if cpu < need.cpu_millis {
        return Verdict::TooLarge {
            dimension: Dimension::Cpu,
            wanted: need.cpu_millis,
            largest: cpu,
        };
    }
    Verdict::TooLarge { dimension: Dimension::Memory, wanted: need.memory_mib, largest: memory }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn amount(cpu_millis: u64, memory_mib: u64, gpus: u32) -> Resources {
        Resources { cpu_millis, memory_mib, gpus, ..Resources::default() }
    }

    fn room(name: &str, capacity: Resources, reserved: Resources) -> NodeRoom {
        NodeRoom { node: name.parse().unwrap(), capacity, reserved, open: true }
    }

    fn want(n: u128, need: Resources) -> Want {
        Want { session: SessionId::from_uuid(Uuid::from_u128(n)), need }
    }

    #[test]
    fn the_emptier_node_gets_it_and_the_first_name_breaks_ties() {
        let nodes = [
            room("b", amount(4, 8, 0), amount(0, 0, 0)),
            room("a", amount(4, 8, 0), amount(0, 0, 0)),
        ];
        let verdicts = assign(&nodes, &[want(1, amount(1, 1, 0)), want(2, amount(1, 1, 0))]);
        assert_eq!(verdicts[0].1, Verdict::Node("a".parse().unwrap()));
        assert_eq!(verdicts[1].1, Verdict::Node("b".parse().unwrap()));
    }

    #[test]
    fn a_small_session_does_not_overtake_a_large_one_on_what_it_waits_for() {
        let nodes = [room("a", amount(4, 100, 1), amount(2, 0, 0))];
        let verdicts = assign(&nodes, &[want(1, amount(3, 1, 0)), want(2, amount(1, 1, 0))]);
        assert_eq!(verdicts[0].1, Verdict::Waits { dimension: Dimension::Cpu, missing: 1 });
        assert!(matches!(verdicts[1].1, Verdict::Waits { .. }));
    }

    #[test]
    fn what_a_gpu_waiter_does_not_need_is_given_to_others() {
        let nodes = [room("a", amount(4, 100, 1), amount(0, 0, 1))];
        let verdicts = assign(&nodes, &[want(1, amount(1, 1, 1)), want(2, amount(1, 1, 0))]);
        assert_eq!(verdicts[0].1, Verdict::Waits { dimension: Dimension::Gpu, missing: 1 });
        assert_eq!(verdicts[1].1, Verdict::Node("a".parse().unwrap()));
    }

    #[test]
    fn what_no_node_could_ever_hold_is_said_and_blocks_nobody() {
        let nodes = [room("a", amount(2, 100, 0), amount(0, 0, 0))];
        let verdicts = assign(&nodes, &[want(1, amount(8, 1, 0)), want(2, amount(2, 1, 0))]);
        assert_eq!(
            verdicts[0].1,
            Verdict::TooLarge { dimension: Dimension::Cpu, wanted: 8, largest: 2 }
        );
        assert!(matches!(verdicts[1].1, Verdict::Node(_)));
    }

    #[test]
    fn closed_nodes_take_nothing() {
        let mut node = room("a", amount(2, 100, 0), amount(0, 0, 0));
        node.open = false;
        assert_eq!(assign(&[node], &[want(1, amount(1, 1, 0))])[0].1, Verdict::NoNode);
    }

    #[test]
    fn a_waiting_session_holds_the_same_node_when_others_were_placed() {
        // b lacks 3 of cpu for the first; once the second took b's GPU it lacks a GPU as well, which is not closer.
        let nodes = [
            room("a", amount(9, 100, 2), amount(4, 0, 0)),
            room("b", amount(9, 100, 1), amount(7, 0, 0)),
        ];
        let wants = [want(1, amount(6, 1, 1)), want(2, amount(1, 1, 1)), want(3, amount(3, 1, 0))];
        let first = assign(&nodes, &wants);
        assert!(matches!(first[0].1, Verdict::Waits { .. }));
        assert_eq!(first[1].1, Verdict::Node("b".parse().unwrap()));
        assert!(matches!(first[2].1, Verdict::Waits { .. }));
        let mut after = nodes.clone();
        after[1].reserved = after[1].reserved.plus(wants[1].need);
        let second = assign(&after, &[wants[0].clone(), wants[2].clone()]);
        assert!(
            second.iter().all(|(_, verdict)| matches!(verdict, Verdict::Waits { .. })),
            "{second:?}"
        );
    }

    fn amounts(max: u64) -> impl Strategy<Value = Resources> {
        (0..max, 0..max * 100, 0..3u32)
            .prop_map(|(cpu, memory_mib, gpus)| amount(cpu, memory_mib, gpus))
    }

    proptest! {
        #[test]
        fn never_above_capacity_and_planning_twice_changes_nothing(
            capacities in prop::collection::vec((amounts(9), amounts(4)), 0..5),
            needs in prop::collection::vec(amounts(5), 0..12),
        ) {
            let nodes: Vec<NodeRoom> = capacities
                .into_iter()
                .enumerate()
                .map(|(i, (capacity, reserved))| room(&format!("n{i}"), capacity, reserved))
                .collect();
            let wants: Vec<Want> = needs.into_iter().enumerate().map(|(i, need)| want(i as u128, need)).collect();
            let verdicts = assign(&nodes, &wants);
            prop_assert_eq!(verdicts.len(), wants.len());
            prop_assert_eq!(&verdicts, &assign(&nodes, &wants));
            let mut taken: BTreeMap<NodeId, Resources> = BTreeMap::new();
            for (want, (_, verdict)) in wants.iter().zip(&verdicts) {
                if let Verdict::Node(node) = verdict {
                    let sum = taken.entry(node.clone()).or_default();
                    *sum = sum.plus(want.need);
                }
            }
            let after: Vec<NodeRoom> = nodes
                .iter()
                .map(|room| {
                    let mut room = room.clone();
                    room.reserved = room.reserved.plus(taken.get(&room.node).copied().unwrap_or_default());
                    room
                })
                .collect();
            for (room, before) in after.iter().zip(&nodes) {
                if taken.contains_key(&room.node) {
                    let free = before.capacity.minus(before.reserved);
                    prop_assert!(lacks(free, taken[&room.node]).is_none(), "above capacity on {}", room.node);
                }
            }
            let waiting: Vec<Want> = wants
                .iter()
                .zip(&verdicts)
                .filter(|(_, (_, verdict))| !matches!(verdict, Verdict::Node(_)))
                .map(|(want, _)| want.clone())
                .collect();
            for (_, verdict) in assign(&after, &waiting) {
                prop_assert!(!matches!(verdict, Verdict::Node(_)), "a second plan placed what the first left waiting");
            }
        }
    }
}
