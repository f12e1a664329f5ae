//! Typed reads and writes over the journal: one table per noun.
//!
//! A table is cheap to clone. Tables that number their rows keep the next number in memory: **open each table once per
//! journal and clone it**, two separate ones would give the same numbers.

mod checkpoints;
mod counters;
mod logs;
mod metrics;
mod sessions;
mod values;

use crate::error::StoreError;
use crate::journal::Journal;

pub use checkpoints::Checkpoints;
pub use logs::{LOG_LINES_MAX, Logs, NewLine};
pub use metrics::{Appended, Metrics, Point, StoredPoint};
pub use sessions::{NewTransition, Sessions};
pub use values::{Values, value_id};

/// Sixteen bytes that name a session.
pub type SessionKey = [u8; 16];

/// All tables of one journal.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Status and transitions.
    pub sessions: Sessions,
    /// Metric points.
    pub metrics: Metrics,
    /// Log lines.
    pub logs: Logs,
    /// Checkpoints.
    pub checkpoints: Checkpoints,
    /// Named values of this node.
    pub values: Values,
}

impl Tables {
    /// Opens all tables of a journal; once per journal.
    #[must_use]
    pub fn open(journal: &Journal) -> Self {
        Self {
            sessions: Sessions::open(journal),
            metrics: Metrics::open(journal),
            logs: Logs::open(journal),
            checkpoints: Checkpoints::open(journal),
            values: Values::open(journal),
        }
    }

    /// Removes everything of a session, in batches of rows; harmless when there is nothing.
    ///
    /// # Errors
    /// When the journal does not write; repeat it then.
    pub async fn remove_session(&self, session: &SessionKey) -> Result<(), StoreError> {
        self.sessions.remove(session).await?;
        self.metrics.remove(session).await?;
        self.logs.remove(session).await?;
        self.checkpoints.remove(session).await
    }
}
