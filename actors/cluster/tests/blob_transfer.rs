//! A file arrives whole under its hash or not at all, whatever the stream does; what had arrived is not asked for again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod kit;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use cluster::error::NetError;
use cluster::net::{AddressBook, BoxStream, Boxed, Incoming, Net, Plane};
use cluster::testkit::MemoryNet;
use cluster::transport::Limits;
use cluster::transport::blob::{
    AcceptAll, BlobClient, BlobError, BlobRefusal, BlobServer, BlobSettings, Offer, Offers,
    OnProgress,
};
use cluster::transport::faults::{Direction, Fault, Faults, FaultyNet};
use cluster::transport::hello::{Role, greet};
use proptest::prelude::*;
use store::{BlobHash, Blobs};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use kit::{Authority, Fixed, eventually};

struct Anywhere;

impl AddressBook for Anywhere {
    fn address(&self, peer: &str) -> Option<String> {
        (peer != "nobody").then(|| peer.to_owned())
    }

    fn peers(&self) -> Vec<String> {
        Vec::new()
    }
}

struct Node {
    _dir: TempDir,
    blobs: Blobs,
    client: Arc<BlobClient>,
}

fn settings() -> BlobSettings {
    BlobSettings {
        chunk_bytes: 10_000,
        pause: Duration::from_millis(1),
        idle: kit::PATIENCE,
        ..BlobSettings::default()
    }
}

fn client(name: &str, net: Arc<dyn Net>, blobs: &Blobs, settings: BlobSettings) -> Arc<BlobClient> {
    BlobClient::new(net, Arc::new(Anywhere), Arc::new(Fixed::new(name)), blobs.clone(), settings)
}

fn node_with(
    pipes: &MemoryNet,
    name: &str,
    settings: BlobSettings,
    offers: Arc<dyn Offers>,
    around: impl FnOnce(Arc<dyn Net>) -> Arc<dyn Net>,
) -> Node {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&dir.path().join("blobs")).unwrap();
    let (net, planes) = pipes.join(name);
    let client = client(name, around(net), &blobs, settings);
    let server = BlobServer::new(Arc::clone(&client), offers);
    tokio::spawn(server.serve(planes.blob));
    Node { _dir: dir, blobs, client }
}

fn node(pipes: &MemoryNet, name: &str) -> Node {
    node_with(pipes, name, settings(), Arc::new(AcceptAll), |net| net)
}

fn content(size: usize, seed: u8) -> Vec<u8> {
    (0..size).map(|at| ((at * 31 + at / 251) % 256).to_le_bytes()[0] ^ seed).collect()
}

fn offer_of(stored: store::BlobRef) -> Offer {
    Offer { sha256: stored.sha256, size_bytes: stored.size_bytes, session: "s".into(), epoch: 1 }
}

#[tokio::test]
async fn a_file_is_fetched_offered_and_asked_about() {
    let pipes = MemoryNet::default();
    let (a, b) = (node(&pipes, "a"), node(&pipes, "b"));
    for size in [0, 1, 9_999, 10_000, 10_001, 250_000] {
        let stored = a.blobs.put_bytes(&content(size, 1)).unwrap();
        let seen = Arc::new(AtomicU64::new(0));
        let note = Arc::clone(&seen);
        let tell: OnProgress = Arc::new(move |progress| {
            assert!(progress.received <= progress.total);
            note.store(progress.received, Ordering::SeqCst);
        });
        assert_eq!(b.client.get("a", stored.sha256, Some(tell)).await.unwrap(), stored);
        assert_eq!(b.blobs.read(stored.sha256).unwrap(), content(size, 1));
        assert_eq!(seen.load(Ordering::SeqCst), size as u64);
    }
    let sent = a.client.stats().bytes_sent;
    let again = a.blobs.put_bytes(&content(250_000, 1)).unwrap();
    b.client.get("a", again.sha256, None).await.unwrap();
    assert_eq!(a.client.stats().bytes_sent, sent, "what is here is not fetched");

    let mine = b.blobs.put_bytes(&content(77_777, 9)).unwrap();
    b.client.offer("a", &offer_of(mine), None).await.unwrap();
    assert_eq!(a.blobs.read(mine.sha256).unwrap(), content(77_777, 9));
    b.client.offer("a", &offer_of(mine), None).await.unwrap();

    let mut asked: Vec<BlobHash> = (0..299_u32).map(|n| BlobHash::of(&n.to_be_bytes())).collect();
    asked.insert(150, mine.sha256);
    let found = b.client.have("a", &asked).await.unwrap();
    let there: Vec<usize> = (0..300).filter(|at| found[*at]).collect();
    assert_eq!(there, [150]);
}

