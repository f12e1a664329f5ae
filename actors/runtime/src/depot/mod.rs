//! Files beyond this node: what is needed here is fetched from whoever has it, what counts is kept on two nodes.
//!
//! Alone, a node is its own and only holder and nothing here talks to anybody.

mod choose;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use cluster::control::ControlHandle;
use engine::ids::NodeId;
use store::{BlobHash, Blobs};

use crate::error::ActorsError;
use crate::peers::Peers;

/// Nodes that hold a file that counts.
const COPIES: usize = 2;

/// Files that a node is asked for in one question.
const ASKED_MAX: usize = 256;

/// Files of the whole cluster, as seen from one node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Depot {
    node: NodeId,
    blobs: Blobs,
    control: ControlHandle,
    peers: Arc<dyn Peers>,
    /// One fetch per file at a time; those who want the same file wait for it.
    under_way: Arc<Mutex<BTreeMap<BlobHash, Weak<tokio::sync::Mutex<()>>>>>,
}

impl std::fmt::Debug for Depot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Depot").field("node", &self.node).finish_non_exhaustive()
    }
}

impl Depot {
    /// Returns the depot of a node.
    pub(crate) fn new(
        node: NodeId,
        blobs: Blobs,
        control: ControlHandle,
        peers: Arc<dyn Peers>,
    ) -> Self {
        Self { node, blobs, control, peers, under_way: Arc::default() }
    }

    /// Whether this node is its own whole cluster.
    pub(crate) fn alone(&self) -> bool {
        self.peers.agreement().is_none()
    }

    /// Returns where a file lies here, after fetching it if need be. `hints` are asked first.
    ///
    /// # Errors
    /// As [`Self::ensure_told`].
    pub(crate) async fn ensure(
        &self,
        hash: BlobHash,
        hints: &[String],
    ) -> Result<PathBuf, ActorsError> {
        self.ensure_told(hash, hints, |_| {}).await
    }

    /// As [`Self::ensure`]; `tell` hears from whom the file is about to be fetched.
    ///
    /// # Errors
    /// [`ActorsError::NotFound`] when every member was asked and nobody has it; [`ActorsError::Unanswered`] when
    /// somebody who may have it is not reached now. Both name everybody who was asked.
    pub(crate) async fn ensure_told(
        &self,
        hash: BlobHash,
        hints: &[String],
        tell: impl Fn(&str) + Send + Sync,
    ) -> Result<PathBuf, ActorsError> {
        if let Some(path) = self.blobs.path(hash) {
            return Ok(path);
        }
        if self.alone() {
            return Err(missing(hash, &[]));
        }
        let turn = self.turn(hash);
        let _mine = turn.lock().await;
        if let Some(path) = self.blobs.path(hash) {
            return Ok(path);
        }
        let mut asked = Vec::new();
        // Somebody who is away may have it.
        let mut certain = self.away().is_empty();
        for peer in self.candidates(hash, hints) {
            let found = match self.peers.have(&peer, &[hash]).await {
                Ok(found) if found.first() == Some(&true) => {
                    tell(&peer);
                    self.peers.fetch(&peer, hash).await
                }
                Ok(_) => {
                    asked.push(format!("{peer}: has it not"));
                    continue;
                }
                Err(error) => Err(error),
            };
            match (found, self.blobs.path(hash)) {
                (Ok(()), Some(path)) => return Ok(path),
                (Ok(()), None) => asked.push(format!("{peer}: it was not kept")),
                (Err(error), _) => asked.push(format!("{peer}: {error}")),
            }
            certain = false;
        }
        asked.extend(self.away().into_iter().map(|peer| format!("{peer}: is down")));
        Err(if certain { missing(hash, &asked) } else { unreached(hash, &asked) })
    }

