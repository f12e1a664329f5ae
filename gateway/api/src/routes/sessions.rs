//! Sessions: start, command, watch.

use actors::views::{
    CheckpointView, LogLineView, PointView, SeriesView, SessionState, SessionView, TransitionView,
    WhyView,
};
use actors::{ActorsError, Command, HistoryQuery, ListSessions, NewSession, Wishes};
use engine::config::SessionKind;
use engine::evaluation::report::BacktestReport;
use engine::ids::{NodeId, SessionId, StrategyId};
use engine::session::evaluation::EvaluationReport;
use engine::session::labelling::LabellingReport;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use warp::http::StatusCode;

use crate::answer::{Answer, Handled};
use crate::auth::permissions::Permission;
use crate::dto::list::ListDto;
use crate::dto::sessions::{MoveDto, NewSessionDto, PlacementDto, ReasonDto};
use crate::problem::{Problem, violation};
use crate::request::{Request, unreadable};
use crate::revision::etag;
use crate::spec::{Param, ParamKind, RouteSpec};

use super::{CURSOR, LIMIT, handler};

const READ: &[Permission] = &[Permission::SessionRead];
const RUN: &[Permission] = &[Permission::SessionRunTraining, Permission::SessionRunBacktest];
const CONTROL: &[Permission] =
    &[Permission::SessionControlTraining, Permission::SessionControlBacktest];
const KINDS: &[&str] = &["training", "backtest", "labelling", "evaluation"];
const STATES: &[&str] = &[
    "pending",
    "placed",
    "starting",
    "running",
    "pausing",
    "paused",
    "stopping",
    "recovering",
    "completed",
    "stopped",
    "failed",
];
const FILTERS: &[Param] = &[
    LIMIT,
    CURSOR,
    Param { name: "kind", kind: ParamKind::OneOf(KINDS), meaning: "Only this kind." },
    Param { name: "state", kind: ParamKind::OneOf(STATES), meaning: "Only this state." },
    Param { name: "strategy_id", kind: ParamKind::Text(40), meaning: "Only of this strategy." },
];
const AFTER: Param = Param {
    name: "after",
    kind: ParamKind::Integer(0, SAFE_MAX),
    meaning: "Only what follows this number.",
};
const TAIL: &[Param] = &[AFTER, LIMIT];
const METRICS: &[Param] = &[
    Param {
        name: "names",
        kind: ParamKind::Text(1000),
        meaning: "Names, separated by commas; all where absent.",
    },
    Param {
        name: "from",
        kind: ParamKind::Integer(0, SAFE_MAX),
        meaning: "First environment step.",
    },
    Param { name: "to", kind: ParamKind::Integer(0, SAFE_MAX), meaning: "Last environment step." },
    Param {
        name: "bins",
        kind: ParamKind::Integer(1, 2_000),
        meaning: "Most bins per series; 500 where absent.",
    },
    Param { name: "raw", kind: ParamKind::Boolean, meaning: "Points as stored, a page at a time." },
    AFTER,
    LIMIT,
];
/// Largest whole number that JavaScript keeps.
const SAFE_MAX: u64 = 9_007_199_254_740_991;

/// Binned series, or points as stored where `raw=true`.
#[derive(serde::Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Metrics")]
#[expect(
    dead_code,
    reason = "only its schema is used: answers are written by the branch that made them"
)]
enum MetricsDto {
    /// Binned series.
    Series(ListDto<SeriesView>),
    /// Points.
    Points(ListDto<PointView>),
}

