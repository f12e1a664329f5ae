//! The reading side: asks, resumes, checks, stores.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use store::blob::Partial;
use store::{BlobHash, BlobRef, Blobs, StoreError};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};

use super::frames::{Answer, Chunk, HAVE_MAX, Request};
use super::rate::Rate;
use super::{
    BlobError, BlobRefusal, BlobSettings, BlobStats, Counters, Offer, OnProgress, PerPeer, Progress,
};
use crate::error::NetError;
use crate::net::{AddressBook, BoxStream, Net, Plane};
use crate::transport::hello::{self, Identity, Role};

/// Pieces between stream and disk: the one is read while the other is written.
const QUEUE: usize = 4;
/// Longest wait between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Times one whole file is fetched anew because what lay here from earlier was wrong.
const FRESH_STARTS: u32 = 1;

/// Fetches files from peers and asks peers to fetch. One per node; shared with the [`super::BlobServer`].
pub struct BlobClient {
    net: Arc<dyn Net>,
    book: Arc<dyn AddressBook>,
    pub(super) identity: Arc<dyn Identity>,
    pub(super) blobs: Blobs,
    pub(super) settings: BlobSettings,
    rate: Option<Rate>,
    transfers: PerPeer,
    /// Requests that are no transfer. Apart from them: an offer waits for the peer's transfer from here, and if both
    /// counted as one kind, two nodes that offer to each other could wait for ever.
    requests: PerPeer,
    /// One fetch per file at a time; the others wait and then find it here.
    flights: Mutex<BTreeMap<BlobHash, Weak<Semaphore>>>,
    pub(super) counters: Counters,
}

impl BlobClient {
    /// Makes the client of this node.
    #[must_use]
    pub fn new(
        net: Arc<dyn Net>,
        book: Arc<dyn AddressBook>,
        identity: Arc<dyn Identity>,
        blobs: Blobs,
        settings: BlobSettings,
    ) -> Arc<Self> {
        Arc::new(Self {
            net,
            book,
            identity,
            blobs,
            settings,
            rate: settings.bytes_per_s.map(Rate::new),
            transfers: PerPeer::new(settings.transfers_per_peer),
            requests: PerPeer::new(settings.transfers_per_peer),
            flights: Mutex::default(),
            counters: Counters::default(),
        })
    }

    /// Returns what went in and out so far, the server's part included.
    #[must_use]
    pub fn stats(&self) -> BlobStats {
        self.counters.read()
    }

