//! Files beyond this node: what is needed here is fetched from whoever has it, what counts is kept on two nodes.
//!
//! Alone, a node is its own and only holder and nothing here talks to anybody.

mod choose;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use cluster::control::ControlHandle;
use cluster::net::Boxed;
use engine::ids::NodeId;
use store::{BlobHash, Blobs};

use crate::error::ActorsError;

/// Nodes that hold a file that counts.
const COPIES: usize = 2;

/// Moves files between nodes.
pub(crate) trait BlobPeers: Send + Sync {
    /// Tells which of these files a peer has.
    fn have<'a>(
        &'a self,
        peer: &'a str,
        hashes: &'a [BlobHash],
    ) -> Boxed<'a, Result<Vec<bool>, String>>;

    /// Gets a file from a peer into this node's files; checked against its hash, resumed where it was cut.
    fn fetch<'a>(&'a self, peer: &'a str, hash: BlobHash) -> Boxed<'a, Result<(), String>>;

    /// Has a peer get a file from here; answered when it is durable there.
    fn offer<'a>(&'a self, peer: &'a str, hash: BlobHash) -> Boxed<'a, Result<(), String>>;
}

/// Files of the whole cluster, as seen from one node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Depot {
    node: NodeId,
    blobs: Blobs,
    control: ControlHandle,
    peers: Option<Arc<dyn BlobPeers>>,
    /// One fetch per file at a time; those who want the same file wait for it.
    under_way: Arc<Mutex<BTreeMap<BlobHash, Weak<tokio::sync::Mutex<()>>>>>,
}

impl std::fmt::Debug for Depot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Depot").field("node", &self.node).finish_non_exhaustive()
    }
}

impl Depot {
    /// Returns the depot of a node; alone where there are no peers.
    pub(crate) fn new(
        node: NodeId,
        blobs: Blobs,
        control: ControlHandle,
        peers: Option<Arc<dyn BlobPeers>>,
    ) -> Self {
        Self { node, blobs, control, peers, under_way: Arc::default() }
    }

    /// Returns where a file lies here, after fetching it if need be. `hints` are asked first.
    ///
    /// # Errors
    /// Names the file and everybody who was asked.
    pub(crate) async fn ensure(
        &self,
        hash: BlobHash,
        hints: &[String],
    ) -> Result<PathBuf, ActorsError> {
        if let Some(path) = self.blobs.path(hash) {
            return Ok(path);
        }
        let Some(peers) = &self.peers else { return Err(missing(hash, &[])) };
        let turn = self.turn(hash);
        let _mine = turn.lock().await;
        if let Some(path) = self.blobs.path(hash) {
            return Ok(path);
        }
        let mut asked = Vec::new();
        for peer in self.candidates(hash, hints) {
            let found = match peers.have(&peer, &[hash]).await {
                Ok(found) if found.first() == Some(&true) => peers.fetch(&peer, hash).await,
                Ok(_) => Err("has it not".to_owned()),
                Err(error) => Err(error),
            };
            match (found, self.blobs.path(hash)) {
                (Ok(()), Some(path)) => return Ok(path),
                (Ok(()), None) => asked.push(format!("{peer}: it was not kept")),
                (Err(error), _) => asked.push(format!("{peer}: {error}")),
            }
        }
        Err(missing(hash, &asked))
    }

    /// Puts a file that is here on a second node and returns all known holders, this node first.
    ///
    /// # Errors
    /// Where another node is up and none took the file: what is on one node only does not count.
    pub(crate) async fn replicate(&self, hash: BlobHash) -> Result<Vec<String>, ActorsError> {
        let mut holders = vec![self.node.to_string()];
        let Some(peers) = &self.peers else { return Ok(holders) };
        let others = self.candidates(hash, &[]);
        let wanted = COPIES.min(others.len() + 1);
        let mut refused = Vec::new();
        for peer in others {
            if holders.len() == wanted {
                break;
            }
            match peers.offer(&peer, hash).await {
                Ok(()) => holders.push(peer),
                Err(error) => refused.push(format!("{peer}: {error}")),
            }
        }
        if holders.len() < wanted {
            let detail = format!(
                "the file {hash} is on {} node and should be on {wanted} ({}); check the nodes with `tm cluster status`",
                holders.len(),
                refused.join("; ")
            );
            return Err(ActorsError::Store { detail });
        }
        Ok(holders)
    }

    /// Fetches those of these files that this node should hold and does not; returns how many came.
    pub(crate) async fn repair(&self, wanted: impl IntoIterator<Item = BlobHash>) -> usize {
        let mut members = self.up();
        members.push(self.node.to_string());
        let mut count = 0;
        for hash in wanted {
            let ours = choose::should_hold(hash, &members, self.node.as_str(), COPIES);
            if !ours || self.blobs.path(hash).is_some() {
                continue;
            }
            match self.ensure(hash, &[]).await {
                Ok(_) => count += 1,
                Err(error) => {
                    tracing::debug!(%hash, %error, "a file has fewer copies than it should")
                }
            }
        }
        count
    }

    fn candidates(&self, hash: BlobHash, hints: &[String]) -> Vec<String> {
        let up = self.up();
        let mut found: Vec<String> =
            hints.iter().filter(|hint| up.contains(hint)).cloned().collect();
        for peer in choose::ranked(hash, &up) {
            if !found.contains(&peer) {
                found.push(peer);
            }
        }
        found
    }

    /// Returns the other members that are up.
    fn up(&self) -> Vec<String> {
        self.control.read(|state| {
            state
                .nodes
                .iter()
                .filter(|(name, node)| {
                    *name != self.node.as_str() && node.member() && node.down_since_ms.is_none()
                })
                .map(|(name, _)| name.to_owned())
                .collect()
        })
    }

    fn turn(&self, hash: BlobHash) -> Arc<tokio::sync::Mutex<()>> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = under_way.get(&hash).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(tokio::sync::Mutex::new(()));
        under_way.insert(hash, Arc::downgrade(&turn));
        turn
    }
}

fn missing(hash: BlobHash, asked: &[String]) -> ActorsError {
    let reason = if asked.is_empty() {
        "it is not on this node and there is nobody else to ask; import it again".to_owned()
    } else {
        format!(
            "nobody who is up has it ({}); start the node that does, or import it again",
            asked.join("; ")
        )
    };
    ActorsError::NotFound { what: "file", id: hash.to_string(), reason }
}
