//! The part of `cluster.toml` that makes a node one of several: `[cluster]`, `[advertise]`, `[tls]`, and who it is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use cluster::peer::Seed;
use cluster::transport::{TlsFiles, is_label};
use serde::Deserialize;

use super::Source;
use crate::error::CliError;

/// Where peers connect unless told otherwise.
const PORT: u16 = 7700;

/// `[cluster]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ClusterSection {
    name: Option<String>,
    token_file: Option<PathBuf>,
    join: Vec<String>,
}

/// `[advertise]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AdvertiseSection {
    cluster: Option<String>,
    gateway: Option<String>,
}

/// `[tls]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsSection {
    dir: Option<PathBuf>,
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// Everything of the file that this part reads.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) cluster: ClusterSection,
    pub(super) advertise: AdvertiseSection,
    pub(super) tls: TlsSection,
    pub(super) listen: Option<SocketAddr>,
    pub(super) name: Option<String>,
    pub(super) roles: Vec<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) zone: Option<String>,
}

/// How this node takes part in a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Membership {
    /// The cluster's name, as in every certificate.
    pub(crate) name: String,
    /// Where the secret lies that members share.
    pub(crate) token_file: PathBuf,
    /// Members to ask the first time.
    pub(crate) join: Vec<Seed>,
    /// This node's name, as in its certificate.
    pub(crate) node: String,
    /// Where peers connect.
    pub(crate) listen: SocketAddr,
    /// `host:port` under which peers reach this node.
    pub(crate) advertise: String,
    /// URL of the gateway; empty where it shall not be told.
    pub(crate) gateway_url: String,
    /// The certificates.
    pub(crate) tls: TlsFiles,
    /// Roles, for placement.
    pub(crate) roles: Vec<String>,
    /// Labels, for placement; the zone is one.
    pub(crate) labels: BTreeMap<String, String>,
}

fn wrong(text: String) -> CliError {
    CliError::Usage(text)
}

/// Joins what was written; nothing where the file names no cluster.
///
/// # Errors
/// Every value that makes no sense, and what is missing.
pub(super) fn read(written: Written, folder: &Path) -> Result<Option<Membership>, CliError> {
    let at = |path: PathBuf| if path.is_absolute() { path } else { folder.join(path) };
    let Written { cluster, advertise, tls, listen, name, roles, mut labels, zone } = written;
    let Some(cluster_name) = cluster.name else {
        if !cluster.join.is_empty() || cluster.token_file.is_some() {
            return Err(wrong(
                "[cluster] has no name; write the name that the certificates bear, for example name = \"tm\""
                    .to_owned(),
            ));
        }
        return Ok(None);
    };
    label("cluster.name", &cluster_name)?;
    let node = name.ok_or_else(|| {
        wrong(
            "node.name is missing: in a cluster each node has the name that its certificate bears"
                .to_owned(),
        )
    })?;
    label("node.name", &node)?;
    let listen = listen.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], PORT)));
    let advertise_cluster = match advertise.cluster {
        Some(address) => address,
        None if listen.ip().is_unspecified() => {
            return Err(wrong(format!(
                "advertise.cluster is missing: listen.cluster is {listen}, and peers need an address that leads here, for example \"10.0.0.1:{}\"",
                listen.port()
            )));
        }
        None => listen.to_string(),
    };
    if advertise_cluster.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
        return Err(wrong(format!(
            "advertise.cluster is '{advertise_cluster}'; write HOST:PORT, for example \"10.0.0.1:{PORT}\""
        )));
    }
    let mut join = Vec::new();
    for text in &cluster.join {
        join.push(text.parse().map_err(|error| wrong(format!("cluster.join: {error}")))?);
    }
    if let Some(zone) = zone {
        labels.insert("zone".to_owned(), zone);
    }
    Ok(Some(Membership {
        name: cluster_name,
        token_file: at(cluster.token_file.unwrap_or_else(|| PathBuf::from("join.token"))),
        join,
        node,
        listen,
        advertise: advertise_cluster,
        gateway_url: advertise.gateway.unwrap_or_default(),
        tls: files(tls, &at),
        roles,
        labels,
    }))
}

fn label(key: &str, text: &str) -> Result<(), CliError> {
    if is_label(text) {
        return Ok(());
    }
    Err(wrong(format!(
        "{key} is '{text}'; certificates bear it, so it is 1 to 63 of a-z, 0-9 and -, not at an end"
    )))
}

