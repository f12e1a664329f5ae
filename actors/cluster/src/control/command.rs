//! Everything that can be agreed upon: the closed, versioned list of control commands.
//!
//! Variants and fields are only ever appended: the log holds them for ever. Domain documents and session specs are
//! opaque bytes; a command never carries a clock reading of its own, time comes with the entry.

use serde::{Deserialize, Serialize};
use store::codec::{CodecError, Record, schema, upcast};

use super::state::{
    Capacity, Gang, Manifest, NodeState, OutcomeKind, Phase, Profile, Requirements, Resources,
    Segment,
};

/// Names a command for ever: sending it twice does it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(pub [u8; 16]);

/// Sixteen bytes that name a session.
pub type SessionKey = [u8; 16];

/// What a session is, as a number given by the caller; nothing here depends on its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionClass(pub u8);

/// Names a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DocumentKey {
    /// Which collection, for example `users`.
    pub kind: String,
    /// Which one of it.
    pub id: String,
}

impl DocumentKey {
    /// Returns the key of `id` in the collection `kind`.
    #[must_use]
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }
}

/// What must be there for a document to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expected {
    /// Anything or nothing.
    Any,
    /// Nothing.
    Absent,
    /// A document.
    Present,
    /// The document at exactly this revision.
    Revision(u64),
}

/// One change of one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DocumentChange {
    /// Writes the document whole.
    Put {
        /// Which.
        key: DocumentKey,
        /// What must be there.
        expected: Expected,
        /// The owner's schema number of `bytes`.
        schema: u32,
        /// The document, at most 16 KiB.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// Removes the document; refused while a session that has not ended refers to it.
    Delete {
        /// Which.
        key: DocumentKey,
        /// What must be there.
        expected: Expected,
    },
}

impl DocumentChange {
    /// Returns which document is changed.
    #[must_use]
    pub fn key(&self) -> &DocumentKey {
        match self {
            Self::Put { key, .. } | Self::Delete { key, .. } => key,
        }
    }
}

/// A session as submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSession {
    /// Its name for ever.
    pub id: SessionKey,
    /// What it is.
    pub class: SessionClass,
    /// Who asked for it.
    pub owner: String,
    /// Higher goes first.
    pub priority: i32,
    /// What it needs.
    pub resources: Resources,
    /// What to do; opaque, at most 16 KiB.
    #[serde(with = "serde_bytes")]
    pub spec: Vec<u8>,
    /// Documents that must exist now and may not be deleted before the session has ended.
    pub references: Vec<DocumentKey>,
    /// The group that pays for it; empty for none.
    pub team: String,
    /// Where it may run.
    pub requires: Requirements,
    /// Placed together with others.
    pub gang: Option<Gang>,
    /// Whether a more urgent one may take its place.
    pub preemptible: bool,
}

impl NewSession {
    /// Returns a session that needs nothing special: any node, no team, may be preempted.
    #[must_use]
    pub fn plain(id: SessionKey, class: SessionClass, owner: impl Into<String>) -> Self {
        Self {
            id,
            class,
            owner: owner.into(),
            priority: 0,
            resources: Resources::default(),
            spec: Vec::new(),
            references: Vec::new(),
            team: String::new(),
            requires: Requirements::default(),
            gang: None,
            preemptible: true,
        }
    }
}

/// What a session should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DesiredState {
    /// Work.
    Run,
    /// Stand still, keeping its place.
    Pause,
    /// End in good order; final.
    Stop,
}

