//! A node whose messages go straight over the library: the yardstick.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, pg};
use ractor_cluster::node::NodeConnectionMode;
use ractor_cluster::{NodeServer, client_connect};
use ractor_cluster_derive::RactorClusterMessage;

use crate::nodes::Part;
use crate::timing::{Call, calls, rate, serve, until};

const GROUP: &str = "bench";
const TIMEOUT_MS: u64 = 60_000;
/// One bulk message: half of what the library takes by default.
const BULK_BYTES: usize = 8 << 20;
/// Bulk messages sent at once.
const BULK_AT_ONCE: usize = 40;

#[derive(RactorClusterMessage)]
enum Message {
    #[rpc]
    Echo(Vec<u8>, RpcReplyPort<Vec<u8>>),
    Sink(Vec<u8>),
    #[rpc]
    Count(RpcReplyPort<u64>),
}

struct Peer;

impl Actor for Peer {
    type Msg = Message;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, me: ActorRef<Message>, (): ()) -> Result<u64, ActorProcessingErr> {
        pg::join(GROUP.to_owned(), vec![me.get_cell()]);
        Ok(0)
    }

    async fn handle(
        &self,
        _me: ActorRef<Message>,
        message: Message,
        count: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Echo(payload, reply) => drop(reply.send(payload)),
            Message::Sink(_) => *count += 1,
            Message::Count(reply) => drop(reply.send(*count)),
        }
        Ok(())
    }
}

pub(crate) fn run(part: Part) {
    serve(|| async move {
        let peer = start(&part).await;
        Box::new(move |words: Vec<String>| {
            let peer = peer.clone();
            Box::pin(async move { carry_out(&peer.unwrap(), &words).await })
                as std::pin::Pin<Box<dyn Future<Output = String>>>
        }) as Box<dyn Fn(Vec<String>) -> _>
    });
}

/// Starts the library's server; the asking node connects and finds its peer.
async fn start(part: &Part) -> Option<ActorRef<Message>> {
    let mode = Some(NodeConnectionMode::Isolated);
    let (node, port) = (part.node.clone(), part.port);
    let server = NodeServer::new(port, "cookie".to_owned(), node.clone(), node, None, mode)
        .with_listen_addr([127, 0, 0, 1].into());
    let (server, _) = Actor::spawn(None, server, ()).await.unwrap();
    if part.node == "b" {
        Actor::spawn(None, Peer, ()).await.unwrap();
        return None;
    }
    client_connect(&server, ("127.0.0.1", part.peers["b"])).await.unwrap();
    loop {
        let remote = pg::get_members(&GROUP.to_owned()).into_iter().next();
        if let Some(remote) = remote {
            return Some(remote.into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn carry_out(peer: &ActorRef<Message>, words: &[String]) -> String {
    let number = |at: usize| words[at].parse::<usize>().unwrap();
    match words[0].as_str() {
        "calls" => calls(|| call(peer, number(1)), number(1), number(2), number(3)).await,
        "casts" => casts(peer, number(1), number(2)).await,
        _ => bulk(peer, number(1)).await,
    }
}

fn call(peer: &ActorRef<Message>, bytes: usize) -> Call<'_> {
    Box::pin(async move {
        let answer = ractor::call_t!(peer, Message::Echo, TIMEOUT_MS, vec![7; bytes]).unwrap();
        assert_eq!(answer.len(), bytes);
    })
}

async fn count(peer: &ActorRef<Message>) -> u64 {
    ractor::call_t!(peer, Message::Count, TIMEOUT_MS).unwrap()
}

async fn casts(peer: &ActorRef<Message>, bytes: usize, number: usize) -> String {
    let before = count(peer).await;
    let began = Instant::now();
    for _ in 0..number {
        peer.cast(Message::Sink(vec![7; bytes])).unwrap();
    }
    // In order behind the casts.
    let after = count(peer).await;
    let elapsed = began.elapsed();
    assert_eq!(after, before + number as u64);
    rate(number, bytes, elapsed)
}

/// Small calls while so many MiB move in the same session: it has no other.
async fn bulk(peer: &ActorRef<Message>, mebibytes: usize) -> String {
    let ended = Arc::new(AtomicBool::new(false));
    let (end, mover) = (Arc::clone(&ended), peer.clone());
    let messages = (mebibytes << 20).div_ceil(BULK_BYTES);
    let moving = tokio::spawn(async move {
        let began = Instant::now();
        let mut left = messages;
        while left > 0 {
            let now = left.min(BULK_AT_ONCE);
            for _ in 0..now {
                mover.cast(Message::Sink(vec![7; BULK_BYTES])).unwrap();
            }
            count(&mover).await;
            left -= now;
        }
        end.store(true, Ordering::Release);
        began.elapsed()
    });
    let times = until(|| call(peer, 64), ended).await;
    let elapsed = moving.await.unwrap();
    let moved = (messages * BULK_BYTES) as f64 / elapsed.as_secs_f64() / 1e6;
    format!("{times} megabytes={moved:.1}")
}
