//! Collecting blobs that nobody refers to: a pure decision, then the removal.

use std::collections::BTreeSet;
use std::fs;
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

/// Returns what may go: neither referred to nor pinned, and put longer ago than the grace period.
#[must_use]
pub fn doomed(
    stored: &[BlobInfo],
    referenced: &BTreeSet<BlobHash>,
    pinned: &BTreeSet<BlobHash>,
    put_before_ms: u64,
) -> Vec<BlobHash> {
    let unused = |info: &&BlobInfo| {
        info.put_at_ms < put_before_ms
            && !referenced.contains(&info.sha256)
            && !pinned.contains(&info.sha256)
    };
    stored.iter().filter(unused).map(|info| info.sha256).collect()
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
                let metadata = file.metadata().map_err(|error| StoreError::io(&folder, &error))?;
                let since = metadata
                    .modified()
                    .ok()
                    .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
                let put_at_ms = since
                    .map_or(u64::MAX, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
                found.push(BlobInfo { sha256, size_bytes: metadata.len(), put_at_ms });
            }
        }
        found.sort_by_key(|info| info.sha256);
        Ok(found)
    }

    /// Removes what [`doomed`] names; returns the removed hashes.
    ///
    /// # Errors
    /// When a file cannot be removed; those before it are gone.
    pub fn collect(
        &self,
        referenced: &BTreeSet<BlobHash>,
        put_before_ms: u64,
    ) -> Result<Vec<BlobHash>, StoreError> {
        let pins = self.pins();
        let pinned: BTreeSet<BlobHash> = pins.keys().copied().collect();
        let gone = doomed(&self.list()?, referenced, &pinned, put_before_ms);
        for hash in &gone {
            let path = self.path_of(*hash);
            fs::remove_file(&path).map_err(|error| StoreError::io(&path, &error))?;
        }
        drop(pins);
        Ok(gone)
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
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(StoreError::io(&path, &error)),
        }
    }
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
                let named = gone.iter().filter(|hash| **hash == info.sha256).count();
                prop_assert!(keep || named > 0);
            }
            prop_assert!(gone.iter().all(|hash| !referenced.contains(hash) && !pinned.contains(hash)));
        }
    }
}
