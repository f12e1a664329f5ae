//! The side that is asked: sends files, says what is here, fetches what it is offered.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use store::BlobHash;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::client::{BlobClient, blocking};
use super::frames::{Answer, CHUNK_MAX, Chunk, Request};
use super::rate::Rate;
use super::{BlobError, BlobRefusal, Offer, OnProgress, PerPeer};
use crate::net::{BoxStream, Incoming};
use crate::transport::hello::{self, Role};

/// How often one that waits for our fetch hears from us; well below any idle limit.
const PULLING_EVERY: Duration = Duration::from_secs(1);
/// Pieces read from the disk ahead of the stream.
const READ_AHEAD: usize = 2;

/// Decides which offered files this node wants.
pub trait Offers: Send + Sync + 'static {
    /// Takes or refuses an offer of `peer`.
    ///
    /// # Errors
    /// The reason, for the peer's log.
    fn admit(&self, peer: &str, offer: &Offer) -> Result<(), String>;
}

/// Wants every file that a member offers.
#[derive(Debug, Clone, Copy, Default)]
pub struct AcceptAll;

impl Offers for AcceptAll {
    fn admit(&self, _peer: &str, _offer: &Offer) -> Result<(), String> {
        Ok(())
    }
}

/// Answers what peers ask on `blob/1`. One per node.
pub struct BlobServer {
    client: Arc<BlobClient>,
    offers: Arc<dyn Offers>,
    rate: Option<Rate>,
    transfers: PerPeer,
    fetches: PerPeer,
}

impl BlobServer {
    /// Makes the server that sends from, and fetches with, what `client` works on.
    #[must_use]
    pub fn new(client: Arc<BlobClient>, offers: Arc<dyn Offers>) -> Arc<Self> {
        let limit = client.settings.transfers_per_peer;
        Arc::new(Self {
            rate: client.settings.bytes_per_s.map(Rate::new),
            client,
            offers,
            transfers: PerPeer::new(limit),
            fetches: PerPeer::new(limit),
        })
    }

