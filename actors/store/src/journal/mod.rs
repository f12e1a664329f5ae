//! The journal: what was acknowledged survives kill -9 and power cut on this disk.
//!
//! sled's `flush` is not durable and values above a page are lost even with a sync; so one thread commits for all
//! (see `commit`), values are cut to 4 KiB (see `chunks`), and any error ends writing for good.
//!
//! Reads see what was applied, which may be a moment before it is durable; what must not be told before it is durable
//! is told after `commit` answered. Reads are short and synchronous; call long scans from a blocking thread.

pub(crate) mod chunks;
mod commit;
pub mod keys;
pub mod mark;
mod open;

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use crate::codec::Record;
use crate::error::StoreError;
pub use commit::Pending;
pub(crate) use commit::{Queue, Request};
pub use keys::Key;
use keys::Tree;
pub use open::Options;
pub(crate) use open::sync_dir;

/// Writes that may wait before callers are refused.
pub const QUEUE_LIMIT: usize = 8_192;
/// Longest scan.
pub const SCAN_LIMIT: usize = 100_000;
/// Reads of a value that changes meanwhile before it counts as damaged.
const READ_ATTEMPTS: u32 = 5;

/// Changes that become durable together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    pub(crate) changes: Vec<Change>,
}

/// One change of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Writes a record, in parts.
    Put(Key, Vec<Vec<u8>>),
    /// Removes a record.
    Delete(Key),
}

impl Batch {
    /// Writes `record` under `key`, replacing what is there.
    ///
    /// # Errors
    /// Refuses records over 64 KiB: those are blobs.
    pub fn put<R: Record>(&mut self, key: Key, record: &R) -> Result<(), StoreError> {
        self.changes.push(Change::Put(key, chunks::split(record)?));
        Ok(())
    }

    /// Removes what is under `key`, if anything.
    pub fn delete(&mut self, key: Key) {
        self.changes.push(Change::Delete(key));
    }

    /// Whether nothing would change; committing it waits until everything before it is durable.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.changes
            .iter()
            .map(|change| match change {
                Change::Put(key, parts) => {
                    key.bytes().len() + parts.iter().map(Vec::len).sum::<usize>()
                }
                Change::Delete(key) => key.bytes().len(),
            })
            .sum()
    }
}

/// A handle to the open journal. Cheap to clone; the last one closes it.
#[derive(Debug, Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    trees: Trees,
    queue: Arc<Queue>,
    failed: watch::Receiver<Option<String>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// The open trees. Only this module touches sled.
#[derive(Debug, Clone)]
pub(crate) struct Trees {
    db: sled::Db,
    journal: sled::Tree,
    raft_log: sled::Tree,
    raft_meta: sled::Tree,
}

impl Trees {
    pub(crate) fn tree(&self, tree: Tree) -> &sled::Tree {
        match tree {
            Tree::Journal => &self.journal,
            Tree::RaftLog => &self.raft_log,
            Tree::RaftMeta => &self.raft_meta,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A commit thread that panicked has poisoned the journal already.
            drop(thread.join());
        }
    }
}

