//! From a path to an answer: match, caller, permission, rate, body, command, handler, audit. One way for every route.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use actors::CommandId;
use bytes::{Buf, Bytes, BytesMut};
use engine::error::ErrorCode;
use futures_util::{Stream, StreamExt};
use serde_json::Value;
use sha2::{Digest, Sha256};
use warp::http::{HeaderMap, StatusCode};

use crate::answer::{Answer, Handled};
use crate::app::App;
use crate::auth::caller::{Caller, forbidden};
use crate::auth::cookie;
use crate::consistency;
use crate::headers::{Kind, content_type, header, unambiguous};
use crate::idempotency::{self, Begin};
use crate::json;
use crate::matching::{self, Found};
use crate::openapi::{BASE, body_is_optional};
use crate::problem::Problem;
use crate::query::Query;
use crate::request::{Body, Request};
use crate::revision;
use crate::spec::{Access, Audit, RateClass, RouteSpec};
use crate::text;

/// A request as it came in.
pub(crate) struct Incoming<S> {
    /// Method.
    pub(crate) method: String,
    /// Path with its `/api/v1`.
    pub(crate) path: String,
    /// Query string without `?`.
    pub(crate) query: String,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// Body, not yet read.
    pub(crate) body: S,
    /// Who connected.
    pub(crate) address: IpAddr,
}

/// Serves one request below `/api`.
///
/// # Errors
/// Everything that keeps it from being served.
pub(crate) async fn serve<S, B>(app: &Arc<App>, incoming: Incoming<S>) -> Handled
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let below = incoming.path.strip_prefix(BASE).filter(|rest| rest.starts_with('/'));
    let nothing = || {
        let detail = format!("nothing is served at {}; see {BASE}/openapi.json", incoming.path);
        Problem::new(ErrorCode::NotFound, detail)
    };
    let path = below.ok_or_else(nothing)?;
    let (spec, params) = match matching::find(&app.table, &incoming.method, path) {
        Found::Route(spec, params) => (spec, params),
        Found::OtherMethods(methods) => {
            let allowed = methods.join(", ");
            let detail = format!("this path knows {allowed}, not {}", incoming.method);
            return Err(Problem::new(ErrorCode::MethodNotAllowed, detail).header("allow", allowed));
        }
        Found::Nothing => return Err(nothing()),
    };
    let headers = &incoming.headers;
    unambiguous(headers)?;
    let caller = admit(app, spec, headers, incoming.address).await?;
    let (filters, wanted) = consistency::split(spec, &incoming.query, headers)?;
    let query = Query::parse(&filters, spec.query)?;
    let revision = if spec.if_match || headers.contains_key("if-match") {
        Some(revision::if_match(header(headers, "if-match"))?)
    } else {
        None
    };
    let key = if spec.idempotent {
        Some(idempotency::key(header(headers, "idempotency-key"))?.to_owned())
    } else {
        None
    };
    let kind = content_type(spec, headers)?;
    let read = read_body(app, spec, headers, incoming.body);
    let bytes = tokio::time::timeout(app.config.connections.body, read).await.map_err(|_| {
        Problem::new(
            ErrorCode::DeadlineExceeded,
            "the body did not arrive in time; send it faster or in one piece",
        )
    })??;
    let user = caller.as_ref().map(|caller| caller.user.to_string()).unwrap_or_default();
    let command = match &key {
        Some(key) => idempotency::command_id(&user, &incoming.method, &incoming.path, key),
        None => text::random::<16>()?,
    };
    let digest = digest(&incoming.query, kind, &bytes);
    let body = body(app, spec, kind, bytes)?;
    let request = Request {
        app: Arc::clone(app),
        path: path.to_owned(),
        params,
        query,
        body,
        caller,
        command: CommandId(command),
        revision,
        headers: incoming.headers,
        address: incoming.address,
    };
    let result = match wanted.wait(app).await {
        Ok(()) if key.is_some() => once(app, spec, request, digest).await,
        Ok(()) => run(spec, request).await,
        Err(problem) => Err(problem),
    };
    let result = consistency::mark(app, spec, result).await;
    record(spec, &user, &incoming.path, incoming.address, &result);
    result
}

