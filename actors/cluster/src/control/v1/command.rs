//! Entries of version 1.

use serde::{Deserialize, Serialize};
use store::codec::{Record, schema};

use super::state::Resources;
use crate::control::command::{
    self as now, CommandId, DesiredState, DocumentChange, DocumentKey, SessionClass, SessionKey,
};
use crate::control::state::{Manifest, NodeState, OutcomeKind};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct NewSession {
    id: SessionKey,
    class: SessionClass,
    owner: String,
    priority: i32,
    resources: Resources,
    #[serde(with = "serde_bytes")]
    spec: Vec<u8>,
    references: Vec<DocumentKey>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum ControlCommand {
    InitCluster {
        cluster: [u8; 16],
    },
    RaiseVersion {
        version: u32,
    },
    ChangeDocuments {
        changes: Vec<DocumentChange>,
    },
    SubmitSession(NewSession),
    SetDesired {
        session: SessionKey,
        desired: DesiredState,
        actor: String,
        reason: Option<String>,
    },
    RequestCheckpoint {
        session: SessionKey,
    },
    PlaceSession {
        session: SessionKey,
        node: String,
    },
    ReleaseSession {
        session: SessionKey,
        epoch: u64,
        reason: String,
    },
    RecordRetry {
        session: SessionKey,
        epoch: u64,
        retry_count: u32,
        error: Option<String>,
        not_before_ms: u64,
    },
    CommitCheckpoint {
        session: SessionKey,
        epoch: u64,
        manifest: Manifest,
    },
    FinishSession {
        session: SessionKey,
        epoch: u64,
        kind: OutcomeKind,
        detail: String,
        #[serde(with = "serde_bytes")]
        result: Vec<u8>,
    },
    RemoveSession {
        session: SessionKey,
    },
    RegisterNode {
        node: String,
        incarnation: u64,
        capacity: Resources,
    },
    SetNodeState {
        node: String,
        state: NodeState,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Proposed {
    key: CommandId,
    command: ControlCommand,
}

/// An entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EntryRecord {
    at_ms: u64,
    commands: Vec<Proposed>,
}

impl Record for EntryRecord {
    const SCHEMA: u32 = schema::SCHEMA_CONTROL_ENTRY;
    const VERSION: u16 = 1;
}

impl From<EntryRecord> for now::EntryRecord {
    fn from(old: EntryRecord) -> Self {
        let newer = |old: Proposed| now::Proposed { key: old.key, command: old.command.into() };
        Self { at_ms: old.at_ms, commands: old.commands.into_iter().map(newer).collect() }
    }
}

impl From<NewSession> for now::NewSession {
    fn from(old: NewSession) -> Self {
        Self {
            priority: old.priority,
            resources: old.resources.into(),
            spec: old.spec,
            references: old.references,
            ..Self::plain(old.id, old.class, old.owner)
        }
    }
}

impl From<ControlCommand> for now::ControlCommand {
    fn from(old: ControlCommand) -> Self {
        use ControlCommand as Old;
        match old {
            Old::InitCluster { cluster } => Self::InitCluster { cluster },
            Old::RaiseVersion { version } => Self::RaiseVersion { version },
            Old::ChangeDocuments { changes } => Self::ChangeDocuments { changes },
            Old::SubmitSession(new) => Self::SubmitSession(new.into()),
            Old::SetDesired { session, desired, actor, reason } => {
                Self::SetDesired { session, desired, actor, reason }
            }
            Old::RequestCheckpoint { session } => Self::RequestCheckpoint { session },
            Old::PlaceSession { session, node } => Self::PlaceSession { session, node },
            Old::ReleaseSession { session, epoch, reason } => {
                Self::ReleaseSession { session, epoch, reason, lost: false }
            }
            Old::RecordRetry { session, epoch, retry_count, error, not_before_ms } => {
                Self::RecordRetry { session, epoch, retry_count, error, not_before_ms }
            }
            Old::CommitCheckpoint { session, epoch, manifest } => {
                Self::CommitCheckpoint { session, epoch, manifest, archive: None }
            }
            Old::FinishSession { session, epoch, kind, detail, result } => Self::FinishSession {
                session,
                epoch,
                kind,
                detail,
                result,
                actor: "host".to_owned(),
                facts: None,
                archive: None,
            },
            Old::RemoveSession { session } => Self::RemoveSession { session },
            Old::RegisterNode { node, incarnation, capacity } => {
                Self::RegisterNode { node, incarnation, capacity: capacity.into() }
            }
            Old::SetNodeState { node, state } => {
                Self::SetNodeState { node, state, actor: "host".to_owned(), reason: String::new() }
            }
        }
    }
}
