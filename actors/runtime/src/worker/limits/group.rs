//! Control groups (version 2): one for each worker, below a part of the tree that is ours.
//!
//! Whether that works is found out by doing it: a group is made, its limits are written, it is removed. A group with
//! processes of its own cannot hand limits down, so a node that is alone in its group moves itself into a leaf first;
//! a node that shares its group with others leaves everything as it is. A systemd service gets such a part with
//! `Delegate=yes`.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Pid;

use super::decide::{Controller, GroupLimits};

/// Processor time is dealt out in periods of this length, microseconds.
const PERIOD_US: u64 = 100_000;
/// How often and how long a group is waited for whose last process is just ending.
const REMOVE_TRIES: u32 = 40;
const REMOVE_EVERY: Duration = Duration::from_millis(50);

impl Controller {
    const ALL: [Self; 3] = [Self::Cpu, Self::Memory, Self::Pids];

    fn word(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Pids => "pids",
        }
    }

    /// The file that carries its limit.
    fn limit(self) -> &'static str {
        match self {
            Self::Cpu => "cpu.max",
            Self::Memory => "memory.max",
            Self::Pids => "pids.max",
        }
    }
}

/// The group below which workers get theirs.
#[derive(Debug)]
pub(crate) struct Parent {
    dir: PathBuf,
    /// What the names of this node's workers begin with.
    prefix: String,
    /// Which limits can be set there.
    pub(super) controllers: BTreeSet<Controller>,
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.controllers.iter().map(|one| one.word()).collect();
        write!(f, "{} ({})", self.dir.display(), words.join(", "))
    }
}

impl Parent {
    /// Finds this process's group and makes it one that can limit workers.
    ///
    /// # Errors
    /// Says why this machine does not grant it.
    pub(crate) fn open(node: &str) -> Result<Self, String> {
        let read = |path: &str| {
            fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))
        };
        let mounted = mount_point(&read("/proc/self/mountinfo")?)
            .ok_or("control groups of version 2 are not mounted")?;
        let own = own_group(&read("/proc/self/cgroup")?)
            .ok_or("this process is in no control group of version 2")?;
        Self::at(&parent_of(&mounted, &own), node)
    }

    /// The same below a given group.
    fn at(dir: &Path, node: &str) -> Result<Self, String> {
        let prefix = format!("tm-worker.{node}.");
        clean(dir, &prefix);
        let available = listed(dir, "cgroup.controllers")?;
        if available.is_empty() {
            return Err(format!(
                "{} has no controller for processor time, memory or processes (version 1 may hold them)",
                dir.display()
            ));
        }
        let moved = free_of_processes(dir, node, &available)?;
        let mut parent = Self { dir: dir.to_path_buf(), prefix, controllers: BTreeSet::new() };
        let tried = parent.hand_down(&available).and_then(|()| parent.attempt());
        match tried {
            Ok(controllers) => {
                parent.controllers = controllers;
                Ok(parent)
            }
            Err(reason) => {
                if let Some(leaf) = moved {
                    back(dir, &leaf);
                }
                Err(reason)
            }
        }
    }

    /// Returns one that claims to limit memory in a folder that is not there.
    #[cfg(test)]
    pub(super) fn broken(dir: PathBuf) -> Self {
        Self { dir, prefix: "tm-worker.".to_owned(), controllers: [Controller::Memory].into() }
    }

    /// Lets groups below have as many of these limits as the system grants.
    fn hand_down(&self, wanted: &BTreeSet<Controller>) -> Result<(), String> {
        let control = "cgroup.subtree_control";
        let mut refused = None;
        for controller in wanted - &listed(&self.dir, control)? {
            let asked = write(&self.dir.join(control), &format!("+{}", controller.word()));
            refused = refused.or(asked.err());
        }
        match refused {
            Some(reason) if listed(&self.dir, control)?.is_empty() => Err(reason),
            Some(_) | None => Ok(()),
        }
    }

    /// Makes a group, sets limits, removes it. Returns the limits that could be set.
    fn attempt(&self) -> Result<BTreeSet<Controller>, String> {
        let none = GroupLimits { cpu: None, memory_mib: None, processes: None };
        let group = self.make("trial", &none)?;
        let works: BTreeSet<Controller> = Controller::ALL
            .into_iter()
            .filter(|controller| write(&group.dir.join(controller.limit()), "max").is_ok())
            .collect();
        if works.is_empty() {
            return Err(format!("no limit can be set below {}", self.dir.display()));
        }
        Ok(works)
    }

    /// Makes the group of a worker.
    ///
    /// # Errors
    /// Says what the system refuses; nothing is left behind then.
    pub(super) fn make(&self, name: &str, limits: &GroupLimits) -> Result<Group, String> {
        let dir = self.dir.join(format!("{}{name}", self.prefix));
        if dir.exists() {
            remove(&dir);
        }
        fs::create_dir(&dir)
            .map_err(|error| format!("{} cannot be made: {error}", dir.display()))?;
        let group = Group { dir };
        group.limit(limits)?;
        Ok(group)
    }
}

/// A worker's own group, removed when dropped.
#[derive(Debug)]
pub(crate) struct Group {
    dir: PathBuf,
}