#[tokio::test]
async fn what_a_peer_does_not_have_or_want_is_said_at_once() {
    struct Picky;
    impl Offers for Picky {
        fn admit(&self, peer: &str, offer: &Offer) -> Result<(), String> {
            let stale = offer.epoch < 5;
            if stale { Err(format!("{peer} offers for an old epoch")) } else { Ok(()) }
        }
    }
    let pipes = MemoryNet::default();
    let small = BlobSettings { size_max: 1_000, ..settings() };
    let a = node(&pipes, "a");
    let b = node_with(&pipes, "b", small, Arc::new(Picky), |net| net);
    let refusal = |error: BlobError| {
        let BlobError::Refused { refusal, .. } = error else { panic!("{error}") };
        refusal.unwrap()
    };
    let absent = b.client.get("a", BlobHash([7; 32]), None).await.unwrap_err();
    assert_eq!(refusal(absent), BlobRefusal::NotHere);
    let large = a.blobs.put_bytes(&content(1_001, 1)).unwrap();
    let error = b.client.get("a", large.sha256, None).await.unwrap_err();
    assert!(matches!(error, BlobError::TooLarge { limit: 1_000, found: 1_001 }), "{error}");
    let too_large = a.client.offer("b", &Offer { epoch: 5, ..offer_of(large) }, None).await;
    assert_eq!(refusal(too_large.unwrap_err()), BlobRefusal::TooLarge);
    let fine = a.blobs.put_bytes(&content(1_000, 1)).unwrap();
    let stale = a.client.offer("b", &offer_of(fine), None).await.unwrap_err();
    assert_eq!(refusal(stale), BlobRefusal::NotWanted);
    let wrong_size = Offer { epoch: 5, size_bytes: 999, ..offer_of(fine) };
    let refused = a.client.offer("b", &wrong_size, None).await.unwrap_err();
    assert_eq!(refusal(refused), BlobRefusal::NotWanted);
    let missing = Offer { epoch: 5, sha256: BlobHash([8; 32]), ..offer_of(fine) };
    let gave_up = a.client.offer("b", &missing, None).await.unwrap_err();
    assert_eq!(refusal(gave_up), BlobRefusal::GaveUp);
    a.client.offer("b", &Offer { epoch: 5, ..offer_of(fine) }, None).await.unwrap();
    let unknown = a.client.get("nobody", fine.sha256, None).await;
    assert!(unknown.is_ok(), "it is here, nobody is asked");
    let unknown = b.client.get("nobody", BlobHash([1; 32]), None).await.unwrap_err();
    assert!(matches!(unknown, BlobError::Net(_)), "{unknown}");
}

/// Every stream is cut after so many bytes; the hellos and heads take some of them.
fn cutting(after: Vec<u64>) -> impl FnOnce(Arc<dyn Net>) -> Arc<dyn Net> {
    move |net| {
        FaultyNet::new(
            net,
            Box::new(move |_, _, number| {
                let faults = Faults::default();
                if let Some(after) =
                    usize::try_from(number).ok().and_then(|number| after.get(number))
                {
                    faults.set(Direction::In, Fault::Cut { after: *after });
                }
                faults
            }),
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn cuts_anywhere_cost_nothing_that_had_arrived(
        size in 1_usize..200_000,
        cuts in prop::collection::vec(0_u64..120_000, 0..5),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let pipes = MemoryNet::default();
            let a = node(&pipes, "a");
            let b = node_with(&pipes, "b", settings(), Arc::new(AcceptAll), cutting(cuts.clone()));
            let stored = a.blobs.put_bytes(&content(size, 3)).unwrap();
            let got = b.client.get("a", stored.sha256, None).await.unwrap();
            assert_eq!(got, stored);
            assert_eq!(b.blobs.read(stored.sha256).unwrap(), content(size, 3));
            let received = b.client.stats().bytes_received;
            assert_eq!(received, size as u64, "no piece came twice, and none is missing");
        });
    }
}

