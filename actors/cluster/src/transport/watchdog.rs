//! A stream whose read half fails when nothing arrives: a cut cable sends no end of file.
//!
//! ractor pings every 1 to 5 s and never looks for the answer, and the kernel gives up after a quarter of an hour; so the
//! stream itself is watched. Bytes that lie ready count even when the timer is due: a process that slept does not blame
//! its peer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Silence after which a link is broken. The peer pings at least every 5 s.
pub const SILENCE_MAX: Duration = Duration::from_secs(8);

/// What went through a stream.
#[derive(Debug, Default)]
pub struct Traffic {
    read: AtomicU64,
    written: AtomicU64,
}

impl Traffic {
    /// Returns the bytes that came in.
    #[must_use]
    pub fn bytes_in(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Returns the bytes that went out.
    #[must_use]
    pub fn bytes_out(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

/// Wraps a stream; reading fails with [`io::ErrorKind::TimedOut`] after `silence` without bytes, and from then on always.
#[derive(Debug)]
pub struct Watchdog<S> {
    stream: S,
    silence: Duration,
    alarm: Pin<Box<Sleep>>,
    dead: bool,
    traffic: Arc<Traffic>,
}

impl<S> Watchdog<S> {
    /// Begins to watch: the silence counts from now. Needs a tokio runtime.
    #[must_use]
    pub fn new(stream: S, silence: Duration) -> Self {
        let alarm = Box::pin(sleep(silence));
        Self { stream, silence, alarm, dead: false, traffic: Arc::default() }
    }

    /// Returns the counters of this stream; they live on after it.
    #[must_use]
    pub fn traffic(&self) -> Arc<Traffic> {
        Arc::clone(&self.traffic)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watchdog<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.dead {
            return Poll::Ready(Err(silent(this.silence)));
        }
        let before = buf.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut this.stream).poll_read(cx, buf) {
            let count = buf.filled().len() - before;
            if result.is_ok() && 0 < count {
                this.traffic.read.fetch_add(count as u64, Ordering::Relaxed);
                this.alarm.as_mut().reset(Instant::now() + this.silence);
            }
            return Poll::Ready(result);
        }
        ready!(this.alarm.as_mut().poll(cx));
        this.dead = true;
        Poll::Ready(Err(silent(this.silence)))
    }
}

fn silent(silence: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("nothing came from the peer for {silence:?}"))
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watchdog<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        let count = result.as_ref().copied().unwrap_or_default();
        self.traffic.written.fetch_add(count as u64, Ordering::Relaxed);
        Poll::Ready(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_is_an_error_and_stays_one() {
        let (mut peer, ours) = duplex(64);
        let mut ours = Watchdog::new(ours, SILENCE_MAX);
        let began = Instant::now();
        let error = ours.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), SILENCE_MAX);
        peer.write_u8(1).await.unwrap();
        assert!(
            ours.read_u8().await.is_err(),
            "what comes late is not read as if nothing had been"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_speaks_now_and_then_is_alive() {
        let (mut peer, ours) = duplex(64);
        let mut ours = Watchdog::new(ours, SILENCE_MAX);
        let traffic = ours.traffic();
        let talking = tokio::spawn(async move {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(7)).await;
                peer.write_u8(7).await.unwrap();
            }
            peer
        });
        for _ in 0..10 {
            assert_eq!(ours.read_u8().await.unwrap(), 7);
        }
        ours.write_all(b"abc").await.unwrap();
        assert_eq!((traffic.bytes_in(), traffic.bytes_out()), (10, 3));
        drop(talking.await.unwrap());
        assert_eq!(ours.read_u8().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_slept_takes_what_lies_ready() {
        let (mut peer, ours) = duplex(64);
        let mut ours = Watchdog::new(ours, SILENCE_MAX);
        peer.write_u8(9).await.unwrap();
        tokio::time::sleep(SILENCE_MAX * 3).await;
        assert_eq!(ours.read_u8().await.unwrap(), 9);
    }
}
