//! From control state, agreement and load reports to what is shown. Pure.

use std::collections::BTreeMap;

use cluster::control::state::Node;
use cluster::control::{ControlState, RaftView, Role};
use cluster::lease::NodeReport;
use engine::ids::NodeId;
use serde::{Deserialize, Serialize};

use crate::clock::rfc3339;
use crate::error::ActorsError;
use crate::messages::nodes::Sample;
use crate::peers::LeaseShort;
use crate::rules::node_word;
use crate::views::{ClusterView, LinkView, MemberView, NodeView};

/// A leader that heard no majority for so long may no longer be one, ms: several elections fit into it.
const QUORUM_AGE_MS_MAX: u64 = 3_000;

/// A node's own load report. Fields are only added; one that is missing is not known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    cpu_ratio: Option<f64>,
    memory_used_bytes: Option<f64>,
    disk_free_ratio: Option<f64>,
    sampled_at: Option<String>,
    started_at: Option<String>,
    version: Option<String>,
}

impl Report {
    /// Returns the report of what the sampler saw.
    pub(super) fn new(sample: &Sample, started_ms: i64, version: &str) -> Self {
        Self {
            cpu_ratio: sample.cpu_ratio,
            memory_used_bytes: sample.memory_used_bytes.map(bytes),
            disk_free_ratio: sample.disk_free_ratio,
            sampled_at: Some(rfc3339(sample.at_ms)),
            started_at: Some(rfc3339(started_ms)),
            version: Some(version.to_owned()),
        }
    }
}

/// Returns the reports by node: the leader's list, so that every node shows the same, and this node's own where it is
/// not on it. One that cannot be read, or is of an older start, is left out.
pub(super) fn reports(
    state: &ControlState,
    told: &[NodeReport],
    own: (&str, &[u8]),
) -> BTreeMap<String, Report> {
    let current = |report: &&NodeReport| {
        state.nodes.get(&report.node).is_some_and(|node| node.incarnation == report.incarnation)
    };
    let mut found: BTreeMap<String, Report> = told
        .iter()
        .filter(current)
        .filter_map(|one| Some((one.node.clone(), serde_json::from_slice(&one.bytes).ok()?)))
        .collect();
    if !found.contains_key(own.0)
        && let Ok(report) = serde_json::from_slice(own.1)
    {
        found.insert(own.0.to_owned(), report);
    }
    found
}

/// Returns every member by name.
pub(super) fn nodes(
    state: &ControlState,
    reports: &BTreeMap<String, Report>,
) -> Result<Vec<NodeView>, ActorsError> {
    let members = state.nodes.iter().filter(|(_, node)| node.member());
    members.map(|(name, node)| view(state, name, node, reports.get(name))).collect()
}

/// Returns one node.
pub(super) fn view(
    state: &ControlState,
    name: &str,
    node: &Node,
    report: Option<&Report>,
) -> Result<NodeView, ActorsError> {
    let reserved = state.sessions.reserved_on(name);
    let count = state.sessions.placed_on(name).len();
    // A node that is down does not tell any more.
    let report = report.filter(|_| node.down_since_ms.is_none()).cloned().unwrap_or_default();
    Ok(NodeView {
        id: name.parse().map_err(ActorsError::internal)?,
        state: node_word(node.state).to_owned(),
        reason: node.reason.clone(),
        up: node.down_since_ms.is_none(),
        down_since: node.down_since_ms.map(time),
        address: node.profile.cluster_address.clone(),
        gateway_url: node.profile.gateway_url.clone(),
        labels: node.profile.labels.clone(),
        roles: node.profile.roles.clone(),
        version: report.version.unwrap_or_else(|| node.profile.build.clone()),
        incarnation: node.incarnation,
        started_at: report.started_at.unwrap_or_else(|| time(node.registered_at_ms)),
        cpu_capacity: cores(node.capacity.cpu_millis),
        cpu_reserved: cores(reserved.cpu_millis),
        cpu_ratio: report.cpu_ratio,
        memory_capacity_mib: node.capacity.memory_mib,
        memory_reserved_mib: reserved.memory_mib,
        memory_used_bytes: report.memory_used_bytes,
        gpu_capacity: node.capacity.gpus,
        gpu_reserved: reserved.gpus,
        session_count: u32::try_from(count).unwrap_or(u32::MAX),
        disk_free_ratio: report.disk_free_ratio,
        sampled_at: report.sampled_at,
    })
}

