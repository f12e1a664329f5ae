//! The one place where the control state changes: entries in, answers and effects out.
//!
//! Pure and deterministic. A command is checked whole before anything is written, so a refusal changes nothing. Whoever
//! drives this (a local log, Raft) applies every entry exactly once, in order, after it is durable.

use sha2::{Digest, Sha256};

use super::command::{
    CommandRecord, ControlCommand, DesiredState, DocumentChange, DocumentKey, Entry, NewSession,
    SessionKey,
};
use super::refusal::{CommandOutput, CommandResult, Dimension, Refusal};
use super::state::{
    Capacity, ControlState, Desired, Manifest, Node, NodeState, Outcome, Placement, Resources, cut,
    limits, within,
};

/// What changed; for those who follow along. Reading the state again is always enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A document was written or deleted.
    DocumentChanged(DocumentKey),
    /// A session was added, changed or removed.
    SessionChanged(SessionKey),
    /// A node was added or changed.
    NodeChanged(String),
    /// The cluster's name or version changed.
    ClusterChanged,
}

/// What one entry did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// One answer per command, in order.
    pub results: Vec<CommandResult>,
    /// What changed, in order.
    pub effects: Vec<Effect>,
}

/// The log and the state do not fit: the process must end, for a skipped entry is divergence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Divergence {
    /// An entry is missing or came twice.
    #[error(
        "wanted control log entry {wanted}, found {found}: the log and the state do not belong together"
    )]
    Gap {
        /// The next index.
        wanted: u64,
        /// The entry's index.
        found: u64,
    },
    /// An entry cannot be read.
    #[error(
        "control log entry {index} cannot be read ({reason}): this build is too old or the log is damaged"
    )]
    Undecodable {
        /// Its index.
        index: u64,
        /// Why.
        reason: String,
    },
}

/// Applies one entry.
///
/// # Errors
/// [`Divergence`] when the entry is not the next one; the state is then unchanged.
pub fn apply(state: &mut ControlState, entry: &Entry) -> Result<Applied, Divergence> {
    let wanted = state.applied_index + 1;
    if entry.index != wanted {
        return Err(Divergence::Gap { wanted, found: entry.index });
    }
    state.applied_index = entry.index;
    state.applied_at_ms = state.applied_at_ms.max(entry.at_ms);
    let now_ms = state.applied_at_ms;
    state.idempotency.expire(now_ms);
    let mut applied = Applied::default();
    for proposed in &entry.commands {
        let fingerprint = fingerprint(&proposed.command);
        let result = match state.idempotency.find(proposed.key, fingerprint) {
            Some((first, true)) => first.clone(),
            Some((_, false)) => Err(Refusal::KeyReused { key: proposed.key }),
            None => {
                let result = execute(state, &proposed.command, now_ms, &mut applied.effects);
                state.idempotency.remember(proposed.key, fingerprint, now_ms, result.clone());
                result
            }
        };
        applied.results.push(result);
    }
    Ok(applied)
}

/// Returns sixteen bytes that tell two commands apart.
#[must_use]
pub fn fingerprint(command: &ControlCommand) -> [u8; 16] {
    // A command that was decoded can be encoded; should it fail, all such commands look alike, which refuses reuse.
    let bytes = store::codec::encode_payload(&CommandRecord(command.clone())).unwrap_or_default();
    let digest = Sha256::digest(&bytes);
    let mut short = [0_u8; 16];
    short.copy_from_slice(&digest[..16]);
    short
}

