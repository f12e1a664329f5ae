//! Joining: what a node says, what the leader answers, what the node does next. Pure decisions and their codec.
//!
//! ```text
//! node ──"member/join": proof, name, start, addresses, versions──► any member
//!      ◄── not the leader: ask there ──────────────────────────────┤
//!      ◄── refused: why, and what helps ───────────────────────────┤ leader
//!      ◄── admitted: number, cluster, members ─────────────────────┘  (after the command was applied)
//! ```
//!
//! Every start of a node joins, the first as the tenth: repeating it changes nothing. Whoever does not know the token
//! learns nothing, not even who leads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use store::codec::{Record, schema};

use super::proof::{self, Claim, Proof};
use crate::control::Leadership;
use crate::control::state::{NodeState, limits};
use crate::version::ProtocolRange;

/// The method that joins.
pub const METHOD_JOIN: &str = "member/join";
/// Bytes of a node's name: it is part of a host name in its certificate.
pub const NODE_NAME_BYTES_MAX: usize = 63;
/// Bytes of a capacity as sent.
pub const CAPACITY_BYTES_MAX: usize = 4 << 10;

/// A node asks to be admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequest {
    /// Shows that it knows the token; see [`proof`].
    pub proof: Proof,
    /// Its name; must be the one in its certificate.
    pub node: String,
    /// Its starts, counted.
    pub incarnation: u64,
    /// Made up at this start.
    pub boot_id: [u8; 16],
    /// The cluster it was a member of; absent at the first time.
    pub cluster: Option<[u8; 16]>,
    /// Whether it was a member and lost its log: it then needs a new number.
    pub lost_log: bool,
    /// `host:port` of its cluster port.
    pub cluster_address: String,
    /// URL of its gateway; empty without one.
    pub gateway_url: String,
    /// Oldest protocol it speaks.
    pub protocol_min: u16,
    /// Newest protocol it speaks.
    pub protocol_max: u16,
    /// Version of its program.
    pub build: String,
    /// Labels, for placement.
    pub labels: BTreeMap<String, String>,
    /// Roles, for placement.
    pub roles: Vec<String>,
    /// What may be reserved on it; opaque here, at most [`CAPACITY_BYTES_MAX`].
    #[serde(with = "serde_bytes")]
    pub capacity: Vec<u8>,
}

impl Record for JoinRequest {
    const SCHEMA: u32 = schema::SCHEMA_JOIN_REQUEST;
    const VERSION: u16 = 1;
    const BYTES_MAX: usize = 64 << 10;
}

/// A member, for one who joins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberAddress {
    /// Its name.
    pub node: String,
    /// Its number in the control plane.
    pub raft_id: u64,
    /// `host:port` of its cluster port.
    pub address: String,
    /// Whether it votes.
    pub voter: bool,
}

/// What a node needs to take part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// Its number in the control plane.
    pub raft_id: u64,
    /// The cluster.
    pub cluster: [u8; 16],
    /// The cluster's version.
    pub version: u32,
    /// All members, itself included, in the order of names.
    pub members: Vec<MemberAddress>,
}

/// Answer to a [`JoinRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinAnswer {
    /// It is a member.
    Admitted(Admitted),
    /// It is not, for this reason.
    Refused(JoinRefusal),
}

impl Record for JoinAnswer {
    const SCHEMA: u32 = schema::SCHEMA_JOIN_ANSWER;
    const VERSION: u16 = 1;
    const BYTES_MAX: usize = 256 << 10;
}

