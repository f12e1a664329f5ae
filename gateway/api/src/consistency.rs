//! How current an answer is: reads may ask for more than what this node happens to know, and are told when they cannot
//! have it.
//!
//! `TM-Applied-Index` of a change, sent back as `TM-Min-Index` with a read, makes the read see that change on every
//! node. A change is judged by what is agreed upon now, not by what this node happens to know: otherwise a node that is
//! a moment behind would refuse a current `If-Match`. `?consistency=linearizable` makes a read see everything that was answered anywhere before. A read on a node
//! that reaches no majority carries `TM-Stale: true`.

use std::time::Duration;

use engine::error::ErrorCode;
use tokio::time::{Instant, sleep};
use warp::http::HeaderMap;

use crate::answer::Handled;
use crate::app::App;
use crate::headers::header;
use crate::problem::Problem;
use crate::spec::{Access, Audit, RouteSpec, Verb};

/// The change that a read must see.
pub(crate) const MIN_INDEX: &str = "tm-min-index";
/// Name of the query parameter.
pub(crate) const PARAMETER: &str = "consistency";
/// Its values.
pub(crate) const VALUES: &[&str] = &["local", "linearizable"];

/// How long a change waits for a new leader: longer than most elections, shorter than its caller.
const LEADER_WITHIN: Duration = Duration::from_millis(4_500);
/// Between two questions for one.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// What a read asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// See everything answered before.
    linearizable: bool,
    /// Wait for a new leader, too.
    patient: bool,
    /// See this change.
    min_index: Option<u64>,
}

/// Takes the parameter out of a read's query string: it is no filter, and every read knows it.
///
/// # Errors
/// `malformed` for a value that is none, and for a `TM-Min-Index` that is no number.
pub(crate) fn split(
    spec: &RouteSpec,
    raw: &str,
    headers: &HeaderMap,
) -> Result<(String, Wanted), Problem> {
    if spec.method != Verb::Get {
        // Who logs in, and what is only checked, needs no agreement.
        let agreed = matches!(spec.access, Access::AnyOf(_)) && spec.audit != Audit::None;
        let wanted = Wanted { linearizable: agreed, patient: agreed, min_index: None };
        return Ok((raw.to_owned(), wanted));
    }
    let min_index = min_index(headers)?;
    let mut wanted = Wanted { min_index, ..Wanted::default() };
    let mut rest: Vec<&str> = Vec::new();
    for piece in raw.split('&').filter(|piece| !piece.is_empty()) {
        match piece.split_once('=') {
            Some((PARAMETER, "linearizable")) => wanted.linearizable = true,
            Some((PARAMETER, "local")) => {}
            Some((PARAMETER, _)) => {
                let detail = format!("query parameter {PARAMETER}: one of {}", VALUES.join(", "));
                return Err(Problem::new(ErrorCode::Malformed, detail));
            }
            Some(_) | None => rest.push(piece),
        }
    }
    Ok((rest.join("&"), wanted))
}

fn min_index(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(text) = header(headers, MIN_INDEX) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let detail = "TM-Min-Index must be a number as TM-Applied-Index gave it";
        Problem::new(ErrorCode::Malformed, detail)
    })
}

impl Wanted {
    /// Waits until this node knows what is asked for.
    ///
    /// # Errors
    /// `no_quorum` or `deadline_exceeded` where it does not come to know it.
    pub(crate) async fn wait(self, app: &App) -> Result<(), Problem> {
        if self.linearizable {
            self.catch_up(app).await?;
        }
        if let Some(index) = self.min_index {
            app.platform.nodes.reach(index).await?;
        }
        Ok(())
    }
}

impl Wanted {
    /// Waits until this node knows everything that was answered anywhere before.
    async fn catch_up(self, app: &App) -> Result<(), Problem> {
        let begun = Instant::now();
        loop {
            match app.platform.nodes.barrier().await {
                Ok(_) => return Ok(()),
                Err(error) => {
                    let problem = Problem::from(error);
                    let again = self.patient
                        && problem.code == ErrorCode::NoQuorum
                        && begun.elapsed() < LEADER_WITHIN;
                    if !again {
                        return Err(problem);
                    }
                }
            }
            sleep(ASK_AGAIN).await;
        }
    }
}

/// Says with an answer how current it is. Where that is not known, nothing is claimed.
pub(crate) async fn mark(app: &App, spec: &RouteSpec, handled: Handled) -> Handled {
    let answer = handled?;
    let Ok(standing) = app.platform.nodes.standing().await else { return Ok(answer) };
    if spec.method == Verb::Get {
        return Ok(if standing.quorum { answer } else { answer.header("tm-stale", "true") });
    }
    Ok(answer.header("tm-applied-index", standing.applied_index.to_string()))
}
