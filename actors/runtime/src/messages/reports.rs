//! Back-test reports: what a session computed, as a value.

use engine::evaluation::report::BacktestReport;
use engine::ids::SessionId;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;

use super::ask;
use crate::directory::Directory;
use crate::error::ActorsError;

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "reports";

/// Everything the reports actor can be asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum ReportsMsg {
    /// The report of a session.
    Report { session: SessionId, reply: RpcReplyPort<Result<Box<BacktestReport>, ActorsError>> },
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
        let report =
            ask(&self.directory, NAME, |reply| ReportsMsg::Report { session, reply }).await?;
        Ok(*report)
    }
}
