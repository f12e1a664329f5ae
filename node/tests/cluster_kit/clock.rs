//! A wall clock that jumps, for one node and its workers: a small library before libc, told its offset through a file.
//!
//! Only the wall clock moves. The clocks that leases are measured by cannot jump on a real machine either.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::run;

const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long long *offset;

static long long jump(void) {
    if (!offset) {
        const char *path = getenv("TM_KIT_CLOCK");
        int file = path ? open(path, O_RDONLY) : -1;
        void *page = file < 0 ? MAP_FAILED : mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
        if (0 <= file) close(file);
        if (page == MAP_FAILED) return 0;
        offset = page;
    }
    return *offset;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int answer = real(clock, now);
    if (!answer && clock == CLOCK_REALTIME) now->tv_sec += jump();
    return answer;
}

int gettimeofday(struct timeval *now, void *zone) {
    static int (*real)(struct timeval *, void *);
    if (!real) real = dlsym(RTLD_NEXT, "gettimeofday");
    int answer = real(now, zone);
    if (!answer) now->tv_sec += jump();
    return answer;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"#;

/// One node's wall clock.
pub struct Clock {
    library: PathBuf,
    offset: PathBuf,
}

/// Returns why such clocks cannot be had here, if so.
pub fn unavailable() -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let clock = match Clock::new(dir.path()) {
        Ok(clock) => clock,
        Err(error) => return Some(format!("clock ({error})")),
    };
    clock.jump(1_000_000_000);
    let shown = run(Command::new("date").arg("+%s").envs(clock.environment()));
    let real = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let jumped = shown.as_ref().is_ok_and(|text| {
        text.trim().parse::<u64>().is_ok_and(|seen| real.as_secs() + 900_000_000 < seen)
    });
    (!jumped).then(|| format!("clock (a preloaded library is not heard: {shown:?})"))
}

impl Clock {
    /// Makes it in a directory, telling the right time.
    pub fn new(dir: &Path) -> Result<Self, String> {
        let source = dir.join("clock.c");
        std::fs::write(&source, SOURCE).unwrap();
        let clock = Self { library: dir.join("clock.so"), offset: dir.join("clock.offset") };
        let mut compile = Command::new("cc");
        compile
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&clock.library)
            .arg(&source)
            .arg("-ldl");
        run(&mut compile)?;
        clock.jump(0);
        Ok(clock)
    }

    /// Puts it so many seconds off.
    pub fn jump(&self, seconds: i64) {
        use std::os::unix::fs::FileExt;
        let file =
            std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&self.offset);
        // In place: running programs have the file mapped.
        file.unwrap().write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
    }

    /// Returns the variables that make a program see it.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        BTreeMap::from([
            ("LD_PRELOAD".to_owned(), text(&self.library)),
            ("TM_KIT_CLOCK".to_owned(), text(&self.offset)),
        ])
    }
}
