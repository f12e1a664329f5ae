//! Content-addressed files: `<dir>/<2 hex>/<sha256>`, whole under their hash or absent.
//!
//! All calls block; an async caller uses a blocking thread. A file that must not be collected while nobody refers to it
//! yet is pinned for as long as the [`Pin`] lives.

mod collect;
mod partial;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::StoreError;
use crate::journal::sync_dir;

pub use collect::{BlobInfo, Collected, doomed};
pub use partial::Partial;

/// The SHA-256 of a file: its name for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlobHash(pub [u8; 32]);

impl BlobHash {
    /// Returns the hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BlobHash {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let wrong = || StoreError::Refused {
            what: "a SHA-256",
            wanted: "64 lower-case hexadecimal digits".to_owned(),
            found: text.chars().take(80).collect(),
        };
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if text.len() != 64 || !plain {
            return Err(wrong());
        }
        let mut hash = [0_u8; 32];
        for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(hash))
    }
}

/// A stored file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobRef {
    /// Its hash.
    pub sha256: BlobHash,
    /// Its size.
    pub size_bytes: u64,
}

/// The directory of blobs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    temporary_count: AtomicU64,
    /// Pins by hash, counted. Held while a file is found again or removed, so that the two never cross.
    pins: Mutex<BTreeMap<BlobHash, u64>>,
    /// Blobs that arrive in pieces at this moment: one writer each.
    writing: Mutex<BTreeSet<BlobHash>>,
}

/// Keeps a blob from being collected.
#[derive(Debug)]
pub struct Pin {
    blobs: Blobs,
    hash: BlobHash,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pins = self.blobs.pins();
        if let Some(count) = pins.get_mut(&self.hash) {
            *count -= 1;
            if *count == 0 {
                pins.remove(&self.hash);
            }
        }
    }
}

impl Blobs {
    /// Opens or creates the directory and removes what an interrupted put left.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let temporary = dir.join("tmp");
        if temporary.exists() {
            fs::remove_dir_all(&temporary).map_err(|error| StoreError::io(&temporary, &error))?;
        }
        fs::create_dir_all(&temporary).map_err(|error| StoreError::io(&temporary, &error))?;
        partial::sweep(dir)?;
        sync_dir(dir)?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_dir(parent)?;
        }
        let inner = Inner {
            dir: dir.to_owned(),
            temporary_count: AtomicU64::new(0),
            pins: Mutex::default(),
            writing: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Stores bytes; durable on return.
    ///
    /// # Errors
    /// When the file cannot be written; nothing is then visible under its hash.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<BlobRef, StoreError> {
        self.put_reader(bytes)
    }

    /// Stores a copy of a file; durable on return. The file itself stays.
    ///
    /// # Errors
    /// When it cannot be read or the copy not written; nothing is then visible under its hash.
    pub fn put_file(&self, source: &Path) -> Result<BlobRef, StoreError> {
        self.put_reader(File::open(source).map_err(|error| StoreError::io(source, &error))?)
    }

    /// Returns the path of a stored file, if it is here.
    #[must_use]
    pub fn path(&self, hash: BlobHash) -> Option<PathBuf> {
        let path = self.path_of(hash);
        path.is_file().then_some(path)
    }

    /// Reads a stored file whole and checks its hash.
    ///
    /// # Errors
    /// [`StoreError::NoBlob`] when it is not here, [`StoreError::Corrupt`] when it is damaged.
    pub fn read(&self, hash: BlobHash) -> Result<Vec<u8>, StoreError> {
        let path =
            self.path(hash).ok_or_else(|| StoreError::NoBlob { sha256: hash.to_string() })?;
        let bytes = fs::read(&path).map_err(|error| StoreError::io(&path, &error))?;
        same(&path, hash, BlobHash::of(&bytes))?;
        Ok(bytes)
    }

    /// Checks a stored file's hash without keeping it in memory; returns its size.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn verify(&self, hash: BlobHash) -> Result<u64, StoreError> {
        let path =
            self.path(hash).ok_or_else(|| StoreError::NoBlob { sha256: hash.to_string() })?;
        let io = |error: std::io::Error| StoreError::io(&path, &error);
        let (mut file, mut hasher, mut buffer, mut size) =
            (File::open(&path).map_err(io)?, Sha256::new(), vec![0_u8; 1 << 16], 0_u64);
        loop {
            let count = file.read(&mut buffer).map_err(io)?;
            if count == 0 {
                break;
            }
            hasher.update(buffer.get(..count).unwrap_or_default());
            size += count as u64;
        }
        same(&path, hash, BlobHash(hasher.finalize().into()))?;
        Ok(size)
    }

    /// Keeps a blob from being collected while the pin lives.
    #[must_use]
    pub fn pin(&self, hash: BlobHash) -> Pin {
        *self.pins().entry(hash).or_insert(0) += 1;
        Pin { blobs: self.clone(), hash }
    }

    fn pins(&self) -> MutexGuard<'_, BTreeMap<BlobHash, u64>> {
        self.inner.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, BTreeSet<BlobHash>> {
        self.inner.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path_of(&self, hash: BlobHash) -> PathBuf {
        let name = hash.to_string();
        self.inner.dir.join(name.get(..2).unwrap_or("00")).join(name)
    }
}

fn same(path: &Path, wanted: BlobHash, found: BlobHash) -> Result<(), StoreError> {
    if wanted == found {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        place: path.display().to_string(),
        reason: format!("its hash is {found}"),
    })
}
