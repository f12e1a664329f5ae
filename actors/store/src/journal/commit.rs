//! The one commit thread: collect, apply, flush, fdatasync, acknowledge.
//!
//! sled's `flush` only starts writing; durability comes from fdatasync on our own descriptor of its file. Any error
//! poisons: nothing more is acknowledged, an fsync is never tried twice, the process has to end.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::chunks::{self, ValueHeader};
use super::keys::{Key, Tree};
use super::mark::{CommitCount, Mark};
use super::open::{Options, blobs_dir_is_empty};
use super::{Batch, Change, Trees};
use crate::error::StoreError;
use crate::faults;

/// Requests committed together at most.
const ROUND_REQUESTS_MAX: usize = 1_024;
/// Bytes committed together at most; one request may be larger alone.
const ROUND_BYTES_MAX: usize = 1 << 20;
/// How often `journal/blobs/` is looked at.
const BLOBS_CHECK: Duration = Duration::from_secs(3_600);

/// A batch on its way.
#[derive(Debug)]
pub(crate) struct Request {
    tree: Tree,
    batch: Batch,
    answer: Option<oneshot::Sender<Result<(), StoreError>>>,
}

impl Request {
    pub(crate) fn new(tree: Tree, batch: Batch) -> Self {
        Self { tree, batch, answer: None }
    }

    fn answer(self, result: Result<(), StoreError>) {
        if let Some(answer) = self.answer {
            // A caller that stopped waiting does not need the answer.
            drop(answer.send(result));
        }
    }
}

/// The answer to a submitted batch.
#[derive(Debug)]
pub struct Pending(oneshot::Receiver<Result<(), StoreError>>);

impl Pending {
    /// Waits until the batch is durable.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`]: it is not known whether the batch is durable.
    pub async fn wait(self) -> Result<(), StoreError> {
        self.0.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Waits until the batch is durable, blocking this thread. In an async runtime it holds up a worker: for start-up
    /// and threads of one's own.
    ///
    /// # Errors
    /// As [`Self::wait`].
    pub fn wait_blocking(self) -> Result<(), StoreError> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut answer = pin!(self.wait());
        loop {
            match answer.as_mut().poll(&mut context) {
                Poll::Ready(result) => return result,
                Poll::Pending => thread::park(),
            }
        }
    }
}

/// Wakes a thread that waits for its answer.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn ended() -> StoreError {
    StoreError::Poisoned { reason: "the journal was closed before it answered".to_owned() }
}

/// The bounded queue before the commit thread; the control log goes first.
#[derive(Debug)]
pub(crate) struct Queue {
    limit: usize,
    state: Mutex<Waiting>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    log: VecDeque<Request>,
    others: VecDeque<Request>,
    closed: bool,
    poison: Option<String>,
}

impl Queue {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default(), filled: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn len(&self) -> usize {
        let waiting = self.lock();
        waiting.log.len() + waiting.others.len()
    }

    pub(crate) fn push(&self, mut request: Request) -> Result<Pending, StoreError> {
        let (answer, pending) = oneshot::channel();
        request.answer = Some(answer);
        let mut waiting = self.lock();
        if let Some(reason) = &waiting.poison {
            return Err(StoreError::Poisoned { reason: reason.clone() });
        }
        if waiting.log.len() + waiting.others.len() >= self.limit {
            return Err(StoreError::Overloaded { limit: self.limit });
        }
        match request.tree {
            Tree::Journal => waiting.others.push_back(request),
            Tree::RaftLog | Tree::RaftMeta => waiting.log.push_back(request),
        }
        drop(waiting);
        self.filled.notify_one();
        Ok(Pending(pending))
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Takes what is committed together; `None` after closing, once nothing waits.
    fn take(&self) -> Option<Vec<Request>> {
        let mut waiting = self.lock();
        while waiting.log.is_empty() && waiting.others.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let (mut round, mut bytes) = (Vec::new(), 0);
        while round.len() < ROUND_REQUESTS_MAX && bytes < ROUND_BYTES_MAX {
            let next = match waiting.log.pop_front() {
                Some(request) => Some(request),
                None => waiting.others.pop_front(),
            };
            let Some(request) = next else { break };
            bytes += request.batch.bytes();
            round.push(request);
        }
        Some(round)
    }

    fn poison(&self, reason: &str) -> Vec<Request> {
        let mut waiting = self.lock();
        waiting.poison = Some(reason.to_owned());
        let mut left: Vec<Request> = waiting.log.drain(..).collect();
        left.extend(waiting.others.drain(..));
        left
    }
}

/// What the commit thread owns.
pub(super) struct Committer {
    trees: Trees,
    files: Files,
    dir: PathBuf,
    ballast: Option<PathBuf>,
    poison: watch::Sender<Option<String>>,
}

/// Our own descriptors beside sled's.
pub(super) struct Files {
    /// The database file: what is synced.
    pub(super) database: File,
    /// The mark of what was acknowledged.
    pub(super) mark: Mark,
    /// Commits made so far.
    pub(super) commit_count: u64,
}

impl Committer {
    pub(super) fn new(
        trees: Trees,
        files: Files,
        place: (&Path, &Options),
        poison: watch::Sender<Option<String>>,
    ) -> Self {
        Self { trees, files, dir: place.0.to_owned(), ballast: place.1.ballast.clone(), poison }
    }

