//! A net in memory (feature `testkit`): nodes joined by pipes whose directions can be cut, delayed and healed.
//!
//! A cut behaves like lost packets, not like a closed connection: bytes wait and arrive after healing, dialling takes
//! its whole time and fails. A node that leaves behaves like a killed process: its connections break at once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::error::NetError;
use crate::net::{AddressBook, BoxStream, Boxed, Incoming, Net, Plane};

/// How long dialling a node that is cut off takes before it fails.
const DIAL_TIMEOUT: Duration = Duration::from_secs(1);
/// Bytes on their way in one direction.
const PIPE_BYTES: usize = 256 << 10;
/// Pieces on their way in one direction.
const PIPE_PIECES: usize = 256;
/// Connections that may wait to be accepted.
const BACKLOG: usize = 64;

/// From where to where.
type Direction = (String, String);

#[derive(Debug, Clone, Default)]
struct Links {
    cut: BTreeSet<Direction>,
    delay: BTreeMap<Direction, Duration>,
}

#[derive(Debug)]
struct Doors {
    ctl: mpsc::Sender<Incoming>,
    act: mpsc::Sender<Incoming>,
    blob: mpsc::Sender<Incoming>,
    alive: watch::Sender<()>,
}

/// What peers open to a node, by plane.
#[derive(Debug)]
pub struct Ports {
    /// Connections of the plane `ctl/1`.
    pub ctl: mpsc::Receiver<Incoming>,
    /// Connections of the plane `act/1`.
    pub act: mpsc::Receiver<Incoming>,
    /// Connections of the plane `blob/1`.
    pub blob: mpsc::Receiver<Incoming>,
}

#[derive(Debug)]
struct Inner {
    nodes: Mutex<BTreeMap<String, Doors>>,
    links: watch::Sender<Links>,
}

/// All nodes and what lies between them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct MemoryNet {
    inner: Arc<Inner>,
}

impl Default for MemoryNet {
    fn default() -> Self {
        let inner = Inner { nodes: Mutex::default(), links: watch::channel(Links::default()).0 };
        Self { inner: Arc::new(inner) }
    }
}

impl MemoryNet {
    /// Adds a node, or one that comes back; its name is its address.
    #[must_use]
    pub fn join(&self, name: &str) -> (Arc<MemoryNode>, Ports) {
        let ((ctl, ctl_port), (act, act_port), (blob, blob_port)) =
            (mpsc::channel(BACKLOG), mpsc::channel(BACKLOG), mpsc::channel(BACKLOG));
        let doors = Doors { ctl, act, blob, alive: watch::channel(()).0 };
        self.nodes().insert(name.to_owned(), doors);
        let node = MemoryNode { net: self.clone(), name: name.to_owned() };
        (Arc::new(node), Ports { ctl: ctl_port, act: act_port, blob: blob_port })
    }

    /// Removes a node; its connections break.
    pub fn leave(&self, name: &str) {
        self.nodes().remove(name);
    }

    /// Loses everything that `from` sends to `to` until healed.
    pub fn cut(&self, from: &str, to: &str) {
        self.inner.links.send_modify(|links| {
            links.cut.insert((from.to_owned(), to.to_owned()));
        });
    }

    /// Ends a cut.
    pub fn heal(&self, from: &str, to: &str) {
        self.inner.links.send_modify(|links| {
            links.cut.remove(&(from.to_owned(), to.to_owned()));
        });
    }

    /// Cuts a node off from all others, both ways.
    pub fn isolate(&self, name: &str) {
        let others: Vec<String> =
            self.nodes().keys().filter(|other| *other != name).cloned().collect();
        for other in others {
            self.cut(name, &other);
            self.cut(&other, name);
        }
    }

    /// Ends every cut.
    pub fn heal_all(&self) {
        self.inner.links.send_modify(|links| links.cut.clear());
    }

