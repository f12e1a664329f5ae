//! The scheduler: queue, capacity, quotas.

use actors::views::{CapacityView, QueueEntryView, QuotaView};
use actors::{QuotaLimits, QuotaScope};
use warp::http::StatusCode;

use crate::answer::{Answer, Handled};
use crate::auth::permissions::Permission;
use crate::dto::cluster::QuotaDto;
use crate::dto::list::ListDto;
use crate::problem::Problem;
use crate::request::Request;
use crate::revision::etag;
use crate::spec::{RouteSpec, Verb};

use super::handler;

const READ: &[Permission] = &[Permission::SchedulerRead];
const WRITE: &[Permission] = &[Permission::SchedulerWrite];
/// `user:<user id or login name>`, `team:<name>`, `user:default` or `team:default`. The colon is
/// sent as `%3A`: a plain one would begin a verb.
const QUOTA: &str = "/scheduler/quotas/{id}";

pub(crate) fn routes() -> Vec<RouteSpec> {
    let read = |path, summary, handler| RouteSpec::get(path, summary, handler).needs(READ);
    vec![
        read("/scheduler/queue", "Sessions that wait, in order.", handler!(queue))
            .answers::<ListDto<QueueEntryView>>(200),
        read("/scheduler/capacity", "What may still be reserved.", handler!(capacity))
            .answers::<CapacityView>(200),
        read("/scheduler/quotas", "What users and teams may have at once.", handler!(quotas))
            .answers::<ListDto<QuotaView>>(200),
        read(QUOTA, "One quota.", handler!(quota)).answers::<QuotaView>(200),
        RouteSpec::change(
            Verb::Put,
            QUOTA,
            "Sets a quota; If-Match \"r0\" makes a new one.",
            handler!(put),
        )
        .edits()
        .needs(WRITE)
        .reads::<QuotaDto>()
        .answers::<QuotaView>(200),
        RouteSpec::change(Verb::Delete, QUOTA, "Removes a quota.", handler!(remove))
            .edits()
            .needs(WRITE)
            .answers_nothing(),
    ]
}

async fn queue(request: Request) -> Handled {
    request.tail(request.app.platform.sessions.queue().await?, None)
}

async fn capacity(request: Request) -> Handled {
    Answer::ok(&request.app.platform.scheduler.capacity().await?)
}

async fn quotas(request: Request) -> Handled {
    request.tail(request.app.platform.scheduler.quotas().await?, None)
}

async fn quota(request: Request) -> Handled {
    let (scope, name) = whose(&request).await?;
    let id = format!("{}:{name}", scope.word());
    let quotas = request.app.platform.scheduler.quotas().await?;
    let found = quotas.into_iter().find(|quota| quota.id == id);
    tagged(&found.ok_or_else(|| Problem::not_found(&format!("quota {id}")))?)
}

async fn put(request: Request) -> Handled {
    let QuotaDto { sessions_max, cpu_max, memory_mib_max, gpus_max, weight } = request.json()?;
    let limits = QuotaLimits { sessions_max, cpu_max, memory_mib_max, gpus_max, weight };
    let whose = whose(&request).await?;
    let (command, revision) = (request.command(None)?, request.revision()?);
    let scheduler = &request.app.platform.scheduler;
    tagged(&scheduler.put_quota(command, whose, revision, limits).await?)
}

async fn remove(request: Request) -> Handled {
    let whose = whose(&request).await?;
    let (command, revision) = (request.command(None)?, request.revision()?);
    request.app.platform.scheduler.remove_quota(command, whose, revision).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// Returns whose quota the path names: users by their id, for sessions know their owner by it.
async fn whose(request: &Request) -> Result<(QuotaScope, String), Problem> {
    let text = request.param("id");
    let unknown = || {
        let what = "user:<id or login name>, team:<name>, user:default or team:default";
        Problem::not_found(&format!("quota {text} (a quota is named {what})"))
    };
    match text.split_once(':') {
        Some(("team", name)) if !name.is_empty() => Ok((QuotaScope::Team, name.to_owned())),
        Some(("user", "default")) => Ok((QuotaScope::User, "default".to_owned())),
        Some(("user", name)) if !name.is_empty() => {
            let users = request.app.platform.identity.users().await?;
            let found = users.iter().find(|user| user.id.to_string() == name || user.name == name);
            let id = found.map(|user| user.id.to_string());
            // Of somebody who is gone a quota can still be read and removed.
            let gone = name.starts_with("usr_").then(|| name.to_owned());
            Ok((QuotaScope::User, id.or(gone).ok_or_else(unknown)?))
        }
        Some(_) | None => Err(unknown()),
    }
}

fn tagged(view: &QuotaView) -> Handled {
    Ok(Answer::json(StatusCode::OK, view)?.header("etag", etag(view.revision)))
}
