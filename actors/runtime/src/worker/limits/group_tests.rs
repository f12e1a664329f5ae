//! Control groups: what is read from the kernel's files, and real groups where this machine has them.
#![allow(clippy::print_stderr, reason = "a capability that is missing is told loudly")]

use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn the_tree_is_found_among_the_mounts_and_the_own_group_in_it() {
    let mounts = "\
25 30 0:23 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
26 25 0:24 / /sys/fs/cgroup/memory rw,nosuid shared:10 - cgroup cgroup rw,memory
27 25 0:25 / /sys/fs/cgroup/unified rw,nosuid shared:11 - cgroup2 cgroup2 rw,nsdelegate
";
    assert_eq!(mount_point(mounts), Some(PathBuf::from("/sys/fs/cgroup/unified")));
    assert_eq!(mount_point("25 30 0:23 / / rw - ext4 /dev/root rw\n"), None);
    let own = "4:memory:/other\n0::/system.slice/tm.service\n";
    assert_eq!(own_group(own).as_deref(), Some("/system.slice/tm.service"));
    assert_eq!(own_group("4:memory:/other\n"), None);
}

#[test]
fn a_node_that_moved_into_a_leaf_finds_the_group_above_again() {
    let at = |own: &str| parent_of(Path::new("/sys/fs/cgroup"), own);
    assert_eq!(at("/tm.service"), PathBuf::from("/sys/fs/cgroup/tm.service"));
    assert_eq!(at("/tm.service/tm-node.node-1"), PathBuf::from("/sys/fs/cgroup/tm.service"));
    assert_eq!(at("/"), PathBuf::from("/sys/fs/cgroup"));
}

#[test]
fn the_count_of_kills_is_not_mistaken_for_another() {
    let events = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n";
    assert_eq!(counted(events, "oom_kill"), Some(2));
    assert_eq!(counted("low 0\n", "oom_kill"), None);
}

#[test]
fn a_group_shared_with_other_processes_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    file("cgroup.type", "domain\n");
    file("cgroup.controllers", "cpuset cpu io memory pids\n");
    file("cgroup.subtree_control", "\n");
    file("cgroup.procs", &format!("1\n{}\n", std::process::id()));
    let reason = Parent::at(dir.path(), "node-1").unwrap_err();
    assert!(reason.contains("Delegate=yes"), "{reason}");
    file("cgroup.controllers", "hugetlb\n");
    let reason = Parent::at(dir.path(), "node-1").unwrap_err();
    assert!(reason.contains("no controller"), "{reason}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4, "nothing was made");
}

/// A parent in the real tree, whether or not it can limit anything.
fn real(node: &str, test: &str) -> Option<Parent> {
    let mounted = mount_point(&fs::read_to_string("/proc/self/mountinfo").unwrap());
    let own = own_group(&fs::read_to_string("/proc/self/cgroup").unwrap());
    let dir = mounted.zip(own).map(|(mounted, own)| parent_of(&mounted, &own));
    let parent = dir.map(|dir| Parent {
        dir,
        prefix: format!("tm-worker.{node}."),
        controllers: BTreeSet::new(),
    });
    let made = parent.and_then(|parent| parent.make("first", &NONE).ok().map(|_| parent));
    if made.is_none() {
        eprintln!("MISSING CAPABILITY cgroup2: {test} NOT RUN");
    }
    made
}

const NONE: GroupLimits = GroupLimits { cpu: None, memory_mib: None, processes: None };

fn sleeper() -> Child {
    Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap()
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn gone(dir: &Path) {
    let begun = Instant::now();
    while dir.exists() {
        assert!(begun.elapsed() < PATIENCE, "{} is still there", dir.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_process_is_moved_into_its_group_which_goes_when_dropped() {
    let node = format!("test-{}", std::process::id());
    let Some(parent) = real(&node, "a_process_is_moved_into_its_group") else { return };
    let group = parent.make("one", &NONE).unwrap();
    let mut child = sleeper();
    group.enter(pid(&child)).unwrap();
    let seen = fs::read_to_string(format!("/proc/{}/cgroup", child.id())).unwrap();
    assert!(own_group(&seen).unwrap().ends_with(&format!("tm-worker.{node}.one")), "{seen}");
    let dir = group.dir.clone();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(group);
    gone(&dir);
}

#[test]
fn what_a_crash_left_behind_is_ended_and_removed_and_other_nodes_keep_theirs() {
    let node = format!("crash-{}", std::process::id());
    let Some(parent) = real(&node, "what_a_crash_left_behind_is_ended_and_removed") else { return };
    let group = parent.make("left", &NONE).unwrap();
    let other = Parent {
        dir: parent.dir.clone(),
        prefix: format!("tm-worker.{node}-b."),
        controllers: BTreeSet::new(),
    };
    let theirs = other.make("kept", &NONE).unwrap();
    let mut child = sleeper();
    group.enter(pid(&child)).unwrap();
    let dir = group.dir.clone();
    // A crash drops nothing.
    std::mem::forget(group);
    clean(&parent.dir, &parent.prefix);
    gone(&dir);
    assert!(!child.wait().unwrap().success(), "it was ended with its group");
    assert!(theirs.dir.exists());
}

#[test]
fn the_kernel_ends_what_takes_more_memory_than_its_group_may() {
    let node = format!("full-{}", std::process::id());
    let parent = match Parent::open(&node) {
        Ok(parent) if parent.controllers.contains(&Controller::Memory) => parent,
        Ok(parent) => {
            eprintln!("MISSING CAPABILITY cgroup2-memory: the_kernel_ends NOT RUN ({parent})");
            return;
        }
        Err(reason) => {
            eprintln!("MISSING CAPABILITY cgroup2-delegated: the_kernel_ends NOT RUN ({reason})");
            return;
        }
    };
    let limits = GroupLimits { cpu: Some(1), memory_mib: Some(64), processes: Some(16) };
    let group = parent.make("hungry", &limits).unwrap();
    // Waits for its input, so that it is in the group before it takes anything.
    let mut child = Command::new("sh")
        .args(["-c", "read line; exec tail /dev/zero"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    group.enter(pid(&child)).unwrap();
    drop(child.stdin.take());
    assert!(!child.wait().unwrap().success());
    let used = group.out_of_memory().expect("the kernel counted the kill");
    assert!((48..=64).contains(&used), "{used} MiB");
}
