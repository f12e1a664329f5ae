//! Opening: lock, open, verify every checksum; what is damaged is set aside whole, never repaired.
//!
//! A node that forgets what it acknowledged breaks its peers, so a damaged journal is renamed and the error names it.
//! It is not replaced by an empty one as long as the renamed directory lies beside it: that is a person's decision.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::commit::{Files, panic_text};
use super::keys::{self, Key, Tree};
use super::mark::{self, CommitCount, Mark};
use super::{Trees, chunks, join, unreadable};
use crate::error::StoreError;

/// Memory that sled may use for pages.
const CACHE_BYTES: u64 = 64 << 20;
/// How long a predecessor that is just ending may keep its lock.
const LOCK_WAIT: Duration = Duration::from_secs(3);
/// Pause between two tries.
const LOCK_RETRY: Duration = Duration::from_millis(20);

/// How a journal is opened.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A file that is deleted when the disk is full (see [`crate::disk`]).
    pub ballast: Option<PathBuf>,
}

/// An open and verified journal.
pub(super) struct Opened {
    pub(super) trees: Trees,
    pub(super) files: Files,
}

/// Why opening failed.
enum Failure {
    /// Passing or a person's task: permissions, disk full, in use.
    Refused(StoreError),
    /// Damaged: to be set aside.
    Damaged(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        if let StoreError::Corrupt { place, reason } = error {
            return Self::Damaged(format!("{place}: {reason}"));
        }
        Self::Refused(error)
    }
}

pub(super) fn open(dir: &Path) -> Result<Opened, StoreError> {
    let fresh = !dir.join("db").exists();
    if fresh {
        refuse_beside_quarantine(dir)?;
    }
    fs::create_dir_all(dir).map_err(|error| StoreError::io(dir, &error))?;
    let until = Instant::now() + LOCK_WAIT;
    loop {
        let opened = catch_unwind(AssertUnwindSafe(|| open_and_verify(dir)))
            .unwrap_or_else(|panic| Err(Failure::Damaged(panic_text(panic.as_ref()))));
        match opened {
            Ok(opened) => return Ok(opened),
            // sled lets go of its lock a moment after it was closed.
            Err(Failure::Refused(StoreError::Locked { .. })) if Instant::now() < until => {
                thread::sleep(LOCK_RETRY)
            }
            Err(Failure::Refused(error)) => return Err(error),
            Err(Failure::Damaged(reason)) => return Err(set_aside(dir, reason)),
        }
    }
}

fn open_and_verify(dir: &Path) -> Result<Opened, Failure> {
    let db = sled::Config::default()
        .path(dir)
        .cache_capacity(CACHE_BYTES)
        .open()
        .map_err(|error| sled_error(dir, error))?;
    let tree = |tree: Tree| db.open_tree(tree.name()).map_err(|error| sled_error(dir, error));
    let trees = Trees {
        journal: tree(Tree::Journal)?,
        raft_log: tree(Tree::RaftLog)?,
        raft_meta: tree(Tree::RaftMeta)?,
        db: db.clone(),
    };
    blobs_dir_is_empty(dir)?;
    verify(&trees, Tree::Journal)?;
    verify(&trees, Tree::RaftMeta)?;
    crate::raft_log::verify(&trees)?;
    let commit_count = acknowledged_is_there(dir, &trees)?;
    let path = dir.join("db");
    let database = File::options()
        .read(true)
        .write(true)
        .open(&path)
        .map_err(|error| StoreError::io(&path, &error))?;
    // The database's name must be durable before anything in it is acknowledged.
    db.flush().map_err(|error| sled_error(dir, error))?;
    database.sync_all().map_err(|error| StoreError::io(&path, &error))?;
    let mark = Mark::open(dir)?;
    sync_dir(dir)?;
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        sync_dir(parent)?;
    }
    Ok(Opened { trees, files: Files { database, mark, commit_count } })
}