/// Why a node was not admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum JoinRefusal {
    /// The proof does not fit the token.
    #[error("the cluster token is wrong: copy it from a member (`tm cluster token`)")]
    WrongToken,
    /// The name differs from the certificate's.
    #[error(
        "the certificate names {certificate}, the request {name}: check the node's name and certificate"
    )]
    NameMismatch {
        /// As in the certificate.
        certificate: String,
        /// As claimed.
        name: String,
    },
    /// A field is empty or too long.
    #[error("{field} must have 1 to {limit} bytes, found {found}")]
    Field {
        /// Which.
        field: String,
        /// Bytes allowed.
        limit: u64,
        /// Bytes found.
        found: u64,
    },
    /// The node belongs to another cluster.
    #[error(
        "this node's data belongs to another cluster: start it with an empty data directory to join this one"
    )]
    WrongCluster,
    /// No protocol is spoken by both, or the cluster writes what the node cannot read.
    #[error(
        "the cluster needs protocol {needed_min} to {needed_max}, this node speaks {min} to {max}: install a fitting build"
    )]
    VersionRange {
        /// Oldest that fits.
        needed_min: u16,
        /// Newest that fits.
        needed_max: u16,
        /// Oldest the node speaks.
        min: u16,
        /// Newest the node speaks.
        max: u16,
    },
    /// Another node leads.
    #[error("{} leads the cluster: ask there", .leader.as_deref().unwrap_or("nobody known"))]
    NotLeader {
        /// Which, if known.
        leader: Option<String>,
        /// `host:port` of its cluster port, if known.
        address: Option<String>,
    },
    /// A live process has this name.
    #[error("a live node is called {node}: give this one another name")]
    NameTaken {
        /// The name.
        node: String,
    },
    /// A newer start of this node is known, for example because its disk was lost.
    #[error("start {known} of this node is known, this one says {found}: go on with {issued}")]
    StaleIncarnation {
        /// The newest known.
        known: u64,
        /// The one that asked.
        found: u64,
        /// The one to use from now on.
        issued: u64,
    },
    /// Not now; asking again helps.
    #[error("not now ({reason}): asking again in a moment helps")]
    TryAgain {
        /// What is in the way.
        reason: String,
    },
}

/// What is agreed about a node of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownNode {
    /// Its starts, counted.
    pub incarnation: u64,
    /// The process admitted last.
    pub boot_id: [u8; 16],
    /// Its state.
    pub state: NodeState,
    /// Whether its lease was renewed lately.
    pub live: bool,
    /// Whether it is being marked down at this moment.
    pub condemned: bool,
}

/// What the one who is asked knows.
#[derive(Debug, Clone)]
pub struct JoinFacts<'a> {
    /// The cluster's token.
    pub token: &'a [u8],
    /// The cluster, once it has a name.
    pub cluster: Option<[u8; 16]>,
    /// The cluster's version.
    pub version: u32,
    /// Who leads.
    pub leadership: &'a Leadership,
    /// Where the leader is reached.
    pub leader_address: Option<String>,
    /// What is agreed about the name.
    pub known: Option<KnownNode>,
}

/// What the leader proposes for a node that may join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Whether it needs a new number.
    pub renumber: bool,
    /// The protocol to speak with it.
    pub protocol: u16,
}

/// Decides about a request that came over a connection whose certificate names `caller`.
///
/// # Errors
/// [`JoinRefusal`]; the first that applies, in an order that tells strangers nothing.
pub fn decide(
    request: &JoinRequest,
    caller: &str,
    facts: &JoinFacts<'_>,
) -> Result<Admission, JoinRefusal> {
    let claim =
        Claim { node: &request.node, incarnation: request.incarnation, boot_id: &request.boot_id };
    if facts.token.is_empty() || !proof::holds(facts.token, &claim, &request.proof) {
        return Err(JoinRefusal::WrongToken);
    }
    if caller != request.node {
        let (certificate, name) = (caller.to_owned(), request.node.clone());
        return Err(JoinRefusal::NameMismatch { certificate, name });
    }
    check_fields(request)?;
    if !facts.leadership.here {
        let leader = facts.leadership.leader.clone();
        return Err(JoinRefusal::NotLeader { leader, address: facts.leader_address.clone() });
    }
    let Some(cluster) = facts.cluster else {
        return Err(JoinRefusal::TryAgain { reason: "the cluster has no name yet".to_owned() });
    };
    if request.cluster.is_some_and(|theirs| theirs != cluster) {
        return Err(JoinRefusal::WrongCluster);
    }
    let protocol = check_versions(request, facts.version)?;
    check_name(request, facts.known.as_ref())?;
    let renumber = request.lost_log && facts.known.is_some();
    Ok(Admission { renumber, protocol })
}