/// A change that all nodes agree upon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ControlCommand {
    /// Gives the cluster its name; once.
    InitCluster {
        /// Made up by the first node.
        cluster: [u8; 16],
    },
    /// Raises the version of commands and records that may be written.
    RaiseVersion {
        /// The new version.
        version: u32,
    },
    /// Changes documents, all or none.
    ChangeDocuments {
        /// At most 16.
        changes: Vec<DocumentChange>,
    },
    /// Adds a session that should run.
    SubmitSession(NewSession),
    /// Says what a session should do.
    SetDesired {
        /// Which.
        session: SessionKey,
        /// What.
        desired: DesiredState,
        /// Who says so.
        actor: String,
        /// Why.
        reason: Option<String>,
    },
    /// Asks a session for a checkpoint.
    RequestCheckpoint {
        /// Which.
        session: SessionKey,
    },
    /// Gives a session to a node; raises its epoch.
    PlaceSession {
        /// Which.
        session: SessionKey,
        /// Where.
        node: String,
    },
    /// Takes a session from its node; it waits again.
    ReleaseSession {
        /// Which.
        session: SessionKey,
        /// The assignment that ends.
        epoch: u64,
        /// Why.
        reason: String,
        /// Whether its node was lost, rather than having given it up in good order; refused while the node is up.
        lost: bool,
    },
    /// Notes that a session failed and when it may start again. A count of 0 notes success.
    RecordRetry {
        /// Which.
        session: SessionKey,
        /// The assignment that failed.
        epoch: u64,
        /// Failures since the last success.
        retry_count: u32,
        /// What went wrong.
        error: Option<String>,
        /// Not to be started before this time (as the clock of entries).
        not_before_ms: u64,
    },
    /// Adds a checkpoint that is durable; refused for a stale epoch or a step that does not grow.
    CommitCheckpoint {
        /// Which.
        session: SessionKey,
        /// The assignment that made it.
        epoch: u64,
        /// What it is.
        manifest: Manifest,
        /// Everything recorded up to it, as files; absent: unchanged.
        archive: Option<Vec<Segment>>,
    },
    /// Ends a session for good and frees what it reserved.
    FinishSession {
        /// Which.
        session: SessionKey,
        /// The newest assignment; 0 for one that was never placed.
        epoch: u64,
        /// How it ended.
        kind: OutcomeKind,
        /// A sentence for people.
        detail: String,
        /// What it produced; opaque, at most 4 KiB.
        #[serde(with = "serde_bytes")]
        result: Vec<u8>,
        /// Who ended it.
        actor: String,
        /// What its holder found out, whole; absent: unchanged.
        facts: Option<Vec<u8>>,
        /// Everything it recorded, as files; absent: unchanged.
        archive: Option<Vec<Segment>>,
    },
    /// Forgets a session that has ended.
    RemoveSession {
        /// Which.
        session: SessionKey,
    },
    /// A node says what it has; the incarnation never falls.
    RegisterNode {
        /// Its name.
        node: String,
        /// Its starts, counted.
        incarnation: u64,
        /// What may be reserved on it.
        capacity: Capacity,
    },
    /// Says what may happen on a node.
    SetNodeState {
        /// Which.
        node: String,
        /// What.
        state: NodeState,
        /// Who says so.
        actor: String,
        /// Why.
        reason: String,
    },
    /// Admits a node, or notes that it started again. Answers its number in the control plane.
    AdmitNode {
        /// Its name.
        node: String,
        /// Its starts, counted; never falls.
        incarnation: u64,
        /// What may be reserved on it.
        capacity: Capacity,
        /// How it is reached and what it is.
        profile: Profile,
        /// Whether it lost its log and needs a new number.
        renumber: bool,
    },
    /// Notes that a node's lease is over. Its sessions are released by commands of their own.
    MarkDown {
        /// Which.
        node: String,
        /// Which start of it; a newer one is up.
        incarnation: u64,
        /// The term of the leader that decided so; in any other the command does nothing, since the leader of that one
        /// may have granted the lease again.
        term: u64,
    },
    /// A holder says in which phase its session is, and what it found out.
    RecordPhase {
        /// Which.
        session: SessionKey,
        /// The assignment that says so.
        epoch: u64,
        /// Where the session is; absent, or the phase it is in already: only the facts change.
        to: Option<Phase>,
        /// Why.
        reason: String,
        /// Who.
        actor: String,
        /// What its holder found out, whole; absent: unchanged.
        facts: Option<Vec<u8>>,
    },
    /// Wishes that the holder gives a session up in good order.
    EvictSession {
        /// Which.
        session: SessionKey,
        /// The assignment that shall end.
        epoch: u64,
        /// Why.
        reason: String,
        /// Where it should go next, if anybody cares.
        to: Option<String>,
    },
    /// Replaces the list of files that hold what a session recorded; also after its end.
    ArchiveSession {
        /// Which.
        session: SessionKey,
        /// The newest assignment.
        epoch: u64,
        /// All files.
        archive: Vec<Segment>,
    },
}

/// A command with the key that makes repeating it harmless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// Names this command for ever.
    pub key: CommandId,
    /// What is proposed.
    pub command: ControlCommand,
}

/// One entry of the control log: everything in it is applied together, at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position in the log, from 1.
    pub index: u64,
    /// The term of the leader that wrote it.
    pub term: u64,
    /// When it was proposed, milliseconds since 1970 UTC; never falls from entry to entry.
    pub at_ms: u64,
    /// In order.
    pub commands: Vec<Proposed>,
}

/// An entry as stored: the log itself carries the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRecord {
    /// See [`Entry::at_ms`].
    pub at_ms: u64,
    /// See [`Entry::commands`].
    pub commands: Vec<Proposed>,
}

impl Record for EntryRecord {
    const SCHEMA: u32 = schema::SCHEMA_CONTROL_ENTRY;
    const VERSION: u16 = 2;

    fn decode_older(version: u16, payload: &[u8]) -> Option<Result<Self, CodecError>> {
        (version == 1).then(|| upcast::from::<super::v1::command::EntryRecord, Self>(payload))
    }
}

/// A command alone, for its size and fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct CommandRecord(pub(crate) ControlCommand);

impl Record for CommandRecord {
    const SCHEMA: u32 = schema::SCHEMA_CONTROL_COMMAND;
    const VERSION: u16 = 2;
}
