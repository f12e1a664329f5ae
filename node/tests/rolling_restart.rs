//! All three nodes are drained, stopped and started again one by one: no session is lost, and a client of the live
//! stream reconnects once for each node that it was connected to.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod cluster_kit;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cluster_kit::effects::{self, Commits};
use cluster_kit::series::{faults, is_at_work, note_commits, points};
use cluster_kit::site::{Plan, Site};
use cluster_kit::{DEADLINE, boot_ns, say, seconds};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const SESSIONS: usize = 4;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects, says hello and subscribes to the list of sessions.
async fn connected(url: &str, token: &str) -> Option<Stream> {
    let address = format!("{}/ws/v1", url.replace("http://", "ws://"));
    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("tm.v1"));
    let (mut stream, _) = connect_async(request).await.ok()?;
    let hello = json!({"t": "hello", "v": 1, "token": token, "client": "test/1"});
    let subscribe = json!({"t": "sub", "sid": 1, "topic": "sessions", "params": {}});
    for frame in [hello, subscribe] {
        stream.send(Message::text(frame.to_string())).await.ok()?;
    }
    // Connected is who is answered.
    let answer = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.ok()??;
    matches!(&answer, Ok(Message::Text(text)) if text.contains("welcome")).then_some(stream)
}

/// What a client went through.
#[derive(Debug)]
struct Watched {
    /// The nodes that it was connected to, in order.
    connections: Vec<usize>,
    /// Attempts at nodes that did not take it.
    refused: usize,
    frames: usize,
    /// Close codes it was told.
    codes: Vec<u16>,
}

/// Watches from one node to the next, whenever the one it is at says goodbye.
async fn watch(urls: Vec<String>, first: usize, token: String, stop: Arc<AtomicBool>) -> Watched {
    let mut watched = Watched { connections: Vec::new(), refused: 0, frames: 0, codes: Vec::new() };
    let mut at = first;
    while !stop.load(Ordering::SeqCst) {
        let Some(mut stream) = connected(&urls[at], &token).await else {
            watched.refused += 1;
            at = (at + 1) % urls.len();
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        watched.connections.push(at);
        while !stop.load(Ordering::SeqCst) {
            let next = tokio::time::timeout(Duration::from_millis(500), stream.next()).await;
            match next {
                Err(_) => {}
                Ok(Some(Ok(Message::Text(text)))) => {
                    watched.frames += 1;
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame["t"] == "ping" {
                        let pong = json!({"t": "pong", "n": frame["n"]}).to_string();
                        drop(stream.send(Message::text(pong)).await);
                    }
                }
                Ok(Some(Ok(Message::Close(frame)))) => {
                    watched.codes.extend(frame.map(|frame| u16::from(frame.code)));
                    break;
                }
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(_)) | None) => break,
            }
        }
        at = (at + 1) % urls.len();
    }
    watched
}

async fn state(site: &Site, node: usize, of: usize) -> String {
    let view = site.look(node, &format!("/api/v1/nodes/{}", site.nodes[of].name)).await;
    view.map_or(String::new(), |view| view["state"].as_str().unwrap_or_default().to_owned())
}

/// Waits until a node is in a state, as another sees it.
async fn until_node(site: &Site, node: usize, of: usize, wanted: &str) {
    let begun = Instant::now();
    loop {
        let found = state(site, node, of).await;
        if found == wanted {
            return;
        }
        if DEADLINE < begun.elapsed() {
            site.fail(&format!("node {} is {found}, not {wanted}", site.nodes[of].name));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Drains, stops and starts one node, and waits until all is as before.
async fn restart(site: &mut Site, target: usize, ids: &[String]) {
    let begun = boot_ns();
    let other = (target + 1) % site.nodes.len();
    let name = site.nodes[target].name.clone();
    let reason = json!({"reason": "rolling restart"});
    site.post(other, &format!("/api/v1/nodes/{name}:drain"), &reason).await;
    until_node(site, other, target, "drained").await;
    let drained = boot_ns();
    for id in ids {
        let view = site.get(other, &format!("/api/v1/sessions/{id}")).await;
        assert_ne!(view["node"], name.as_str(), "a drained node runs nothing: {view:#}");
    }
    let mut process = site.nodes[target].process.take().unwrap();
    process.signal("TERM");
    let status = process.wait(Duration::from_secs(60));
    assert!(status.is_some_and(|status| status.success()), "{name} ended with {status:?}");
    drop(process);
    site.launch(target);
    site.serving(target, "serving").await;
    site.post(other, &format!("/api/v1/nodes/{name}:undrain"), &reason).await;
    site.whole(DEADLINE).await;
    for id in ids {
        site.until(target, id, "at work", is_at_work).await;
    }
    say(&format!(
        "{name}: drained in {:.1} s, whole again {:.1} s later",
        seconds(begun, drained),
        seconds(drained, boot_ns())
    ));
}

/// Checks that a client reconnected at most once for each node that it was at.
fn judge(watched: &Watched) {
    say(&format!("a client of the live stream: {watched:?}"));
    assert!(0 < watched.frames, "{watched:?}");
    let mut seen = std::collections::BTreeSet::new();
    for node in &watched.connections {
        let last = watched.connections.last() == Some(node);
        assert!(seen.insert(*node) || last, "more than one reconnect for a node: {watched:?}");
    }
    assert!(watched.connections.len() <= 4, "{watched:?}");
    assert!(watched.codes.iter().all(|code| *code == 1012), "a restart is announced: {watched:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_restarted_one_by_one_and_nothing_is_lost() {
    let mut site = Site::start(Plan::new(3, 1_000_000, 100, 20)).await;
    let market = site.market().await;
    let mut ids = Vec::new();
    for number in 0..SESSIONS {
        ids.push(site.train(number % site.nodes.len(), &market).await);
    }
    for id in &ids {
        site.until(0, id, "at work", is_at_work).await;
    }
    let urls: Vec<String> = site.nodes.iter().map(|node| node.url.clone()).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<JoinHandle<Watched>> = (0..urls.len())
        .map(|first| {
            let token = site.client.token();
            tokio::spawn(watch(urls.clone(), first, token, Arc::clone(&stop)))
        })
        .collect();
    let mut commits = Commits::new();
    for target in 0..site.nodes.len() {
        restart(&mut site, target, &ids).await;
        for id in &ids {
            note_commits(&site, 0, id, &mut commits).await;
        }
    }
    stop.store(true, Ordering::SeqCst);
    for client in clients {
        judge(&client.await.unwrap());
    }
    let signs = effects::two_owners(&effects::read(&site.effects), &commits);
    assert!(signs.is_empty(), "two owners: {signs:#?}");
    for id in &ids {
        for node in 0..site.nodes.len() {
            let wrong = faults(&points(&site, node, id).await);
            assert!(wrong.is_empty(), "series of {id}: {wrong:?}");
        }
    }
}
