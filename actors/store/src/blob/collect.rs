//! Collecting blobs that nobody refers to: a pure decision, then the removal.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::SystemTime;

use super::{BlobHash, Blobs};
use crate::error::StoreError;

/// A stored file as listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its hash.
    pub sha256: BlobHash,
    /// Its size.
    pub size_bytes: u64,
    /// When it was put last, milliseconds since 1970 UTC.
    pub put_at_ms: u64,
}

/// What a collection did.
#[derive(Debug, Clone, Default)]
pub struct Collected {
    /// The files that are gone, in the order of their hashes.
    pub removed: Vec<BlobInfo>,
    /// Why some that should be gone are not: the first error. The next collection tries them again.
    pub failure: Option<StoreError>,
}

impl Collected {
    /// Returns the bytes that were freed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.removed.iter().fold(0, |sum, info| sum.saturating_add(info.size_bytes))
    }
}

/// Returns what may go: neither referred to nor pinned, and put longer ago than the grace period.
#[must_use]
pub fn doomed(
    stored: &[BlobInfo],
    referenced: &BTreeSet<BlobHash>,
    pinned: &BTreeSet<BlobHash>,
    put_before_ms: u64,
) -> Vec<BlobInfo> {
    let unused = |info: &&BlobInfo| {
        info.put_at_ms < put_before_ms
            && !referenced.contains(&info.sha256)
            && !pinned.contains(&info.sha256)
    };
    stored.iter().filter(unused).copied().collect()
}

impl Blobs {
    /// Lists all stored files in the order of their hashes; foreign files are left alone.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn list(&self) -> Result<Vec<BlobInfo>, StoreError> {
        let dir = &self.inner.dir;
        let mut found = Vec::new();
        for folder in fs::read_dir(dir).map_err(|error| StoreError::io(dir, &error))? {
            let folder = folder.map_err(|error| StoreError::io(dir, &error))?.path();
            if !folder.is_dir() || folder.file_name().is_none_or(|name| name.len() != 2) {
                continue;
            }
            for file in fs::read_dir(&folder).map_err(|error| StoreError::io(&folder, &error))? {
                let file = file.map_err(|error| StoreError::io(&folder, &error))?;
                let Some(sha256) = file.file_name().to_str().and_then(|name| name.parse().ok())
                else {
                    continue;
                };
                // Removed by somebody else since the directory was read.
                let Some(info) = look(sha256, &file.path())? else { continue };
                found.push(info);
            }
        }
        found.sort_by_key(|info| info.sha256);
        Ok(found)
    }

    /// Removes what [`doomed`] names.
    ///
    /// Puts go on meanwhile: each file is looked at once more while nobody can find it again, so that one that was put
    /// a moment ago stays.
    ///
    /// # Errors
    /// When the files cannot be listed; none is gone then. One that cannot be removed is told in [`Collected`].
    pub fn collect(
        &self,
        referenced: &BTreeSet<BlobHash>,
        put_before_ms: u64,
    ) -> Result<Collected, StoreError> {
        let pinned: BTreeSet<BlobHash> = self.pins().keys().copied().collect();
        let mut collected = Collected::default();
        for info in doomed(&self.list()?, referenced, &pinned, put_before_ms) {
            match self.remove_old(info.sha256, put_before_ms) {
                Ok(Some(gone)) => collected.removed.push(gone),
                Ok(None) => {}
                Err(error) => {
                    collected.failure.get_or_insert(error);
                }
            }
        }
        Ok(collected)
    }

    /// Removes a file that is still old and that nobody has pinned; returns what is gone.
    fn remove_old(
        &self,
        hash: BlobHash,
        put_before_ms: u64,
    ) -> Result<Option<BlobInfo>, StoreError> {
        let pins = self.pins();
        let path = self.path_of(hash);
        let still = look(hash, &path)?
            .filter(|info| info.put_at_ms < put_before_ms && !pins.contains_key(&hash));
        if still.is_some() {
            fs::remove_file(&path).map_err(|error| StoreError::io(&path, &error))?;
        }
        Ok(still)
    }

    /// Removes one file now, unless it is pinned; returns whether it is gone.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn remove(&self, hash: BlobHash) -> Result<bool, StoreError> {
        let pins = self.pins();
        if pins.contains_key(&hash) {
            return Ok(false);
        }
        let path = self.path_of(hash);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            Err(error) => Err(StoreError::io(&path, &error)),
        }
    }
}

/// Returns what is known of a file, or nothing when there is none.
fn look(sha256: BlobHash, path: &Path) -> Result<Option<BlobInfo>, StoreError> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io(path, &error)),
    };
    let since =
        metadata.modified().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    let put_at_ms =
        since.map_or(u64::MAX, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    Ok(Some(BlobInfo { sha256, size_bytes: metadata.len(), put_at_ms }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_referred_to_pinned_or_young_is_doomed(
            ages in prop::collection::vec((any::<u8>(), 0_u64..100), 0..40),
            referenced in prop::collection::btree_set(any::<u8>(), 0..20),
            pinned in prop::collection::btree_set(any::<u8>(), 0..20),
            before in 0_u64..100,
        ) {
            let hash = |byte: u8| BlobHash([byte; 32]);
            let stored: Vec<BlobInfo> = ages.iter()
                .map(|(byte, at)| BlobInfo { sha256: hash(*byte), size_bytes: 1, put_at_ms: *at }).collect();
            let referenced = referenced.into_iter().map(hash).collect();
            let pinned = pinned.into_iter().map(hash).collect();
            let gone = doomed(&stored, &referenced, &pinned, before);
            for info in &stored {
                let keep = referenced.contains(&info.sha256) || pinned.contains(&info.sha256) || info.put_at_ms >= before;
                let named = gone.iter().filter(|one| one.sha256 == info.sha256).count();
                prop_assert!(keep || named > 0);
            }
            prop_assert!(gone.iter().all(|one| !referenced.contains(&one.sha256) && !pinned.contains(&one.sha256) && one.put_at_ms < before));
        }
    }
}
