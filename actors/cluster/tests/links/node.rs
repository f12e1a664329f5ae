//! A node that does what its test tells it, line by line.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster::link::{LinkParts, LinkSettings, LinkState, Links};
use cluster::net::Boxed;
use cluster::router::{
    Class, LaneLimits, LinkView, NoPlacements, PAYLOAD_BYTES_MAX, Received, Receiver, Refused,
    Registration, Request, RouteError, RouterHandle, boot_ms,
};
use futures_util::StreamExt;
use futures_util::stream::{self, FuturesUnordered};

use crate::nodes::{Part, resident_kib};

const SCHEMA: u32 = 1;

#[derive(Default)]
struct Seen {
    requests: AtomicU64,
    ids: Mutex<BTreeSet<(String, u64)>>,
    delivered: AtomicU64,
    late: AtomicU64,
}

struct Echo(Arc<Seen>);

impl Receiver for Echo {
    fn receive(&self, received: Received) -> Boxed<'_, Result<Vec<u8>, Refused>> {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        let id = (received.source.node.clone(), received.message_id);
        self.0.ids.lock().unwrap().insert(id);
        Box::pin(async move { Ok(received.payload) })
    }

    fn accepts(&self, schema: u32, _version: u16) -> bool {
        schema == SCHEMA
    }
}

struct Slow;

impl Receiver for Slow {
    fn receive(&self, received: Received) -> Boxed<'_, Result<Vec<u8>, Refused>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(received.payload[..8].to_vec())
        })
    }

    fn limits(&self) -> LaneLimits {
        LaneLimits { messages: 64, reserved: 8, side_by_side: 4, bytes: 2 << 20 }
    }
}

/// Never answers.
struct Hold;

impl Receiver for Hold {
    fn receive(&self, _received: Received) -> Boxed<'_, Result<Vec<u8>, Refused>> {
        Box::pin(std::future::pending())
    }

    fn limits(&self) -> LaneLimits {
        LaneLimits { side_by_side: 1_000, ..LaneLimits::default() }
    }
}

/// Notes what took effect, and whether it was too late by the machine's own clock.
struct Log(Arc<Seen>);

impl Receiver for Log {
    fn receive(&self, received: Received) -> Boxed<'_, Result<Vec<u8>, Refused>> {
        let sent_ms = u64::from_be_bytes(received.payload[..8].try_into().unwrap());
        self.0.delivered.fetch_add(1, Ordering::Relaxed);
        // Allowing for a busy machine between the last check and here.
        if boot_ms() > sent_ms + u64::from(received.ttl_ms) + 1_000 {
            self.0.late.fetch_add(1, Ordering::Relaxed);
        }
        Box::pin(async { Ok(Vec::new()) })
    }
}

pub(crate) fn run(part: Part) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (lines, mut told) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            drop(lines.send(line));
        }
        // The test is gone.
        std::process::exit(0);
    });
    runtime.block_on(async move {
        let world = World::start(part).await;
        println!("@started");
        while let Some(line) = told.recv().await {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let words: Vec<&str> = line.split_whitespace().collect();
                let answer = world.carry_out(&words).await;
                println!("@{answer}");
            });
        }
    });
}

struct World {
    links: Links,
    router: RouterHandle,
    seen: Arc<Seen>,
    _registrations: Vec<Registration>,
}

fn numbered(id: u64) -> Vec<u8> {
    id.to_be_bytes().to_vec()
}

fn request(peer: &str, key: &str, payload: Vec<u8>) -> Request {
    Request::new(Some(peer), format!("{key}/{peer}"), SCHEMA, payload)
}

impl World {
    async fn start(part: Part) -> Arc<Self> {
        let mut settings = LinkSettings::new("test", &part.node, part.incarnation, "token");
        settings.boot_id = part.boot_id;
        let (net, doors) = part.open().await;
        let parts = LinkParts {
            net,
            incoming: doors.act,
            placements: Arc::new(NoPlacements),
            parent: None,
            book: Arc::new(part.clone()),
        };
        let links = Links::start(settings, parts).await.unwrap();
        let router = links.router();
        let seen = Arc::new(Seen::default());
        let node = &part.node;
        let receivers: [(&str, Arc<dyn Receiver>); 5] = [
            ("knock", Arc::new(Echo(Arc::default()))),
            ("echo", Arc::new(Echo(Arc::clone(&seen)))),
            ("slow", Arc::new(Slow)),
            ("hold", Arc::new(Hold)),
            ("log", Arc::new(Log(Arc::clone(&seen)))),
        ];
        let mut registrations: Vec<Registration> = receivers
            .into_iter()
            .map(|(key, receiver)| router.register(format!("{key}/{node}"), 0, receiver).unwrap())
            .collect();
        let placed = Arc::new(Echo(Arc::clone(&seen)));
        registrations.push(router.register(format!("placed/{node}"), 7, placed).unwrap());
        Arc::new(Self { links, router, seen, _registrations: registrations })
    }