fn execute(
    state: &mut ControlState,
    command: &ControlCommand,
    now_ms: u64,
    effects: &mut Vec<Effect>,
) -> CommandResult {
    let result = match command {
        ControlCommand::InitCluster { cluster } => init_cluster(state, *cluster),
        ControlCommand::RaiseVersion { version } => raise_version(state, *version),
        ControlCommand::ChangeDocuments { changes } => change_documents(state, changes, now_ms),
        ControlCommand::SubmitSession(new) => submit(state, new, now_ms),
        ControlCommand::SetDesired { session, desired, actor, reason } => {
            let reason = reason.as_deref().map(cut);
            let desired = Desired { state: *desired, actor: actor.clone(), reason, at_ms: now_ms };
            set_desired(state, session, desired)
        }
        ControlCommand::RequestCheckpoint { session } => request_checkpoint(state, session),
        ControlCommand::PlaceSession { session, node } => place(state, session, node, now_ms),
        ControlCommand::ReleaseSession { session, epoch, reason } => {
            release(state, session, *epoch, reason)
        }
        ControlCommand::RecordRetry { session, epoch, retry_count, error, not_before_ms } => {
            let failure = Failure {
                count: *retry_count,
                error: error.as_deref(),
                not_before_ms: *not_before_ms,
            };
            record_retry(state, session, *epoch, failure)
        }
        ControlCommand::CommitCheckpoint { session, epoch, manifest } => {
            commit_checkpoint(state, (session, *epoch), manifest, now_ms)
        }
        ControlCommand::FinishSession { session, epoch, kind, detail, result } => {
            let outcome =
                Outcome { kind: *kind, detail: cut(detail), result: result.clone(), at_ms: now_ms };
            finish(state, session, *epoch, outcome)
        }
        ControlCommand::RemoveSession { session } => remove(state, session),
        ControlCommand::RegisterNode { node, incarnation, capacity } => {
            register_node(state, (node, *incarnation, *capacity), now_ms)
        }
        ControlCommand::SetNodeState { node, state: wanted } => {
            set_node_state(state, node, *wanted)
        }
    };
    if result.is_ok() {
        note(state, command, effects);
    }
    result
}

/// Adds the effects of an accepted command and counts the session's change.
fn note(state: &mut ControlState, command: &ControlCommand, effects: &mut Vec<Effect>) {
    match command {
        ControlCommand::InitCluster { .. } | ControlCommand::RaiseVersion { .. } => {
            effects.push(Effect::ClusterChanged)
        }
        ControlCommand::ChangeDocuments { changes } => {
            effects
                .extend(changes.iter().map(|change| Effect::DocumentChanged(change.key().clone())));
        }
        ControlCommand::RegisterNode { node, .. } | ControlCommand::SetNodeState { node, .. } => {
            effects.push(Effect::NodeChanged(node.clone()));
        }
        ControlCommand::SubmitSession(NewSession { id: session, .. })
        | ControlCommand::SetDesired { session, .. }
        | ControlCommand::RequestCheckpoint { session }
        | ControlCommand::PlaceSession { session, .. }
        | ControlCommand::ReleaseSession { session, .. }
        | ControlCommand::RecordRetry { session, .. }
        | ControlCommand::CommitCheckpoint { session, .. }
        | ControlCommand::FinishSession { session, .. }
        | ControlCommand::RemoveSession { session } => {
            state.sessions.count_change(session);
            effects.push(Effect::SessionChanged(*session));
        }
    }
}

fn init_cluster(state: &mut ControlState, cluster: [u8; 16]) -> CommandResult {
    match state.cluster {
        Some(_) => Err(Refusal::AlreadyInitialised),
        None => {
            state.cluster = Some(cluster);
            Ok(CommandOutput::Done)
        }
    }
}

fn raise_version(state: &mut ControlState, version: u32) -> CommandResult {
    if version <= state.version {
        return Err(Refusal::VersionNotRising { current: state.version, found: version });
    }
    state.version = version;
    Ok(CommandOutput::Done)
}

fn change_documents(
    state: &mut ControlState,
    changes: &[DocumentChange],
    now_ms: u64,
) -> CommandResult {
    within("changes", changes.len(), limits::CHANGE_COUNT_MAX)?;
    // Each document occurs only once, so that checking all before writing any is the same as checking in turn.
    for (position, change) in changes.iter().enumerate() {
        let key = change.key();
        if changes.iter().take(position).any(|earlier| earlier.key() == key) {
            return Err(Refusal::OverLimit {
                what: "changes of one document".into(),
                limit: 1,
                found: 2,
            });
        }
        state.documents.check(change)?;
        if let (DocumentChange::Delete { .. }, Some(user)) = (change, state.sessions.user_of(key)) {
            return Err(Refusal::DocumentInUse { key: key.clone(), session: user.id });
        }
    }
    let total = usize::try_from(state.documents.count())
        .unwrap_or(usize::MAX)
        .saturating_add(changes.len());
    within("documents", total, limits::DOCUMENT_COUNT_MAX)?;
    let revisions = changes.iter().map(|change| state.documents.change(change, now_ms)).collect();
    Ok(CommandOutput::Revisions(revisions))
}