    /// Delays what `from` sends to `to`.
    pub fn delay(&self, from: &str, to: &str, delay: Duration) {
        self.inner.links.send_modify(|links| {
            links.delay.insert((from.to_owned(), to.to_owned()), delay);
        });
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeMap<String, Doors>> {
        self.inner.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self, from: &str, to: &str, plane: Plane) -> Result<BoxStream, String> {
        let (there, back) = ((from.to_owned(), to.to_owned()), (to.to_owned(), from.to_owned()));
        let mut links = self.inner.links.subscribe();
        let open = |links: &Links| !links.cut.contains(&there) && !links.cut.contains(&back);
        let delay = match links.wait_for(open).await {
            Ok(links) => links.delay.get(&there).copied().unwrap_or_default(),
            Err(_) => return Err("the net is gone".to_owned()),
        };
        tokio::time::sleep(delay).await;
        let refused = || "connection refused".to_owned();
        let (door, alive) = {
            let nodes = self.nodes();
            let (Some(node), Some(own)) = (nodes.get(to), nodes.get(from)) else {
                return Err(refused());
            };
            let door = match plane {
                Plane::Ctl => &node.ctl,
                Plane::Act => &node.act,
                Plane::Blob => &node.blob,
            };
            (door.clone(), [node.alive.subscribe(), own.alive.subscribe()])
        };
        let (ours, near) = tokio::io::duplex(PIPE_BYTES);
        let (theirs, far) = tokio::io::duplex(PIPE_BYTES);
        let ((near_read, near_write), (far_read, far_write)) =
            (tokio::io::split(near), tokio::io::split(far));
        let pipes = [
            Pipe { reader: near_read, writer: far_write, direction: there, links: links.clone() },
            Pipe { reader: far_read, writer: near_write, direction: back, links },
        ];
        for pipe in pipes {
            tokio::spawn(pipe.run(alive.clone()));
        }
        let incoming = Incoming {
            peer: from.to_owned(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            plane,
            stream: Box::new(theirs),
        };
        door.send(incoming).await.map_err(|_| refused())?;
        Ok(Box::new(ours))
    }
}

/// One direction of one connection.
struct Pipe {
    reader: ReadHalf<DuplexStream>,
    writer: WriteHalf<DuplexStream>,
    direction: Direction,
    links: watch::Receiver<Links>,
}

impl Pipe {
    /// Carries bytes until one end closes or one node is gone.
    async fn run(self, [mut there, mut here]: [watch::Receiver<()>; 2]) {
        tokio::select! {
            () = self.carry() => {}
            // Errors only: nothing is ever sent on these.
            _ = there.changed() => {}
            _ = here.changed() => {}
        }
    }

    async fn carry(self) {
        let Self { mut reader, mut writer, direction, mut links } = self;
        let (pieces, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(PIPE_PIECES);
        let read = async move {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = reader.read(&mut buffer).await {
                let piece = buffer.get(..count).unwrap_or_default().to_vec();
                if pieces.send((Instant::now(), piece)).await.is_err() {
                    return;
                }
            }
        };
        let write = async move {
            while let Some((sent, piece)) = arriving.recv().await {
                let delay = links.borrow().delay.get(&direction).copied().unwrap_or_default();
                tokio::time::sleep_until(sent + delay).await;
                let open = links.wait_for(|links| !links.cut.contains(&direction)).await.is_ok();
                if !open || writer.write_all(&piece).await.is_err() {
                    return;
                }
            }
            // The end of the stream is lost like any other packet while the direction is cut.
            if links.wait_for(|links| !links.cut.contains(&direction)).await.is_ok() {
                // The other end may be gone already.
                drop(writer.shutdown().await);
            }
        };
        tokio::join!(read, write);
    }
}

/// One node's end of the net.
#[derive(Debug)]
pub struct MemoryNode {
    net: MemoryNet,
    name: String,
}

impl Net for MemoryNode {
    fn dial<'a>(
        &'a self,
        peer: &'a str,
        address: &'a str,
        plane: Plane,
    ) -> Boxed<'a, Result<BoxStream, NetError>> {
        Box::pin(async move {
            let dialled =
                tokio::time::timeout(DIAL_TIMEOUT, self.net.connect(&self.name, address, plane));
            let failed = match dialled.await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(reason)) => reason,
                Err(_) => "no answer".to_owned(),
            };
            let (peer, address) = (peer.to_owned(), address.to_owned());
            Err(NetError::Unreachable { peer, address, reason: failed })
        })
    }
}

impl AddressBook for MemoryNode {
    fn address(&self, peer: &str) -> Option<String> {
        Some(peer.to_owned())
    }

    fn peers(&self) -> Vec<String> {
        self.net.nodes().keys().filter(|name| **name != self.name).cloned().collect()
    }
}