    fn view(&self, peer: &str) -> Option<LinkView> {
        self.router.links().into_iter().find(|view| view.peer == peer)
    }

    async fn carry_out(&self, words: &[&str]) -> String {
        match *words {
            ["wait", peer, state] => self.wait(peer, state).await,
            ["state", peer] => {
                let ready = self.view(peer).is_some_and(|view| view.state == LinkState::Ready);
                if ready { "ready" } else { "down" }.to_owned()
            }
            ["redialled", peer] => {
                let again = self.view(peer).is_some_and(|view| view.redials > 0);
                if again { "yes" } else { "no" }.to_owned()
            }
            ["link", peer] => {
                let view = self.view(peer).unwrap();
                let rtt = if view.rtt_ms.is_some() { "some" } else { "none" };
                format!("redials={} bytes_in={} rtt={rtt}", view.redials, view.bytes_in)
            }
            ["flood", peer, count, side_by_side] => {
                self.flood(peer, count.parse().unwrap(), side_by_side.parse().unwrap()).await
            }
            ["seen"] => {
                let ids = self.seen.ids.lock().unwrap().len();
                format!("requests={} ids={ids}", self.seen.requests.load(Ordering::Relaxed))
            }
            ["hold", peer, count] => self.hold(peer, count.parse().unwrap()).await,
            ["refused", peer] => self.refused(peer).await,
            ["refusal", peer] => self.refusal(peer).await,
            ["events", peer, count, ttl_ms] => {
                self.events(peer, count.parse().unwrap(), ttl_ms.parse().unwrap())
            }
            ["delivered"] => {
                let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
                let (delivered, late) = (read(&self.seen.delivered), read(&self.seen.late));
                format!("delivered={delivered} late={late}")
            }
            ["large", peer, over] => self.large(peer, over.parse().unwrap()).await,
            ["wrong", peer] => self.wrong(peer).await,
            ["slow", peer, count, bytes] => {
                self.slow(peer, count.parse().unwrap(), bytes.parse().unwrap()).await
            }
            ["fill", peer] => self.fill(peer),
            ["idle", peer] => {
                let under_way = self.view(peer).map(|view| view.messages_under_way);
                format!("{under_way:?}")
            }
            ["memory"] => format!("kib={}", resident_kib()),
            ["foreign"] => foreign().await,
            ["sessions"] => format!("foreign={}", self.links.foreign_sessions()),
            _ => format!("unknown {words:?}"),
        }
    }

