//! Several nodes on one machine: each is a process of its own (the actor library's registries belong to the process),
//! joined by plain TCP or by the transport, told what to do by lines on standard input.
#![allow(dead_code, unreachable_pub, reason = "each of its users uses a part of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use cluster::error::NetError;
use cluster::net::{AddressBook, BoxStream, Boxed, Incoming, Net, Plane};
use cluster::transport::{DialLimits, Dialer, Limits, Listener, Tls, TlsFiles, certs};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Names this process's part; absent in the test itself.
pub const NODE: &str = "TM_TEST_NODE";
const INCARNATION: &str = "TM_TEST_INCARNATION";
const BOOT: &str = "TM_TEST_BOOT";
const PORT: &str = "TM_TEST_PORT";
const PEERS: &str = "TM_TEST_PEERS";
/// Where the certificates of all nodes lie; absent: plain TCP.
const CERTIFICATES: &str = "TM_TEST_CERTIFICATES";
const PATIENCE: Duration = Duration::from_secs(60);

/// What a node process was told at its start.
#[derive(Debug, Clone)]
pub struct Part {
    pub node: String,
    pub incarnation: u64,
    pub boot_id: u128,
    pub port: u16,
    pub peers: BTreeMap<String, u16>,
    pub certificates: Option<PathBuf>,
}

impl Part {
    pub fn new(node: &str, port: u16, peers: &[(&str, u16)]) -> Self {
        let peers = peers.iter().map(|(name, port)| ((*name).to_owned(), *port)).collect();
        Self { node: node.to_owned(), incarnation: 1, boot_id: 1, port, peers, certificates: None }
    }

    pub fn from_environment() -> Option<Self> {
        let read = |name: &str| std::env::var(name).unwrap();
        let node = std::env::var(NODE).ok()?;
        let peers = read(PEERS);
        let peers = peers.split(',').filter(|text| !text.is_empty()).map(|text| {
            let (name, port) = text.split_once('=').unwrap();
            (name.to_owned(), port.parse().unwrap())
        });
        Some(Self {
            node,
            incarnation: read(INCARNATION).parse().unwrap(),
            boot_id: read(BOOT).parse().unwrap(),
            port: read(PORT).parse().unwrap(),
            peers: peers.collect(),
            certificates: std::env::var_os(CERTIFICATES).map(PathBuf::from),
        })
    }

    /// Opens this node's port, and returns what dials others and what others open.
    pub async fn open(&self) -> (Arc<dyn Net>, Doors) {
        let Some(directory) = &self.certificates else {
            return (Arc::new(PlainNet(self.node.clone())), listen(self.port).await);
        };
        let files = TlsFiles::in_dir(&directory.join(&self.node));
        let tls = Tls::load(&files, CLUSTER, &self.node).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        let (listener, planes) =
            Listener::bind(address, Arc::clone(&tls), Limits::default()).unwrap();
        // Open as long as the process lives.
        std::mem::forget(listener);
        let doors = Doors { act: planes.act, blob: planes.blob };
        (Arc::new(Dialer::new(tls, DialLimits::default())), doors)
    }
}

impl AddressBook for Part {
    fn address(&self, peer: &str) -> Option<String> {
        self.peers.get(peer).map(|port| format!("127.0.0.1:{port}"))
    }

    fn peers(&self) -> Vec<String> {
        self.peers.keys().cloned().collect()
    }
}

/// What peers opened.
pub struct Doors {
    pub act: tokio::sync::mpsc::Receiver<Incoming>,
    pub blob: tokio::sync::mpsc::Receiver<Incoming>,
}

/// The cluster in the certificates.
pub const CLUSTER: &str = "test";

/// Makes certificates for nodes.
pub fn certify(directory: &Path, nodes: &[&str]) {
    certs::make_ca(directory, CLUSTER).unwrap();
    for node in nodes {
        certs::make_node(directory, CLUSTER, node, &[], &directory.join(node)).unwrap();
    }
}