pub(crate) fn routes() -> Vec<RouteSpec> {
    let command = |path, summary, handler| {
        RouteSpec::command(path, summary, handler)
            .needs(CONTROL)
            .reads::<ReasonDto>()
            .answers::<SessionView>(202)
    };
    let read = |path, summary, handler| RouteSpec::get(path, summary, handler).needs(READ);
    vec![
        read("/sessions", "Sessions, newest first.", handler!(list))
            .query(FILTERS)
            .answers::<ListDto<SessionView>>(200),
        RouteSpec::command("/sessions", "Starts a session.", handler!(submit))
            .needs(RUN)
            .reads::<NewSessionDto>()
            .answers::<SessionView>(201),
        read("/sessions/{id}", "One session.", handler!(get)).answers::<SessionView>(200),
        command("/sessions/{id}:pause", "Asks a running session to stand still.", handler!(pause)),
        command("/sessions/{id}:resume", "Asks a paused session to go on.", handler!(resume)),
        command("/sessions/{id}:stop", "Ends a session in good order.", handler!(stop)),
        command("/sessions/{id}:checkpoint", "Asks for a checkpoint now.", handler!(checkpoint)),
        command("/sessions/{id}:move", "Moves a session to another node.", handler!(relocate))
            .reads::<MoveDto>(),
        read("/sessions/{id}/why", "Why it waits, or where it is.", handler!(why))
            .answers::<WhyView>(200),
        read("/sessions/{id}/metrics", "Metric history, binned or raw.", handler!(metrics))
            .query(METRICS)
            .answers::<MetricsDto>(200),
        read("/sessions/{id}/logs", "Log lines, oldest first.", handler!(logs))
            .query(TAIL)
            .answers::<ListDto<LogLineView>>(200),
        read("/sessions/{id}/timeline", "Every change of state, oldest first.", handler!(timeline))
            .answers::<ListDto<TransitionView>>(200),
        read(
            "/sessions/{id}/checkpoints",
            "Committed checkpoints, newest first.",
            handler!(checkpoints),
        )
        .answers::<ListDto<CheckpointView>>(200),
        read("/sessions/{id}/report", "The report of a finished back-test.", handler!(report))
            .answers::<BacktestReport>(200),
        read("/sessions/{id}/labels", "The regimes that a labelling found.", handler!(labels))
            .answers::<LabellingReport>(200),
        read("/sessions/{id}/evaluation", "What an evaluation found.", handler!(evaluation))
            .answers::<EvaluationReport>(200),
    ]
}

async fn list(request: Request) -> Handled {
    let (limit, after) = request.page()?;
    let strategy_id = request
        .query
        .text("strategy_id")
        .map(|text| text.parse::<StrategyId>().map_err(|error| unreadable(&error.to_string())));
    let filter = ListSessions {
        limit,
        after,
        kind: word::<SessionKind>(&request, "kind"),
        state: word::<SessionState>(&request, "state"),
        strategy_id: strategy_id.transpose()?,
    };
    let page = request.app.platform.sessions.list(filter).await?;
    request.list(page.items, page.next)
}

/// Reads a word that the table has already checked.
fn word<T: DeserializeOwned>(request: &Request, name: &str) -> Option<T> {
    let text = request.query.text(name)?;
    serde_json::from_value(Value::from(text)).ok()
}

async fn submit(request: Request) -> Handled {
    let wanted: NewSessionDto = request.json()?;
    let kind = wanted.config.get("kind").and_then(Value::as_str);
    match kind {
        Some("training") => request.caller()?.need(Permission::SessionRunTraining)?,
        // All three compute on past data and change nothing that others rely on.
        Some("backtest" | "labelling" | "evaluation") => {
            request.caller()?.need(Permission::SessionRunBacktest)?;
        }
        // Another kind is refused by the full check, which names every violation.
        Some(_) | None => {}
    }
    let NewSessionDto {
        name,
        strategy_id,
        strategy_version,
        dataset_id,
        config,
        resources,
        priority,
        tags,
        placement,
        team,
    } = wanted;
    let PlacementDto { labels, role, node, preemptible } = placement;
    let session = NewSession {
        name,
        strategy_id,
        strategy_version,
        dataset_id,
        config,
        resources,
        priority,
        tags,
        wishes: Wishes { labels, role, node, preemptible, team },
    };
    let view = request.app.platform.sessions.submit(request.command(None)?, session).await?;
    let location = format!("/api/v1/sessions/{}", view.id);
    Ok(tagged(StatusCode::CREATED, &view)?.header("location", location))
}

async fn get(request: Request) -> Handled {
    tagged(StatusCode::OK, &known(&request).await?)
}

async fn pause(request: Request) -> Handled {
    let (command, id) = order(&request).await?;
    ordered(request.app.platform.sessions.pause(command, id).await)
}

async fn resume(request: Request) -> Handled {
    let (command, id) = order(&request).await?;
    ordered(request.app.platform.sessions.resume(command, id).await)
}

async fn stop(request: Request) -> Handled {
    let (command, id) = order(&request).await?;
    ordered(request.app.platform.sessions.stop(command, id).await)
}

async fn checkpoint(request: Request) -> Handled {
    let (command, id) = order(&request).await?;
    ordered(request.app.platform.sessions.checkpoint(command, id).await)
}

