//! Snapshots of version 1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use store::codec::{Record, schema};

use crate::control::command::{DocumentKey, SessionClass, SessionKey};
use crate::control::state::{
    self as now, Desired, Documents, Idempotency, Manifest, NodeState, Outcome, OutcomeKind, Phase,
    Placement, Retry,
};

/// Amounts, without GPU memory and disk.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Resources {
    cpu_millis: u64,
    memory_mib: u64,
    gpus: u32,
}

impl From<Resources> for now::Resources {
    fn from(old: Resources) -> Self {
        let Resources { cpu_millis, memory_mib, gpus } = old;
        Self { cpu_millis, memory_mib, gpus, ..Self::default() }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    id: SessionKey,
    class: SessionClass,
    owner: String,
    priority: i32,
    resources: Resources,
    #[serde(with = "serde_bytes")]
    spec: Vec<u8>,
    references: Vec<DocumentKey>,
    desired: Desired,
    checkpoint_requests: u64,
    placement: Option<Placement>,
    epoch: u64,
    release_reason: Option<String>,
    submitted_order: u64,
    submitted_at_ms: u64,
    outcome: Option<Outcome>,
    retry: Retry,
    checkpoints: Vec<Manifest>,
    revision: u64,
}

impl From<Session> for now::Session {
    fn from(old: Session) -> Self {
        let phase = match (&old.outcome, &old.placement) {
            (Some(outcome), _) => match outcome.kind {
                OutcomeKind::Completed => Phase::Completed,
                OutcomeKind::Stopped => Phase::Stopped,
                OutcomeKind::Failed => Phase::Failed,
            },
            (None, Some(_)) => Phase::Placed,
            (None, None) => Phase::Pending,
        };
        let at_ms = old.outcome.as_ref().map_or(old.submitted_at_ms, |outcome| outcome.at_ms);
        let mut session = Self {
            id: old.id,
            class: old.class,
            owner: old.owner,
            priority: old.priority,
            resources: old.resources.into(),
            spec: old.spec,
            references: old.references,
            desired: old.desired,
            checkpoint_requests: old.checkpoint_requests,
            placement: old.placement,
            epoch: old.epoch,
            release_reason: old.release_reason,
            submitted_order: old.submitted_order,
            submitted_at_ms: old.submitted_at_ms,
            outcome: old.outcome,
            retry: old.retry,
            checkpoints: old.checkpoints,
            revision: old.revision,
            team: String::new(),
            requires: now::Requirements::default(),
            gang: None,
            preemptible: true,
            phase,
            timeline: Vec::new(),
            facts: Vec::new(),
            eviction: None,
            target: None,
            archive: Vec::new(),
        };
        session.turn(phase, "taken over from an older version", "host", at_ms);
        session
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sessions {
    by_id: BTreeMap<SessionKey, Session>,
    submitted_count: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Node {
    incarnation: u64,
    capacity: Resources,
    state: NodeState,
    registered_at_ms: u64,
}

impl From<Node> for now::Node {
    fn from(old: Node) -> Self {
        let down = old.state == NodeState::Down;
        Self {
            incarnation: old.incarnation,
            capacity: old.capacity.into(),
            state: if down { NodeState::Ready } else { old.state },
            registered_at_ms: old.registered_at_ms,
            raft_id: 0,
            profile: now::Profile::default(),
            down_since_ms: down.then_some(old.registered_at_ms),
            reason: String::new(),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Nodes {
    by_name: BTreeMap<String, Node>,
}

/// The whole state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ControlState {
    applied_index: u64,
    applied_at_ms: u64,
    cluster: Option<[u8; 16]>,
    version: u32,
    documents: Documents,
    sessions: Sessions,
    nodes: Nodes,
    idempotency: Idempotency,
}

impl Record for ControlState {
    const SCHEMA: u32 = schema::SCHEMA_CONTROL_SNAPSHOT;
    const VERSION: u16 = 1;
    const BYTES_MAX: usize = 128 << 20;
}

impl From<ControlState> for now::ControlState {
    fn from(old: ControlState) -> Self {
        let sessions = old.sessions.by_id.into_iter().map(|(id, session)| (id, session.into()));
        let nodes = old.nodes.by_name.into_iter().map(|(name, node)| (name, node.into()));
        Self {
            applied_index: old.applied_index,
            applied_at_ms: old.applied_at_ms,
            cluster: old.cluster,
            version: old.version,
            documents: old.documents,
            sessions: now::Sessions::from_parts(sessions.collect(), old.sessions.submitted_count),
            nodes: now::Nodes::from_parts(nodes.collect()),
            idempotency: old.idempotency,
            removed: now::RemovedSessions::default(),
        }
    }
}