    async fn wait(&self, peer: &str, state: &str) -> String {
        for _ in 0..3_000 {
            // Ready on both sides: the answer has come back over the same session.
            let shown = self.view(peer).is_some_and(|view| view.state.to_string() == state);
            if shown {
                let asked = self.router.request(request(peer, "knock", numbered(0)));
                if state != "ready" || asked.await.is_ok() {
                    return "ok".to_owned();
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        format!("{:?}", self.view(peer))
    }

    async fn flood(&self, peer: &str, count: u64, side_by_side: usize) -> String {
        let answers = stream::iter(0..count).map(|id| async move {
            let answer = self.router.request(request(peer, "echo", numbered(id))).await;
            (id, answer)
        });
        let mut answers = answers.buffer_unordered(side_by_side);
        let (mut ok, mut wrong, mut failed) = (0, 0, Vec::new());
        while let Some((id, answer)) = answers.next().await {
            match answer {
                Ok(payload) if payload == numbered(id) => ok += 1,
                Ok(_) => wrong += 1,
                Err(error) => failed.push(error.to_string()),
            }
        }
        failed.truncate(1);
        format!("ok={ok} wrong={wrong} failed={failed:?}")
    }

    /// Lets requests wait at a peer that never answers, says so, and tells how they end.
    async fn hold(&self, peer: &str, count: usize) -> String {
        let waiting: FuturesUnordered<_> = (0..count)
            .map(|_| {
                let request = Request { ttl_ms: 30_000, ..request(peer, "hold", Vec::new()) };
                self.router.request(request)
            })
            .collect();
        let mut ends = Box::pin(waiting.collect::<Vec<_>>());
        let under_way = tokio::time::timeout(Duration::from_millis(300), &mut ends).await;
        assert!(under_way.is_err(), "they were to wait");
        println!("@holding");
        let ends = ends.await;
        let unknown = ends.iter().filter(|end| matches!(end, Err(error) if error.is_unknown()));
        let unknown = unknown.count();
        let refused = ends.iter().filter(|end| end.is_err()).count() - unknown;
        format!("unknown={unknown} refused={refused}")
    }

    async fn refused(&self, peer: &str) -> String {
        match self.router.request(request(peer, "echo", numbered(1))).await {
            Err(RouteError::Refused(refused)) => refused.name().to_owned(),
            other => format!("{other:?}"),
        }
    }

    /// Waits until the link says why it does not come about.
    async fn refusal(&self, peer: &str) -> String {
        for _ in 0..1_000 {
            let reason = self.view(peer).and_then(|view| view.reason);
            if let Some(reason) = reason.filter(|reason| reason.contains("refuse")) {
                return reason;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        format!("{:?}", self.view(peer))
    }

    fn events(&self, peer: &str, count: u64, ttl_ms: u32) -> String {
        let sent = (0..count).filter(|_| {
            let event = Request { ttl_ms, ..request(peer, "log", numbered(boot_ms())) };
            self.router.event(event).is_ok()
        });
        format!("sent={}", sent.count())
    }

    async fn large(&self, peer: &str, over: usize) -> String {
        let payload = vec![7; PAYLOAD_BYTES_MAX + over];
        match self.router.request(request(peer, "echo", payload.clone())).await {
            Ok(answer) if answer == payload => "same".to_owned(),
            Err(RouteError::TooLarge { .. }) => "too large".to_owned(),
            other => format!("{:?}", other.map(|answer| answer.len())),
        }
    }

    /// One of each: no such key, content that is not understood, an epoch that is over.
    async fn wrong(&self, peer: &str) -> String {
        let ask = async |request| self.router.request(request).await;
        let refused = [
            ask(request(peer, "nobody", numbered(1))).await,
            ask(Request { schema: SCHEMA + 1, ..request(peer, "echo", numbered(1)) }).await,
            ask(Request { epoch: 6, ..request(peer, "placed", numbered(1)) }).await,
        ];
        let words = refused.map(|refused| match refused {
            Err(RouteError::Refused(Refused::NotHere { owner: None, .. })) => "not here",
            Err(RouteError::Refused(Refused::Unsupported { schema: 2, version: 1 })) => {
                "unsupported"
            }
            Err(RouteError::Refused(Refused::StaleEpoch { current: 7, found: 6 })) => "stale",
            _ => "something else",
        });
        words.join(" ")
    }

    async fn slow(&self, peer: &str, count: u64, bytes: usize) -> String {
        let answers = stream::iter(0..count).map(|_| {
            let request = Request { ttl_ms: 30_000, ..request(peer, "slow", vec![1; bytes]) };
            self.router.request(request)
        });
        let mut answers = answers.buffer_unordered(512);
        let (mut ok, mut overloaded, mut other) = (0, 0, Vec::new());
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(_) => ok += 1,
                Err(RouteError::Refused(Refused::Overloaded { .. })) => overloaded += 1,
                Err(error) => other.push(error.to_string()),
            }
        }
        other.truncate(1);
        format!("ok={ok} overloaded={overloaded} other={other:?}")
    }

    /// Sends events until each class is refused.
    fn fill(&self, peer: &str) -> String {
        let send = |class| {
            let event = Request { class, ..request(peer, "log", numbered(boot_ms())) };
            self.router.event(event).is_ok()
        };
        let normal = (0..2_000).take_while(|_| send(Class::Normal)).count();
        let control = (0..2_000).take_while(|_| send(Class::Control)).count();
        format!("normal={normal} control={control}")
    }
}

/// Connects to the library's own listener on loopback, past the links.
async fn foreign() -> String {
    use tokio::io::AsyncReadExt;
    let inodes: BTreeSet<String> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter_map(|target| {
            Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let own = std::env::var("TM_TEST_PORT").unwrap().parse::<u16>().unwrap();
    let port = table.lines().skip(1).find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let port = u16::from_str_radix(words[1].split_once(':')?.1, 16).ok()?;
        (words[3] == "0A" && inodes.contains(words[9]) && port != own).then_some(port)
    });
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port.unwrap())).await.unwrap();
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
    match read {
        Ok(_) if rest.is_empty() => "closed".to_owned(),
        other => format!("{other:?} {rest:?}"),
    }
}
