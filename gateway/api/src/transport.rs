//! One TCP connection as hyper sees it: counts against the limits while it lives, knows whether it waits for a head,
//! and shrinks its send buffer once it becomes a socket of the live stream.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::config::ConnectionLimits;

/// Send buffer of sockets of the live stream: kernel buffers hide slow readers.
const STREAM_SEND_BUFFER_BYTES: usize = 128 * 1024;

/// Connections open now, in all and by address.
#[derive(Default)]
pub(crate) struct Open {
    counts: Mutex<(usize, HashMap<IpAddr, usize>)>,
    cut: tokio::sync::watch::Sender<bool>,
}

impl Open {
    /// Counts a connection in, or refuses it.
    pub(crate) fn enter(
        self: &Arc<Self>,
        address: IpAddr,
        limits: &ConnectionLimits,
    ) -> Option<Admission> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, by_address) = &mut *counts;
        let here = by_address.get(&address).copied().unwrap_or(0);
        if *total >= limits.total || here >= limits.per_address {
            return None;
        }
        *total += 1;
        by_address.insert(address, here + 1);
        Some(Admission { open: Arc::clone(self), address })
    }

    /// Cuts off every connection that is still open.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Returns once connections are cut off.
    pub(crate) async fn cut_off(&self) {
        let mut cut = self.cut.subscribe();
        if cut.wait_for(|cut| *cut).await.is_err() {
            tracing::debug!("the gateway was dropped");
        }
    }

    /// Returns once no connection is open.
    pub(crate) async fn wait_empty(&self) {
        while self.counts.lock().unwrap_or_else(PoisonError::into_inner).0 > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// One counted connection; leaving counts it out.
pub(crate) struct Admission {
    open: Arc<Open>,
    address: IpAddr,
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut counts = self.open.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (total, by_address) = &mut *counts;
        *total = total.saturating_sub(1);
        if let Some(count) = by_address.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Connected, nothing sent yet.
    Silent,
    /// Part of a head came in.
    Head,
    /// A request is served.
    Busy,
    /// Between requests.
    Idle,
}

/// What a connection is doing; shared by transport, service and watchdog. Travels in the request's extensions.
#[derive(Clone)]
pub(crate) struct Peer {
    /// Who connected.
    pub(crate) address: SocketAddr,
    phase: Arc<Mutex<(Phase, Instant)>>,
    stream: Arc<AtomicBool>,
}

impl Peer {
    /// A new connection.
    pub(crate) fn new(address: SocketAddr) -> Self {
        let phase = Arc::new(Mutex::new((Phase::Silent, Instant::now())));
        Self { address, phase, stream: Arc::new(AtomicBool::new(false)) }
    }

    /// The connection becomes a socket of the live stream.
    pub(crate) fn becomes_stream(&self) {
        self.stream.store(true, Ordering::Release);
    }

    /// A head is complete.
    pub(crate) fn busy(&self) {
        self.set(Phase::Busy);
    }

    /// A request is done.
    pub(crate) fn idle(&self) {
        self.set(Phase::Idle);
    }

    fn set(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = (phase, Instant::now());
    }

    fn bytes_came(&self) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(phase.0, Phase::Silent | Phase::Idle) {
            *phase = (Phase::Head, Instant::now());
        }
    }

    /// Returns once the connection has kept us waiting for too long.
    pub(crate) async fn overstays(&self, limits: ConnectionLimits) {
        loop {
            let (phase, since) = *self.phase.lock().unwrap_or_else(PoisonError::into_inner);
            let allowed = match phase {
                Phase::Silent | Phase::Head => limits.head,
                Phase::Idle => limits.idle,
                Phase::Busy => Duration::MAX,
            };
            let left = allowed.saturating_sub(since.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(Duration::from_secs(1)).min(limits.head)).await;
        }
    }
}

/// The bytes of one connection.
pub(crate) struct Transport {
    stream: TcpStream,
    peer: Peer,
    shrunk: bool,
    _admission: Admission,
}

impl Transport {
    /// Wraps an accepted connection.
    pub(crate) fn new(stream: TcpStream, peer: Peer, admission: Admission) -> Self {
        Self { stream, peer, shrunk: false, _admission: admission }
    }

    fn shrink(&mut self) {
        if !self.shrunk && self.peer.stream.load(Ordering::Acquire) {
            self.shrunk = true;
            let set = rustix::net::sockopt::set_socket_send_buffer_size(
                &self.stream,
                STREAM_SEND_BUFFER_BYTES,
            );
            if let Err(error) = set {
                tracing::debug!(%error, "send buffer keeps its size");
            }
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.peer.bytes_came();
        }
        polled
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.shrink();
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.shrink();
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
