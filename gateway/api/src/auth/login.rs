//! Sign-in, refresh, sign-out, change of password: the steps, in the order in which they must happen.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use actors::{Credentials, Rotation, TokenHash};
use engine::error::ErrorCode;
use engine::ids::UserId;

use super::cookie;
use super::token::{Issued, Subject};
use crate::app::App;
use crate::dto::auth::{LoginDto, PasswordDto};
use crate::problem::Problem;
use crate::rate::{Rate, limited};
use crate::request::Request;
use crate::text;

/// Logins remembered at once.
const LOGINS_MAX: usize = 10_000;

/// Which login a refresh token belongs to. Memory only: after a restart the next refresh starts a new name.
#[derive(Default)]
pub(crate) struct Logins {
    inner: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    by_hash: HashMap<TokenHash, String>,
    order: VecDeque<TokenHash>,
}

impl Logins {
    fn put(&self, hash: TokenHash, login: &str) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.by_hash.insert(hash, login.to_owned());
        inner.order.push_back(hash);
        while inner.order.len() > LOGINS_MAX {
            if let Some(oldest) = inner.order.pop_front() {
                inner.by_hash.remove(&oldest);
            }
        }
    }

    fn get(&self, hash: &TokenHash) -> Option<String> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).by_hash.get(hash).cloned()
    }
}

/// What a sign-in gives: the token, the user, and the cookie to set where there is a new one.
pub(crate) struct Granted {
    /// The access token.
    pub(crate) issued: Issued,
    /// Whose it is.
    pub(crate) credentials: Credentials,
    /// `Set-Cookie`.
    pub(crate) cookie: Option<String>,
}

/// The same words for every cause, so that nobody learns which names exist.
fn wrong() -> Problem {
    Problem::new(ErrorCode::Unauthenticated, "user name or password is wrong")
}

/// Checks a password and signs in.
///
/// # Errors
/// `unauthenticated`, or `rate_limited` after too many tries.
pub(crate) async fn login(request: &Request, wanted: LoginDto) -> Result<Granted, Problem> {
    let app = &request.app;
    let now = Instant::now();
    let name = wanted.user.trim().to_lowercase();
    app.limiter.take(&name, "auth_user", app.config.rates.auth_user, now)?;
    refuse_locked(app, &name, request.address, now)?;
    let found = app.platform.identity.user_by_name(&name).await?;
    let phc = found.as_ref().map(|credentials| credentials.password_phc.clone());
    let fits = app.passwords.verify(wanted.password, phc).await?;
    let Some(credentials) = found.filter(|_| fits) else {
        app.lockout.failed(&name, request.address, Instant::now());
        tracing::warn!(target: "audit", action = "login", result = "refused", address = %request.address);
        return Err(wrong());
    };
    app.lockout.succeeded(&name, request.address);
    tracing::info!(target: "audit", action = "login", result = "ok", user = %credentials.user.id, address = %request.address);
    let login = text::hex(&text::random::<8>()?);
    let cookie = start_family(app, credentials.user.id, &login).await?;
    let issued = app.tokens.issue(&subject(&credentials, login), app.now_ms()).await?;
    Ok(Granted { issued, credentials, cookie: Some(cookie) })
}

/// Exchanges the refresh cookie for a new access token and a new cookie.
///
/// # Errors
/// `unauthenticated` when the cookie is missing, old, revoked or was copied.
pub(crate) async fn refresh(request: &Request) -> Result<Granted, Problem> {
    let app = &request.app;
    let ended = || {
        Problem::new(ErrorCode::Unauthenticated, "the login has ended; sign in again")
            .header("set-cookie", app.cookie().clear())
    };
    let old = cookie::hash(&app.cookie().read(&request.headers).ok_or_else(ended)?);
    let (token, new) = cookie::new_token()?;
    let now_ms = app.now_ms();
    let login = app.logins.get(&old);
    let (user, expires_ms) = match app.platform.identity.rotate_refresh(old, new, now_ms).await? {
        Rotation::Rotated { user, expires_ms } => (user, Some(expires_ms)),
        Rotation::Grace { user } => (user, None),
        Rotation::Reused { user } => {
            tracing::warn!(target: "audit", action = "refresh", result = "reused", %user, "a refresh token was copied; its login is revoked");
            if let Some(login) = login {
                app.sockets.revoke_login(&login);
            }
            return Err(ended());
        }
        Rotation::Unknown => return Err(ended()),
    };
    let credentials = app.platform.identity.user(user).await?.ok_or_else(ended)?;
    let login = match login {
        Some(login) => login,
        None => text::hex(&text::random::<8>()?),
    };
    let cookie = expires_ms.map(|expires_ms| {
        app.logins.put(new, &login);
        app.cookie().set(&token, (expires_ms - now_ms).max(0) / 1000)
    });
    let issued = app.tokens.issue(&subject(&credentials, login), now_ms).await?;
    Ok(Granted { issued, credentials, cookie })
}

