//! What operators are shown: why a session waits, what is left to reserve, who may have how much.

use std::collections::BTreeMap;

use engine::ids::{NodeId, SessionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SessionState;

/// Why a session waits, or where it is and since when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WhyView {
    /// Which session.
    pub session_id: SessionId,
    /// Its state.
    pub state: SessionState,
    /// A sentence a person understands.
    pub reason: String,
    /// The same as a code that clients translate; absent where it does not wait in the queue.
    pub reason_code: Option<String>,
    /// What the sentence speaks of, by name. Amounts are in thousandths of a core, MiB or GPUs, times in milliseconds.
    pub reason_params: BTreeMap<String, String>,
    /// Place in the queue, from 1; absent where it does not wait there.
    pub position: Option<u32>,
    /// The node it is on.
    pub node: Option<NodeId>,
    /// Which assignment; 0 before the first.
    pub epoch: u64,
    /// Since when it is in its state, RFC 3339 UTC.
    pub since: String,
    /// Every node and what it lacks; empty where the session does not wait.
    pub considered: Vec<ConsideredView>,
}

/// A node, as a session that waits sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsideredView {
    /// Which node.
    pub node: NodeId,
    /// Whether it could take the session now, were it the session's turn.
    pub fits: bool,
    /// What keeps it from taking the session, sentences.
    pub lacks: Vec<String>,
}

/// What may still be reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityView {
    /// Of every node, by name.
    pub nodes: Vec<NodeRoomView>,
    /// Of all nodes that take sessions.
    pub total: RoomView,
}

/// What may still be reserved on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeRoomView {
    /// Which node.
    pub node: NodeId,
    /// `joining`, `ready`, `cordoned`, `draining`, `drained`.
    pub state: String,
    /// Whether its lease is in force.
    pub up: bool,
    /// Whether new sessions may go there.
    pub open: bool,
    /// Amounts.
    #[serde(flatten)]
    pub room: RoomView,
}

/// Amounts by dimension.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomView {
    /// Cores; parts of one count as a whole one where reserved.
    pub cores: AmountView,
    /// Memory, MiB.
    pub memory_mib: AmountView,
    /// GPUs.
    pub gpus: AmountView,
}

/// An amount that can be reserved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AmountView {
    /// There is in all.
    pub total: u64,
    /// Of this, reserved.
    pub reserved: u64,
    /// Of this, left.
    pub free: u64,
}

/// What a user or a team may have at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuotaView {
    /// `user:<user id>` or `team:<name>`; `user:default` and `team:default` hold for those without their own.
    pub id: String,
    /// `user` or `team`.
    pub scope: String,
    /// Whose: a user id, a team's name, or `default`.
    pub name: String,
    /// Placed sessions; absent: without limit.
    pub sessions_max: Option<u32>,
    /// Cores; absent: without limit.
    pub cpu_max: Option<u32>,
    /// MiB of memory; absent: without limit.
    pub memory_mib_max: Option<u32>,
    /// GPUs; absent: without limit.
    pub gpus_max: Option<u32>,
    /// Share at equal priority: twice the weight, twice the share.
    pub weight: u32,
    /// Counts changes; `ETag`.
    pub revision: u64,
    /// RFC 3339 UTC.
    pub updated_at: String,
}
