//! What is enforced for a worker, and by which means. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use engine::session::protocol::{LIMITS_VARIABLE, PROTOCOL_MAX, WorkerLimits};

use super::Grant;
use crate::views::LimitView;

/// Workers yield to the node that watches them.
const NICENESS: i32 = 5;
/// glibc makes up to eight arenas per core, each of which keeps memory for itself.
const MALLOC_ARENAS: &str = "2";
/// Files a worker on the processor may hold open: it has its socket, its pipes and an input or two.
const OPEN_FILES: u64 = 1_024;
/// The same with GPUs: their driver opens dozens for each device.
const OPEN_FILES_WITH_GPUS: u64 = 8_192;
/// Threads and processes besides those of the reserved cores.
const PROCESSES_BASE: u64 = 64;
/// Threads for each reserved core: libtorch and OpenMP keep a pool each.
const PROCESSES_PER_CORE: u64 = 8;
/// The same for each GPU: the driver's own.
const PROCESSES_PER_GPU: u64 = 128;
/// The kernel ends a worker before the node, whose loss would cost all of them.
const OOM_SCORE: i32 = 500;

/// A part of control groups that works here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Controller {
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// Processes and threads.
    Pids,
}

/// What this machine grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// Which parts of a control group work, or why there is none.
    pub(crate) controllers: Result<BTreeSet<Controller>, String>,
}

/// What a worker is to get.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Resources, devices and paths.
    pub(crate) grant: &'a Grant,
    /// Cores chosen for it.
    pub(crate) cores: &'a [u32],
}

/// Limits of a control group; absent ones are not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupLimits {
    /// Cores' worth of processor time.
    pub(crate) cpu: Option<u32>,
    /// MiB, without swap.
    pub(crate) memory_mib: Option<u64>,
    /// Processes and threads.
    pub(crate) processes: Option<u64>,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Variables the process is started with.
    pub(crate) environment: BTreeMap<String, String>,
    /// Its control group.
    pub(crate) group: Option<GroupLimits>,
    /// MiB above which the node ends it; absent where the kernel does.
    pub(crate) watched_mib: Option<u64>,
    /// What the node can say of it.
    pub(crate) told: Vec<LimitView>,
}

/// Decides what is enforced for a worker, and by which means.
pub(crate) fn limits_for(wanted: &Wanted<'_>, capabilities: &Capabilities) -> Applied {
    let resources = &wanted.grant.resources;
    let memory_mib = u64::from(resources.memory_mib);
    let processes = processes(wanted.grant);
    let none = BTreeSet::new();
    let works = capabilities.controllers.as_ref().unwrap_or(&none);
    let has = |controller| works.contains(&controller);
    let group = (!works.is_empty()).then(|| GroupLimits {
        cpu: has(Controller::Cpu).then_some(resources.cpu),
        memory_mib: has(Controller::Memory).then_some(memory_mib),
        processes: has(Controller::Pids).then_some(processes),
    });
    let worker = WorkerLimits {
        protocol: PROTOCOL_MAX,
        niceness: NICENESS,
        cores: wanted.cores.to_vec(),
        open_files: Some(if wanted.grant.devices.is_empty() {
            OPEN_FILES
        } else {
            OPEN_FILES_WITH_GPUS
        }),
        processes: (!has(Controller::Pids)).then_some(processes),
        oom_score: Some(OOM_SCORE),
        confine: true,
        read: paths(&wanted.grant.read),
        write: paths(&wanted.grant.write),
        gpus: u32::try_from(wanted.grant.devices.len()).unwrap_or(u32::MAX),
    };
    Applied {
        environment: environment(wanted.grant, &worker),
        watched_mib: (!has(Controller::Memory)).then_some(memory_mib),
        told: told(wanted.grant, capabilities, group.as_ref()),
        group,
    }
}

fn processes(grant: &Grant) -> u64 {
    let gpus = grant.devices.len() as u64;
    PROCESSES_BASE + u64::from(grant.resources.cpu) * PROCESSES_PER_CORE + gpus * PROCESSES_PER_GPU
}

