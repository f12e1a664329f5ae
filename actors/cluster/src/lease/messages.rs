//! What holder and leader say to each other about a lease.

use serde::{Deserialize, Serialize};
use store::codec::{Record, schema};

/// "I am still here": who, and how busy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// The node's name; must be the one in its certificate.
    pub node: String,
    /// Its starts, counted.
    pub incarnation: u64,
    /// Made up at each start of the process.
    pub boot_id: [u8; 16],
    /// How busy it is; opaque, at most [`super::REPORT_BYTES_MAX`]. A larger one is not kept.
    #[serde(with = "serde_bytes")]
    pub report: Vec<u8>,
}

impl Record for Renewal {
    const SCHEMA: u32 = schema::SCHEMA_LEASE_RENEWAL;
    const VERSION: u16 = 1;
    const BYTES_MAX: usize = 16 << 10;
}

/// What the leader says to a renewal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RenewAnswer {
    /// The lease counts anew from when the renewal was sent.
    Granted {
        /// The term in which it was granted.
        term: u64,
        /// The leader's applied index when it granted, after a majority confirmed that it leads.
        applied: u64,
        /// The newest load report of every node, in the order of names.
        reports: Vec<NodeReport>,
    },
    /// Not granted, for this reason.
    Refused(RenewRefusal),
    /// Another node leads.
    NotLeader {
        /// Which, if known.
        leader: Option<String>,
    },
    /// No majority confirmed in time that this node leads: nothing is granted.
    Unproven {
        /// What is known.
        reason: String,
    },
}

impl Record for RenewAnswer {
    const SCHEMA: u32 = schema::SCHEMA_LEASE_ANSWER;
    const VERSION: u16 = 1;
    const BYTES_MAX: usize = 2 << 20;
}

/// A node's newest load report as the leader has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// Whose.
    pub node: String,
    /// Which start of it.
    pub incarnation: u64,
    /// How long ago the leader received it.
    pub age_ms: u64,
    /// What it says, opaque.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// Why a renewal was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum RenewRefusal {
    /// A newer start of this node is known: this process must end.
    #[error(
        "this node started again since (start {current}, this is {found}): an older process must end"
    )]
    StaleIncarnation {
        /// The newest known.
        current: u64,
        /// The one that asked.
        found: u64,
    },
    /// Another process runs under the same name and start: this process must end.
    #[error(
        "another process runs under this node's name (start {incarnation}): give each node its own name and data directory"
    )]
    DuplicateNode {
        /// The start that both claim.
        incarnation: u64,
    },
    /// The node is no member, or has left.
    #[error("this node is no member of the cluster: join it with `tm cluster join`")]
    NotMember,
    /// The node started again and was not admitted since.
    #[error("this start of the node ({found}) was not admitted yet (admitted: {admitted})")]
    NotAdmitted {
        /// The start that was admitted last.
        admitted: u64,
        /// The one that asked.
        found: u64,
    },
    /// The node was silent for so long that the cluster gave it up.
    #[error("the cluster gave this node up after it was silent: it must be admitted again")]
    GivenUp,
    /// The name differs from the certificate's.
    #[error(
        "the certificate names {certificate}, the renewal {name}: check the node's name and certificate"
    )]
    NameMismatch {
        /// As in the certificate.
        certificate: String,
        /// As claimed.
        name: String,
    },
}

impl RenewRefusal {
    /// Whether the process must end.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::StaleIncarnation { .. } | Self::DuplicateNode { .. })
    }

    /// Whether being admitted again helps.
    #[must_use]
    pub fn asks_to_readmit(&self) -> bool {
        matches!(self, Self::NotMember | Self::NotAdmitted { .. } | Self::GivenUp)
    }
}
