//! Limits that a process may always tighten for itself: niceness, cores, open files, processes, privileges.

use engine::session::protocol::{WorkerLimit, WorkerLimits};
use rustix::process::{Resource, Rlimit, getrlimit, getuid, nice, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, CpuSet, sched_setaffinity, set_capabilities, set_no_new_privs,
};

use super::{by, missing};

/// What a process of root keeps: its node's files may belong to somebody else. Landlock still hides all but its own.
const KEPT: CapabilitySet = CapabilitySet::DAC_OVERRIDE.union(CapabilitySet::DAC_READ_SEARCH);

pub(super) fn impose(limits: &WorkerLimits) -> Vec<WorkerLimit> {
    let mut told = Vec::new();
    if let Some(score) = limits.oom_score {
        let outcome = std::fs::write("/proc/self/oom_score_adj", score.to_string());
        let holds =
            format!("{score}: ended before its node when the machine's memory is exhausted");
        told.push(by("oom_score", outcome, holds));
    }
    if limits.niceness > 0 {
        let outcome = nice(limits.niceness).map(|_| ());
        told.push(by("niceness", outcome, limits.niceness.to_string()));
    }
    if !limits.cores.is_empty() {
        told.push(cores(&limits.cores));
    }
    // A dump of its memory holds the strategy and the data.
    told.push(by("core_dumps", lower(Resource::Core, 0), "none".to_owned()));
    if let Some(count) = limits.open_files {
        told.push(by("open_files", lower(Resource::Nofile, count), format!("at most {count}")));
    }
    told
}

fn cores(wanted: &[u32]) -> WorkerLimit {
    let mut set = CpuSet::new();
    let known = wanted.iter().filter_map(|core| usize::try_from(*core).ok());
    known.filter(|core| *core < CpuSet::MAX_CPU).for_each(|core| set.set(core));
    let listed = wanted.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    by("cores", sched_setaffinity(None, &set), format!("runs on {listed} only"))
}

/// Lowers a limit; one that is lower already stays.
fn lower(resource: Resource, to: u64) -> rustix::io::Result<()> {
    let now = getrlimit(resource);
    let least = |limit: Option<u64>| Some(limit.map_or(to, |limit| limit.min(to)));
    setrlimit(resource, Rlimit { current: least(now.current), maximum: least(now.maximum) })
}

/// Limits processes and threads. The kernel counts them per user, so this is a limit of this worker only in a user
/// namespace of its own, and never one for root.
pub(super) fn processes(limits: &WorkerLimits, own_user: bool) -> Option<WorkerLimit> {
    const NAME: &str = "processes";
    // Absent where the node's control group does it.
    let count = limits.processes?;
    if !own_user {
        let why = "the kernel counts them for all of the user's processes together, and this worker has no user \
                   namespace of its own";
        return Some(missing(NAME, why.to_owned()));
    }
    if getuid().is_root() {
        let why = "the kernel does not count processes of root: run the node as another user";
        return Some(missing(NAME, why.to_owned()));
    }
    Some(by(NAME, lower(Resource::Nproc, count), format!("at most {count}")))
}

pub(super) fn privileges() -> WorkerLimit {
    by("privileges", set_no_new_privs(true), "none can be gained by starting a program".to_owned())
}

/// Gives up what root or a new user namespace brought.
pub(super) fn capabilities() -> WorkerLimit {
    let kept = if getuid().is_root() { KEPT } else { CapabilitySet::empty() };
    let sets =
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    let holds = if kept.is_empty() {
        "none"
    } else {
        "none but reading and writing files of other users among its own paths"
    };
    let outcome = set_capabilities(None, sets).or_else(|refused| {
        // In a user namespace of root's these two are not there to be kept.
        let none = CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted: CapabilitySet::empty(),
            inheritable: CapabilitySet::empty(),
        };
        set_capabilities(None, none).map_err(|_| refused)
    });
    by("capabilities", outcome, holds.to_owned())
}
