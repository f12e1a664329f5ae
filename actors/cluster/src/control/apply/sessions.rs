//! What commands do to sessions.

use super::super::command::{DesiredState, NewSession, SessionKey};
use super::super::refusal::{CommandOutput, CommandResult, Dimension, Refusal};
use super::super::state::{
    ControlState, Desired, Eviction, Manifest, Node, Outcome, OutcomeKind, Phase, Placement,
    Removed, Resources, Segment, Session, cut, limits, within,
};

/// A session and the assignment that speaks for it.
type Holder<'a> = (&'a SessionKey, u64);

/// A failure as a holder reports it.
pub(super) struct Failure<'a> {
    pub(super) count: u32,
    pub(super) error: Option<&'a str>,
    pub(super) not_before_ms: u64,
}

/// A phase as a holder reports it.
pub(super) struct Report<'a> {
    pub(super) to: Option<Phase>,
    pub(super) reason: &'a str,
    pub(super) actor: &'a str,
    pub(super) facts: Option<&'a [u8]>,
}

/// An end as it is reported.
pub(super) struct End<'a> {
    pub(super) kind: OutcomeKind,
    pub(super) detail: &'a str,
    pub(super) result: &'a [u8],
    pub(super) actor: &'a str,
    pub(super) facts: Option<&'a [u8]>,
    pub(super) archive: Option<&'a [Segment]>,
}

