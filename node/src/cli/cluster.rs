//! Words about the cluster: its members, queue, actors and certificates.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};

use super::seconds;

/// A node and why something is asked of it.
#[derive(Debug, Clone, Args)]
pub(crate) struct NodeOrder {
    /// Name of the node.
    pub(crate) node: String,
    /// Why; shown with the node.
    #[arg(long, default_value = "asked for on the command line")]
    pub(crate) reason: String,
}

/// Verbs of `tm cluster`.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterVerb {
    /// One screen: can changes be agreed upon, who leads, who is up? Exit code 6 where they cannot.
    ///
    /// Example: tm cluster status --wait ready
    Status {
        /// Wait until changes can be agreed upon and every member is up.
        #[arg(long, value_parser = ["ready"])]
        wait: Option<String>,
        /// Give up waiting after this long.
        #[arg(long, default_value = "60s", value_parser = seconds)]
        deadline: Duration,
    },
    /// Members with their part in the agreement.
    Members,
    /// Name of the leader.
    Leader,
    /// Links of every node, or of one.
    Links {
        /// Only of this node.
        node: Option<String>,
    },
}

/// Verbs of `tm sched`.
#[derive(Debug, Subcommand)]
pub(crate) enum SchedVerb {
    /// Sessions that wait, in order, and why.
    Queue,
    /// What may still be reserved, by node and in all.
    Capacity,
    /// Why a session waits, or where it is.
    Why {
        /// Identifier, or the beginning of one.
        session: String,
    },
    /// What users and teams may have at once.
    #[command(subcommand)]
    Quota(QuotaVerb),
}

/// Verbs of `tm sched quota`.
#[derive(Debug, Subcommand)]
pub(crate) enum QuotaVerb {
    /// List quotas.
    Ls,
    /// Set a quota whole; what is not given is without limit.
    ///
    /// Example: tm sched quota set team:alpha --cpu 16 --sessions 8
    Set {
        /// user:NAME, team:NAME, user:default or team:default.
        quota: String,
        /// Placed sessions.
        #[arg(long)]
        sessions: Option<u32>,
        /// Cores.
        #[arg(long)]
        cpu: Option<u32>,
        /// MiB of memory.
        #[arg(long)]
        memory_mib: Option<u32>,
        /// GPUs.
        #[arg(long)]
        gpus: Option<u32>,
        /// Twice the weight, twice the share at equal priority.
        #[arg(long, default_value_t = 1)]
        weight: u32,
    },
    /// Remove a quota; the default holds then.
    Rm {
        /// user:NAME, team:NAME, user:default or team:default.
        quota: String,
    },
}

/// Verbs of `tm actor`.
#[derive(Debug, Subcommand)]
pub(crate) enum ActorVerb {
    /// The tree of actors with restarts and the age of the oldest message.
    Ls {
        /// Of this node; of the one that answers by default.
        #[arg(long)]
        node: Option<String>,
    },
}

/// Verbs of `tm cert`: files only, no node is asked.
#[derive(Debug, Subcommand)]
pub(crate) enum CertVerb {
    /// Make the CA of a new cluster.
    ///
    /// Example: tm cert ca --dir ca --cluster alpha
    Ca {
        /// Where ca.pem and ca.key go.
        #[arg(long, value_hint = ValueHint::DirPath)]
        dir: PathBuf,
        /// Name of the cluster.
        #[arg(long)]
        cluster: String,
    },
    /// Make a node's certificate.
    ///
    /// Example: tm cert node a --ca ca --dir certs/a --host 10.0.0.1
    Node {
        /// Name of the node.
        name: String,
        /// Directory of the CA.
        #[arg(long, value_hint = ValueHint::DirPath)]
        ca: PathBuf,
        /// Where ca.pem, node.pem and node.key go.
        #[arg(long, value_hint = ValueHint::DirPath)]
        dir: PathBuf,
        /// Further names and addresses, separated by commas.
        #[arg(long, value_delimiter = ',')]
        host: Vec<String>,
    },
    /// Replace a node's certificate.
    RotateNode {
        /// Directory of the CA.
        #[arg(long, value_hint = ValueHint::DirPath)]
        ca: PathBuf,
        /// Directory of the node's certificate.
        #[arg(long, value_hint = ValueHint::DirPath)]
        dir: PathBuf,
    },
    /// Make a new CA beside the old ones, or with --retire trust only the newest.
    RotateCa {
        /// Directory of the CA.
        #[arg(long, value_hint = ValueHint::DirPath)]
        dir: PathBuf,
        /// Leave only the newest CA: what older ones signed is no longer trusted.
        #[arg(long)]
        retire: bool,
    },
    /// What the certificates in a file say.
    Show {
        /// A PEM file.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}
