//! A node whose messages go over our links.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cluster::link::{LinkParts, LinkSettings, Links};
use cluster::net::{AddressBook, Boxed, Net, Plane};
use cluster::router::{
    NoPlacements, Received, Receiver, Refused, Registration, Request, RouteError, RouterHandle,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::nodes::Part;
use crate::timing::{Call, calls, rate, serve, until};

/// Looks in a row that see nothing new before the rest counts as refused.
const STILL_MAX: u32 = 50;
const MEBIBYTE: usize = 1 << 20;

struct Echo;

impl Receiver for Echo {
    fn receive(&self, received: Received) -> Boxed<'_, Result<Vec<u8>, Refused>> {
        Box::pin(std::future::ready(Ok(received.payload)))
    }
}

/// Counts events, and tells a request how many.
struct Sink(AtomicU64);

impl Receiver for Sink {
    fn receive(&self, received: Received) -> Boxed<'_, Result<Vec<u8>, Refused>> {
        if received.kind == cluster::router::Kind::Event {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        let count = self.0.load(Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(count.to_be_bytes().to_vec())))
    }
}

struct Asking {
    _links: Links,
    router: RouterHandle,
    net: Arc<dyn Net>,
    part: Part,
    _registrations: [Registration; 2],
}

fn request(key: &str, bytes: usize) -> Request {
    Request { ttl_ms: 30_000, ..Request::new(Some("b"), key, 1, vec![7; bytes]) }
}

pub(crate) fn run(part: Part) {
    serve(|| async move {
        let asking = Arc::new(Asking::start(part).await);
        Box::new(move |words: Vec<String>| {
            let asking = Arc::clone(&asking);
            Box::pin(async move { asking.carry_out(&words).await })
                as std::pin::Pin<Box<dyn Future<Output = String>>>
        }) as Box<dyn Fn(Vec<String>) -> _>
    });
}

impl Asking {
    async fn start(part: Part) -> Self {
        let (net, doors) = part.open().await;
        let settings = LinkSettings::new("test", &part.node, 1, "token");
        let parts = LinkParts {
            net: Arc::clone(&net),
            incoming: doors.act,
            placements: Arc::new(NoPlacements),
            parent: None,
            book: Arc::new(part.clone()),
        };
        let links = Links::start(settings, parts).await.unwrap();
        let router = links.router();
        let registrations = [
            router.register("echo", 0, Arc::new(Echo)).unwrap(),
            router.register("sink", 0, Arc::new(Sink(AtomicU64::new(0)))).unwrap(),
        ];
        let mut blob = doors.blob;
        tokio::spawn(async move {
            while let Some(mut incoming) = blob.recv().await {
                tokio::spawn(async move {
                    let mut buffer = vec![0; 64 << 10];
                    while incoming.stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
                });
            }
        });
        let asking = Self { _links: links, router, net, part, _registrations: registrations };
        while asking.part.node == "a" && asking.router.request(request("echo", 1)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        asking
    }

    async fn carry_out(&self, words: &[String]) -> String {
        let number = |at: usize| words[at].parse::<usize>().unwrap();
        match words[0].as_str() {
            "calls" => calls(|| self.call(number(1)), number(1), number(2), number(3)).await,
            "casts" => self.casts(number(1), number(2)).await,
            _ => self.bulk(number(1)).await,
        }
    }

    fn call(&self, bytes: usize) -> Call<'_> {
        Box::pin(async move {
            let answer = self.router.request(request("echo", bytes)).await.unwrap();
            assert_eq!(answer.len(), bytes);
        })
    }

    async fn casts(&self, bytes: usize, count: usize) -> String {
        let before = self.counted().await;
        let began = Instant::now();
        for _ in 0..count {
            while let Err(error) = self.router.event(request("sink", bytes)) {
                assert!(
                    matches!(error, RouteError::Refused(Refused::Overloaded { .. })),
                    "{error}"
                );
                // A sender of our own would be told to slow down; here it waits for credit.
                tokio::task::yield_now().await;
            }
        }
        let wanted = before + count as u64;
        let (mut found, mut elapsed, mut still) = (before, began.elapsed(), 0);
        // A receiver that is slower than its sender refuses what its lane cannot hold; only what arrived counts.
        while found < wanted && still < STILL_MAX {
            let now = self.counted().await;
            if found < now {
                (found, elapsed, still) = (now, began.elapsed(), 0);
            } else {
                still += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let arrived = usize::try_from(found - before).unwrap();
        format!("{} refused={}", rate(arrived, bytes, elapsed), count - arrived)
    }

    async fn counted(&self) -> u64 {
        let class = cluster::router::Class::Control;
        let asked = Request { class, ..request("sink", 1) };
        match self.router.request(asked).await {
            Ok(count) => u64::from_be_bytes(count.try_into().unwrap()),
            Err(_) => 0,
        }
    }

    /// Small calls while so many MiB move over a connection of their own.
    async fn bulk(&self, mebibytes: usize) -> String {
        let address = self.part.address("b").unwrap();
        let mut stream = self.net.dial("b", &address, Plane::Blob).await.unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let moving = tokio::spawn(async move {
            let chunk = vec![7; MEBIBYTE];
            let began = Instant::now();
            for _ in 0..mebibytes {
                stream.write_all(&chunk).await.unwrap();
            }
            stream.flush().await.unwrap();
            end.store(true, Ordering::Release);
            began.elapsed()
        });
        let times = until(|| self.call(64), ended).await;
        let elapsed = moving.await.unwrap();
        let moved = (mebibytes * MEBIBYTE) as f64 / elapsed.as_secs_f64() / 1e6;
        format!("{times} megabytes={moved:.1}")
    }
}