    /// Fetches a file from `peer`, unless it is here; durable on return. What arrived before an interruption is kept
    /// and not asked for again, also after a restart of this process.
    ///
    /// # Errors
    /// Every [`BlobError`]; nothing is visible under the hash then.
    pub async fn get(
        &self,
        peer: &str,
        sha256: BlobHash,
        on_progress: Option<OnProgress>,
    ) -> Result<BlobRef, BlobError> {
        let flight = self.flight(sha256);
        let _alone = flight.acquire().await.map_err(|_| closed())?;
        // Nobody refers to it yet; it must not be collected before the caller's command does.
        let _pin = self.blobs.pin(sha256);
        if let Some(found) = self.here(sha256).await? {
            return Ok(found);
        }
        let permits = self.transfers.of(peer);
        let _transfer = permits.acquire().await.map_err(|_| closed())?;
        let fetched = self.fetch(peer, sha256, on_progress).await;
        let counter = if fetched.is_ok() { &self.counters.stored } else { &self.counters.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        fetched
    }

    /// Asks `peer` to fetch a file from here; the peer has it on disk on return.
    ///
    /// # Errors
    /// Every [`BlobError`]; whether the peer has the file is then unknown, and asking again does no harm.
    pub async fn offer(
        &self,
        peer: &str,
        offer: &Offer,
        on_progress: Option<OnProgress>,
    ) -> Result<(), BlobError> {
        // The peer reads it while it waits for nobody else here.
        let _pin = self.blobs.pin(offer.sha256);
        let permits = self.requests.of(peer);
        let _request = permits.acquire().await.map_err(|_| closed())?;
        let (mut patience, mut best) = (Patience::new(&self.settings), 0);
        loop {
            let mut received = 0;
            match self.offer_once(peer, offer, on_progress.as_ref(), &mut received).await {
                Ok(()) => return Ok(()),
                Err(error) => patience.after(error, best < received).await?,
            }
            best = best.max(received);
        }
    }

    /// Asks which of `hashes` are at `peer`, in their order. Only existence is asked for; nothing is read there.
    ///
    /// # Errors
    /// Every [`BlobError`].
    pub async fn have(&self, peer: &str, hashes: &[BlobHash]) -> Result<Vec<bool>, BlobError> {
        let permits = self.requests.of(peer);
        let _request = permits.acquire().await.map_err(|_| closed())?;
        let mut stream = self.open(peer).await?;
        let mut found = Vec::with_capacity(hashes.len());
        for asked in hashes.chunks(HAVE_MAX) {
            self.within(Request::Have(asked.to_vec()).write(&mut stream)).await??;
            let answer = self.within(Answer::read(&mut stream)).await??;
            let Answer::Present(present) = answer else { return Err(unexpected(answer)) };
            if present.len() != asked.len() {
                return Err(BlobError::Malformed("as many answers as questions were wanted"));
            }
            found.extend(present);
        }
        Ok(found)
    }

    async fn offer_once(
        &self,
        peer: &str,
        offer: &Offer,
        on_progress: Option<&OnProgress>,
        received: &mut u64,
    ) -> Result<(), BlobError> {
        let mut stream = self.open(peer).await?;
        self.within(Request::Offer(offer.clone()).write(&mut stream)).await??;
        loop {
            let answer = self.within(Answer::read(&mut stream)).await??;
            if answer == Answer::Stored {
                return Ok(());
            }
            let Answer::Pulling { received: now } = answer else { return Err(unexpected(answer)) };
            *received = now;
            if let Some(tell) = on_progress {
                tell(Progress { received: now, total: offer.size_bytes });
            }
        }
    }

    /// Fetches until the file is whole, going on where an attempt ended.
    async fn fetch(
        &self,
        peer: &str,
        sha256: BlobHash,
        on_progress: Option<OnProgress>,
    ) -> Result<BlobRef, BlobError> {
        let mut patience = Patience::new(&self.settings);
        let (mut kept, mut fresh_starts, mut inherited) = (None, 0, None);
        loop {
            let partial = match kept.take() {
                Some(partial) => Ok(partial),
                None => self.partial(sha256).await,
            };
            let partial = match partial {
                Ok(partial) => partial,
                Err(error) => {
                    patience.after(error, false).await?;
                    continue;
                }
            };
            let before = partial.len();
            let inherited = *inherited.get_or_insert(0 < before);
            let (partial, outcome) =
                self.attempt(peer, sha256, partial, on_progress.as_ref()).await;
            let after = partial.as_ref().map_or(0, Partial::len);
            if let Err(error) = outcome {
                patience.after(error, before < after).await?;
                kept = partial;
                continue;
            }
            let Some(partial) = partial else { continue };
            match blocking(move || partial.finish()).await? {
                Ok(stored) => return Ok(stored),
                // The beginning may be from before a crash, with holes in it: once more, from the start.
                Err(StoreError::Corrupt { .. }) if inherited && fresh_starts < FRESH_STARTS => {
                    fresh_starts += 1;
                }
                Err(StoreError::Corrupt { reason, .. }) => {
                    let peer = peer.to_owned();
                    return Err(BlobError::WrongHash { peer, sha256, reason });
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// One stream: asks for the rest and takes what comes. Gives back what has arrived, unless the disk refused it.
    async fn attempt(
        &self,
        peer: &str,
        sha256: BlobHash,
        partial: Partial,
        on_progress: Option<&OnProgress>,
    ) -> (Option<Partial>, Result<(), BlobError>) {
        let offset = partial.len();
        let (mut stream, size) = match self.ask(peer, sha256, offset).await {
            Ok(found) => found,
            // What lies here is longer than the file: it cannot be its beginning.
            Err(BlobError::Refused { refusal: Some(BlobRefusal::Range), .. }) if 0 < offset => {
                let gone = blocking(move || partial.discard()).await;
                let error = gone.map_or_else(Err, |gone| gone.map_err(BlobError::from));
                let again = || BlobError::Broken("more had arrived than the file has".to_owned());
                return (None, error.and_then(|()| Err(again())));
            }
            Err(error) => return (Some(partial), Err(error)),
        };
        if 0 < offset {
            self.counters.resumed.fetch_add(1, Ordering::Relaxed);
        }
        let (sender, pieces) = mpsc::channel(QUEUE);
        let writer = tokio::task::spawn_blocking(move || write(partial, pieces));
        let span = Progress { received: offset, total: size };
        let taken = self.take(&mut stream, span, sender, on_progress).await;
        match writer.await {
            Ok((partial, Ok(()))) => (partial, taken),
            Ok((partial, Err(error))) => (partial, Err(error.into())),
            Err(error) => (None, Err(BlobError::Broken(format!("a disk task ended: {error}")))),
        }
    }

    /// Asks for a file from `offset` on; returns the stream and the file's size.
    async fn ask(
        &self,
        peer: &str,
        sha256: BlobHash,
        offset: u64,
    ) -> Result<(BoxStream, u64), BlobError> {
        let mut stream = self.open(peer).await?;
        let request = Request::Get { sha256, offset, len: u64::MAX };
        self.within(request.write(&mut stream)).await??;
        let answer = self.within(Answer::read(&mut stream)).await??;
        let Answer::Found { size } = answer else { return Err(unexpected(answer)) };
        if self.settings.size_max < size {
            return Err(BlobError::TooLarge { limit: self.settings.size_max, found: size });
        }
        Ok((stream, size))
    }

    /// Takes pieces until the end, no more than the file has.
    async fn take(
        &self,
        stream: &mut BoxStream,
        mut progress: Progress,
        sender: mpsc::Sender<Chunk>,
        on_progress: Option<&OnProgress>,
    ) -> Result<(), BlobError> {
        loop {
            let answer = self.within(Answer::read(stream)).await??;
            if answer == Answer::End {
                let whole = progress.received == progress.total;
                return whole.then_some(()).ok_or(BlobError::Malformed("an end before the end"));
            }
            let Answer::Chunk(chunk) = answer else { return Err(unexpected(answer)) };
            let count = chunk.body().len();
            progress.received += count as u64;
            if count == 0 || progress.total < progress.received {
                return Err(BlobError::Malformed("more than the file has, or nothing"));
            }
            self.counters.bytes_received.fetch_add(count as u64, Ordering::Relaxed);
            if let Some(rate) = &self.rate {
                rate.take(count).await;
            }
            if sender.send(chunk).await.is_err() {
                return Err(BlobError::Broken("the disk took no more".to_owned()));
            }
            if let Some(tell) = on_progress {
                tell(progress);
            }
        }
    }

    async fn open(&self, peer: &str) -> Result<BoxStream, BlobError> {
        let unknown = || NetError::Unknown { peer: peer.to_owned() };
        let address = self.book.address(peer).ok_or_else(unknown)?;
        let mut stream = self.net.dial(peer, &address, Plane::Blob).await?;
        hello::greet(&mut stream, &*self.identity, peer, Role::Dialer).await?;
        Ok(stream)
    }

    /// Bounds one step: a peer that says nothing is a broken stream.
    pub(super) async fn within<T>(&self, step: impl Future<Output = T>) -> Result<T, BlobError> {
        let idle = self.settings.idle;
        timeout(idle, step).await.map_err(|_| BlobError::Broken(format!("silence for {idle:?}")))
    }

    /// Returns a file that is here and whole. A damaged one is no file.
    async fn here(&self, sha256: BlobHash) -> Result<Option<BlobRef>, BlobError> {
        let blobs = self.blobs.clone();
        match blocking(move || blobs.verify(sha256)).await? {
            Ok(size_bytes) => Ok(Some(BlobRef { sha256, size_bytes })),
            Err(StoreError::NoBlob { .. } | StoreError::Corrupt { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn partial(&self, sha256: BlobHash) -> Result<Partial, BlobError> {
        let blobs = self.blobs.clone();
        Ok(blocking(move || blobs.partial(sha256)).await??)
    }

    fn flight(&self, sha256: BlobHash) -> Arc<Semaphore> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = flights.get(&sha256).and_then(Weak::upgrade) {
            return found;
        }
        flights.retain(|_, users| users.strong_count() > 0);
        let fresh = Arc::new(Semaphore::new(1));
        flights.insert(sha256, Arc::downgrade(&fresh));
        fresh
    }
}

/// Writes pieces until there are no more. What a full disk took is given up, for it is unknown and takes its space.
fn write(
    mut partial: Partial,
    mut pieces: mpsc::Receiver<Chunk>,
) -> (Option<Partial>, Result<(), StoreError>) {
    while let Some(chunk) = pieces.blocking_recv() {
        if let Err(error) = partial.append(chunk.body()) {
            if let Err(error) = partial.discard() {
                tracing::warn!(%error, "a piece of a file could not be removed");
            }
            return (None, Err(error));
        }
    }
    (Some(partial), Ok(()))
}

/// How often nothing new came in a row.
struct Patience {
    attempts: u32,
    fruitless: u32,
    pause: Duration,
}

impl Patience {
    fn new(settings: &BlobSettings) -> Self {
        Self { attempts: settings.attempts, fruitless: 0, pause: settings.pause }
    }

    /// Waits before the next attempt, or gives back the error when there shall be none.
    async fn after(&mut self, error: BlobError, progressed: bool) -> Result<(), BlobError> {
        if !error.passes() {
            return Err(error);
        }
        self.fruitless = if progressed { 0 } else { self.fruitless + 1 };
        if self.attempts <= self.fruitless {
            return Err(BlobError::GaveUp { attempts: self.fruitless, last: error.to_string() });
        }
        tracing::debug!(%error, fruitless = self.fruitless, "a transfer is tried again");
        let doubled = self.pause.saturating_mul(1 << self.fruitless.min(16));
        sleep(doubled.min(PAUSE_MAX)).await;
        Ok(())
    }
}

fn unexpected(answer: Answer) -> BlobError {
    if let Answer::Refused { code, reason } = answer {
        return BlobError::Refused { refusal: BlobRefusal::from_code(code), reason };
    }
    BlobError::Malformed("an answer to another question")
}

fn closed() -> BlobError {
    BlobError::Broken("this node ends".to_owned())
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BlobError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|error| BlobError::Broken(format!("a disk task ended: {error}")))
}
