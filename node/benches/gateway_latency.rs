//! What the gateway adds to a request, and how old a live frame is when it arrives. Run with
//! `cargo bench -p node --bench gateway_latency` (the worker must be built: `make worker PROFILE=release`).
//!
//! REST, at full speed: a gateway with its actors inside this process, because `tm` has no setting that lifts the
//! limit of 50 reads a second. REST, paced below that limit, `/livez` and the live stream: a real node process.
//! Beside each REST figure stands a bare hyper server asked by the same client for a body of the same size.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measuring program speaks and panics"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use actors::{Platform, PlatformConfig, Running, SystemClock, WorkerProgram};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use gateway::{Encodings, Gateway, GatewayConfig, PageFile, Pages, Rate};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use support::{Api, DEADLINE, NodeProcess, worker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Handle, Runtime};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Time one full-speed figure is measured.
const LOADED: Duration = Duration::from_secs(3);
/// Calls of each connection before measuring begins.
const WARM_CALLS: usize = 50;
/// Calls of one paced figure.
const PACED_CALLS: usize = 200;
/// Between two paced calls: 40 a second, below the limit of 50.
const PACE: Duration = Duration::from_millis(25);
/// Time one live-stream figure is measured.
const WATCHED: Duration = Duration::from_secs(15);
/// Finished sessions in the list that is read.
const SESSIONS: usize = 3;

fn main() {
    // `cargo test --benches` passes other flags and expects a quick end.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    // Servers inside this process, ours and the bare one, have threads of their own.
    let servers = Runtime::new().unwrap();
    let clients = Runtime::new().unwrap();
    let optimised = if cfg!(debug_assertions) { "NOT optimised" } else { "optimised" };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!("{cores} cores shared by servers and clients; this build is {optimised}");
    clients.block_on(measure(servers.handle().clone()));
}

async fn measure(servers: Handle) {
    let peer = Peer::start(&servers).await;
    println!(
        "\nREST (full: {} s at full speed; paced: {PACED_CALLS} calls, 40/s)",
        LOADED.as_secs()
    );
    println!(
        "{:<34} {:<6} {:>7} {:>8} {:>9} {:>8} {:>8} {:>8} {:>10} {:>7} {:>7}",
        "request",
        "mode",
        "clients",
        "bytes",
        "calls/s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "bare p50",
        "x p50",
        "x rate"
    );
    full_speed(&servers, &peer).await;
    let folder = tempfile::tempdir().unwrap();
    let node = NodeProcess::start(folder.path());
    let api = Api::first_login(&node.url, node.password.as_deref().unwrap()).await;
    let address: SocketAddr = node.url.strip_prefix("http://").unwrap().parse().unwrap();
    let (strategy, dataset) = fill(&api).await;
    let live = Call::get("/livez", "");
    for clients in [1, 16] {
        compare(&live, address, &peer, Mode::Full { clients }).await;
    }
    for call in calls(&strategy, api.token()) {
        compare(&call, address, &peer, Mode::Paced).await;
    }
    println!("\nlive stream of a training session ({} s each)", WATCHED.as_secs());
    println!(
        "frames/s and gap (ms) are each client's; sent: from the frame's ts (whole ms) to receipt; \
         stored: from the node's storing of each new metric point, pace of 4/s included"
    );
    println!(
        "{:<12} {:>7} {:>8} {:>9} {:>9} | {:>8} {:>8} {:>8} | {:>8} {:>8} {:>8} {:>8}",
        "topic",
        "clients",
        "frames",
        "frames/s",
        "p50 gap",
        "sent p50",
        "p99",
        "max",
        "stored50",
        "p99",
        "max",
        "points"
    );
    for clients in [1, 10] {
        watch(&api, address, (&strategy, &dataset), clients).await;
    }
}

/// One request, ready to be sent.
struct Call {
    name: String,
    bytes: Bytes,
}

