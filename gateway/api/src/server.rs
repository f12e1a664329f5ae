//! The accept loop: limits, timeouts, graceful end. warp's own server has none of them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actors::Platform;
use engine::error::ErrorCode;
use futures_util::Stream;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::Service;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderValue, Method};
use warp::path::FullPath;
use warp::{Buf, Filter};

use crate::GatewayError;
use crate::answer::Answer;
use crate::app::App;
use crate::config::GatewayConfig;
use crate::dispatch::{self, Incoming};
use crate::headers::header;
use crate::pages::{self, Pages};
use crate::problem::Problem;
use crate::socket;
use crate::trace::Trace;
use crate::transport::{Open, Peer, Transport};

/// A running gateway. Dropping it ends it at once; [`Gateway::shutdown`] ends it in good order.
pub struct Gateway {
    local_addr: SocketAddr,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    connections: Arc<Open>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Returns where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Returns how many live streams are open, those that have not said who they are included.
    #[must_use]
    pub fn open_sockets(&self) -> usize {
        self.app.sockets.count()
    }

    /// Fails readiness and refuses new commands; everything else goes on.
    pub fn drain(&self) {
        self.app.draining.store(true, Ordering::Release);
    }

    /// Ends in good order: no new connections, requests under way are finished, sockets are told and closed with
    /// 1012. What has not ended within `deadline` is cut off. Repeating it changes nothing.
    pub async fn shutdown(&self, deadline: Duration) {
        self.drain();
        self.stop.send_replace(true);
        let ended = tokio::time::timeout(deadline, async {
            self.app.sockets.close_all(deadline / 2).await;
            self.connections.wait_empty().await;
        });
        if ended.await.is_err() {
            tracing::warn!(
                seconds = deadline.as_secs(),
                "connections were cut off at the deadline"
            );
            self.connections.cut();
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Starts a gateway.
///
/// # Errors
/// Refuses an address beyond this machine without TLS; tells when the address cannot be listened on or the actors do
/// not answer.
pub async fn serve(
    config: GatewayConfig,
    platform: Platform,
    pages: Arc<dyn Pages>,
) -> Result<Gateway, GatewayError> {
    let listen = config.listen;
    if !listen.ip().is_loopback() {
        return Err(GatewayError::NotLoopback { listen });
    }
    let refused = |error: io::Error| GatewayError::Listen { listen, reason: error.to_string() };
    let app = Arc::new(App::new(config, platform, pages).await?);
    let listener = TcpListener::bind(listen).await.map_err(refused)?;
    let local_addr = listener.local_addr().map_err(refused)?;
    let (stop, stopped) = watch::channel(false);
    let connections = Arc::new(Open::default());
    let accepting =
        tokio::spawn(accept(listener, Arc::clone(&app), Arc::clone(&connections), stopped));
    tracing::info!(%local_addr, "gateway listens");
    Ok(Gateway { local_addr, app, stop, accepting, connections })
}

async fn accept(
    listener: TcpListener,
    app: Arc<App>,
    open: Arc<Open>,
    mut stop: watch::Receiver<bool>,
) {
    let routes = routes(&app);
    let mut pause = Duration::from_millis(10);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told(&mut stop) => return,
        };
        match accepted {
            Ok((stream, address)) => {
                pause = Duration::from_millis(10);
                let Some(admission) = open.enter(address.ip(), &app.config.connections) else {
                    tracing::debug!(%address, "connection refused: too many are open");
                    continue;
                };
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "small packets may wait");
                }
                let peer = Peer::new(address);
                let transport = Transport::new(stream, peer.clone(), admission);
                let shared = (Arc::clone(&app), Arc::clone(&open));
                tokio::spawn(connection(transport, peer, routes.clone(), shared, stop.clone()));
            }
            // Out of file descriptors, or a connection that broke before it was accepted: go on after a pause.
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "accepting failed");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
    }
}

/// Returns once the gateway is told to end.
async fn told(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        tracing::debug!("the gateway was dropped");
    }
}

type Routes = BoxedFilter<(warp::reply::Response,)>;

