//! The signed-in user.

use crate::answer::{Answer, Handled};
use crate::auth::{login, ticket};
use crate::dto::auth::{MeDto, PasswordDto, TicketDto};
use crate::problem::Problem;
use crate::request::Request;
use crate::spec::{RateClass, RouteSpec, Verb};

use super::handler;

pub(crate) fn routes() -> Vec<RouteSpec> {
    vec![
        RouteSpec::get("/me", "The signed-in user and what the access token allows.", handler!(me))
            .before_password_change()
            .answers::<MeDto>(200),
        RouteSpec::change(
            Verb::Post,
            "/me/password",
            "Changes the password; other logins end.",
            handler!(password),
        )
        .before_password_change()
        .reads::<PasswordDto>()
        .answers_nothing(),
        RouteSpec::change(
            Verb::Post,
            "/ws-tickets",
            "A ticket for the live stream.",
            handler!(ticket),
        )
        .rate(RateClass::Read)
        .answers::<TicketDto>(200),
    ]
}

async fn me(request: Request) -> Handled {
    let caller = request.caller()?;
    let found = request.app.platform.identity.user(caller.user).await?;
    let user = found.ok_or_else(|| Problem::not_found("the user"))?.user;
    let permissions = caller.permissions.iter().map(|permission| permission.as_str()).collect();
    Answer::ok(&MeDto { user, permissions })
}

async fn password(request: Request) -> Handled {
    let wanted = request.json::<PasswordDto>()?;
    let cookie = login::change_password(&request, wanted).await?;
    let answer = Answer::empty(warp::http::StatusCode::NO_CONTENT);
    Ok(match cookie {
        Some(cookie) => answer.header("set-cookie", cookie),
        None => answer,
    })
}

async fn ticket(request: Request) -> Handled {
    let now_ms = request.app.now_ms();
    let ticket = request.app.tickets.issue(request.caller()?.clone(), now_ms)?;
    Answer::ok(&TicketDto { ticket, expires_at: actors::rfc3339(now_ms + ticket::LIFE_MS) })
}
