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
    /// Does not renew its lease. No longer written: see [`Node::down_since_ms`].
    Down,
    /// Was admitted and has not caught up yet.
    Joining,
    /// Has left for good; its name may be used again.
    Left,
}

/// How a node is reached and what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Made up at each start of the process; tells two processes of one name apart.
    pub boot_id: [u8; 16],
    /// `host:port` of its cluster port; empty where it stands alone.
    pub cluster_address: String,
    /// URL of its gateway; empty where it has none.
    pub gateway_url: String,
    /// Labels, for placement.
    pub labels: BTreeMap<String, String>,
    /// Roles, for placement.
    pub roles: Vec<String>,
    /// Version of its program.
    pub build: String,
    /// Oldest protocol it speaks.
    pub protocol_min: u16,
    /// Newest protocol it speaks.
    pub protocol_max: u16,
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
    /// Its number in the control plane; 0 where it stands alone.
    pub raft_id: u64,
    /// How it is reached and what it is.
    pub profile: Profile,
    /// Since when its lease is over; absent while it is up.
    pub down_since_ms: Option<u64>,
    /// Why it is in its state.
    pub reason: String,
}

impl Node {
    /// Whether new sessions may go there.
    #[must_use]
    pub fn open(&self) -> bool {
        self.state == NodeState::Ready && self.down_since_ms.is_none()
    }

    /// Whether it belongs to the cluster.
    #[must_use]
    pub fn member(&self) -> bool {
        self.state != NodeState::Left
    }
}

/// All nodes by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nodes {
    by_name: BTreeMap<String, Node>,
    /// The newest number given to a node.
    raft_ids: u64,
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

    /// Returns what v1 stored.
    pub(crate) fn from_parts(by_name: BTreeMap<String, Node>) -> Self {
        Self { by_name, raft_ids: 0 }
    }

    /// Returns a number that no node ever had.
    pub(crate) fn new_raft_id(&mut self) -> u64 {
        self.raft_ids += 1;
        self.raft_ids
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.by_name.get_mut(name)
    }

    pub(crate) fn insert(&mut self, name: &str, node: Node) {
        self.by_name.insert(name.to_owned(), node);
    }
}
