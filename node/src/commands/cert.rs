//! `tm cert`: the certificates that peers prove themselves with. Works on files alone; no node need run.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueHint};
use cluster::transport::certs::{self, CertificateInfo};
use cluster::transport::{TransportError, certificate_name};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::output::{Output, Table, note};

/// Verbs of `tm cert`.
#[derive(Debug, Subcommand)]
pub(crate) enum CertVerb {
    /// Make the CA of a new cluster. Keep its key where no node runs.
    ///
    /// Example: tm cert ca --dir ca --cluster tm
    Ca {
        /// Where `ca.pem` and `ca.key` are written.
        #[arg(long, value_hint = ValueHint::DirPath)]
        dir: PathBuf,
        /// The cluster's name; every certificate bears it.
        #[arg(long)]
        cluster: String,
    },
    /// Make the certificate of a node.
    ///
    /// Example: tm cert node a --ca ca --dir a/tls --host 10.0.0.1,a.example
    Node {
        /// The node's name: a DNS label.
        node: String,
        /// Where the CA lies.
        #[arg(long, value_hint = ValueHint::DirPath)]
        ca: PathBuf,
        /// Where `ca.pem`, `node.pem` and `node.key` are written.
        #[arg(long, value_hint = ValueHint::DirPath)]
        dir: PathBuf,
        /// Further DNS names and addresses, for other programs; peers ask for the node's name.
        #[arg(long, value_delimiter = ',')]
        host: Vec<String>,
    },
    /// Replace a node's certificate, or the CA itself.
    ///
    /// A node's certificate takes one command and a SIGHUP. A CA takes three rounds: `--ca-dir` makes a new one beside
    /// the old; then every node's certificate is rotated; then `--ca-dir … --retire` leaves only the new CA, and every
    /// node's certificate is rotated once more to take that up.
    ///
    /// Example: tm cert rotate --ca ca --dir a/tls
    Rotate {
        /// Where the CA lies that signs the node's new certificate.
        #[arg(long, value_hint = ValueHint::DirPath, requires = "dir")]
        ca: Option<PathBuf>,
        /// The folder of the node whose certificate is replaced.
        #[arg(long, value_hint = ValueHint::DirPath, requires = "ca", required_unless_present = "ca_dir")]
        dir: Option<PathBuf>,
        /// Make a new CA in this folder instead.
        #[arg(long, value_hint = ValueHint::DirPath, conflicts_with_all = ["ca", "dir"])]
        ca_dir: Option<PathBuf>,
        /// Leave only the newest CA: what older ones signed is then trusted no more.
        #[arg(long, requires = "ca_dir")]
        retire: bool,
    },
    /// Show what the certificates in a file say.
    ///
    /// Example: tm cert show a/tls/node.pem
    Show {
        /// `ca.pem` or `node.pem`.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

/// Runs one verb.
///
/// # Errors
/// What is wrong with names or files; nothing is replaced that was not asked for.
pub(crate) fn run(verb: CertVerb, out: Output) -> Result<(), CliError> {
    match verb {
        CertVerb::Ca { dir, cluster } => {
            let made = certs::make_ca(&dir, &cluster).map_err(failed)?;
            show(out, &[made])?;
            note(&format!(
                "next: `tm cert node NAME --ca {} --dir NAME/tls` for each node; {} stays here, readable by you only",
                dir.display(),
                dir.join("ca.key").display()
            ));
            Ok(())
        }
        CertVerb::Node { node, ca, dir, host } => {
            let made = certs::make_node(&ca, &cluster_of(&ca)?, &node, &host, &dir);
            show(out, &[made.map_err(failed)?])?;
            note(&format!("next: copy {} to node {node}, [tls] dir names it there", dir.display()));
            Ok(())
        }
        CertVerb::Rotate { ca_dir: Some(dir), retire: true, .. } => {
            let count = certs::retire_old_cas(&dir).map_err(failed)?;
            out.value(&json!({"retired": count}), |_| {
                format!("{count} older CAs are no longer in {}", dir.join("ca.pem").display())
            })
        }
        CertVerb::Rotate { ca_dir: Some(dir), .. } => {
            let made = certs::rotate_ca(&dir).map_err(failed)?;
            show(out, &[made])?;
            note("next: `tm cert rotate --ca … --dir …` for every node, then SIGHUP to each");
            Ok(())
        }
        CertVerb::Rotate { ca: Some(ca), dir: Some(dir), .. } => {
            let made = certs::rotate_node(&ca, &dir).map_err(failed)?;
            show(out, &[made])?;
            note("next: SIGHUP to the node; connections that stand go on");
            Ok(())
        }
        CertVerb::Rotate { .. } => Err(CliError::Usage(
            "name the node's folder and its CA (--ca, --dir), or the CA's folder (--ca-dir)"
                .to_owned(),
        )),
        CertVerb::Show { file } => show(out, &certs::info(&file).map_err(failed)?),
    }
}

fn failed(error: TransportError) -> CliError {
    CliError::Failed(error.to_string())
}

/// Returns the cluster that a CA was made for.
fn cluster_of(ca: &Path) -> Result<String, CliError> {
    let path = ca.join("ca.pem");
    let known = certs::info(&path).map_err(failed)?;
    known.into_iter().next().and_then(|info| info.cluster).ok_or_else(|| {
        CliError::Failed(format!(
            "{} was not made by `tm cert ca`: it does not say its cluster, as in {}",
            path.display(),
            certificate_name("NAME", "CLUSTER")
        ))
    })
}

fn at(seconds: i64) -> String {
    actors::rfc3339(seconds.saturating_mul(1_000))
}

fn show(out: Output, found: &[CertificateInfo]) -> Result<(), CliError> {
    let rows: Vec<Value> = found
        .iter()
        .map(|info| {
            json!({
                "subject": info.subject,
                "issuer": info.issuer,
                "cluster": info.cluster,
                "names": info.names,
                "not_before": at(info.not_before_s),
                "not_after": at(info.not_after_s),
                "fingerprint": info.fingerprint,
            })
        })
        .collect();
    out.value(&json!({"items": rows}), |_| {
        let mut table = Table::new(&["subject", "names", "valid until", "sha256"]);
        for info in found {
            table.row([
                info.subject.clone(),
                info.names.join(", "),
                at(info.not_after_s),
                info.fingerprint.chars().take(16).collect(),
            ]);
        }
        table.render()
    })
}