    /// Serves streams until the queue ends, then ends those that stand. Dropped, it ends them too.
    pub async fn serve(self: Arc<Self>, mut streams: mpsc::Receiver<Incoming>) {
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                incoming = streams.recv() => {
                    let Some(incoming) = incoming else { return };
                    let server = Arc::clone(&self);
                    tasks.spawn(async move {
                        let peer = incoming.peer;
                        if let Err(error) = server.talk(&peer, incoming.stream).await {
                            tracing::debug!(peer, %error, "a file stream ended");
                        }
                    });
                }
                Some(ended) = tasks.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a file stream's task failed");
                    }
                }
            }
        }
    }

    async fn talk(&self, peer: &str, mut stream: BoxStream) -> Result<(), BlobError> {
        hello::greet(&mut stream, &*self.client.identity, peer, Role::Acceptor).await?;
        while let Some(request) = self.client.within(Request::read(&mut stream)).await?? {
            match request {
                Request::Get { sha256, offset, len } => {
                    self.send(peer, &mut stream, Range { sha256, offset, len }).await?;
                }
                Request::Offer(offer) => self.fetch(peer, &mut stream, offer).await?,
                Request::Have(hashes) => {
                    let blobs = self.client.blobs.clone();
                    let look =
                        move || hashes.iter().map(|hash| blobs.path(*hash).is_some()).collect();
                    self.answer(&mut stream, &Answer::Present(blocking(look).await?)).await?;
                }
            }
        }
        Ok(())
    }

    async fn answer(&self, stream: &mut BoxStream, answer: &Answer) -> Result<(), BlobError> {
        Ok(self.client.within(answer.write(stream)).await??)
    }

    async fn refuse(
        &self,
        stream: &mut BoxStream,
        refusal: BlobRefusal,
        reason: &str,
    ) -> Result<(), BlobError> {
        let reason = reason.chars().take(200).collect();
        self.answer(stream, &Answer::Refused { code: refusal as u8, reason }).await
    }

    async fn send(
        &self,
        peer: &str,
        stream: &mut BoxStream,
        range: Range,
    ) -> Result<(), BlobError> {
        let Ok(permit) = self.transfers.of(peer).try_acquire_owned() else {
            return self.refuse(stream, BlobRefusal::Busy, "enough files go to you already").await;
        };
        let _pin = self.client.blobs.pin(range.sha256);
        let Some(path) = self.client.blobs.path(range.sha256) else {
            return self.refuse(stream, BlobRefusal::NotHere, "no such file here").await;
        };
        let (sender, pieces) = mpsc::channel(READ_AHEAD);
        let chunk_bytes = self.client.settings.chunk_bytes.clamp(1, CHUNK_MAX);
        let opened = blocking(move || open(&path, range)).await?;
        let (file, size, left) = match opened {
            Ok(found) => found,
            Err((refusal, reason)) => return self.refuse(stream, refusal, &reason).await,
        };
        self.answer(stream, &Answer::Found { size }).await?;
        let reader = tokio::task::spawn_blocking(move || read(file, left, chunk_bytes, &sender));
        let sent = self.pass_on(stream, pieces, permit).await;
        let read = reader.await.map_err(|error| BlobError::Broken(error.to_string()))?;
        sent?;
        match read {
            Ok(()) => self.answer(stream, &Answer::End).await,
            Err(error) => {
                tracing::warn!(%error, sha256 = %range.sha256, "a stored file cannot be read");
                self.refuse(stream, BlobRefusal::Failed, "the file cannot be read").await
            }
        }
    }

    /// Sends pieces until there are no more. The permit is given back before the last word, so that one who asks again
    /// at once is not told to wait.
    async fn pass_on(
        &self,
        stream: &mut BoxStream,
        mut pieces: mpsc::Receiver<Chunk>,
        permit: OwnedSemaphorePermit,
    ) -> Result<(), BlobError> {
        while let Some(chunk) = pieces.recv().await {
            let count = chunk.body().len();
            if let Some(rate) = &self.rate {
                rate.take(count).await;
            }
            self.answer(stream, &Answer::Chunk(chunk)).await?;
            self.client.counters.bytes_sent.fetch_add(count as u64, Ordering::Relaxed);
        }
        drop(permit);
        Ok(())
    }

    /// Fetches what is offered, and tells the peer meanwhile that somebody is still here.
    async fn fetch(
        &self,
        peer: &str,
        stream: &mut BoxStream,
        offer: Offer,
    ) -> Result<(), BlobError> {
        if self.client.settings.size_max < offer.size_bytes {
            return self.refuse(stream, BlobRefusal::TooLarge, "larger than this node takes").await;
        }
        if let Err(reason) = self.offers.admit(peer, &offer) {
            return self.refuse(stream, BlobRefusal::NotWanted, &reason).await;
        }
        let Ok(permit) = self.fetches.of(peer).try_acquire_owned() else {
            return self
                .refuse(stream, BlobRefusal::Busy, "enough files come from you already")
                .await;
        };
        let received = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&received);
        let note: OnProgress =
            Arc::new(move |progress| seen.store(progress.received, Ordering::Relaxed));
        let fetch = self.client.get(peer, offer.sha256, Some(note));
        tokio::pin!(fetch);
        let mut ticks = interval(PULLING_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let fetched = loop {
            tokio::select! {
                fetched = &mut fetch => break fetched,
                _ = ticks.tick() => {
                    // The offering peer is gone: it will offer again, and what has arrived stays.
                    let received = received.load(Ordering::Relaxed);
                    self.answer(stream, &Answer::Pulling { received }).await?;
                }
            }
        };
        drop(permit);
        match fetched {
            Ok(stored) if stored.size_bytes == offer.size_bytes => {
                self.answer(stream, &Answer::Stored).await
            }
            Ok(_) => self.refuse(stream, BlobRefusal::NotWanted, "the file has another size").await,
            Err(error) => self.refuse(stream, BlobRefusal::GaveUp, &error.to_string()).await,
        }
    }
}

/// Which bytes of which file.
#[derive(Debug, Clone, Copy)]
struct Range {
    sha256: BlobHash,
    offset: u64,
    len: u64,
}

/// Opens a file at an offset; returns it, its size and the bytes to send.
fn open(path: &PathBuf, range: Range) -> Result<(File, u64, u64), (BlobRefusal, String)> {
    let failed = |error: std::io::Error| (BlobRefusal::Failed, error.to_string());
    let mut file = File::open(Path::new(path)).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let Some(rest) = size.checked_sub(range.offset) else {
        return Err((BlobRefusal::Range, format!("the file has {size} bytes")));
    };
    file.seek(SeekFrom::Start(range.offset)).map_err(failed)?;
    Ok((file, size, rest.min(range.len)))
}

/// Reads `left` bytes in pieces, until nobody takes them any more.
fn read(
    mut file: File,
    mut left: u64,
    chunk_bytes: usize,
    sender: &mpsc::Sender<Chunk>,
) -> std::io::Result<()> {
    while 0 < left {
        let count = usize::try_from(left).unwrap_or(chunk_bytes).min(chunk_bytes);
        let mut room = Chunk::room(count);
        file.read_exact(Chunk::body_of(&mut room))?;
        if sender.blocking_send(Chunk::seal(room)).is_err() {
            return Ok(());
        }
        left -= count as u64;
    }
    Ok(())
}
