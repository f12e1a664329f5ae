//! What can go wrong in the store, told apart by what the caller can do.

#[cfg(feature = "journal")]
use std::path::Path;
use std::path::PathBuf;

use crate::codec::CodecError;

/// The store could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Too many requests wait; nothing was written, try again later.
    #[error("{limit} writes already wait: try again in a moment")]
    Overloaded {
        /// How many may wait.
        limit: usize,
    },
    /// An earlier write failed. Nothing is written any more; the process must end and start again.
    #[error(
        "the journal takes no more writes since an error ({reason}): end the process and start it again"
    )]
    Poisoned {
        /// The first error.
        reason: String,
    },
    /// Another process has the journal open.
    #[error("the journal in {} is in use by another process: stop that one first", .path.display())]
    Locked {
        /// The journal's directory.
        path: PathBuf,
    },
    /// Stored data is damaged; it was not touched.
    #[error("stored data is damaged at {place}: {reason}")]
    Corrupt {
        /// Table and key, or file.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The journal is damaged and was set aside whole.
    #[error("the journal is damaged ({reason}) and was set aside as {}: restore a backup, or move that \
        directory away to start empty", .path.display())]
    Quarantined {
        /// Where it lies now.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A value or key over its limit; nothing was written.
    #[error("{what} may have {limit} bytes, found {found}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// What was found.
        found: usize,
    },
    /// The caller's input does not fit what is stored; nothing was written.
    #[error("{what}: wanted {wanted}, found {found}")]
    Refused {
        /// What does not fit.
        what: &'static str,
        /// What was wanted.
        wanted: String,
        /// What was found.
        found: String,
    },
    /// A blob is not there.
    #[error("no file with hash {sha256} is stored here")]
    NoBlob {
        /// The hash, lower-case hexadecimal.
        sha256: String,
    },
    /// A record could not be written or read.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The file system refused.
    #[error("{}: {reason}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

#[cfg(feature = "journal")]
impl StoreError {
    /// Returns the error of a file operation.
    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), reason: error.to_string() }
    }
}
