//! The driver of a cluster of one: a journalled log on this disk, one voter, its own thread.
//!
//! ```text
//! propose → queue (4,096) → thread: collect → append + fdatasync → apply → answer
//!                                      └ every 2,000 entries: snapshot blob → mark → purge
//! ```
//!
//! One entry is in flight; what arrives meanwhile goes into the next one, so the fsync itself does the collecting and
//! a lone caller never waits for company. An entry holds at most 256 commands or 48 KiB.

use std::sync::Arc;

use store::blob::Pin;
use store::codec;
use store::raft_log::{ENTRY_BYTES_MAX, LogEntry, LogId, RaftLog, SnapshotMark, Vote};
use store::{BlobHash, Blobs, Journal, StoreError};
use tokio::sync::{mpsc, oneshot, watch};

use super::command::{CommandRecord, EntryRecord, Proposed};
use super::machine::Machine;
use super::{Applied, Barrier, ControlError, ControlHandle, Driver, Leadership, Proposal};

/// Proposals that may wait before callers are refused.
const QUEUE_LIMIT: usize = 4_096;
/// Commands in one entry.
const ENTRY_COMMANDS_MAX: usize = 256;
/// Bytes of commands collected into one entry; one command may be larger alone.
const ENTRY_COLLECT_BYTES: usize = 48 << 10;
/// Largest command: with its key and an entry's own bytes it fits into a log entry.
const COMMAND_BYTES_MAX: usize = ENTRY_BYTES_MAX - 256;
/// Entries between two snapshots.
const SNAPSHOT_EVERY: u64 = 2_000;
/// The one term and voter of a cluster of one.
const TERM: u64 = 1;
const VOTER: u64 = 1;

/// Returns milliseconds since 1970 UTC.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How the driver is started.
#[derive(Clone)]
pub struct LocalConfig {
    /// Name of this node.
    pub node: String,
    /// Stamps the entries.
    pub clock: Clock,
    /// Entries between two snapshots.
    pub snapshot_every: u64,
}

impl LocalConfig {
    /// Returns the usual configuration.
    #[must_use]
    pub fn new(node: impl Into<String>, clock: Clock) -> Self {
        Self { node: node.into(), clock, snapshot_every: SNAPSHOT_EVERY }
    }
}

impl std::fmt::Debug for LocalConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalConfig")
            .field("node", &self.node)
            .field("snapshot_every", &self.snapshot_every)
            .finish_non_exhaustive()
    }
}

struct Request {
    proposed: Proposed,
    bytes: usize,
    answer: oneshot::Sender<Result<Applied, ControlError>>,
}

/// The driver of a cluster of one. Ends when the last handle is gone.
#[derive(Debug)]
pub struct LocalDriver {
    queue: Option<mpsc::Sender<Request>>,
    failed: watch::Receiver<Option<String>>,
    leadership: watch::Sender<Leadership>,
    index: watch::Receiver<u64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl LocalDriver {
    /// Restores the state from snapshot and log and starts the thread.
    ///
    /// # Errors
    /// When log or snapshot cannot be read or do not fit together; the process must then end.
    pub fn start(
        journal: &Journal,
        blobs: &Blobs,
        config: LocalConfig,
    ) -> Result<ControlHandle, ControlError> {
        let machine = Arc::new(Machine::default());
        let config_node = config.node.clone();
        let writer = Writer::restore(journal, blobs, config, Arc::clone(&machine))?;
        let (queue, requests) = mpsc::channel(QUEUE_LIMIT);
        let (failure, failed) = watch::channel(None);
        let thread = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || writer.run(requests, &failure))
            .map_err(|error| ControlError::Thread { reason: error.to_string() })?;
        let alone = Leadership { leader: Some(config_node), here: true, term: TERM };
        let driver = Self {
            queue: Some(queue),
            failed,
            leadership: watch::channel(alone).0,
            index: machine.watch(),
            thread: Some(thread),
        };
        Ok(ControlHandle::new(Arc::new(driver), machine))
    }
}

impl Drop for LocalDriver {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has answered nobody: callers see an unknown outcome.
            drop(thread.join());
        }
    }
}

impl Driver for LocalDriver {
    fn propose(&self, proposed: Proposed) -> Proposal {
        let pending = self.submit(proposed);
        let failed = self.failed.clone();
        Box::pin(async move {
            pending?.await.unwrap_or_else(|_| {
                let reason =
                    failed.borrow().clone().unwrap_or_else(|| "it was shut down".to_owned());
                Err(ControlError::Unknown { reason })
            })
        })
    }

    fn failed(&self) -> watch::Receiver<Option<String>> {
        self.failed.clone()
    }

    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.leadership.subscribe()
    }

    fn barrier(&self) -> Barrier {
        // What was answered here was applied before.
        let index = *self.index.borrow();
        Box::pin(std::future::ready(Ok(index)))
    }
}