/// Checks that the database knows every commit that was acknowledged; returns how many it knows.
fn acknowledged_is_there(dir: &Path, trees: &Trees) -> Result<u64, StoreError> {
    let known = match join(trees.tree(Tree::Journal), &Key::commit_count())? {
        Some(all) => {
            let corrupt = |reason| StoreError::Corrupt { place: "journal/z".to_owned(), reason };
            let (header, payload) = chunks::check(&all).map_err(corrupt)?;
            chunks::record::<CommitCount>(header, payload)?.0
        }
        None => 0,
    };
    let acknowledged = mark::acknowledged(dir);
    if known < acknowledged {
        let reason =
            format!("{acknowledged} commits were acknowledged, the database knows only {known}");
        return Err(StoreError::Corrupt { place: dir.display().to_string(), reason });
    }
    Ok(known)
}

fn sled_error(dir: &Path, error: sled::Error) -> Failure {
    match error {
        sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => {
            Failure::Refused(StoreError::Locked { path: dir.to_owned() })
        }
        sled::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Failure::Damaged(error.to_string())
        }
        sled::Error::Io(error) => Failure::Refused(StoreError::io(dir, &error)),
        sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_)
        | sled::Error::Corruption { .. } => Failure::Damaged(error.to_string()),
    }
}

/// Checks every record of a tree: key, parts, checksum.
fn verify(trees: &Trees, tree: Tree) -> Result<(), StoreError> {
    let mut expected: Option<(Vec<u8>, u16, u16)> = None;
    for item in trees.tree(tree) {
        let (on_disk, value) = item.map_err(|error| unreadable(tree.name(), error))?;
        let corrupt = |reason: String| StoreError::Corrupt {
            place: Key::from_base(&on_disk).place(tree),
            reason,
        };
        let (base, part) =
            keys::split(&on_disk).ok_or_else(|| corrupt("the key is too short".to_owned()))?;
        if part > 0 {
            let belongs = expected
                .take_if(|(known, next, count)| known == base && *next == part && part < *count);
            let (known, next, count) =
                belongs.ok_or_else(|| corrupt(format!("part {part} belongs to no record")))?;
            expected = Some((known, next + 1, count));
            continue;
        }
        let header =
            chunks::ValueHeader::parse(&value).ok_or_else(|| corrupt("no header".to_owned()))?;
        if header.parts <= 1 {
            chunks::check(&value).map_err(corrupt)?;
        } else {
            let all = join(trees.tree(tree), &Key::from_base(base))?.unwrap_or_default();
            chunks::check(&all).map_err(corrupt)?;
        }
        expected = Some((base.to_vec(), 1, header.parts));
    }
    Ok(())
}

/// A file in sled's own blob directory is one that nothing syncs: it must never exist.
pub(super) fn blobs_dir_is_empty(dir: &Path) -> Result<(), StoreError> {
    let blobs = dir.join("blobs");
    let found = match fs::read_dir(&blobs) {
        Ok(mut entries) => entries.next(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(StoreError::io(&blobs, &error)),
    };
    match found {
        None => Ok(()),
        Some(_) => Err(StoreError::Corrupt {
            place: blobs.display().to_string(),
            reason: "a value was stored outside the log, where nothing makes it durable".to_owned(),
        }),
    }
}

fn beside(dir: &Path, number: u32) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(format!(".quarantine-{number}"));
    dir.with_file_name(name)
}

fn refuse_beside_quarantine(dir: &Path) -> Result<(), StoreError> {
    let first = beside(dir, 1);
    if first.exists() {
        let reason = "found when it was opened earlier".to_owned();
        return Err(StoreError::Quarantined { path: first, reason });
    }
    Ok(())
}

fn set_aside(dir: &Path, reason: String) -> StoreError {
    let Some(path) = (1..=u32::MAX).map(|number| beside(dir, number)).find(|path| !path.exists())
    else {
        return StoreError::Corrupt { place: dir.display().to_string(), reason };
    };
    match fs::rename(dir, &path) {
        Ok(()) => StoreError::Quarantined { path, reason },
        Err(error) => {
            let reason = format!("{reason}; it could not be set aside: {error}");
            StoreError::Corrupt { place: dir.display().to_string(), reason }
        }
    }
}

/// Makes names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    let opened = File::open(dir).and_then(|handle| handle.sync_all());
    opened.map_err(|error| StoreError::io(dir, &error))
}
