//! What the first version kept of sessions in this node's journal: read when control state knows nothing better.

use std::collections::BTreeMap;

use engine::ids::SessionId;
use serde::Deserialize;
use store::tables::Sessions;

use super::known::Known;
use crate::error::ActorsError;
use crate::views::ProgressView;

/// As much of an old row as control state does not hold.
#[derive(Deserialize)]
struct Row {
    view: View,
}

#[derive(Deserialize)]
struct View {
    id: SessionId,
    progress: ProgressView,
    last_metrics: BTreeMap<String, Option<f64>>,
    retry_count: u32,
    first_error: Option<String>,
    model_sha256: Option<String>,
    report_sha256: Option<String>,
    build: String,
    started_at: Option<String>,
    node: Option<String>,
}

/// Returns what older versions of the program knew of sessions.
///
/// # Errors
/// Tells when a row is damaged.
pub(crate) fn known(table: &Sessions) -> Result<BTreeMap<SessionId, Known>, ActorsError> {
    let broken = |error: String| ActorsError::Store { detail: error };
    let rows = table.statuses().map_err(|error| broken(error.to_string()))?;
    let mut found = BTreeMap::new();
    for (_, status) in rows {
        let Row { view } =
            serde_json::from_slice(&status.body).map_err(|error| broken(error.to_string()))?;
        let known = Known {
            build: Some(view.build),
            model_sha256: view.model_sha256,
            report_sha256: view.report_sha256,
            first_error: view.first_error,
            retry_count: view.retry_count,
            metrics: view.last_metrics,
            progress: view.progress,
            started_at: view.started_at,
            node: view.node,
            limits: None,
        };
        found.insert(view.id, known);
    }
    Ok(found)
}
