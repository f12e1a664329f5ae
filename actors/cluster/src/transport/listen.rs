//! The public port: accepts, finds out who it is and what it wants, and hands the stream to the plane's queue.
//!
//! Each connection is its own task with one deadline from the first byte to the last of the handshake, so nobody waits
//! for anybody. A client without ALPN gets nothing at all (rustls alone would let it in); one that asks for a protocol
//! we do not speak gets the alert of RFC 7301 3.2. Who is refused is counted by reason.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::rustls::server::Acceptor;
use tokio_rustls::rustls::{self, ServerConnection};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use super::gate::{Gate, Handshake, Limits, Open};
use super::{NOT_SERVED, TOO_MANY, Tls, TransportError, WELCOME, certs, socket, tls};
use crate::net::{Incoming, Plane};

/// Connections that the kernel keeps for us until they are accepted.
const BACKLOG: u32 = 1_024;
/// Accepted streams that may wait for a plane's server.
const PLANE_QUEUE: usize = 64;
/// Wait after the system had no descriptor left for us.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why somebody who knocked got no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Had to go for others while it said nothing.
    Crowded,
    /// Did not finish in time.
    Slow,
    /// Did not speak TLS, or left in the middle.
    NotTls,
    /// Did not say what it wants.
    NoAlpn,
    /// Wants a protocol that we do not speak.
    UnknownAlpn,
    /// Has no certificate, or one that is not of our CA, has run out or names no node of this cluster.
    Untrusted,
    /// Speaks TLS, but the handshake failed for another reason, an old TLS version among them.
    Handshake,
    /// A peer that has as many connections on this plane as it may.
    TooMany,
    /// Nobody serves this plane here, or its server is too slow.
    NotServed,
}

impl Refusal {
    /// Every reason, in the order of its counter.
    pub const ALL: [Self; 9] = [
        Self::Crowded,
        Self::Slow,
        Self::NotTls,
        Self::NoAlpn,
        Self::UnknownAlpn,
        Self::Untrusted,
        Self::Handshake,
        Self::TooMany,
        Self::NotServed,
    ];

    /// Returns the name used in metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Crowded => "crowded",
            Self::Slow => "slow",
            Self::NotTls => "not_tls",
            Self::NoAlpn => "no_alpn",
            Self::UnknownAlpn => "unknown_alpn",
            Self::Untrusted => "untrusted",
            Self::Handshake => "handshake",
            Self::TooMany => "too_many",
            Self::NotServed => "not_served",
        }
    }
}

/// What happened at the port since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListenStats {
    /// Connections accepted from the kernel.
    pub accepted: u64,
    /// Times that the kernel could not hand one over.
    pub accept_errors: u64,
    /// Handed to a plane.
    pub admitted: u64,
    /// Turned away, by reason; every reason is listed.
    pub refused: BTreeMap<Refusal, u64>,
    /// Waiting for their first words or a handshake at this moment.
    pub waiting: usize,
    /// Shaking hands at this moment.
    pub handshakes: usize,
    /// Streams that stand at this moment, by peer and plane.
    pub open: BTreeMap<(String, Plane), usize>,
}

/// The streams that peers opened. A plane whose receiver is dropped is not served any more.
#[derive(Debug)]
pub struct Planes {
    /// Raft, leases, join, forwarded commands.
    pub ctl: mpsc::Receiver<Incoming>,
    /// Messages between actors.
    pub act: mpsc::Receiver<Incoming>,
    /// Files.
    pub blob: mpsc::Receiver<Incoming>,
}

/// The open port. Closed when dropped; streams that were handed over live on.
#[derive(Debug)]
pub struct Listener {
    local: SocketAddr,
    shared: Arc<Shared>,
    task: Mutex<Option<AbortHandle>>,
}

#[derive(Debug)]
struct Shared {
    tls: Arc<Tls>,
    gate: Arc<Gate>,
    limits: Limits,
    planes: [mpsc::Sender<Incoming>; Plane::ALL.len()],
    accepted: AtomicU64,
    accept_errors: AtomicU64,
    admitted: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
}