impl Call {
    fn get(path: &str, token: &str) -> Self {
        let bytes = format!(
            "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        Self { name: format!("GET {}", short(path)), bytes: bytes.into() }
    }

    fn post(path: &str, token: &str, body: &Value) -> Self {
        let body = body.to_string();
        let bytes = format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Self { name: format!("POST {}", short(path)), bytes: bytes.into() }
    }
}

/// Returns a path as people name the route.
fn short(path: &str) -> String {
    match path.split_once("/str_") {
        Some((front, _)) => format!("{front}/{{id}}"),
        None => path.to_owned(),
    }
}

/// Returns the requests that are measured signed in.
fn calls(strategy: &str, token: &str) -> Vec<Call> {
    let agent = json!({"algorithm": "dqn", "hidden": [64, 64], "batch_size": 32});
    vec![
        Call::get("/api/v1/sessions", token),
        Call::get(&format!("/api/v1/strategies/{strategy}"), token),
        Call::post(
            "/api/v1/configs:validate",
            token,
            &json!({"kind": "strategy", "config": {"agent": agent}}),
        ),
        Call::get("/api/v1/openapi.json", token),
    ]
}

/// Makes a data set, a strategy and a few finished sessions; returns strategy and data set.
async fn fill(api: &Api) -> (String, String) {
    let dataset = api.synthetic("market", 2_000).await;
    let strategy = api.strategy("small").await;
    for _ in 0..SESSIONS {
        let id = api.train(&strategy, &dataset, 1).await;
        let ended = |session: &Value| matches!(session["state"].as_str(), Some("completed"));
        api.until(&id, "completed", ended).await;
    }
    (strategy, dataset)
}

/// Measures signed-in calls as fast as they go.
async fn full_speed(servers: &Handle, peer: &Peer) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_path_buf();
    let (platform, running, gateway, password) = servers.spawn(unlimited(data_dir)).await.unwrap();
    let address = gateway.local_addr();
    let api = Api::first_login(&format!("http://{address}"), &password).await;
    let (strategy, _) = fill(&api).await;
    for call in calls(&strategy, api.token()) {
        for clients in [1, 16] {
            compare(&call, address, peer, Mode::Full { clients }).await;
        }
    }
    gateway.shutdown(DEADLINE).await;
    running.shutdown(DEADLINE).await;
    drop(platform);
}

/// Starts a gateway whose limits no client of ours reaches.
async fn unlimited(data_dir: std::path::PathBuf) -> (Platform, Running, Gateway, String) {
    let program = WorkerProgram { path: worker(), env: BTreeMap::new() };
    let config = PlatformConfig::new(data_dir, program, Arc::new(SystemClock));
    let (platform, running) = actors::boot(config).await.unwrap();
    let admin = gateway::ensure_first_admin(&platform).await.unwrap().unwrap();
    let mut config = GatewayConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.rates.read = Rate::new(1e9, 1e9);
    config.rates.write = Rate::new(1e9, 1e9);
    let gateway = gateway::serve(config, platform.clone(), Arc::new(NoPages)).await.unwrap();
    (platform, running, gateway, admin.password)
}

struct NoPages;

impl Pages for NoPages {
    fn lookup(&self, _: &str, _: Encodings) -> Option<PageFile> {
        None
    }
}

/// A hyper server that reads the request and answers bytes.
struct Peer {
    address: SocketAddr,
    body: tokio::sync::watch::Sender<String>,
}

impl Peer {
    async fn start(servers: &Handle) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (body, bodies) = tokio::sync::watch::channel(String::new());
        servers.spawn(async move {
            // Ends with the runtime.
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let body = bodies.borrow().clone();
                tokio::spawn(Self::serve(stream, body));
            }
        });
        Self { address, body }
    }

    async fn serve(stream: TcpStream, body: String) {
        let answer = |request: Request<Incoming>| {
            let body = body.clone();
            async move {
                let mut asked = request.into_body();
                while let Some(part) = poll_fn(|cx| Pin::new(&mut asked).poll_frame(cx)).await {
                    part.unwrap();
                }
                let answer = Response::builder().header("content-type", "application/json");
                Ok::<_, Infallible>(answer.body(body).unwrap())
            }
        };
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service_fn(answer));
        if let Err(error) = connection.await {
            println!("bare server: {error}");
        }
    }

    /// From now on new connections are answered with JSON of this size.
    fn answer_with(&self, length: usize) {
        let body = format!("\"{}\"", "x".repeat(length.saturating_sub(2)));
        self.body.send_replace(body);
    }
}

/// A keep-alive connection that does as little as possible, so that the servers are what is measured.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(256 * 1024) }
    }

    /// Sends a request and reads its answer to the end; the length of the body.
    async fn call(&mut self, request: &[u8]) -> usize {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(0 < read, "the server hung up");
            if let Some((head, body)) = lengths(&self.buffer)
                && head + body <= self.buffer.len()
            {
                return body;
            }
        }
    }
}

/// Returns the lengths of an answer's head and body once the head is complete.
fn lengths(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200 "),
        "expected 200, found {head}{}",
        String::from_utf8_lossy(&bytes[end..])
    );
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    Some((end, length.expect("the answer says its length")))
}

/// How hard a server is asked.
#[derive(Clone, Copy)]
enum Mode {
    Full { clients: usize },
    Paced,
}

/// Sorted times, in milliseconds, and how many there were in a second.
struct Figures {
    sorted: Vec<f64>,
    per_second: f64,
}

