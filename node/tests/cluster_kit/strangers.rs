//! Who is no member and knocks all the same: no certificate, another cluster's, plain TCP, silence, noise, old
//! protocols, a second process of one name. Each must get nothing and slow nobody.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cluster::transport::certs::{self, CA_FILE, NODE_FILE, NODE_KEY_FILE};
use cluster::transport::hello::{HELLO_WITHIN, Hello, HelloError, Role, meet};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::site::Site;
use super::space::connect;

/// A listener closes whoever it does not know within this.
const CLOSED_WITHIN: Duration = Duration::from_secs(8);
/// The most that a stranger is told: a TLS alert.
const ALERT_BYTES: usize = 7;

/// A client of our own making: believes the CA in `ca`, shows what is in `own`, asks for a plane.
fn connector(ca: &Path, own: Option<&Path>, alpn: &[u8]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(dir) => {
            let chain = CertificateDer::pem_file_iter(dir.join(NODE_FILE)).unwrap();
            let key = PrivateKeyDer::from_pem_file(dir.join(NODE_KEY_FILE)).unwrap();
            builder.with_client_auth_cert(chain.map(Result::unwrap).collect(), key).unwrap()
        }
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// Strangers at one node's cluster port.
pub struct Strangers<'a> {
    site: &'a Site,
    node: usize,
    from: Option<String>,
}

impl<'a> Strangers<'a> {
    /// Strangers of a node; they come from the bridge where there are namespaces.
    pub fn of(site: &'a Site, node: usize) -> Self {
        let from = site.spaces.as_ref().map(super::space::Spaces::hub);
        Self { site, node, from }
    }

    fn address(&self) -> SocketAddr {
        self.site.nodes[self.node].peer_address
    }

    fn tcp(&self) -> TcpStream {
        connect(self.from.as_deref(), self.address()).unwrap()
    }

