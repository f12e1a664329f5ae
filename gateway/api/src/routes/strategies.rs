//! Strategies and their versions.

use actors::views::{StrategyVersionView, StrategyView};
use actors::{ListStrategies, NewStrategy, StrategyEdit};
use engine::ids::StrategyId;
use warp::http::StatusCode;

use crate::answer::{Answer, Handled};
use crate::auth::permissions::Permission;
use crate::dto::list::ListDto;
use crate::dto::strategies::{NewStrategyDto, NewVersionDto, StrategyChangeDto};
use crate::problem::Problem;
use crate::request::Request;
use crate::revision::etag;
use crate::spec::{Param, ParamKind, RouteSpec, Verb};

use super::{CURSOR, LIMIT, handler};

const READ: &[Permission] = &[Permission::StrategyRead];
const WRITE: &[Permission] = &[Permission::StrategyWrite];
const FILTERS: &[Param] = &[
    LIMIT,
    CURSOR,
    Param { name: "archived", kind: ParamKind::Boolean, meaning: "Also those that were archived." },
    Param { name: "name", kind: ParamKind::Text(120), meaning: "Only names that contain this." },
];

pub(crate) fn routes() -> Vec<RouteSpec> {
    vec![
        RouteSpec::get("/strategies", "Strategies, newest first.", handler!(list))
            .needs(READ)
            .query(FILTERS)
            .answers::<ListDto<StrategyView>>(200),
        RouteSpec::command(
            "/strategies",
            "Makes a strategy with its first version.",
            handler!(create),
        )
        .needs(WRITE)
        .reads::<NewStrategyDto>()
        .answers::<StrategyView>(201),
        RouteSpec::get("/strategies/{id}", "One strategy.", handler!(get))
            .needs(READ)
            .answers::<StrategyView>(200),
        RouteSpec::change(
            Verb::Patch,
            "/strategies/{id}",
            "Changes name or description.",
            handler!(change),
        )
        .needs(WRITE)
        .edits()
        .reads::<StrategyChangeDto>()
        .answers::<StrategyView>(200),
        RouteSpec::change(
            Verb::Delete,
            "/strategies/{id}",
            "Archives a strategy.",
            handler!(archive),
        )
        .needs(WRITE)
        .edits()
        .answers::<StrategyView>(200),
        RouteSpec::command("/strategies/{id}:archive", "Archives a strategy.", handler!(archive))
            .needs(WRITE)
            .answers::<StrategyView>(200),
        RouteSpec::get("/strategies/{id}/versions", "Versions, newest first.", handler!(versions))
            .needs(READ)
            .answers::<ListDto<StrategyVersionView>>(200),
        RouteSpec::command(
            "/strategies/{id}/versions",
            "Saves a new version.",
            handler!(add_version),
        )
        .needs(WRITE)
        .edits()
        .reads::<NewVersionDto>()
        .answers::<StrategyVersionView>(201),
        RouteSpec::get("/strategies/{id}/versions/{n}", "One version.", handler!(version))
            .needs(READ)
            .answers::<StrategyVersionView>(200),
    ]
}

async fn list(request: Request) -> Handled {
    let (limit, after) = request.page()?;
    let filter = ListStrategies {
        limit,
        after,
        archived: request.query.is_true("archived"),
        name: request.query.text("name").map(str::to_owned),
    };
    let page = request.app.platform.strategies.list(filter).await?;
    request.list(page.items, page.next)
}

async fn create(request: Request) -> Handled {
    let NewStrategyDto { name, description, config } = request.json()?;
    let wanted = NewStrategy { name, description, config };
    let view = request.app.platform.strategies.create(request.command(None)?, wanted).await?;
    let location = format!("/api/v1/strategies/{}", view.id);
    Ok(tagged(StatusCode::CREATED, &view)?.header("location", location))
}

async fn get(request: Request) -> Handled {
    tagged(StatusCode::OK, &request.app.platform.strategies.get(id(&request)?).await?)
}

async fn change(request: Request) -> Handled {
    let StrategyChangeDto { name, description } = request.json()?;
    let id = owned(&request).await?;
    let description = description.map(Option::unwrap_or_default);
    let edit = StrategyEdit { name, description };
    let library = &request.app.platform.strategies;
    let view = library.update(request.command(None)?, id, request.revision()?, edit).await?;
    tagged(StatusCode::OK, &view)
}

async fn archive(request: Request) -> Handled {
    let id = owned(&request).await?;
    let view = request
        .app
        .platform
        .strategies
        .archive(request.command(None)?, id, request.revision)
        .await?;
    tagged(StatusCode::OK, &view)
}

async fn versions(request: Request) -> Handled {
    request.tail(request.app.platform.strategies.versions(id(&request)?).await?, None)
}

async fn version(request: Request) -> Handled {
    let text = request.param("n").to_owned();
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    let number = text
        .parse()
        .ok()
        .filter(|_| plain)
        .ok_or_else(|| Problem::not_found(&format!("version {text}")))?;
    Answer::ok(&request.app.platform.strategies.version(id(&request)?, number).await?)
}

async fn add_version(request: Request) -> Handled {
    let NewVersionDto { config } = request.json()?;
    let id = owned(&request).await?;
    let library = &request.app.platform.strategies;
    let view = library.add_version(request.command(None)?, id, request.revision, config).await?;
    let location = format!("/api/v1/strategies/{id}/versions/{}", view.version);
    let revision = library.get(id).await?.revision;
    Ok(Answer::json(StatusCode::CREATED, &view)?
        .header("location", location)
        .header("etag", etag(revision)))
}

pub(super) fn id(request: &Request) -> Result<StrategyId, Problem> {
    request.id("strategy")
}

/// Returns the strategy's id once the caller is known to be allowed to change it.
pub(super) async fn owned(request: &Request) -> Result<StrategyId, Problem> {
    let id = id(request)?;
    request.need_ownership(request.app.platform.strategies.get(id).await?.owner)?;
    Ok(id)
}

fn tagged(status: StatusCode, view: &StrategyView) -> Handled {
    Ok(Answer::json(status, view)?.header("etag", etag(view.revision)))
}