    /// Puts a file that is here on a second node and returns all known holders, this node first.
    ///
    /// # Errors
    /// Where another node is up and none took the file: what is on one node only does not count.
    pub(crate) async fn replicate(&self, hash: BlobHash) -> Result<Vec<String>, ActorsError> {
        let mut holders = vec![self.node.to_string()];
        if self.alone() {
            return Ok(holders);
        }
        let others = self.linked(self.candidates(hash, &[]));
        let wanted = COPIES.min(self.up().len() + 1);
        let mut refused = Vec::new();
        for peer in others {
            if holders.len() == wanted {
                break;
            }
            match self.peers.offer(&peer, hash).await {
                Ok(()) => holders.push(peer),
                Err(error) => refused.push(format!("{peer}: {error}")),
            }
        }
        if wanted <= holders.len() {
            return Ok(holders);
        }
        Err(ActorsError::Unanswered {
            actor: "the other nodes".to_owned(),
            reason: format!(
                "the file {hash} is on {} node and should be on {wanted} ({}); check the nodes with `tm cluster status`",
                holders.len(),
                refused.join("; ")
            ),
        })
    }

    /// Fetches those of these files that this node should hold and does not; returns how many came.
    pub(crate) async fn repair(&self, wanted: impl IntoIterator<Item = BlobHash>) -> usize {
        if self.alone() {
            return 0;
        }
        let up = self.up();
        let mut members = up.clone();
        members.push(self.node.to_string());
        let ours =
            |hash: &BlobHash| choose::should_hold(*hash, &members, self.node.as_str(), COPIES);
        let lacking = wanted.into_iter().filter(|hash| self.blobs.path(*hash).is_none());
        let mut lacking: Vec<BlobHash> = lacking.filter(ours).collect();
        let mut count = 0;
        for peer in up {
            // Some of these hashes name no file at all: everybody is asked for many at once.
            let asked = std::mem::take(&mut lacking);
            for some in asked.chunks(ASKED_MAX) {
                let there = self.peers.have(&peer, some).await.unwrap_or_else(|error| {
                    tracing::debug!(peer, error, "a node did not say which files it has");
                    Vec::new()
                });
                for (at, hash) in some.iter().enumerate() {
                    let here = there.get(at) == Some(&true)
                        && self.ensure(*hash, std::slice::from_ref(&peer)).await.is_ok();
                    if here { count += 1 } else { lacking.push(*hash) }
                }
            }
        }
        count
    }

    /// Returns those that are up, in the order in which they are asked: hints first, then by rank.
    fn candidates(&self, hash: BlobHash, hints: &[String]) -> Vec<String> {
        let up = self.up();
        let mut found: Vec<String> =
            hints.iter().filter(|hint| up.contains(hint)).cloned().collect();
        for peer in choose::ranked(hash, &up) {
            if !found.contains(&peer) {
                found.push(peer);
            }
        }
        // Who is not linked now would only cost time; a link is a hint, so it is still asked at last.
        let (mut first, last): (Vec<String>, Vec<String>) =
            found.into_iter().partition(|peer| self.is_linked(peer));
        first.extend(last);
        first
    }

    /// Returns those of `peers` that are linked; all of them where nothing is known of links.
    fn linked(&self, peers: Vec<String>) -> Vec<String> {
        peers.into_iter().filter(|peer| self.is_linked(peer)).collect()
    }

    fn is_linked(&self, peer: &str) -> bool {
        let links = self.peers.links();
        let ready = |link: &cluster::router::LinkView| {
            link.peer == peer && link.state == cluster::link::LinkState::Ready
        };
        links.is_empty() || links.iter().any(ready)
    }

    /// Returns the other members that are up.
    fn up(&self) -> Vec<String> {
        self.others(true)
    }

    /// Returns the other members that are down.
    fn away(&self) -> Vec<String> {
        self.others(false)
    }

    fn others(&self, up: bool) -> Vec<String> {
        self.control.read(|state| {
            state
                .nodes
                .iter()
                .filter(|(name, node)| {
                    *name != self.node.as_str()
                        && node.member()
                        && node.down_since_ms.is_none() == up
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
        format!("nobody has it ({}); import it again", asked.join("; "))
    };
    ActorsError::NotFound { what: "file", id: hash.to_string(), reason }
}

fn unreached(hash: BlobHash, asked: &[String]) -> ActorsError {
    ActorsError::Unanswered {
        actor: "the other nodes".to_owned(),
        reason: format!(
            "nobody who is reached now has the file {hash} ({}); start the node that does",
            asked.join("; ")
        ),
    }
}
