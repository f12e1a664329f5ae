//! A blob that arrives in pieces: kept under a temporary name across interruptions, visible only when its hash is right.
//!
//! What lies there after a crash may have holes, for nothing is synced before the end; the hash over the whole file
//! finds that out.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::{BlobHash, BlobRef, Blobs};
use crate::error::StoreError;
use crate::faults;

/// Folder of the pieces, below the blobs.
pub(super) const FOLDER: &str = "partial";
/// Nobody comes back for pieces older than this; as long as an unused blob stays.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// The file under construction. Dropped before [`Partial::finish`] it stays for the next one to go on.
#[derive(Debug)]
pub struct Partial {
    blobs: Blobs,
    sha256: BlobHash,
    path: PathBuf,
    file: File,
    hasher: Sha256,
    len: u64,
}

impl Drop for Partial {
    fn drop(&mut self) {
        self.blobs.writing().remove(&self.sha256);
    }
}

impl Blobs {
    /// Opens what has arrived of a blob so far, or begins anew. Reads all that is there, for its hash.
    ///
    /// # Errors
    /// [`StoreError::Refused`] while somebody else writes it; when the file cannot be opened.
    pub fn partial(&self, sha256: BlobHash) -> Result<Partial, StoreError> {
        if !self.writing().insert(sha256) {
            return Err(StoreError::Refused {
                what: "a blob that arrives",
                wanted: "one writer".to_owned(),
                found: format!("a second one for {sha256}"),
            });
        }
        open(self, sha256).inspect_err(|_| {
            self.writing().remove(&sha256);
        })
    }
}

fn open(blobs: &Blobs, sha256: BlobHash) -> Result<Partial, StoreError> {
    let folder = blobs.inner.dir.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| StoreError::io(&folder, &error))?;
    let path = folder.join(sha256.to_string());
    let io = |error: std::io::Error| StoreError::io(&path, &error);
    let mut file = File::options().read(true).append(true).create(true).open(&path).map_err(io)?;
    let (mut hasher, mut buffer, mut len) = (Sha256::new(), vec![0_u8; 1 << 16], 0_u64);
    loop {
        let count = file.read(&mut buffer).map_err(io)?;
        if count == 0 {
            break;
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
        len += count as u64;
    }
    Ok(Partial { blobs: blobs.clone(), sha256, path, file, hasher, len })
}

impl Partial {
    /// Returns how many bytes have arrived.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Says whether nothing has arrived yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends bytes. Not durable before [`Self::finish`].
    ///
    /// # Errors
    /// When the file cannot be written; what is in it then is unknown, so [`Self::discard`] it.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).map_err(|error| StoreError::io(&self.path, &error))?;
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Makes the blob visible under its hash; durable on return.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the bytes are not those of the hash: they are gone then. Otherwise when the file
    /// system refuses; what has arrived stays.
    pub fn finish(self) -> Result<BlobRef, StoreError> {
        let found = BlobHash(self.hasher.clone().finalize().into());
        if found != self.sha256 {
            let place = self.path.display().to_string();
            self.discard()?;
            return Err(StoreError::Corrupt { place, reason: format!("its hash is {found}") });
        }
        faults::point("blob.written");
        self.file.sync_all().map_err(|error| StoreError::io(&self.path, &error))?;
        faults::point("blob.synced");
        let stored = BlobRef { sha256: self.sha256, size_bytes: self.len };
        if !self.blobs.settle(&self.path, stored)? {
            self.discard()?;
        }
        Ok(stored)
    }

    /// Forgets what has arrived.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn discard(self) -> Result<(), StoreError> {
        fs::remove_file(&self.path).map_err(|error| StoreError::io(&self.path, &error))
    }
}

/// Removes pieces that nobody came back for.
pub(super) fn sweep(dir: &Path) -> Result<(), StoreError> {
    let folder = dir.join(FOLDER);
    if !folder.exists() {
        return Ok(());
    }
    for file in fs::read_dir(&folder).map_err(|error| StoreError::io(&folder, &error))? {
        let path = file.map_err(|error| StoreError::io(&folder, &error))?.path();
        let touched = fs::metadata(&path).and_then(|metadata| metadata.modified());
        let age = touched.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        if age.is_some_and(|age| ABANDONED_AFTER < age) {
            fs::remove_file(&path).map_err(|error| StoreError::io(&path, &error))?;
        }
    }
    Ok(())
}
