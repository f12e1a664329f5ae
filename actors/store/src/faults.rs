//! Named points at which a test may crash the process (feature `testkit`); nothing at all without the feature.
//!
//! `TM_CRASH_AT=<point>` kills this process with SIGKILL when it gets there; `<point>:<n>` at the n-th time.

/// Every point, in the order in which a commit and a put pass them.
pub const POINTS: [&str; 9] = [
    "journal.collected",
    "journal.applied",
    "journal.flushed",
    "journal.synced",
    "log.appended",
    "log.purge_noted",
    "blob.written",
    "blob.synced",
    "blob.renamed",
];

#[cfg(feature = "testkit")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static PLAN: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    pub(super) fn plan() -> Option<&'static (String, u64)> {
        PLAN.get_or_init(|| {
            let text = std::env::var("TM_CRASH_AT").ok()?;
            let (name, count) = text.split_once(':').unwrap_or((&text, "1"));
            Some((name.to_owned(), count.parse().unwrap_or(1)))
        })
        .as_ref()
    }

    pub(super) fn reached(name: &str) -> bool {
        match plan() {
            Some((point, count)) if point == name => {
                PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *count
            }
            Some(_) | None => false,
        }
    }
}

/// Marks a point. Without the feature this is nothing.
pub(crate) fn point(name: &'static str) {
    debug_assert!(POINTS.contains(&name), "{name} is not in the list of crash points");
    #[cfg(feature = "testkit")]
    if armed::reached(name) {
        // As a power cut would: no destructor runs, nothing is flushed.
        let killed =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        debug_assert!(killed.is_ok(), "a process may kill itself");
    }
}