#[tokio::test]
async fn an_offer_survives_cuts_on_both_streams() {
    let pipes = MemoryNet::default();
    let a = node_with(&pipes, "a", settings(), Arc::new(AcceptAll), cutting(vec![60, 130, 200]));
    let b = node_with(&pipes, "b", settings(), Arc::new(AcceptAll), cutting(vec![5_000, 40_000]));
    let stored = a.blobs.put_bytes(&content(100_000, 3)).unwrap();
    a.client.offer("b", &offer_of(stored), None).await.unwrap();
    assert_eq!(b.blobs.verify(stored.sha256).unwrap(), 100_000);
}

#[tokio::test]
async fn what_arrived_before_a_restart_is_not_asked_for_again_unless_it_is_wrong() {
    let pipes = MemoryNet::default();
    let a = node(&pipes, "a");
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("blobs");
    let whole = content(100_000, 5);
    let stored = a.blobs.put_bytes(&whole).unwrap();
    let (net, _planes) = pipes.join("b");
    // What lies there, and what has to be fetched for it: the rest; all of it, twice begun; all of it.
    let mut holes = whole[..60_000].to_vec();
    holes[30_000] ^= 1;
    let longer = [whole.as_slice(), b"more"].concat();
    for (found, fetched) in [
        (whole[..60_000].to_vec(), 40_000),
        (holes, 140_000),
        (longer, 100_000),
        (whole.clone(), 0),
    ] {
        drop(std::fs::remove_dir_all(&root));
        let blobs = Blobs::open(&root).unwrap();
        blobs.partial(stored.sha256).unwrap().append(&found).unwrap();
        drop(blobs);
        let blobs = Blobs::open(&root).unwrap();
        assert!(blobs.path(stored.sha256).is_none() && blobs.list().unwrap().is_empty());
        let b = client("b", Arc::clone(&net) as Arc<dyn Net>, &blobs, settings());
        b.get("a", stored.sha256, None).await.unwrap();
        assert_eq!(b.stats().bytes_received, fetched);
        assert_eq!(blobs.read(stored.sha256).unwrap(), whole);
        assert_eq!(std::fs::read_dir(root.join("partial")).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn wrong_bytes_never_become_a_file() {
    let pipes = MemoryNet::default();
    let a = node(&pipes, "a");
    let impatient = BlobSettings { attempts: 3, ..settings() };
    let b = node_with(&pipes, "b", impatient, Arc::new(AcceptAll), |net| net);
    let stored = a.blobs.put_bytes(&content(50_000, 3)).unwrap();
    let path = a.blobs.path(stored.sha256).unwrap();
    let mut damaged = content(50_000, 3);
    damaged[25_000] ^= 4;
    std::fs::write(&path, damaged).unwrap();
    let error = b.client.get("a", stored.sha256, None).await.unwrap_err();
    assert!(matches!(error, BlobError::WrongHash { .. }), "{error}");
    assert!(b.blobs.path(stored.sha256).is_none() && b.blobs.list().unwrap().is_empty());
    // A file that is cut while it is read, and one that grew.
    std::fs::write(&path, &content(50_000, 3)[..20_000]).unwrap();
    let error = b.client.get("a", stored.sha256, None).await.unwrap_err();
    assert!(matches!(error, BlobError::WrongHash { .. }), "{error}");
    a.blobs.put_bytes(&content(50_000, 3)).unwrap();
    b.client.get("a", stored.sha256, None).await.expect("healed at the source, it is taken");
}

/// A peer that says its hello properly and then what it likes.
async fn liar(mut streams: tokio::sync::mpsc::Receiver<Incoming>, answers: Vec<Vec<u8>>) {
    let mut number = 0;
    while let Some(mut incoming) = streams.recv().await {
        let identity = Fixed::new("liar");
        greet(&mut incoming.stream, &identity, "b", Role::Acceptor).await.unwrap();
        let mut request = [0; 5 + 48];
        incoming.stream.read_exact(&mut request).await.unwrap();
        let answer = answers.get(number).or(answers.last()).unwrap();
        incoming.stream.write_all(answer).await.unwrap();
        incoming.stream.shutdown().await.unwrap();
        number += 1;
    }
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind], &length[..], body].concat()
}

fn chunk(bytes: &[u8], crc: u32) -> Vec<u8> {
    frame(130, &[&crc.to_be_bytes()[..], bytes].concat())
}

#[tokio::test]
async fn a_peer_that_lies_is_found_out() {
    let right = content(8, 1);
    let found = frame(129, &8_u64.to_be_bytes());
    let good = |bytes: &[u8]| chunk(bytes, crc32c::crc32c(bytes));
    let end = frame(131, &[]);
    let cases: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("another file", vec![[found.clone(), good(&[9; 8]), end.clone()].concat()]),
        ("more than it said", vec![[found.clone(), good(&[9; 9]), end.clone()].concat()]),
        ("an early end", vec![[found.clone(), good(&right[..4]), end.clone()].concat()]),
        ("an empty piece", vec![[found.clone(), good(&[])].concat()]),
        ("an oversized frame", vec![vec![130, 0xff, 0xff, 0xff, 0xff]]),
        ("no frame of ours", vec![b"HTTP/1.1 200 OK\r\n\r\n".to_vec()]),
        ("an answer to something else", vec![frame(134, &[1])]),
        ("always a wrong checksum", vec![[found.clone(), chunk(&right, 7), end.clone()].concat()]),
        ("always cut", vec![found.clone()]),
    ];
    for (what, answers) in cases {
        let pipes = MemoryNet::default();
        let (_net, planes) = pipes.join("liar");
        tokio::spawn(liar(planes.blob, answers));
        let impatient = BlobSettings { attempts: 3, ..settings() };
        let b = node_with(&pipes, "b", impatient, Arc::new(AcceptAll), |net| net);
        let error = b.client.get("liar", BlobHash::of(&right), None).await.expect_err(what);
        assert!(!matches!(error, BlobError::Store(_) | BlobError::Net(_)), "{what}: {error}");
        assert!(b.blobs.path(BlobHash::of(&right)).is_none(), "{what}");
    }
    // A wrong checksum once is an accident: the piece is fetched again.
    let pipes = MemoryNet::default();
    let (_net, planes) = pipes.join("liar");
    let once =
        vec![[found.clone(), chunk(&right, 7)].concat(), [found, good(&right), end].concat()];
    tokio::spawn(liar(planes.blob, once));
    let b = node(&pipes, "b");
    b.client.get("liar", BlobHash::of(&right), None).await.unwrap();
    assert_eq!(b.blobs.read(BlobHash::of(&right)).unwrap(), right);
}

