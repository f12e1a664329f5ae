//! Mutual TLS 1.3 (RFC 8446): who is at the other end, taken from certificates of the cluster's CA and nothing else.
//!
//! An acceptor reads the peer's name from its certificate; a dialer demands the name it wants. Nothing is resumed: a
//! resumed session would bring back a certificate that nobody checks again (RFC 8446 2.2), and links are long-lived.
//! The provider is named explicitly, so that another one compiled into the same program changes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    ServerConfig, SignatureScheme, client::Resumption,
};

use super::{TransportError, certificate_name, certs, is_label, label};
use crate::net::Plane;

/// Where a node's certificates lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The CAs that are trusted.
    pub ca: PathBuf,
    /// This node's certificate, and CAs between it and those trusted, if there are any.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Returns the files as [`certs::make_node`] names them.
    #[must_use]
    pub fn in_dir(dir: &Path) -> Self {
        Self {
            ca: dir.join(certs::CA_FILE),
            certificate: dir.join(certs::NODE_FILE),
            key: dir.join(certs::NODE_KEY_FILE),
        }
    }
}

/// This node's side of every handshake. Shared by listener and dialer; its files may be replaced at any time.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    cluster: String,
    node: String,
    current: ArcSwap<Loaded>,
}

/// What one reading of the files gave.
#[derive(Debug)]
struct Loaded {
    server: Arc<ServerConfig>,
    clients: [Arc<ClientConfig>; Plane::ALL.len()],
    info: certs::CertificateInfo,
}

impl Tls {
    /// Reads the files and checks that they are of this node and of one CA.
    ///
    /// # Errors
    /// When a file cannot be read, is of another node or cluster, has run out, or does not fit the others.
    pub fn load(files: &TlsFiles, cluster: &str, node: &str) -> Result<Arc<Self>, TransportError> {
        label("a cluster's name", cluster)?;
        label("a node's name", node)?;
        let loaded = read(files, cluster, node)?;
        Ok(Arc::new(Self {
            files: files.clone(),
            cluster: cluster.to_owned(),
            node: node.to_owned(),
            current: ArcSwap::from_pointee(loaded),
        }))
    }

    /// Reads the files again. Connections that stand go on; those made from now on use what was read. Returns whether
    /// this node's certificate is another one now.
    ///
    /// # Errors
    /// As [`Self::load`]; what was loaded before then stays in force.
    pub fn reload(&self) -> Result<bool, TransportError> {
        let loaded = read(&self.files, &self.cluster, &self.node).inspect_err(|error| {
            tracing::warn!(%error, "certificates could not be reloaded, the old ones stay in force");
        })?;
        let changed = self.current.load().info.fingerprint != loaded.info.fingerprint;
        tracing::info!(fingerprint = loaded.info.fingerprint, changed, "certificates reloaded");
        self.current.store(Arc::new(loaded));
        Ok(changed)
    }

    /// Returns this node's name.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Returns the cluster's name.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Returns what the certificate in force says.
    #[must_use]
    pub fn info(&self) -> certs::CertificateInfo {
        self.current.load().info.clone()
    }

    pub(super) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().server)
    }

    pub(super) fn client(&self, plane: Plane) -> Arc<ClientConfig> {
        let [ctl, act, blob] = &self.current.load().clients;
        Arc::clone(match plane {
            Plane::Ctl => ctl,
            Plane::Act => act,
            Plane::Blob => blob,
        })
    }

    /// Returns the name that a peer's certificate must carry.
    pub(super) fn name_of(&self, peer: &str) -> Result<ServerName<'static>, TransportError> {
        label("a peer's name", peer)?;
        let name = certificate_name(peer, &self.cluster);
        ServerName::try_from(name.clone()).map_err(|_| TransportError::Name {
            what: "a certificate's name",
            wanted: "a DNS name of at most 253 letters",
            found: name,
        })
    }
}

fn read(files: &TlsFiles, cluster: &str, node: &str) -> Result<Loaded, TransportError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for ca in certs::certificates(&files.ca)? {
        roots.add(ca).map_err(|error| TransportError::certificate(&files.ca, error))?;
    }
    let roots = Arc::new(roots);
    let chain = certs::certificates(&files.certificate)?;
    let leaf = chain
        .first()
        .ok_or_else(|| TransportError::certificate(&files.certificate, "holds no certificate"))?;
    let info = own(files, leaf, cluster, node)?;
    let servers =
        WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
            .build()
            .map_err(|error| TransportError::certificate(&files.ca, error))?;
    trusted(files, &chain, &servers, &certificate_name(node, cluster))?;
    let clients = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(|error| TransportError::certificate(&files.ca, error))?;
    let verifier = Arc::new(PeerVerifier { cluster: cluster.to_owned(), chain: clients });
    let server = server_config(files, &provider, verifier, &chain)?;
    let [ctl, act, blob] =
        Plane::ALL.map(|plane| client_config(files, &provider, &servers, &chain, plane));
    Ok(Loaded { server: Arc::new(server), clients: [ctl?, act?, blob?], info })
}

