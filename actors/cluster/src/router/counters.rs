//! What the router counts, and the last messages that nobody could be told about.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::envelope::{Kind, Source};
use super::refusal::{REFUSAL_NAMES, Refused};

/// Dead letters kept.
pub const DEAD_LETTERS_MAX: usize = 1024;

/// A message that nobody waits for was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// When, on this node's boot-time clock in ms.
    pub at_ms: u64,
    /// Who sent it.
    pub source: Source,
    /// Who it was for.
    pub key: String,
    /// Kind of its content.
    pub schema: u32,
    /// What it was.
    pub kind: Kind,
    /// Why it was not delivered.
    pub reason: String,
}

/// Counters since the start. All only grow.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    sent: [AtomicU64; 4],
    received: [AtomicU64; 4],
    refused: [AtomicU64; REFUSAL_NAMES.len()],
    pub(crate) no_credit: AtomicU64,
    pub(crate) stale_session: AtomicU64,
    pub(crate) forged: AtomicU64,
    pub(crate) duplicates: AtomicU64,
    pub(crate) late: AtomicU64,
    pub(crate) unawaited_replies: AtomicU64,
    pub(crate) dead_letters: AtomicU64,
    queue_age_max_ms: AtomicU64,
    ring: Mutex<VecDeque<DeadLetter>>,
}

/// [`Counters`] at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct RouterCounts {
    /// Requests, replies, events and acks sent.
    pub sent: [u64; 4],
    /// Requests, replies, events and acks received.
    pub received: [u64; 4],
    /// Refused here, by type; names in [`REFUSAL_NAMES`].
    pub refused: [u64; REFUSAL_NAMES.len()],
    /// Not sent for want of credit.
    pub no_credit: u64,
    /// Frames of a session that is over.
    pub stale_session: u64,
    /// Envelopes whose source is not the session's peer.
    pub forged: u64,
    /// Frames taken in before.
    pub duplicates: u64,
    /// Messages dropped because their deadline had passed.
    pub late: u64,
    /// Replies that nobody waited for any more.
    pub unawaited_replies: u64,
    /// Messages that nobody could be told about.
    pub dead_letters: u64,
    /// Longest wait of a message for its receiver so far, in ms.
    pub queue_age_max_ms: u64,
}

fn index(kind: Kind) -> usize {
    match kind {
        Kind::Request => 0,
        Kind::Reply => 1,
        Kind::Event => 2,
        Kind::Ack => 3,
    }
}

pub(crate) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn sent(&self, kind: Kind) {
        self.sent.get(index(kind)).map(add);
    }

    pub(crate) fn received(&self, kind: Kind) {
        self.received.get(index(kind)).map(add);
    }

    pub(crate) fn refused(&self, refused: &Refused) {
        self.refused.get(refused.index()).map(add);
        if matches!(refused, Refused::DeadlineExceeded { .. }) {
            add(&self.late);
        }
    }

    pub(crate) fn waited(&self, age_ms: u64) {
        self.queue_age_max_ms.fetch_max(age_ms, Ordering::Relaxed);
    }

    pub(crate) fn bury(&self, letter: DeadLetter) {
        add(&self.dead_letters);
        let mut ring = self.ring();
        if ring.len() >= DEAD_LETTERS_MAX {
            ring.pop_front();
        }
        ring.push_back(letter);
    }

    pub(crate) fn letters(&self) -> Vec<DeadLetter> {
        self.ring().iter().cloned().collect()
    }

    pub(crate) fn counts(&self) -> RouterCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RouterCounts {
            sent: std::array::from_fn(|at| self.sent.get(at).map_or(0, read)),
            received: std::array::from_fn(|at| self.received.get(at).map_or(0, read)),
            refused: std::array::from_fn(|at| self.refused.get(at).map_or(0, read)),
            no_credit: read(&self.no_credit),
            stale_session: read(&self.stale_session),
            forged: read(&self.forged),
            duplicates: read(&self.duplicates),
            late: read(&self.late),
            unawaited_replies: read(&self.unawaited_replies),
            dead_letters: read(&self.dead_letters),
            queue_age_max_ms: read(&self.queue_age_max_ms),
        }
    }

    fn ring(&self) -> MutexGuard<'_, VecDeque<DeadLetter>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
