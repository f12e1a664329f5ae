//! Snapshots: a blob durable first, the mark that names it second; the newest only. The log is purged third, by openraft.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use openraft::{
    AnyError, LogId, RaftSnapshotBuilder, Snapshot, SnapshotMeta, StorageError, StorageIOError,
    StoredMembership,
};
use store::blob::Pin;
use store::codec::{self, CodecError};
use store::raft_log::SnapshotMark;
use store::{BlobHash, Blobs, StoreError};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::Mutex;

use super::disk::Disk;
use super::{file_error, reading, writing};
use crate::control::raft::types::{Member, MembershipRecord, Types, raft_id, store_id};

type Meta = SnapshotMeta<u64, Member>;

/// Makes names of files on the way unique in this process.
static FILE_COUNT: AtomicU64 = AtomicU64::new(0);

/// Returns an empty file without a name: nothing is left of it after a crash.
pub(crate) fn scratch_file(dir: &Path) -> std::io::Result<File> {
    let number = FILE_COUNT.fetch_add(1, Ordering::Relaxed);
    let path = dir.join(format!("incoming-{}-{number}", std::process::id()));
    let file =
        std::fs::File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(File::from_std(file))
}

/// Returns the hash in a snapshot's name.
pub(crate) fn hash_in(name: &str) -> Option<BlobHash> {
    name.split_once('-').and_then(|(_, hash)| hash.parse().ok())
}

#[derive(Debug)]
struct Current {
    meta: Meta,
    hash: BlobHash,
    /// Keeps its file from being collected.
    _pin: Pin,
}

/// The newest snapshot and how to replace it.
#[derive(Debug)]
pub(super) struct Snapshots {
    disk: Disk,
    blobs: Blobs,
    /// Held while a snapshot is replaced, so that an older one never replaces a newer.
    current: Mutex<Option<Current>>,
}

impl Snapshots {
    /// Returns the newest snapshot with its bytes.
    pub(super) async fn open(
        disk: &Disk,
        blobs: &Blobs,
    ) -> Result<(Self, Option<(Meta, Vec<u8>)>), StoreError> {
        let (disk, blobs) = (disk.clone(), blobs.clone());
        let Some(mark) = disk.run(|log| log.snapshot()).await? else {
            return Ok((Self { disk, blobs, current: Mutex::new(None) }, None));
        };
        let hash = BlobHash(mark.sha256);
        let bytes = blobs.read(hash)?;
        let membership: MembershipRecord = codec::decode(&mark.detail)?;
        let meta = Meta {
            last_log_id: raft_id(mark.last),
            last_membership: membership.stored(),
            snapshot_id: name(mark.last.index, hash),
        };
        let current = Current { meta: meta.clone(), hash, _pin: blobs.pin(hash) };
        Ok((Self { disk, blobs, current: Mutex::new(Some(current)) }, Some((meta, bytes))))
    }

    /// Makes a snapshot durable and the newest, unless a newer one is there already; returns what is newest then.
    async fn save(
        &self,
        last: Option<LogId<u64>>,
        membership: &StoredMembership<u64, Member>,
        bytes: Vec<u8>,
    ) -> Result<Meta, StorageError<u64>> {
        let mut current = self.current.lock().await;
        if let Some(newer) = current.as_ref().filter(|current| current.meta.last_log_id > last) {
            return Ok(newer.meta.clone());
        }
        let blobs = self.blobs.clone();
        let stored = blocking(move || blobs.put_bytes(&bytes)).await.map_err(|e| writing(&e))?;
        let pin = self.blobs.pin(stored.sha256);
        let record =
            MembershipRecord::new(membership.log_id().map(store_id), membership.membership());
        let detail = codec::encode(&record).map_err(|e| writing(&StoreError::from(e)))?;
        let mark = SnapshotMark {
            last: last.map(store_id).unwrap_or_default(),
            sha256: stored.sha256.0,
            size_bytes: stored.size_bytes,
            detail,
        };
        let meta = Meta {
            last_log_id: last,
            last_membership: membership.clone(),
            snapshot_id: name(mark.last.index, stored.sha256),
        };
        self.disk.run(move |log| log.save_snapshot(&mark)).await.map_err(|e| writing(&e))?;
        let new = Current { meta: meta.clone(), hash: stored.sha256, _pin: pin };
        let before = current.replace(new).map(|before| before.hash);
        if let Some(before) = before.filter(|before| *before != stored.sha256) {
            self.blobs.remove(before).map_err(|e| writing(&e))?;
        }
        Ok(meta)
    }

