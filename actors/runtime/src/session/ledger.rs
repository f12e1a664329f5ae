//! Rows and transitions of sessions in the journal. A row is JSON: its configuration outlives the struct.

use engine::ids::SessionId;
use store::records::session::StatusRecord;
use store::tables::{NewTransition, Sessions};

use super::book::Row;
use super::lifecycle;
use crate::clock::rfc3339;
use crate::error::ActorsError;
use crate::views::{SessionState, TransitionView};

/// Layout of a row; fields are only ever added, with a default that means the old behaviour.
const LAYOUT: u32 = 1;
/// Transitions shown of one session.
const TIMELINE_MAX: usize = 10_000;

/// The registry's part of the journal.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    table: Sessions,
}

impl Ledger {
    pub(crate) fn new(table: Sessions) -> Self {
        Self { table }
    }

    /// Returns every row.
    ///
    /// # Errors
    /// Tells when one is damaged or was written by a newer program.
    pub(crate) fn rows(&self) -> Result<Vec<Row>, ActorsError> {
        let rows = self.table.statuses().map_err(broken)?;
        rows.into_iter()
            .map(|(_, status)| {
                if status.layout != LAYOUT {
                    let detail = format!(
                        "wanted a session of layout {LAYOUT}, found {}; upgrade",
                        status.layout
                    );
                    return Err(ActorsError::Store { detail });
                }
                serde_json::from_slice(&status.body).map_err(|error| broken(error.to_string()))
            })
            .collect()
    }

    /// Makes a row durable, with the transition that led to it.
    ///
    /// # Errors
    /// Tells when the journal does not write.
    pub(crate) async fn commit(
        &self,
        row: &Row,
        transition: Option<(&TransitionView, i64)>,
    ) -> Result<(), ActorsError> {
        let body = serde_json::to_vec(row).map_err(ActorsError::internal)?;
        let status = StatusRecord { revision: row.view.revision, layout: LAYOUT, body };
        let key = *row.view.id.uuid().as_bytes();
        let Some((transition, at_ms)) = transition else {
            return self.table.put_status(&key, &status).await.map_err(broken);
        };
        let new = NewTransition {
            at_ms: u64::try_from(at_ms).unwrap_or(0),
            from: transition.from.map(|state| lifecycle::word(state).to_owned()),
            to: lifecycle::word(transition.to).to_owned(),
            reason: transition.reason.clone(),
            actor: transition.actor.clone(),
        };
        self.table.append(&key, new, Some(&status)).await.map_err(broken)?;
        Ok(())
    }

    /// Returns the transitions of a session, oldest first.
    ///
    /// # Errors
    /// Tells when one is damaged.
    pub(crate) fn timeline(&self, session: SessionId) -> Result<Vec<TransitionView>, ActorsError> {
        let records =
            self.table.transitions(session.uuid().as_bytes(), 0, TIMELINE_MAX).map_err(broken)?;
        records
            .into_iter()
            .map(|record| {
                Ok(TransitionView {
                    seq: record.seq,
                    at: rfc3339(i64::try_from(record.at_ms).unwrap_or(i64::MAX)),
                    from: record.from.as_deref().map(state_of).transpose()?,
                    to: state_of(&record.to)?,
                    reason: record.reason,
                    actor: record.actor,
                })
            })
            .collect()
    }
}

fn state_of(word: &str) -> Result<SessionState, ActorsError> {
    lifecycle::from_word(word).ok_or_else(|| {
        broken(format!("'{word}' is no state of a session; a newer program wrote it"))
    })
}

fn broken(error: impl std::fmt::Display) -> ActorsError {
    ActorsError::Store { detail: error.to_string() }
}
