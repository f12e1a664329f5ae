//! Broken networks for tests (feature `testkit`): a stream that delays, stalls, truncates, duplicates or is cut, each
//! direction for itself, and a [`Net`] whose streams are such ones. Partitions between whole nodes are
//! [`crate::testkit::MemoryNet`]'s.
//!
//! The faults sit above TLS, where our own protocols are; what TLS makes of broken bytes below it is its business.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex, split};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::error::NetError;
use crate::net::{BoxStream, Boxed, Net, Plane};

/// Bytes that lie in a pipe before its writer waits.
const PIPE_BYTES: usize = 64 << 10;
/// Bytes that go through a fault at once: the unit of duplication.
const CHUNK_BYTES: usize = 16 << 10;
/// Chunks under way in a delayed direction.
const CHUNKS: usize = 1_024;

/// What happens to bytes in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// They arrive later, in order.
    Delay(Duration),
    /// They do not arrive until the fault is another one. So does a cut cable look.
    Stall,
    /// So many still arrive from now on, then the stream ends in this direction.
    Truncate {
        /// Bytes that still arrive.
        after: u64,
    },
    /// Every piece arrives twice.
    Duplicate,
    /// So many still arrive from now on, then the stream is broken in both directions.
    Cut {
        /// Bytes that still arrive.
        after: u64,
    },
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What we read.
    In,
    /// What we write.
    Out,
}

/// The faults of one or more streams. Clones control the same streams.
#[derive(Debug, Clone)]
pub struct Faults {
    inward: watch::Sender<Fault>,
    outward: watch::Sender<Fault>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { inward: watch::Sender::new(Fault::None), outward: watch::Sender::new(Fault::None) }
    }
}

impl Faults {
    /// Sets what happens from now on in one direction.
    pub fn set(&self, direction: Direction, fault: Fault) {
        match direction {
            Direction::In => self.inward.send_replace(fault),
            Direction::Out => self.outward.send_replace(fault),
        };
    }

    /// Sets both directions.
    pub fn set_both(&self, fault: Fault) {
        self.set(Direction::In, fault);
        self.set(Direction::Out, fault);
    }

    /// Wraps a stream. Needs a tokio runtime.
    #[must_use]
    pub fn wrap(&self, stream: BoxStream) -> BoxStream {
        let (ours, theirs) = duplex(PIPE_BYTES);
        let (stream_in, stream_out) = split(stream);
        let (pipe_in, pipe_out) = split(theirs);
        let inward = pump(stream_in, pipe_out, self.inward.subscribe());
        let outward = pump(pipe_in, stream_out, self.outward.subscribe());
        tokio::spawn(async move {
            // The first broken direction takes the other one with it: both halves are dropped here.
            let ended: Result<((), ()), Broken> = tokio::try_join!(inward, outward);
            tracing::trace!(broken = ended.is_err(), "a stream with faults ended");
        });
        Box::new(ours)
    }
}

/// The stream is of no use any more.
struct Broken;

enum Piece {
    Bytes(Vec<u8>),
    End,
    Cut,
}

async fn pump(
    source: impl AsyncRead + Unpin,
    mut sink: impl AsyncWrite + Unpin,
    faults: watch::Receiver<Fault>,
) -> Result<(), Broken> {
    let (sender, mut pieces) = mpsc::channel(CHUNKS);
    let writing = async {
        while let Some((at, piece)) = pieces.recv().await {
            sleep_until(at).await;
            match piece {
                Piece::Bytes(bytes) => {
                    sink.write_all(&bytes).await.map_err(|_| Broken)?;
                    sink.flush().await.map_err(|_| Broken)?;
                }
                Piece::End => sink.shutdown().await.map_err(|_| Broken)?,
                Piece::Cut => return Err(Broken),
            }
        }
        Ok(())
    };
    tokio::try_join!(take(source, sender, faults), writing).map(|_| ())
}

/// Reads pieces and decides when and whether they arrive.
async fn take(
    mut source: impl AsyncRead + Unpin,
    sender: mpsc::Sender<(Instant, Piece)>,
    mut faults: watch::Receiver<Fault>,
) -> Result<(), Broken> {
    let (mut passed, mut buffer, mut steerable) = (0_u64, vec![0; CHUNK_BYTES], true);
    loop {
        let fault = *faults.borrow_and_update();
        let count = tokio::select! {
            biased;
            changed = faults.changed(), if steerable => {
                (passed, steerable) = (0, changed.is_ok());
                continue;
            }
            read = source.read(&mut buffer), if fault != Fault::Stall => read.map_err(|_| Broken)?,
            // Stalled for ever: nobody is left who could lift it.
            () = std::future::pending(), if fault == Fault::Stall && !steerable => return Err(Broken),
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        let now = Instant::now();
        if bytes.is_empty() {
            return sender.send((now, Piece::End)).await.map_err(|_| Broken);
        }
        let at = if let Fault::Delay(delay) = fault { now + delay } else { now };
        for piece in pieces(fault, bytes, passed) {
            sender.send((at, piece)).await.map_err(|_| Broken)?;
        }
        passed += count as u64;
    }
}

fn pieces(fault: Fault, bytes: &[u8], passed: u64) -> Vec<Piece> {
    let whole = || Piece::Bytes(bytes.to_vec());
    let limited = |after: u64, last: Piece| {
        let left = usize::try_from(after.saturating_sub(passed)).unwrap_or(usize::MAX);
        match bytes.get(..left) {
            None => vec![whole()],
            Some(head) if after < passed => {
                debug_assert!(head.is_empty());
                Vec::new()
            }
            Some(head) => vec![Piece::Bytes(head.to_vec()), last],
        }
    };
    match fault {
        Fault::None | Fault::Delay(_) | Fault::Stall => vec![whole()],
        Fault::Duplicate => vec![whole(), whole()],
        Fault::Truncate { after } => limited(after, Piece::End),
        Fault::Cut { after } => limited(after, Piece::Cut),
    }
}

/// Chooses the faults of a stream: peer, plane, and how many streams were opened before.
pub type Script = Box<dyn Fn(&str, Plane, u64) -> Faults + Send + Sync>;

/// A [`Net`] whose streams have faults.
pub struct FaultyNet {
    inner: Arc<dyn Net>,
    script: Script,
    dialled: AtomicU64,
}

impl FaultyNet {
    /// Wraps `inner`; `script` is asked at each dial.
    #[must_use]
    pub fn new(inner: Arc<dyn Net>, script: Script) -> Arc<Self> {
        Arc::new(Self { inner, script, dialled: AtomicU64::new(0) })
    }

    /// Returns how many streams were opened.
    #[must_use]
    pub fn dialled(&self) -> u64 {
        self.dialled.load(Ordering::SeqCst)
    }
}

impl Net for FaultyNet {
    fn dial<'a>(
        &'a self,
        peer: &'a str,
        address: &'a str,
        plane: Plane,
    ) -> Boxed<'a, Result<BoxStream, NetError>> {
        Box::pin(async move {
            let stream = self.inner.dial(peer, address, plane).await?;
            let number = self.dialled.fetch_add(1, Ordering::SeqCst);
            Ok((self.script)(peer, plane, number).wrap(stream))
        })
    }
}