fn register_node(
    state: &mut ControlState,
    node: (&str, u64, Capacity),
    now_ms: u64,
) -> CommandResult {
    let (name, incarnation, capacity) = node;
    within("node name bytes", name.len(), limits::NAME_BYTES_MAX)?;
    match state.nodes.get(name) {
        Some(known) if incarnation < known.incarnation => Err(Refusal::StaleIncarnation {
            node: name.to_owned(),
            current: known.incarnation,
            found: incarnation,
        }),
        known => {
            // A node that was down is ready again; a decision of an operator stays.
            let wanted = match known.map(|known| known.state) {
                None | Some(NodeState::Ready | NodeState::Down) => NodeState::Ready,
                Some(other @ (NodeState::Cordoned | NodeState::Draining | NodeState::Drained)) => {
                    other
                }
            };
            state.nodes.insert(
                name,
                Node { incarnation, capacity, state: wanted, registered_at_ms: now_ms },
            );
            Ok(CommandOutput::Done)
        }
    }
}

fn set_node_state(state: &mut ControlState, name: &str, wanted: NodeState) -> CommandResult {
    let node =
        state.nodes.get_mut(name).ok_or_else(|| Refusal::NodeMissing { node: name.to_owned() })?;
    node.state = wanted;
    Ok(CommandOutput::Done)
}

fn submit(state: &mut ControlState, new: &NewSession, now_ms: u64) -> CommandResult {
    within("spec bytes", new.spec.len(), limits::SPEC_BYTES_MAX)?;
    within("owner bytes", new.owner.len(), limits::NAME_BYTES_MAX)?;
    within("references", new.references.len(), limits::REFERENCE_COUNT_MAX)?;
    within("sessions", state.sessions.count().saturating_add(1), limits::SESSION_COUNT_MAX)?;
    if state.sessions.get(&new.id).is_some() {
        return Err(Refusal::SessionExists { session: new.id });
    }
    let missing =
        new.references.iter().find(|key| state.documents.get(&key.kind, &key.id).is_none());
    if let Some(key) = missing {
        return Err(Refusal::DocumentMissing { key: key.clone() });
    }
    Ok(CommandOutput::Count(state.sessions.insert(new, now_ms)))
}

fn set_desired(state: &mut ControlState, id: &SessionKey, desired: Desired) -> CommandResult {
    within("actor bytes", desired.actor.len(), limits::NAME_BYTES_MAX)?;
    let session = state.sessions.open_mut(id)?;
    if session.desired.state == desired.state {
        return Ok(CommandOutput::Done);
    }
    if session.desired.state == DesiredState::Stop {
        return Err(Refusal::SessionStopping { session: *id });
    }
    session.desired = desired;
    Ok(CommandOutput::Done)
}

fn request_checkpoint(state: &mut ControlState, id: &SessionKey) -> CommandResult {
    let session = state.sessions.open_mut(id)?;
    session.checkpoint_requests += 1;
    Ok(CommandOutput::Count(session.checkpoint_requests))
}

fn place(state: &mut ControlState, id: &SessionKey, name: &str, now_ms: u64) -> CommandResult {
    let node =
        state.nodes.get(name).ok_or_else(|| Refusal::NodeMissing { node: name.to_owned() })?;
    let (node_state, capacity) = (node.state, node.capacity);
    let free = capacity.minus(state.sessions.reserved_on(name));
    let session = state.sessions.open_mut(id)?;
    if session.desired.state == DesiredState::Stop {
        return Err(Refusal::SessionStopping { session: *id });
    }
    if let Some(placement) = &session.placement {
        let (node, epoch) = (placement.node.clone(), placement.epoch);
        return Err(Refusal::AlreadyPlaced { session: *id, node, epoch });
    }
    if node_state != NodeState::Ready {
        return Err(Refusal::NodeNotReady { node: name.to_owned(), state: node_state });
    }
    fits(name, session.resources, free)?;
    session.epoch += 1;
    session.release_reason = None;
    session.placement =
        Some(Placement { node: name.to_owned(), epoch: session.epoch, at_ms: now_ms });
    Ok(CommandOutput::Epoch(session.epoch))
}

