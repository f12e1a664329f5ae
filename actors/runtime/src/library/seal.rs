//! The seal of a strategy: how many rows it keeps from everybody, and whether it was opened. The rules stand in
//! `engine::evaluation::seal`; here they meet control state.
//!
//! `seal/<id>` is written once and by nobody changed or removed: two that open at once cannot both succeed.

use std::collections::BTreeMap;

use cluster::control::Expected;
use engine::evaluation::seal::{self, OpeningRecord, Refusal};
use engine::ids::StrategyId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::LibraryState;
use super::document::{VersionDocument, versions_of};
use crate::clock::rfc3339;
use crate::documents::{Stored, put};
use crate::error::ActorsError;
use crate::messages::Command;
use crate::rules;
use crate::views::{SealOpeningView, SealView};

/// Collection of openings.
pub(crate) const SEALS: &str = "seal";
/// Longest reason, characters.
const REASON_CHARS_MAX: usize = 500;

/// The opening of a strategy's seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealDocument {
    /// Who opened it.
    pub(crate) by: String,
    /// Why.
    pub(crate) reason: String,
    /// The command that did.
    pub(crate) command: String,
}

/// Returns an opening as the engine's rules know it. The time is that of the agreed entry.
pub(crate) fn record(lineage: &str, stored: &Stored<SealDocument>) -> OpeningRecord {
    OpeningRecord {
        lineage: lineage.to_owned(),
        by: stored.value.by.clone(),
        reason: stored.value.reason.clone(),
        opened_ms: stored.created_ms,
    }
}

/// Returns the largest share that any of the versions seals: what was sealed once stays so.
pub(super) fn share_of<'a>(versions: impl IntoIterator<Item = &'a VersionDocument>) -> f64 {
    versions.into_iter().map(|version| version.config.seal.share).fold(0.0, f64::max)
}

impl LibraryState {
    /// Returns how a strategy's seal stands.
    pub(super) fn seal(&self, id: StrategyId) -> Result<SealView, ActorsError> {
        self.get(id)?;
        let versions = self.documents.list::<VersionDocument>(&versions_of(id))?;
        let share = share_of(versions.iter().map(|version| &version.value));
        let opening = self.opening(id)?.map(|stored| {
            Ok::<_, ActorsError>(SealOpeningView {
                by: stored.value.by.parse().map_err(ActorsError::internal)?,
                reason: stored.value.reason.clone(),
                opened_at: rfc3339(stored.created_ms),
            })
        });
        Ok(SealView { strategy_id: id, share, opening: opening.transpose()? })
    }

    fn opening(&self, id: StrategyId) -> Result<Option<Stored<SealDocument>>, ActorsError> {
        self.documents.get(SEALS, &id.to_string())
    }

    /// Opens a strategy's seal, once and for ever. Repeating the command returns what stands.
    pub(super) async fn open_seal(
        &mut self,
        command: &Command,
        id: StrategyId,
        reason: &str,
    ) -> Result<SealView, ActorsError> {
        let stands = self.seal(id)?;
        let lineage = id.to_string();
        let before = self.opening(id)?;
        let reason = reason.trim().to_owned();
        let own = command.id.to_string();
        if let Some(found) = before.as_ref().filter(|found| found.value.command == own) {
            return if found.value.reason == reason {
                Ok(stands)
            } else {
                let found = format!("the seal of strategy {id}");
                Err(ActorsError::IdempotencyMismatch { found })
            };
        }
        let seals = 0.0 < stands.share;
        if !seals {
            return Err(ActorsError::Conflict {
                detail: format!(
                    "strategy {id} seals nothing (seal.share is 0 in every version): there is nothing to open. Every row may \
                     be read already"
                ),
                params: BTreeMap::from([("share".to_owned(), json!(0.0))]),
            });
        }
        let count = reason.chars().count();
        if let Some(violation) = rules::longer("/reason", count, REASON_CHARS_MAX) {
            return Err(violation.into());
        }
        let by = command.actor.clone();
        let wanted = OpeningRecord {
            lineage: lineage.clone(),
            by: by.clone(),
            reason: reason.clone(),
            opened_ms: 0,
        };
        let before = before.map(|stored| record(&lineage, &stored));
        seal::open(wanted, before.as_ref()).map_err(|refusal| refused(&refusal))?;
        let document = SealDocument { by, reason, command: own };
        let change = put(SEALS, &lineage, Expected::Absent, &document)?;
        match self.documents.change(command.id, vec![change]).await {
            Ok(_) => {}
            // Somebody else was faster.
            Err(ActorsError::Conflict { .. }) => {
                let before = self.opening(id)?.map(|stored| record(&lineage, &stored));
                let Some(before) = before else {
                    return Err(ActorsError::internal("a seal is neither open nor closed"));
                };
                let (lineage, by, opened_ms) = (before.lineage, before.by, before.opened_ms);
                return Err(refused(&Refusal::Opened { lineage, by, opened_ms }));
            }
            Err(error) => return Err(error),
        }
        tracing::info!(strategy = %id, by = %document.by, reason = %document.reason, "seal opened");
        self.seal(id)
    }
}

/// Returns what the caller is told of a refusal.
fn refused(refusal: &Refusal) -> ActorsError {
    let detail = refusal.to_string();
    match refusal {
        Refusal::Opened { by, opened_ms, .. } => ActorsError::Conflict {
            detail,
            params: BTreeMap::from([
                ("by".to_owned(), json!(by)),
                ("opened_at".to_owned(), json!(rfc3339(*opened_ms))),
            ]),
        },
        Refusal::Reason { wanted, found } => {
            engine::config::Violation::new("/reason", "out_of_range", detail)
                .with("min", *wanted)
                .with("max", REASON_CHARS_MAX)
                .with("got", *found)
                .into()
        }
        Refusal::Share { .. } => ActorsError::internal(detail),
    }
}
