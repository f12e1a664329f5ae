//! Files: written whole or not at all, read only when their hash is the one that was announced.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use engine::digest::sha256;

use crate::error::TrainerError;

/// A file as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// Writes `directory/name` so that a reader, and a crash at any moment, sees the old file or the new one whole:
/// temporary name, fsync, rename, fsync of the directory.
///
/// # Errors
/// Names the file and what the system said.
pub fn write(directory: &Path, name: &str, bytes: &[u8]) -> Result<Written, TrainerError> {
    let path = directory.join(name);
    let temporary = directory.join(format!("{name}.tmp"));
    let attempt = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &path)?;
        File::open(directory)?.sync_all()
    };
    attempt().map_err(|error| {
        TrainerError::Write(format!(
            "{} ({} bytes) could not be written: {error}. Check free space and rights of the session's directory",
            path.display(),
            bytes.len()
        ))
    })?;
    Ok(Written { sha256: sha256(bytes), size_bytes: bytes.len() as u64 })
}

/// Reads a whole file of at most `bytes_max` bytes and compares its hash.
///
/// # Errors
/// Absent, unreadable, too large, or other content than announced.
pub fn read(path: &Path, wanted_sha256: &str, bytes_max: u64) -> Result<Vec<u8>, TrainerError> {
    let shown = path.display();
    let size = std::fs::metadata(path)
        .map_err(|error| TrainerError::Data(format!("{shown} cannot be read: {error}")))?
        .len();
    if size > bytes_max {
        return Err(TrainerError::Data(format!(
            "{shown} has {size} bytes, {bytes_max} are allowed"
        )));
    }
    let bytes = std::fs::read(path)
        .map_err(|error| TrainerError::Data(format!("{shown} cannot be read: {error}")))?;
    let found = sha256(&bytes);
    if found != wanted_sha256 {
        return Err(TrainerError::Data(format!(
            "{shown} is not the file that was announced: wanted sha256 {wanted_sha256}, found {found}. It was changed or \
             damaged; import it again or take another copy"
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_is_read_back_and_any_other_content_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let written = write(directory.path(), "a.bin", b"hello").unwrap();
        assert_eq!(
            written.sha256,
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        );
        let path = directory.path().join("a.bin");
        assert_eq!(read(&path, &written.sha256, 10).unwrap(), b"hello");
        assert!(read(&path, &written.sha256, 4).is_err());
        std::fs::write(&path, b"hellO").unwrap();
        assert!(read(&path, &written.sha256, 10).unwrap_err().to_string().contains("not the file"));
        assert!(read(&directory.path().join("none"), "", 10).is_err());
        assert_eq!(
            std::fs::read_dir(directory.path()).unwrap().count(),
            1,
            "nothing temporary is left"
        );
    }

    #[test]
    fn a_directory_that_is_not_there_is_a_write_error() {
        let error = write(Path::new("/nonexistent/tm"), "a", b"x").unwrap_err();
        assert_eq!((error.kind(), error.exit_code()), ("checkpoint", 73));
    }
}
