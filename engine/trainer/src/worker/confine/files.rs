//! Landlock: which files, which connections, which processes the worker can reach. No right to execute anything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use engine::session::protocol::{WorkerLimit, WorkerLimits};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, RestrictionStatus, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags,
    path_beneath_rules,
};

use super::{applied, missing};

/// Newest interface this was tried with; older kernels give what they have.
const TRIED: ABI = ABI::V7;

/// Libraries, and what the C library, OpenMP and libtorch ask of the system at run time.
const READABLE: [&str; 17] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
];
/// What a CUDA driver needs besides its device files.
const READABLE_FOR_GPUS: [&str; 5] = [
    "/proc/driver/nvidia",
    "/sys/bus/pci",
    "/sys/devices",
    "/usr/local/cuda",
    "/etc/nvidia-container-runtime",
];
/// Directory with a libtorch that has CUDA, where the machine's owner named one.
const CUDA_VARIABLE: &str = "TM_LIBTORCH_CUDA";

pub(super) fn impose(limits: &WorkerLimits) -> Vec<WorkerLimit> {
    match restrict(limits) {
        Ok(status) => tell(&status),
        Err(error) => {
            let why = format!("Landlock refuses the rules: {error}");
            ["files", "tcp", "signals"].map(|name| missing(name, why.clone())).into()
        }
    }
}

fn restrict(limits: &WorkerLimits) -> Result<RestrictionStatus, RulesetError> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let keep = make_bitflags!(AccessFs::{
        ReadFile | ReadDir | WriteFile | Truncate | MakeReg | MakeDir | RemoveFile | RemoveDir | Refer
    });
    let device = make_bitflags!(AccessFs::{ReadFile | ReadDir | WriteFile | IoctlDev});
    Ruleset::default()
        .handle_access(AccessFs::from_all(TRIED))?
        .handle_access(AccessNet::from_all(TRIED))?
        .scope(Scope::from_all(TRIED))?
        .create()?
        .add_rules(path_beneath_rules(readable(limits), read))?
        .add_rules(path_beneath_rules(&limits.write, keep))?
        .add_rules(path_beneath_rules(["/dev/null"], BitFlags::from(AccessFs::WriteFile) | read))?
        .add_rules(path_beneath_rules(gpu_devices(limits), device))?
        .restrict_self()
}

/// Returns everything that may be read; what is not there is passed over by the rules.
fn readable(limits: &WorkerLimits) -> BTreeSet<PathBuf> {
    let mut paths: BTreeSet<PathBuf> = READABLE.iter().map(PathBuf::from).collect();
    paths.extend(limits.read.iter().map(PathBuf::from));
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    paths.extend(mapped(&maps));
    if limits.gpus > 0 {
        paths.extend(READABLE_FOR_GPUS.iter().map(PathBuf::from));
        paths.extend(std::env::var_os(CUDA_VARIABLE).map(PathBuf::from));
    }
    paths
}

/// Returns what this process has mapped: the folders of its libraries, where more of them may be opened later, and its
/// own program, from which a panic reads names.
fn mapped(maps: &str) -> BTreeSet<PathBuf> {
    let files = maps.lines().filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])));
    files
        .filter_map(|file| {
            let library = file.file_name()?.to_str()?.contains(".so");
            if library { file.parent() } else { Some(file) }
        })
        .map(Path::to_path_buf)
        .collect()
}

fn gpu_devices(limits: &WorkerLimits) -> Vec<PathBuf> {
    if limits.gpus == 0 {
        return Vec::new();
    }
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("nvidia"))
        .map(|entry| entry.path())
        .collect()
}

/// Says what holds: each part came with an interface of its own.
fn tell(status: &RestrictionStatus) -> Vec<WorkerLimit> {
    let abi = match (&status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) | (_, LandlockStatus::NotEnabled) => {
            return none("Landlock is not enabled in this kernel (boot with lsm=landlock,…)");
        }
        (_, LandlockStatus::NotImplemented) => {
            return none("this kernel has no Landlock (Linux 5.13 or later has it)");
        }
        (
            RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced,
            LandlockStatus::Available { effective_abi, .. },
        ) => effective_abi,
    };
    let since = |name: &str, from: ABI, holds: &str, linux: &str| {
        if from <= abi {
            applied(name, holds.to_owned())
        } else {
            missing(name, format!("this kernel's Landlock cannot (Linux {linux} can)"))
        }
    };
    let files = if ABI::V3 <= abi {
        "reads its inputs and libraries, writes its own directory, executes nothing"
    } else {
        "reads its inputs and libraries, writes its own directory, executes nothing; this kernel's Landlock lets it cut \
         off other files (Linux 6.2 does not)"
    };
    vec![
        applied("files", files.to_owned()),
        since("tcp", ABI::V4, "neither connects nor listens", "6.7"),
        since("signals", ABI::V6, "sends none to other processes", "6.12"),
    ]
}

fn none(why: &str) -> Vec<WorkerLimit> {
    ["files", "tcp", "signals"].map(|name| missing(name, why.to_owned())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_open_their_folder_and_the_program_only_itself() {
        let maps = "\
55d0-55d1 r-xp 00000000 08:01 12   /opt/tm/bin/tm-worker
7f00-7f01 r--p 00000000 08:01 13   /opt/tm/lib/libtorch_cpu.so
7f01-7f02 r--p 00000000 08:01 14   /usr/lib/x86_64-linux-gnu/libc.so.6
7f02-7f03 rw-p 00000000 00:00 0    [heap]
7f03-7f04 rw-p 00000000 00:00 0
";
        let wanted = ["/opt/tm/bin/tm-worker", "/opt/tm/lib", "/usr/lib/x86_64-linux-gnu"];
        assert_eq!(mapped(maps), wanted.map(PathBuf::from).into());
    }

    #[test]
    fn without_a_gpu_no_device_file_of_one_is_opened() {
        assert!(gpu_devices(&WorkerLimits::default()).is_empty());
        let readable = readable(&WorkerLimits::default());
        assert!(!readable.contains(Path::new("/sys/devices")), "{readable:?}");
    }
}
