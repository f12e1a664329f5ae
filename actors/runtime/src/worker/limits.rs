//! What a worker may use: niceness, thread counts, devices; and what could not be enforced.

use std::collections::BTreeMap;

use engine::config::ResourcesConfig;
use rustix::process::{Pid, setpriority_process};

/// Workers yield to the node that watches them.
const NICENESS: i32 = 5;
/// glibc makes up to eight arenas per core, each of which keeps memory for itself.
const MALLOC_ARENAS: &str = "2";

/// Returns the variables that bind the numeric libraries to what was reserved.
pub(crate) fn environment(
    resources: &ResourcesConfig,
    devices: &[u32],
) -> BTreeMap<String, String> {
    let cores = resources.cpu.to_string();
    // No device is the empty list; an absent variable would mean all of them.
    let visible = devices.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    BTreeMap::from([
        ("OMP_NUM_THREADS".to_owned(), cores.clone()),
        ("MKL_NUM_THREADS".to_owned(), cores),
        ("MALLOC_ARENA_MAX".to_owned(), MALLOC_ARENAS.to_owned()),
        ("CUDA_VISIBLE_DEVICES".to_owned(), visible),
    ])
}

/// Applies what is applied from outside to a running process and returns one sentence for each limit that is not
/// enforced.
pub(crate) fn apply(pid: Pid, resources: &ResourcesConfig) -> Vec<String> {
    let mut missing = Vec::new();
    if let Err(error) = setpriority_process(Some(pid), NICENESS) {
        missing.push(format!("not enforced: niceness {NICENESS} ({error})"));
    }
    missing.push(format!(
        "not enforced: {} MiB of memory and {} core(s) are reserved by agreement only; thread counts are set, control \
         groups are not used",
        resources.memory_mib, resources.cpu
    ));
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_follow_the_cores_and_no_gpu_means_none_is_seen() {
        let resources = ResourcesConfig { cpu: 3, memory_mib: 64, gpus: 0 };
        let variables = environment(&resources, &[]);
        assert_eq!(variables["OMP_NUM_THREADS"], "3");
        assert_eq!(variables["CUDA_VISIBLE_DEVICES"], "");
        assert_eq!(environment(&resources, &[1, 3])["CUDA_VISIBLE_DEVICES"], "1,3");
    }
}