/// Counts the streams that stand at one time.
struct Counting {
    inner: Arc<dyn Net>,
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Net for Counting {
    fn dial<'a>(
        &'a self,
        peer: &'a str,
        address: &'a str,
        plane: Plane,
    ) -> Boxed<'a, Result<BoxStream, NetError>> {
        Box::pin(async move {
            let mut stream = self.inner.dial(peer, address, plane).await?;
            let (mut ours, theirs) = tokio::io::duplex(4_096);
            let open = Arc::clone(&self.open);
            self.most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::spawn(async move {
                drop(tokio::io::copy_bidirectional(&mut ours, &mut stream).await);
                open.fetch_sub(1, Ordering::SeqCst);
            });
            Ok(Box::new(theirs) as BoxStream)
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_files_at_one_time_and_each_only_once() {
    let pipes = MemoryNet::default();
    let a = node(&pipes, "a");
    let most = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&most);
    let b = node_with(&pipes, "b", settings(), Arc::new(AcceptAll), |inner| {
        Arc::new(Counting { inner, open: Arc::default(), most: counted })
    });
    let files: Vec<BlobHash> =
        (0..12).map(|seed| a.blobs.put_bytes(&content(60_000, seed)).unwrap().sha256).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for sha256 in files.iter().chain(&files).copied() {
        let client = Arc::clone(&b.client);
        tasks.spawn(async move { client.get("a", sha256, None).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.len(), 24);
    assert_eq!(b.client.stats().bytes_received, 12 * 60_000, "asked for twice, fetched once");
    // A stream that is done may still be closing while the next one opens.
    let most = most.load(Ordering::SeqCst);
    assert!((1..=8).contains(&most), "{most} streams at one time");
}

/// Leads to one server through pipes that hold next to nothing, so that a writer feels at once that nobody reads.
struct Narrow(tokio::sync::mpsc::Sender<Incoming>);

impl Net for Narrow {
    fn dial<'a>(
        &'a self,
        _peer: &'a str,
        _address: &'a str,
        plane: Plane,
    ) -> Boxed<'a, Result<BoxStream, NetError>> {
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(4_096);
            let (address, stream) = (kit::any_port(), Box::new(theirs));
            self.0.send(Incoming { peer: "b".into(), address, plane, stream }).await.unwrap();
            Ok(Box::new(ours) as BoxStream)
        })
    }
}

