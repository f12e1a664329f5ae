//! One client's socket from `hello` to close: reads frames, keeps subscriptions, watches the clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actors::{ActorsError, Since, Subscription};
use engine::error::{Coded, ErrorCode};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::task::JoinHandle;
use warp::ws::{Message, WebSocket};

use super::frames::{self, ClientFrame, Close, Limits, ServerFrame, SinceFrame};
use super::outbox::{SharedOutbox, Write};
use super::registry::Place;
use super::{subscription, topics};
use crate::app::App;
use crate::auth::caller::Caller;

/// How long the close frame may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// Longest name of a topic that is looked at.
const TOPIC_LENGTH_MAX: usize = 200;

/// One watched topic.
struct Watched {
    task: JoinHandle<()>,
    ended: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Connection {
    app: Arc<App>,
    outbox: SharedOutbox,
    number: u64,
    caller: Caller,
    watched: BTreeMap<u32, Watched>,
    pings: u64,
    /// Oldest ping without its pong.
    unanswered: Option<(u64, Instant)>,
    frames: FrameRate,
}

/// Why a connection goes on or ends.
type Step = Result<(), (Close, &'static str, String)>;

/// Runs one socket to its end.
pub(crate) async fn run(app: Arc<App>, socket: WebSocket, outbox: SharedOutbox, place: Place) {
    let (sink, stream) = socket.split();
    let oldest = app.config.socket.oldest;
    let mut writer = tokio::spawn(write(sink, Arc::clone(&outbox), oldest));
    let reading = read(Arc::clone(&app), stream, Arc::clone(&outbox), place.number);
    let result = tokio::select! {
        result = reading => result,
        // Only the writer knows that the other side is gone or too slow.
        _ = &mut writer => return,
    };
    if let Err((close, code, detail)) = result {
        if close != Close::Done {
            outbox.push(&ServerFrame::Error { code, detail });
        }
        outbox.close(close);
    } else {
        outbox.close(Close::Done);
    }
    if tokio::time::timeout(CLOSE_WITHIN + oldest, &mut writer).await.is_err() {
        writer.abort();
    }
    drop(place);
}

/// Writes what waits; ends when the socket is closed, broken or too slow.
async fn write(mut sink: SplitSink<WebSocket, Message>, outbox: SharedOutbox, oldest: Duration) {
    let close = loop {
        match outbox.next().await {
            Write::Frame(text) => {
                let left = oldest.saturating_sub(outbox.oldest());
                match tokio::time::timeout(left, sink.send(Message::text(text))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "socket broke");
                        return;
                    }
                    Err(_) => {
                        outbox.close(Close::Slow);
                        break Close::Slow;
                    }
                }
            }
            Write::Close(close) => break close,
        }
    };
    let farewell = async {
        sink.send(Message::close_with(close.code(), "")).await?;
        sink.close().await
    };
    if tokio::time::timeout(CLOSE_WITHIN, farewell).await.is_err() {
        tracing::debug!(code = close.code(), "close frame could not be written in time");
    }
}

/// Reads until the client, the clock or the outbox ends it.
async fn read(
    app: Arc<App>,
    mut stream: SplitStream<WebSocket>,
    outbox: SharedOutbox,
    number: u64,
) -> Step {
    let limits = app.config.socket;
    let mut frames = FrameRate::new(limits.inbound_per_second);
    let first = tokio::time::timeout(limits.hello, next_frame(&mut stream, &mut frames)).await;
    let first = first
        .map_err(|_| (Close::Timeout, "hello_timeout", "no hello came in time".to_owned()))??;
    let Some(first) = first else { return Ok(()) };
    let ClientFrame::Hello { v, ticket, token, client } = first else {
        return Err((
            Close::Unauthenticated,
            "unauthenticated",
            "the first frame must be hello".to_owned(),
        ));
    };
    if v != 1 {
        return Err((
            Close::BadFrame,
            "bad_frame",
            format!("this server speaks version 1, not {v}"),
        ));
    }
    let caller = authenticate(&app, ticket, token).await?;
    if !app.sockets.welcome(number, caller.user, &caller.login, &limits) {
        let detail = format!("you have {} sockets open; close one", limits.per_user);
        return Err((Close::TooMany, "limit", detail));
    }
    tracing::debug!(number, user = %caller.user, client = client.as_deref().unwrap_or_default(), "socket opened");
    let mut connection = Connection {
        app,
        outbox,
        number,
        caller,
        watched: BTreeMap::new(),
        pings: 0,
        unanswered: None,
        frames,
    };
    connection.greet();
    connection.serve(&mut stream).await
}

