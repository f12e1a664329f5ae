//! A worker's memory as the node sees it: what it alone holds, in memory and in swap.
//!
//! Pages of files (libtorch itself, the data snapshot) are not counted: the kernel takes them back when it needs to,
//! and several workers share them.

use rustix::process::Pid;

/// More memory than was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overrun {
    /// MiB held.
    pub(crate) used_mib: u64,
    /// MiB reserved.
    pub(crate) limit_mib: u64,
}

/// Returns how many MiB a process holds; nothing when it is gone.
pub(crate) fn used_mib(pid: Pid) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    held_kib(&text).map(|kib| kib.div_ceil(1 << 10))
}

/// Returns the sum of the lines that count, in KiB; nothing where the kernel does not tell (a zombie has none).
fn held_kib(status: &str) -> Option<u64> {
    const COUNTED: [&str; 3] = ["RssAnon:", "RssShmem:", "VmSwap:"];
    let mut sum = None;
    for line in status.lines() {
        if let Some(rest) = COUNTED.iter().find_map(|name| line.strip_prefix(name)) {
            let kib: u64 = rest.trim().trim_end_matches("kB").trim_end().parse().ok()?;
            sum = Some(sum.unwrap_or(0) + kib);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_alone_holds_counts_and_files_do_not() {
        let status = "Name:\ttm-worker\nVmRSS:\t  900000 kB\nRssAnon:\t  100000 kB\nRssFile:\t  800000 kB\n\
                      RssShmem:\t       3 kB\nVmSwap:\t      20 kB\nThreads:\t5\n";
        assert_eq!(held_kib(status), Some(100_023));
        assert_eq!(held_kib("Name:\tzombie\nState:\tZ (zombie)\n"), None);
        assert_eq!(held_kib("RssAnon:\t  many kB\n"), None);
    }

    #[test]
    fn memory_that_is_touched_is_seen() {
        let own = rustix::process::getpid();
        let before = used_mib(own).unwrap();
        let touched = vec![1_u8; 64 << 20];
        let after = used_mib(own).unwrap();
        assert_eq!(touched.iter().map(|byte| u64::from(*byte)).sum::<u64>(), 64 << 20);
        assert!(before + 32 < after, "{before} MiB before, {after} MiB with 64 MiB more");
    }
}
