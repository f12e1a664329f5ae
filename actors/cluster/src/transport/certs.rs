//! Makes and rotates the certificates of a cluster: one CA, one leaf per node. Files only, no sockets.
//!
//! A node's certificate names it as `<node>.<cluster>.tm` (subject alternative name, RFC 5280 4.2.1.6), beside the hosts
//! it is reached at. Keys are ECDSA P-256 in files that only their owner reads. `ca.pem` may hold several CAs, the newest
//! first, so that a CA can be replaced without a moment at which two nodes distrust each other:
//! [`rotate_ca`], copy `ca.pem` to every node and reload, [`rotate_node`] everywhere, [`retire_old_cas`], copy again.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, date_time_ymd,
};
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::{TransportError, certificate_name, label};

/// The bundle of CAs, newest first.
pub const CA_FILE: &str = "ca.pem";
/// The key of the newest CA. Needed to sign, never to run a node.
pub const CA_KEY_FILE: &str = "ca.key";
/// A node's certificate.
pub const NODE_FILE: &str = "node.pem";
/// A node's key.
pub const NODE_KEY_FILE: &str = "node.key";

/// How long a CA is valid. Replacing it needs a visit to every node.
const CA_VALID: Duration = Duration::from_secs(10 * 365 * 86_400);
/// How long a node's certificate is valid. Replacing it needs neither a restart nor the other nodes.
const NODE_VALID: Duration = Duration::from_secs(365 * 86_400);
/// Certificates begin this much before they are made: the clocks of nodes differ.
const BACKDATED: Duration = Duration::from_secs(3_600);

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateInfo {
    /// Whom it names, as written.
    pub subject: String,
    /// Who signed it, as written.
    pub issuer: String,
    /// The cluster it was made for, if it says so.
    pub cluster: Option<String>,
    /// DNS names and addresses it vouches for.
    pub names: Vec<String>,
    /// Valid from, seconds since 1970.
    pub not_before_s: i64,
    /// Valid until, seconds since 1970.
    pub not_after_s: i64,
    /// SHA-256 of the certificate, lower-case hexadecimal.
    pub fingerprint: String,
}

/// Makes the CA of a new cluster: `ca.pem` and `ca.key` in `dir`.
///
/// # Errors
/// When `cluster` is no DNS label, when one of the files exists, when they cannot be written.
pub fn make_ca(dir: &Path, cluster: &str) -> Result<CertificateInfo, TransportError> {
    label("a cluster's name", cluster)?;
    let (bundle, key_file) = (dir.join(CA_FILE), dir.join(CA_KEY_FILE));
    absent(&[&bundle, &key_file])?;
    let (pem, key) = new_ca(&bundle, cluster)?;
    create_dir(dir)?;
    write(&key_file, &key.serialize_pem(), KEY_MODE)?;
    write(&bundle, &pem, CERTIFICATE_MODE)?;
    first(&bundle, &pem)
}

/// Makes a node's certificate with the CA in `ca_dir`: `ca.pem`, `node.pem` and `node.key` in `out_dir`.
///
/// `hosts` are further DNS names and addresses; peers do not need them, for they ask for the node's name.
///
/// # Errors
/// When a name does not fit, when a file exists, when the CA cannot be used, when the files cannot be written.
pub fn make_node(
    ca_dir: &Path,
    cluster: &str,
    node: &str,
    hosts: &[String],
    out_dir: &Path,
) -> Result<CertificateInfo, TransportError> {
    absent(&[&out_dir.join(NODE_FILE), &out_dir.join(NODE_KEY_FILE)])?;
    write_node(ca_dir, cluster, node, hosts, out_dir)
}

/// Replaces a node's certificate by a new one with a new key from the CA in `ca_dir`: same node, same hosts, and the
/// CA's present bundle. A running node takes it up at its next reload.
///
/// # Errors
/// When `dir` holds no node's certificate, when the CA cannot be used, when the files cannot be written.
pub fn rotate_node(ca_dir: &Path, dir: &Path) -> Result<CertificateInfo, TransportError> {
    let path = dir.join(NODE_FILE);
    let old = first(&path, &read(&path)?)?;
    let wrong = || TransportError::certificate(&path, "is no certificate of a node");
    let cluster = old.cluster.as_deref().ok_or_else(wrong)?;
    let ending = format!(".{cluster}.tm");
    let (own, hosts): (Vec<String>, Vec<String>) =
        old.names.into_iter().partition(|name| name.ends_with(&ending));
    let node = own.first().and_then(|name| name.strip_suffix(&ending)).ok_or_else(wrong)?;
    write_node(ca_dir, cluster, node, &hosts, dir)
}