    /// Makes a received file the newest snapshot; returns its bytes.
    pub(super) async fn receive(
        &self,
        meta: &Meta,
        mut file: File,
    ) -> Result<Vec<u8>, StorageError<u64>> {
        let mut bytes = Vec::new();
        file.rewind().await.map_err(|error| file_error(&error))?;
        file.read_to_end(&mut bytes).await.map_err(|error| file_error(&error))?;
        let found = BlobHash::of(&bytes);
        if hash_in(&meta.snapshot_id) != Some(found) {
            let place = format!("snapshot {}", meta.snapshot_id);
            let error = StoreError::Corrupt { place, reason: format!("its hash is {found}") };
            return Err(reading(&error));
        }
        self.save(meta.last_log_id, &meta.last_membership, bytes.clone()).await?;
        Ok(bytes)
    }

    /// Opens the newest snapshot, whose hash is checked once more before anybody gets it.
    pub(super) async fn current(&self) -> Result<Option<Snapshot<Types>>, StorageError<u64>> {
        let current = self.current.lock().await;
        let Some(Current { meta, hash, .. }) = current.as_ref() else { return Ok(None) };
        let (blobs, hash) = (self.blobs.clone(), *hash);
        let opened = blocking(move || {
            blobs.verify(hash)?;
            let path =
                blobs.path(hash).ok_or_else(|| StoreError::NoBlob { sha256: hash.to_string() })?;
            std::fs::File::open(&path).map_err(|error| super::unusable(&path, &error))
        });
        let file = opened.await.map_err(|error| reading(&error))?;
        Ok(Some(Snapshot { meta: meta.clone(), snapshot: Box::new(File::from_std(file)) }))
    }
}

fn name(index: u64, hash: BlobHash) -> String {
    format!("{index}-{hash}")
}

/// Runs file work on a thread that may wait.
async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, StoreError> + Send + 'static,
) -> Result<R, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(StoreError::Poisoned { reason: error.to_string() }))
}

/// A state written to bytes, not yet to disk.
#[derive(Debug)]
pub struct SnapshotBuilder {
    snapshots: std::sync::Arc<Snapshots>,
    at: (Option<LogId<u64>>, StoredMembership<u64, Member>),
    bytes: Result<Vec<u8>, CodecError>,
}

impl SnapshotBuilder {
    pub(super) fn new(
        snapshots: std::sync::Arc<Snapshots>,
        at: (Option<LogId<u64>>, StoredMembership<u64, Member>),
        bytes: Result<Vec<u8>, CodecError>,
    ) -> Self {
        Self { snapshots, at, bytes }
    }
}

impl RaftSnapshotBuilder<Types> for SnapshotBuilder {
    async fn build_snapshot(&mut self) -> Result<Snapshot<Types>, StorageError<u64>> {
        let bytes = self.bytes.clone().map_err(|error| {
            StorageError::from(StorageIOError::read_state_machine(AnyError::new(&error)))
        })?;
        let meta = self.snapshots.save(self.at.0, &self.at.1, bytes).await?;
        tracing::debug!(snapshot = %meta.snapshot_id, "control snapshot written");
        let newest = self.snapshots.current().await?;
        newest.ok_or_else(|| {
            let gone = AnyError::error("the snapshot just written is gone");
            StorageIOError::read_snapshot(None, gone).into()
        })
    }
}