/// Returns the next frame; `None` when the client closed or went away.
async fn next_frame(
    stream: &mut SplitStream<WebSocket>,
    rate: &mut FrameRate,
) -> Result<Option<ClientFrame>, (Close, &'static str, String)> {
    loop {
        let bad = |detail: String| (Close::BadFrame, "bad_frame", detail);
        let Some(message) = stream.next().await else { return Ok(None) };
        let message =
            message.map_err(|error| bad(format!("the frame is too large or broken: {error}")))?;
        if !rate.take() {
            return Err((Close::TooMany, "rate_limited", "too many frames in a second".to_owned()));
        }
        if message.is_close() {
            return Ok(None);
        }
        if message.is_ping() || message.is_pong() {
            continue;
        }
        let text =
            message.to_str().map_err(|()| bad("binary frames are not spoken here".to_owned()))?;
        return frames::read(text).map(Some).map_err(bad);
    }
}

async fn authenticate(
    app: &App,
    ticket: Option<String>,
    token: Option<String>,
) -> Result<Caller, (Close, &'static str, String)> {
    let refuse = |detail: String| (Close::Unauthenticated, "unauthenticated", detail);
    let caller = match (ticket, token) {
        (Some(ticket), None) => {
            let taken = app.tickets.take(&ticket, app.now_ms());
            taken.ok_or_else(|| {
                refuse("the ticket is unknown, used or too old; ask for a new one".to_owned())
            })?
        }
        (None, Some(token)) => app
            .tokens
            .verify(&token, app.now_ms())
            .await
            .map_err(|problem| refuse(problem.detail))?,
        (Some(_), Some(_)) | (None, None) => {
            return Err(refuse("send either a ticket or a token".to_owned()));
        }
    };
    match caller.need_own_password(&app.platform.identity).await {
        Ok(()) => Ok(caller),
        Err(problem) if problem.code == ErrorCode::PasswordChangeRequired => {
            Err((Close::Forbidden, "password_change_required", problem.detail))
        }
        Err(problem) => Err(refuse(problem.detail)),
    }
}

impl Connection {
    fn greet(&self) {
        let limits = self.app.config.socket;
        self.outbox.push(&ServerFrame::Welcome {
            conn: format!("c-{}", self.number),
            user: self.caller.user.to_string(),
            epoch: self.app.sockets.epoch().to_owned(),
            server_time: self.app.now_text(),
            heartbeat_ms: u64::try_from(limits.heartbeat.as_millis()).unwrap_or(u64::MAX),
            expires_at: actors::rfc3339(self.caller.expires_ms),
            limits: Limits {
                subs: limits.subscriptions,
                inbound_bytes: limits.inbound_bytes,
                inbound_per_second: limits.inbound_per_second,
            },
        });
    }