/// Makes a new CA beside the old ones: `ca.pem` then holds them all, `ca.key` belongs to the new one.
///
/// # Errors
/// When there is no CA in `dir` yet or the files cannot be written.
pub fn rotate_ca(dir: &Path) -> Result<CertificateInfo, TransportError> {
    let bundle = dir.join(CA_FILE);
    let old = read(&bundle)?;
    let cluster = first(&bundle, &old)?
        .cluster
        .ok_or_else(|| TransportError::certificate(&bundle, "does not say its cluster"))?;
    let (pem, key) = new_ca(&bundle, &cluster)?;
    // The bundle first: a crash between the two leaves the old key without its certificate in front, which is noticed
    // and named when somebody signs; never a CA that nobody trusts.
    write(&bundle, &format!("{pem}{old}"), CERTIFICATE_MODE)?;
    write(&dir.join(CA_KEY_FILE), &key.serialize_pem(), KEY_MODE)?;
    first(&bundle, &pem)
}

/// Leaves only the newest CA in `ca.pem`; what older ones signed is then no longer trusted. Returns how many went.
///
/// # Errors
/// When the bundle cannot be read or written.
pub fn retire_old_cas(dir: &Path) -> Result<usize, TransportError> {
    let bundle = dir.join(CA_FILE);
    let text = read(&bundle)?;
    let count = info(&bundle)?.len();
    let marker = "-----END CERTIFICATE-----";
    let end = text
        .find(marker)
        .ok_or_else(|| TransportError::certificate(&bundle, "holds no certificate"))?;
    let newest = text.get(..end + marker.len()).unwrap_or(&text);
    write(&bundle, &format!("{newest}\n"), CERTIFICATE_MODE)?;
    Ok(count.saturating_sub(1))
}

/// Returns what the certificates in a file say, in their order.
///
/// # Errors
/// When the file cannot be read or holds no readable certificate.
pub fn info(path: &Path) -> Result<Vec<CertificateInfo>, TransportError> {
    certificates(path)?
        .iter()
        .map(|der| describe(der).map_err(|reason| TransportError::certificate(path, reason)))
        .collect()
}

/// Reads the certificates of a PEM file.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    parse(path, &read(path)?)
}

fn parse(path: &Path, text: &str) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let found = found.map_err(|error| TransportError::certificate(path, error))?;
    if found.is_empty() {
        return Err(TransportError::certificate(path, "holds no certificate"));
    }
    Ok(found)
}

fn first(path: &Path, text: &str) -> Result<CertificateInfo, TransportError> {
    let found = parse(path, text)?;
    let der = found.first().ok_or_else(|| TransportError::certificate(path, "is empty"))?;
    describe(der).map_err(|reason| TransportError::certificate(path, reason))
}

