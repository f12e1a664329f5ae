//! What a worker may use, and how that is enforced.
//!
//! ```text
//! resources, capabilities ──limits_for (pure)──► Applied ─┬─► control group made, worker moved in before Start
//!                                                         ├─► environment: threads, devices, WorkerLimits (JSON)
//!                                                         └─► memory watched by the node where no group does it
//! ```
//! The kernel's means come first: a control group (v2) for processor time, memory and processes, where a part of the
//! tree is ours to use. Without one the node itself watches the worker's memory and ends it, because the other means
//! do not fit: RLIMIT_AS and RLIMIT_DATA count what libtorch and CUDA reserve and never touch, and an allocation that
//! fails aborts in the middle of somebody's code without saying why. Cores are a fixed set for each worker; what a
//! process can only do to itself (niceness, affinity, Landlock, namespaces) the worker does, see
//! `trainer::worker::confine`.

pub(crate) mod cores;
pub(crate) mod decide;
pub(crate) mod group;
pub(crate) mod memory;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use engine::config::ResourcesConfig;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity};

use self::cores::Use;
pub(crate) use self::decide::{Applied, Capabilities, Wanted, limits_for};
use self::group::{Group, Parent};
use self::memory::Overrun;
use crate::views::LimitView;

/// What a session gives its worker.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grant {
    /// Names its control group; unique among the workers that run.
    pub(crate) name: String,
    /// What was reserved.
    pub(crate) resources: ResourcesConfig,
    /// Indices of the GPUs it may see.
    pub(crate) devices: Vec<u32>,
    /// Files it reads.
    pub(crate) read: Vec<PathBuf>,
    /// Directories it reads and writes.
    pub(crate) write: Vec<PathBuf>,
}

/// This node's means of limiting workers, and which cores they hold. One for each node.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// Cores this node may use, in the order in which they are given out.
    cores: Vec<u32>,
    used: Arc<Mutex<Use>>,
    groups: Result<Parent, String>,
}

impl Limiter {
    /// Finds out what this machine grants, by trying, and removes what a crash of the node called `node` left behind.
    /// Reads and writes files below `/sys/fs/cgroup`.
    pub(crate) fn discover(node: &str) -> Self {
        let groups = Parent::open(node);
        match &groups {
            Ok(parent) => tracing::info!(%parent, "workers get control groups of their own"),
            Err(reason) => {
                tracing::info!(%reason, "workers get no control groups; the node watches their memory");
            }
        }
        Self::with(node, groups)
    }

    /// Returns a limiter without control groups.
    #[cfg(test)]
    pub(crate) fn without_groups() -> Self {
        Self::with("test", Err("not in this test".to_owned()))
    }

    fn with(node: &str, groups: Result<Parent, String>) -> Self {
        let own = sched_getaffinity(None)
            .map(|set| (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect::<Vec<_>>())
            .unwrap_or_default();
        let own = own.into_iter().filter_map(|core| u32::try_from(core).ok()).collect();
        Self { cores: cores::turned(own, node), used: Arc::default(), groups }
    }

    /// Decides what a worker gets and prepares it: cores are taken, its control group is made.
    pub(crate) fn prepare(&self, grant: &Grant) -> Prepared {
        let cores = self.take(grant.resources.cpu);
        let wanted = Wanted { grant, cores: &cores.cores };
        let controllers = self.groups.as_ref().map(|parent| parent.controllers.clone());
        let mut capabilities = Capabilities { controllers: controllers.map_err(Clone::clone) };
        let mut applied = limits_for(&wanted, &capabilities);
        let made = match (&self.groups, &applied.group) {
            (Ok(parent), Some(limits)) => parent.make(&grant.name, limits).map(Some),
            _ => Ok(None),
        };
        let group = made.unwrap_or_else(|reason| {
            capabilities.controllers = Err(reason);
            applied = limits_for(&wanted, &capabilities);
            None
        });
        Prepared { applied, group, cores }
    }

    fn take(&self, count: u32) -> CoreLease {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let cores = cores::choose(&self.cores, &used, count);
        cores.iter().for_each(|core| *used.entry(*core).or_default() += 1);
        CoreLease { cores, used: Arc::clone(&self.used) }
    }
}

/// Cores held by a worker until this is dropped.
#[derive(Debug)]
struct CoreLease {
    cores: Vec<u32>,
    used: Arc<Mutex<Use>>,
}

impl Drop for CoreLease {
    fn drop(&mut self) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        for core in &self.cores {
            if let Some(count) = used.get_mut(core) {
                *count = count.saturating_sub(1);
            }
        }
    }
}

