//! `tm cert`: the certificates of a cluster's nodes. Files only, no node is asked.

use std::path::Path;

use cluster::transport::certs::{self, CertificateInfo};
use serde_json::json;

use crate::cli::CertVerb;
use crate::error::CliError;
use crate::output::{Output, Table, note};

/// Runs one verb.
///
/// # Errors
/// A name that does not fit, a file that is there already or cannot be read or written.
pub(crate) fn run(verb: CertVerb, out: Output) -> Result<(), CliError> {
    match verb {
        CertVerb::Ca { dir, cluster } => {
            let made = certs::make_ca(&dir, &cluster).map_err(failed)?;
            note(&format!(
                "keep {}/ca.key off the nodes; it signs, nodes do not need it",
                dir.display()
            ));
            print(&[made], out)
        }
        CertVerb::Node { name, ca, dir, host } => {
            let cluster = cluster_of(&ca)?;
            let made = certs::make_node(&ca, &cluster, &name, &host, &dir).map_err(failed)?;
            note(&format!(
                "copy ca.pem, node.pem and node.key from {} to node {name}",
                dir.display()
            ));
            print(&[made], out)
        }
        CertVerb::RotateNode { ca, dir } => {
            let made = certs::rotate_node(&ca, &dir).map_err(failed)?;
            note(&format!("copy ca.pem, node.pem and node.key from {} to the node", dir.display()));
            print(&[made], out)
        }
        CertVerb::RotateCa { dir, retire: false } => {
            let made = certs::rotate_ca(&dir).map_err(failed)?;
            note("copy ca.pem to every node, then rotate every node, then retire the old CA");
            print(&[made], out)
        }
        CertVerb::RotateCa { dir, retire: true } => {
            let count = certs::retire_old_cas(&dir).map_err(failed)?;
            note(&format!("{count} old CAs retired; copy ca.pem to every node"));
            Ok(())
        }
        CertVerb::Show { file } => print(&certs::info(&file).map_err(failed)?, out),
    }
}

fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::Failed(error.to_string())
}

fn cluster_of(ca: &Path) -> Result<String, CliError> {
    let bundle = ca.join(certs::CA_FILE);
    let found = certs::info(&bundle).map_err(failed)?;
    found
        .into_iter()
        .next()
        .and_then(|first| first.cluster)
        .ok_or_else(|| CliError::Failed(format!("{} does not say its cluster", bundle.display())))
}

fn print(certificates: &[CertificateInfo], out: Output) -> Result<(), CliError> {
    let items: Vec<_> = certificates
        .iter()
        .map(|one| {
            json!({
                "subject": one.subject, "issuer": one.issuer, "cluster": one.cluster,
                "names": one.names, "not_before_s": one.not_before_s,
                "not_after_s": one.not_after_s, "fingerprint": one.fingerprint,
            })
        })
        .collect();
    out.value(&json!({"items": items}), |_| {
        let mut table = Table::new(&["subject", "names", ">valid until (unix s)", "sha256"]);
        for one in certificates {
            let names = one.names.join(", ");
            let fingerprint = one.fingerprint.clone();
            table.row([one.subject.clone(), names, one.not_after_s.to_string(), fingerprint]);
        }
        table.render()
    })
}