/// Who may pass: credentials, then rate, then permission.
async fn admit(
    app: &App,
    spec: &RouteSpec,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<Option<Caller>, Problem> {
    let now = Instant::now();
    let anybody = || {
        app.limiter.take(
            &address.to_string(),
            class_name(spec.rate),
            app.config.rates.of(spec.rate),
            now,
        )
    };
    match spec.access {
        Access::Public => anybody().map(|()| None),
        Access::Cookie => {
            cookie::check_same_origin(headers, &app.config.origins)?;
            anybody().map(|()| None)
        }
        Access::SignedIn | Access::AnyOf(_) => {
            let caller = bearer(app, headers).await?;
            let rate = app.config.rates.of(spec.rate);
            app.limiter.take(&caller.user.to_string(), class_name(spec.rate), rate, now)?;
            if !spec.before_password_change {
                caller.need_own_password(&app.platform.identity).await?;
            }
            if let Access::AnyOf(wanted) = spec.access {
                permit(spec, &caller, wanted)?;
            }
            Ok(Some(caller))
        }
    }
}

fn permit(
    spec: &RouteSpec,
    caller: &Caller,
    wanted: &'static [crate::auth::permissions::Permission],
) -> Result<(), Problem> {
    if wanted.iter().any(|permission| caller.may(*permission)) {
        return Ok(());
    }
    let visible = wanted.iter().any(|permission| caller.may(permission.to_see()));
    if spec.names_object() && !visible {
        return Err(Problem::not_found("this object"));
    }
    Err(forbidden(wanted))
}

async fn bearer(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let token = header(headers, "authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let Some(token) = token else {
        let detail = "sign in, then send Authorization: Bearer with the access token";
        return Err(
            Problem::new(ErrorCode::Unauthenticated, detail).header("www-authenticate", "Bearer")
        );
    };
    app.tokens.verify(token, app.now_ms()).await
}

async fn read_body<S, B>(
    app: &App,
    spec: &RouteSpec,
    headers: &HeaderMap,
    body: S,
) -> Result<Bytes, Problem>
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let max = spec.body_bytes_max;
    let too_large = || {
        Problem::new(ErrorCode::TooLarge, format!("the body may have at most {max} bytes"))
            .with("limit_bytes", u64::try_from(max).unwrap_or(u64::MAX))
            .header("connection", "close")
    };
    let announced = header(headers, "content-length").and_then(|value| value.parse::<usize>().ok());
    if announced.is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let mut bytes = BytesMut::with_capacity(announced.unwrap_or(0).min(max));
    let mut body = std::pin::pin!(body);
    while let Some(piece) = body.next().await {
        let mut piece = piece.map_err(|error| {
            Problem::new(
                ErrorCode::Malformed,
                format!("the body broke off or cannot be read: {error}"),
            )
        })?;
        if bytes.len() + piece.remaining() > max {
            return Err(too_large());
        }
        while piece.has_remaining() {
            let chunk = piece.chunk();
            bytes.extend_from_slice(chunk);
            let length = chunk.len();
            piece.advance(length);
        }
    }
    if app.is_draining() && spec.audit != Audit::None {
        let detail = "this node is going down; repeat the request with the same key in a moment";
        return Err(Problem::new(ErrorCode::Draining, detail).header("retry-after", "2"));
    }
    Ok(bytes.freeze())
}

fn body(app: &App, spec: &RouteSpec, kind: Kind, bytes: Bytes) -> Result<Body, Problem> {
    if !spec.has_body() {
        if bytes.is_empty() {
            return Ok(Body::None);
        }
        return Err(Problem::new(ErrorCode::Malformed, "this path takes no body; send none"));
    }
    if kind == Kind::Raw {
        return Ok(Body::Raw(bytes));
    }
    if bytes.is_empty() && body_is_optional(spec) {
        return Ok(Body::Json(Value::Object(serde_json::Map::new())));
    }
    let value = json::parse(&bytes).map_err(|error| {
        Problem::new(ErrorCode::Malformed, format!("the body cannot be read as JSON: {error}"))
    })?;
    let violations = app.shapes.check(spec, &value);
    if violations.is_empty() { Ok(Body::Json(value)) } else { Err(Problem::invalid(violations)) }
}