impl Figures {
    fn new(mut times: Vec<f64>, elapsed: Duration) -> Self {
        times.sort_by(f64::total_cmp);
        let per_second = f64::from(u32::try_from(times.len()).unwrap()) / elapsed.as_secs_f64();
        Self { sorted: times, per_second }
    }

    fn at(&self, percent: usize) -> f64 {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted.get(last * percent / 100).copied().unwrap_or(f64::NAN)
    }

    fn text(&self) -> String {
        format!("{:>8.2} {:>8.2} {:>8.2}", self.at(50), self.at(99), self.at(100))
    }
}

/// Asks ours, then the bare server, and prints the line.
async fn compare(call: &Call, ours: SocketAddr, peer: &Peer, mode: Mode) {
    let length = Client::connect(ours).await.call(&call.bytes).await;
    peer.answer_with(length);
    let (found, bare) = match mode {
        Mode::Full { clients } => {
            (load(ours, &call.bytes, clients).await, load(peer.address, &call.bytes, clients).await)
        }
        Mode::Paced => (paced(ours, &call.bytes).await, paced(peer.address, &call.bytes).await),
    };
    let rate = found.per_second / bare.per_second;
    let (word, clients, rate) = match mode {
        Mode::Full { clients } => ("full", clients, format!("{rate:.2}")),
        Mode::Paced => ("paced", 1, "-".to_owned()),
    };
    println!(
        "{:<34} {word:<6} {clients:>7} {length:>8} {:>9.0} {:>8.3} {:>8.3} {:>8.3} {:>10.3} {:>7.2} {rate:>7}",
        call.name,
        found.per_second,
        found.at(50),
        found.at(99),
        found.at(100),
        bare.at(50),
        found.at(50) / bare.at(50),
    );
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Every client asks again as soon as it has its answer.
async fn load(address: SocketAddr, request: &Bytes, clients: usize) -> Figures {
    let start = Arc::new(tokio::sync::Barrier::new(clients));
    let tasks: Vec<_> = (0..clients)
        .map(|_| {
            let (request, start) = (request.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                for _ in 0..WARM_CALLS {
                    client.call(&request).await;
                }
                start.wait().await;
                let (begun, mut times) = (Instant::now(), Vec::new());
                while begun.elapsed() < LOADED {
                    let asked = Instant::now();
                    client.call(&request).await;
                    times.push(milliseconds(asked.elapsed()));
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    Figures::new(times, LOADED)
}

/// One client asks at a fixed pace; timed from when it was due, so that a late answer counts for those behind it.
async fn paced(address: SocketAddr, request: &Bytes) -> Figures {
    let mut client = Client::connect(address).await;
    let begun = Instant::now();
    let mut times = Vec::new();
    for number in 0..u32::try_from(PACED_CALLS).unwrap() {
        let due = begun + PACE * number;
        tokio::time::sleep_until(due.into()).await;
        // The timer itself may be a millisecond late; only what an earlier call held up counts as waiting.
        let asked = if PACE < due.elapsed() { due } else { Instant::now() };
        client.call(request).await;
        times.push(milliseconds(asked.elapsed()));
    }
    Figures::new(times, begun.elapsed())
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A frame and when it came, milliseconds since 1970.
struct Heard {
    at_ms: f64,
    frame: Value,
}

fn now_ms() -> f64 {
    milliseconds(SystemTime::UNIX_EPOCH.elapsed().unwrap())
}

async fn say(socket: &mut Socket, frame: &Value) {
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

/// Connects, says hello and subscribes to curves (1) and state (2) of a session.
async fn subscribe(address: SocketAddr, token: &str, session: &str) -> Socket {
    let mut request = format!("ws://{address}/ws/v1").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("tm.v1"));
    let (mut socket, _) = connect_async(request).await.unwrap();
    say(&mut socket, &json!({"t": "hello", "v": 1, "token": token, "client": "bench/1"})).await;
    for (sid, topic) in [(1, "metrics"), (2, "session")] {
        say(&mut socket, &json!({"t": "sub", "sid": sid, "topic": format!("{topic}/{session}")}))
            .await;
    }
    socket
}

/// Listens for a while, answers pings, and closes.
async fn listen(mut socket: Socket, until: Instant) -> Vec<Heard> {
    let mut heard = Vec::new();
    while let Ok(Some(message)) = tokio::time::timeout_at(until.into(), socket.next()).await {
        let at_ms = now_ms();
        let Message::Text(text) = message.unwrap() else { panic!("a frame is text") };
        let frame: Value = serde_json::from_str(&text).unwrap();
        match frame["t"].as_str().unwrap() {
            "ping" => say(&mut socket, &json!({"t": "pong", "n": frame["n"]})).await,
            "snap" | "delta" => heard.push(Heard { at_ms, frame }),
            "welcome" | "sub_ok" => {}
            other => panic!("unexpected {other}: {frame}"),
        }
    }
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
    heard
}

/// Trains, watches with so many clients, and prints a line for each topic.
async fn watch(api: &Api, address: SocketAddr, (strategy, dataset): (&str, &str), clients: usize) {
    let id = api.train(strategy, dataset, 1_000).await;
    let stepped =
        |session: &Value| session["progress"]["step"].as_u64().is_some_and(|step| 0 < step);
    api.until(&id, "stepping", stepped).await;
    let mut sockets = Vec::new();
    for _ in 0..clients {
        sockets.push(subscribe(address, api.token(), &id).await);
    }
    let until = Instant::now() + WATCHED;
    let listening: Vec<_> =
        sockets.into_iter().map(|socket| tokio::spawn(listen(socket, until))).collect();
    let mut all = Vec::new();
    for one in listening {
        all.push(one.await.unwrap());
    }
    let state = api.session(&id).await["state"].clone();
    assert_eq!(state, "running", "training ended before the measurement did");
    api.post(&format!("/api/v1/sessions/{id}:stop"), &json!({})).await;
    let stored = stored(api, &id).await;
    for (sid, topic) in [(1, "metrics/{id}"), (2, "session/{id}")] {
        report(topic, sid, &all, &stored);
    }
    api.until(&id, "stopped", |session| session["state"] == "stopped").await;
}

/// Returns when the node stored each point, by name and step.
async fn stored(api: &Api, id: &str) -> BTreeMap<(String, u64), f64> {
    let (mut times, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let path = format!("/api/v1/sessions/{id}/metrics?raw=true&limit=500{cursor}");
        let page = api.get(&path).await;
        for row in page["items"].as_array().unwrap() {
            let key = (row["name"].as_str().unwrap().to_owned(), row["step"].as_u64().unwrap());
            times.insert(key, row["stored_ms"].as_f64().unwrap());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&after={next}"),
            None => return times,
        }
    }
}

fn report(topic: &str, sid: u32, all: &[Vec<Heard>], stored: &BTreeMap<(String, u64), f64>) {
    let (mut gaps, mut sent, mut fresh) = (Vec::new(), Vec::new(), Vec::new());
    for heard in all {
        let mut known = BTreeSet::new();
        let mut before = None;
        for Heard { at_ms, frame } in heard.iter().filter(|heard| heard.frame["sid"] == sid) {
            let new = new_points(frame, &mut known);
            // The snapshot tells what was there before we came.
            let Some(ts) = frame["ts"].as_str() else { continue };
            let ts: jiff::Timestamp = ts.parse().unwrap();
            sent.push(at_ms - milliseconds(Duration::try_from(ts.as_duration()).unwrap()));
            gaps.extend(before.replace(*at_ms).map(|before| at_ms - before));
            fresh.extend(new.iter().filter_map(|key| stored.get(key)).map(|stored| at_ms - stored));
        }
    }
    let points = fresh.len();
    let (gaps, sent, fresh) = (
        Figures::new(gaps, WATCHED),
        Figures::new(sent, WATCHED * u32::try_from(all.len()).unwrap()),
        Figures::new(fresh, WATCHED),
    );
    let fresh =
        if points == 0 { format!("{:>8} {:>8} {:>8}", "-", "-", "-") } else { fresh.text() };
    println!(
        "{topic:<12} {:>7} {:>8} {:>9.2} {:>9.1} | {} | {fresh} {points:>8}",
        all.len(),
        sent.sorted.len(),
        sent.per_second,
        gaps.at(50),
        sent.text(),
    );
}

/// Returns the points of a frame that no frame before it had; bins of several points are passed over.
fn new_points(frame: &Value, known: &mut BTreeSet<(String, u64)>) -> Vec<(String, u64)> {
    let Some(series) = frame["data"]["series"].as_object() else { return Vec::new() };
    let mut new = Vec::new();
    for (name, bins) in series.iter().filter(|(_, bins)| bins["stride"] == 1) {
        for step in bins["x"].as_array().unwrap().iter().filter_map(whole) {
            let key = (name.clone(), step);
            if known.insert(key.clone()) {
                new.push(key);
            }
        }
    }
    new
}

/// Returns a step, which the curves carry as any JSON number.
fn whole(step: &Value) -> Option<u64> {
    step.as_u64().or_else(|| {
        let text = format!("{:.0}", step.as_f64()?);
        text.parse().ok()
    })
}
