//! The rows behind the views of sessions: made from control state, freshened by signs of life, paged. Pure.

use std::collections::BTreeMap;

use cluster::control::state::{OutcomeKind, Session};
use engine::ids::{Epoch, SessionId};
use engine::session::protocol::Progress;
use uuid::Uuid;

use super::known::Known;
use super::lifecycle;
use super::spec::SessionSpec;
use crate::clock::rfc3339;
use crate::error::ActorsError;
use crate::messages::page_limit;
use crate::messages::sessions::{ListSessions, Pulse};
use crate::views::{Page, ProgressView, SeenView, SessionState, SessionView, TransitionView};

/// Letter before the number in a cursor, so that a foreign one is noticed.
const CURSOR: char = 's';

/// One session as the registry keeps it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// What is shown.
    pub(crate) view: SessionView,
    /// What its holder found out, signs of life included.
    pub(crate) known: Known,
    /// Changes of phase so far.
    pub(crate) seq: u64,
    /// Order of submission over the whole cluster.
    pub(crate) order: u64,
    /// Step of the newest checkpoint.
    pub(crate) last_step: Option<u64>,
    /// Command id that submitted it, hexadecimal.
    pub(crate) command: String,
}

/// Returns the identifier of a session of control state.
pub(crate) fn id_of(session: &Session) -> SessionId {
    SessionId::from_uuid(Uuid::from_bytes(session.id))
}

/// Returns wall time of control state as ours.
pub(crate) fn wall(at_ms: u64) -> i64 {
    i64::try_from(at_ms).unwrap_or(i64::MAX)
}

impl Row {
    /// Returns the row of a session as control state has it.
    ///
    /// # Errors
    /// Tells when control state holds something that no submission of ours wrote.
    pub(crate) fn of(session: &Session, mut known: Known) -> Result<Self, ActorsError> {
        if session.ended() {
            known.at_rest();
        }
        let broken = |error: engine::ids::IdError| ActorsError::Store { detail: error.to_string() };
        let spec = SessionSpec::from_bytes(&session.spec)?;
        let reproducibility = spec.reproducibility().to_owned();
        let last = session.timeline.last();
        let placed = session.placement.as_ref().map(|placement| &placement.node);
        // Of one that has ended: where it ran last.
        let node = placed.or(known.node.as_ref().filter(|_| session.ended()));
        let view = SessionView {
            id: id_of(session),
            name: spec.name,
            kind: spec.config.kind(),
            state: lifecycle::state_of(session.phase),
            reason: last.map(|turn| turn.reason.clone()).unwrap_or_default(),
            owner: session.owner.parse().map_err(broken)?,
            strategy_id: spec.strategy_id,
            strategy_name: spec.strategy_name,
            strategy_version: spec.strategy_version,
            dataset_id: spec.dataset_id,
            dataset_name: spec.dataset_name,
            dataset_sha256: spec.dataset_sha256,
            node: node.and_then(|name| name.parse().ok()),
            epoch: Epoch(session.epoch),
            config: spec.config,
            resources: spec.resources,
            priority: session.priority,
            tags: spec.tags,
            progress: known.progress.clone(),
            last_metrics: known.metrics.clone(),
            retry_count: known.retry_count,
            first_error: session.retry.first_error.clone().or_else(|| known.first_error.clone()),
            model_sha256: known.model_sha256.clone().or(spec.model_sha256),
            report_sha256: known.report_sha256.clone(),
            reproducibility,
            build: known.build.clone().unwrap_or(spec.build),
            limits: known.limits.clone(),
            created_at: rfc3339(wall(session.submitted_at_ms)),
            started_at: known.started_at.clone(),
            finished_at: session.outcome.as_ref().map(|outcome| rfc3339(wall(outcome.at_ms))),
            revision: session.revision,
        };
        let seq = last.map_or(0, |turn| turn.seq);
        Ok(Self {
            view,
            known,
            seq,
            order: session.submitted_order,
            last_step: session.last_checkpoint().map(|manifest| manifest.step),
            command: spec.command,
        })
    }

    /// Returns how far it is.
    pub(crate) fn seen(&self) -> SeenView {
        SeenView {
            session_id: self.view.id,
            epoch: self.view.epoch.0,
            progress: self.view.progress.clone(),
            last_metrics: self.view.last_metrics.clone(),
        }
    }

    /// Takes in a sign of life.
    pub(crate) fn feel(&mut self, pulse: Pulse) {
        match pulse {
            Pulse::Progress(progress) => self.known.progress = progress_view(progress),
            Pulse::Metrics(newest) => self.known.measured(&newest),
            Pulse::Seen { progress, newest } => {
                self.known.progress = progress;
                self.known.measured(&newest);
            }
        }
        self.view.progress = self.known.progress.clone();
        self.view.last_metrics = self.known.metrics.clone();
    }
}

