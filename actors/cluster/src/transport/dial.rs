//! Opens connections to peers: TCP, TLS, the acceptor's first byte; each step with its own time limit.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls;

use super::{NOT_SERVED, TOO_MANY, Tls, WELCOME, socket};
use crate::error::NetError;
use crate::net::{BoxStream, Boxed, Net, Plane};

/// Addresses of one name that are tried, one after the other.
const ADDRESSES_MAX: usize = 4;

/// Times for one dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialLimits {
    /// Until the name is resolved and TCP stands.
    pub connect: Duration,
    /// Until the peer has proven who it is and has taken us in.
    pub handshake: Duration,
    /// The address to come from; the system chooses when there is none.
    pub local: Option<IpAddr>,
}

impl Default for DialLimits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), handshake: Duration::from_secs(3), local: None }
    }
}

/// The [`Net`] of a node.
#[derive(Debug, Clone)]
pub struct Dialer {
    tls: Arc<Tls>,
    limits: DialLimits,
}

impl Dialer {
    /// Makes a dialer that presents the certificate of `tls`.
    #[must_use]
    pub fn new(tls: Arc<Tls>, limits: DialLimits) -> Self {
        Self { tls, limits }
    }

    async fn open(&self, peer: &str, address: &str, plane: Plane) -> Result<BoxStream, NetError> {
        let (peer_name, at) = (peer.to_owned(), address.to_owned());
        let unreachable = |reason: String| NetError::Unreachable {
            peer: peer_name.clone(),
            address: at.clone(),
            reason,
        };
        let untrusted = |reason: String| NetError::Untrusted {
            peer: peer_name.clone(),
            address: at.clone(),
            reason,
        };
        let name = self.tls.name_of(peer).map_err(|error| untrusted(error.to_string()))?;
        let tcp = timeout(self.limits.connect, connect(address, self.limits.local))
            .await
            .map_err(|_| unreachable(format!("no answer within {:?}", self.limits.connect)))?
            .map_err(|error| unreachable(error.to_string()))?;
        let connector = TlsConnector::from(self.tls.client(plane));
        let handshake = async {
            let mut stream = connector.connect(name, tcp).await?;
            let first = stream.read_u8().await?;
            Ok::<_, io::Error>((stream, first))
        };
        let (stream, first) = timeout(self.limits.handshake, handshake)
            .await
            .map_err(|_| unreachable(format!("no handshake within {:?}", self.limits.handshake)))?
            .map_err(|error| match proof(&error) {
                true => untrusted(error.to_string()),
                false => unreachable(error.to_string()),
            })?;
        agreed(&stream, plane).map_err(untrusted)?;
        match first {
            WELCOME => Ok(Box::new(stream)),
            TOO_MANY => {
                Err(unreachable("it has enough connections of ours on this plane".to_owned()))
            }
            NOT_SERVED => {
                Err(unreachable("it does not serve this plane at this moment".to_owned()))
            }
            other => Err(untrusted(format!("it greets with {other}, which is no greeting"))),
        }
    }
}

impl Net for Dialer {
    fn dial<'a>(
        &'a self,
        peer: &'a str,
        address: &'a str,
        plane: Plane,
    ) -> Boxed<'a, Result<BoxStream, NetError>> {
        Box::pin(self.open(peer, address, plane))
    }
}

async fn connect(address: &str, local: Option<IpAddr>) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for target in lookup_host(address).await?.take(ADDRESSES_MAX) {
        match connect_to(target, local).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn connect_to(target: SocketAddr, local: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if target.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(local) = local.filter(|local| local.is_ipv4() == target.is_ipv4()) {
        socket.bind(SocketAddr::new(local, 0))?;
    }
    let stream = socket.connect(target).await?;
    socket::prepare(&stream)?;
    Ok(stream)
}

/// Says whether a failure is about who somebody is rather than about the way there.
fn proof(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.downcast_ref::<rustls::Error>().is_some())
}

/// Checks that the acceptor took the protocol we asked for; a server that ignores ALPN is none of ours (RFC 7301 3.1).
fn agreed(stream: &TlsStream<TcpStream>, plane: Plane) -> Result<(), String> {
    match stream.get_ref().1.alpn_protocol().and_then(Plane::from_alpn) {
        Some(found) if found == plane => Ok(()),
        Some(_) | None => Err("it did not agree to the plane we asked for".to_owned()),
    }
}
