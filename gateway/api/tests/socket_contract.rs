//! Every frame of `tm.v1` over a real socket: hello, subscribe, resume, malformed, silent, expired, drained.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod support;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use support::{As, CHEAP, DEADLINE, NOWHERE, PASSWORD, Site, start, start_with};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

async fn connect(site: &Site, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
    let mut request = format!("ws://{}/ws/v1", site.address).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
    }
    let (socket, response) = connect_async(request).await?;
    assert_eq!(response.headers()["sec-websocket-protocol"], "tm.v1");
    Ok(Socket(socket))
}

const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "tm.v1");

impl Socket {
    async fn open(site: &Site) -> Self {
        connect(site, &[PROTOCOL]).await.unwrap()
    }

    /// Connects and says hello.
    async fn greet(caller: &As<'_>) -> Self {
        let mut socket = Self::open(caller.site).await;
        socket.say(&json!({"t": "hello", "v": 1, "token": caller.token, "client": "test/1"})).await;
        assert_eq!(
            socket.next("welcome").await["user"].as_str().unwrap().split('_').next(),
            Some("usr")
        );
        socket
    }

    async fn say(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// Returns the next frame, which must be of this kind; pings are answered and passed over.
    async fn next(&mut self, kind: &str) -> Value {
        loop {
            let message =
                tokio::time::timeout(DEADLINE, self.0.next()).await.unwrap().unwrap().unwrap();
            let Message::Text(text) = &message else { panic!("expected {kind}, got {message:?}") };
            let frame: Value = serde_json::from_str(text).unwrap();
            if frame["t"] == "ping" && kind != "ping" {
                self.say(&json!({"t": "pong", "n": frame["n"]})).await;
                continue;
            }
            assert_eq!(frame["t"], kind, "{frame}");
            return frame;
        }
    }

    /// Reads to the close and returns its code.
    async fn closed(mut self) -> u16 {
        loop {
            match tokio::time::timeout(DEADLINE, self.0.next()).await.unwrap() {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("expected a close frame, got {other:?}"),
            }
        }
    }

    async fn subscribe(&mut self, sid: u32, topic: &str) -> (Value, Value) {
        self.say(&json!({"t": "sub", "sid": sid, "topic": topic, "params": {}})).await;
        let ok = self.next("sub_ok").await;
        assert_eq!((&ok["sid"], &ok["mode"]), (&json!(sid), &json!("snapshot")));
        let snap = self.next("snap").await;
        assert_eq!((&snap["seq"], &snap["more"]), (&ok["seq"], &json!(false)));
        (ok, snap)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_in_with_a_ticket_and_watches_a_list() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let ticket = ann.ticket().await;
    let origin = site.url("");
    let mut socket = connect(&site, &[PROTOCOL, ("origin", &origin)]).await.unwrap();
    socket.say(&json!({"t": "hello", "v": 1, "ticket": ticket, "client": "webui/1"})).await;
    let welcome = socket.next("welcome").await;
    assert_eq!(welcome["heartbeat_ms"], 10_000);
    assert_eq!(
        welcome["limits"],
        json!({"subs": 200, "inbound_bytes": 65536, "inbound_per_second": 20})
    );
    for field in ["conn", "user", "epoch", "server_time", "expires_at"] {
        assert!(welcome[field].is_string(), "{field}: {welcome}");
    }

    let (ok, snap) = socket.subscribe(1, "strategies").await;
    assert_eq!(snap["data"], json!({"rows": {}}));
    let strategy = ann.strategy("momentum").await;
    let delta = socket.next("delta").await;
    assert_eq!(delta["from"], ok["seq"].as_u64().unwrap() + 1);
    assert_eq!(delta["data"]["set"][strategy["id"].as_str().unwrap()]["name"], "momentum");
    assert!(delta["ts"].as_str().unwrap().ends_with('Z'));

    socket.say(&json!({"t": "unsub", "sid": 1})).await;
    assert_eq!(socket.next("unsub_ok").await["sid"], 1);
    ann.strategy("later").await;
    let (_, snap) = socket.subscribe(1, "strategies").await;
    assert_eq!(snap["data"]["rows"].as_object().unwrap().len(), 2);

    let mut again = Socket::open(&site).await;
    again.say(&json!({"t": "hello", "v": 1, "ticket": ticket})).await;
    assert_eq!(again.closed().await, 4401, "a ticket works once");
    socket.0.close(None).await.unwrap();
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_client_resumes_where_it_was() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let mut socket = Socket::greet(&ann).await;
    let (ok, _) = socket.subscribe(7, "strategies").await;
    ann.strategy("one").await;
    let seen = socket.next("delta").await["seq"].as_u64().unwrap();
    drop(socket);
    let missed = ann.strategy("two").await;
    let mut socket = Socket::greet(&ann).await;
    let since = json!({"epoch": ok["epoch"], "seq": seen});
    socket.say(&json!({"t": "sub", "sid": 1, "topic": "strategies", "since": since})).await;
    assert_eq!(socket.next("sub_ok").await["mode"], "resumed");
    let delta = socket.next("delta").await;
    assert_eq!(delta["from"], seen + 1);
    assert!(delta["data"]["set"][missed["id"].as_str().unwrap()].is_object(), "{delta}");

    let since = json!({"epoch": "another", "seq": seen});
    socket.say(&json!({"t": "sub", "sid": 2, "topic": "strategies", "since": since})).await;
    assert_eq!(socket.next("sub_ok").await["mode"], "snapshot", "a new epoch means: forget");
    socket.next("snap").await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_shows_its_fields_events_metrics_and_log() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let session = ann.waiting_session("watched").await;
    let id = session["id"].as_str().unwrap().to_owned();
    let mut socket = Socket::greet(&ann).await;
    let (_, snap) = socket.subscribe(1, &format!("session/{id}")).await;
    assert_eq!(snap["data"]["rows"]["state"], "pending", "{snap}");
    socket.say(&json!({"t": "unsub", "sid": 1})).await;
    socket.next("unsub_ok").await;
    let (_, snap) = socket.subscribe(2, &format!("log/{id}")).await;
    assert!(snap["data"]["lines"].is_array(), "{snap}");
    site.platform.topics.publish_text(&format!("log/{id}"), "info", "a line");
    let delta = socket.next("delta").await;
    assert_eq!(delta["data"]["lines"][0]["text"], "a line", "{delta}");
    socket.say(&json!({"t": "unsub", "sid": 2})).await;
    socket.next("unsub_ok").await;
    let (_, snap) = socket.subscribe(3, &format!("metrics/{id}")).await;
    assert!(snap["data"]["series"].is_object(), "{snap}");
    socket.say(&json!({"t": "sub", "sid": 4, "topic": format!("session-events/{id}")})).await;
    assert_eq!(socket.next("sub_ok").await["sid"], 4);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_may_not_be_watched_are_refused_and_the_socket_lives() {
    let site = start_with(|config| config.socket.subscriptions = 2).await;
    let ann = site.user("ann", "ordinary").await;
    let mut socket = Socket::greet(&ann).await;
    for (topic, params, code) in [
        ("orders/acc_1".to_owned(), json!({}), "unknown_topic"),
        ("x".repeat(5000), json!({}), "unknown_topic"),
        (format!("session/ses_{NOWHERE}"), json!({}), "not_found"),
        ("sessions".to_owned(), json!({"kind": "x"}), "bad_params"),
    ] {
        socket.say(&json!({"t": "sub", "sid": 9, "topic": topic, "params": params})).await;
        let refused = socket.next("sub_err").await;
        assert_eq!((&refused["sid"], &refused["code"]), (&json!(9), &json!(code)), "{refused}");
    }
    socket.subscribe(1, "sessions").await;
    socket.subscribe(2, "nodes").await;
    socket.say(&json!({"t": "sub", "sid": 3, "topic": "datasets"})).await;
    assert_eq!(socket.next("sub_err").await["code"], "limit");
    socket.say(&json!({"t": "sub", "sid": 1, "topic": "datasets"})).await;
    assert_eq!(socket.closed().await, 4409);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_frames_close_with_their_code() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let huge = format!("{{\"t\":\"pong\",\"n\":{}}}", " ".repeat(70_000));
    for text in [
        "",
        "{",
        "[]",
        "null",
        "{\"t\":\"order\"}",
        "{\"t\":\"sub\",\"sid\":-1,\"topic\":\"x\"}",
        &huge,
    ] {
        let mut socket = Socket::greet(&ann).await;
        socket.0.send(Message::text(text)).await.unwrap();
        assert_eq!(socket.closed().await, 4400, "{}", &text[..text.len().min(40)]);
    }
    let mut socket = Socket::greet(&ann).await;
    socket.0.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(socket.closed().await, 4400);
    let mut socket = Socket::greet(&ann).await;
    socket.say(&json!({"t": "hello", "v": 1, "token": ann.token})).await;
    assert_eq!(socket.closed().await, 4409);
    let mut socket = Socket::greet(&ann).await;
    for n in 0..60 {
        if socket.0.send(Message::text(json!({"t": "pong", "n": n}).to_string())).await.is_err() {
            break;
        }
    }
    assert_eq!(socket.closed().await, 4429);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_closed_and_other_origins_never_get_in() {
    let site = start_with(|config| config.socket.hello = Duration::from_millis(200)).await;
    let ann = site.user("ann", "ordinary").await;
    assert_eq!(Socket::open(&site).await.closed().await, 4408, "no hello");
    for hello in [
        json!({"t": "hello", "v": 1}),
        json!({"t": "hello", "v": 1, "token": "x"}),
        json!({"t": "hello", "v": 1, "ticket": "wst_x"}),
        json!({"t": "hello", "v": 1, "token": ann.token, "ticket": "wst_x"}),
        json!({"t": "sub", "sid": 1, "topic": "sessions"}),
    ] {
        let mut socket = Socket::open(&site).await;
        socket.say(&hello).await;
        assert_eq!(socket.closed().await, 4401, "{hello}");
    }
    let mut socket = Socket::open(&site).await;
    socket.say(&json!({"t": "hello", "v": 2, "token": ann.token})).await;
    assert_eq!(socket.closed().await, 4400);
    for (headers, status) in [
        (vec![PROTOCOL, ("origin", "http://evil.example")], 403),
        (vec![], 400),
        (vec![("sec-websocket-protocol", "x")], 400),
    ] {
        match connect(&site, &headers).await.map(|_| ()) {
            Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), status),
            other => panic!("{other:?}"),
        }
    }
    site.get("/ws/v1").await.problem(400, "malformed");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_password_watches_nothing() {
    let site = start().await;
    let made = gateway::ensure_first_admin_at_cost(&site.platform, CHEAP).await.unwrap().unwrap();
    let signed_in = site.login(&made.user, &made.password).await.ok(200);
    let token = signed_in["access_token"].as_str().unwrap();
    let mut socket = Socket::open(&site).await;
    socket.say(&json!({"t": "hello", "v": 1, "token": token})).await;
    assert_eq!(socket.next("error").await["code"], "password_change_required");
    assert_eq!(socket.closed().await, 4403);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_few() {
    let site = start_with(|config| config.socket.strangers_per_address = 2).await;
    let held = (Socket::open(&site).await, Socket::open(&site).await);
    assert!(
        matches!(connect(&site, &[PROTOCOL]).await.map(|_| ()), Err(Error::Http(r)) if r.status().as_u16() == 503)
    );
    drop(held);
    support::until("room again", || async { connect(&site, &[PROTOCOL]).await.is_ok() }).await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_has_at_most_so_many_sockets() {
    let site = start_with(|config| config.socket.per_user = 2).await;
    let ann = site.user("ann", "ordinary").await;
    let _held = (Socket::greet(&ann).await, Socket::greet(&ann).await);
    let mut third = Socket::open(&site).await;
    third.say(&json!({"t": "hello", "v": 1, "token": ann.token})).await;
    assert_eq!(third.closed().await, 4429);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_carry_heads_and_silence_is_closed() {
    let site = start_with(|config| {
        config.socket.heartbeat = Duration::from_millis(100);
        config.socket.pong = Duration::from_millis(400);
    })
    .await;
    let ann = site.user("ann", "ordinary").await;
    let mut socket = Socket::greet(&ann).await;
    socket.say(&json!({"t": "sub", "sid": 5, "topic": "sessions"})).await;
    let mut answered = 0;
    while answered < 8 {
        let message =
            tokio::time::timeout(DEADLINE, socket.0.next()).await.unwrap().unwrap().unwrap();
        let frame: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        if frame["t"] == "ping" {
            answered += 1;
            socket.say(&json!({"t": "pong", "n": frame["n"]})).await;
            if answered > 2 {
                assert!(frame["heads"]["5"].is_u64(), "{frame}");
            }
        }
    }
    assert_eq!(socket.closed().await, 4408, "no more pongs");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_end_unless_they_are_renewed() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let bob = site.user("bob", "ordinary").await;
    let mut renewed = Socket::greet(&ann).await;
    let left = Socket::greet(&ann).await;
    let mut foreign = Socket::greet(&ann).await;
    foreign.say(&json!({"t": "auth", "token": bob.token})).await;
    assert_eq!(foreign.closed().await, 4401);
    site.clock.forward(Duration::from_secs(590));
    let fresh =
        site.login("ann", PASSWORD).await.ok(200)["access_token"].as_str().unwrap().to_owned();
    renewed.say(&json!({"t": "auth", "token": fresh})).await;
    renewed.next("auth_ok").await;
    site.clock.forward(Duration::from_secs(20));
    assert_eq!(left.closed().await, 4401);
    renewed.subscribe(1, "sessions").await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_closes_the_sockets_of_that_login() {
    let site = start().await;
    let other = site.user("ann", "ordinary").await;
    let signed_in = site.login("ann", PASSWORD).await;
    let token = signed_in.ok(200)["access_token"].as_str().unwrap().to_owned();
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let mine = Socket::greet(&As { site: &site, token }).await;
    let mut theirs = Socket::greet(&other).await;
    let request = site
        .http
        .post(site.url("/api/v1/auth/logout"))
        .header("cookie", cookie)
        .header("tm-csrf", "1");
    assert_eq!(request.header("origin", site.url("")).send().await.unwrap().status().as_u16(), 204);
    assert_eq!(mine.closed().await, 4401);
    theirs.subscribe(1, "sessions").await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_ends_tells_its_sockets() {
    let site = start().await;
    let ann = site.user("ann", "ordinary").await;
    let mut socket = Socket::greet(&ann).await;
    let ending = site.gateway.shutdown(DEADLINE);
    let watching = async {
        let notice = socket.next("notice").await;
        assert_eq!(
            (&notice["reason"], &notice["reconnect_after_ms"]),
            (&json!("drain"), &json!(1500))
        );
        assert_eq!(socket.closed().await, 1012);
    };
    tokio::join!(ending, watching);
    assert!(TcpStream::connect(site.address).await.is_err(), "nobody listens any more");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stands_still_is_closed_and_others_go_on() {
    let site = start_with(|config| {
        config.socket.oldest = Duration::from_millis(500);
        // The lively one answers no pings while the test waits for the other.
        config.socket.pong = 2 * DEADLINE;
    })
    .await;
    let ann = site.user("ann", "ordinary").await;
    let session = ann.waiting_session("chatty").await;
    let topic = format!("session-events/{}", session["id"].as_str().unwrap());
    let mut stalled = Socket::greet(&ann).await;
    stalled.say(&json!({"t": "sub", "sid": 1, "topic": topic})).await;
    stalled.next("sub_ok").await;
    let mut lively = Socket::greet(&ann).await;
    lively.subscribe(1, "datasets").await;
    let text = "x".repeat(10_000);
    assert_eq!(site.gateway.open_sockets(), 2);
    // However much the system buffers for the stalled reader: one day it is full, and the server gives up on it.
    support::until("the end of the stalled socket", || async {
        for _ in 0..50 {
            let fields = Map::from_iter([("text".to_owned(), json!(text))]);
            site.platform.topics.publish_log(&topic, "noise", fields);
        }
        site.gateway.open_sockets() == 1
    })
    .await;
    let mut bytes = 0;
    let end = loop {
        match tokio::time::timeout(DEADLINE, stalled.0.next()).await.unwrap() {
            Some(Ok(Message::Close(frame))) => break frame.map(|frame| u16::from(frame.code)),
            Some(Ok(message)) => bytes += message.len(),
            Some(Err(_)) | None => break None,
        }
    };
    assert!(end.is_none_or(|code| code == 4508), "{end:?}");
    assert!(bytes < 20_000_000, "{bytes} bytes were kept for a reader that stood still");
    lively.say(&json!({"t": "unsub", "sid": 1})).await;
    lively.next("unsub_ok").await;
    site.end().await;
}