async fn relocate(request: Request) -> Handled {
    let MoveDto { node, reason } = request.json()?;
    let (command, id) = permitted(&request, reason).await?;
    request.app.platform.scheduler.relocate(command, id, node).await?;
    tagged(StatusCode::ACCEPTED, &known(&request).await?)
}

async fn why(request: Request) -> Handled {
    Answer::ok(&request.app.platform.scheduler.why(id(&request)?).await?)
}

/// Returns the command once the caller is known to be allowed to give it.
async fn order(request: &Request) -> Result<(Command, SessionId), Problem> {
    let ReasonDto { reason } = request.json()?;
    permitted(request, reason).await
}

async fn permitted(
    request: &Request,
    reason: Option<String>,
) -> Result<(Command, SessionId), Problem> {
    if let Some(reason) = &reason {
        check_reason(reason)?;
    }
    let view = known(request).await?;
    request.caller()?.need(match view.kind {
        SessionKind::Training => Permission::SessionControlTraining,
        SessionKind::Backtest | SessionKind::Labelling | SessionKind::Evaluation => {
            Permission::SessionControlBacktest
        }
    })?;
    request.need_ownership(view.owner)?;
    Ok((request.command(reason)?, view.id))
}

/// Refuses a reason that says nothing or too much; blanks do not count.
pub(super) fn check_reason(reason: &str) -> Result<(), Problem> {
    if (3..=500).contains(&reason.trim().chars().count()) {
        return Ok(());
    }
    let found = violation("/reason", "out_of_range", "must have 3 to 500 characters");
    Err(Problem::invalid(vec![found.with("min", 3).with("max", 500)]))
}

fn ordered(result: Result<SessionView, ActorsError>) -> Handled {
    tagged(StatusCode::ACCEPTED, &result?)
}

async fn metrics(request: Request) -> Handled {
    let id = known(&request).await?.id;
    let query = &request.query;
    let hub = &request.app.platform.metrics;
    if query.is_true("raw") {
        let page = hub.raw(id, query.integer("after"), query.small("limit").unwrap_or(50)).await?;
        return request.tail(page.items, page.next);
    }
    let names = query
        .text("names")
        .map(|text| text.split(',').map(|name| name.trim().to_owned()).collect());
    let history = HistoryQuery {
        names: names.unwrap_or_default(),
        from: query.integer("from"),
        to: query.integer("to"),
        bins: query.small("bins").unwrap_or(500),
    };
    request.tail(hub.history(id, history).await?, None)
}

async fn logs(request: Request) -> Handled {
    let id = known(&request).await?.id;
    let limit = request.query.small("limit").unwrap_or(50);
    let page = request.app.platform.logs.tail(id, request.query.integer("after"), limit).await?;
    request.tail(page.items, page.next)
}

async fn timeline(request: Request) -> Handled {
    request.tail(request.app.platform.sessions.timeline(id(&request)?).await?, None)
}

async fn checkpoints(request: Request) -> Handled {
    request.tail(request.app.platform.sessions.checkpoints(id(&request)?).await?, None)
}

async fn report(request: Request) -> Handled {
    Answer::ok(&request.app.platform.reports.report(id(&request)?).await?)
}

async fn labels(request: Request) -> Handled {
    Answer::ok(&request.app.platform.reports.labels(id(&request)?).await?)
}

async fn evaluation(request: Request) -> Handled {
    Answer::ok(&request.app.platform.reports.evaluation(id(&request)?).await?)
}

fn id(request: &Request) -> Result<SessionId, Problem> {
    request.id("session")
}

async fn known(request: &Request) -> Result<SessionView, Problem> {
    Ok(request.app.platform.sessions.get(id(request)?).await?)
}

fn tagged(status: StatusCode, view: &SessionView) -> Handled {
    Ok(Answer::json(status, view)?.header("etag", etag(view.revision)))
}

/// Returns the sessions placed on a node that have not ended, newest first.
pub(super) async fn placed_on(
    request: &Request,
    node: &NodeId,
) -> Result<Vec<SessionView>, Problem> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let filter = ListSessions { limit: 500, after, ..ListSessions::default() };
        let page = request.app.platform.sessions.list(filter).await?;
        let here =
            |view: &SessionView| view.node.as_ref() == Some(node) && !view.state.is_terminal();
        found.extend(page.items.into_iter().filter(here));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}