fn paths(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

/// Returns the variables that bind the numeric libraries to what was reserved, and the worker to its limits.
fn environment(grant: &Grant, worker: &WorkerLimits) -> BTreeMap<String, String> {
    let cores = grant.resources.cpu.to_string();
    let mut variables = BTreeMap::from([
        ("OMP_NUM_THREADS".to_owned(), cores.clone()),
        ("MKL_NUM_THREADS".to_owned(), cores),
        ("MALLOC_ARENA_MAX".to_owned(), MALLOC_ARENAS.to_owned()),
        // No device is the empty list; an absent variable would mean all of them.
        ("CUDA_VISIBLE_DEVICES".to_owned(), visible(grant)),
    ]);
    if let Some(own) = worker.write.first().filter(|_| 0 < worker.gpus) {
        // Its usual place is the home directory, which the worker does not see.
        variables.insert("CUDA_CACHE_PATH".to_owned(), format!("{own}/cuda-cache"));
    }
    // A value of plain numbers and text always has a JSON form.
    let limits = serde_json::to_string(worker).unwrap_or_default();
    variables.insert(LIMITS_VARIABLE.to_owned(), limits);
    variables
}

fn visible(grant: &Grant) -> String {
    grant.devices.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

fn told(grant: &Grant, capabilities: &Capabilities, group: Option<&GroupLimits>) -> Vec<LimitView> {
    let resources = &grant.resources;
    let view =
        |name: &str, applied, detail: String| LimitView { name: name.to_owned(), applied, detail };
    let why = match &capabilities.controllers {
        Err(reason) => reason.clone(),
        Ok(_) => "its control group has no such part here".to_owned(),
    };
    let memory_mib = resources.memory_mib;
    let mut told = vec![
        match group.and_then(|group| group.memory_mib) {
            Some(_) => {
                view("memory", true, format!("at most {memory_mib} MiB, by its control group"))
            }
            None => view(
                "memory",
                true,
                format!("at most {memory_mib} MiB, watched by the node (no control group: {why})"),
            ),
        },
        match group.and_then(|group| group.cpu) {
            Some(cpu) => view("cpu_time", true, format!("{cpu} core(s), by its control group")),
            None => view("cpu_time", false, format!("bound by cores and niceness only: {why}")),
        },
        view("threads", true, format!("{} for computing", resources.cpu)),
        view(
            "gpus",
            true,
            match grant.devices.is_empty() {
                true => "none is visible".to_owned(),
                false => format!("only {} visible", visible(grant)),
            },
        ),
    ];
    if let Some(count) = group.and_then(|group| group.processes) {
        told.push(view("processes", true, format!("at most {count}, by its control group")));
    }
    if let Some(seconds) = resources.time_limit_seconds {
        told.push(view("time", true, format!("stopped {seconds} s after its first step")));
    }
    told
}

#[cfg(test)]
mod tests {
    use engine::config::ResourcesConfig;
    use proptest::prelude::*;

    use super::*;

    const ALL: [Controller; 3] = [Controller::Cpu, Controller::Memory, Controller::Pids];

    fn grant(cpu: u32, memory_mib: u32, devices: Vec<u32>) -> Grant {
        let gpus = u32::try_from(devices.len()).unwrap();
        let resources = ResourcesConfig { cpu, memory_mib, gpus, ..ResourcesConfig::default() };
        let write = vec![PathBuf::from("/data/sessions/s")];
        let read = vec![PathBuf::from("/data/blobs/ab/abc")];
        Grant { name: "s".to_owned(), resources, devices, read, write }
    }

    fn decide(grant: &Grant, controllers: Result<BTreeSet<Controller>, String>) -> Applied {
        limits_for(&Wanted { grant, cores: &[2, 5] }, &Capabilities { controllers })
    }

    fn worker(applied: &Applied) -> WorkerLimits {
        serde_json::from_str(&applied.environment[LIMITS_VARIABLE]).unwrap()
    }

    #[test]
    fn threads_follow_the_cores_and_no_gpu_means_none_is_seen() {
        let applied = decide(&grant(3, 64, Vec::new()), Err("no".to_owned()));
        assert_eq!(applied.environment["OMP_NUM_THREADS"], "3");
        assert_eq!(applied.environment["CUDA_VISIBLE_DEVICES"], "");
        assert!(!applied.environment.contains_key("CUDA_CACHE_PATH"));
        let applied = decide(&grant(3, 64, vec![1, 3]), Err("no".to_owned()));
        assert_eq!(applied.environment["CUDA_VISIBLE_DEVICES"], "1,3");
        assert_eq!(applied.environment["CUDA_CACHE_PATH"], "/data/sessions/s/cuda-cache");
        assert_eq!(worker(&applied).gpus, 2);
    }

    #[test]
    fn the_worker_is_told_its_cores_and_paths() {
        let limits = worker(&decide(&grant(2, 64, Vec::new()), Ok(ALL.into())));
        assert_eq!(limits.cores, [2, 5]);
        assert_eq!(limits.read, ["/data/blobs/ab/abc"]);
        assert_eq!(limits.write, ["/data/sessions/s"]);
        assert!(limits.confine && limits.protocol == PROTOCOL_MAX);
    }

    #[test]
    fn without_control_groups_the_node_watches_and_says_why() {
        let applied = decide(&grant(2, 300, Vec::new()), Err("the tree is not ours".to_owned()));
        assert_eq!((applied.group.as_ref(), applied.watched_mib), (None, Some(300)));
        assert!(worker(&applied).processes.is_some());
        let of = |name: &str| applied.told.iter().find(|limit| limit.name == name).unwrap();
        assert!(of("memory").applied && of("memory").detail.contains("300 MiB"));
        assert!(!of("cpu_time").applied);
        assert!(of("cpu_time").detail.contains("the tree is not ours"));
    }

    proptest! {
        #[test]
        fn memory_is_always_limited_by_exactly_one_means_and_processes_too(
            cpu in 1..64_u32,
            memory_mib in 64..100_000_u32,
            works in prop::collection::btree_set(prop::sample::select(ALL.to_vec()), 0..4),
            none in any::<bool>(),
        ) {
            let controllers = if none { Err("none".to_owned()) } else { Ok(works.clone()) };
            let applied = decide(&grant(cpu, memory_mib, Vec::new()), controllers);
            let by_group = applied.group.as_ref().and_then(|group| group.memory_mib);
            prop_assert_eq!(by_group.xor(applied.watched_mib), Some(u64::from(memory_mib)));
            let by_group = applied.group.as_ref().and_then(|group| group.processes);
            prop_assert!(by_group.is_some() != worker(&applied).processes.is_some());
            let names: BTreeSet<_> = applied.told.iter().map(|limit| limit.name.clone()).collect();
            prop_assert_eq!(names.len(), applied.told.len(), "each name once");
        }
    }
}