    /// Commits until the queue is closed or an error poisons it.
    pub(super) fn run(mut self, queue: &Queue) {
        let mut checked = Instant::now();
        while let Some(round) = queue.take() {
            if checked.elapsed() >= BLOBS_CHECK {
                checked = Instant::now();
                if let Err(error) = blobs_dir_is_empty(&self.dir) {
                    return self.fail(queue, round, &error.to_string());
                }
            }
            // sled panics on some errors; a panic here must poison like any other.
            match catch_unwind(AssertUnwindSafe(|| self.write(&round))) {
                Ok(Ok(())) => round.into_iter().for_each(|request| request.answer(Ok(()))),
                Ok(Err(reason)) => return self.fail(queue, round, &reason),
                Err(panic) => return self.fail(queue, round, &panic_text(panic.as_ref())),
            }
        }
    }

    fn write(&mut self, round: &[Request]) -> Result<(), String> {
        faults::point("journal.collected");
        let mut staged = Staged::default();
        for request in round {
            for change in &request.batch.changes {
                staged.add(self.trees.tree(request.tree), request.tree, change)?;
            }
        }
        let count = self.files.commit_count + 1;
        let mark = chunks::split(&CommitCount(count)).map_err(|error| error.to_string())?;
        staged.add(
            self.trees.tree(Tree::Journal),
            Tree::Journal,
            &Change::Put(Key::commit_count(), mark),
        )?;
        for (tree, batch) in staged.batches {
            self.trees.tree(tree).apply_batch(batch).map_err(|error| error.to_string())?;
        }
        faults::point("journal.applied");
        self.trees.db.flush().map_err(|error| error.to_string())?;
        faults::point("journal.flushed");
        self.files.database.sync_data().map_err(|error| error.to_string())?;
        self.files.mark.note(count).map_err(|error| error.to_string())?;
        self.files.commit_count = count;
        faults::point("journal.synced");
        Ok(())
    }

    fn fail(self, queue: &Queue, round: Vec<Request>, reason: &str) {
        let mut reason = reason.to_owned();
        if let Some(ballast) = self.ballast.as_deref().filter(|_| reason.contains("No space left"))
        {
            // Gives the processes around us room to stop in good order.
            if std::fs::remove_file(ballast).is_ok() {
                reason.push_str(
                    "; the ballast file was deleted to make room: free space and start again",
                );
            }
        }
        let left = queue.poison(&reason);
        self.poison.send_replace(Some(reason.clone()));
        for request in round.into_iter().chain(left) {
            request.answer(Err(StoreError::Poisoned { reason: reason.clone() }));
        }
    }
}

/// A round's changes by tree. Parts of a replaced value that are left over are removed in the same batch.
#[derive(Default)]
struct Staged {
    batches: BTreeMap<Tree, sled::Batch>,
    parts: BTreeMap<(Tree, Key), u16>,
}

impl Staged {
    fn add(&mut self, on_disk: &sled::Tree, tree: Tree, change: &Change) -> Result<(), String> {
        let (key, parts): (&Key, &[Vec<u8>]) = match change {
            Change::Put(key, parts) => (key, parts),
            Change::Delete(key) => (key, &[]),
        };
        let old = match self.parts.get(&(tree, key.clone())) {
            Some(staged) => *staged,
            None => {
                let first = on_disk.get(key.part(0)).map_err(|error| error.to_string())?;
                first.map_or(0, |first| ValueHeader::parse(&first).map_or(1, |header| header.parts))
            }
        };
        let batch = self.batches.entry(tree).or_default();
        let mut new = 0_u16;
        for part in parts {
            batch.insert(key.part(new), part.as_slice());
            new += 1;
        }
        for left_over in new..old {
            batch.remove(key.part(left_over));
        }
        self.parts.insert((tree, key.clone()), new);
        Ok(())
    }
}

/// Returns what a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the database panicked: {}", text.unwrap_or("without a message"))
}
