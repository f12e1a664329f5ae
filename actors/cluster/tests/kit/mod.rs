//! What the tests of the transport share: a cluster's certificates in a directory, and waiting with a deadline.
#![allow(dead_code, reason = "each test file uses its part")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cluster::net::{BoxStream, Incoming, Net, Plane};
use cluster::transport::hello::{Hello, HelloRefusal, Identity, Known, refuse};
use cluster::transport::{DialLimits, Dialer, Limits, Listener, Planes, Tls, TlsFiles, certs};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Nothing here takes so long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A cluster's CA and the certificates of its nodes.
pub(crate) struct Authority {
    pub(crate) dir: TempDir,
    pub(crate) cluster: String,
}

impl Authority {
    pub(crate) fn new(cluster: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        certs::make_ca(&dir.path().join("ca"), cluster).unwrap();
        Self { dir, cluster: cluster.to_owned() }
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.dir.path().join("ca")
    }

    pub(crate) fn of(&self, node: &str) -> PathBuf {
        self.dir.path().join(node)
    }

    /// Makes the certificate of a node, unless it is there, and loads it.
    pub(crate) fn tls(&self, node: &str) -> Arc<Tls> {
        let dir = self.of(node);
        if !dir.exists() {
            let hosts = ["127.0.0.1".to_owned(), "localhost".to_owned()];
            certs::make_node(&self.ca(), &self.cluster, node, &hosts, &dir).unwrap();
        }
        Tls::load(&TlsFiles::in_dir(&dir), &self.cluster, node).unwrap()
    }

    pub(crate) fn listen(&self, node: &str, limits: Limits) -> (Listener, Planes) {
        Listener::bind(any_port(), self.tls(node), limits).unwrap()
    }

    pub(crate) fn dialer(&self, node: &str) -> Dialer {
        Dialer::new(self.tls(node), DialLimits::default())
    }
}

pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "never happened: {what}");
}

/// Dials and says whether bytes go both ways; the acceptor's stream comes from `incoming`.
pub(crate) async fn converse(ours: &mut BoxStream, theirs: &mut Incoming) {
    ours.write_all(b"ping").await.unwrap();
    ours.flush().await.unwrap();
    let mut heard = [0; 4];
    theirs.stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"ping");
    theirs.stream.write_all(b"pong").await.unwrap();
    theirs.stream.flush().await.unwrap();
    ours.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"pong");
}

pub(crate) async fn dial(
    dialer: &Dialer,
    peer: &str,
    listener: &Listener,
    plane: Plane,
) -> Result<BoxStream, cluster::error::NetError> {
    dialer.dial(peer, &listener.local_addr().to_string(), plane).await
}

/// A node that says fixed words and knows fixed things of everybody.
pub(crate) struct Fixed {
    pub(crate) hello: Hello,
    pub(crate) latest: Option<(u64, u128)>,
}

impl Fixed {
    pub(crate) fn new(node: &str) -> Self {
        let hello = Hello {
            cluster_id: "c-1".into(),
            node_id: node.into(),
            incarnation: 1,
            boot_id: 1,
            proto_min: 1,
            proto_max: 1,
            build: "test".into(),
            sent_at_ms: 0,
            extensions: Vec::new(),
        };
        Self { hello, latest: None }
    }
}

impl Identity for Fixed {
    fn hello(&self) -> Hello {
        self.hello.clone()
    }

    fn judge(&self, peer: &str, theirs: &Hello) -> Option<HelloRefusal> {
        refuse(&self.hello, theirs, &Known { certificate: peer.into(), latest: self.latest })
    }
}

/// Copies the CA's bundle to a node, as an operator would.
pub(crate) fn hand_out(from: &Path, to: &Path) {
    std::fs::copy(from.join(certs::CA_FILE), to.join(certs::CA_FILE)).unwrap();
}