impl Listener {
    /// Opens the port and begins to accept. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the port is taken or the address is not ours.
    pub fn bind(
        address: SocketAddr,
        tls: Arc<Tls>,
        limits: Limits,
    ) -> Result<(Self, Planes), TransportError> {
        let wrong = |error: io::Error| TransportError::Listen {
            address: address.to_string(),
            reason: error.to_string(),
        };
        let listener = open(address).map_err(wrong)?;
        let local = listener.local_addr().map_err(wrong)?;
        let (ctl, ctl_receiver) = mpsc::channel(PLANE_QUEUE);
        let (act, act_receiver) = mpsc::channel(PLANE_QUEUE);
        let (blob, blob_receiver) = mpsc::channel(PLANE_QUEUE);
        let shared = Arc::new(Shared {
            tls,
            gate: Gate::new(limits),
            limits,
            planes: [ctl, act, blob],
            accepted: AtomicU64::new(0),
            accept_errors: AtomicU64::new(0),
            admitted: AtomicU64::new(0),
            refused: [const { AtomicU64::new(0) }; Refusal::ALL.len()],
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        let planes = Planes { ctl: ctl_receiver, act: act_receiver, blob: blob_receiver };
        Ok((Self { local, shared, task: Mutex::new(Some(task)) }, planes))
    }

    /// Returns the address it listens on, with the port that the system chose when none was given.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Returns what happened so far.
    #[must_use]
    pub fn stats(&self) -> ListenStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (waiting, handshakes) = self.shared.gate.busy();
        let counters = Refusal::ALL.into_iter().zip(&self.shared.refused);
        ListenStats {
            accepted: load(&self.shared.accepted),
            accept_errors: load(&self.shared.accept_errors),
            admitted: load(&self.shared.admitted),
            refused: counters.map(|(reason, counter)| (reason, load(counter))).collect(),
            waiting,
            handshakes,
            open: self.shared.gate.connections(),
        }
    }

    /// Closes the port and ends the handshakes under way.
    pub fn close(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.close();
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted node gets its port back at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts until aborted. Aborting it drops the set and with it every handshake under way.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => {
                    shared.accepted.fetch_add(1, Ordering::Relaxed);
                    tasks.spawn(serve(Arc::clone(&shared), stream, address));
                }
                Err(error) => {
                    // Out of descriptors, or the client left before we came: the port stays open either way.
                    shared.accept_errors.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = tasks.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a handshake's task failed");
                }
            }
        }
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream, address: SocketAddr) {
    let deadline = Instant::now() + shared.limits.handshake;
    match admit(&shared, stream, address, deadline).await {
        Ok(()) => {
            shared.admitted.fetch_add(1, Ordering::Relaxed);
        }
        Err(reason) => {
            let index = Refusal::ALL.iter().position(|one| *one == reason).unwrap_or_default();
            let before =
                shared.refused.get(index).map(|counter| counter.fetch_add(1, Ordering::Relaxed));
            // A scanner must not fill the log: told at the 1st, 2nd, 4th, 8th … of a kind; the counters know them all.
            let count = before.unwrap_or_default() + 1;
            if count.is_power_of_two() {
                tracing::warn!(%address, reason = reason.name(), count, "refused on the cluster port");
            } else {
                tracing::debug!(%address, reason = reason.name(), count, "refused on the cluster port");
            }
        }
    }
}

async fn admit(
    shared: &Arc<Shared>,
    stream: TcpStream,
    address: SocketAddr,
    deadline: Instant,
) -> Result<(), Refusal> {
    socket::prepare(&stream).map_err(|_| Refusal::NotTls)?;
    let (seat, evicted) = shared.gate.sit(address.ip());
    let (start, right) = tokio::select! {
        biased;
        // The sender is dropped, nothing is ever sent.
        _ = evicted => return Err(Refusal::Crowded),
        greeted = timeout_at(deadline, greet(shared, stream, address)) => {
            greeted.map_err(|_| Refusal::Slow)??
        }
    };
    drop(seat);
    let unknown = !start
        .client_hello()
        .alpn()
        .into_iter()
        .flatten()
        .any(|name| Plane::from_alpn(name).is_some());
    let accepted = timeout_at(deadline, start.into_stream(shared.tls.server())).await;
    let stream = accepted
        .map_err(|_| Refusal::Slow)?
        .map_err(|error| if unknown { Refusal::UnknownAlpn } else { reason(&error) })?;
    drop(right);
    let (peer, plane) = identify(stream.get_ref().1, shared.tls.cluster())?;
    hand_over(shared, stream, Visitor { peer, address, plane }, deadline).await
}

