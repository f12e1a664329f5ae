//! The table of all routes. Dispatch, permission check, documentation and tests are made from it.

mod auth;
mod cluster;
mod configs;
mod dataset_plan;
mod datasets;
mod ledger;
mod me;
mod scheduler;
mod sessions;
mod strategies;
mod system;

use crate::auth::permissions::{Permission, of_role};
use crate::spec::{Access, Param, ParamKind, RouteSpec};

/// Makes a `Handler` of an async function.
macro_rules! handler {
    ($function:path) => {
        |request| Box::pin($function(request))
    };
}
pub(crate) use handler;

/// Rows per page.
pub(crate) const LIMIT: Param = Param {
    name: "limit",
    kind: ParamKind::Integer(1, 500),
    meaning: "Rows per page; 50 where absent.",
};
/// Where the page begins.
pub(crate) const CURSOR: Param = Param {
    name: "cursor",
    kind: ParamKind::Text(2048),
    meaning: "`next_cursor` of the page before, with the same filters.",
};
/// Query of lists without filters.
pub(crate) const PAGED: &[Param] = &[LIMIT, CURSOR];

/// Returns every route.
pub(crate) fn table() -> Vec<RouteSpec> {
    let mut table = Vec::new();
    table.extend(auth::routes());
    table.extend(me::routes());
    table.extend(strategies::routes());
    table.extend(ledger::routes());
    table.extend(configs::routes());
    table.extend(datasets::routes());
    table.extend(sessions::routes());
    table.extend(cluster::routes());
    table.extend(scheduler::routes());
    table.extend(system::routes());
    table
}

/// What tests and tools may know about a route without calling it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSummary {
    /// `GET` and so on.
    pub method: &'static str,
    /// Path with its `/api/v1` and `{parameters}`.
    pub path: String,
    /// `public`, `cookie`, `signed_in` or `permission`.
    pub access: &'static str,
    /// Roles that may call it.
    pub roles: Vec<&'static str>,
    /// Whether it also serves somebody whose generated password is not changed yet.
    pub before_password_change: bool,
    /// Whether `Idempotency-Key` is required.
    pub idempotent: bool,
    /// Whether `If-Match` is required.
    pub if_match: bool,
    /// Whether a body is read.
    pub has_body: bool,
    /// Status of success.
    pub success: u16,
}

/// Returns a summary of every route, in the order of the table.
#[must_use]
pub fn route_summaries() -> Vec<RouteSummary> {
    table().iter().map(summary).collect()
}

fn summary(spec: &RouteSpec) -> RouteSummary {
    let holds = |role: &str, wanted: &[Permission]| {
        let held = of_role(role);
        wanted.iter().any(|permission| held.contains(permission))
    };
    let (access, roles) = match spec.access {
        Access::Public => ("public", actors::ROLES.to_vec()),
        Access::Cookie => ("cookie", actors::ROLES.to_vec()),
        Access::SignedIn => ("signed_in", actors::ROLES.to_vec()),
        Access::AnyOf(wanted) => {
            ("permission", actors::ROLES.into_iter().filter(|role| holds(role, wanted)).collect())
        }
    };
    RouteSummary {
        method: spec.method.as_str(),
        path: format!("{}{}", crate::openapi::BASE, spec.path),
        access,
        roles,
        before_password_change: spec.before_password_change
            || matches!(spec.access, Access::Public | Access::Cookie),
        idempotent: spec.idempotent,
        if_match: spec.if_match,
        has_body: spec.has_body(),
        success: spec.success,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Verb;
    use std::collections::BTreeSet;

    #[test]
    fn no_route_stands_twice_and_every_path_is_well_formed() {
        let mut seen = BTreeSet::new();
        for spec in table() {
            assert!(seen.insert((spec.method, spec.path)), "{} twice", spec.path);
            assert!(spec.path.starts_with('/') && !spec.path.ends_with('/'), "{}", spec.path);
            assert!(!spec.summary.is_empty() && spec.summary.ends_with('.'), "{}", spec.path);
        }
    }

    #[test]
    fn public_routes_are_these_and_no_more() {
        let open: Vec<&str> = table()
            .iter()
            .filter(|spec| matches!(spec.access, Access::Public | Access::Cookie))
            .map(|spec| spec.path)
            .collect();
        assert_eq!(open, ["/auth/login", "/auth/refresh", "/auth/logout"]);
    }

    #[test]
    fn a_generated_password_opens_these_and_no_more() {
        let open: Vec<&str> = table()
            .iter()
            .filter(|spec| spec.before_password_change)
            .map(|spec| spec.path)
            .collect();
        assert_eq!(open, ["/me", "/me/password"]);
    }

    #[test]
    fn reads_need_reading_permissions_only_and_changes_are_recorded() {
        for spec in table() {
            let changes = spec.method != Verb::Get;
            if let (false, Access::AnyOf(wanted)) = (changes, spec.access) {
                assert!(
                    wanted.iter().all(|permission| permission.to_see() == *permission),
                    "{}",
                    spec.path
                );
            }
            let harmless = ["/configs:validate"].contains(&spec.path);
            assert_eq!(
                spec.audit != crate::spec::Audit::None,
                changes && !harmless,
                "{}",
                spec.path
            );
        }
    }
}