/// Ends the login of the refresh cookie and closes its sockets; returns the cookie that removes it.
///
/// # Errors
/// Tells when the identity actor does not answer.
pub(crate) async fn logout(request: &Request) -> Result<String, Problem> {
    let app = &request.app;
    if let Some(token) = app.cookie().read(&request.headers) {
        let hash = cookie::hash(&token);
        app.platform.identity.revoke_family(hash).await?;
        if let Some(login) = app.logins.get(&hash) {
            app.sockets.revoke_login(&login);
        }
    }
    Ok(app.cookie().clear())
}

/// Changes the caller's password and ends every login of theirs but this one.
///
/// # Errors
/// `validation_failed` when the current one is wrong or the new one is weak.
pub(crate) async fn change_password(
    request: &Request,
    wanted: PasswordDto,
) -> Result<Option<String>, Problem> {
    let app = &request.app;
    let caller = request.caller()?;
    let found = app.platform.identity.user(caller.user).await?;
    let credentials = found.ok_or_else(|| Problem::not_found("the user"))?;
    let name = credentials.user.name.to_lowercase();
    let now = Instant::now();
    app.limiter.take(&name, "auth_user", app.config.rates.auth_user, now)?;
    refuse_locked(app, &name, request.address, now)?;
    if !app.passwords.verify(wanted.current.clone(), Some(credentials.password_phc)).await? {
        app.lockout.failed(&name, request.address, Instant::now());
        return Err(Problem::field("/current", "wrong_password", "is not your password"));
    }
    if wanted.new == wanted.current {
        return Err(Problem::field("/new", "unchanged", "must differ from the current password"));
    }
    if let Some(weakness) = super::password::weakness(&wanted.new, &credentials.user.name) {
        return Err(Problem::invalid(vec![weakness]));
    }
    let phc = app.passwords.hash(wanted.new).await?;
    app.platform.identity.set_password(request.command(None)?, caller.user, phc).await?;
    app.sockets.revoke_other_logins(caller.user, &caller.login);
    if app.cookie().read(&request.headers).is_none() {
        return Ok(None);
    }
    start_family(app, caller.user, &caller.login).await.map(Some)
}

/// Refuses while failed tries must be waited out.
fn refuse_locked(app: &App, name: &str, address: IpAddr, now: Instant) -> Result<(), Problem> {
    let Some(wait) = app.lockout.wait(name, address, now) else { return Ok(()) };
    let seconds = wait.as_secs_f64().ceil().max(1.0);
    Err(limited("auth_wait", Rate::new(1.0 / seconds, 1.0), seconds))
}

async fn start_family(app: &App, user: UserId, login: &str) -> Result<String, Problem> {
    let (token, hash) = cookie::new_token()?;
    let life = i64::try_from(app.config.refresh_ttl.as_secs()).unwrap_or(0);
    app.platform.identity.put_refresh(hash, user, app.now_ms() + life * 1000).await?;
    app.logins.put(hash, login);
    Ok(app.cookie().set(&token, life))
}

fn subject(credentials: &Credentials, login: String) -> Subject {
    Subject {
        user: credentials.user.id,
        role: credentials.user.role.clone(),
        permission_version: credentials.permission_version,
        must_change_password: credentials.user.must_change_password,
        login,
    }
}