/// What is known beside control state.
pub(super) struct Seen {
    /// The agreement; absent where the node stands alone.
    pub(super) agreement: Option<RaftView>,
    /// This node's lease; absent where it needs none.
    pub(super) lease: Option<LeaseShort>,
    /// The node that looks.
    pub(super) here: NodeId,
    /// Version of its program.
    pub(super) build: String,
}

impl Seen {
    /// Returns whether changes can be agreed upon, as far as this node knows.
    pub(super) fn quorum(&self) -> bool {
        let Some(raft) = &self.agreement else { return true };
        if raft.role == Role::Leader {
            return raft.millis_since_quorum.is_some_and(|age| age <= QUORUM_AGE_MS_MAX);
        }
        raft.leader.is_some() && self.lease.is_none_or(|lease| lease.held)
    }
}

/// Returns the cluster as this node sees it.
pub(super) fn cluster(state: &ControlState, seen: &Seen) -> Result<ClusterView, ActorsError> {
    let id = state.cluster.map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect());
    let members = members(state, seen)?;
    let voters = |up: bool| {
        let votes = |one: &&MemberView| one.role != "learner" && (one.up || !up);
        u32::try_from(members.iter().filter(votes).count()).unwrap_or(u32::MAX)
    };
    let (voter_count, voters_up) = (voters(false), voters(true));
    let leader = members.iter().find(|one| one.role == "leader").map(|one| one.node.clone());
    Ok(ClusterView {
        id,
        version: state.version,
        alone: seen.agreement.is_none(),
        leader,
        term: seen.agreement.as_ref().map_or(0, |raft| raft.term),
        applied_index: state.applied_index,
        quorum: seen.quorum(),
        voter_count,
        voters_up,
        losses_tolerated: voters_up.saturating_sub(voter_count / 2 + 1),
        members,
    })
}

fn members(state: &ControlState, seen: &Seen) -> Result<Vec<MemberView>, ActorsError> {
    let mut members = Vec::new();
    for (name, node) in state.nodes.iter().filter(|(_, node)| node.member()) {
        let raft = seen.agreement.as_ref();
        let part = raft.and_then(|raft| raft.members.iter().find(|one| one.node == name));
        let alone = raft.is_none() && name == seen.here.as_str();
        let role = match part {
            _ if alone => "leader",
            Some(part) if part.leader => "leader",
            Some(part) if part.voter => "voter",
            Some(_) | None => "learner",
        };
        let last = raft.map_or(0, |raft| raft.last);
        let version = if node.profile.build.is_empty() && name == seen.here.as_str() {
            seen.build.clone()
        } else {
            node.profile.build.clone()
        };
        members.push(MemberView {
            node: name.parse().map_err(ActorsError::internal)?,
            role: role.to_owned(),
            number: node.raft_id,
            address: node.profile.cluster_address.clone(),
            state: node_word(node.state).to_owned(),
            up: node.down_since_ms.is_none(),
            lag: part.and_then(|part| part.matched).map(|matched| last.saturating_sub(matched)),
            incarnation: node.incarnation,
            version,
            protocol_max: u32::from(node.profile.protocol_max),
        });
    }
    Ok(members)
}

/// Returns a link as it is shown; nothing where its peer has a name that no node of ours could have.
pub(super) fn link(link: cluster::router::LinkView) -> Option<LinkView> {
    Some(LinkView {
        peer: link.peer.parse().ok()?,
        state: format!("{:?}", link.state).to_lowercase(),
        rtt_ms: link.rtt_ms,
        since_ms: link.since_ms,
        redials: link.redials,
        bytes_in: link.bytes_in,
        bytes_out: link.bytes_out,
        drops: link.drops,
        messages_under_way: u64::try_from(link.messages_under_way).unwrap_or(u64::MAX),
        reason: link.reason,
    })
}

fn time(ms: u64) -> String {
    rfc3339(i64::try_from(ms).unwrap_or(i64::MAX))
}

fn cores(millis: u64) -> u32 {
    u32::try_from(millis.div_ceil(1_000)).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "memory of a machine is below 2^53 bytes")]
fn bytes(count: u64) -> f64 {
    count as f64
}
