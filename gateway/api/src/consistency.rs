//! How current an answer is: reads may ask for more than what this node happens to know, and are told when they cannot
//! have it.
//!
//! `TM-Applied-Index` of a change, sent back as `TM-Min-Index` with a read, makes the read see that change on every
//! node. `?consistency=linearizable` makes a read see everything that was answered anywhere before. A read on a node
//! that reaches no majority carries `TM-Stale: true`.

use engine::error::ErrorCode;
use warp::http::HeaderMap;

use crate::answer::Handled;
use crate::app::App;
use crate::headers::header;
use crate::problem::Problem;
use crate::spec::{RouteSpec, Verb};

/// The change that a read must see.
pub(crate) const MIN_INDEX: &str = "tm-min-index";
/// Name of the query parameter.
pub(crate) const PARAMETER: &str = "consistency";
/// Its values.
pub(crate) const VALUES: &[&str] = &["local", "linearizable"];

/// What a read asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// See everything answered before.
    linearizable: bool,
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
        return Ok((raw.to_owned(), Wanted::default()));
    }
    let mut wanted = Wanted { linearizable: false, min_index: min_index(headers)? };
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
            app.platform.nodes.barrier().await?;
        }
        if let Some(index) = self.min_index {
            app.platform.nodes.reach(index).await?;
        }
        Ok(())
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