/// Returns what a certificate says, without judging it.
pub(super) fn describe(der: &CertificateDer<'_>) -> Result<CertificateInfo, String> {
    let (rest, read) =
        x509_parser::parse_x509_certificate(der).map_err(|error| error.to_string())?;
    if !rest.is_empty() {
        return Err("has bytes after its end".to_owned());
    }
    let organization = read.subject().iter_organization().next();
    let digest = Sha256::digest(der);
    Ok(CertificateInfo {
        subject: read.subject().to_string(),
        issuer: read.issuer().to_string(),
        cluster: organization.and_then(|name| name.as_str().ok()).map(str::to_owned),
        names: names(&read)?,
        not_before_s: read.validity().not_before.timestamp(),
        not_after_s: read.validity().not_after.timestamp(),
        fingerprint: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

fn names(certificate: &X509Certificate<'_>) -> Result<Vec<String>, String> {
    let found = certificate.subject_alternative_name().map_err(|error| error.to_string())?;
    let Some(found) = found else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for name in &found.value.general_names {
        if let GeneralName::DNSName(name) = name {
            names.push((*name).to_owned());
        } else if let GeneralName::IPAddress(bytes) = name {
            names.push(address(bytes).ok_or("has an address that is none")?);
        }
    }
    Ok(names)
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string())
}

fn new_ca(path: &Path, cluster: &str) -> Result<(String, KeyPair), TransportError> {
    let wrong = |error: rcgen::Error| TransportError::certificate(path, error);
    let key = KeyPair::generate().map_err(wrong)?;
    // Two CAs of one cluster have different names, so that whoever looks for the signer finds one, not two.
    let number = uuid::Uuid::new_v4().simple().to_string();
    let mut params = CertificateParams::default();
    params.distinguished_name =
        subject(cluster, &format!("TradeMaster CA {}", number.get(..8).unwrap_or(&number)));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params, CA_VALID);
    let certificate = params.self_signed(&key).map_err(wrong)?;
    Ok((certificate.pem(), key))
}

fn write_node(
    ca_dir: &Path,
    cluster: &str,
    node: &str,
    hosts: &[String],
    out_dir: &Path,
) -> Result<CertificateInfo, TransportError> {
    label("a cluster's name", cluster)?;
    label("a node's name", node)?;
    let bundle = ca_dir.join(CA_FILE);
    let ca = read(&bundle)?;
    let issuer = issuer(ca_dir, &ca, cluster)?;
    let path = out_dir.join(NODE_FILE);
    let wrong = |error: rcgen::Error| TransportError::certificate(&path, error);
    let key = KeyPair::generate().map_err(wrong)?;
    let certificate = leaf(cluster, node, hosts)?.signed_by(&key, &issuer).map_err(wrong)?.pem();
    create_dir(out_dir)?;
    if out_dir.join(CA_FILE) != bundle {
        write(&out_dir.join(CA_FILE), &ca, CERTIFICATE_MODE)?;
    }
    // A node that reloads between the two finds a pair that does not fit, keeps the old one, and is told to reload.
    write(&out_dir.join(NODE_KEY_FILE), &key.serialize_pem(), KEY_MODE)?;
    write(&path, &certificate, CERTIFICATE_MODE)?;
    first(&path, &certificate)
}

fn leaf(cluster: &str, node: &str, hosts: &[String]) -> Result<CertificateParams, TransportError> {
    let own = certificate_name(node, cluster);
    let mut names = vec![own.clone()];
    for host in hosts {
        // A second name of this form would let a node pass for another one.
        if host.to_ascii_lowercase().trim_end_matches('.').ends_with(".tm") {
            return Err(TransportError::Name {
                what: "a host",
                wanted: "a DNS name or address outside .tm, which is kept for nodes",
                found: host.clone(),
            });
        }
        names.push(host.clone());
    }
    let mut params = CertificateParams::new(names).map_err(|error| TransportError::Name {
        what: "a host",
        wanted: "a DNS name or an address",
        found: error.to_string(),
    })?;
    let dns = |name: &SanType| matches!(name, SanType::DnsName(text) if text.as_str() == own);
    debug_assert!(params.subject_alt_names.iter().any(dns), "the node's name is a DNS name");
    params.distinguished_name = subject(cluster, node);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // Every node dials and is dialled.
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    validity(&mut params, NODE_VALID);
    Ok(params)
}

fn issuer(
    ca_dir: &Path,
    bundle: &str,
    cluster: &str,
) -> Result<Issuer<'static, KeyPair>, TransportError> {
    let (path, key_path) = (ca_dir.join(CA_FILE), ca_dir.join(CA_KEY_FILE));
    let found = first(&path, bundle)?;
    if found.cluster.as_deref() != Some(cluster) {
        let owner = found.cluster.unwrap_or_default();
        let reason = format!("belongs to cluster {owner:?}, not to {cluster:?}");
        return Err(TransportError::certificate(&path, reason));
    }
    let key = KeyPair::from_pem(&read(&key_path)?)
        .map_err(|error| TransportError::certificate(&key_path, error))?;
    let certificates = parse(&path, bundle)?;
    let newest = certificates.first().map(AsRef::as_ref).unwrap_or_default();
    let fits = x509_parser::parse_x509_certificate(newest)
        .is_ok_and(|(_, ca)| *ca.public_key().subject_public_key.data == *key.der_bytes());
    if !fits {
        return Err(TransportError::certificate(
            &key_path,
            "is not the key of the first CA in ca.pem",
        ));
    }
    Issuer::from_ca_cert_pem(bundle, key).map_err(|error| TransportError::certificate(&path, error))
}

fn subject(cluster: &str, name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, cluster);
    subject.push(DnType::CommonName, name);
    subject
}

/// Wall time, for certificates speak of nothing else; everything shorter runs on monotonic clocks.
fn validity(params: &mut CertificateParams, valid: Duration) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + now.saturating_sub(BACKDATED);
    params.not_after = epoch + (now + valid);
}

const KEY_MODE: u32 = 0o600;
const CERTIFICATE_MODE: u32 = 0o644;

fn absent(paths: &[&PathBuf]) -> Result<(), TransportError> {
    match paths.iter().find(|path| path.exists()) {
        Some(path) => Err(TransportError::Exists { path: (*path).clone() }),
        None => Ok(()),
    }
}

fn create_dir(dir: &Path) -> Result<(), TransportError> {
    fs::create_dir_all(dir).map_err(|error| TransportError::io(dir, &error))
}

fn read(path: &Path) -> Result<String, TransportError> {
    fs::read_to_string(path).map_err(|error| TransportError::io(path, &error))
}

/// Replaces a file whole: whoever reads it meanwhile reads the old or the new one.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), TransportError> {
    let io = |error: std::io::Error| TransportError::io(path, &error);
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    if temporary.exists() {
        fs::remove_file(&temporary).map_err(io)?;
    }
    let mut file =
        File::options().write(true).create_new(true).mode(mode).open(&temporary).map_err(io)?;
    file.write_all(text.as_bytes()).map_err(io)?;
    file.sync_all().map_err(io)?;
    fs::rename(&temporary, path).map_err(io)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(io)
}