/// Everything that limits one worker; held until the process is gone.
#[derive(Debug)]
pub(crate) struct Prepared {
    applied: Applied,
    group: Option<Group>,
    cores: CoreLease,
}

impl Prepared {
    /// Returns the variables the process is started with.
    pub(crate) fn environment(&self) -> &BTreeMap<String, String> {
        &self.applied.environment
    }

    /// Puts the process into its control group. Where that is refused the node watches it instead.
    pub(crate) fn enter(&mut self, pid: Pid, grant: &Grant) {
        let Some(group) = &self.group else { return };
        if let Err(reason) = group.enter(pid) {
            let capabilities = Capabilities { controllers: Err(reason) };
            let wanted = Wanted { grant, cores: &self.cores.cores };
            self.applied = limits_for(&wanted, &capabilities);
            self.group = None;
        }
    }

    /// Returns what holds from the node's side and what does not.
    pub(crate) fn told(&self) -> Vec<LimitView> {
        self.applied.told.clone()
    }

    /// Looks whether a running worker holds more memory than was reserved; always `None` where the kernel looks.
    pub(crate) fn look(&self, pid: Pid) -> Option<Overrun> {
        let limit_mib = self.applied.watched_mib?;
        memory::used_mib(pid)
            .filter(|used| limit_mib < *used)
            .map(|used_mib| Overrun { used_mib, limit_mib })
    }

    /// Returns whether the kernel ended the worker because of its memory. Ask after its end.
    pub(crate) fn killed_for(&self) -> Option<Overrun> {
        let group = self.group.as_ref()?;
        let limit_mib = self.applied.group.as_ref()?.memory_mib?;
        group.out_of_memory().map(|used_mib| Overrun { used_mib, limit_mib })
    }
}

#[cfg(test)]
mod tests {
    use engine::session::protocol::{LIMITS_VARIABLE, WorkerLimits};

    use super::*;

    fn cores(worker: &Prepared) -> Vec<u32> {
        let limits: WorkerLimits =
            serde_json::from_str(&worker.environment()[LIMITS_VARIABLE]).unwrap();
        limits.cores
    }

    #[test]
    fn workers_that_run_at_a_time_get_cores_apart_and_give_them_back() {
        let limiter = Limiter::without_groups();
        let count = limiter.cores.len();
        let mut held: Vec<_> = (0..count).map(|_| limiter.prepare(&Grant::default())).collect();
        let mut given: Vec<u32> = held.iter().flat_map(cores).collect();
        given.sort_unstable();
        given.dedup();
        assert_eq!(given.len(), count, "each has its own");
        let freed = held.pop().map(|worker| cores(&worker));
        assert_eq!(Some(cores(&limiter.prepare(&Grant::default()))), freed);
    }

    #[test]
    fn a_group_that_cannot_be_made_leaves_the_memory_to_the_node_and_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let parent = Parent::broken(dir.path().join("nowhere"));
        let limiter = Limiter::with("test", Ok(parent));
        let mut worker = limiter.prepare(&Grant::default());
        assert!(worker.group.is_none() && worker.applied.watched_mib == Some(512));
        let told = worker.told();
        let memory = told.iter().find(|limit| limit.name == "memory").unwrap();
        assert!(memory.detail.contains("cannot be made"), "{memory:?}");
        worker.enter(rustix::process::getpid(), &Grant::default());
        assert_eq!(worker.told(), told, "there is no group to enter");
    }
}