fn check_fields(request: &JoinRequest) -> Result<(), JoinRefusal> {
    let long = limits::NAME_BYTES_MAX;
    let words =
        request.labels.iter().flat_map(|(key, value)| [("a label", key), ("a label", value)]);
    let roles = request.roles.iter().map(|role| ("a role", role));
    let sizes = [
        ("the name", 1, request.node.len(), NODE_NAME_BYTES_MAX),
        ("the cluster address", 1, request.cluster_address.len(), long),
        ("the gateway's address", 0, request.gateway_url.len(), long),
        ("the build", 1, request.build.len(), long),
        ("the capacity", 0, request.capacity.len(), CAPACITY_BYTES_MAX),
        ("the list of labels", 0, request.labels.len(), limits::LABEL_COUNT_MAX),
        ("the list of roles", 0, request.roles.len(), limits::LABEL_COUNT_MAX),
    ];
    let texts = words.chain(roles).map(|(field, text)| (field, 0, text.len(), long));
    for (field, least, found, limit) in sizes.into_iter().chain(texts) {
        if !(least..=limit).contains(&found) {
            let (limit, found) = (limit as u64, found as u64);
            return Err(JoinRefusal::Field { field: field.to_owned(), limit, found });
        }
    }
    Ok(())
}

/// Returns the protocol to speak. The node must also read whatever the cluster already writes.
fn check_versions(request: &JoinRequest, version: u32) -> Result<u16, JoinRefusal> {
    let theirs = ProtocolRange { min: request.protocol_min, max: request.protocol_max };
    let ours = ProtocolRange::OURS;
    let written = u16::try_from(version).unwrap_or(u16::MAX);
    match ours.negotiate(theirs) {
        Some(protocol) if written <= theirs.max => Ok(protocol),
        Some(_) | None => Err(JoinRefusal::VersionRange {
            needed_min: ours.min.max(written),
            needed_max: ours.max,
            min: theirs.min,
            max: theirs.max,
        }),
    }
}

fn check_name(request: &JoinRequest, known: Option<&KnownNode>) -> Result<(), JoinRefusal> {
    let Some(known) = known else { return Ok(()) };
    let (found, newest) = (request.incarnation, known.incarnation);
    let same = found == newest && request.boot_id == known.boot_id;
    if found <= newest && !same {
        // A live node keeps its name; for a dead one this is its disk lost or restored from a copy.
        return Err(if known.live && known.state != NodeState::Left {
            JoinRefusal::NameTaken { node: request.node.clone() }
        } else {
            JoinRefusal::StaleIncarnation { known: newest, found, issued: newest.saturating_add(1) }
        });
    }
    if known.condemned {
        // Admitted now, it could be marked down after it was granted a lease again.
        let reason = "this node is being marked down at this moment".to_owned();
        return Err(JoinRefusal::TryAgain { reason });
    }
    Ok(())
}

/// What a node does after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextTry {
    /// Ask the leader there.
    Ask {
        /// Its name.
        leader: String,
        /// `host:port` of its cluster port.
        address: String,
    },
    /// Make this start number durable, then ask again.
    UseIncarnation(u64),
    /// Ask any member again after a moment.
    Later,
    /// End with the reason: asking again does not help.
    GiveUp,
}

/// Returns what helps after a refusal.
#[must_use]
pub fn next_try(refusal: &JoinRefusal) -> NextTry {
    match refusal {
        JoinRefusal::NotLeader { leader: Some(leader), address: Some(address) } => {
            NextTry::Ask { leader: leader.clone(), address: address.clone() }
        }
        JoinRefusal::NotLeader { .. } | JoinRefusal::TryAgain { .. } => NextTry::Later,
        JoinRefusal::StaleIncarnation { issued, .. } => NextTry::UseIncarnation(*issued),
        JoinRefusal::WrongToken
        | JoinRefusal::NameMismatch { .. }
        | JoinRefusal::Field { .. }
        | JoinRefusal::WrongCluster
        | JoinRefusal::VersionRange { .. }
        | JoinRefusal::NameTaken { .. } => NextTry::GiveUp,
    }
}

#[cfg(test)]
mod tests;