/// Waits for a whole client hello that says what it wants, and for the right to go on.
async fn greet(
    shared: &Shared,
    stream: TcpStream,
    address: SocketAddr,
) -> Result<(StartHandshake<TcpStream>, Handshake), Refusal> {
    let start =
        LazyConfigAcceptor::new(Acceptor::default(), stream).await.map_err(|_| Refusal::NotTls)?;
    if start.client_hello().alpn().is_none() {
        return Err(Refusal::NoAlpn);
    }
    let right = shared.gate.handshake(address.ip()).await.ok_or(Refusal::Slow)?;
    Ok((start, right))
}

/// Returns why a handshake failed.
fn reason(error: &io::Error) -> Refusal {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Refusal::Untrusted
        }
        Some(rustls::Error::NoApplicationProtocol) => Refusal::UnknownAlpn,
        Some(_) => Refusal::Handshake,
        None => Refusal::NotTls,
    }
}

/// Returns who it is and what it wants. Its certificate was verified in the handshake.
fn identify(connection: &ServerConnection, cluster: &str) -> Result<(String, Plane), Refusal> {
    let plane = connection.alpn_protocol().and_then(Plane::from_alpn).ok_or(Refusal::NoAlpn)?;
    let leaf = connection.peer_certificates().and_then(<[_]>::first).ok_or(Refusal::Untrusted)?;
    let peer = certs::describe(leaf).and_then(|info| tls::peer_name(&info, cluster));
    Ok((peer.map_err(|_| Refusal::Untrusted)?, plane))
}

/// Who stands before the door.
struct Visitor {
    peer: String,
    address: SocketAddr,
    plane: Plane,
}

async fn hand_over(
    shared: &Arc<Shared>,
    mut stream: TlsStream<TcpStream>,
    visitor: Visitor,
    deadline: Instant,
) -> Result<(), Refusal> {
    let Visitor { peer, address, plane } = visitor;
    let index = Plane::ALL.iter().position(|one| *one == plane).unwrap_or_default();
    let sender = shared.planes.get(index).ok_or(Refusal::NotServed)?;
    let Some(open) = shared.gate.open(&peer, plane) else {
        tell(&mut stream, TOO_MANY, deadline).await;
        return Err(Refusal::TooMany);
    };
    let Ok(Ok(place)) = timeout_at(deadline, sender.reserve()).await else {
        tell(&mut stream, NOT_SERVED, Instant::now() + shared.limits.handshake).await;
        return Err(Refusal::NotServed);
    };
    let greeting = async {
        stream.write_all(&[WELCOME]).await?;
        stream.flush().await
    };
    timeout_at(deadline, greeting)
        .await
        .map_err(|_| Refusal::Slow)?
        .map_err(|_| Refusal::NotTls)?;
    place.send(Incoming {
        peer,
        address,
        plane,
        stream: Box::new(Counted { stream, _open: open }),
    });
    Ok(())
}

/// Tells a peer why it gets no stream, as well as that goes.
async fn tell(stream: &mut TlsStream<TcpStream>, code: u8, deadline: Instant) {
    let goodbye = async {
        stream.write_all(&[code]).await?;
        stream.shutdown().await
    };
    if let Ok(Err(error)) = timeout_at(deadline, goodbye).await {
        tracing::debug!(%error, "a peer left before it was told why it is refused");
    }
}

/// A stream that is counted while it lives.
struct Counted {
    stream: TlsStream<TcpStream>,
    _open: Open,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
