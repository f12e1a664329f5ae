//! `member.json`: which number this node has in which cluster. Written by `init` and by joining, read at every start.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use store::{Blobs, Journal};

use super::settings::{PeerError, PeerSettings};
use crate::control::raft::types::Member;
use crate::control::storage;
use crate::membership::join::Admitted;

/// Name of the file.
pub const FILE: &str = "member.json";
const FORMAT: u32 = 1;
/// The number of a cluster's first node.
const FIRST: u64 = 1;

/// What a node remembers of its membership.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Layout of the file.
    pub format: u32,
    /// This node's name.
    pub node: String,
    /// The cluster's name, as in certificates.
    pub name: String,
    /// The cluster's identity, hexadecimal; absent until the first node has given it.
    pub cluster: Option<String>,
    /// This node's number in the agreement.
    pub number: u64,
    /// Where the others were reached last.
    pub peers: BTreeMap<String, String>,
}

impl Record {
    pub(super) fn of(settings: &PeerSettings, admitted: &Admitted) -> Self {
        let others = admitted.members.iter().filter(|member| member.node != settings.node);
        Self {
            format: FORMAT,
            node: settings.node.clone(),
            name: settings.cluster.clone(),
            cluster: Some(hexadecimal(&admitted.cluster)),
            number: admitted.raft_id,
            peers: others.map(|member| (member.node.clone(), member.address.clone())).collect(),
        }
    }

    /// Returns the cluster's identity as bytes.
    #[must_use]
    pub fn cluster_id(&self) -> Option<[u8; 16]> {
        let text = self.cluster.as_ref()?;
        let digits = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32)?;
        Some(digits.to_be_bytes())
    }
}

/// Returns bytes as lower-case hexadecimal text.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the node whose stores these are the first of a new cluster; what it knew as a node alone is kept. Returns
/// false when it belongs to that cluster already.
///
/// # Errors
/// When it belongs to another cluster, or log and record cannot be read or written.
pub fn init(
    dir: &Path,
    (node, name, address): (&str, &str, &str),
    (journal, blobs): (&Journal, &Blobs),
) -> Result<bool, PeerError> {
    if let Some(known) = read(dir)? {
        if known.name == name && known.node == node {
            return Ok(false);
        }
        let reason = format!(
            "this directory belongs to node {} of cluster '{}', not to {node} of '{name}': name another directory",
            known.node, known.name
        );
        return Err(PeerError::Record { path: dir.join(FILE), reason });
    }
    let member = Member { node: node.to_owned(), address: address.to_owned() };
    storage::adopt_local(journal, blobs, &member)?;
    let record = Record {
        format: FORMAT,
        node: node.to_owned(),
        name: name.to_owned(),
        cluster: None,
        number: FIRST,
        peers: BTreeMap::new(),
    };
    write(dir, &record)?;
    Ok(true)
}

/// Reads the record of a data directory; none where the node belongs to no cluster.
///
/// # Errors
/// A file that is no record of ours.
pub fn read(dir: &Path) -> Result<Option<Record>, PeerError> {
    let path = dir.join(FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PeerError::io(&path, &error)),
    };
    let wrong = |reason: String| PeerError::Record {
        path: path.clone(),
        reason: format!("{reason}; restore it from a backup, or join anew with an empty directory"),
    };
    let record: Record =
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    if record.format != FORMAT {
        return Err(wrong(format!("its format is {}, this program reads {FORMAT}", record.format)));
    }
    Ok(Some(record))
}

/// Writes the record, durable on return.
///
/// # Errors
/// What the system said.
pub fn write(dir: &Path, record: &Record) -> Result<(), PeerError> {
    let path = dir.join(FILE);
    let temporary = dir.join(format!("{FILE}.new"));
    let written = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(&serde_json::to_vec_pretty(record)?)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        File::open(dir)?.sync_all()
    };
    written().map_err(|error| PeerError::io(&path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            format: FORMAT,
            node: "a".into(),
            name: "tm".into(),
            cluster: Some(hexadecimal(&[7; 16])),
            number: 3,
            peers: [("b".to_owned(), "b:7700".to_owned())].into(),
        }
    }

    #[test]
    fn what_is_written_is_read_and_garbage_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
        write(dir.path(), &record()).unwrap();
        assert_eq!(read(dir.path()).unwrap(), Some(record()));
        assert_eq!(record().cluster_id(), Some([7; 16]));
        fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(read(dir.path()).unwrap_err().to_string().contains("member.json"));
    }

    #[test]
    fn a_directory_becomes_the_first_node_once() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(&dir.path().join("journal")).unwrap();
        let blobs = Blobs::open(&dir.path().join("blobs")).unwrap();
        let stores = (&journal, &blobs);
        assert!(init(dir.path(), ("a", "tm", "a:7700"), stores).unwrap());
        assert!(!init(dir.path(), ("a", "tm", "a:7700"), stores).unwrap());
        let text = init(dir.path(), ("a", "other", "a:7700"), stores).unwrap_err().to_string();
        assert!(text.contains("cluster 'tm'"), "{text}");
    }
}
