//! What a command answers: an output, or the reason why nothing was changed.

use serde::{Deserialize, Serialize};

use super::command::{CommandId, DocumentKey, Expected, SessionKey};
use super::state::{NodeState, OutcomeKind, Phase};

/// The answer to one command.
pub type CommandResult = Result<CommandOutput, Refusal>;

/// What an accepted command says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommandOutput {
    /// Done, or already so.
    Done,
    /// The new revision of each changed document, in order; 0 for a deleted one.
    Revisions(Vec<u64>),
    /// The assignment that was made.
    Epoch(u64),
    /// The counter after the command.
    Count(u64),
}

/// Which resource did not suffice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dimension {
    /// Thousandths of a core.
    CpuMillis,
    /// Memory in MiB.
    MemoryMib,
    /// GPU devices.
    Gpus,
    /// Memory of GPU devices in MiB.
    GpuMemoryMib,
    /// Disk in MiB.
    DiskMib,
}

/// Why a command changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// A document is not what the caller expected.
    #[error("document {}/{}: wanted {expected:?}, found {}: read it again and decide anew", .key.kind, .key.id,
        .found.map_or_else(|| "none".to_owned(), |revision| format!("revision {revision}")))]
    DocumentChanged {
        /// Which.
        key: DocumentKey,
        /// What was wanted.
        expected: Expected,
        /// The revision that is there.
        found: Option<u64>,
    },
    /// A document does not exist.
    #[error("document {}/{} does not exist", .key.kind, .key.id)]
    DocumentMissing {
        /// Which.
        key: DocumentKey,
    },
    /// A document is needed by a session that has not ended.
    #[error("document {}/{} is used by a session that has not ended: stop it first", .key.kind, .key.id)]
    DocumentInUse {
        /// Which.
        key: DocumentKey,
        /// By which session.
        session: SessionKey,
    },
    /// A field is longer or more than allowed.
    #[error("{what} may have {limit}, found {found}")]
    OverLimit {
        /// What is too large.
        what: String,
        /// What is allowed.
        limit: u64,
        /// What was found.
        found: u64,
    },
    /// A session of that name exists.
    #[error("a session of this identifier exists: choose another")]
    SessionExists {
        /// Which.
        session: SessionKey,
    },
    /// No such session.
    #[error("no session of this identifier exists")]
    SessionMissing {
        /// Which.
        session: SessionKey,
    },
    /// The session has ended; nothing more can happen to it.
    #[error("the session has ended ({outcome:?}): nothing more can be asked of it")]
    SessionEnded {
        /// Which.
        session: SessionKey,
        /// How.
        outcome: OutcomeKind,
    },
    /// The session has not ended yet.
    #[error("the session has not ended: stop it first")]
    SessionNotEnded {
        /// Which.
        session: SessionKey,
    },
    /// The session was told to stop; that is final.
    #[error("the session was told to stop, which is final")]
    SessionStopping {
        /// Which.
        session: SessionKey,
    },
    /// The session already has a node.
    #[error("the session is already placed on {node} (epoch {epoch})")]
    AlreadyPlaced {
        /// Which.
        session: SessionKey,
        /// Where.
        node: String,
        /// Which assignment.
        epoch: u64,
    },
    /// The caller's assignment is not the newest.
    #[error(
        "epoch {found} is not the session's current assignment {current}: another owner decides now"
    )]
    StaleEpoch {
        /// Which.
        session: SessionKey,
        /// The newest epoch.
        current: u64,
        /// The caller's.
        found: u64,
    },
    /// A checkpoint's step does not grow.
    #[error("a checkpoint must be of a later step than {newest}, found {found}")]
    StepNotIncreasing {
        /// Which.
        session: SessionKey,
        /// The newest committed step.
        newest: u64,
        /// The step offered.
        found: u64,
    },
    /// No such node.
    #[error("node {node} is not a member")]
    NodeMissing {
        /// Which.
        node: String,
    },
    /// The node takes no sessions now.
    #[error("node {node} is {state:?} and takes no sessions")]
    NodeNotReady {
        /// Which.
        node: String,
        /// Its state.
        state: NodeState,
    },
    /// Not enough is free on the node.
    #[error("node {node} has too little {dimension:?}: wanted {wanted}, free {free}")]
    NoCapacity {
        /// Which.
        node: String,
        /// Of what.
        dimension: Dimension,
        /// What was wanted.
        wanted: u64,
        /// What is free.
        free: u64,
    },
    /// A newer start of this node is known.
    #[error(
        "node {node} registered with incarnation {found}, {current} is known: an older process must end"
    )]
    StaleIncarnation {
        /// Which.
        node: String,
        /// The newest known.
        current: u64,
        /// The one offered.
        found: u64,
    },
    /// The cluster already has a name.
    #[error("the cluster is already initialised")]
    AlreadyInitialised,
    /// A version can only rise.
    #[error("the cluster version is {current} and only rises, found {found}")]
    VersionNotRising {
        /// The current one.
        current: u32,
        /// The one offered.
        found: u32,
    },
    /// The same key was used for another command.
    #[error("this command id was already used for a different command: make a new id")]
    KeyReused {
        /// Which.
        key: CommandId,
    },
    /// A phase cannot directly follow the one that stands.
    #[error("a session that is {from:?} cannot become {to:?}: what stands is newer")]
    PhaseNotNext {
        /// Which.
        session: SessionKey,
        /// The phase that stands.
        from: Phase,
        /// The one reported.
        to: Phase,
    },
    /// A node of that name is up already.
    #[error(
        "a node called {node} is up already (another process, same start): choose another name"
    )]
    NodeNameTaken {
        /// Which.
        node: String,
    },
    /// A session cannot be taken for lost from a node that is up.
    #[error("node {node} is up: it gives a session up itself")]
    NodeNotLost {
        /// Which.
        node: String,
    },
    /// Another leader has taken office since this was decided.
    #[error(
        "this was decided in term {decided}, it is term {current}: the new leader decides anew"
    )]
    TermOver {
        /// When it was decided.
        decided: u64,
        /// When it was written.
        current: u64,
    },
    /// A member could not read the command yet.
    #[error(
        "this needs cluster version {needed}, the cluster has {current}: replace the program on every node, then `tm cluster upgrade finalize`"
    )]
    VersionTooOld {
        /// The cluster's version.
        current: u32,
        /// The version from which on the command is read.
        needed: u32,
    },
    /// Members do not know the version.
    #[error("cluster version {wanted} is not known to {}: replace the program there first", .behind.join(", "))]
    VersionUnknown {
        /// The one asked for.
        wanted: u32,
        /// Who does not know it.
        behind: Vec<String>,
    },
    /// Only a node that drains can have drained; meanwhile it was told otherwise.
    #[error("node {node} is {state:?} and does not drain: what stands is newer")]
    NodeNotDraining {
        /// Which.
        node: String,
        /// The state that stands.
        state: NodeState,
    },
}
