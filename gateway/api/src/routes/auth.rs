//! Sign-in, refresh, sign-out.

use crate::answer::{Answer, Handled};
use crate::auth::login::{self, Granted};
use crate::dto::auth::SignedInDto;
use crate::request::Request;
use crate::spec::{Access, RateClass, RouteSpec, Verb};

use super::handler;
use crate::dto::auth::LoginDto;

pub(crate) fn routes() -> Vec<RouteSpec> {
    vec![
        RouteSpec::change(
            Verb::Post,
            "/auth/login",
            "Signs in with user name and password.",
            handler!(sign_in),
        )
        .access(Access::Public)
        .rate(RateClass::Auth)
        .reads::<LoginDto>()
        .answers::<SignedInDto>(200),
        RouteSpec::change(
            Verb::Post,
            "/auth/refresh",
            "Exchanges the refresh cookie.",
            handler!(refresh),
        )
        .access(Access::Cookie)
        .rate(RateClass::Write)
        .answers::<SignedInDto>(200),
        RouteSpec::change(
            Verb::Post,
            "/auth/logout",
            "Ends the login of the refresh cookie.",
            handler!(sign_out),
        )
        .access(Access::Cookie)
        .rate(RateClass::Write)
        .answers_nothing(),
    ]
}

async fn sign_in(request: Request) -> Handled {
    let wanted = request.json::<LoginDto>()?;
    granted(login::login(&request, wanted).await?)
}

async fn refresh(request: Request) -> Handled {
    granted(login::refresh(&request).await?)
}

async fn sign_out(request: Request) -> Handled {
    let cookie = login::logout(&request).await?;
    Ok(Answer::empty(warp::http::StatusCode::NO_CONTENT).header("set-cookie", cookie))
}

fn granted(granted: Granted) -> Handled {
    let answer = Answer::ok(&SignedInDto {
        access_token: granted.issued.token,
        expires_at: actors::rfc3339(granted.issued.expires_ms),
        user: granted.credentials.user,
    })?;
    Ok(match granted.cookie {
        Some(cookie) => answer.header("set-cookie", cookie),
        None => answer,
    })
}
