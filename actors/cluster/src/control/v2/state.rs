//! Snapshots of version 2: everything but what is kept of removed sessions. Still written while nothing is kept, so that
//! a member whose program was not replaced yet can read what it is sent.

use serde::{Deserialize, Serialize};
use store::codec::{Record, schema};

use crate::control::state::{self as now, Documents, Idempotency, Nodes, Sessions};

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
    const VERSION: u16 = 2;
    const BYTES_MAX: usize = 128 << 20;
}

impl ControlState {
    /// Returns the same state in this layout; absent where it holds what the layout cannot say.
    pub(crate) fn of(state: &now::ControlState) -> Option<Self> {
        let now::ControlState {
            applied_index,
            applied_at_ms,
            cluster,
            version,
            documents,
            sessions,
            nodes,
            idempotency,
            removed,
        } = state;
        (removed.count() == 0).then(|| Self {
            applied_index: *applied_index,
            applied_at_ms: *applied_at_ms,
            cluster: *cluster,
            version: *version,
            documents: documents.clone(),
            sessions: sessions.clone(),
            nodes: nodes.clone(),
            idempotency: idempotency.clone(),
        })
    }
}

impl From<ControlState> for now::ControlState {
    fn from(old: ControlState) -> Self {
        Self {
            applied_index: old.applied_index,
            applied_at_ms: old.applied_at_ms,
            cluster: old.cluster,
            version: old.version,
            documents: old.documents,
            sessions: old.sessions,
            nodes: old.nodes,
            idempotency: old.idempotency,
            removed: now::RemovedSessions::default(),
        }
    }
}
