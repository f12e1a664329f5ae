//! Reports of back-tests, labellings and evaluations: from the blob a session left behind to its bytes, as they were written.
//!
//! Each question runs in its own task, for it asks the registry of sessions and reads a file; at most
//! [`QUESTIONS_MAX`] run at once.

use std::sync::Arc;

use engine::config::SessionKind;
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
            ReportsMsg::Report { session, kind, reply } => {
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
                    answer(reply, report(arguments, session, kind).await);
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
    kind: SessionKind,
) -> Result<Vec<u8>, ActorsError> {
    let view = arguments.sessions.get(session).await?;
    let sha256 = match &view.report_sha256 {
        Some(sha256) if view.kind == kind => sha256.clone(),
        Some(_) | None => return Err(absent(&view, kind)),
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
    let read = tokio::task::spawn_blocking(move || read(&arguments.blobs, &sha256, kind));
    read.await.map_err(ActorsError::internal)?
}

/// Reads a report as it was written.
fn read(blobs: &Blobs, sha256: &str, kind: SessionKind) -> Result<Vec<u8>, ActorsError> {
    let damaged = |why: String| ActorsError::Store {
        detail: format!(
            "the report {sha256} cannot be read ({why}); run the {} again",
            kind.as_str()
        ),
    };
    sha256
        .parse::<BlobHash>()
        .and_then(|hash| blobs.read(hash))
        .map(|bytes| bytes.to_vec())
        .map_err(|error| damaged(error.to_string()))
}

/// Says why a session has no report of the kind.
fn absent(view: &SessionView, kind: SessionKind) -> ActorsError {
    let own = view.kind.as_str();
    let reason = if view.kind == SessionKind::Training {
        "a training session has no report; start a back-test of its model".to_owned()
    } else if view.kind != kind {
        format!(
            "it is a session of the kind '{own}'; its report is found where that kind's are: {}",
            place(view.kind)
        )
    } else {
        match view.state {
            SessionState::Completed => {
                return ActorsError::internal(format!(
                    "the {own} {} completed without a report",
                    view.id
                ));
            }
            SessionState::Failed => format!(
                "the {own} failed: {}",
                view.first_error.as_deref().unwrap_or("no error was recorded")
            ),
            SessionState::Stopped => format!("the {own} was stopped before its end"),
            SessionState::Pending
            | SessionState::Placed
            | SessionState::Starting
            | SessionState::Running
            | SessionState::Pausing
            | SessionState::Paused
            | SessionState::Stopping
            | SessionState::Recovering => {
                format!("the {own} is {:?}; the report appears when it completes", view.state)
                    .to_lowercase()
            }
        }
    };
    ActorsError::NotFound { what: "report", id: view.id.to_string(), reason }
}

/// Returns the last part of the path under which reports of a kind are read.
fn place(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Training | SessionKind::Backtest => "report",
        SessionKind::Labelling => "labels",
        SessionKind::Evaluation => "evaluation",
    }
}