pub(super) fn submit(state: &mut ControlState, new: &NewSession, now_ms: u64) -> CommandResult {
    within("spec bytes", new.spec.len(), limits::SPEC_BYTES_MAX)?;
    within("owner bytes", new.owner.len(), limits::NAME_BYTES_MAX)?;
    within("team bytes", new.team.len(), limits::NAME_BYTES_MAX)?;
    within("references", new.references.len(), limits::REFERENCE_COUNT_MAX)?;
    within("required labels", new.requires.labels.len(), limits::LABEL_COUNT_MAX)?;
    let texts = new.requires.labels.iter().flat_map(|(key, value)| [key, value]);
    for text in texts.chain(&new.requires.role).chain(&new.requires.node) {
        within("bytes of a requirement", text.len(), limits::NAME_BYTES_MAX)?;
    }
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

pub(super) fn set_desired(
    state: &mut ControlState,
    id: &SessionKey,
    desired: Desired,
) -> CommandResult {
    within("actor bytes", desired.actor.len(), limits::NAME_BYTES_MAX)?;
    let session = state.sessions.open_mut(id)?;
    if session.desired.state == desired.state {
        return Ok(CommandOutput::Done);
    }
    if session.desired.state == DesiredState::Stop {
        return Err(Refusal::SessionStopping { session: *id });
    }
    let (phase, verb) = match desired.state {
        DesiredState::Pause => {
            ((session.phase == Phase::Running).then_some(Phase::Pausing), "pause")
        }
        // It may never have stood still; then no report of its holder is due.
        DesiredState::Run if session.phase == Phase::Pausing => (Some(Phase::Running), "resume"),
        DesiredState::Run if session.phase == Phase::Paused && session.placement.is_none() => {
            (Some(Phase::Pending), "resume")
        }
        DesiredState::Run => (None, "resume"),
        DesiredState::Stop => {
            ((session.phase != Phase::Stopping).then_some(Phase::Stopping), "stop")
        }
    };
    let reason = desired.reason.clone().unwrap_or_else(|| format!("{verb} on request"));
    let (actor, at_ms) = (desired.actor.clone(), desired.at_ms);
    session.desired = desired;
    if session.desired.state == DesiredState::Stop && session.placement.is_none() {
        end(session, Phase::Stopped, &reason, &actor, at_ms);
    } else if let Some(phase) = phase {
        session.turn(phase, &reason, &actor, at_ms);
    }
    Ok(CommandOutput::Done)
}

/// Ends a session that no node holds.
fn end(session: &mut Session, phase: Phase, reason: &str, actor: &str, at_ms: u64) {
    session.placement = None;
    session.eviction = None;
    session.outcome = Some(Outcome {
        kind: OutcomeKind::Stopped,
        detail: cut(reason),
        result: Vec::new(),
        at_ms,
    });
    session.turn(phase, reason, actor, at_ms);
}

pub(super) fn request_checkpoint(state: &mut ControlState, id: &SessionKey) -> CommandResult {
    let session = state.sessions.open_mut(id)?;
    session.checkpoint_requests += 1;
    Ok(CommandOutput::Count(session.checkpoint_requests))
}

pub(super) fn place(
    state: &mut ControlState,
    id: &SessionKey,
    name: &str,
    now_ms: u64,
) -> CommandResult {
    let node =
        state.nodes.get(name).ok_or_else(|| Refusal::NodeMissing { node: name.to_owned() })?;
    let (open, node_state, down) = (node.open(), node.state, node.down_since_ms.is_some());
    let free = node.capacity.minus(state.sessions.reserved_on(name));
    let session = state.sessions.open_mut(id)?;
    if session.desired.state == DesiredState::Stop {
        return Err(Refusal::SessionStopping { session: *id });
    }
    if let Some(placement) = &session.placement {
        let (node, epoch) = (placement.node.clone(), placement.epoch);
        return Err(Refusal::AlreadyPlaced { session: *id, node, epoch });
    }
    if !open {
        let shown = if down { super::super::state::NodeState::Down } else { node_state };
        return Err(Refusal::NodeNotReady { node: name.to_owned(), state: shown });
    }
    fits(name, session.resources, free)?;
    session.epoch += 1;
    session.release_reason = None;
    session.eviction = None;
    session.target = None;
    session.placement =
        Some(Placement { node: name.to_owned(), epoch: session.epoch, at_ms: now_ms });
    session.turn(Phase::Placed, &format!("placed on {name}"), "scheduler", now_ms);
    Ok(CommandOutput::Epoch(session.epoch))
}

fn fits(node: &str, wanted: Resources, free: Resources) -> Result<(), Refusal> {
    let dimensions = [
        (Dimension::CpuMillis, wanted.cpu_millis, free.cpu_millis),
        (Dimension::MemoryMib, wanted.memory_mib, free.memory_mib),
        (Dimension::Gpus, u64::from(wanted.gpus), u64::from(free.gpus)),
        (Dimension::GpuMemoryMib, wanted.gpu_memory_mib, free.gpu_memory_mib),
        (Dimension::DiskMib, wanted.disk_mib, free.disk_mib),
    ];
    match dimensions.into_iter().find(|(_, wanted, free)| wanted > free) {
        Some((dimension, wanted, free)) => {
            Err(Refusal::NoCapacity { node: node.to_owned(), dimension, wanted, free })
        }
        None => Ok(()),
    }
}

/// Returns the session if `epoch` is the assignment that holds it now.
fn held<'a>(state: &'a mut ControlState, holder: Holder<'_>) -> Result<&'a mut Session, Refusal> {
    let (id, epoch) = holder;
    let session = state.sessions.open_mut(id)?;
    match &session.placement {
        Some(placement) if placement.epoch == epoch => Ok(session),
        Some(_) | None => {
            Err(Refusal::StaleEpoch { session: *id, current: session.epoch, found: epoch })
        }
    }
}

pub(super) fn release(
    state: &mut ControlState,
    holder: Holder<'_>,
    reason: &str,
    lost: bool,
    now_ms: u64,
) -> CommandResult {
    let node = held(state, holder)?.placement.as_ref().map(|placement| placement.node.clone());
    let node = node.unwrap_or_default();
    let gone = |node: &Node| node.down_since_ms.is_some() || !node.member();
    // A node that came back meanwhile still holds it: only what is agreed at this entry counts.
    if lost && !state.nodes.get(&node).is_none_or(gone) {
        return Err(Refusal::NodeNotLost { node });
    }
    let session = held(state, holder)?;
    session.placement = None;
    session.release_reason = Some(cut(reason));
    session.target = session.eviction.take().and_then(|eviction| eviction.to);
    match session.desired.state {
        DesiredState::Stop => end(session, Phase::Stopped, reason, "scheduler", now_ms),
        // It stands still anyway and gets a node when it shall go on.
        DesiredState::Pause => session.turn(Phase::Paused, reason, "scheduler", now_ms),
        DesiredState::Run if lost && session.began() => {
            session.turn(Phase::Recovering, reason, "scheduler", now_ms);
        }
        DesiredState::Run => session.turn(Phase::Pending, reason, "scheduler", now_ms),
    }
    Ok(CommandOutput::Done)
}

pub(super) fn record_retry(
    state: &mut ControlState,
    holder: Holder<'_>,
    failure: &Failure<'_>,
) -> CommandResult {
    let session = held(state, holder)?;
    session.retry.count = failure.count;
    session.retry.not_before_ms = failure.not_before_ms;
    if let Some(error) = failure.error.map(cut) {
        session.retry.first_error.get_or_insert_with(|| error.clone());
        session.retry.last_error = Some(error);
    }
    Ok(CommandOutput::Done)
}

pub(super) fn record_phase(
    state: &mut ControlState,
    holder: Holder<'_>,
    report: &Report<'_>,
    now_ms: u64,
) -> CommandResult {
    within("facts bytes", report.facts.map_or(0, <[u8]>::len), limits::FACTS_BYTES_MAX)?;
    within("actor bytes", report.actor.len(), limits::NAME_BYTES_MAX)?;
    let session = held(state, holder)?;
    let from = session.phase;
    if let Some(to) = report.to.filter(|to| *to != from) {
        if to.is_terminal() || !from.may_lead_to(to) || outdated(session, to) {
            return Err(Refusal::PhaseNotNext { session: *holder.0, from, to });
        }
        session.turn(to, report.reason, report.actor, now_ms);
    }
    if let Some(facts) = report.facts {
        session.facts = facts.to_vec();
    }
    Ok(CommandOutput::Done)
}

/// Whether a report answers an earlier wish while the opposite was accepted since: the next report counts.
fn outdated(session: &Session, to: Phase) -> bool {
    match session.desired.state {
        DesiredState::Pause => {
            matches!(session.phase, Phase::Pausing | Phase::Paused) && to == Phase::Running
        }
        DesiredState::Run => session.phase == Phase::Running && to == Phase::Paused,
        DesiredState::Stop => false,
    }
}

pub(super) fn commit_checkpoint(
    state: &mut ControlState,
    holder: Holder<'_>,
    manifest: &Manifest,
    archive: Option<&[Segment]>,
    now_ms: u64,
) -> CommandResult {
    within("nodes of a checkpoint", manifest.nodes.len(), limits::HOLDER_COUNT_MAX)?;
    check_archive(archive.unwrap_or_default())?;
    let session = held(state, holder)?;
    if let Some(newest) =
        session.checkpoints.last().map(|newest| newest.step).filter(|step| manifest.step <= *step)
    {
        return Err(Refusal::StepNotIncreasing {
            session: *holder.0,
            newest,
            found: manifest.step,
        });
    }
    session.checkpoints.push(Manifest { at_ms: now_ms, ..manifest.clone() });
    if session.checkpoints.len() > limits::CHECKPOINT_COUNT_MAX {
        session.checkpoints.remove(0);
    }
    if let Some(archive) = archive {
        session.archive = archive.to_vec();
    }
    Ok(CommandOutput::Done)
}

fn check_archive(archive: &[Segment]) -> Result<(), Refusal> {
    within("files of an archive", archive.len(), limits::SEGMENT_COUNT_MAX)?;
    let holders = archive.iter().map(|segment| segment.nodes.len()).max().unwrap_or(0);
    within("nodes of a file", holders, limits::HOLDER_COUNT_MAX)
}

pub(super) fn evict(
    state: &mut ControlState,
    holder: Holder<'_>,
    reason: &str,
    to: Option<&str>,
    now_ms: u64,
) -> CommandResult {
    within("node name bytes", to.map_or(0, str::len), limits::NAME_BYTES_MAX)?;
    let session = held(state, holder)?;
    if session.desired.state == DesiredState::Stop {
        return Err(Refusal::SessionStopping { session: *holder.0 });
    }
    // The first wish stands: repeating it must not move the time at which patience ends.
    session.eviction.get_or_insert_with(|| Eviction {
        epoch: holder.1,
        reason: cut(reason),
        to: to.map(str::to_owned),
        at_ms: now_ms,
    });
    Ok(CommandOutput::Done)
}

pub(super) fn archive(
    state: &mut ControlState,
    holder: Holder<'_>,
    archive: &[Segment],
) -> CommandResult {
    check_archive(archive)?;
    let (id, epoch) = holder;
    let session = state.sessions.get_mut(id).ok_or(Refusal::SessionMissing { session: *id })?;
    if session.epoch != epoch {
        return Err(Refusal::StaleEpoch { session: *id, current: session.epoch, found: epoch });
    }
    session.archive = archive.to_vec();
    Ok(CommandOutput::Done)
}

pub(super) fn finish(
    state: &mut ControlState,
    holder: Holder<'_>,
    end: &End<'_>,
    now_ms: u64,
) -> CommandResult {
    within("result bytes", end.result.len(), limits::RESULT_BYTES_MAX)?;
    within("facts bytes", end.facts.map_or(0, <[u8]>::len), limits::FACTS_BYTES_MAX)?;
    within("actor bytes", end.actor.len(), limits::NAME_BYTES_MAX)?;
    check_archive(end.archive.unwrap_or_default())?;
    let (id, epoch) = holder;
    let session = state.sessions.open_mut(id)?;
    if session.epoch != epoch {
        return Err(Refusal::StaleEpoch { session: *id, current: session.epoch, found: epoch });
    }
    session.placement = None;
    session.eviction = None;
    if let Some(facts) = end.facts {
        session.facts = facts.to_vec();
    }
    if let Some(archive) = end.archive {
        session.archive = archive.to_vec();
    }
    let phase = match end.kind {
        OutcomeKind::Completed => Phase::Completed,
        OutcomeKind::Stopped => Phase::Stopped,
        OutcomeKind::Failed => Phase::Failed,
    };
    session.outcome = Some(Outcome {
        kind: end.kind,
        detail: cut(end.detail),
        result: end.result.to_vec(),
        at_ms: now_ms,
    });
    session.turn(phase, end.detail, end.actor, now_ms);
    Ok(CommandOutput::Done)
}

pub(super) fn remove(state: &mut ControlState, id: &SessionKey, now_ms: u64) -> CommandResult {
    let session = state.sessions.get(id).ok_or(Refusal::SessionMissing { session: *id })?;
    if !session.ended() {
        return Err(Refusal::SessionNotEnded { session: *id });
    }
    if let Some(kept) = Removed::of(session, now_ms) {
        let count = state.removed.count().saturating_add(1);
        within("removed sessions", count, limits::REMOVED_COUNT_MAX)?;
        state.removed.add(kept);
    }
    state.sessions.remove(id);
    Ok(CommandOutput::Done)
}
