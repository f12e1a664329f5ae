//! The mark beside the database: how many commits were acknowledged.
//!
//! sled takes damage in its log for the log's end and opens without an error, everything after it forgotten. So each
//! commit writes its number into the database and, once durable, into a file of its own. A database that knows fewer
//! commits than the file has lost acknowledged data. The file itself needs no fsync: an older number is only weaker.
//!
//! ```text
//! acknowledged   count u64 | crc32c u32      (big-endian)
//! ```

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::codec::{Record, schema};
use crate::error::StoreError;

/// How many commits the journal has made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitCount(pub u64);

impl Record for CommitCount {
    const SCHEMA: u32 = schema::SCHEMA_COMMIT_COUNT;
    const VERSION: u16 = 1;
}

fn path(dir: &Path) -> PathBuf {
    dir.join("acknowledged")
}

/// The open mark.
#[derive(Debug)]
pub(super) struct Mark(File);

impl Mark {
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = path(dir);
        let opened = File::options().create(true).truncate(false).write(true).open(&path);
        opened.map(Self).map_err(|error| StoreError::io(&path, &error))
    }

    /// Notes that everything up to commit `count` is durable.
    pub(super) fn note(&self, count: u64) -> io::Result<()> {
        let count = count.to_be_bytes();
        let [a, b, c, d] = crc32c::crc32c(&count).to_be_bytes();
        let [e, f, g, h, i, j, k, l] = count;
        self.0.write_all_at(&[e, f, g, h, i, j, k, l, a, b, c, d], 0)
    }
}

/// Returns how many commits were acknowledged as far as the file knows; 0 when it is absent or half written.
pub(super) fn acknowledged(dir: &Path) -> u64 {
    let bytes = std::fs::read(path(dir)).unwrap_or_default();
    let Some((count, crc)) = bytes.split_first_chunk::<8>() else { return 0 };
    if crc32c::crc32c(count).to_be_bytes() == *crc { u64::from_be_bytes(*count) } else { 0 }
}
