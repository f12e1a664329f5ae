//! Nodes: what may be reserved on them and whether they take sessions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Resources;

/// What may be reserved on a node.
pub type Capacity = Resources;

/// What may happen on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NodeState {
    /// Takes sessions.
    Ready,
    /// Keeps its sessions, takes no new ones.
    Cordoned,
    /// Gives its sessions away.
    Draining,
    /// Has none left.
    Drained,
    /// Does not renew its lease.
    Down,
}

/// A member of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its starts, counted; never falls.
    pub incarnation: u64,
    /// What may be reserved.
    pub capacity: Capacity,
    /// Whether it takes sessions.
    pub state: NodeState,
    /// When it registered last, milliseconds since 1970 UTC.
    pub registered_at_ms: u64,
}

/// All nodes by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nodes {
    by_name: BTreeMap<String, Node>,
}

impl Nodes {
    /// Returns a node.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.by_name.get(name)
    }

    /// Returns all nodes in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.by_name.iter().map(|(name, node)| (name.as_str(), node))
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.by_name.get_mut(name)
    }

    pub(crate) fn insert(&mut self, name: &str, node: Node) {
        self.by_name.insert(name.to_owned(), node);
    }
}