#[tokio::test]
async fn the_server_holds_the_limit_for_one_that_does_not() {
    let nodes = MemoryNet::default();
    let (a, b) = (node(&nodes, "a"), node(&nodes, "b"));
    let (streams, receiver) = tokio::sync::mpsc::channel(8);
    let server = BlobServer::new(Arc::clone(&a.client), Arc::new(AcceptAll));
    tokio::spawn(server.serve(receiver));
    let net: Arc<dyn Net> = Arc::new(Narrow(streams));
    let files: Vec<BlobHash> =
        (0..5).map(|seed| a.blobs.put_bytes(&content(200_000, seed)).unwrap().sha256).collect();
    // Four that ask and do not read on.
    let mut greedy = Vec::new();
    for sha256 in &files[..4] {
        let mut stream = net.dial("a", "a", Plane::Blob).await.unwrap();
        greet(&mut stream, &Fixed::new("b"), "a", Role::Dialer).await.unwrap();
        let range = [0_u64.to_be_bytes(), u64::MAX.to_be_bytes()].concat();
        let request = frame(1, &[&sha256.0[..], &range].concat());
        stream.write_all(&request).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), 129, "found, and begun to send");
        greedy.push(stream);
    }
    let attempts = |attempts| BlobSettings { attempts, ..settings() };
    let hasty = client("b", Arc::clone(&net), &b.blobs, attempts(1));
    let fifth = hasty.get("a", files[4], None).await;
    let busy =
        matches!(&fifth, Err(BlobError::GaveUp { last, .. }) if last.contains("enough files"));
    assert!(busy, "{fifth:?}");
    drop(greedy);
    let patient = client("b", net, &b.blobs, attempts(20));
    patient.get("a", files[4], None).await.expect("there is room again");
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_given_up_and_its_stream_opened_again() {
    let pipes = MemoryNet::default();
    let a = node(&pipes, "a");
    let stored = a.blobs.put_bytes(&content(50_000, 3)).unwrap();
    let normal = BlobSettings { chunk_bytes: 10_000, ..BlobSettings::default() };
    let b = node_with(&pipes, "b", normal, Arc::new(AcceptAll), |net| {
        FaultyNet::new(
            net,
            Box::new(|_, _, number| {
                let faults = Faults::default();
                if number < 2 {
                    faults.set(Direction::In, Fault::Stall);
                }
                faults
            }),
        )
    });
    b.client.get("a", stored.sha256, None).await.unwrap();
    assert_eq!(b.blobs.verify(stored.sha256).unwrap(), 50_000);
}

