//! Verbs of those who operate the cluster: nodes, members, the queue, actors.

use std::time::Duration;

use clap::Subcommand;

use super::{ServeArgs, seconds};

/// Verbs of `tm node`.
#[derive(Debug, Subcommand)]
pub(crate) enum NodeVerb {
    /// Start a peer and serve until stopped.
    ///
    /// Example: tm node start --data-dir /var/lib/trademaster --listen 127.0.0.1:8080
    Start(ServeArgs),
    /// One screen: is the node there and ready?
    ///
    /// Example: tm node status
    Status,
    /// Nodes with capacity and load.
    ///
    /// Example: tm node ls
    Ls,
    /// One node: everything known of it.
    ///
    /// Example: tm node show b
    Show {
        /// Its name.
        node: String,
    },
    /// Take no new sessions, keep those that are there.
    ///
    /// Example: tm node cordon b --reason "its disk is slow"
    Cordon(NodeChange),
    /// Take sessions again.
    ///
    /// Example: tm node uncordon b
    Uncordon(NodeChange),
    /// Give all sessions away, each after a checkpoint, and take no new ones.
    ///
    /// Waits until the node is empty. Ctrl-C ends the watching only; the node goes on draining.
    ///
    /// Example: tm node drain a --reason "new kernel" && systemctl restart trademaster
    Drain {
        #[command(flatten)]
        change: NodeChange,
        /// Return at once instead of watching.
        #[arg(long)]
        no_wait: bool,
        /// Stop watching after this long ("10m").
        #[arg(long, value_parser = seconds, default_value = "10m")]
        deadline: Duration,
    },
    /// Stay after all, or come back after a restart.
    ///
    /// Example: tm node undrain b
    Undrain(NodeChange),
    /// Leave the cluster for good. The node must be drained; refused where too few voters would be left.
    ///
    /// Example: tm node decommission b --confirm b
    Decommission {
        #[command(flatten)]
        change: NodeChange,
        /// The node's name once more: it cannot be undone.
        #[arg(long)]
        confirm: String,
    },
    /// Give the administrator a new generated password. The node must be stopped.
    ///
    /// Example: tm node reset-password --data-dir /var/lib/trademaster
    ResetPassword {
        /// Login name.
        #[arg(default_value = "admin")]
        user: String,
        #[command(flatten)]
        serve: ServeArgs,
    },
}

/// Which node, and why.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct NodeChange {
    /// Its name.
    pub(crate) node: String,
    /// Why; shown beside its state.
    #[arg(long, default_value = "asked for on the command line")]
    pub(crate) reason: String,
}

/// Verbs of `tm cluster`.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterVerb {
    /// Make this node the first of a new cluster. The node must be stopped; what it knows already is kept.
    ///
    /// Writes a new token where the configuration names none yet. The others join by themselves when their
    /// configuration names this node under [cluster] join.
    ///
    /// Example: tm cluster init --config cluster.toml
    Init(ServeArgs),
    /// Join a cluster now and leave the node ready to start: checks certificate, token and addresses.
    ///
    /// Starting a node whose configuration names members under [cluster] join does the same.
    ///
    /// Example: tm cluster join --config cluster.toml
    Join(ServeArgs),
    /// One screen: who leads, who votes, how many may be lost. Exit code 6 while nothing can be agreed upon.
    ///
    /// Example: tm cluster status --wait ready --deadline 2m
    Status {
        /// Wait until a majority is there and every member is up and takes part.
        #[arg(long, value_parser = ["ready"])]
        wait: Option<String>,
        /// Give up waiting after this long ("1m").
        #[arg(long, value_parser = seconds, default_value = "1m")]
        deadline: Duration,
    },
    /// Every member and its part in the agreement.
    ///
    /// Example: tm cluster members
    Members,
    /// The name of the node that leads. Exit code 6 while nobody is known to.
    ///
    /// Example: tm cluster leader
    Leader,
    /// Links between nodes: state, round trip, bytes.
    ///
    /// Example: tm cluster links b
    Links {
        /// Only this node's; every node's by default.
        node: Option<String>,
    },
    /// Replacing the program on a running cluster, node by node.
    #[command(subcommand)]
    Upgrade(UpgradeVerb),
}

/// Verbs of `tm cluster upgrade`.
#[derive(Debug, Subcommand)]
pub(crate) enum UpgradeVerb {
    /// The cluster's version and the program on each member.
    ///
    /// Example: tm cluster upgrade status
    Status,
    /// Let the cluster write what all its members read now. Do so when every node runs the new program and all is
    /// well: a node with the old program can take no part afterwards.
    ///
    /// Example: tm cluster upgrade finalize --reason "0.2 on all three since Monday"
    Finalize {
        /// Why, for the record of who did what.
        #[arg(long, default_value = "every node runs the new program")]
        reason: String,
    },
}

/// Verbs of `tm sched`.
#[derive(Debug, Subcommand)]
pub(crate) enum SchedVerb {
    /// Who waits, in which order and for what.
    ///
    /// Example: tm sched queue
    Queue,
    /// What may still be reserved, by node and in all.
    ///
    /// Example: tm sched capacity
    Capacity,
    /// Why a session waits, and what each node lacks for it.
    ///
    /// Example: tm sched why ses_0190
    Why {
        /// Identifier, or the beginning of one.
        session: String,
    },
    /// How much a user or a team may have at once.
    #[command(subcommand)]
    Quota(QuotaVerb),
}

/// Verbs of `tm sched quota`.
#[derive(Debug, Subcommand)]
pub(crate) enum QuotaVerb {
    /// All quotas.
    ///
    /// Example: tm sched quota ls
    Ls,
    /// Set a quota: what is not named has no limit.
    ///
    /// Example: tm sched quota set team:research --cpu 16 --gpus 2
    Set {
        /// `user:NAME`, `team:NAME`, `user:default` or `team:default`.
        id: String,
        /// Placed sessions at once.
        #[arg(long)]
        sessions: Option<u32>,
        /// Cores.
        #[arg(long)]
        cpu: Option<u32>,
        /// Memory, MiB.
        #[arg(long)]
        memory_mib: Option<u32>,
        /// GPUs.
        #[arg(long)]
        gpus: Option<u32>,
        /// Share at equal priority: twice the weight, twice the share.
        #[arg(long, default_value_t = 1)]
        weight: u32,
    },
    /// Remove a quota.
    ///
    /// Example: tm sched quota rm team:research
    Rm {
        /// `user:NAME` or `team:NAME`.
        id: String,
    },
}

/// Verbs of `tm actor`.
#[derive(Debug, Subcommand)]
pub(crate) enum ActorVerb {
    /// The actors of a node with restarts and how long messages wait.
    ///
    /// Example: tm actor ls --node b
    Ls {
        /// Which node; the one that answers by default.
        #[arg(long)]
        node: Option<String>,
    },
}
