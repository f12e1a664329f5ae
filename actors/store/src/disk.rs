//! Free space: how much there is, and a ballast file that is given up when there is none.

use std::fs::File;
use std::path::Path;

use crate::error::StoreError;

/// Size of the ballast file.
pub const BALLAST_BYTES: u64 = 64 << 20;
/// Below this free share no new sessions are taken.
pub const FREE_RATIO_MIN: f64 = 0.05;

/// Returns the free share of the file system that holds `path`, 0 to 1.
///
/// # Errors
/// When the file system cannot be asked.
pub fn free_ratio(path: &Path) -> Result<f64, StoreError> {
    let status = rustix::fs::statvfs(path).map_err(|error| StoreError::io(path, &error.into()))?;
    if status.f_blocks == 0 {
        return Ok(1.0);
    }
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
    let ratio = status.f_bavail as f64 / status.f_blocks as f64;
    Ok(ratio.clamp(0.0, 1.0))
}

/// Makes sure that the ballast file exists and takes its space on disk.
///
/// # Errors
/// When there is no room for it or it cannot be written.
pub fn ensure_ballast(path: &Path) -> Result<(), StoreError> {
    let io = |error: std::io::Error| StoreError::io(path, &error);
    if path.metadata().is_ok_and(|found| found.len() == BALLAST_BYTES) {
        return Ok(());
    }
    let file = File::create(path).map_err(io)?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, BALLAST_BYTES)
        .map_err(|error| StoreError::io(path, &error.into()))?;
    file.sync_all().map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_free_share_is_a_share_and_the_ballast_takes_its_space_once() {
        let dir = tempfile::tempdir().unwrap();
        assert!((0.0..=1.0).contains(&free_ratio(dir.path()).unwrap()));
        let path = dir.path().join("ballast");
        ensure_ballast(&path).unwrap();
        ensure_ballast(&path).unwrap();
        assert_eq!(path.metadata().unwrap().len(), BALLAST_BYTES);
    }
}
