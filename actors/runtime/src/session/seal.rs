//! What a session's report says about sealed rows: decided when its worker starts, from agreed facts alone, so that every
//! node decides the same.

use cluster::control::SessionKey;
use cluster::control::state::ControlState;
use engine::config::{Segment, SessionConfig};
use engine::evaluation::seal::{Reader, SealMark, mark};
use engine::ids::StrategyId;

use super::SessionState;
use super::book::wall;
use super::spec::SessionSpec;
use crate::documents::Documents;
use crate::error::ActorsError;
use crate::library::seal::{SEALS, SealDocument, record};

impl SessionState {
    /// Returns what the report of this session says.
    ///
    /// # Errors
    /// Tells when control state holds something that no submission of ours wrote.
    pub(super) fn seal_mark(&self) -> Result<SealMark, ActorsError> {
        let Some(strategy) = self.spec.strategy_id.filter(|_| 0.0 < self.spec.sealed_share) else {
            return Ok(SealMark::None);
        };
        let lineage = strategy.to_string();
        let documents = Documents::new(self.context.control.clone());
        let opened = documents.get::<SealDocument>(SEALS, &lineage)?;
        let opening = opened.map(|stored| record(&lineage, &stored));
        let reader = reader(&self.spec.config);
        let key = *self.id.uuid().as_bytes();
        let (submitted_ms, first) = self.context.control.read(|state| {
            let own = state.sessions.get(&key);
            let submitted_ms = own.map_or(i64::MAX, |own| wall(own.submitted_at_ms));
            (submitted_ms, reader == Reader::Final && is_first(state, &key, strategy))
        });
        Ok(mark(reader, submitted_ms, first, opening.as_ref()))
    }
}

fn reader(config: &SessionConfig) -> Reader {
    if config.segment() == Some(Segment::Sealed) { Reader::Final } else { Reader::Research }
}

/// Whether no session of the lineage that was submitted before was given the sealed rows, or may still be.
fn is_first(state: &ControlState, key: &SessionKey, strategy: StrategyId) -> bool {
    let Some(own) = state.sessions.get(key) else { return false };
    let looks = |spec: &[u8]| {
        SessionSpec::from_bytes(spec).is_ok_and(|spec| {
            spec.strategy_id == Some(strategy) && reader(&spec.config) == Reader::Final
        })
    };
    let earlier = state
        .sessions
        .iter()
        .filter(|other| other.submitted_order < own.submitted_order)
        .filter(|other| other.was_placed() || !other.ended())
        .any(|other| looks(&other.spec));
    let removed = state.removed.iter().filter(|kept| kept.submitted_order < own.submitted_order);
    !earlier && !removed.into_iter().any(|kept| looks(&kept.spec))
}
