//! Files between nodes, `blob/1`: resumable, checked by hash, limited per peer and in speed.
//!
//! The reader dials. [`BlobClient::get`] asks for the rest of what has arrived already, checks every piece's crc32c, and
//! at the end the SHA-256 of the whole file; only then is it synced, renamed and visible. [`BlobClient::offer`] asks a
//! peer to do the same from here and comes back when the peer has it on disk. What was asked for twice is fetched once.
//!
//! Limits: 4 files at one time from one peer and to one peer, 4 small requests beside them; frames of at most 1 MiB;
//! 10 s of silence end a stream, which is then opened again.

mod client;
mod frames;
mod rate;
mod server;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use store::{BlobHash, StoreError};
use tokio::sync::Semaphore;

use super::hello::HelloError;
use crate::error::NetError;

pub use client::BlobClient;
pub use frames::{CHUNK_MAX, HAVE_MAX};
pub use server::{AcceptAll, BlobServer, Offers};

/// Slowest rate that can be set, bytes per second.
pub const RATE_MIN: u64 = 256 << 10;

/// Limits and times of transfers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobSettings {
    /// Bytes of a piece, at most [`CHUNK_MAX`].
    pub chunk_bytes: usize,
    /// Files from one peer, and to one peer, at one time.
    pub transfers_per_peer: usize,
    /// Bytes per second in each direction, over all peers; at least [`RATE_MIN`], for a slower stream looks dead.
    pub bytes_per_s: Option<NonZeroU64>,
    /// Largest file that is fetched.
    pub size_max: u64,
    /// Silence after which a stream is given up.
    pub idle: Duration,
    /// How often in a row an attempt may bring nothing new.
    pub attempts: u32,
    /// Wait after the first such attempt; doubles with each.
    pub pause: Duration,
}

impl Default for BlobSettings {
    fn default() -> Self {
        Self {
            chunk_bytes: 256 << 10,
            transfers_per_peer: 4,
            bytes_per_s: None,
            size_max: 64 << 30,
            idle: Duration::from_secs(10),
            attempts: 6,
            pause: Duration::from_millis(250),
        }
    }
}

/// A file that a peer should fetch from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its hash.
    pub sha256: BlobHash,
    /// Its size.
    pub size_bytes: u64,
    /// The session it belongs to, at most 256 bytes; empty when it belongs to none.
    pub session: String,
    /// That session's epoch.
    pub epoch: u64,
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that have arrived, those of earlier attempts included.
    pub received: u64,
    /// Bytes of the whole file.
    pub total: u64,
}

/// Called as a transfer goes on; must not block.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// Why a peer does not do what was asked. The code goes over the wire and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BlobRefusal {
    /// It does not have the file.
    NotHere = 1,
    /// It does enough for us at this moment.
    Busy = 2,
    /// The file is shorter than what was asked for.
    Range = 3,
    /// The file is larger than it takes.
    TooLarge = 4,
    /// It does not want the file.
    NotWanted = 5,
    /// It could not read or fetch the file this time.
    Failed = 6,
    /// It tried to fetch the file as often as it does.
    GaveUp = 7,
}

impl BlobRefusal {
    const ALL: [Self; 7] = [
        Self::NotHere,
        Self::Busy,
        Self::Range,
        Self::TooLarge,
        Self::NotWanted,
        Self::Failed,
        Self::GaveUp,
    ];

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| *refusal as u8 == code)
    }
}

/// A transfer did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The peer was not reached.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The peer and this node do not fit.
    #[error(transparent)]
    Hello(#[from] HelloError),
    /// The stream broke or went silent.
    #[error("the transfer was interrupted: {0}")]
    Broken(String),
    /// The peer says something that is no answer.
    #[error("the peer's answer cannot be read: {0}")]
    Malformed(&'static str),
    /// A piece is not what was sent.
    #[error("a piece of the file was damaged on its way")]
    Checksum,
    /// The peer refuses.
    #[error("the peer refuses: {reason}")]
    Refused {
        /// Why, as far as this version knows the reason.
        refusal: Option<BlobRefusal>,
        /// Its words.
        reason: String,
    },
    /// What arrived is another file; nothing of it was kept.
    #[error("what {peer} sent as {sha256} is another file: {reason}")]
    WrongHash {
        /// Who sent it.
        peer: String,
        /// What was wanted.
        sha256: BlobHash,
        /// What was found.
        reason: String,
    },
    /// The file is larger than allowed.
    #[error("a file may have {limit} bytes, this one has {found}")]
    TooLarge {
        /// Bytes allowed.
        limit: u64,
        /// Bytes found.
        found: u64,
    },
    /// This node's disk failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was tried often enough.
    #[error("given up after {attempts} attempts that brought nothing new; the last one: {last}")]
    GaveUp {
        /// How many.
        attempts: u32,
        /// What went wrong at last.
        last: String,
    },
}

impl From<std::io::Error> for BlobError {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl BlobError {
    /// Says whether the same may work a moment later.
    fn passes(&self) -> bool {
        match self {
            Self::Net(NetError::Unreachable { .. })
            | Self::Hello(HelloError::Broken(_) | HelloError::Late(_))
            | Self::Broken(_)
            | Self::Checksum => true,
            Self::Refused { refusal, .. } => {
                matches!(refusal, Some(BlobRefusal::Busy | BlobRefusal::Failed))
            }
            // Somebody else in this process writes the same blob and is about to end.
            Self::Store(error) => matches!(error, StoreError::Refused { .. }),
            Self::Net(NetError::Untrusted { .. } | NetError::Unknown { .. })
            | Self::Hello(
                HelloError::Malformed(_)
                | HelloError::Refused(_)
                | HelloError::RefusedByPeer { .. },
            )
            | Self::Malformed(_)
            | Self::WrongHash { .. }
            | Self::TooLarge { .. }
            | Self::GaveUp { .. } => false,
        }
    }
}

/// What went over `blob/1` since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlobStats {
    /// Bytes of files sent.
    pub bytes_sent: u64,
    /// Bytes of files received.
    pub bytes_received: u64,
    /// Files that arrived whole.
    pub stored: u64,
    /// Transfers that did not succeed.
    pub failed: u64,
    /// Attempts that went on where an earlier one ended.
    pub resumed: u64,
}

#[derive(Debug, Default)]
struct Counters {
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    stored: AtomicU64,
    failed: AtomicU64,
    resumed: AtomicU64,
}

impl Counters {
    fn read(&self) -> BlobStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BlobStats {
            bytes_sent: load(&self.bytes_sent),
            bytes_received: load(&self.bytes_received),
            stored: load(&self.stored),
            failed: load(&self.failed),
            resumed: load(&self.resumed),
        }
    }
}

/// So many at one time for each peer.
#[derive(Debug)]
struct PerPeer {
    limit: usize,
    peers: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

impl PerPeer {
    fn new(limit: usize) -> Self {
        Self { limit, peers: Mutex::default() }
    }

    fn of(&self, peer: &str) -> Arc<Semaphore> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        // Peers are members, so the map stays as small as the cluster ever was.
        let fresh = || Arc::new(Semaphore::new(self.limit));
        Arc::clone(peers.entry(peer.to_owned()).or_insert_with(fresh))
    }
}