    /// Speaks TLS with a certificate and waits for the first byte of a greeting.
    async fn knock(
        &self,
        own: Option<&Path>,
        alpn: &[u8],
    ) -> Result<TlsStream<tokio::net::TcpStream>, String> {
        let node = &self.site.nodes[self.node];
        let tcp = self.tcp();
        tcp.set_nonblocking(true).unwrap();
        let tcp = tokio::net::TcpStream::from_std(tcp).unwrap();
        let name = ServerName::try_from(format!("{}.tm.tm", node.name)).unwrap();
        let ca = node.dir.join("tls").join(CA_FILE);
        let talk = async {
            let mut stream = connector(&ca, own, alpn).connect(name, tcp).await?;
            let greeting = stream.read_u8().await?;
            Ok::<_, std::io::Error>((stream, greeting))
        };
        match tokio::time::timeout(CLOSED_WITHIN, talk).await {
            Err(_) => Err(format!("neither greeted nor closed within {CLOSED_WITHIN:?}")),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok((_, greeting))) if greeting != 1 => Err(format!("greeted with {greeting}")),
            Ok(Ok((stream, _))) => Ok(stream),
        }
    }

    /// Knocks without a certificate and with those of another cluster; a known one must be let in.
    pub async fn with_wrong_certificates(&self) -> Result<(), String> {
        let other = self.site.dir.path().join("other");
        if !other.exists() {
            let (ca, dir) = (other.join("ca"), other.join("tls"));
            certs::make_ca(&ca, "tm").unwrap();
            certs::make_node(&ca, "tm", "b", &["127.0.0.1".to_owned()], &dir).unwrap();
        }
        for plane in [&b"ctl/1"[..], b"act/1", b"blob/1"] {
            for (what, own) in [("no certificate", None), ("another CA's", Some(other.join("tls")))]
            {
                if self.knock(own.as_deref(), plane).await.is_ok() {
                    return Err(format!("a stranger with {what} was greeted"));
                }
            }
        }
        let member = self.site.nodes[(self.node + 1) % self.site.nodes.len()].dir.join("tls");
        // So it was the certificate, not the way of asking.
        self.knock(Some(&member), b"ctl/1").await.map(drop)
    }

    /// Sends plain HTTP and noise; at most an alert may come back before the connection closes.
    pub fn with_plain_tcp(&self) -> Result<(), String> {
        let noise = [0xA5_u8; 4096];
        for words in [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], &noise[..]] {
            let mut stream = self.tcp();
            stream.set_read_timeout(Some(CLOSED_WITHIN)).unwrap();
            // It may be closed while we still write.
            drop(stream.write_all(words));
            let mut got = Vec::new();
            let ended = stream.read_to_end(&mut got);
            if let Err(error) = ended
                && error.kind() == std::io::ErrorKind::WouldBlock
            {
                return Err("plain TCP was not closed".to_owned());
            }
            if ALERT_BYTES < got.len() {
                return Err(format!("plain TCP got {} bytes", got.len()));
            }
        }
        Ok(())
    }

    /// Opens so many connections that say nothing, and returns them.
    pub fn silent(&self, count: usize) -> Vec<TcpStream> {
        let dial = |_| connect(self.from.as_deref(), self.address()).ok();
        (0..count).filter_map(dial).collect()
    }

    /// Comes with a member's certificate and a Hello of its own making, on every plane that hears one from that
    /// side (links are dialed by the smaller name); it must be refused with this code.
    async fn refused_as(
        &self,
        member: usize,
        wanted: u8,
        change: impl Fn(&mut Hello),
    ) -> Result<(), String> {
        let mut planes = vec![&b"blob/1"[..]];
        if member < self.node {
            planes.push(b"act/1");
        }
        for plane in planes {
            let code = self.greet_as(member, plane, &change).await?;
            if code != wanted {
                return Err(format!("refused with {code}, not with {wanted}"));
            }
        }
        Ok(())
    }

    async fn greet_as(
        &self,
        member: usize,
        plane: &[u8],
        change: &impl Fn(&mut Hello),
    ) -> Result<u8, String> {
        let view = self.site.look(self.node, "/api/v1/cluster").await.ok_or("no /cluster")?;
        let one = &self.site.nodes[member];
        let members = view["members"].as_array().cloned().unwrap_or_default();
        let known = members.iter().find(|member| member["node"] == one.name.as_str());
        let mut hello = Hello {
            cluster_id: view["id"].as_str().unwrap_or_default().to_owned(),
            node_id: one.name.clone(),
            incarnation: known.and_then(|known| known["incarnation"].as_u64()).unwrap_or_default(),
            boot_id: 0x57_0B_AD,
            proto_min: 1,
            proto_max: 1,
            build: "stranger".to_owned(),
            sent_at_ms: super::boot_ns() / 1_000_000,
            extensions: Vec::new(),
        };
        change(&mut hello);
        let mut stream = self.knock(Some(&one.dir.join("tls")), plane).await?;
        match meet(&mut stream, &hello, Role::Dialer, HELLO_WITHIN, |_| None).await {
            Err(HelloError::RefusedByPeer { code, .. }) => Ok(code),
            Err(error) => Err(format!("expected to be refused, got: {error}")),
            Ok(met) => Err(format!("was met by {:?}", met.hello)),
        }
    }

    /// Speaks only a version that nobody speaks any more.
    pub async fn with_an_old_protocol(&self, member: usize) -> Result<(), String> {
        self.refused_as(member, 3, |hello| (hello.proto_min, hello.proto_max) = (0, 0)).await
    }

    /// Claims to be a member that runs: the same start of it, another process.
    pub async fn as_a_second_process(&self, member: usize) -> Result<(), String> {
        self.refused_as(member, 5, |_| {}).await
    }

    /// Announces a frame far above the limit, as a member, on each plane.
    pub async fn with_an_oversized_frame(&self, member: usize) -> Result<(), String> {
        let own = self.site.nodes[member].dir.join("tls");
        for plane in [&b"ctl/1"[..], b"act/1", b"blob/1"] {
            let mut stream = self.knock(Some(&own), plane).await?;
            let announced = [&b"TMHI"[..], &[0xFF; 60]].concat();
            // It may be closed while we still write.
            drop(stream.write_all(&announced).await);
            drop(stream.flush().await);
            let mut got = Vec::new();
            let ended = tokio::time::timeout(CLOSED_WITHIN, stream.read_to_end(&mut got)).await;
            if ended.is_err() {
                return Err(format!("an oversized frame on {plane:?} keeps its connection"));
            }
        }
        Ok(())
    }
}

/// Returns the state of a node's link to another, as the node itself sees it.
pub async fn link_state(site: &Site, node: usize, peer: usize) -> Option<String> {
    let links = site.look(node, &format!("/api/v1/nodes/{}/links", site.nodes[node].name)).await?;
    let wanted = Value::from(site.nodes[peer].name.as_str());
    let rows = links["items"].as_array()?;
    let found = rows.iter().find(|link| link["peer"] == wanted)?;
    found["state"].as_str().map(str::to_owned)
}
