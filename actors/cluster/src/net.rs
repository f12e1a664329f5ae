//! How bytes reach a peer: the types shared by everything that talks between nodes. No sockets here.
//!
//! One public port carries three planes, told apart by ALPN; see `docs/architecture.md`.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::NetError;

/// What a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plane {
    /// Raft, leases, join, forwarded commands.
    Ctl,
    /// Messages between actors.
    Act,
    /// Files.
    Blob,
}

impl Plane {
    /// Every plane.
    pub const ALL: [Self; 3] = [Self::Ctl, Self::Act, Self::Blob];

    /// Returns its protocol name in the TLS handshake.
    #[must_use]
    pub fn alpn(self) -> &'static [u8] {
        match self {
            Self::Ctl => b"ctl/1",
            Self::Act => b"act/1",
            Self::Blob => b"blob/1",
        }
    }

    /// Returns the plane of a protocol name.
    #[must_use]
    pub fn from_alpn(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|plane| plane.alpn() == name)
    }
}

/// Both directions of a connection whose other end is proven to be who it says.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// A stream of any kind.
pub type BoxStream = Box<dyn Stream>;

/// A connection that a peer opened.
pub struct Incoming {
    /// Name of the peer, read from its certificate.
    pub peer: String,
    /// Where it comes from.
    pub address: SocketAddr,
    /// What it carries.
    pub plane: Plane,
    /// The connection.
    pub stream: BoxStream,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming")
            .field("peer", &self.peer)
            .field("address", &self.address)
            .field("plane", &self.plane)
            .finish_non_exhaustive()
    }
}

/// A future in a box.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Opens connections to peers: TLS in a node, pipes in tests.
pub trait Net: Send + Sync + 'static {
    /// Connects to `address` and proves that `peer` answers there. Bounded in time.
    fn dial<'a>(
        &'a self,
        peer: &'a str,
        address: &'a str,
        plane: Plane,
    ) -> Boxed<'a, Result<BoxStream, NetError>>;
}

/// Knows where peers are reached: applied control state, and the configured seeds before there is one.
pub trait AddressBook: Send + Sync + 'static {
    /// Returns `host:port` of a peer's cluster port.
    fn address(&self, peer: &str) -> Option<String>;

    /// Returns the names of all other members.
    fn peers(&self) -> Vec<String>;
}
