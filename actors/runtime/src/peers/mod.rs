//! The other nodes as the actors of this one see them: who takes part, how they are reached, what they answer.
//!
//! Alone, a node is its own whole cluster: nothing here talks to anybody.

pub(crate) mod question;

use cluster::control::RaftView;
use cluster::lease::NodeReport;
use cluster::net::Boxed;
use cluster::router::LinkView;
use store::BlobHash;

pub(crate) use question::{Answer, Question, TailAnswer, TailAsk};

/// This node's lease in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeaseShort {
    /// Whether this node may act now.
    pub(crate) held: bool,
    /// For how long it still may, ms.
    pub(crate) left_ms: u64,
}

/// Everything the actors need of the other nodes.
pub(crate) trait Peers: Send + Sync {
    /// Returns the agreement as this node sees it; nothing where the node stands alone.
    fn agreement(&self) -> Option<RaftView>;

    /// Returns this node's links.
    fn links(&self) -> Vec<LinkView>;

    /// Returns the newest load reports of all nodes, this one included, in the order of names.
    fn reports(&self) -> Vec<NodeReport>;

    /// Returns this node's lease; nothing where the node stands alone and needs none.
    fn lease(&self) -> Option<LeaseShort>;

    /// Asks another node; bounded in time.
    fn ask<'a>(&'a self, node: &'a str, question: Question) -> Boxed<'a, Result<Answer, String>>;

    /// Tells which of these files a peer has, in their order.
    fn have<'a>(
        &'a self,
        node: &'a str,
        hashes: &'a [BlobHash],
    ) -> Boxed<'a, Result<Vec<bool>, String>>;

    /// Gets a file from a peer into this node's files; checked against its hash, resumed where it was cut.
    fn fetch<'a>(&'a self, node: &'a str, hash: BlobHash) -> Boxed<'a, Result<(), String>>;

    /// Has a peer get a file from here; answered when it is durable there.
    fn offer<'a>(&'a self, node: &'a str, hash: BlobHash) -> Boxed<'a, Result<(), String>>;
}

/// Nobody else is there.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Alone;

fn nobody<T: Send + 'static>() -> Boxed<'static, Result<T, String>> {
    Box::pin(async { Err("this node stands alone".to_owned()) })
}

impl Peers for Alone {
    fn agreement(&self) -> Option<RaftView> {
        None
    }

    fn links(&self) -> Vec<LinkView> {
        Vec::new()
    }

    fn reports(&self) -> Vec<NodeReport> {
        Vec::new()
    }

    fn lease(&self) -> Option<LeaseShort> {
        None
    }

    fn ask<'a>(&'a self, _: &'a str, _: Question) -> Boxed<'a, Result<Answer, String>> {
        nobody()
    }

    fn have<'a>(&'a self, _: &'a str, _: &'a [BlobHash]) -> Boxed<'a, Result<Vec<bool>, String>> {
        nobody()
    }

    fn fetch<'a>(&'a self, _: &'a str, _: BlobHash) -> Boxed<'a, Result<(), String>> {
        nobody()
    }

    fn offer<'a>(&'a self, _: &'a str, _: BlobHash) -> Boxed<'a, Result<(), String>> {
        nobody()
    }
}