    async fn serve(&mut self, stream: &mut SplitStream<WebSocket>) -> Step {
        let limits = self.app.config.socket;
        let mut heartbeat = tokio::time::interval(limits.heartbeat);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        heartbeat.reset();
        let mut watch = tokio::time::interval(limits.heartbeat.min(Duration::from_millis(500)));
        watch.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                frame = next_frame(stream, &mut self.frames) => match frame? {
                    Some(frame) => self.take(frame).await?,
                    None => return Ok(()),
                },
                _ = heartbeat.tick() => self.ping(),
                _ = watch.tick() => self.watch()?,
            }
        }
    }

    fn ping(&mut self) {
        self.pings += 1;
        if self.unanswered.is_none() {
            self.unanswered = Some((self.pings, Instant::now()));
        }
        self.watched.retain(|_, watched| !watched.task.is_finished());
        let head = |(sid, watched): (&u32, &Watched)| {
            (sid.to_string(), watched.sent.load(Ordering::Acquire))
        };
        let heads = self.watched.iter().map(head).collect();
        self.outbox.push(&ServerFrame::Ping { n: self.pings, ts: self.app.now_text(), heads });
    }

    fn watch(&self) -> Step {
        let limits = self.app.config.socket;
        if self.app.now_ms() >= self.caller.expires_ms {
            let detail = "the credentials have ended; send auth before they do".to_owned();
            return Err((Close::Unauthenticated, "token_expired", detail));
        }
        if self.unanswered.is_some_and(|(_, since)| since.elapsed() >= limits.pong) {
            return Err((Close::Timeout, "pong_timeout", "no pong came in time".to_owned()));
        }
        if self.outbox.oldest() >= limits.oldest {
            return Err((Close::Slow, "slow", "what waits for you is too old".to_owned()));
        }
        Ok(())
    }

    async fn take(&mut self, frame: ClientFrame) -> Step {
        match frame {
            ClientFrame::Hello { .. } => {
                Err((Close::Duplicate, "duplicate", "hello was already said; use auth".to_owned()))
            }
            ClientFrame::Auth { ticket, token } => self.renew(ticket, token).await,
            ClientFrame::Sub { sid, topic, params, since } => {
                self.watched.retain(|_, watched| !watched.task.is_finished());
                if self.watched.contains_key(&sid) {
                    return Err((
                        Close::Duplicate,
                        "duplicate",
                        format!("sid {sid} is in use; unsub it first"),
                    ));
                }
                if let Err((code, detail)) =
                    self.subscribe(sid, &topic, params.is_empty(), since).await
                {
                    self.outbox.push(&ServerFrame::SubErr { sid, code, detail });
                }
                Ok(())
            }
            ClientFrame::Unsub { sid } => {
                match self.watched.remove(&sid) {
                    Some(watched) => {
                        self.outbox.end_of(&ServerFrame::UnsubOk { sid }, &watched.ended)
                    }
                    None => self.outbox.push(&ServerFrame::UnsubOk { sid }),
                }
                Ok(())
            }
            ClientFrame::Pong { n } => {
                if self.unanswered.is_some_and(|(oldest, _)| n >= oldest) {
                    self.unanswered = None;
                }
                Ok(())
            }
        }
    }

    async fn renew(&mut self, ticket: Option<String>, token: Option<String>) -> Step {
        let caller = authenticate(&self.app, ticket, token).await?;
        if caller.user != self.caller.user {
            let detail = "the new credentials are somebody else's; open a new socket".to_owned();
            return Err((Close::Unauthenticated, "unauthenticated", detail));
        }
        if !self.app.sockets.welcome(
            self.number,
            caller.user,
            &caller.login,
            &self.app.config.socket,
        ) {
            return Err((Close::TooMany, "limit", "you have too many sockets open".to_owned()));
        }
        self.outbox.push(&ServerFrame::AuthOk { expires_at: actors::rfc3339(caller.expires_ms) });
        self.caller = caller;
        Ok(())
    }

    async fn subscribe(
        &mut self,
        sid: u32,
        topic: &str,
        no_params: bool,
        since: Option<SinceFrame>,
    ) -> Result<(), (&'static str, String)> {
        if self.watched.len() >= self.app.config.socket.subscriptions {
            return Err((
                "limit",
                format!("at most {} subscriptions", self.app.config.socket.subscriptions),
            ));
        }
        if topic.len() > TOPIC_LENGTH_MAX {
            return Err(("unknown_topic", "there is no topic with such a long name".to_owned()));
        }
        if !no_params {
            return Err(("bad_params", "this topic takes no params".to_owned()));
        }
        if let topics::Subject::Session(id) = topics::refuse(topic, &self.caller)? {
            self.app.platform.sessions.get(id).await.map_err(|error| refusal(&error))?;
        }
        let since = since.map(|since| Since { epoch: since.epoch, seq: since.seq });
        let subscribed = self.app.platform.topics.subscribe(topic, since).await;
        let subscription = subscribed.map_err(|error| refusal(&error))?;
        let ended = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(subscription.seq));
        let shared = (Arc::clone(&self.outbox), Arc::clone(&ended), Arc::clone(&sent));
        let task = tokio::spawn(follow(sid, subscription, shared));
        self.watched.insert(sid, Watched { task, ended, sent });
        Ok(())
    }
}

/// Tells one subscription's updates while there is room; held back, the hub merges them by class.
async fn follow(
    sid: u32,
    mut subscription: Subscription,
    (outbox, ended, sent): (SharedOutbox, Arc<AtomicBool>, Arc<AtomicU64>),
) {
    // One part at a time, so that a long snapshot waits for the reader instead of overfilling the queue.
    for frame in subscription::begin(sid, &mut subscription) {
        outbox.push_of(&frame, &ended).await;
    }
    loop {
        outbox.room().await;
        if outbox.is_closing() {
            return;
        }
        let Some(update) = subscription.updates.next().await else {
            outbox.push_of(&ServerFrame::End { sid, code: "source_gone" }, &ended).await;
            return;
        };
        let (frames, seq) = subscription::next(sid, update);
        for frame in frames {
            outbox.push_of(&frame, &ended).await;
        }
        match seq {
            Some(seq) => sent.store(seq, Ordering::Release),
            None => return,
        }
    }
}

fn refusal(error: &ActorsError) -> (&'static str, String) {
    let code = if error.code() == ErrorCode::NotFound { "not_found" } else { "source_gone" };
    (code, error.to_string())
}

/// Inbound frames: a bucket that holds one second's worth.
struct FrameRate {
    per_second: f64,
    tokens: f64,
    filled_at: Instant,
}

impl FrameRate {
    fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, tokens: per_second, filled_at: Instant::now() }
    }

    fn take(&mut self) -> bool {
        let now = Instant::now();
        let elapsed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + elapsed * self.per_second).min(self.per_second);
        self.filled_at = now;
        let has = self.tokens >= 1.0;
        if has {
            self.tokens -= 1.0;
        }
        has
    }
}