async fn connection(
    transport: Transport,
    peer: Peer,
    routes: Routes,
    (app, open): (Arc<App>, Arc<Open>),
    mut stop: watch::Receiver<bool>,
) {
    let limits = app.config.connections;
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    // hyper's head timeout also runs between requests, so it holds the idle time; the head's own is the watchdog's.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_buf_size(limits.head_bytes);
    let watched = peer.clone();
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        peer.busy();
        request.extensions_mut().insert(peer.clone());
        let mut service = warp::service(routes.clone());
        let peer = peer.clone();
        async move {
            let response = service.call(request).await;
            peer.idle();
            response
        }
    });
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(transport), service);
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = watched.overstays(limits) => return,
        () = told(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                ended = serving.as_mut() => ended,
                () = watched.overstays(limits) => return,
                () = open.cut_off() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// What arrives: everything goes to one of four places.
fn routes(app: &Arc<App>) -> Routes {
    let with_app = {
        let app = Arc::clone(app);
        warp::any().map(move || Arc::clone(&app))
    };
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let stream = warp::path!("ws" / "v1")
        .and(with_app.clone())
        .and(warp::ext::get::<Peer>())
        .and(warp::header::headers_cloned())
        .and(warp::ws())
        .map(socket::upgrade);
    let target =
        warp::method().and(warp::path::full()).and(query).map(|method, path: FullPath, query| {
            Target { method, path: path.as_str().to_owned(), query }
        });
    let rest = with_app
        .and(target)
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .and(warp::ext::get::<Peer>())
        .then(rest);
    stream.or(rest).unify().boxed()
}

/// What is asked for.
struct Target {
    method: Method,
    path: String,
    query: String,
}

async fn rest<S, B>(
    app: Arc<App>,
    target: Target,
    headers: HeaderMap,
    body: S,
    peer: Peer,
) -> warp::reply::Response
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let trace = Trace::begin(header(&headers, "traceparent"));
    let Target { method, path, query } = target;
    let answered = if path == "/api" || path.starts_with("/api/") {
        let method = method.as_str().to_owned();
        let address = peer.address.ip();
        let incoming = Incoming { method, path: path.clone(), query, headers, body, address };
        dispatch::serve(&app, incoming)
            .await
            .map(|answer| answer.header("cache-control", "no-store"))
    } else {
        outside(&app, &method, &path, &headers).await
    };
    let answer = answered.unwrap_or_else(|problem| failed(problem, &path, &trace));
    finish(&app, answer, &trace, method == Method::HEAD)
}

fn failed(problem: Problem, path: &str, trace: &Trace) -> Answer {
    if problem.code == ErrorCode::Internal {
        tracing::error!(trace_id = trace.trace_id, path, detail = problem.detail, "request failed");
    }
    problem.answer(path, &trace.trace_id).header("cache-control", "no-store")
}

/// Health and the web UI: GET and HEAD only.
async fn outside(
    app: &App,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Result<Answer, Problem> {
    if method != Method::GET && method != Method::HEAD {
        let detail = format!("this path knows GET, not {method}");
        return Err(Problem::new(ErrorCode::MethodNotAllowed, detail).header("allow", "GET, HEAD"));
    }
    if path == "/ws" || path.starts_with("/ws/") {
        let detail = "the live stream is at /ws/v1: a WebSocket upgrade with subprotocol tm.v1";
        return Err(Problem::new(ErrorCode::Malformed, detail));
    }
    if let Some(answer) = dispatch::health(app, path).await {
        return Ok(answer);
    }
    pages::answer(app.pages.as_ref(), path, headers)
}

/// Adds what every answer carries.
pub(crate) fn finish(
    app: &App,
    answer: Answer,
    trace: &Trace,
    head_only: bool,
) -> warp::reply::Response {
    let mut answer = answer
        .header("traceparent", trace.header())
        .header("x-content-type-options", "nosniff")
        .header("referrer-policy", "no-referrer")
        .header("cross-origin-opener-policy", "same-origin")
        .header("cross-origin-resource-policy", "same-origin")
        .header("x-frame-options", "DENY");
    if app.config.tls {
        answer = answer.header("strict-transport-security", "max-age=31536000; includeSubDomains");
    }
    let length = answer.body.len();
    if head_only {
        answer.body = bytes::Bytes::new();
    }
    let mut response = answer.into_response();
    if head_only {
        response.headers_mut().insert("content-length", HeaderValue::from(length));
    }
    response
}
