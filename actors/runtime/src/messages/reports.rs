//! Reports: what a session computed.

use engine::config::SessionKind;
use engine::evaluation::report::BacktestReport;
use engine::ids::SessionId;
use engine::session::evaluation::EvaluationReport;
use engine::session::labelling::LabellingReport;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;
use serde::de::DeserializeOwned;

use super::ask;
use crate::directory::Directory;
use crate::error::ActorsError;

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "reports";

/// Everything the reports actor can be asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum ReportsMsg {
    /// The report of a session of this kind.
    Report {
        session: SessionId,
        kind: SessionKind,
        reply: RpcReplyPort<Result<Vec<u8>, ActorsError>>,
    },
}

/// The door to reports.
#[derive(Debug, Clone)]
pub struct ReportsHandle {
    directory: Directory,
}

impl ReportsHandle {
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory }
    }

    /// Returns the report of a finished back-test.
    ///
    /// # Errors
    /// Says why there is none: unknown session, not a back-test, still running, failed.
    pub async fn report(&self, session: SessionId) -> Result<BacktestReport, ActorsError> {
        self.read(session, SessionKind::Backtest).await
    }

    /// Returns the regimes that a finished labelling found.
    ///
    /// # Errors
    /// Says why there is none: unknown session, not a labelling, still running, failed.
    pub async fn labels(&self, session: SessionId) -> Result<LabellingReport, ActorsError> {
        self.read(session, SessionKind::Labelling).await
    }

    /// Returns what a finished evaluation found.
    ///
    /// # Errors
    /// Says why there is none: unknown session, not an evaluation, still running, failed.
    pub async fn evaluation(&self, session: SessionId) -> Result<EvaluationReport, ActorsError> {
        self.read(session, SessionKind::Evaluation).await
    }

    async fn read<T: DeserializeOwned + Send + 'static>(
        &self,
        session: SessionId,
        kind: SessionKind,
    ) -> Result<T, ActorsError> {
        let make = |reply| ReportsMsg::Report { session, kind, reply };
        let bytes = ask(&self.directory, NAME, make).await?;
        // Reports are megabytes: reading one takes longer than a task may hold its thread.
        let parsed = tokio::task::spawn_blocking(move || serde_json::from_slice(&bytes)).await;
        parsed.map_err(ActorsError::internal)?.map_err(|error| ActorsError::Store {
            detail: format!(
                "the report of session {session} cannot be read ({error}); run the {} again",
                kind.as_str()
            ),
        })
    }
}
