//! A network namespace of its own: no device but a loopback that is down, so nothing can be reached, by any protocol.

use std::fs;

use engine::session::protocol::{WorkerLimit, WorkerLimits};
use rustix::process::{getgid, getuid};
use rustix::thread::UnshareFlags;

use super::{applied, missing};

const NAME: &str = "network";

/// What came of it.
pub(super) struct Isolated {
    pub(super) told: Vec<WorkerLimit>,
    /// Whether the process has a user namespace of its own.
    pub(super) own_user: bool,
}

pub(super) fn impose(limits: &WorkerLimits) -> Isolated {
    let none =
        |detail: &str| Isolated { told: vec![missing(NAME, detail.to_owned())], own_user: false };
    if limits.gpus > 0 {
        return none("not tried: the GPU's driver may need what lies outside the namespaces");
    }
    match thread_count() {
        Some(1) => {}
        Some(count) => {
            return none(&format!(
                "not tried: {count} threads run already, and all would have to follow"
            ));
        }
        None => return none("not tried: /proc does not tell whether other threads run"),
    }
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    let root = getuid().is_root();
    // Root needs no user namespace, and in one it could not read files of other users any more.
    let direct = root && unshare(UnshareFlags::NEWNET).is_ok();
    if !direct && let Err(error) = unshare(UnshareFlags::NEWNET | UnshareFlags::NEWUSER) {
        return none(&format!(
            "the system gives no network namespace: {error}. Allow unprivileged user namespaces, or leave it to Landlock"
        ));
    }
    if !direct {
        // Only names: files and limits go by the user outside. The process stays the same user in its own eyes.
        let named = fs::write("/proc/self/setgroups", "deny")
            .and_then(|()| fs::write("/proc/self/uid_map", format!("{user} {user} 1")))
            .and_then(|()| fs::write("/proc/self/gid_map", format!("{group} {group} 1")));
        if named.is_err() {
            return Isolated { told: vec![alone("; its user has no name there")], own_user: true };
        }
    }
    Isolated { told: vec![alone("")], own_user: !direct }
}

fn alone(more: &str) -> WorkerLimit {
    applied(NAME, format!("a network namespace of its own, without devices{more}"))
}

#[expect(
    deprecated,
    reason = "its successor is unsafe because of shared file tables (FILES); namespaces of a process with one thread \
              break no rule of Rust"
)]
fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    rustix::thread::unshare(flags)
}

fn thread_count() -> Option<usize> {
    fs::read_dir("/proc/self/task").ok().map(Iterator::count)
}