#[tokio::test]
async fn a_rate_holds_and_the_file_arrives() {
    let pipes = MemoryNet::default();
    let a = node(&pipes, "a");
    let slow = BlobSettings { bytes_per_s: NonZeroU64::new(400_000), ..settings() };
    let b = node_with(&pipes, "b", slow, Arc::new(AcceptAll), |net| net);
    let stored = a.blobs.put_bytes(&content(200_000, 3)).unwrap();
    let began = std::time::Instant::now();
    b.client.get("a", stored.sha256, None).await.unwrap();
    // A lower bound only: a loaded machine is slower, never faster. 0.1 s of burst is allowed.
    assert!(Duration::from_millis(390) <= began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_real_port_with_certificates() {
    let ours = Authority::new("alpha");
    let (listener, planes) = ours.listen("a", Limits::default());
    struct One(String);
    impl AddressBook for One {
        fn address(&self, _: &str) -> Option<String> {
            Some(self.0.clone())
        }
        fn peers(&self) -> Vec<String> {
            vec!["a".into()]
        }
    }
    let book: Arc<One> = Arc::new(One(listener.local_addr().to_string()));
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let at = |dir: &TempDir| Blobs::open(&dir.path().join("blobs")).unwrap();
    let (there, here) = (at(&dirs[0]), at(&dirs[1]));
    let make = |node: &str, blobs: &Blobs| {
        let net: Arc<dyn Net> = Arc::new(ours.dialer(node));
        let book: Arc<dyn AddressBook> = Arc::clone(&book) as Arc<dyn AddressBook>;
        let identity = Arc::new(Fixed::new(node));
        BlobClient::new(net, book, identity, blobs.clone(), BlobSettings::default())
    };
    let server = BlobServer::new(make("a", &there), Arc::new(AcceptAll));
    tokio::spawn(server.serve(planes.blob));
    let stored = there.put_bytes(&content(5_000_000, 8)).unwrap();
    let b = make("b", &here);
    assert_eq!(b.get("a", stored.sha256, None).await.unwrap(), stored);
    assert_eq!(here.verify(stored.sha256).unwrap(), 5_000_000);
    // One that announces four gigabytes is closed at once, and the next one is served.
    let dialer = ours.dialer("b");
    let mut greedy = kit::dial(&dialer, "a", &listener, Plane::Blob).await.unwrap();
    greet(&mut greedy, &Fixed::new("b"), "a", Role::Dialer).await.unwrap();
    greedy.write_all(&[1, 0xff, 0xff, 0xff, 0xff]).await.unwrap();
    greedy.flush().await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(kit::PATIENCE, greedy.read_to_end(&mut rest)).await;
    assert!(closed.is_ok() && rest.is_empty());
    drop(greedy);
    assert_eq!(b.have("a", &[stored.sha256]).await.unwrap(), [true]);
    eventually("the streams are given back", || listener.stats().open.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_offer_to_each_other_both_come_to_an_end() {
    let nodes = MemoryNet::default();
    let (a, b) = (node(&nodes, "a"), node(&nodes, "b"));
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 0..8 {
        for (from, to, seed) in [(&a, "b", seed), (&b, "a", seed + 100)] {
            let stored = from.blobs.put_bytes(&content(40_000, seed)).unwrap();
            let client = Arc::clone(&from.client);
            tasks.spawn(async move { client.offer(to, &offer_of(stored), None).await.unwrap() });
        }
    }
    let all = tokio::time::timeout(kit::PATIENCE, tasks.join_all()).await;
    assert_eq!(all.expect("nobody waits for ever").len(), 16);
    assert_eq!((a.blobs.list().unwrap().len(), b.blobs.list().unwrap().len()), (16, 16));
}

#[tokio::test]
async fn a_fetch_that_is_given_up_leaves_what_arrived_for_the_next_one() {
    let nodes = MemoryNet::default();
    let (a, b) = (node(&nodes, "a"), node(&nodes, "b"));
    let stored = a.blobs.put_bytes(&content(2_000_000, 3)).unwrap();
    let (begun, mut first) = tokio::sync::mpsc::unbounded_channel();
    let tell: OnProgress = Arc::new(move |progress| {
        // Nobody listens any more once it is given up.
        begun.send(progress.received).unwrap_or_default();
    });
    let client = Arc::clone(&b.client);
    let fetch = tokio::spawn(async move { client.get("a", stored.sha256, Some(tell)).await });
    while first.recv().await.is_some_and(|received| received < 500_000) {}
    fetch.abort();
    drop(fetch.await);
    b.client.get("a", stored.sha256, None).await.unwrap();
    assert_eq!(b.blobs.read(stored.sha256).unwrap(), content(2_000_000, 3));
    assert!(b.client.stats().bytes_received < 4_000_000, "it was not fetched twice");
}
