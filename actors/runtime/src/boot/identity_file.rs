//! Who this node is: `node.json` with its name and the count of its starts, under a lock on the data directory.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use engine::ids::NodeId;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::ActorsError;

/// Layout of `node.json`.
const FORMAT: u32 = 1;
const FILE: &str = "node.json";
const LOCK: &str = "node.lock";

/// `node.json` as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeFile {
    format: u32,
    node: NodeId,
    incarnation: u64,
}

/// A data directory that is ours alone while this lives.
#[derive(Debug)]
pub(super) struct Claimed {
    /// This node.
    pub(super) node: NodeId,
    /// Its starts, this one included.
    pub(super) incarnation: u64,
    /// Held for its lock, which ends when it is dropped.
    _lock: File,
}

/// Makes a later start number durable.
#[derive(Debug, Clone)]
pub(super) struct Raise {
    data_dir: PathBuf,
    node: NodeId,
}

impl Raise {
    /// Goes on as start `later`.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn to(&self, later: u64) -> std::io::Result<()> {
        let file = NodeFile { format: FORMAT, node: self.node.clone(), incarnation: later };
        write(&self.data_dir, &file)
    }
}

impl Claimed {
    /// Returns what raises the start number of this directory.
    pub(super) fn raise(&self, data_dir: &Path) -> Raise {
        Raise { data_dir: data_dir.to_owned(), node: self.node.clone() }
    }
}

/// Makes and locks `data_dir`, and counts this start durably.
///
/// # Errors
/// Tells when the directory is in use (and by which process), not writable, or belongs to another node.
pub(super) fn claim(data_dir: &Path, wanted: Option<&NodeId>) -> Result<Claimed, ActorsError> {
    let not_writable = |error: std::io::Error| {
        boot(format!(
            "the data directory {} cannot be written ({error}); name another or make it writable",
            data_dir.display()
        ))
    };
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(not_writable)?;
    let lock = lock(data_dir)?;
    let known = read(&data_dir.join(FILE))?;
    let node = match (known.as_ref().map(|file| &file.node), wanted) {
        (Some(known), Some(wanted)) if known != wanted => {
            return Err(boot(format!(
                "the data directory {} belongs to node {known}, not to {wanted}; name another directory, or start it as {known}",
                data_dir.display()
            )));
        }
        (Some(known), _) => known.clone(),
        (None, Some(wanted)) => wanted.clone(),
        (None, None) => fresh_name()?,
    };
    let incarnation = known.map_or(0, |file| file.incarnation) + 1;
    let file = NodeFile { format: FORMAT, node: node.clone(), incarnation };
    write(data_dir, &file).map_err(not_writable)?;
    Ok(Claimed { node, incarnation, _lock: lock })
}

fn lock(data_dir: &Path) -> Result<File, ActorsError> {
    let path = data_dir.join(LOCK);
    let unusable = |error: std::io::Error| {
        boot(format!(
            "{} cannot be opened ({error}); make the data directory writable",
            path.display()
        ))
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(unusable)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut holder = String::new();
        // The number is a help only: when it cannot be read the message does without.
        drop((&file).take(32).read_to_string(&mut holder));
        let holder = holder.trim();
        let by = if holder.is_empty() { String::new() } else { format!(" by process {holder}") };
        return Err(boot(format!(
            "the data directory {} is already in use{by}; stop that node first, or name another directory",
            data_dir.display()
        )));
    }
    let noted = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    noted.map_err(unusable)?;
    Ok(file)
}

fn read(path: &PathBuf) -> Result<Option<NodeFile>, ActorsError> {
    let unreadable = |why: String| {
        boot(format!(
            "{} cannot be read ({why}); restore it from a backup: it names this node",
            path.display()
        ))
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    let file: NodeFile =
        serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    if file.format == FORMAT {
        return Ok(Some(file));
    }
    Err(unreadable(format!("its format is {}, this program reads {FORMAT}", file.format)))
}

fn write(data_dir: &Path, file: &NodeFile) -> std::io::Result<()> {
    let temporary = data_dir.join(format!("{FILE}.new"));
    let mut target =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    target.write_all(&serde_json::to_vec_pretty(file)?)?;
    target.sync_all()?;
    fs::rename(&temporary, data_dir.join(FILE))?;
    File::open(data_dir)?.sync_all()
}

fn fresh_name() -> Result<NodeId, ActorsError> {
    let digits = Uuid::new_v4().simple().to_string();
    format!("n-{}", &digits[..12]).parse().map_err(ActorsError::internal)
}

fn boot(detail: String) -> ActorsError {
    ActorsError::Boot { detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_stays_and_starts_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let first = claim(folder.path(), None).unwrap();
        assert!(first.node.as_str().starts_with("n-") && first.node.as_str().len() == 14);
        assert_eq!(first.incarnation, 1);
        let node = first.node.clone();
        drop(first);
        let second = claim(folder.path(), None).unwrap();
        assert_eq!((second.node, second.incarnation), (node, 2));
    }

    #[test]
    fn in_use_says_by_whom() {
        let folder = tempfile::tempdir().unwrap();
        let _held = claim(folder.path(), None).unwrap();
        let text = claim(folder.path(), None).unwrap_err().to_string();
        assert!(
            text.contains(&format!("already in use by process {}", std::process::id())),
            "{text}"
        );
    }

    #[test]
    fn another_name_and_a_broken_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(claim(folder.path(), Some(&"n-one".parse().unwrap())).unwrap());
        let text = claim(folder.path(), Some(&"n-two".parse().unwrap())).unwrap_err().to_string();
        assert!(text.contains("belongs to node n-one"), "{text}");
        fs::write(folder.path().join(FILE), "{").unwrap();
        let text = claim(folder.path(), None).unwrap_err().to_string();
        assert!(text.contains("restore it from a backup"), "{text}");
    }
}
