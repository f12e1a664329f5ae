//! The supervision table as data. The tree is built from it; the documentation shows it and a test compares the two.
//!
//! Unless a row says otherwise: one for one, 5 restarts in 60 s, back-off 0.1 to 30 s with jitter. A spent budget
//! fails upwards; when the root gives up the process ends and the service manager starts it again.

use crate::messages;

/// Name of the root supervisor.
pub(crate) const ROOT: &str = "root";

/// One actor of every node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Name in the directory and in the actor tree.
    pub name: &'static str,
    /// Its folder in `actors/runtime/src`.
    pub folder: &'static str,
    /// What it does, a few words.
    pub does: &'static str,
    /// What happens when it fails.
    pub on_failure: &'static str,
    /// What happens when its node dies.
    pub node_dies: &'static str,
}

/// Every supervised actor of a node, in the order of starting. They are ended in the reverse order.
pub const ROWS: [Row; 15] = [
    Row {
        name: messages::topics::NAME,
        folder: "topics",
        does: "live topics: keeps house for the hub",
        on_failure: "restart; what was published stays",
        node_dies: "subscribers come back with a new epoch and take a snapshot",
    },
    Row {
        name: messages::metrics::NAME,
        folder: "metrics",
        does: "metric points: journal, then topic",
        on_failure: "restart; points are read from the journal again",
        node_dies: "gap until the session runs elsewhere",
    },
    Row {
        name: messages::logs::NAME,
        folder: "logs",
        does: "log lines of sessions",
        on_failure: "restart; lines told meanwhile are lost",
        node_dies: "its lines wait for the disk",
    },
    Row {
        name: messages::library::NAME,
        folder: "library",
        does: "strategies and their versions",
        on_failure: "restart from control state",
        node_dies: "served by the others",
    },
    Row {
        name: messages::data::NAME,
        folder: "data",
        does: "data sets and their snapshots",
        on_failure: "restart from control state; a running import is not answered and leaves nothing",
        node_dies: "served by the others where the snapshot is",
    },
    Row {
        name: messages::identity::NAME,
        folder: "identity",
        does: "users, refresh tokens, the signing key",
        on_failure: "restart from control state",
        node_dies: "served by the others",
    },
    Row {
        name: messages::sessions::NAME,
        folder: "session",
        does: "registry: what everybody is shown of sessions; takes submissions and commands",
        on_failure: "restart from control state",
        node_dies: "served by the others",
    },
    Row {
        name: messages::reports::NAME,
        folder: "reports",
        does: "reports of back-tests, labellings and evaluations",
        on_failure: "restart",
        node_dies: "served by the others where the report is",
    },
    Row {
        name: messages::nodes::NAME,
        folder: "nodes",
        does: "nodes: capacity, reservations, load",
        on_failure: "restart; load is sampled again",
        node_dies: "its load report ages out",
    },
    Row {
        name: messages::scheduler::NAME,
        folder: "scheduler",
        does: "what should run now, what waits and why",
        on_failure: "restart from replicated state",
        node_dies: "the new leader rebuilds",
    },
    Row {
        name: messages::warden::NAME,
        folder: "warden",
        does: "beside the leader: takes sessions from nodes that are lost or drain",
        on_failure: "restart from replicated state",
        node_dies: "the new leader's takes over",
    },
    Row {
        name: messages::host::NAME,
        folder: "host",
        does: "starts, adopts and stops the sessions placed here, and supervises them",
        on_failure: "restart; its sessions end with it and are adopted from their last checkpoint",
        node_dies: "sessions are placed elsewhere, epoch + 1",
    },
    Row {
        name: messages::follower::NAME,
        folder: "follower",
        does: "records of sessions that run elsewhere, while somebody watches them here",
        on_failure: "restart; looks again a second later",
        node_dies: "served by the others",
    },
    Row {
        name: messages::collect::NAME,
        folder: "collect",
        does: "blob collection: deletes files that nothing refers to, fetches those that have too few copies",
        on_failure: "restart; the next round comes two minutes later",
        node_dies: "its files wait for the disk",
    },
    Row {
        name: messages::inspect::NAME,
        folder: "inspect",
        does: "the actor tree for those outside",
        on_failure: "restart",
        node_dies: "served by the others",
    },
];

/// Returns the table as Markdown, as it stands in the documentation.
#[must_use]
pub fn markdown() -> String {
    let head =
        "| actor | folder | does | on failure | when its node dies |\n|---|---|---|---|---|\n"
            .to_owned();
    ROWS.iter().fold(head, |text, row| {
        let Row { name, folder, does, on_failure, node_dies } = row;
        text + &format!(
            "| {name} | `actors/runtime/src/{folder}` | {does} | {on_failure} | {node_dies} |\n"
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn names_are_unique_and_folders_exist() {
        let names: BTreeSet<&str> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ROWS.len());
        for row in ROWS {
            let file =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(row.folder).join("mod.rs");
            assert!(file.is_file(), "{}", file.display());
        }
    }

    #[test]
    fn markdown_has_a_line_per_actor() {
        let text = markdown();
        assert_eq!(text.lines().count(), ROWS.len() + 2);
        assert!(text.lines().all(|line| line.matches('|').count() == 6), "{text}");
    }
}
