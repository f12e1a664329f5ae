//! Nodes as the world sees them: what they have, what is reserved, what is in use; the cluster, and what operators ask
//! of its nodes.

use engine::ids::NodeId;
use ractor::RpcReplyPort;
use ractor_cluster_derive::RactorMessage;

use super::{Command, ask, ask_within};
use crate::directory::Directory;
use crate::error::ActorsError;
use crate::views::{ClusterView, LinkView, NodeView};

/// Name in the directory and the tree.
pub(crate) const NAME: &str = "nodes";

/// What one look at the machine showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    /// Wall time, milliseconds.
    pub(crate) at_ms: i64,
    /// Cores in use, 0 to 1 of all cores.
    pub(crate) cpu_ratio: Option<f64>,
    /// Bytes in use.
    pub(crate) memory_used_bytes: Option<u64>,
    /// Free share of the data directory's file system, 0 to 1.
    pub(crate) disk_free_ratio: Option<f64>,
}

/// What an operator can ask of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeVerb {
    /// Take no new sessions, keep its own.
    Cordon,
    /// Take sessions again.
    Uncordon,
    /// Give its sessions away.
    Drain,
    /// Stay after all.
    Undrain,
    /// Leave the cluster for good.
    Decommission,
}

impl NodeVerb {
    /// Returns the word in paths and sentences.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cordon => "cordon",
            Self::Uncordon => "uncordon",
            Self::Drain => "drain",
            Self::Undrain => "undrain",
            Self::Decommission => "decommission",
        }
    }
}

/// How current the answers of this node are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The last change that this node has applied.
    pub applied_index: u64,
    /// Whether changes can be agreed upon, as far as this node knows.
    pub quorum: bool,
}

type Reply<T> = RpcReplyPort<Result<T, ActorsError>>;

/// Everything the nodes actor can be told or asked. Stays in this process.
#[derive(Debug, RactorMessage)]
pub(crate) enum NodesMsg {
    /// All nodes.
    List { reply: Reply<Vec<NodeView>> },
    /// The cluster and its members.
    Cluster { reply: Reply<ClusterView> },
    /// The links of a node.
    Links { node: NodeId, reply: Reply<Vec<LinkView>> },
    /// An operator asks something of a node.
    Order { command: Command, node: NodeId, verb: NodeVerb, reply: Reply<NodeView> },
    /// An operator lets the cluster write what all its members read now.
    FinalizeUpgrade { command: Command, reply: Reply<ClusterView> },
    /// How current is this node?
    Standing { reply: Reply<Standing> },
    /// Answered once this node has applied so much.
    Reach { index: u64, reply: Reply<()> },
    /// Answered once this node has applied everything that was answered anywhere before.
    Barrier { reply: Reply<u64> },
    /// The sampler looked at this machine.
    Sampled(Sample),
}

/// The door to nodes.
#[derive(Debug, Clone)]
pub struct NodesHandle {
    directory: Directory,
}

impl NodesHandle {
    pub(crate) fn new(directory: Directory) -> Self {
        Self { directory }
    }

    /// Returns every node, by id.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn list(&self) -> Result<Vec<NodeView>, ActorsError> {
        ask(&self.directory, NAME, |reply| NodesMsg::List { reply }).await
    }

    /// Returns one node.
    ///
    /// # Errors
    /// Refuses when there is none of that name.
    pub async fn get(&self, node: &NodeId) -> Result<NodeView, ActorsError> {
        let found = self.list().await?.into_iter().find(|view| view.id == *node);
        found.ok_or_else(|| unknown(node.as_str()))
    }

    /// Returns the cluster as this node sees it.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn cluster(&self) -> Result<ClusterView, ActorsError> {
        ask(&self.directory, NAME, |reply| NodesMsg::Cluster { reply }).await
    }

    /// Returns the links of a node, by the other end's name.
    ///
    /// # Errors
    /// Refuses an unknown node; tells when that node does not answer.
    pub async fn links(&self, node: NodeId) -> Result<Vec<LinkView>, ActorsError> {
        ask(&self.directory, NAME, |reply| NodesMsg::Links { node, reply }).await
    }

    /// Asks something of a node and returns it as it is then. Repeating a command returns what stands.
    ///
    /// # Errors
    /// Refuses what the node's state does not allow, and a decommission that would leave the cluster unable to agree.
    pub async fn order(
        &self,
        command: Command,
        node: NodeId,
        verb: NodeVerb,
    ) -> Result<NodeView, ActorsError> {
        ask(&self.directory, NAME, |reply| NodesMsg::Order { command, node, verb, reply }).await
    }

    /// Raises the cluster's version to the newest that every member knows, and returns the cluster as it is then.
    /// Repeating a command returns what stands.
    ///
    /// # Errors
    /// Refuses when no newer version is known to everybody, naming who is behind.
    pub async fn finalize_upgrade(&self, command: Command) -> Result<ClusterView, ActorsError> {
        ask(&self.directory, NAME, |reply| NodesMsg::FinalizeUpgrade { command, reply }).await
    }

    /// Returns how current the answers of this node are.
    ///
    /// # Errors
    /// Tells when the actor does not answer.
    pub async fn standing(&self) -> Result<Standing, ActorsError> {
        ask_within(&self.directory, NAME, 1_000, |reply| NodesMsg::Standing { reply }).await
    }

    /// Waits until this node has applied the change numbered `index`.
    ///
    /// # Errors
    /// Tells when it has not within 2 s.
    pub async fn reach(&self, index: u64) -> Result<(), ActorsError> {
        ask(&self.directory, NAME, |reply| NodesMsg::Reach { index, reply }).await
    }

    /// Waits until this node has applied everything that was answered anywhere before this call.
    ///
    /// # Errors
    /// Tells when no majority is reached.
    pub async fn barrier(&self) -> Result<u64, ActorsError> {
        ask(&self.directory, NAME, |reply| NodesMsg::Barrier { reply }).await
    }
}

/// Says that there is no such node.
pub(crate) fn unknown(node: &str) -> ActorsError {
    ActorsError::NotFound {
        what: "node",
        id: node.to_owned(),
        reason: "no member of the cluster has this name; see the list of nodes".to_owned(),
    }
}
