//! The closed list of permissions, and the roles as fixed bundles of them.
//!
//! `object:verb[:kind]`. Ownership is a second test: who lacks `objects:write:any` changes only what is their own.

use std::collections::BTreeSet;

/// One thing that may be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Permission {
    /// See strategies, algorithms, schemas.
    StrategyRead,
    /// Make and change strategies.
    StrategyWrite,
    /// See data sets.
    DataRead,
    /// Import and remove data sets.
    DataWrite,
    /// See sessions, metrics, logs, reports.
    SessionRead,
    /// Start training sessions.
    SessionRunTraining,
    /// Start back-tests, labellings and evaluations.
    SessionRunBacktest,
    /// Pause, resume, stop and checkpoint training sessions.
    SessionControlTraining,
    /// Pause, resume, stop back-tests, labellings and evaluations.
    SessionControlBacktest,
    /// See nodes.
    ClusterRead,
    /// Cordon, drain and decommission nodes.
    ClusterOperate,
    /// See queue, capacity and quotas.
    SchedulerRead,
    /// Set quotas.
    SchedulerWrite,
    /// See the actor tree.
    ActorRead,
    /// Change objects of other people.
    ObjectsWriteAny,
}

use Permission as P;

impl Permission {
    /// Every permission, for tables and tests.
    pub(crate) const ALL: [Self; 15] = [
        P::StrategyRead,
        P::StrategyWrite,
        P::DataRead,
        P::DataWrite,
        P::SessionRead,
        P::SessionRunTraining,
        P::SessionRunBacktest,
        P::SessionControlTraining,
        P::SessionControlBacktest,
        P::ClusterRead,
        P::ClusterOperate,
        P::SchedulerRead,
        P::SchedulerWrite,
        P::ActorRead,
        P::ObjectsWriteAny,
    ];

    /// Returns the text in tokens and documents.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            P::StrategyRead => "strategy:read",
            P::StrategyWrite => "strategy:write",
            P::DataRead => "data:read",
            P::DataWrite => "data:write",
            P::SessionRead => "session:read",
            P::SessionRunTraining => "session:run:training",
            P::SessionRunBacktest => "session:run:backtest",
            P::SessionControlTraining => "session:control:training",
            P::SessionControlBacktest => "session:control:backtest",
            P::ClusterRead => "cluster:read",
            P::ClusterOperate => "cluster:operate",
            P::SchedulerRead => "scheduler:read",
            P::SchedulerWrite => "scheduler:write",
            P::ActorRead => "actor:read",
            P::ObjectsWriteAny => "objects:write:any",
        }
    }

    /// Reads the text; unknown ones are nobody's.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == text)
    }

    /// Returns the permission without which the object cannot even be seen.
    pub(crate) fn to_see(self) -> Self {
        match self {
            P::StrategyRead | P::StrategyWrite => P::StrategyRead,
            P::DataRead | P::DataWrite => P::DataRead,
            P::SessionRead
            | P::SessionRunTraining
            | P::SessionRunBacktest
            | P::SessionControlTraining
            | P::SessionControlBacktest => P::SessionRead,
            P::ClusterRead | P::ClusterOperate => P::ClusterRead,
            P::SchedulerRead | P::SchedulerWrite => P::SchedulerRead,
            P::ActorRead => P::ActorRead,
            P::ObjectsWriteAny => P::ObjectsWriteAny,
        }
    }
}

const READS: [Permission; 6] =
    [P::StrategyRead, P::DataRead, P::SessionRead, P::ClusterRead, P::SchedulerRead, P::ActorRead];
const WRITES: [Permission; 6] = [
    P::StrategyWrite,
    P::DataWrite,
    P::SessionRunTraining,
    P::SessionRunBacktest,
    P::SessionControlTraining,
    P::SessionControlBacktest,
];

/// Returns what a role may do; an unknown role may do nothing.
pub(crate) fn of_role(role: &str) -> BTreeSet<Permission> {
    let reads = READS.into_iter();
    match role {
        "viewer" => reads.collect(),
        "operator" => reads.chain([P::ClusterOperate]).collect(),
        "ordinary" | "advanced" => reads.chain(WRITES).collect(),
        "admin" => reads
            .chain(WRITES)
            .chain([P::ClusterOperate, P::SchedulerWrite, P::ObjectsWriteAny])
            .collect(),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_unique_and_read_back() {
        let texts: BTreeSet<_> = Permission::ALL.into_iter().map(Permission::as_str).collect();
        assert_eq!(texts.len(), Permission::ALL.len());
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(permission));
        }
        assert_eq!(Permission::parse("session:run:live"), None);
    }

    #[test]
    fn viewers_only_read_operators_also_order_nodes_and_unknown_roles_do_nothing() {
        let changes = |role: &str| -> Vec<Permission> {
            let held = of_role(role).into_iter();
            held.filter(|permission| permission.to_see() != *permission).collect()
        };
        assert_eq!(changes("viewer"), []);
        assert_eq!(changes("operator"), [P::ClusterOperate]);
        assert!(!of_role("advanced").contains(&P::ClusterOperate));
        assert!(of_role("ordinary").is_superset(&of_role("viewer")));
        assert!(of_role("admin").is_superset(&of_role("advanced")));
        assert!(!of_role("advanced").contains(&P::ObjectsWriteAny));
        assert!(of_role("").is_empty() && of_role("root").is_empty());
    }
}
