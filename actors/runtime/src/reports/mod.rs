//! Back-test reports: from the blob a session left behind to a value.
//!
//! Each question runs in its own task, for it asks the registry of sessions and reads a file; at most
//! [`QUESTIONS_MAX`] run at once.

use std::sync::Arc;

use engine::config::SessionKind;
use engine::evaluation::report::BacktestReport;
use engine::ids::SessionId;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use store::{BlobHash, Blobs};
use tokio::sync::Semaphore;

use crate::depot::Depot;
use crate::error::ActorsError;
use crate::messages::answer;
use crate::messages::reports::ReportsMsg;
use crate::messages::sessions::SessionsHandle;
use crate::views::{SessionState, SessionView};

/// Most reports read at once: each may be megabytes.
const QUESTIONS_MAX: usize = 16;

/// The reports actor.
#[derive(Debug)]
pub(crate) struct Reports;

/// What the reports actor works with.
#[derive(Clone)]
pub(crate) struct ReportsArguments {
    /// Who knows what a session produced.
    pub(crate) sessions: SessionsHandle,
    /// Where reports lie.
    pub(crate) blobs: Blobs,
    /// Where reports lie on other nodes.
    pub(crate) depot: Arc<Depot>,
}

/// What the reports actor keeps.
pub(crate) struct ReportsState {
    arguments: ReportsArguments,
    permits: Arc<Semaphore>,
}

impl Actor for Reports {
    type Msg = ReportsMsg;
    type State = ReportsState;
    type Arguments = ReportsArguments;

    async fn pre_start(
        &self,
        _myself: ActorRef<Self::Msg>,
        arguments: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(ReportsState { arguments, permits: Arc::new(Semaphore::new(QUESTIONS_MAX)) })
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ReportsMsg::Report { session, reply } => {
                let Ok(permit) = Arc::clone(&state.permits).try_acquire_owned() else {
                    let limit = u64::try_from(QUESTIONS_MAX).unwrap_or(u64::MAX);
                    answer(
                        reply,
                        Err(ActorsError::Overloaded {
                            what: "the number of reports read at once",
                            limit,
                        }),
                    );
                    return Ok(());
                };
                let arguments = state.arguments.clone();
                // Should it panic, the reply is dropped and the caller learns that it was not answered.
                tokio::spawn(async move {
                    answer(reply, report(arguments, session).await);
                    drop(permit);
                });
            }
        }
        Ok(())
    }
}

async fn report(
    arguments: ReportsArguments,
    session: SessionId,
) -> Result<Box<BacktestReport>, ActorsError> {
    let view = arguments.sessions.get(session).await?;
    let sha256 = match &view.report_sha256 {
        Some(sha256) => sha256.clone(),
        None => return Err(absent(&view)),
    };
    if let Ok(hash) = sha256.parse::<BlobHash>()
        && !arguments.depot.alone()
    {
        match arguments.depot.ensure(hash, &[]).await {
            // That nobody has it is told below.
            Ok(_) | Err(ActorsError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let read = tokio::task::spawn_blocking(move || read(&arguments.blobs, &sha256));
    read.await.map_err(ActorsError::internal)?
}

fn read(blobs: &Blobs, sha256: &str) -> Result<Box<BacktestReport>, ActorsError> {
    let damaged = |why: String| ActorsError::Store {
        detail: format!("the report {sha256} cannot be read ({why}); run the back-test again"),
    };
    let bytes = sha256
        .parse::<BlobHash>()
        .and_then(|hash| blobs.read(hash))
        .map_err(|error| damaged(error.to_string()))?;
    serde_json::from_slice(&bytes).map(Box::new).map_err(|error| damaged(error.to_string()))
}

/// Says why a session has no report.
fn absent(view: &SessionView) -> ActorsError {
    let reason = match (view.kind, view.state) {
        (SessionKind::Training, _) => {
            "a training session has no report; start a back-test of its model".to_owned()
        }
        (SessionKind::Backtest, SessionState::Completed) => {
            return ActorsError::internal(format!(
                "back-test {} completed without a report",
                view.id
            ));
        }
        (SessionKind::Backtest, SessionState::Failed) => {
            format!(
                "the back-test failed: {}",
                view.first_error.as_deref().unwrap_or("no error was recorded")
            )
        }
        (SessionKind::Backtest, SessionState::Stopped) => {
            "the back-test was stopped before its end".to_owned()
        }
        (
            SessionKind::Backtest,
            SessionState::Pending
            | SessionState::Placed
            | SessionState::Starting
            | SessionState::Running
            | SessionState::Pausing
            | SessionState::Paused
            | SessionState::Stopping
            | SessionState::Recovering,
        ) => format!("the back-test is {:?}; the report appears when it completes", view.state)
            .to_lowercase(),
    };
    ActorsError::NotFound { what: "report", id: view.id.to_string(), reason }
}
