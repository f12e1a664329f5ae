//! How a node's actors start and end.
//!
//! A [`Platform`] is all that the rest of the program sees: one handle per actor, cheap to clone.

use crate::messages::data::DataHandle;
use crate::messages::identity::IdentityHandle;
use crate::messages::inspect::InspectHandle;
use crate::messages::library::LibraryHandle;
use crate::messages::logs::LogsHandle;
use crate::messages::metrics::MetricsHandle;
use crate::messages::nodes::NodesHandle;
use crate::messages::reports::ReportsHandle;
use crate::messages::sessions::SessionsHandle;
use crate::messages::topics::TopicsHandle;

/// The doors of one node's actors.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Strategies and their versions.
    pub strategies: LibraryHandle,
    /// Data sets and their snapshots.
    pub datasets: DataHandle,
    /// Sessions: submit, command, list, watch.
    pub sessions: SessionsHandle,
    /// Metric points of sessions.
    pub metrics: MetricsHandle,
    /// Log lines of sessions.
    pub logs: LogsHandle,
    /// Back-test reports.
    pub reports: ReportsHandle,
    /// Live topics.
    pub topics: TopicsHandle,
    /// Nodes and what they have.
    pub nodes: NodesHandle,
    /// Users, refresh tokens, the signing key.
    pub identity: IdentityHandle,
    /// The actor tree.
    pub inspect: InspectHandle,
}