/// Ports that are free, below those that the system gives to outgoing connections: one of these could be taken by
/// another test before its node listens.
pub fn ports<const N: usize>() -> [u16; N] {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(97);
    std::array::from_fn(|_| {
        loop {
            let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let port = 15_000 + u16::try_from(begin.wrapping_add(next) % 15_000).unwrap();
            if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
    })
}

/// A connection that says whose it is and proves nothing.
struct PlainNet(String);

impl Net for PlainNet {
    fn dial<'a>(
        &'a self,
        peer: &'a str,
        address: &'a str,
        plane: Plane,
    ) -> Boxed<'a, Result<BoxStream, NetError>> {
        Box::pin(async move {
            let connect = async {
                let mut stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let plane = Plane::ALL.iter().position(|other| *other == plane).unwrap();
                let byte = |number: usize| u8::try_from(number).unwrap();
                let mut preamble = vec![byte(plane), byte(self.0.len())];
                preamble.extend_from_slice(self.0.as_bytes());
                stream.write_all(&preamble).await?;
                Ok::<_, std::io::Error>(Box::new(stream) as BoxStream)
            };
            let unreachable = |reason: String| NetError::Unreachable {
                peer: peer.to_owned(),
                address: address.to_owned(),
                reason,
            };
            match timeout(Duration::from_secs(2), connect).await {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(error)) => Err(unreachable(error.to_string())),
                Err(_) => Err(unreachable("timed out".to_owned())),
            }
        })
    }
}

/// Accepts such connections.
async fn listen(port: u16) -> Doors {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let (act, act_queue) = tokio::sync::mpsc::channel(16);
    let (blob, blob_queue) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            let (stream, address) = listener.accept().await.unwrap();
            let (act, blob) = (act.clone(), blob.clone());
            tokio::spawn(async move {
                if let Ok(Ok(incoming)) =
                    timeout(Duration::from_secs(3), introduce(stream, address)).await
                {
                    let door = if incoming.plane == Plane::Blob { blob } else { act };
                    drop(door.send(incoming).await);
                }
            });
        }
    });
    Doors { act: act_queue, blob: blob_queue }
}

async fn introduce(mut stream: TcpStream, address: SocketAddr) -> std::io::Result<Incoming> {
    stream.set_nodelay(true)?;
    let plane = Plane::ALL[usize::from(stream.read_u8().await?)];
    let mut name = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut name).await?;
    let peer = String::from_utf8(name).unwrap();
    Ok(Incoming { peer, address, plane, stream: Box::new(stream) })
}

/// A node process as its test sees it. Killed when dropped.
pub struct Node {
    pub name: String,
    child: Child,
    input: ChildStdin,
    answers: mpsc::Receiver<String>,
}

impl Node {
    /// Starts this very program again in the part of a node. `arguments` lead it to [`Part::from_environment`].
    pub fn start(part: &Part, arguments: &[&str]) -> Self {
        let peers: Vec<String> =
            part.peers.iter().map(|(name, port)| format!("{name}={port}")).collect();
        let mut command = Command::new(std::env::current_exe().unwrap());
        if let Some(directory) = &part.certificates {
            command.env(CERTIFICATES, directory);
        }
        let mut child = command
            .args(arguments)
            .env(NODE, &part.node)
            .env(INCARNATION, part.incarnation.to_string())
            .env(BOOT, part.boot_id.to_string())
            .env(PORT, part.port.to_string())
            .env(PEERS, peers.join(","))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, answers) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(answer) = line.strip_prefix('@') {
                    drop(sender.send(answer.to_owned()));
                }
            }
        });
        let node = Self { name: part.node.clone(), child, input, answers };
        assert_eq!(node.answer(), "started", "{}", node.name);
        node
    }

    /// Tells the node what to do, without waiting.
    pub fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
        self.input.flush().unwrap();
    }

    pub fn answer(&self) -> String {
        self.answers
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|error| panic!("{} does not answer: {error}", self.name))
    }

    /// Tells the node what to do and returns its answer.
    pub fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.answer()
    }

    /// A number out of the answer `… name=number …`.
    pub fn number(&mut self, line: &str, name: &str) -> u64 {
        let answer = self.ask(line);
        number(&answer, name)
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Stops the process where it stands, and returns when all of it stands.
    pub fn freeze(&self) {
        self.signal(rustix::process::Signal::STOP);
        let stat = format!("/proc/{}/stat", self.child.id());
        let stands = || std::fs::read_to_string(&stat).unwrap().contains(") T ");
        while !stands() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Gone already where the test killed it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub fn number(answer: &str, name: &str) -> u64 {
    let prefix = format!("{name}=");
    let found = answer.split_whitespace().find_map(|word| word.strip_prefix(&prefix));
    found.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no {name} in {answer:?}"))
}

/// Memory of this process in KiB.
pub fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