impl LocalDriver {
    fn submit(
        &self,
        proposed: Proposed,
    ) -> Result<oneshot::Receiver<Result<Applied, ControlError>>, ControlError> {
        let record = CommandRecord(proposed.command);
        let bytes = codec::encode_payload(&record).map_err(StoreError::from)?.len();
        if bytes > COMMAND_BYTES_MAX {
            return Err(ControlError::TooLarge { limit: COMMAND_BYTES_MAX, found: bytes });
        }
        let proposed = Proposed { key: proposed.key, command: record.0 };
        let (answer, pending) = oneshot::channel();
        let Some(queue) = &self.queue else { return Err(self.ended()) };
        match queue.try_send(Request { proposed, bytes, answer }) {
            Ok(()) => Ok(pending),
            Err(mpsc::error::TrySendError::Full(_)) => {
                Err(ControlError::Overloaded { limit: QUEUE_LIMIT })
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(self.ended()),
        }
    }

    fn ended(&self) -> ControlError {
        let reason = self.failed.borrow().clone().unwrap_or_else(|| "it was shut down".to_owned());
        ControlError::Unknown { reason }
    }
}

/// What the thread owns.
struct Writer {
    log: RaftLog,
    blobs: Blobs,
    config: LocalConfig,
    machine: Arc<Machine>,
    snapshot: Option<Pin>,
    snapshot_hash: Option<BlobHash>,
    snapshot_index: u64,
}

impl Writer {
    fn restore(
        journal: &Journal,
        blobs: &Blobs,
        config: LocalConfig,
        machine: Arc<Machine>,
    ) -> Result<Self, ControlError> {
        let mut log = RaftLog::open(journal)?;
        if log.vote()?.is_none() {
            log.save_vote(Vote { term: TERM, node: VOTER, committed: true })?;
        }
        let mut writer = Self {
            log,
            blobs: blobs.clone(),
            config,
            machine,
            snapshot: None,
            snapshot_hash: None,
            snapshot_index: 0,
        };
        if let Some(mark) = writer.log.snapshot()? {
            let hash = BlobHash(mark.sha256);
            let bytes = writer.blobs.read(hash)?;
            writer.snapshot_index = writer.machine.restore(&bytes).map_err(StoreError::from)?;
            writer.keep(hash);
        }
        writer.replay()?;
        Ok(writer)
    }

    /// Applies what the log holds beyond the snapshot: on one voter everything durable is committed.
    fn replay(&mut self) -> Result<(), ControlError> {
        let last = self.log.last().index;
        let mut next = self.snapshot_index + 1;
        while next <= last {
            for entry in self.log.read(next..=last, 256)? {
                next = entry.id.index + 1;
                self.machine.apply_bytes(entry.id.index, entry.id.term, &entry.payload)?;
            }
        }
        Ok(())
    }

    fn run(
        mut self,
        mut requests: mpsc::Receiver<Request>,
        failure: &watch::Sender<Option<String>>,
    ) {
        let mut held_over = None;
        loop {
            let Some(first) = held_over.take().or_else(|| requests.blocking_recv()) else { return };
            let mut round = vec![first];
            held_over = fill(&mut round, &mut requests);
            if let Err(error) = self.commit(round) {
                tracing::error!(%error, "the control plane cannot go on");
                failure.send_replace(Some(error.to_string()));
                return;
            }
        }
    }

    /// Makes one entry durable, applies it and answers. On error nobody is answered: the outcome is unknown.
    fn commit(&mut self, round: Vec<Request>) -> Result<(), ControlError> {
        let index = self.log.last().index + 1;
        let at_ms = (self.config.clock)().max(self.machine.read(|state| state.applied_at_ms));
        let (answers, commands): (Vec<_>, Vec<_>) =
            round.into_iter().map(|request| (request.answer, request.proposed)).unzip();
        let payload = codec::encode(&EntryRecord { at_ms, commands }).map_err(StoreError::from)?;
        let entry = LogEntry { id: LogId { term: TERM, node: VOTER, index }, payload };
        self.log.append(std::slice::from_ref(&entry))?.wait_blocking()?;
        let applied = self.machine.apply_bytes(index, TERM, &entry.payload)?;
        for (answer, result) in answers.into_iter().zip(applied.results) {
            // A caller that stopped waiting asks again with the same key.
            drop(answer.send(Ok(Applied { index, result })));
        }
        if index.saturating_sub(self.snapshot_index) >= self.config.snapshot_every {
            self.snapshot()?;
        }
        Ok(())
    }

    /// Blob first, mark second, purge third: a crash between any two loses nothing.
    fn snapshot(&mut self) -> Result<(), ControlError> {
        let (index, bytes) = self.machine.snapshot().map_err(StoreError::from)?;
        let stored = self.blobs.put_bytes(&bytes)?;
        let before = self.snapshot_hash;
        self.keep(stored.sha256);
        let last = LogId { term: TERM, node: VOTER, index };
        let mark = SnapshotMark {
            last,
            sha256: stored.sha256.0,
            size_bytes: stored.size_bytes,
            detail: Vec::new(),
        };
        self.log.save_snapshot(&mark)?;
        self.log.purge(last)?;
        self.snapshot_index = index;
        if let Some(before) = before.filter(|before| *before != stored.sha256) {
            self.blobs.remove(before)?;
        }
        tracing::debug!(index, bytes = stored.size_bytes, "control snapshot written");
        Ok(())
    }

    fn keep(&mut self, hash: BlobHash) {
        self.snapshot = Some(self.blobs.pin(hash));
        self.snapshot_hash = Some(hash);
    }
}

/// Takes what waits into the round, up to the limits of an entry; returns a request that did not fit.
fn fill(round: &mut Vec<Request>, requests: &mut mpsc::Receiver<Request>) -> Option<Request> {
    let mut bytes: usize = round.iter().map(|request| request.bytes).sum();
    while round.len() < ENTRY_COMMANDS_MAX && bytes < ENTRY_COLLECT_BYTES {
        let Ok(next) = requests.try_recv() else { break };
        if bytes + next.bytes > ENTRY_COLLECT_BYTES {
            return Some(next);
        }
        bytes += next.bytes;
        round.push(next);
    }
    None
}
