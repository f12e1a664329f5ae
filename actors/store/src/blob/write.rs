//! Writing a blob: temporary file, fsync, rename, fsync of the directories.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::{BlobHash, BlobRef, Blobs};
use crate::error::StoreError;
use crate::faults;
use crate::journal::sync_dir;

/// Removes the temporary file unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // Gone when renamed; what stays after an error is removed at the next opening.
        drop(fs::remove_file(&self.0));
    }
}

impl Blobs {
    pub(super) fn put_reader(&self, source: impl Read) -> Result<BlobRef, StoreError> {
        let number = self.inner.temporary_count.fetch_add(1, Ordering::Relaxed);
        let temporary = Temporary(self.inner.dir.join("tmp").join(number.to_string()));
        let stored = copy(source, &temporary.0)?;
        self.settle(&temporary.0, stored)?;
        Ok(stored)
    }

    /// Makes a synced file visible under its hash, unless it is there already; says whether the file was taken.
    pub(super) fn settle(&self, temporary: &Path, stored: BlobRef) -> Result<bool, StoreError> {
        let path = self.path_of(stored.sha256);
        // A damaged file is no file: what is put again takes its place.
        let whole = self.verify(stored.sha256).is_ok();
        // While the pins are held nothing is collected: found again means that it stays for the whole grace period.
        let _pins = self.pins();
        if whole && path.is_file() {
            let touched = File::options()
                .append(true)
                .open(&path)
                .and_then(|file| file.set_modified(SystemTime::now()));
            touched.map_err(|error| StoreError::io(&path, &error))?;
            return Ok(false);
        }
        publish(temporary, &path, &self.inner.dir)?;
        Ok(true)
    }
}

fn copy(mut source: impl Read, path: &Path) -> Result<BlobRef, StoreError> {
    let io = |error: std::io::Error| StoreError::io(path, &error);
    let (mut file, mut hasher, mut buffer, mut size_bytes) =
        (File::create(path).map_err(io)?, Sha256::new(), vec![0_u8; 1 << 16], 0_u64);
    loop {
        let count = source.read(&mut buffer).map_err(io)?;
        if count == 0 {
            break;
        }
        let bytes = buffer.get(..count).unwrap_or_default();
        hasher.update(bytes);
        file.write_all(bytes).map_err(io)?;
        size_bytes += count as u64;
    }
    faults::point("blob.written");
    file.sync_all().map_err(io)?;
    faults::point("blob.synced");
    Ok(BlobRef { sha256: BlobHash(hasher.finalize().into()), size_bytes })
}

fn publish(temporary: &Path, path: &Path, root: &Path) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(root);
    let fresh = !folder.exists();
    fs::create_dir_all(folder).map_err(|error| StoreError::io(folder, &error))?;
    fs::rename(temporary, path).map_err(|error| StoreError::io(path, &error))?;
    faults::point("blob.renamed");
    sync_dir(folder)?;
    if fresh { sync_dir(root) } else { Ok(()) }
}