impl Group {
    fn limit(&self, limits: &GroupLimits) -> Result<(), String> {
        if let Some(cpu) = limits.cpu {
            let quota = u64::from(cpu) * PERIOD_US;
            write(&self.dir.join("cpu.max"), &format!("{quota} {PERIOD_US}"))?;
        }
        if let Some(memory_mib) = limits.memory_mib {
            write(&self.dir.join("memory.max"), &(memory_mib << 20).to_string())?;
            // Neither is there on every kernel, and the limit holds without them.
            for (file, value) in [("memory.swap.max", "0"), ("memory.oom.group", "1")] {
                if let Err(reason) = write(&self.dir.join(file), value) {
                    tracing::debug!(%reason, "a refinement of a worker's memory limit is not there");
                }
            }
        }
        if let Some(processes) = limits.processes {
            write(&self.dir.join("pids.max"), &processes.to_string())?;
        }
        Ok(())
    }

    /// Moves a process in, with all its threads.
    ///
    /// # Errors
    /// Says what the system refuses.
    pub(super) fn enter(&self, pid: Pid) -> Result<(), String> {
        write(&self.dir.join("cgroup.procs"), &pid.as_raw_nonzero().to_string())
    }

    /// Returns the most MiB that were held, where the kernel ended a process of this group because of its memory.
    pub(super) fn out_of_memory(&self) -> Option<u64> {
        let read = |file: &str| fs::read_to_string(self.dir.join(file)).ok();
        let killed = counted(&read("memory.events")?, "oom_kill")?;
        if killed == 0 {
            return None;
        }
        let most = read("memory.peak").or_else(|| read("memory.max"))?;
        most.trim().parse::<u64>().ok().map(|bytes| bytes.div_ceil(1 << 20))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if fs::remove_dir(&self.dir).is_ok() {
            return;
        }
        // Its last process is still ending; whoever drops this must not wait for that.
        let dir = self.dir.clone();
        let started = std::thread::Builder::new()
            .name("tm-group-remove".to_owned())
            .spawn(move || remove(&dir));
        if let Err(error) = started {
            tracing::warn!(dir = %self.dir.display(), %error, "a control group is left until the next start");
        }
    }
}

/// Ends what runs in a group and removes it.
fn remove(dir: &Path) {
    for _ in 0..REMOVE_TRIES {
        match fs::remove_dir(dir) {
            Ok(()) => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(_) => {}
        }
        if let Err(reason) = write(&dir.join("cgroup.kill"), "1") {
            tracing::debug!(%reason, "a control group is waited for instead of ended");
        }
        std::thread::sleep(REMOVE_EVERY);
    }
    tracing::warn!(dir = %dir.display(), "a control group could not be removed");
}

/// Removes what a crash left behind.
fn clean(dir: &Path, prefix: &str) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)) {
        tracing::info!(group = %entry.path().display(), "removing the group of a worker that a crash left behind");
        remove(&entry.path());
    }
}

/// Makes sure that a group has no processes of its own, where that is needed. Returns the leaf that this process moved
/// to.
fn free_of_processes(
    dir: &Path,
    node: &str,
    wanted: &BTreeSet<Controller>,
) -> Result<Option<PathBuf>, String> {
    // Only the root of all groups lacks this file; it may have processes and hand down all the same.
    let is_root = !dir.join("cgroup.type").exists();
    if is_root || wanted.is_subset(&listed(dir, "cgroup.subtree_control")?) {
        return Ok(None);
    }
    let path = dir.join("cgroup.procs");
    let text = fs::read_to_string(&path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let own = std::process::id().to_string();
    if text.trim().is_empty() {
        return Ok(None);
    }
    if text.lines().any(|pid| pid != own) {
        return Err(format!(
            "the node shares {} with other processes; run it as a service of its own (systemd: Delegate=yes)",
            dir.display()
        ));
    }
    let leaf = dir.join(format!("{LEAF}{node}"));
    if let Err(error) = fs::create_dir(&leaf)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(format!("{} cannot be made: {error}", leaf.display()));
    }
    write(&leaf.join("cgroup.procs"), &own)?;
    Ok(Some(leaf))
}

/// Undoes the move into a leaf.
fn back(dir: &Path, leaf: &Path) {
    let undone = write(&dir.join("cgroup.procs"), &std::process::id().to_string())
        .and_then(|()| fs::remove_dir(leaf).map_err(|error| error.to_string()));
    if let Err(reason) = undone {
        tracing::warn!(leaf = %leaf.display(), %reason, "the node stays in a control group of its own");
    }
}

/// What the name of a node's own leaf begins with.
const LEAF: &str = "tm-node.";

/// Returns the group below which workers go: the process's own, or the one above where it moved into a leaf before.
fn parent_of(mounted: &Path, own: &str) -> PathBuf {
    let own = mounted.join(own.trim_start_matches('/'));
    let leaf = own.file_name().is_some_and(|name| name.to_string_lossy().starts_with(LEAF));
    match own.parent() {
        Some(above) if leaf => above.to_path_buf(),
        Some(_) | None => own,
    }
}

/// Returns where control groups of version 2 are mounted.
fn mount_point(mountinfo: &str) -> Option<PathBuf> {
    mountinfo.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        (after.split(' ').next() == Some("cgroup2"))
            .then(|| before.split(' ').nth(4).map(PathBuf::from))?
    })
}

/// Returns the process's group of version 2.
fn own_group(cgroup: &str) -> Option<String> {
    cgroup.lines().find_map(|line| line.strip_prefix("0::")).map(str::to_owned)
}

/// Returns the controllers that a file lists.
fn listed(dir: &Path, file: &str) -> Result<BTreeSet<Controller>, String> {
    let path = dir.join(file);
    let text = fs::read_to_string(&path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let words: BTreeSet<&str> = text.split_whitespace().collect();
    Ok(Controller::ALL.into_iter().filter(|one| words.contains(one.word())).collect())
}

/// Returns the number behind a name.
fn counted(events: &str, name: &str) -> Option<u64> {
    events.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{} refuses '{text}': {error}", path.display()))
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