fn fits(node: &str, wanted: Resources, free: Resources) -> Result<(), Refusal> {
    let dimensions = [
        (Dimension::CpuMillis, wanted.cpu_millis, free.cpu_millis),
        (Dimension::MemoryMib, wanted.memory_mib, free.memory_mib),
        (Dimension::Gpus, u64::from(wanted.gpus), u64::from(free.gpus)),
    ];
    match dimensions.into_iter().find(|(_, wanted, free)| wanted > free) {
        Some((dimension, wanted, free)) => {
            Err(Refusal::NoCapacity { node: node.to_owned(), dimension, wanted, free })
        }
        None => Ok(()),
    }
}

/// Returns the session if `epoch` is the assignment that holds it now.
fn held<'a>(
    state: &'a mut ControlState,
    id: &SessionKey,
    epoch: u64,
) -> Result<&'a mut super::state::Session, Refusal> {
    let session = state.sessions.open_mut(id)?;
    match &session.placement {
        Some(placement) if placement.epoch == epoch => Ok(session),
        Some(_) | None => {
            Err(Refusal::StaleEpoch { session: *id, current: session.epoch, found: epoch })
        }
    }
}

fn release(state: &mut ControlState, id: &SessionKey, epoch: u64, reason: &str) -> CommandResult {
    let session = held(state, id, epoch)?;
    session.placement = None;
    session.release_reason = Some(cut(reason));
    Ok(CommandOutput::Done)
}

/// A failure as a holder reports it.
struct Failure<'a> {
    count: u32,
    error: Option<&'a str>,
    not_before_ms: u64,
}

fn record_retry(
    state: &mut ControlState,
    id: &SessionKey,
    epoch: u64,
    failure: Failure<'_>,
) -> CommandResult {
    let session = held(state, id, epoch)?;
    session.retry.count = failure.count;
    session.retry.not_before_ms = failure.not_before_ms;
    if let Some(error) = failure.error.map(cut) {
        session.retry.first_error.get_or_insert_with(|| error.clone());
        session.retry.last_error = Some(error);
    }
    Ok(CommandOutput::Done)
}

fn commit_checkpoint(
    state: &mut ControlState,
    holder: (&SessionKey, u64),
    manifest: &Manifest,
    now_ms: u64,
) -> CommandResult {
    let (id, epoch) = holder;
    within("nodes of a checkpoint", manifest.nodes.len(), limits::HOLDER_COUNT_MAX)?;
    let session = held(state, id, epoch)?;
    if let Some(newest) =
        session.checkpoints.last().map(|newest| newest.step).filter(|step| manifest.step <= *step)
    {
        return Err(Refusal::StepNotIncreasing { session: *id, newest, found: manifest.step });
    }
    session.checkpoints.push(Manifest { at_ms: now_ms, ..manifest.clone() });
    if session.checkpoints.len() > limits::CHECKPOINT_COUNT_MAX {
        session.checkpoints.remove(0);
    }
    Ok(CommandOutput::Done)
}

fn finish(
    state: &mut ControlState,
    id: &SessionKey,
    epoch: u64,
    outcome: Outcome,
) -> CommandResult {
    within("result bytes", outcome.result.len(), limits::RESULT_BYTES_MAX)?;
    let session = state.sessions.open_mut(id)?;
    if session.epoch != epoch {
        return Err(Refusal::StaleEpoch { session: *id, current: session.epoch, found: epoch });
    }
    session.placement = None;
    session.outcome = Some(outcome);
    Ok(CommandOutput::Done)
}

fn remove(state: &mut ControlState, id: &SessionKey) -> CommandResult {
    let session = state.sessions.get(id).ok_or(Refusal::SessionMissing { session: *id })?;
    if !session.ended() {
        return Err(Refusal::SessionNotEnded { session: *id });
    }
    state.sessions.remove(id);
    Ok(CommandOutput::Done)
}
