//! Leaves nothing behind: processes, network namespaces and mounts of a test end with it, on a panic and on Ctrl-C too.
//!
//! Processes carry a mark in their environment, which workers inherit; so nobody is missed and nobody else is hit.
//! Namespaces carry the number of the test's process; those of a test that was itself killed are removed at the next
//! start.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, Once, PoisonError};

use super::run;

/// The variable that marks processes of a test.
pub const MARK: &str = "TM_KIT_RUN";

#[derive(Default)]
struct Rooms {
    spaces: Vec<String>,
    mounts: Vec<PathBuf>,
    dirs: Vec<PathBuf>,
}

static ROOMS: Mutex<Rooms> =
    Mutex::new(Rooms { spaces: Vec::new(), mounts: Vec::new(), dirs: Vec::new() });
static WATCH: Once = Once::new();

fn rooms() -> std::sync::MutexGuard<'static, Rooms> {
    ROOMS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a namespace that is to be removed.
pub fn owns_space(name: &str) {
    rooms().spaces.push(name.to_owned());
}

/// Notes a directory that goes with the test when it is interrupted; otherwise its owner removes it.
pub fn owns_dir(path: &Path) {
    rooms().dirs.push(path.to_owned());
}

/// Notes a mount that is to be undone.
pub fn owns_mount(path: &Path) {
    rooms().mounts.push(path.to_owned());
}

/// Forgets a mount that was undone.
pub fn released_mount(path: &Path) {
    rooms().mounts.retain(|mount| mount != path);
}

/// Removes a namespace now.
pub fn remove_space(name: &str) {
    rooms().spaces.retain(|space| space != name);
    if let Err(error) = run(Command::new("ip").args(["netns", "del", name])) {
        super::say(&format!("namespace {name} stays: {error}"));
    }
}

/// Returns the processes whose environment holds `MARK` with a value that begins so.
pub fn marked(value: &str) -> Vec<u32> {
    let wanted = format!("{MARK}={value}");
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|one| one.starts_with(wanted.as_bytes())) {
            found.push(pid);
        }
    }
    found
}

/// Kills every process of a test, or of one of its clusters, frozen ones too.
pub fn kill_marked(value: &str) {
    for pid in marked(value) {
        super::process::signal(pid, "KILL");
    }
}

/// Cleans up after this process.
fn sweep() {
    kill_marked(&format!("{}-", std::process::id()));
    let left = std::mem::take(&mut *rooms());
    for space in &left.spaces {
        drop(run(Command::new("ip").args(["netns", "del", space])));
    }
    for mount in &left.mounts {
        drop(run(Command::new("umount").arg("-l").arg(mount)));
    }
    for dir in &left.dirs {
        drop(std::fs::remove_dir_all(dir));
    }
}

/// Removes what a test left that was itself killed.
fn sweep_leftovers() {
    let Ok(listed) = run(Command::new("ip").args(["netns", "list"])) else { return };
    for name in listed.lines().filter_map(|line| line.split_whitespace().next()) {
        let owner = name.strip_prefix("tmkit").and_then(|rest| rest.split('-').next());
        let gone = owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists());
        if gone {
            drop(run(Command::new("ip").args(["netns", "del", name])));
        }
    }
}

/// Watches for Ctrl-C from now on. Called by whoever starts something.
pub fn watch() {
    WATCH.call_once(|| {
        sweep_leftovers();
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                use tokio::signal::unix::{SignalKind, signal};
                let mut end = signal(SignalKind::terminate()).unwrap();
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => {}
                    _ = end.recv() => {}
                }
            });
            super::say("interrupted: ending nodes and workers, removing namespaces and mounts");
            sweep();
            std::process::exit(130);
        });
    });
}
