//! The one place where the control state changes: entries in, answers and effects out.
//!
//! Pure and deterministic. A command is checked whole before anything is written, so a refusal changes nothing. Whoever
//! drives this (a local log, Raft) applies every entry exactly once, in order, after it is durable.

mod nodes;
mod sessions;

use sha2::{Digest, Sha256};

use super::command::{
    CommandRecord, ControlCommand, DocumentChange, DocumentKey, Entry, NewSession, SessionKey,
};
use super::refusal::{CommandOutput, CommandResult, Refusal};
use super::state::{ControlState, Desired, limits, within};
use nodes::Start;

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
                let due = in_term(&proposed.command, entry.term);
                let result = due
                    .and_then(|()| execute(state, &proposed.command, now_ms, &mut applied.effects));
                state.idempotency.remember(proposed.key, fingerprint, now_ms, result.clone());
                result
            }
        };
        applied.results.push(result);
    }
    Ok(applied)
}

/// Refuses what only the leader of another term may say.
fn in_term(command: &ControlCommand, current: u64) -> Result<(), Refusal> {
    if let ControlCommand::MarkDown { term, .. } = command
        && *term != current
    {
        return Err(Refusal::TermOver { decided: *term, current });
    }
    Ok(())
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
        ControlCommand::RegisterNode { node, incarnation, capacity } => {
            let start = Start { node, incarnation: *incarnation, capacity: *capacity };
            nodes::register(state, &start, now_ms)
        }
        ControlCommand::AdmitNode { node, incarnation, capacity, profile, renumber } => {
            let start = Start { node, incarnation: *incarnation, capacity: *capacity };
            nodes::admit(state, &start, profile, *renumber, now_ms)
        }
        ControlCommand::SetNodeState { node, state: wanted, reason, .. } => {
            nodes::set_state(state, node, *wanted, reason)
        }
        ControlCommand::MarkDown { node, incarnation, .. } => {
            nodes::mark_down(state, node, *incarnation, now_ms)
        }
        ControlCommand::SubmitSession(_)
        | ControlCommand::SetDesired { .. }
        | ControlCommand::RequestCheckpoint { .. }
        | ControlCommand::PlaceSession { .. }
        | ControlCommand::ReleaseSession { .. }
        | ControlCommand::RecordRetry { .. }
        | ControlCommand::CommitCheckpoint { .. }
        | ControlCommand::FinishSession { .. }
        | ControlCommand::RemoveSession { .. }
        | ControlCommand::RecordPhase { .. }
        | ControlCommand::EvictSession { .. }
        | ControlCommand::ArchiveSession { .. } => execute_on_session(state, command, now_ms),
    };
    if result.is_ok() {
        note(state, command, effects);
    }
    result
}

fn execute_on_session(
    state: &mut ControlState,
    command: &ControlCommand,
    now_ms: u64,
) -> CommandResult {
    match command {
        ControlCommand::SubmitSession(new) => sessions::submit(state, new, now_ms),
        ControlCommand::SetDesired { session, desired, actor, reason } => {
            let reason = reason.as_deref().map(super::state::cut);
            let desired = Desired { state: *desired, actor: actor.clone(), reason, at_ms: now_ms };
            sessions::set_desired(state, session, desired)
        }
        ControlCommand::RequestCheckpoint { session } => {
            sessions::request_checkpoint(state, session)
        }
        ControlCommand::PlaceSession { session, node } => {
            sessions::place(state, session, node, now_ms)
        }
        ControlCommand::ReleaseSession { session, epoch, reason, lost } => {
            sessions::release(state, (session, *epoch), reason, *lost, now_ms)
        }
        ControlCommand::RecordRetry { session, epoch, retry_count, error, not_before_ms } => {
            let failure = sessions::Failure {
                count: *retry_count,
                error: error.as_deref(),
                not_before_ms: *not_before_ms,
            };
            sessions::record_retry(state, (session, *epoch), &failure)
        }
        ControlCommand::CommitCheckpoint { session, epoch, manifest, archive } => {
            let archive = archive.as_deref();
            sessions::commit_checkpoint(state, (session, *epoch), manifest, archive, now_ms)
        }
        ControlCommand::FinishSession {
            session,
            epoch,
            kind,
            detail,
            result,
            actor,
            facts,
            archive,
        } => {
            let end = sessions::End {
                kind: *kind,
                detail,
                result,
                actor,
                facts: facts.as_deref(),
                archive: archive.as_deref(),
            };
            sessions::finish(state, (session, *epoch), &end, now_ms)
        }
        ControlCommand::RemoveSession { session } => sessions::remove(state, session, now_ms),
        ControlCommand::RecordPhase { session, epoch, to, reason, actor, facts } => {
            let report = sessions::Report { to: *to, reason, actor, facts: facts.as_deref() };
            sessions::record_phase(state, (session, *epoch), &report, now_ms)
        }
        ControlCommand::EvictSession { session, epoch, reason, to } => {
            sessions::evict(state, (session, *epoch), reason, to.as_deref(), now_ms)
        }
        ControlCommand::ArchiveSession { session, epoch, archive } => {
            sessions::archive(state, (session, *epoch), archive)
        }
        ControlCommand::InitCluster { .. }
        | ControlCommand::RaiseVersion { .. }
        | ControlCommand::ChangeDocuments { .. }
        | ControlCommand::RegisterNode { .. }
        | ControlCommand::AdmitNode { .. }
        | ControlCommand::SetNodeState { .. }
        | ControlCommand::MarkDown { .. } => Ok(CommandOutput::Done),
    }
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
        ControlCommand::RegisterNode { node, .. }
        | ControlCommand::AdmitNode { node, .. }
        | ControlCommand::MarkDown { node, .. }
        | ControlCommand::SetNodeState { node, .. } => {
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
        | ControlCommand::RecordPhase { session, .. }
        | ControlCommand::EvictSession { session, .. }
        | ControlCommand::ArchiveSession { session, .. }
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
    // Afterwards entries are written that a member which does not know the version stops at.
    let unknown = |node: &super::state::Node| {
        node.member() && node.raft_id != 0 && u32::from(node.profile.protocol_max) < version
    };
    let behind: Vec<String> = state
        .nodes
        .iter()
        .filter(|(_, node)| unknown(node))
        .map(|(name, _)| name.to_owned())
        .collect();
    if !behind.is_empty() {
        return Err(Refusal::VersionUnknown { wanted: version, behind });
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
