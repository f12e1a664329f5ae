//! How a peer is started, and why it may not start.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use crate::control::state::Capacity;
use crate::control::{Clock, ControlError, RaftTiming};
use crate::lease::{BootClock, LeaseTimes};
use crate::link::LinkError;
use crate::membership::join::JoinRefusal;
use crate::transport::{TlsFiles, TransportError, is_label};

/// A member that can be asked to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// Its name: its certificate must bear it.
    pub node: String,
    /// `host:port` of its cluster port.
    pub address: String,
}

impl FromStr for Seed {
    type Err = String;

    /// Reads `name@host:port`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("'{text}' is no member; write NAME@HOST:PORT, for example a@10.0.0.1:7700");
        let (node, address) = text.split_once('@').ok_or_else(wrong)?;
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        if !is_label(node) || host.is_empty() || port.parse::<u16>().is_err() {
            return Err(wrong());
        }
        Ok(Self { node: node.to_owned(), address: address.to_owned() })
    }
}

/// How a peer is started.
#[derive(Clone)]
pub struct PeerSettings {
    /// Name of this node; its certificate bears it.
    pub node: String,
    /// Name of the cluster; every certificate bears it.
    pub cluster: String,
    /// The secret that members share.
    pub token: String,
    /// The starts of this node, this one included; durable.
    pub incarnation: u64,
    /// Makes a later start number durable: for a node whose disk was lost or copied.
    pub raise_incarnation: Arc<dyn Fn(u64) -> Result<(), String> + Send + Sync>,
    /// Made up at this start.
    pub boot_id: [u8; 16],
    /// Where peers connect.
    pub listen: SocketAddr,
    /// `host:port` under which peers reach this node.
    pub advertise: String,
    /// URL of the gateway; empty without one.
    pub gateway_url: String,
    /// The certificates.
    pub tls: TlsFiles,
    /// Members to ask the first time.
    pub seeds: Vec<Seed>,
    /// Labels, for placement.
    pub labels: BTreeMap<String, String>,
    /// Roles, for placement.
    pub roles: Vec<String>,
    /// Version of the program.
    pub build: String,
    /// What may be reserved here.
    pub capacity: Capacity,
    /// Where `member.json` and the control plane's scratch files are.
    pub data_dir: PathBuf,
    /// Times of leases, checked.
    pub lease_times: LeaseTimes,
    /// Times of the agreement; the binding ones where absent.
    pub raft_timing: Option<RaftTiming>,
    /// Says how busy this node is.
    pub report: Arc<dyn Fn() -> Vec<u8> + Send + Sync>,
    /// A clock that also runs while the machine sleeps, ms.
    pub boot_clock: BootClock,
    /// Milliseconds since 1970 UTC.
    pub wall_clock: Clock,
}

impl std::fmt::Debug for PeerSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerSettings")
            .field("node", &self.node)
            .field("cluster", &self.cluster)
            .field("incarnation", &self.incarnation)
            .field("listen", &self.listen)
            .field("advertise", &self.advertise)
            .finish_non_exhaustive()
    }
}

/// A peer cannot take part.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// Certificates or the port.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The control plane.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The links.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The cluster does not let this node in.
    #[error("the cluster does not admit this node: {0}")]
    Refused(#[from] JoinRefusal),
    /// No record, and nobody to ask.
    #[error(
        "this node belongs to no cluster yet: make one here with `tm cluster init`, or name members under [cluster] join"
    )]
    NoSeeds,
    /// The data directory holds the state of a node that was alone.
    #[error(
        "the data directory holds the state of a node that stands alone: `tm cluster init` makes a cluster of it, joining another one needs an empty directory"
    )]
    HasOwnState,
    /// The agreed state has no cluster identity although this node was admitted.
    #[error("the agreed state names no cluster: its first node has not finished `tm cluster init`")]
    NoCluster,
    /// The record is another cluster's or node's.
    #[error("{}: {reason}", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A thread did not start or a later start number was not kept.
    #[error("this peer could not be started: {reason}")]
    Start {
        /// What was said.
        reason: String,
    },
}

impl PeerError {
    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Record { path: path.to_owned(), reason: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_read_and_anything_else_is_named() {
        let seed: Seed = "a@[::1]:7700".parse().unwrap();
        assert_eq!((seed.node.as_str(), seed.address.as_str()), ("a", "[::1]:7700"));
        for wrong in ["", "a", "a@b", "@b:1", "A@b:1", "a@:1", "a@b:x", "a@b:70000"] {
            assert!(wrong.parse::<Seed>().unwrap_err().contains("NAME@HOST:PORT"), "{wrong}");
        }
    }
}