/// Returns the changes of phase of a session that come after number `seen`, oldest first.
pub(crate) fn turns_after(session: &Session, seen: u64) -> Vec<TransitionView> {
    let mut before = None;
    let mut found = Vec::new();
    for turn in &session.timeline {
        let to = lifecycle::state_of(turn.phase);
        if turn.seq > seen {
            found.push(TransitionView {
                seq: turn.seq,
                at: rfc3339(wall(turn.at_ms)),
                from: before,
                to,
                reason: turn.reason.clone(),
                actor: turn.actor.clone(),
            });
        }
        before = Some(to);
    }
    found
}

fn progress_view(progress: Progress) -> ProgressView {
    let Progress { step, step_count, epoch_index, epoch_count, phase, steps_per_second } = progress;
    let ratio = (0 < step_count).then(|| (float(step) / float(step_count)).min(1.0));
    let rate = (steps_per_second.is_finite() && 0.0 < steps_per_second).then_some(steps_per_second);
    let left = float(step_count.saturating_sub(step));
    let eta_seconds = rate.filter(|_| 0 < step_count).map(|rate| left / rate);
    ProgressView {
        ratio,
        step,
        step_count,
        epoch_index,
        epoch_count,
        phase,
        steps_per_second: rate,
        eta_seconds,
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown to people; steps stay far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

/// Returns the outcome that a terminal state means.
pub(crate) fn outcome_of(state: SessionState) -> Option<OutcomeKind> {
    match state {
        SessionState::Completed => Some(OutcomeKind::Completed),
        SessionState::Stopped => Some(OutcomeKind::Stopped),
        SessionState::Failed => Some(OutcomeKind::Failed),
        SessionState::Pending
        | SessionState::Placed
        | SessionState::Starting
        | SessionState::Running
        | SessionState::Pausing
        | SessionState::Paused
        | SessionState::Stopping
        | SessionState::Recovering => None,
    }
}

/// Returns one page, newest first. `by_order` leads from the order of submission to the session.
///
/// # Errors
/// Refuses a cursor that this list did not make.
pub(crate) fn page(
    rows: &BTreeMap<SessionId, Row>,
    by_order: &BTreeMap<u64, SessionId>,
    filter: &ListSessions,
) -> Result<Page<SessionView>, ActorsError> {
    let before = match &filter.after {
        None => u64::MAX,
        Some(text) => text
            .strip_prefix(CURSOR)
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| ActorsError::BadCursor { got: text.chars().take(80).collect() })?,
    };
    let limit = page_limit(filter.limit);
    let mut found = by_order
        .range(..before)
        .rev()
        .filter_map(|(order, id)| rows.get(id).map(|row| (*order, row)))
        .filter(|(_, row)| filter.kind.is_none_or(|kind| row.view.kind == kind))
        .filter(|(_, row)| filter.state.is_none_or(|state| row.view.state == state))
        .filter(|(_, row)| filter.strategy_id.is_none_or(|id| row.view.strategy_id == Some(id)));
    let mut items = Vec::new();
    let mut last = None;
    for (order, row) in found.by_ref().take(limit) {
        items.push(row.view.clone());
        last = Some(order);
    }
    let next = found.next().and(last).map(|order| format!("{CURSOR}{order}"));
    Ok(Page { items, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_known_only_when_the_whole_is() {
        let progress = Progress {
            step: 5,
            step_count: 0,
            epoch_index: 0,
            epoch_count: 1,
            phase: "collect".to_owned(),
            steps_per_second: 10.0,
        };
        let view = progress_view(progress.clone());
        assert_eq!((view.ratio, view.eta_seconds), (None, None));
        let view = progress_view(Progress { step_count: 25, ..progress.clone() });
        assert_eq!((view.ratio, view.eta_seconds), (Some(0.2), Some(2.0)));
        let view =
            progress_view(Progress { step_count: 25, steps_per_second: f64::NAN, ..progress });
        assert_eq!((view.steps_per_second, view.eta_seconds), (None, None));
    }

    #[test]
    fn foreign_cursors_are_refused() {
        for text in ["", "12", "x1", "s", "s-1", "s99999999999999999999999"] {
            let filter = ListSessions { after: Some(text.to_owned()), ..ListSessions::default() };
            assert!(page(&BTreeMap::new(), &BTreeMap::new(), &filter).is_err(), "{text}");
        }
    }
}
