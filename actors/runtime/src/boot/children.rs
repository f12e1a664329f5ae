//! Which actor stands behind each row of the table, and what it is started with.

use std::path::PathBuf;
use std::sync::Arc;

use cluster::supervision::{ChildSpec, RestartPolicy};
use ractor::{Actor, ActorCell};
use store::{Journal, Tables};

use crate::collect::{Collect, CollectArguments, CollectTimes, Stores};
use crate::data::{Data, DataArguments};
use crate::follower::{Follower, FollowerArguments};
use crate::host::Host;
use crate::identity::{Identity, IdentityArguments};
use crate::inspect::{Inspect, InspectArguments};
use crate::library::{Library, LibraryArguments};
use crate::logs::{Logs, LogsArguments};
use crate::messages;
use crate::messages::sessions::SessionsHandle;
use crate::metrics::{Metrics, MetricsArguments};
use crate::nodes::{Here, Nodes, NodesArguments};
use crate::reports::{Reports, ReportsArguments};
use crate::scheduler::{Scheduler, SchedulerArguments};
use crate::session::Context;
use crate::session::registry::Registry;
use crate::topics::Topics;
use crate::topics::hub::Hub;
use crate::tree::ROWS;
use crate::warden::{Leases, Warden, WardenArguments};

/// Everything the actors of a node work with.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) context: Context,
    pub(super) tables: Tables,
    pub(super) journal: Journal,
    pub(super) collect: CollectTimes,
    pub(super) hub: Arc<Hub>,
    pub(super) here: Here,
    pub(super) secrets: PathBuf,
    pub(super) leases: Arc<dyn Leases>,
}

/// Returns the children of the root in the order of the table.
pub(super) fn specs(parts: &Parts) -> Vec<ChildSpec> {
    ROWS.iter().filter_map(|row| spec(row.name, parts)).collect()
}

/// Describes a child: `arguments` are made anew for each of its lives.
fn child<A, F>(name: &'static str, actor: fn() -> A, arguments: F) -> ChildSpec
where
    A: Actor,
    F: Fn() -> A::Arguments + Send + Sync + 'static,
{
    ChildSpec::new(name, RestartPolicy::Restart, move |supervisor: ActorCell| {
        let started = Actor::spawn_linked(None, actor(), arguments(), supervisor);
        async move {
            let (actor, _) = started.await?;
            Ok(actor.get_cell())
        }
    })
}

/// Returns the child called `name`. Every row of the table has one; a test holds it.
fn spec(name: &str, parts: &Parts) -> Option<ChildSpec> {
    let Parts { context, tables, hub, here, secrets, .. } = parts.clone();
    let found = match name {
        messages::topics::NAME => {
            child(messages::topics::NAME, || Topics, move || Arc::clone(&hub))
        }
        messages::metrics::NAME => child(
            messages::metrics::NAME,
            || Metrics,
            move || MetricsArguments {
                table: tables.metrics.clone(),
                topics: context.topics.clone(),
                clock: Arc::clone(&context.clock),
            },
        ),
        messages::logs::NAME => child(
            messages::logs::NAME,
            || Logs,
            move || LogsArguments {
                table: tables.logs.clone(),
                topics: context.topics.clone(),
                clock: Arc::clone(&context.clock),
            },
        ),
        messages::library::NAME => child(
            messages::library::NAME,
            || Library,
            move || LibraryArguments {
                control: context.control.clone(),
                topics: context.topics.clone(),
            },
        ),
        messages::data::NAME => child(
            messages::data::NAME,
            || Data,
            move || DataArguments {
                control: context.control.clone(),
                blobs: context.blobs.clone(),
                depot: context.depot.clone(),
                topics: context.topics.clone(),
            },
        ),
        messages::identity::NAME => child(
            messages::identity::NAME,
            || Identity,
            move || IdentityArguments {
                node: context.node.clone(),
                control: context.control.clone(),
                secrets: secrets.clone(),
                clock: Arc::clone(&context.clock),
            },
        ),
        messages::nodes::NAME => child(
            messages::nodes::NAME,
            || Nodes,
            move || NodesArguments {
                control: context.control.clone(),
                peers: Arc::clone(&context.peers),
                topics: context.topics.clone(),
                clock: Arc::clone(&context.clock),
                here: here.clone(),
            },
        ),
        _ => return work(name, parts),
    };
    Some(found)
}

/// Returns the child called `name` among those that run sessions or look at the tree.
fn work(name: &str, parts: &Parts) -> Option<ChildSpec> {
    let Parts { context, leases, .. } = parts.clone();
    let found = match name {
        messages::sessions::NAME => {
            child(messages::sessions::NAME, || Registry, move || context.clone())
        }
        messages::scheduler::NAME => child(
            messages::scheduler::NAME,
            || Scheduler,
            move || SchedulerArguments {
                control: context.control.clone(),
                directory: context.directory.clone(),
                clock: Arc::clone(&context.clock),
            },
        ),
        messages::warden::NAME => child(
            messages::warden::NAME,
            || Warden,
            move || WardenArguments {
                control: context.control.clone(),
                leases: Arc::clone(&leases),
            },
        ),
        messages::host::NAME => child(messages::host::NAME, || Host, move || context.clone()),
        messages::reports::NAME => child(
            messages::reports::NAME,
            || Reports,
            move || ReportsArguments {
                sessions: SessionsHandle::new(context.directory.clone()),
                blobs: context.blobs.clone(),
                depot: context.depot.clone(),
            },
        ),
        messages::follower::NAME => child(
            messages::follower::NAME,
            || Follower,
            move || FollowerArguments {
                mirror: context.mirror.clone(),
                topics: context.topics.clone(),
            },
        ),
        messages::collect::NAME => {
            let (journal, times) = (parts.journal.clone(), parts.collect);
            let stores = move || Stores {
                control: context.control.clone(),
                journal: journal.clone(),
                tables: context.tables.clone(),
                blobs: context.blobs.clone(),
                depot: context.depot.clone(),
                sessions_dir: context.sessions_dir.clone(),
                clock: Arc::clone(&context.clock),
            };
            child(
                messages::collect::NAME,
                || Collect,
                move || CollectArguments { stores: stores(), times },
            )
        }
        messages::inspect::NAME => child(
            messages::inspect::NAME,
            || Inspect,
            move || InspectArguments {
                directory: context.directory.clone(),
                node: context.node.clone(),
                peers: Arc::clone(&context.peers),
            },
        ),
        _ => return None,
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names as `spec` matches them; the table must list the same.
    const STARTED: [&str; 15] = [
        messages::topics::NAME,
        messages::metrics::NAME,
        messages::logs::NAME,
        messages::library::NAME,
        messages::data::NAME,
        messages::identity::NAME,
        messages::sessions::NAME,
        messages::reports::NAME,
        messages::nodes::NAME,
        messages::scheduler::NAME,
        messages::warden::NAME,
        messages::host::NAME,
        messages::follower::NAME,
        messages::collect::NAME,
        messages::inspect::NAME,
    ];

    #[test]
    fn every_row_of_the_table_is_started_in_its_order() {
        assert_eq!(ROWS.map(|row| row.name), STARTED);
    }
}