fn digest(query: &str, kind: Kind, bytes: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(u64::try_from(query.len()).unwrap_or(u64::MAX).to_be_bytes());
    hasher.update(query.as_bytes());
    hasher.update([u8::from(kind == Kind::Raw)]);
    hasher.update(bytes);
    hasher.finalize().into()
}

/// Runs a handler within its time.
async fn run(spec: &RouteSpec, request: Request) -> Handled {
    let timeout = spec.timeout;
    tokio::time::timeout(timeout, (spec.handler)(request)).await.unwrap_or_else(|_| Err(late()))
}

fn late() -> Problem {
    let detail = "not answered in time; it may or may not take effect: repeat it with the same Idempotency-Key";
    Problem::new(ErrorCode::DeadlineExceeded, detail)
}

/// Runs a command once: repeats get the stored answer, and a client that goes away does not stop it.
async fn once(app: &Arc<App>, spec: &RouteSpec, request: Request, digest: [u8; 32]) -> Handled {
    let id = request.command.0;
    if let Begin::Replay(answer) = app.answers.begin(id, digest, app.now_ms())? {
        return Ok(replayed(answer));
    }
    let handler = spec.handler;
    let store = Arc::clone(app);
    let task = tokio::spawn(async move {
        let forget = Forget { app: &store, id, armed: true };
        // Forgotten here, for example by a restart, but not by the actors: what is answered then is a replay.
        let known = store.platform.strategies.remembers(CommandId(id)).await.unwrap_or(false);
        let result = handler(request).await;
        forget.settle(&result);
        result.map(|answer| if known { replayed(answer) } else { answer })
    });
    match tokio::time::timeout(spec.timeout, task).await {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => {
            Err(Problem::new(ErrorCode::Internal, format!("the handler failed: {error}")))
        }
        Err(_) => Err(late()),
    }
}

fn replayed(answer: Answer) -> Answer {
    answer.header("idempotency-replayed", "true")
}

/// Forgets a command unless its answer was stored, even when the handler panics.
struct Forget<'a> {
    app: &'a App,
    id: [u8; 16],
    armed: bool,
}

impl Forget<'_> {
    /// Stores what was done; what was refused may be tried again with the same key.
    fn settle(mut self, result: &Handled) {
        if let Ok(answer) = result {
            self.app.answers.finish(self.id, answer);
            self.armed = false;
        }
    }
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.app.answers.forget(self.id);
        }
    }
}

fn record(spec: &RouteSpec, user: &str, path: &str, address: IpAddr, result: &Handled) {
    if spec.audit == Audit::None {
        return;
    }
    let status = match result {
        Ok(answer) => answer.status,
        Err(problem) => crate::problem::status_and_title(problem.code).0,
    };
    tracing::info!(
        target: "audit",
        action = spec.method.as_str(),
        route = spec.path,
        path,
        user,
        %address,
        status = status.as_u16(),
    );
}

fn class_name(class: RateClass) -> &'static str {
    match class {
        RateClass::Read => "read",
        RateClass::Write => "write",
        RateClass::Heavy => "heavy",
        RateClass::Auth => "auth",
    }
}

/// Answers the health paths at the root, without detail.
pub(crate) async fn health(app: &App, path: &str) -> Option<Answer> {
    let ready = match path {
        "/livez" | "/startupz" => true,
        "/readyz" => !app.is_draining() && platform_answers(app).await,
        _ => return None,
    };
    let (status, word) = if ready {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    };
    let body = Bytes::from_static(word.as_bytes());
    Some(
        Answer::bytes(status, "text/plain; charset=utf-8", body)
            .header("cache-control", "no-store"),
    )
}

async fn platform_answers(app: &App) -> bool {
    let asked = app.platform.identity.public_keys();
    matches!(tokio::time::timeout(std::time::Duration::from_secs(1), asked).await, Ok(Ok(_)))
}