fn files(tls: TlsSection, at: &impl Fn(PathBuf) -> PathBuf) -> TlsFiles {
    let TlsFiles { ca, certificate, key } =
        TlsFiles::in_dir(&at(tls.dir.unwrap_or_else(|| PathBuf::from("tls"))));
    TlsFiles {
        ca: tls.ca.map_or(ca, at),
        certificate: tls.cert.map_or(certificate, at),
        key: tls.key.map_or(key, at),
    }
}

impl Membership {
    /// Returns the rows that `tm config show` shows.
    pub(super) fn shown(&self) -> Vec<(&'static str, String, Source)> {
        let join: Vec<String> =
            self.join.iter().map(|seed| format!("{}@{}", seed.node, seed.address)).collect();
        let labels: Vec<String> =
            self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        vec![
            ("cluster.name", self.name.clone(), Source::File),
            ("cluster.token_file", self.token_file.display().to_string(), Source::File),
            ("cluster.join", join.join(", "), Source::File),
            ("node.name", self.node.clone(), Source::File),
            ("node.roles", self.roles.join(", "), Source::File),
            ("node.labels", labels.join(", "), Source::File),
            ("listen.cluster", self.listen.to_string(), Source::File),
            ("advertise.cluster", self.advertise.clone(), Source::File),
            ("advertise.gateway", self.gateway_url.clone(), Source::File),
            ("tls.ca", self.tls.ca.display().to_string(), Source::File),
            ("tls.cert", self.tls.certificate.display().to_string(), Source::File),
            ("tls.key", self.tls.key.display().to_string(), Source::File),
        ]
    }

    /// Reads the secret that members share.
    ///
    /// # Errors
    /// The file is missing, open to others, or too short to be a secret.
    pub(crate) fn token(&self) -> Result<String, CliError> {
        use std::os::unix::fs::PermissionsExt;
        let path = &self.token_file;
        let failed = |source| CliError::Io {
            what: format!(
                "read the cluster's token {} (made by `tm cluster init`; copy it from the first node)",
                path.display()
            ),
            source,
        };
        let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(wrong(format!(
                "{} can be read by others (mode {:o}); `chmod 600` it",
                path.display(),
                mode & 0o777
            )));
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let token = text.trim();
        if token.len() < 16 {
            return Err(wrong(format!(
                "{} holds {} characters; a token has at least 16",
                path.display(),
                token.len()
            )));
        }
        Ok(token.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Written {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct File {
            cluster: ClusterSection,
            advertise: AdvertiseSection,
            tls: TlsSection,
            listen: Option<SocketAddr>,
            name: Option<String>,
        }
        let File { cluster, advertise, tls, listen, name } = toml::from_str(text).unwrap();
        Written { cluster, advertise, tls, listen, name, ..Written::default() }
    }

    #[test]
    fn a_member_is_read_and_paths_are_relative_to_the_file() {
        let text = "listen = \"10.0.0.1:7701\"\nname = \"a\"\n[cluster]\nname = \"tm\"\njoin = [\"b@10.0.0.2:7700\"]\n[tls]\nkey = \"/k\"\n";
        let member = read(written(text), Path::new("/etc/tm")).unwrap().unwrap();
        assert_eq!(member.advertise, "10.0.0.1:7701");
        assert_eq!(member.token_file, Path::new("/etc/tm/join.token"));
        assert_eq!(member.tls.ca, Path::new("/etc/tm/tls/ca.pem"));
        assert_eq!(member.tls.key, Path::new("/k"));
        assert_eq!(member.join[0].node, "b");
        assert!(read(written("name = \"a\""), Path::new("")).unwrap().is_none());
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (text, hint) in [
            ("[cluster]\nname = \"tm\"", "node.name"),
            ("[cluster]\ntoken_file = \"t\"", "no name"),
            ("name = \"A\"\n[cluster]\nname = \"tm\"", "node.name is 'A'"),
            ("name = \"a\"\n[cluster]\nname = \"t m\"", "cluster.name"),
            ("name = \"a\"\n[cluster]\nname = \"tm\"", "advertise.cluster"),
            (
                "name = \"a\"\n[cluster]\nname = \"tm\"\n[advertise]\ncluster = \"here\"",
                "HOST:PORT",
            ),
            (
                "name = \"a\"\nlisten = \"127.0.0.1:1\"\n[cluster]\nname = \"tm\"\njoin = [\"b\"]",
                "NAME@HOST:PORT",
            ),
        ] {
            let error = read(written(text), Path::new("")).unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