impl Journal {
    /// Opens or creates the journal in `dir`, verifying every checksum.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it; [`StoreError::Quarantined`] when it is damaged: it was then
    /// set aside whole and is never repaired.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, &Options::default())
    }

    /// As [`Self::open`] with options.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(dir: &Path, options: &Options) -> Result<Self, StoreError> {
        let opened = open::open(dir)?;
        let queue = Arc::new(Queue::new(QUEUE_LIMIT));
        let (poison, failed) = watch::channel(None);
        let committer =
            commit::Committer::new(opened.trees.clone(), opened.files, (dir, options), poison);
        let waiting = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || committer.run(&waiting))
            .map_err(|error| StoreError::io(dir, &error))?;
        Ok(Self {
            inner: Arc::new(Inner { trees: opened.trees, queue, failed, thread: Some(thread) }),
        })
    }

    /// Puts a batch into the commit queue; the answer comes when it is durable. Batches become durable in the order
    /// of their submission.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] and [`StoreError::Poisoned`]: nothing was written.
    pub fn submit(&self, batch: Batch) -> Result<Pending, StoreError> {
        self.submit_to(Tree::Journal, batch)
    }

    /// Makes a batch durable.
    ///
    /// # Errors
    /// As [`Self::submit`]; [`StoreError::Poisoned`] while waiting means that it is not known whether it is durable.
    pub async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.submit(batch)?.wait().await
    }

    /// Makes a batch durable, blocking this thread: for start-up and threads of one's own.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn commit_blocking(&self, batch: Batch) -> Result<(), StoreError> {
        self.submit(batch)?.wait_blocking()
    }

    /// Reads the record under `key`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is damaged.
    pub fn get<R: Record>(&self, key: &Key) -> Result<Option<R>, StoreError> {
        self.get_from(Tree::Journal, key)
    }

    /// Reads the records whose keys begin with `prefix` and are not before `from`, in key order.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one is damaged.
    pub fn scan<R: Record>(
        &self,
        prefix: &Key,
        from: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, R)>, StoreError> {
        let start = from.map_or_else(|| prefix.bytes().to_vec(), |from| from.bytes().to_vec());
        let range = (Bound::Included(start), end_of(prefix));
        self.collect(self.inner.trees.journal.range::<Vec<u8>, _>(range), limit)
    }

    /// Reads the last records whose keys begin with `prefix`, newest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one is damaged.
    pub fn scan_back<R: Record>(
        &self,
        prefix: &Key,
        limit: usize,
    ) -> Result<Vec<(Key, R)>, StoreError> {
        let range = (Bound::Included(prefix.bytes().to_vec()), end_of(prefix));
        self.collect(self.inner.trees.journal.range::<Vec<u8>, _>(range).rev(), limit)
    }

    /// Reads at most `limit` keys that begin with `prefix`, in order.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn keys(&self, prefix: &Key, limit: usize) -> Result<Vec<Key>, StoreError> {
        let mut keys = Vec::new();
        for item in self.inner.trees.journal.scan_prefix(prefix.bytes()).keys() {
            let on_disk = item.map_err(|error| unreadable("journal", error))?;
            if let Some((base, 0)) = keys::split(&on_disk) {
                if keys.len() == limit.min(SCAN_LIMIT) {
                    break;
                }
                keys.push(Key::from_base(base));
            }
        }
        Ok(keys)
    }

    /// Holds the reason once the journal is poisoned; the process should then end.
    #[must_use]
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.inner.failed.clone()
    }

    /// Returns how many writes wait now.
    #[must_use]
    pub fn queue_len(&self) -> usize {
        self.inner.queue.len()
    }

    pub(crate) fn trees(&self) -> &Trees {
        &self.inner.trees
    }

    pub(crate) fn submit_to(&self, tree: Tree, batch: Batch) -> Result<Pending, StoreError> {
        self.inner.queue.push(Request::new(tree, batch))
    }

    pub(crate) fn get_from<R: Record>(
        &self,
        tree: Tree,
        key: &Key,
    ) -> Result<Option<R>, StoreError> {
        let mut reason = String::new();
        // A value in several parts may be replaced while it is read; then its checksum differs only for a moment.
        for _ in 0..READ_ATTEMPTS {
            let Some(all) = join(self.inner.trees.tree(tree), key)? else { return Ok(None) };
            match chunks::check(&all) {
                Ok((header, payload)) => return Ok(Some(chunks::record(header, payload)?)),
                Err(wrong) => reason = wrong,
            }
        }
        Err(StoreError::Corrupt { place: key.place(tree), reason })
    }

    fn collect<R: Record>(
        &self,
        items: impl Iterator<Item = sled::Result<(sled::IVec, sled::IVec)>>,
        limit: usize,
    ) -> Result<Vec<(Key, R)>, StoreError> {
        let mut found = Vec::new();
        for item in items {
            let (on_disk, value) = item.map_err(|error| unreadable("journal", error))?;
            let Some((base, 0)) = keys::split(&on_disk) else { continue };
            if found.len() == limit.min(SCAN_LIMIT) {
                break;
            }
            let key = Key::from_base(base);
            let record = match chunks::check(&value) {
                Ok((header, payload)) => Some(chunks::record(header, payload)?),
                Err(_) => self.get(&key)?,
            };
            // Deleted while we read: it is not there.
            if let Some(record) = record {
                found.push((key, record));
            }
        }
        Ok(found)
    }
}

/// Returns all parts of a value joined, as far as they are there.
pub(crate) fn join(tree: &sled::Tree, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
    let read = |part| tree.get(key.part(part)).map_err(|error| unreadable("journal", error));
    let Some(first) = read(0)? else { return Ok(None) };
    let mut all = first.to_vec();
    let parts = chunks::ValueHeader::parse(&all).map_or(1, |header| header.parts);
    for part in 1..parts {
        all.extend_from_slice(&read(part)?.unwrap_or_default());
    }
    Ok(Some(all))
}

/// Returns the bound after all keys that begin with `prefix`.
fn end_of(prefix: &Key) -> Bound<Vec<u8>> {
    let mut end = prefix.bytes().to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

/// Returns the error of a failed read: the file system's own, or damage.
pub(crate) fn unreadable(place: &str, error: sled::Error) -> StoreError {
    if let sled::Error::Io(error) = error {
        return StoreError::io(Path::new(place), &error);
    }
    damaged(place, &error.to_string())
}

pub(crate) fn damaged(place: &str, reason: &str) -> StoreError {
    StoreError::Corrupt { place: place.to_owned(), reason: reason.to_owned() }
}
