//! The cluster and its links, as the world is shown them.

use std::collections::BTreeMap;

use engine::ids::{NodeId, SessionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ProgressView;

/// The cluster as the node that answers sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterView {
    /// The cluster's identity, hexadecimal; absent before it has one.
    pub id: Option<String>,
    /// What every member can read; rises by command only.
    pub version: u32,
    /// Whether one node is the whole cluster and needs no others.
    pub alone: bool,
    /// Who leads, if known.
    pub leader: Option<NodeId>,
    /// Grows with every election.
    pub term: u64,
    /// The last change that the node that answers has applied.
    pub applied_index: u64,
    /// Whether changes can be agreed upon, as far as the node that answers knows.
    pub quorum: bool,
    /// Members that vote.
    pub voter_count: u32,
    /// Of these, how many are up.
    pub voters_up: u32,
    /// How many more voters may be lost before nothing can be agreed upon.
    pub losses_tolerated: u32,
    /// Everybody, by name.
    pub members: Vec<MemberView>,
}

/// A member's part in the agreement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberView {
    /// Which node.
    pub node: NodeId,
    /// `leader`, `voter` or `learner`.
    pub role: String,
    /// Its number in the agreement; 0 where it stands alone.
    pub number: u64,
    /// `host:port` where its peers reach it; empty where it stands alone.
    pub address: String,
    /// `joining`, `ready`, `cordoned`, `draining`, `drained`, `left`.
    pub state: String,
    /// Whether its lease is in force.
    pub up: bool,
    /// Changes it has not stored yet; only the leader knows.
    pub lag: Option<u64>,
    /// Starts counted.
    pub incarnation: u64,
    /// Version of its program.
    pub version: String,
    /// The newest cluster version that its program reads; 0 where it stands alone.
    pub protocol_max: u32,
}

/// One link of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LinkView {
    /// The other end.
    pub peer: NodeId,
    /// `down`, `dialing`, `hello`, `handover`, `ready`, `closing`.
    pub state: String,
    /// Last measured round trip, ms; absent before the first.
    pub rtt_ms: Option<f64>,
    /// For how long it has been in this state, ms.
    pub since_ms: u64,
    /// Connections made after the first.
    pub redials: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Messages that the link refused.
    pub drops: u64,
    /// Messages sent and not yet taken in by the peer.
    pub messages_under_way: u64,
    /// Why it is not ready, or was not before.
    pub reason: Option<String>,
}

/// How far a session is, as its holder sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeenView {
    /// Which session.
    pub session_id: SessionId,
    /// Which assignment.
    pub epoch: u64,
    /// How far.
    pub progress: ProgressView,
    /// Newest value of each metric.
    pub last_metrics: BTreeMap<String, Option<f64>>,
}