/// Checks that the certificate names this node.
fn own(
    files: &TlsFiles,
    leaf: &CertificateDer<'_>,
    cluster: &str,
    node: &str,
) -> Result<certs::CertificateInfo, TransportError> {
    let wrong = |reason: String| TransportError::certificate(&files.certificate, reason);
    let info = certs::describe(leaf).map_err(wrong)?;
    let found = peer_name(&info, cluster).map_err(wrong)?;
    if found == node {
        return Ok(info);
    }
    Err(wrong(format!("names node {found:?}, but this node is {node:?}")))
}

/// Checks that the peers, who trust the same CAs, would believe the certificate: better now than at the first handshake.
fn trusted(
    files: &TlsFiles,
    chain: &[CertificateDer<'static>],
    verifier: &WebPkiServerVerifier,
    name: &str,
) -> Result<(), TransportError> {
    let wrong = |reason: String| TransportError::certificate(&files.certificate, reason);
    let (leaf, between) = chain.split_first().ok_or_else(|| wrong("is empty".to_owned()))?;
    let name = ServerName::try_from(name).map_err(|error| wrong(error.to_string()))?;
    verifier.verify_server_cert(leaf, between, &name, &[], UnixTime::now()).map_err(|error| {
        wrong(format!("is not believed with the CAs in {}: {error}", files.ca.display()))
    })?;
    Ok(())
}

fn server_config(
    files: &TlsFiles,
    provider: &Arc<CryptoProvider>,
    verifier: Arc<PeerVerifier>,
    chain: &[CertificateDer<'static>],
) -> Result<ServerConfig, TransportError> {
    let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| TransportError::certificate(&files.certificate, error))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain.to_vec(), key(&files.key)?)
        .map_err(|error| TransportError::certificate(&files.key, error))?;
    config.alpn_protocols = Plane::ALL.iter().map(|plane| plane.alpn().to_vec()).collect();
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn client_config(
    files: &TlsFiles,
    provider: &Arc<CryptoProvider>,
    verifier: &Arc<WebPkiServerVerifier>,
    chain: &[CertificateDer<'static>],
    plane: Plane,
) -> Result<Arc<ClientConfig>, TransportError> {
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| TransportError::certificate(&files.certificate, error))?
        .with_webpki_verifier(Arc::clone(verifier))
        .with_client_auth_cert(chain.to_vec(), key(&files.key)?)
        .map_err(|error| TransportError::certificate(&files.key, error))?;
    config.alpn_protocols = vec![plane.alpn().to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TransportError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = path.metadata().map_err(|error| TransportError::io(path, &error))?;
    if metadata.permissions().mode() & 0o007 != 0 {
        return Err(TransportError::certificate(path, "may be read by everybody: chmod 600 it"));
    }
    let bytes = std::fs::read(path).map_err(|error| TransportError::io(path, &error))?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| TransportError::certificate(path, error))
}

/// Returns the node that a certificate names: its only name of the form `<node>.<cluster>.tm`.
pub(super) fn peer_name(info: &certs::CertificateInfo, cluster: &str) -> Result<String, String> {
    let mut own = info.names.iter().filter(|name| name.ends_with(".tm"));
    let (Some(name), None) = (own.next(), own.next()) else {
        return Err("does not name exactly one node".to_owned());
    };
    let ending = format!(".{cluster}.tm");
    match name.strip_suffix(&ending).filter(|node| is_label(node)) {
        Some(node) => Ok(node.to_owned()),
        None => Err(format!("names {name:?}, which is no node of cluster {cluster:?}")),
    }
}

/// Believes a client whose certificate comes from the cluster's CA and names one node of this cluster.
#[derive(Debug)]
struct PeerVerifier {
    cluster: String,
    chain: Arc<dyn ClientCertVerifier>,
}

impl ClientCertVerifier for PeerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // A stranger need not learn what the CA is called.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chain.verify_client_cert(end_entity, intermediates, now)?;
        let named = certs::describe(end_entity).and_then(|info| peer_name(&info, &self.cluster));
        match named {
            Ok(_) => Ok(verified),
            Err(reason) => {
                tracing::warn!(reason, "a certificate of our CA names no node of this cluster");
                Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
