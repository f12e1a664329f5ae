//! What a session's report says about sealed rows: decided when its worker starts, from agreed facts alone, so that every
//! node decides the same.

use std::collections::BTreeSet;

use cluster::control::state::{ControlState, Phase, Session};
use engine::config::{Segment, SessionConfig};
use engine::evaluation::seal::{Before, Reader, SealMark, mark};

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
        let (submitted_ms, before) = self.context.control.read(|state| {
            let own = state.sessions.get(&key);
            let submitted_ms = own.map_or(i64::MAX, |own| wall(own.submitted_at_ms));
            let before = own.map_or_else(Before::default, |own| before(state, own, &self.spec));
            (submitted_ms, before)
        });
        Ok(mark(reader, submitted_ms, before, opening.as_ref()))
    }
}

fn reader(config: &SessionConfig) -> Reader {
    if config.segment() == Some(Segment::Sealed) { Reader::Final } else { Reader::Research }
}

/// Returns what other sessions of the lineage saw before this one did. What never got a node saw nothing; of the others the
/// order is that in which they first got one.
fn before(state: &ControlState, own: &Session, spec: &SessionSpec) -> Before {
    let mut found = Before::default();
    let mut snapshots = BTreeSet::new();
    let mut saw = |bytes: &[u8]| {
        let Ok(other) = SessionSpec::from_bytes(bytes) else { return };
        if other.strategy_id != spec.strategy_id {
            return;
        }
        found.looked |= reader(&other.config) == Reader::Final;
        if other.dataset_sha256 != spec.dataset_sha256 {
            snapshots.insert(other.dataset_sha256);
        }
    };
    state
        .sessions
        .iter()
        .filter(|other| other.id != own.id && other.was_placed())
        .filter(|other| began(other) < began(own))
        .for_each(|other| saw(&other.spec));
    state
        .removed
        .iter()
        .filter(|kept| kept.submitted_order < own.submitted_order)
        .for_each(|kept| saw(&kept.spec));
    found.other_snapshots = u32::try_from(snapshots.len()).unwrap_or(u32::MAX);
    found
}

/// Returns a session's place in the order in which sessions first got a node: when, as far back as is remembered, and
/// the order of submission where that is the same.
fn began(session: &Session) -> (u64, u64) {
    let mut turns = session.timeline.iter();
    let placed = turns.clone().find(|turn| turn.phase == Phase::Placed).or_else(|| turns.next());
    (placed.map_or(u64::MAX, |turn| turn.at_ms), session.submitted_order)
}
