//! What was tried with a strategy, and what it keeps sealed.

use std::time::Duration;

use actors::ListTrials;
use actors::views::SealView;
use engine::ids::SessionId;

use crate::answer::{Answer, Handled};
use crate::auth::permissions::Permission;
use crate::dto::strategies::{IndependentTrialsDto, SealOpeningDto, TrialListDto};
use crate::request::Request;
use crate::spec::RouteSpec;

use super::strategies::{id, owned};
use super::{PAGED, handler};

const READ: &[Permission] = &[Permission::StrategyRead];
const WRITE: &[Permission] = &[Permission::StrategyWrite];
/// How long a list of trials waits for the report that tells how many are independent.
const REPORT_WITHIN: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> Vec<RouteSpec> {
    vec![
        RouteSpec::get(
            "/strategies/{id}/trials",
            "Everything that was tried with a strategy, newest first; what removed sessions left, too.",
            handler!(trials),
        )
        .needs(READ)
        .query(PAGED)
        .answers::<TrialListDto>(200),
        RouteSpec::get(
            "/strategies/{id}/seal",
            "How many rows a strategy keeps sealed, and whether it was opened.",
            handler!(seal),
        )
        .needs(READ)
        .answers::<SealView>(200),
        RouteSpec::command(
            "/strategies/{id}/seal:open",
            "Opens the seal of a strategy, once and for ever.",
            handler!(open_seal),
        )
        .needs(WRITE)
        .reads::<SealOpeningDto>()
        .answers::<SealView>(200),
    ]
}

async fn trials(request: Request) -> Handled {
    let strategy_id = id(&request)?;
    let (limit, after) = request.page()?;
    let platform = &request.app.platform;
    platform.strategies.get(strategy_id).await?;
    let found = platform.sessions.trials(ListTrials { limit, after, strategy_id }).await?;
    let independent = match found.evaluation {
        Some(session_id) => independent(&request, session_id).await,
        None => None,
    };
    let (next_cursor, as_of) = (request.cursor(found.page.next), request.app.now_text());
    Answer::ok(&TrialListDto {
        items: found.page.items,
        next_cursor,
        as_of,
        started_count: found.started_count,
        independent,
    })
}

async fn seal(request: Request) -> Handled {
    Answer::ok(&request.app.platform.strategies.seal(id(&request)?).await?)
}

async fn open_seal(request: Request) -> Handled {
    let SealOpeningDto { reason } = request.json()?;
    let id = owned(&request).await?;
    let library = &request.app.platform.strategies;
    Answer::ok(&library.open_seal(request.command(None)?, id, reason).await?)
}

/// Returns what an evaluation counted. A report that cannot be had takes nothing from the list.
async fn independent(request: &Request, session_id: SessionId) -> Option<IndependentTrialsDto> {
    let read = request.app.platform.reports.evaluation(session_id);
    let report = match tokio::time::timeout(REPORT_WITHIN, read).await {
        Ok(Ok(report)) => report,
        Ok(Err(error)) => {
            tracing::debug!(session = %session_id, %error, "an evaluation's count of trials is not shown");
            return None;
        }
        Err(_) => {
            tracing::debug!(session = %session_id, "an evaluation's report took too long for a list of trials");
            return None;
        }
    };
    let whole = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let sharpe = report.sharpe?;
    Some(IndependentTrialsDto {
        session_id,
        trials: whole(sharpe.trials),
        trials_effective: sharpe.trials_effective.map(whole),
    })
}
